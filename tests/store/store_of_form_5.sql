-- Run after store_of_form_4.sql: what the fifth step added to it as it was released. The last form in which the
-- leaderboard looks at every row of metrics. One AUROC is measured again, one finding has none, and one set was never
-- measured on the labels that came with its films.
ALTER TABLE predictions ADD COLUMN id_number BIGINT;
UPDATE predictions SET id_number = CASE prediction_id WHEN 'by hand' THEN 0 ELSE 20260301100000 << 16 END;
INSERT INTO schema_version VALUES (5, '2026-03-01 08:00:00+00');
INSERT INTO metrics BY NAME SELECT '20260301-100000-00000b' AS prediction_id, 'csv' AS label_set, finding,
    'auroc' AS metric, value, low, high, n_positive, 2 AS n, 'measured again' AS method, '1' AS code_version,
    9 AS measurement FROM (VALUES ('macro', 0.81, 0.7, 0.9, 1), ('Hernia', NULL, NULL, NULL, 0))
    r(finding, value, low, high, n_positive);
INSERT INTO metrics BY NAME SELECT 'by hand' AS prediction_id, 'experts' AS label_set, 'macro' AS finding,
    'auroc' AS metric, 0.5 AS value, 2 AS n, 1 AS measurement;
