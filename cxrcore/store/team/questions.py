"""What is asked of a team's database in PostgreSQL's own words: the same answers as `backends.file_session` gives.

At 2,000 runs the leaderboard is quick by two things: `prediction_sets.measured_at` says what has been measured, and
only macro rows of the sets that stand for a split are looked at, through their own index.
"""

from cxrcore.store.run_folder import LAST

# As in `file_session`: measured before unmeasured, complete before subsets, best before last, one film before views.
_PLACE = f"""row_number() OVER (PARTITION BY run_id, split ORDER BY measured_at IS NOT NULL DESC,
    (n = n_expected) DESC NULLS LAST, coalesce(checkpoint, '') = '{LAST}', coalesce(precision, '') LIKE '%views',
    created_at DESC NULLS LAST, prediction_id DESC)"""
_NEWEST = "row_number() OVER (PARTITION BY {} ORDER BY measurement DESC NULLS LAST, rowid DESC)"

CHOSEN = f"""SELECT prediction_id FROM (SELECT prediction_id, {_PLACE} AS place FROM prediction_sets
    WHERE run_id = ? AND split = ? AND (CAST(? AS VARCHAR) IS NULL OR checkpoint_sha256 = ?)) own
    WHERE place = 1 ORDER BY prediction_id"""

METRICS = f"""SELECT prediction_id, label_set, finding, metric, set_id, value, low, high, n_positive, n, method,
        code_version, (SELECT min(t.name) FROM threshold_sets t WHERE t.set_id = m.set_id) AS threshold_set
    FROM (SELECT *, {_NEWEST.format('prediction_id, label_set, finding, metric, set_id')} AS place FROM metrics
          WHERE prediction_id = ANY(?)) m
    WHERE place = 1 ORDER BY prediction_id, label_set, metric, set_id, finding"""

# Of parts, which DuckDB reads; `place` is a row's place among them.
LOCALIZATION = f"""SELECT prediction_id, method, image_id, finding, hit, iou, iobb, energy FROM (SELECT *,
        {_NEWEST.format('prediction_id, method, image_id, finding').replace('rowid', 'place')} AS own FROM measured) m
    WHERE own = 1 ORDER BY prediction_id, method, image_id, finding"""

_MEANS = ", ".join(f"max({side}) FILTER (WHERE metric = '{name}') AS {name}{end}" for name in ("auroc", "ap")
                   for side, end in (("value", ""), ("low", "_low"), ("high", "_high")))

LEADERBOARD = f"""
    WITH newest AS MATERIALIZED (
        SELECT prediction_id, run_id, split, dataset_id, n, n_expected, checkpoint FROM (
            SELECT *, {_PLACE} AS place FROM prediction_sets) p WHERE place = 1),
    macro AS (SELECT * FROM (
        SELECT m.prediction_id, metric, value, low, high, m.n,
            {_NEWEST.format('m.prediction_id, metric')} AS place
        FROM metrics m JOIN newest USING (prediction_id)
        WHERE label_set = 'csv' AND finding = 'macro' AND metric IN ('auroc', 'ap')) own WHERE place = 1),
    macro_f1 AS (SELECT * FROM (
        SELECT m.prediction_id, m.set_id, value, low, high, {_NEWEST.format('m.prediction_id, m.set_id')} AS place
        FROM metrics m JOIN newest USING (prediction_id)
        WHERE label_set = 'csv' AND finding = 'macro' AND metric = 'f1'
            AND m.set_id IN (SELECT set_id FROM threshold_sets WHERE objective = 'max_f1')) own WHERE place = 1),
    defined AS (SELECT prediction_id, count(value) AS n_defined FROM (
        SELECT m.prediction_id, value, {_NEWEST.format('m.prediction_id, finding')} AS place
        FROM metrics m JOIN newest USING (prediction_id)
        WHERE label_set = 'csv' AND metric = 'auroc' AND finding <> 'macro' AND finding <> 'micro') own
        WHERE place = 1 GROUP BY prediction_id),
    means AS (SELECT prediction_id, max(n) FILTER (WHERE metric = 'auroc') AS n, {_MEANS} FROM macro
        GROUP BY prediction_id),
    f1 AS (SELECT DISTINCT ON (s.prediction_id) s.prediction_id, value, low, high, fitted.split
        FROM macro_f1 m JOIN newest s USING (prediction_id) JOIN threshold_sets t USING (set_id)
        JOIN prediction_sets fitted ON fitted.prediction_id = t.prediction_id AND fitted.run_id = s.run_id
        LEFT JOIN newest val ON val.run_id = s.run_id AND val.split = 'val'
        WHERE value IS NOT NULL
        ORDER BY s.prediction_id, (fitted.prediction_id = val.prediction_id) DESC NULLS LAST,
            (fitted.split = 'val') DESC NULLS LAST, t.created_at DESC NULLS LAST, t.set_id DESC)
    SELECT s.run_id, s.split, s.prediction_id, s.dataset_id, least(means.n, s.n) AS n, s.n_expected, s.checkpoint,
        auroc, auroc_low, auroc_high, ap, ap_low, ap_high, f1.value AS f1, f1.low AS f1_low, f1.high AS f1_high,
        f1.split AS f1_fitted_on, coalesce(n_defined, 0) AS n_defined
    FROM newest s LEFT JOIN means USING (prediction_id) LEFT JOIN f1 USING (prediction_id)
    LEFT JOIN defined USING (prediction_id)
    ORDER BY s.run_id DESC, s.split"""
