"""What is asked of a team's database in PostgreSQL's own words: the same answers as `backends.file_session` gives.

At 2,000 runs the leaderboard is quick by three things: a prediction set's row holds what was measured (`standing`); F1
alone is looked for among the metrics, through its own index; and DISTINCT ON, of whose rows PostgreSQL knows about how
many there will be, takes the newest.
"""

from cxrcore.store.run_folder import LAST
from cxrcore.store.team import standing

# As in `file_session`: measured before unmeasured, complete before subsets, best before last, one film before views.
_FIRST = f"""measured_at IS NOT NULL DESC, (n = n_expected) DESC NULLS LAST, coalesce(checkpoint, '') = '{LAST}',
    coalesce(precision, '') LIKE '%views', created_at DESC NULLS LAST, prediction_id DESC"""
_AGE = "measurement DESC NULLS LAST, rowid DESC"

CHOSEN = f"""SELECT prediction_id FROM (SELECT DISTINCT ON (run_id, split) prediction_id FROM prediction_sets
    WHERE run_id = ? AND split = ? AND (CAST(? AS VARCHAR) IS NULL OR checkpoint_sha256 = ?)
    ORDER BY run_id, split, {_FIRST}) own ORDER BY prediction_id"""

METRICS = f"""SELECT prediction_id, label_set, finding, metric, set_id, value, low, high, n_positive, n, method,
        code_version, (SELECT min(t.name) FROM threshold_sets t WHERE t.set_id = m.set_id) AS threshold_set
    FROM (SELECT DISTINCT ON (prediction_id, label_set, finding, metric, set_id) * FROM metrics
          WHERE prediction_id = ANY(?) ORDER BY prediction_id, label_set, finding, metric, set_id, {_AGE}) m
    ORDER BY prediction_id, label_set, metric, set_id, finding"""

# Of parts, which DuckDB reads; `place` is a row's place among them.
LOCALIZATION = """SELECT prediction_id, method, image_id, finding, hit, iou, iobb, energy FROM (SELECT *, row_number()
    OVER (PARTITION BY prediction_id, method, image_id, finding ORDER BY measurement DESC NULLS LAST, place DESC) AS own
    FROM measured) m WHERE own = 1 ORDER BY prediction_id, method, image_id, finding"""

_MACRO = "label_set = 'csv' AND finding = 'macro'"

LEADERBOARD = f"""
    WITH newest AS MATERIALIZED (
        SELECT *, max(prediction_id) FILTER (WHERE split = 'val') OVER (PARTITION BY run_id) AS of_val FROM (
            SELECT DISTINCT ON (run_id, split) prediction_id, run_id, split, dataset_id, n, n_expected, checkpoint,
                {", ".join(standing.COLUMNS)}
            FROM prediction_sets ORDER BY run_id, split, {_FIRST}) chosen),
    macro_f1 AS (
        SELECT DISTINCT ON (prediction_id, set_id) prediction_id, set_id, value, low, high, run_id, of_val
        FROM metrics m JOIN newest USING (prediction_id) WHERE {_MACRO} AND metric = 'f1'
            AND set_id IN (SELECT set_id FROM threshold_sets WHERE objective = 'max_f1')
        ORDER BY prediction_id, set_id, {_AGE}),
    f1 AS (SELECT DISTINCT ON (m.prediction_id) m.prediction_id, value, low, high, fitted.split
        FROM macro_f1 m JOIN threshold_sets t USING (set_id)
        JOIN prediction_sets fitted ON fitted.prediction_id = t.prediction_id AND fitted.run_id = m.run_id
        WHERE value IS NOT NULL
        ORDER BY m.prediction_id, (fitted.prediction_id = of_val) DESC NULLS LAST,
            (fitted.split = 'val') DESC NULLS LAST, t.created_at DESC NULLS LAST, t.set_id DESC)
    SELECT s.run_id, s.split, s.prediction_id, s.dataset_id, least(macro_n, s.n) AS n, s.n_expected, s.checkpoint,
        macro_auroc AS auroc, macro_auroc_low AS auroc_low, macro_auroc_high AS auroc_high, macro_ap AS ap,
        macro_ap_low AS ap_low, macro_ap_high AS ap_high, f1.value AS f1, f1.low AS f1_low, f1.high AS f1_high,
        f1.split AS f1_fitted_on, coalesce(macro_findings, 0) AS n_defined
    FROM newest s LEFT JOIN f1 USING (prediction_id)
    ORDER BY s.run_id DESC, s.split"""
