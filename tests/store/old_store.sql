-- A store of schema version 2, as its steps made it: opened by tests to see that it comes up to date.
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
    value DOUBLE, low DOUBLE, high DOUBLE, n_positive INTEGER, n INTEGER, method VARCHAR, code_version VARCHAR);
CREATE TABLE localization (prediction_id VARCHAR, method VARCHAR, image_id VARCHAR, finding VARCHAR, hit BOOLEAN,
    iou DOUBLE, iobb DOUBLE, energy DOUBLE);
INSERT INTO schema_version VALUES (1, '2026-01-01 08:00:00+00');
CREATE VIEW latest_metrics AS
    WITH newest AS (
        SELECT * FROM prediction_sets WHERE n = n_expected AND prediction_id IN (SELECT prediction_id FROM metrics)
        QUALIFY row_number() OVER (PARTITION BY run_id, split ORDER BY created_at DESC, prediction_id DESC) = 1)
    SELECT run_id, runs.name, architecture, split, finding, metric, value, low, high, t.name AS threshold_set
    FROM newest JOIN runs USING (run_id) JOIN metrics USING (prediction_id)
    LEFT JOIN threshold_sets t ON t.set_id = metrics.set_id
    WHERE label_set = 'csv';
INSERT INTO schema_version VALUES (2, '2026-01-01 08:00:00+00');

INSERT INTO datasets VALUES ('d1', 'old films', 'nih', ['Atelectasis', 'Cardiomegaly', 'Effusion',
    'Infiltration', 'Mass', 'Nodule', 'Pneumonia', 'Pneumothorax', 'Consolidation', 'Edema', 'Emphysema', 'Fibrosis',
    'Pleural_Thickening', 'Hernia'], 'csv', 2, 2);
INSERT INTO images VALUES ('d1', 'b.png', '2', 0, 50, 'F', 'PA'), ('d1', 'a.png', '1', 0, 60, 'M', 'AP');
INSERT INTO label_sets SELECT 'd1', 'csv', image_id, list_transform(range(14), i -> (image_id = 'a.png')::FLOAT)
    FROM images;
INSERT INTO boxes VALUES ('d1', 'a.png', 'Mass', 1, 2, 3, 4);
INSERT INTO runs VALUES ('20260101-090000-000001', 'old', 'resnet18', 'trained', 'finished', '2026-01-01 09:00:00+00',
    '2026-01-01 10:00:00+00', 'd1', 'patient', 0, 'f00', '{}', '{}', '{}', NULL, 1, 11, 'kept', false);
INSERT INTO epochs VALUES ('20260101-090000-000001', 1, 0.5, 0.4, 0.7, 0.3, 0.0001, 10, 20);
INSERT INTO prediction_sets VALUES ('p1', '20260101-090000-000001', 'd1', 'test', 'model_best.pth', 'ff', 2, 2, 'fp32',
    '2026-01-01 10:00:00+00');
INSERT INTO predictions SELECT 'p1', image_id, list_transform(range(14), i -> (0.25 + i / 32)::FLOAT) FROM images
    ORDER BY image_id;
INSERT INTO threshold_sets VALUES ('t1', 'p1', 'max F1', 'max_f1', '{}', list_transform(range(14), i -> 0.5), '', '',
    '2026-01-01 10:00:00+00');
INSERT INTO calibrators VALUES ('c1', 'p1', 'platt', '{}', '2026-01-01 10:00:00+00');
INSERT INTO metrics VALUES ('p1', 'csv', 'macro', 'auroc', NULL, 0.70, NULL, NULL, 1, 2, 'exact', '0.1');
INSERT INTO metrics VALUES ('p1', 'csv', 'macro', 'f1', 't1', 0.40, NULL, NULL, 1, 2, 'exact', '0.1');
INSERT INTO metrics VALUES ('p1', 'csv', 'macro', 'auroc', NULL, 0.75, NULL, NULL, 1, 2, 'exact', '0.1');
INSERT INTO localization VALUES ('p1', 'gradcam', 'a.png', 'Mass', true, 0.5, 0.5, 0.5);
INSERT INTO localization VALUES ('p1', 'gradcam', 'a.png', 'Mass', false, 0.1, 0.1, 0.1);
