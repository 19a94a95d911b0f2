-- A store of schema version 3, as its steps made it, the last form without label_set_info: opened by tests to see that
-- it comes up to date and holds what it held. Two runs on two data sets, one label unknown, a measurement made again.
CREATE TABLE schema_version (version INTEGER, applied_at TIMESTAMPTZ);
CREATE TABLE datasets (dataset_id VARCHAR, name VARCHAR, kind VARCHAR, findings VARCHAR[], label_source VARCHAR,
    n_images INTEGER, n_patients INTEGER);
CREATE TABLE images (dataset_id VARCHAR, image_id VARCHAR, patient_id VARCHAR, follow_up INTEGER, age FLOAT,
    sex VARCHAR, view VARCHAR);
CREATE TABLE label_sets (dataset_id VARCHAR, label_set VARCHAR, image_id VARCHAR, labels FLOAT[]);
CREATE TABLE boxes (dataset_id VARCHAR, image_id VARCHAR, finding VARCHAR, x DOUBLE, y DOUBLE, width DOUBLE,
    height DOUBLE);
CREATE TABLE runs (run_id VARCHAR, name VARCHAR, architecture VARCHAR, kind VARCHAR, status VARCHAR,
    started_at TIMESTAMPTZ, finished_at TIMESTAMPTZ, dataset_id VARCHAR, split_scheme VARCHAR, split_seed BIGINT,
    split_fingerprint VARCHAR, config JSON, versions JSON, cost JSON, git_commit VARCHAR, best_epoch INTEGER,
    n_parameters BIGINT, note VARCHAR, archived BOOLEAN);
CREATE TABLE epochs (run_id VARCHAR, epoch INTEGER, train_loss DOUBLE, val_loss DOUBLE, val_macro_auroc DOUBLE,
    val_macro_f1_best DOUBLE, learning_rate DOUBLE, seconds DOUBLE, images_per_second DOUBLE);
CREATE TABLE prediction_sets (prediction_id VARCHAR, run_id VARCHAR, dataset_id VARCHAR, split VARCHAR,
    checkpoint VARCHAR, checkpoint_sha256 VARCHAR, n INTEGER, n_expected INTEGER, precision VARCHAR,
    created_at TIMESTAMPTZ);
CREATE TABLE predictions (prediction_id VARCHAR, image_id VARCHAR, scores FLOAT[]);
CREATE TABLE threshold_sets (set_id VARCHAR, prediction_id VARCHAR, name VARCHAR, objective VARCHAR, parameters JSON,
    thresholds DOUBLE[], author VARCHAR, note VARCHAR, created_at TIMESTAMPTZ);
CREATE TABLE calibrators (calibrator_id VARCHAR, prediction_id VARCHAR, method VARCHAR, parameters JSON,
    created_at TIMESTAMPTZ);
CREATE TABLE metrics (prediction_id VARCHAR, label_set VARCHAR, finding VARCHAR, metric VARCHAR, set_id VARCHAR,
    value DOUBLE, low DOUBLE, high DOUBLE, n_positive INTEGER, n INTEGER, method VARCHAR, code_version VARCHAR,
    measurement INTEGER);
CREATE TABLE localization (prediction_id VARCHAR, method VARCHAR, image_id VARCHAR, finding VARCHAR, hit BOOLEAN,
    iou DOUBLE, iobb DOUBLE, energy DOUBLE, measurement INTEGER);
CREATE VIEW latest_metrics AS
    WITH newest AS (
        SELECT * FROM prediction_sets WHERE n = n_expected AND prediction_id IN (SELECT prediction_id FROM metrics)
        QUALIFY row_number() OVER (PARTITION BY run_id, split ORDER BY created_at DESC, prediction_id DESC) = 1),
    measured AS (
        SELECT * FROM metrics QUALIFY row_number() OVER (PARTITION BY prediction_id, label_set, finding, metric,
            set_id ORDER BY measurement DESC NULLS LAST, rowid DESC) = 1)
    SELECT run_id, runs.name, architecture, split, finding, metric, value, low, high, t.name AS threshold_set
    FROM newest JOIN runs USING (run_id) JOIN measured USING (prediction_id)
    LEFT JOIN threshold_sets t ON t.set_id = measured.set_id
    WHERE label_set = 'csv';
INSERT INTO schema_version VALUES (1, '2026-03-01 08:00:00+00'), (2, '2026-03-01 08:00:00+00'),
    (3, '2026-03-01 08:00:00+00');

INSERT INTO datasets SELECT id, name, kind, ['Atelectasis', 'Cardiomegaly', 'Effusion', 'Infiltration', 'Mass',
    'Nodule', 'Pneumonia', 'Pneumothorax', 'Consolidation', 'Edema', 'Emphysema', 'Fibrosis', 'Pleural_Thickening',
    'Hernia'], 'NIH release', n, n FROM (VALUES ('aaaaaaaaaaa1', 'old films', 'nih', 4), ('aaaaaaaaaaa2',
    'old phantoms', 'phantom', 2)) t(id, name, kind, n);
INSERT INTO images SELECT 'aaaaaaaaaaa1', format('{}.png', i), i::VARCHAR, 0, CASE WHEN i < 3 THEN 50 + i END, 'F', 'PA'
    FROM range(4) r(i) ORDER BY i DESC;
INSERT INTO images SELECT 'aaaaaaaaaaa2', format('{}.png', i), i::VARCHAR, 0, 60, 'M', NULL FROM range(2) r(i);
INSERT INTO label_sets SELECT dataset_id, 'csv', image_id, list_transform(range(14), k -> CASE
    WHEN k = 3 AND image_id = '1.png' THEN 'nan'::FLOAT ELSE ((k + ascii(image_id)) % 2)::FLOAT END) FROM images;
INSERT INTO boxes VALUES ('aaaaaaaaaaa1', '2.png', 'Mass', 1.5, 2, 3, 4);
INSERT INTO runs SELECT id, 'old', 'resnet18', 'trained', 'finished', '2026-03-01 09:00:00+00'::TIMESTAMPTZ,
    '2026-03-01 10:00:00+00'::TIMESTAMPTZ, dataset, 'patient', 0, 'f00', '{"lr": 0.0001}', '{}', '{}', NULL, 1, 11,
    'kept', false FROM (VALUES ('20260301-090000-000001', 'aaaaaaaaaaa1'), ('20260301-090000-000002', 'aaaaaaaaaaa2'))
    t(id, dataset);
INSERT INTO epochs VALUES ('20260301-090000-000001', 1, 0.5, 0.4, 0.7, 0.3, 0.0001, 10, 20);
INSERT INTO prediction_sets VALUES
    ('20260301-100000-00000a', '20260301-090000-000001', 'aaaaaaaaaaa1', 'val', 'model_best.pth', repeat('f', 64), 2, 2,
        'fp32', '2026-03-01 10:00:00+00'),
    ('20260301-100000-00000b', '20260301-090000-000001', 'aaaaaaaaaaa1', 'test', 'model_best.pth', repeat('f', 64), 2, 2,
        'fp32', '2026-03-01 10:00:01+00'),
    ('20260301-100000-00000c', '20260301-090000-000002', 'aaaaaaaaaaa2', 'test', 'model_best.pth', repeat('e', 64), 2, 2,
        'fp32', '2026-03-01 10:00:02+00');
INSERT INTO predictions SELECT prediction_id, image_id, list_transform(range(14), k -> (0.25 + k / 32 +
    ascii(image_id) / 1000)::FLOAT) FROM images JOIN prediction_sets USING (dataset_id)
    WHERE split = 'val' AND image_id < '2' OR split = 'test' AND (image_id >= '2' OR dataset_id = 'aaaaaaaaaaa2')
    ORDER BY prediction_id, image_id;
INSERT INTO threshold_sets VALUES ('20260301-100000-0000f1', '20260301-100000-00000a', 'max F1', 'max_f1',
    '{"unstable": ["Mass"], "not_fitted": ["Hernia"]}', list_transform(range(14), k -> (k + 1) / 16), '', '',
    '2026-03-01 10:00:00+00');
INSERT INTO calibrators VALUES ('20260301-100000-0000c1', '20260301-100000-00000a', 'platt',
    '{"Mass": {"scale": 1.5, "bias": -0.5}}', '2026-03-01 10:00:00+00');
INSERT INTO metrics SELECT '20260301-100000-00000b', 'csv', finding, metric, set_id, value, value - 0.1, value + 0.1, 1,
    2, 'exact', '0.1', measurement FROM (VALUES
    ('macro', 'auroc', NULL, 0.70, 1), ('macro', 'f1', '20260301-100000-0000f1', 0.40, 1),
    ('Mass', 'auroc', NULL, 0.6, 1), ('macro', 'ap', NULL, 0.3, 1), ('macro', 'auroc', NULL, 0.75, 2)) t(finding, metric, set_id, value, measurement);
INSERT INTO localization VALUES
    ('20260301-100000-00000b', 'gradcam', '2.png', 'Mass', true, 0.5, 0.5, 0.5, 1),
    ('20260301-100000-00000b', 'gradcam', '2.png', 'Mass', false, 0.1, 0.1, 0.1, 2);
