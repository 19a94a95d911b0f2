"""What the leaderboard shows of a prediction set, kept in its row: worked out when metrics are written, not when read.

A leaderboard of thousands of runs would else look at tens of thousands of rows of metrics each time. It follows from
the newest measurement on the labels that the data set came with; F1 is not among it, since it follows from the
threshold sets of other predictions too.
"""

_NUMBERS = tuple(f"{name}{end}" for name in ("auroc", "ap") for end in ("", "_low", "_high"))
COLUMNS = ("macro_n", "macro_findings", *(f"macro_{name}" for name in _NUMBERS))  # of prediction_sets

_AGE = "measurement DESC NULLS LAST, rowid DESC"
_MEANS = ", ".join(f"max({side}) FILTER (WHERE metric = '{name}') AS macro_{name}{end}" for name in ("auroc", "ap")
                   for side, end in (("value", ""), ("low", "_low"), ("high", "_high")))

# {which} prediction sets.
KEEP = f"""
    WITH measured AS (SELECT DISTINCT prediction_id FROM metrics WHERE label_set = 'csv' AND {{which}}),
    means AS (SELECT prediction_id, max(n) FILTER (WHERE metric = 'auroc') AS macro_n, {_MEANS} FROM (
        SELECT DISTINCT ON (prediction_id, metric) prediction_id, metric, value, low, high, n FROM metrics
        WHERE label_set = 'csv' AND finding = 'macro' AND metric IN ('auroc', 'ap') AND {{which}}
        ORDER BY prediction_id, metric, {_AGE}) own GROUP BY prediction_id),
    defined AS (SELECT prediction_id, count(value) AS macro_findings FROM (
        SELECT DISTINCT ON (prediction_id, finding) prediction_id, value FROM metrics
        WHERE label_set = 'csv' AND metric = 'auroc' AND finding <> 'macro' AND finding <> 'micro' AND {{which}}
        ORDER BY prediction_id, finding, {_AGE}) own GROUP BY prediction_id),
    found AS (SELECT * FROM measured LEFT JOIN means USING (prediction_id) LEFT JOIN defined USING (prediction_id))
    UPDATE prediction_sets s SET measured_at = coalesce(measured_at, now()),
        {", ".join(f"{name} = found.{name}" for name in COLUMNS)}
    FROM found WHERE s.prediction_id = found.prediction_id"""

# A step of `tables`.
ADD = f"""
    ALTER TABLE prediction_sets ADD COLUMN macro_n INTEGER, ADD COLUMN macro_findings BIGINT,
        {", ".join(f"ADD COLUMN macro_{name} FLOAT8" for name in _NUMBERS)};
    {KEEP.format(which="true")}"""
