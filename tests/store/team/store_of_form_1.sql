CREATE SCHEMA form_1;
CREATE TABLE form_1.boxes (
    dataset_id text COLLATE pg_catalog."C",
    file text NOT NULL COLLATE pg_catalog."C",
    n_rows integer NOT NULL,
    n_bytes bigint NOT NULL,
    sha256 text NOT NULL COLLATE pg_catalog."C",
    rowid bigint NOT NULL
);
ALTER TABLE form_1.boxes ALTER COLUMN rowid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME form_1.boxes_rowid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE form_1.calibrators (
    calibrator_id text COLLATE pg_catalog."C",
    prediction_id text COLLATE pg_catalog."C",
    method text COLLATE pg_catalog."C",
    parameters text COLLATE pg_catalog."C",
    created_at timestamp with time zone,
    rowid bigint NOT NULL
);
ALTER TABLE form_1.calibrators ALTER COLUMN rowid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME form_1.calibrators_rowid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE form_1.commits (
    number bigint NOT NULL,
    write_id text COLLATE pg_catalog."C",
    at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE form_1.commits ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME form_1.commits_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE form_1.datasets (
    dataset_id text COLLATE pg_catalog."C",
    name text COLLATE pg_catalog."C",
    kind text COLLATE pg_catalog."C",
    findings text[] COLLATE pg_catalog."C",
    label_source text COLLATE pg_catalog."C",
    n_images integer,
    n_patients integer,
    rowid bigint NOT NULL
);
ALTER TABLE form_1.datasets ALTER COLUMN rowid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME form_1.datasets_rowid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE form_1.epochs (
    run_id text COLLATE pg_catalog."C",
    epoch integer,
    train_loss double precision,
    val_loss double precision,
    val_macro_auroc double precision,
    val_macro_f1_best double precision,
    learning_rate double precision,
    seconds double precision,
    images_per_second double precision,
    rowid bigint NOT NULL
);
ALTER TABLE form_1.epochs ALTER COLUMN rowid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME form_1.epochs_rowid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE form_1.images (
    dataset_id text COLLATE pg_catalog."C",
    file text NOT NULL COLLATE pg_catalog."C",
    n_rows integer NOT NULL,
    n_bytes bigint NOT NULL,
    sha256 text NOT NULL COLLATE pg_catalog."C",
    rowid bigint NOT NULL
);
ALTER TABLE form_1.images ALTER COLUMN rowid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME form_1.images_rowid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE form_1.label_set_info (
    dataset_id text COLLATE pg_catalog."C",
    label_set text COLLATE pg_catalog."C",
    findings text[] COLLATE pg_catalog."C",
    derived text COLLATE pg_catalog."C",
    source text COLLATE pg_catalog."C",
    policy text COLLATE pg_catalog."C",
    reader text COLLATE pg_catalog."C",
    created_at timestamp with time zone,
    rowid bigint NOT NULL
);
ALTER TABLE form_1.label_set_info ALTER COLUMN rowid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME form_1.label_set_info_rowid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE form_1.label_sets (
    dataset_id text COLLATE pg_catalog."C",
    label_set text COLLATE pg_catalog."C",
    file text NOT NULL COLLATE pg_catalog."C",
    n_rows integer NOT NULL,
    n_bytes bigint NOT NULL,
    sha256 text NOT NULL COLLATE pg_catalog."C",
    rowid bigint NOT NULL
);
ALTER TABLE form_1.label_sets ALTER COLUMN rowid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME form_1.label_sets_rowid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE form_1.metrics (
    prediction_id text COLLATE pg_catalog."C",
    label_set text COLLATE pg_catalog."C",
    finding text COLLATE pg_catalog."C",
    metric text COLLATE pg_catalog."C",
    set_id text COLLATE pg_catalog."C",
    value double precision,
    low double precision,
    high double precision,
    n_positive integer,
    n integer,
    method text COLLATE pg_catalog."C",
    code_version text COLLATE pg_catalog."C",
    measurement integer,
    rowid bigint NOT NULL
);
CREATE TABLE form_1.prediction_sets (
    prediction_id text COLLATE pg_catalog."C",
    run_id text COLLATE pg_catalog."C",
    dataset_id text COLLATE pg_catalog."C",
    split text COLLATE pg_catalog."C",
    checkpoint text COLLATE pg_catalog."C",
    checkpoint_sha256 text COLLATE pg_catalog."C",
    n integer,
    n_expected integer,
    "precision" text COLLATE pg_catalog."C",
    created_at timestamp with time zone,
    measured_at timestamp with time zone,
    rowid bigint NOT NULL
);
CREATE TABLE form_1.runs (
    run_id text COLLATE pg_catalog."C",
    name text COLLATE pg_catalog."C",
    architecture text COLLATE pg_catalog."C",
    kind text COLLATE pg_catalog."C",
    status text COLLATE pg_catalog."C",
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    dataset_id text COLLATE pg_catalog."C",
    split_scheme text COLLATE pg_catalog."C",
    split_seed bigint,
    split_fingerprint text COLLATE pg_catalog."C",
    config text COLLATE pg_catalog."C",
    versions text COLLATE pg_catalog."C",
    cost text COLLATE pg_catalog."C",
    git_commit text COLLATE pg_catalog."C",
    best_epoch integer,
    n_parameters bigint,
    note text COLLATE pg_catalog."C",
    archived boolean,
    rowid bigint NOT NULL
);
CREATE TABLE form_1.threshold_sets (
    set_id text COLLATE pg_catalog."C",
    prediction_id text COLLATE pg_catalog."C",
    name text COLLATE pg_catalog."C",
    objective text COLLATE pg_catalog."C",
    parameters text COLLATE pg_catalog."C",
    thresholds double precision[],
    author text COLLATE pg_catalog."C",
    note text COLLATE pg_catalog."C",
    created_at timestamp with time zone,
    rowid bigint NOT NULL
);
CREATE VIEW form_1.latest_metrics AS
 WITH newest AS (
         SELECT own.prediction_id,
            own.run_id,
            own.dataset_id,
            own.split,
            own.checkpoint,
            own.checkpoint_sha256,
            own.n,
            own.n_expected,
            own."precision",
            own.created_at,
            own.measured_at,
            own.rowid,
            own.place
           FROM ( SELECT prediction_sets.prediction_id,
                    prediction_sets.run_id,
                    prediction_sets.dataset_id,
                    prediction_sets.split,
                    prediction_sets.checkpoint,
                    prediction_sets.checkpoint_sha256,
                    prediction_sets.n,
                    prediction_sets.n_expected,
                    prediction_sets."precision",
                    prediction_sets.created_at,
                    prediction_sets.measured_at,
                    prediction_sets.rowid,
                    row_number() OVER (PARTITION BY prediction_sets.run_id, prediction_sets.split ORDER BY prediction_sets.created_at DESC, prediction_sets.prediction_id DESC) AS place
                   FROM form_1.prediction_sets
                  WHERE ((prediction_sets.n = prediction_sets.n_expected) AND (prediction_sets.prediction_id IN ( SELECT metrics.prediction_id
                           FROM form_1.metrics)))) own
          WHERE (own.place = 1)
        ), measured AS (
         SELECT own.prediction_id,
            own.label_set,
            own.finding,
            own.metric,
            own.set_id,
            own.value,
            own.low,
            own.high,
            own.n_positive,
            own.n,
            own.method,
            own.code_version,
            own.measurement,
            own.rowid,
            own.place
           FROM ( SELECT metrics.prediction_id,
                    metrics.label_set,
                    metrics.finding,
                    metrics.metric,
                    metrics.set_id,
                    metrics.value,
                    metrics.low,
                    metrics.high,
                    metrics.n_positive,
                    metrics.n,
                    metrics.method,
                    metrics.code_version,
                    metrics.measurement,
                    metrics.rowid,
                    row_number() OVER (PARTITION BY metrics.prediction_id, metrics.label_set, metrics.finding, metrics.metric, metrics.set_id ORDER BY metrics.measurement DESC NULLS LAST, metrics.rowid DESC) AS place
                   FROM form_1.metrics) own
          WHERE (own.place = 1)
        )
 SELECT newest.run_id,
    runs.name,
    runs.architecture,
    newest.split,
    measured.finding,
    measured.metric,
    measured.value,
    measured.low,
    measured.high,
    ( SELECT min(t.name) AS min
           FROM form_1.threshold_sets t
          WHERE (t.set_id = measured.set_id)) AS threshold_set
   FROM ((newest
     JOIN form_1.runs USING (run_id))
     JOIN measured USING (prediction_id))
  WHERE (measured.label_set = 'csv'::text);
CREATE TABLE form_1.leases (
    key text NOT NULL COLLATE pg_catalog."C",
    holder text NOT NULL COLLATE pg_catalog."C",
    who text NOT NULL COLLATE pg_catalog."C",
    heard timestamp with time zone NOT NULL
);
CREATE TABLE form_1.localization (
    prediction_id text COLLATE pg_catalog."C",
    measurement integer,
    file text NOT NULL COLLATE pg_catalog."C",
    n_rows integer NOT NULL,
    n_bytes bigint NOT NULL,
    sha256 text NOT NULL COLLATE pg_catalog."C",
    rowid bigint NOT NULL
);
ALTER TABLE form_1.localization ALTER COLUMN rowid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME form_1.localization_rowid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE form_1.metrics ALTER COLUMN rowid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME form_1.metrics_rowid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE form_1.prediction_sets ALTER COLUMN rowid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME form_1.prediction_sets_rowid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE form_1.predictions (
    prediction_id text COLLATE pg_catalog."C",
    id_number bigint,
    file text NOT NULL COLLATE pg_catalog."C",
    n_rows integer NOT NULL,
    n_bytes bigint NOT NULL,
    sha256 text NOT NULL COLLATE pg_catalog."C",
    rowid bigint NOT NULL
);
ALTER TABLE form_1.predictions ALTER COLUMN rowid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME form_1.predictions_rowid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE form_1.runs ALTER COLUMN rowid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME form_1.runs_rowid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE form_1.schema_version (
    version integer,
    applied_at timestamp with time zone,
    rowid bigint NOT NULL
);
ALTER TABLE form_1.schema_version ALTER COLUMN rowid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME form_1.schema_version_rowid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE form_1.store_info (
    store_id text NOT NULL COLLATE pg_catalog."C",
    made_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE form_1.threshold_sets ALTER COLUMN rowid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME form_1.threshold_sets_rowid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
INSERT INTO form_1.commits OVERRIDING SYSTEM VALUE VALUES
	(1, 'ea2e4c9696224b109a5ce061ae6d71a3', '2026-11-28 11:46:35.947661+00'),
	(2, '7c660e28b1f241efb5a874813e08e995', '2026-11-28 11:46:36.571889+00'),
	(3, '82010e3e05424160b5f77bfdc84166cf', '2026-11-28 11:46:36.853913+00'),
	(4, 'a49c609caf724a78a5e00de4f67c51e3', '2026-11-28 11:46:36.866182+00'),
	(5, 'c933e75a1a0c45b8aeceea67680b7f3a', '2026-11-28 11:46:37.087877+00'),
	(6, '731827aa81ca449083b3480088e9cac0', '2026-11-28 11:46:37.342199+00'),
	(7, 'fd14d1a7a2aa4bce9f258e165ecff106', '2026-11-28 11:46:37.395609+00'),
	(8, '6be4a80f90e04d9a8dce6975d1e1fd51', '2026-11-28 11:46:37.414585+00'),
	(9, 'ca8a2bf6914f4ed092c18e221f83a240', '2026-11-28 11:46:37.430648+00'),
	(10, '93e417009899401a8de52ce4b840fd86', '2026-11-28 11:46:37.433721+00'),
	(11, '7f5a093134794ed7b213a015c52e421b', '2026-11-28 11:46:37.456494+00'),
	(12, '1d0f45d9d61447689dc171be4cbc345d', '2026-11-28 11:46:37.47959+00');
INSERT INTO form_1.datasets OVERRIDING SYSTEM VALUE VALUES
	('1c6467c6adc9', 'tiny', 'nih', '{Atelectasis,Cardiomegaly,Effusion,Infiltration,Mass,Nodule,Pneumonia,Pneumothorax,Consolidation,Edema,Emphysema,Fibrosis,Pleural_Thickening,Hernia}', 'csv', 40, 20, 1);
INSERT INTO form_1.images OVERRIDING SYSTEM VALUE VALUES
	('1c6467c6adc9', '1c6467c6adc9-c167a594.parquet', 40, 2155, '76fbb4e0f9a356a633a3fc15901dea4313538589aaecccdca5a86b5c39c41106', 1);
INSERT INTO form_1.label_set_info OVERRIDING SYSTEM VALUE VALUES
	('1c6467c6adc9', 'csv', '{Atelectasis,Cardiomegaly,Effusion,Infiltration,Mass,Nodule,Pneumonia,Pneumothorax,Consolidation,Edema,Emphysema,Fibrosis,Pleural_Thickening,Hernia}', '{}', 'csv', '', '', '2026-11-28 11:46:36.571889+00', 1);
INSERT INTO form_1.label_sets OVERRIDING SYSTEM VALUE VALUES
	('1c6467c6adc9', 'csv', '1c6467c6adc9-csv-9e4fd166.parquet', 40, 1165, '05a024ccf20c09f5965dca7c34edaa7cf79a2a0a0d5c2a867929b73d54ca5125', 1);
INSERT INTO form_1.metrics OVERRIDING SYSTEM VALUE VALUES
	('20261128-114637-a797c1', 'csv', 'Atelectasis', 'auroc', NULL, 0.6, NULL, NULL, 3, 40, 'x', '0.1.0', 1, 1),
	('20261128-114637-a797c1', 'csv', 'Cardiomegaly', 'auroc', NULL, 0.61, NULL, NULL, 3, 39, 'x', '0.1.0', 1, 2),
	('20261128-114637-a797c1', 'csv', 'Effusion', 'auroc', NULL, 0.62, NULL, NULL, 3, 38, 'x', '0.1.0', 1, 3),
	('20261128-114637-a797c1', 'csv', 'Infiltration', 'auroc', NULL, 0.63, NULL, NULL, 3, 37, 'x', '0.1.0', 1, 4),
	('20261128-114637-a797c1', 'csv', 'Mass', 'auroc', NULL, 0.64, NULL, NULL, 3, 36, 'x', '0.1.0', 1, 5),
	('20261128-114637-a797c1', 'csv', 'Nodule', 'auroc', NULL, 0.65, NULL, NULL, 3, 35, 'x', '0.1.0', 1, 6),
	('20261128-114637-a797c1', 'csv', 'Pneumonia', 'auroc', NULL, 0.6599999999999999, NULL, NULL, 3, 34, 'x', '0.1.0', 1, 7),
	('20261128-114637-a797c1', 'csv', 'Pneumothorax', 'auroc', NULL, 0.6699999999999999, NULL, NULL, 3, 33, 'x', '0.1.0', 1, 8),
	('20261128-114637-a797c1', 'csv', 'Consolidation', 'auroc', NULL, 0.6799999999999999, NULL, NULL, 3, 32, 'x', '0.1.0', 1, 9),
	('20261128-114637-a797c1', 'csv', 'Edema', 'auroc', NULL, 0.69, NULL, NULL, 3, 31, 'x', '0.1.0', 1, 10),
	('20261128-114637-a797c1', 'csv', 'Emphysema', 'auroc', NULL, 0.7, NULL, NULL, 3, 30, 'x', '0.1.0', 1, 11),
	('20261128-114637-a797c1', 'csv', 'Fibrosis', 'auroc', NULL, 0.71, NULL, NULL, 3, 29, 'x', '0.1.0', 1, 12),
	('20261128-114637-a797c1', 'csv', 'Pleural_Thickening', 'auroc', NULL, 0.72, NULL, NULL, 3, 28, 'x', '0.1.0', 1, 13),
	('20261128-114637-a797c1', 'csv', 'Hernia', 'auroc', NULL, NULL, NULL, NULL, 3, 27, 'x', '0.1.0', 1, 14),
	('20261128-114637-a797c1', 'csv', 'macro', 'auroc', NULL, 0.74, 0.5, 0.7, 3, 26, 'x', '0.1.0', 1, 15),
	('20261128-114637-a797c1', 'csv', 'Atelectasis', 'ap', NULL, 0.6, NULL, NULL, 3, 40, 'x', '0.1.0', 1, 16),
	('20261128-114637-a797c1', 'csv', 'Cardiomegaly', 'ap', NULL, 0.61, NULL, NULL, 3, 39, 'x', '0.1.0', 1, 17),
	('20261128-114637-a797c1', 'csv', 'Effusion', 'ap', NULL, 0.62, NULL, NULL, 3, 38, 'x', '0.1.0', 1, 18),
	('20261128-114637-a797c1', 'csv', 'Infiltration', 'ap', NULL, 0.63, NULL, NULL, 3, 37, 'x', '0.1.0', 1, 19),
	('20261128-114637-a797c1', 'csv', 'Mass', 'ap', NULL, 0.64, NULL, NULL, 3, 36, 'x', '0.1.0', 1, 20),
	('20261128-114637-a797c1', 'csv', 'Nodule', 'ap', NULL, 0.65, NULL, NULL, 3, 35, 'x', '0.1.0', 1, 21),
	('20261128-114637-a797c1', 'csv', 'Pneumonia', 'ap', NULL, 0.6599999999999999, NULL, NULL, 3, 34, 'x', '0.1.0', 1, 22),
	('20261128-114637-a797c1', 'csv', 'Pneumothorax', 'ap', NULL, 0.6699999999999999, NULL, NULL, 3, 33, 'x', '0.1.0', 1, 23),
	('20261128-114637-a797c1', 'csv', 'Consolidation', 'ap', NULL, 0.6799999999999999, NULL, NULL, 3, 32, 'x', '0.1.0', 1, 24),
	('20261128-114637-a797c1', 'csv', 'Edema', 'ap', NULL, 0.69, NULL, NULL, 3, 31, 'x', '0.1.0', 1, 25),
	('20261128-114637-a797c1', 'csv', 'Emphysema', 'ap', NULL, 0.7, NULL, NULL, 3, 30, 'x', '0.1.0', 1, 26),
	('20261128-114637-a797c1', 'csv', 'Fibrosis', 'ap', NULL, 0.71, NULL, NULL, 3, 29, 'x', '0.1.0', 1, 27),
	('20261128-114637-a797c1', 'csv', 'Pleural_Thickening', 'ap', NULL, 0.72, NULL, NULL, 3, 28, 'x', '0.1.0', 1, 28),
	('20261128-114637-a797c1', 'csv', 'Hernia', 'ap', NULL, NULL, NULL, NULL, 3, 27, 'x', '0.1.0', 1, 29),
	('20261128-114637-a797c1', 'csv', 'macro', 'ap', NULL, 0.74, 0.5, 0.7, 3, 26, 'x', '0.1.0', 1, 30),
	('20261128-114637-a797c1', 'csv', 'macro', 'f1', '20261128-114637-1e1d29', 0.3, 0.1, 0.2, 3, 40, 'x', '0.1.0', 1, 31),
	('20261128-114637-a797c1', 'csv', 'macro', 'f1', '20261128-114637-7ca4aa', 0.3, 0.1, 0.2, 3, 40, 'x', '0.1.0', 1, 32),
	('20261128-114637-38ef9a', 'csv', 'Atelectasis', 'auroc', NULL, 0.5, NULL, NULL, 3, 40, 'x', '0.1.0', 1, 33),
	('20261128-114637-38ef9a', 'csv', 'Cardiomegaly', 'auroc', NULL, 0.51, NULL, NULL, 3, 39, 'x', '0.1.0', 1, 34),
	('20261128-114637-38ef9a', 'csv', 'Effusion', 'auroc', NULL, 0.52, NULL, NULL, 3, 38, 'x', '0.1.0', 1, 35),
	('20261128-114637-38ef9a', 'csv', 'Infiltration', 'auroc', NULL, 0.53, NULL, NULL, 3, 37, 'x', '0.1.0', 1, 36),
	('20261128-114637-38ef9a', 'csv', 'Mass', 'auroc', NULL, 0.54, NULL, NULL, 3, 36, 'x', '0.1.0', 1, 37),
	('20261128-114637-38ef9a', 'csv', 'Nodule', 'auroc', NULL, 0.55, NULL, NULL, 3, 35, 'x', '0.1.0', 1, 38),
	('20261128-114637-38ef9a', 'csv', 'Pneumonia', 'auroc', NULL, 0.56, NULL, NULL, 3, 34, 'x', '0.1.0', 1, 39),
	('20261128-114637-38ef9a', 'csv', 'Pneumothorax', 'auroc', NULL, 0.5700000000000001, NULL, NULL, 3, 33, 'x', '0.1.0', 1, 40),
	('20261128-114637-38ef9a', 'csv', 'Consolidation', 'auroc', NULL, 0.58, NULL, NULL, 3, 32, 'x', '0.1.0', 1, 41),
	('20261128-114637-38ef9a', 'csv', 'Edema', 'auroc', NULL, 0.59, NULL, NULL, 3, 31, 'x', '0.1.0', 1, 42),
	('20261128-114637-38ef9a', 'csv', 'Emphysema', 'auroc', NULL, 0.6, NULL, NULL, 3, 30, 'x', '0.1.0', 1, 43),
	('20261128-114637-38ef9a', 'csv', 'Fibrosis', 'auroc', NULL, 0.61, NULL, NULL, 3, 29, 'x', '0.1.0', 1, 44),
	('20261128-114637-38ef9a', 'csv', 'Pleural_Thickening', 'auroc', NULL, 0.62, NULL, NULL, 3, 28, 'x', '0.1.0', 1, 45),
	('20261128-114637-38ef9a', 'csv', 'Hernia', 'auroc', NULL, NULL, NULL, NULL, 3, 27, 'x', '0.1.0', 1, 46),
	('20261128-114637-38ef9a', 'csv', 'macro', 'auroc', NULL, 0.64, 0.4, 0.6, 3, 26, 'x', '0.1.0', 1, 47),
	('20261128-114637-38ef9a', 'csv', 'Atelectasis', 'ap', NULL, 0.5, NULL, NULL, 3, 40, 'x', '0.1.0', 1, 48),
	('20261128-114637-38ef9a', 'csv', 'Cardiomegaly', 'ap', NULL, 0.51, NULL, NULL, 3, 39, 'x', '0.1.0', 1, 49),
	('20261128-114637-38ef9a', 'csv', 'Effusion', 'ap', NULL, 0.52, NULL, NULL, 3, 38, 'x', '0.1.0', 1, 50),
	('20261128-114637-38ef9a', 'csv', 'Infiltration', 'ap', NULL, 0.53, NULL, NULL, 3, 37, 'x', '0.1.0', 1, 51),
	('20261128-114637-38ef9a', 'csv', 'Mass', 'ap', NULL, 0.54, NULL, NULL, 3, 36, 'x', '0.1.0', 1, 52),
	('20261128-114637-38ef9a', 'csv', 'Nodule', 'ap', NULL, 0.55, NULL, NULL, 3, 35, 'x', '0.1.0', 1, 53),
	('20261128-114637-38ef9a', 'csv', 'Pneumonia', 'ap', NULL, 0.56, NULL, NULL, 3, 34, 'x', '0.1.0', 1, 54),
	('20261128-114637-38ef9a', 'csv', 'Pneumothorax', 'ap', NULL, 0.5700000000000001, NULL, NULL, 3, 33, 'x', '0.1.0', 1, 55),
	('20261128-114637-38ef9a', 'csv', 'Consolidation', 'ap', NULL, 0.58, NULL, NULL, 3, 32, 'x', '0.1.0', 1, 56),
	('20261128-114637-38ef9a', 'csv', 'Edema', 'ap', NULL, 0.59, NULL, NULL, 3, 31, 'x', '0.1.0', 1, 57),
	('20261128-114637-38ef9a', 'csv', 'Emphysema', 'ap', NULL, 0.6, NULL, NULL, 3, 30, 'x', '0.1.0', 1, 58),
	('20261128-114637-38ef9a', 'csv', 'Fibrosis', 'ap', NULL, 0.61, NULL, NULL, 3, 29, 'x', '0.1.0', 1, 59),
	('20261128-114637-38ef9a', 'csv', 'Pleural_Thickening', 'ap', NULL, 0.62, NULL, NULL, 3, 28, 'x', '0.1.0', 1, 60),
	('20261128-114637-38ef9a', 'csv', 'Hernia', 'ap', NULL, NULL, NULL, NULL, 3, 27, 'x', '0.1.0', 1, 61),
	('20261128-114637-38ef9a', 'csv', 'macro', 'ap', NULL, 0.64, 0.4, 0.6, 3, 26, 'x', '0.1.0', 1, 62),
	('20261128-114637-38ef9a', 'csv', 'macro', 'f1', '20261128-114637-1e1d29', 0.25, 0.1, 0.2, 3, 40, 'x', '0.1.0', 1, 63),
	('20261128-114637-38ef9a', 'csv', 'macro', 'f1', '20261128-114637-7ca4aa', 0.25, 0.1, 0.2, 3, 40, 'x', '0.1.0', 1, 64),
	('20261128-114637-38ef9a', 'csv', 'Atelectasis', 'auroc', NULL, 0.7, NULL, NULL, 3, 40, 'x', '0.1.0', 2, 65),
	('20261128-114637-38ef9a', 'csv', 'Cardiomegaly', 'auroc', NULL, 0.71, NULL, NULL, 3, 39, 'x', '0.1.0', 2, 66),
	('20261128-114637-38ef9a', 'csv', 'Effusion', 'auroc', NULL, 0.72, NULL, NULL, 3, 38, 'x', '0.1.0', 2, 67),
	('20261128-114637-38ef9a', 'csv', 'macro', 'auroc', NULL, 0.73, 0.6, 0.7999999999999999, 3, 37, 'x', '0.1.0', 2, 68),
	('20261128-114637-38ef9a', 'csv', 'Atelectasis', 'ap', NULL, 0.7, NULL, NULL, 3, 40, 'x', '0.1.0', 2, 69),
	('20261128-114637-38ef9a', 'csv', 'Cardiomegaly', 'ap', NULL, 0.71, NULL, NULL, 3, 39, 'x', '0.1.0', 2, 70),
	('20261128-114637-38ef9a', 'csv', 'Effusion', 'ap', NULL, 0.72, NULL, NULL, 3, 38, 'x', '0.1.0', 2, 71),
	('20261128-114637-38ef9a', 'csv', 'macro', 'ap', NULL, 0.73, 0.6, 0.7999999999999999, 3, 37, 'x', '0.1.0', 2, 72),
	('20261128-114637-38ef9a', 'csv', 'macro', 'f1', '20261128-114637-1e1d29', 0.35, 0.1, 0.2, 3, 40, 'x', '0.1.0', 2, 73),
	('20261128-114637-38ef9a', 'csv', 'macro', 'f1', '20261128-114637-7ca4aa', 0.35, 0.1, 0.2, 3, 40, 'x', '0.1.0', 2, 74);
INSERT INTO form_1.prediction_sets OVERRIDING SYSTEM VALUE VALUES
	('20261128-114637-b99c46', '20261128-114636-6e5294', '1c6467c6adc9', 'test', NULL, NULL, 40, 40, 'fp32', '2026-11-28 11:46:37.395609+00', NULL, 3),
	('20261128-114637-a797c1', '20261128-114636-7b93e1', '1c6467c6adc9', 'val', NULL, NULL, 40, 40, 'fp32', '2026-11-28 11:46:37.087877+00', '2026-11-28 11:46:37.433721+00', 1),
	('20261128-114637-38ef9a', '20261128-114636-7b93e1', '1c6467c6adc9', 'test', NULL, NULL, 40, 41, 'fp32', '2026-11-28 11:46:37.342199+00', '2026-11-28 11:46:37.456494+00', 2);
INSERT INTO form_1.predictions OVERRIDING SYSTEM VALUE VALUES
	('20261128-114637-a797c1', 1327833292120893335, '20261128-114637-a797c1-caa11c38.parquet', 40, 1066, '7216a76aaca149b137f9bdf88671c9944f34e19529923ccf00ffaa310df4eb6c', 1),
	('20261128-114637-38ef9a', 1327833292120865007, '20261128-114637-38ef9a-7b8055d6.parquet', 40, 1066, '7216a76aaca149b137f9bdf88671c9944f34e19529923ccf00ffaa310df4eb6c', 2),
	('20261128-114637-b99c46', 1327833292120897948, '20261128-114637-b99c46-59ab3fd9.parquet', 40, 1066, '7216a76aaca149b137f9bdf88671c9944f34e19529923ccf00ffaa310df4eb6c', 3);
INSERT INTO form_1.runs OVERRIDING SYSTEM VALUE VALUES
	('20261128-114636-7b93e1', 'first', 'resnet18', 'trained', 'running', '2026-11-28 11:46:36.853913+00', NULL, '1c6467c6adc9', 'given', 0, '', '{"name": "first", "arch": "resnet18"}', '{}', '{}', NULL, NULL, NULL, '', false, 1),
	('20261128-114636-6e5294', 'second', 'vgg16', 'trained', 'running', '2026-11-28 11:46:36.866182+00', NULL, '1c6467c6adc9', 'given', 0, '', '{"name": "second", "arch": "vgg16"}', '{}', '{}', NULL, NULL, NULL, '', false, 2);
INSERT INTO form_1.schema_version OVERRIDING SYSTEM VALUE VALUES
	(1, '2026-11-28 11:46:35.947661+00', 1);
INSERT INTO form_1.store_info VALUES
	('7acce30f4af7d24c', '2026-11-28 11:46:35.947661+00');
INSERT INTO form_1.threshold_sets OVERRIDING SYSTEM VALUE VALUES
	('20261128-114637-1e1d29', '20261128-114637-a797c1', 'max_f1', 'max_f1', '{}', '{0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5}', '', '', '2026-11-28 11:46:37.414585+00', 1),
	('20261128-114637-7ca4aa', '20261128-114637-a797c1', 'youden', 'youden', '{}', '{0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5}', '', '', '2026-11-28 11:46:37.430648+00', 2);
SELECT pg_catalog.setval('form_1.boxes_rowid_seq', 1, false);
SELECT pg_catalog.setval('form_1.calibrators_rowid_seq', 1, false);
SELECT pg_catalog.setval('form_1.commits_number_seq', 12, true);
SELECT pg_catalog.setval('form_1.datasets_rowid_seq', 1, true);
SELECT pg_catalog.setval('form_1.epochs_rowid_seq', 1, false);
SELECT pg_catalog.setval('form_1.images_rowid_seq', 1, true);
SELECT pg_catalog.setval('form_1.label_set_info_rowid_seq', 1, true);
SELECT pg_catalog.setval('form_1.label_sets_rowid_seq', 1, true);
SELECT pg_catalog.setval('form_1.localization_rowid_seq', 1, false);
SELECT pg_catalog.setval('form_1.metrics_rowid_seq', 74, true);
SELECT pg_catalog.setval('form_1.prediction_sets_rowid_seq', 3, true);
SELECT pg_catalog.setval('form_1.predictions_rowid_seq', 3, true);
SELECT pg_catalog.setval('form_1.runs_rowid_seq', 2, true);
SELECT pg_catalog.setval('form_1.schema_version_rowid_seq', 1, true);
SELECT pg_catalog.setval('form_1.threshold_sets_rowid_seq', 2, true);
ALTER TABLE ONLY form_1.commits
    ADD CONSTRAINT commits_pkey PRIMARY KEY (number);
ALTER TABLE ONLY form_1.commits
    ADD CONSTRAINT commits_write_id_key UNIQUE (write_id);
ALTER TABLE ONLY form_1.leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (key);
CREATE INDEX calibrators_prediction_id_idx ON form_1.calibrators USING btree (prediction_id);
CREATE INDEX epochs_run_id_epoch_idx ON form_1.epochs USING btree (run_id, epoch);
CREATE INDEX images_dataset_id_idx ON form_1.images USING btree (dataset_id);
CREATE INDEX label_sets_dataset_id_label_set_idx ON form_1.label_sets USING btree (dataset_id, label_set);
CREATE INDEX localization_prediction_id_idx ON form_1.localization USING btree (prediction_id);
CREATE INDEX metrics_prediction_id_finding_value_measurement_rowid_idx ON form_1.metrics USING btree (prediction_id, finding) INCLUDE (value, measurement, rowid) WHERE ((label_set = 'csv'::text) AND (metric = 'auroc'::text));
CREATE INDEX metrics_prediction_id_label_set_metric_idx ON form_1.metrics USING btree (prediction_id, label_set, metric);
CREATE INDEX metrics_prediction_id_metric_set_id_value_low_high_n_measur_idx ON form_1.metrics USING btree (prediction_id, metric) INCLUDE (set_id, value, low, high, n, measurement, rowid) WHERE ((label_set = 'csv'::text) AND (finding = 'macro'::text) AND (metric = ANY (ARRAY['auroc'::text, 'ap'::text, 'f1'::text])));
CREATE INDEX prediction_sets_prediction_id_idx ON form_1.prediction_sets USING btree (prediction_id);
CREATE INDEX prediction_sets_run_id_split_idx ON form_1.prediction_sets USING btree (run_id, split);
CREATE INDEX predictions_prediction_id_idx ON form_1.predictions USING btree (prediction_id);
CREATE INDEX runs_run_id_idx ON form_1.runs USING btree (run_id);
CREATE INDEX threshold_sets_prediction_id_idx ON form_1.threshold_sets USING btree (prediction_id);
CREATE INDEX threshold_sets_set_id_idx ON form_1.threshold_sets USING btree (set_id);
