-- Run after store_of_form_3.sql: what the fourth step added to it as it was released. The last form in which a
-- prediction set is found by its text alone. One set has an id as no version makes it, which early ones took in.
CREATE TABLE label_set_info (dataset_id VARCHAR, label_set VARCHAR, findings VARCHAR[], derived JSON,
    source VARCHAR, policy VARCHAR, reader VARCHAR, created_at TIMESTAMPTZ);
INSERT INTO label_set_info SELECT dataset_id, 'csv', findings, '{}', label_source, '', '', NULL FROM datasets;
INSERT INTO schema_version VALUES (4, '2026-03-01 08:00:00+00');
INSERT INTO prediction_sets SELECT 'by hand', run_id, dataset_id, split, checkpoint, checkpoint_sha256, n, n_expected,
    precision, '2026-03-01 10:00:03+00' FROM prediction_sets WHERE prediction_id = '20260301-100000-00000c';
INSERT INTO predictions SELECT 'by hand', image_id, scores FROM predictions
    WHERE prediction_id = '20260301-100000-00000c' ORDER BY image_id;
