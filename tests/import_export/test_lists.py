"""Predictions and runs of any list of findings: read by name, audited, exported, and back; and folders that lie."""

import json

import numpy as np
import pandas as pd
import predictions as made
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scored_runs
from known_data import known_data
from run_folders import content_of, copied, edit, edit_table, rows_of

from cxrcore.config import ImportConfig
from cxrcore.data.film_table import dataset_hash
from cxrcore.errors import DataError, RunError
from cxrcore.evaluation import data_set_films
from cxrcore.evaluation.measure_predictions import measure
from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export import examination, export, import_run, prediction_file
from cxrcore.import_export.audit.about_columns import EXCHANGED, _enough
from cxrcore.import_export.examination import Declared
from cxrcore.measures.intervals.clustered_areas import Areas
from cxrcore.measures.metrics import auroc
from cxrcore.store import CSV, Store
from cxrcore.store.audit_marks import PASSED, REFUSED, WARNED

TWENTY = ("Lung_Opacity", "Mass", "Effusion", "Pleural_Other", "COVID-19", *(f"finding_{place}" for place in range(15)))
FILMS = made.table(600, findings=TWENTY)
ROWS = made.frame(FILMS)
EITHER = "Mass_or_Opacity"


def parsed(rows: pd.DataFrame, findings=TWENTY, mapping=None):
    return prediction_file.parse_prediction_file(made.as_parquet(rows), "x", findings, mapping)


def audited(rows: pd.DataFrame, films=FILMS, **declared) -> dict:
    candidate = examination.examine(parsed(rows, films.findings), films, Declared(**declared))
    return {line.name: line for line in candidate.lines}


# -- columns


@pytest.mark.parametrize("rename", ["{}", "prob_{}", "{}_score", "model 2 / {} (prob)"])
def test_columns_are_found_by_name_among_any_list(rename):
    names = {finding: rename.format(finding.replace("_", " ").lower()) for finding in TWENTY}
    found = parsed(ROWS.rename(columns=names)[["image_id", *reversed(names.values())]])
    assert found.findings == TWENTY and found.present.all() and found.scores.shape == (600, 20)
    np.testing.assert_array_equal(found.scores, ROWS[list(TWENTY)].to_numpy(np.float64))


def test_what_only_contains_a_findings_name_is_left_alone():
    """Pleural Other is no pleural thickening, and a pseudonodule no nodule."""
    others = {"Pleural Other": 0.1, "pseudonodule": 0.2, "massive": 0.3, "Mass": 0.4, "Edema_prob": 0.5}
    found = parsed(pd.DataFrame({"image_id": ["a", "b"]} | others), NIH_FINDINGS)
    assert found.columns == {"Mass": "Mass", "Edema": "Edema_prob"}
    assert found.ignored == ("Pleural Other", "pseudonodule", "massive")
    mapped = parsed(pd.DataFrame({"image_id": ["a", "b"]} | others), NIH_FINDINGS, {"pseudonodule": "Nodule"})
    assert mapped.columns["Nodule"] == "pseudonodule"


def test_findings_of_other_lists_are_named_and_left_alone():
    found = parsed(ROWS, NIH_FINDINGS)
    assert list(found.columns) == ["Effusion", "Mass"] and "COVID-19" in found.ignored
    with pytest.raises(DataError, match="expected names such as Hernia"):
        parsed(ROWS, ("Hernia",))
    with pytest.raises(Exception, match="unknown finding 'Hernia'"):
        parsed(ROWS, TWENTY, {"Mass": "Hernia"})


# -- the audit


def test_a_clean_file_of_another_data_set_passes():
    films = data_set_films.DataSetFilms(**vars(FILMS) | {"kind": "mine"})
    states = {name: line.state for name, line in audited(ROWS, films).items() if line.state != PASSED}
    assert set(states) <= {"Patient overlap", "Seen films"}
    said = audited(ROWS, films, weights_name="densenet121-res224-nih")["Seen films"]
    assert "not known" in said.text and "ChestX-ray14" not in said.text


def test_faults_are_named_by_the_findings_of_the_list():
    swapped = ROWS.rename(columns={"finding_3": "finding_7", "finding_7": "finding_3"})
    line = audited(swapped)["Label order"]
    assert line.state == WARNED and "Finding 7's scores fit Finding 3" in line.text
    assert "Lung opacity" in audited(ROWS.assign(Lung_Opacity=0.5))["Constant columns"].text
    labels = dict(zip(TWENTY, FILMS.labels.T, strict=True))
    assert audited(ROWS.assign(**labels))["Perfect AUROC"].state == REFUSED
    nearly = {finding: 0.9 * labels[finding] + 0.1 * ROWS[finding] for finding in TWENTY}
    line = audited(ROWS.assign(**nearly))["Perfect AUROC"]
    assert line.state == WARNED and "too good to be true" in line.text
    absent = audited(ROWS[["image_id", "Mass"]])["Missing scores"].text
    assert "no column for Lung opacity, Effusion" in absent and "and 6 more" in absent


def test_a_list_of_one_finding_is_named():
    one = made.table(300, findings=("Lung_Opacity",))
    lines = audited(made.frame(one), one)
    assert lines["Better than chance"].state == PASSED
    assert "Lung opacity" in audited(made.frame(one).assign(Lung_Opacity=0.5), one)["Constant columns"].text


def test_more_findings_do_not_make_exchanges_seem_surer():
    assert [_enough(n) for n in (0, 1, 5, 14)] == [EXCHANGED] * 4
    assert EXCHANGED < _enough(20) < _enough(40) < _enough(64) < 5.2


def test_areas_with_unknown_labels_are_counted_as_without():
    rng = np.random.default_rng(0)
    labels, scores = (rng.random((400, 4)) < 0.3).astype(float), rng.random((400, 4)).round(2)
    labels[rng.random(labels.shape) < 0.3] = np.nan
    found = Areas(labels, scores, np.arange(400)).matrix
    for k in range(4):
        for j in range(4):
            assert found[k, j] == pytest.approx(auroc(labels[:, k], scores[:, j]), abs=1e-12)


def test_a_file_becomes_a_run_of_its_data_set(store, tmp_path):
    data_set_films.add_to(store, FILMS)
    scored_runs.make(store.path, 20, 20)  # another data set, so that one has to be named
    (tmp_path / "x.csv").write_bytes(made.as_csv(ROWS))
    (tmp_path / "cuts.json").write_text(json.dumps(dict.fromkeys(TWENTY, 0.25)))
    config = {"store": str(store.path), "name": "theirs", "thresholds": str(tmp_path / "cuts.json")}
    with pytest.raises(DataError, match="knows 2 data sets: --dataset ID"):
        import_run.import_predictions([str(tmp_path / "x.csv")], ImportConfig(**config))
    (run_id,) = import_run.import_predictions([str(tmp_path / "x.csv")], ImportConfig(**config, dataset="imported"))
    (row,) = store.prediction_sets(run_id).itertuples()
    found = store.predictions(row.prediction_id)
    assert found.findings == TWENTY and np.array_equal(found.scores, ROWS.sort_values("image_id")[list(TWENTY)])
    (tmp_path / "cuts.json").write_text(json.dumps({"Toe": 0.25}))
    with pytest.raises(DataError, match="no finding among its names"):
        import_run.import_predictions([str(tmp_path / "x.csv")], ImportConfig(**config, dataset="imported", again=True))


# -- out and back


def store_with_lists(path) -> tuple[Store, str]:
    """A run with scores on films of two lists, and on one of them a second reading of some films."""
    store, rng, known = Store(path), np.random.default_rng(3), known_data(24)
    other = (np.resize(known.labels[:, ::-1], (24, 20)) > 0).astype(np.float32)
    ids = [dataset_hash(known.images, labels, findings) for labels, findings in (
        (known.labels, NIH_FINDINGS), (other, TWENTY))]
    for dataset_id, labels, findings in zip(ids, (known.labels, other), (NIH_FINDINGS, TWENTY), strict=True):
        store.add_dataset(dataset_id, known.images, labels, findings, name=dataset_id, kind="mine", label_source="x")
    run_id = store.create_run({"name": "two lists", "arch": "resnet18"}, ids[0], split=("patient", 0, "abc123def456"))
    labels = pd.DataFrame(other[::-2, [3, 1]], known.image_ids[::-2], ["Pleural_Other", EITHER])
    labels.iloc[1, 0] = np.nan
    store.save_label_set(ids[1], "experts", labels, derived_from={EITHER: ["Mass", "Lung_Opacity"]}, source="readers",
                         policy="unknown", reader="AB")
    sets = {}
    for part, dataset_id, k in (("val", ids[0], 14), ("test", ids[0], 14), ("external", ids[1], 20)):
        scores = rng.random((24, k)).astype(np.float32)
        scores[2, 1] = np.nan
        sets[part] = store.save_predictions(run_id, dataset_id, part, known.image_ids, scores)
    measure(store, run_id, {part: sets[part] for part in ("val", "test")})
    measure(store, run_id, {"external": sets["external"]})
    store.save_threshold_set(sets["external"], "mine", "manual", rng.random(20))
    store.finish_run(run_id, "finished")
    return store, run_id


@pytest.fixture(scope="module")
def lists(tmp_path_factory):
    place = tmp_path_factory.mktemp("lists")
    store, run_id = store_with_lists(place / "store.duckdb")
    return store, run_id, export.export(store, run_id, place / "out")


@pytest.fixture
def folder(lists, tmp_path):
    """That run's folder, to be damaged."""
    return copied(lists[2], tmp_path / "in")


def test_a_run_of_two_lists_and_two_readings_comes_back_row_for_row(lists, tmp_path):
    store, run_id, folder = lists
    there = Store(tmp_path / "there.duckdb")
    assert export.restore(there, folder) == run_id
    before, after = rows_of(store), rows_of(there)
    assert {table: own for table, own in after.items() if table != "schema_version"} == {
        table: own for table, own in before.items() if table != "schema_version"}
    assert there.label_sets() == store.label_sets()
    for row in store.prediction_sets(run_id).itertuples():
        for name in (CSV, "experts") if row.split == "external" else (CSV,):
            one, other = (place.predictions(row.prediction_id, name) for place in (store, there))
            assert one.findings == other.findings
            np.testing.assert_array_equal(one.scores, other.scores)
            np.testing.assert_array_equal(one.labels, other.labels)
    assert set(there.metrics(list(there.prediction_sets()["prediction_id"]))["label_set"]) == {CSV, "experts"}


def test_a_folder_can_be_read_by_people_too(lists):
    _, _, folder = lists
    document = json.loads((folder / "run.json").read_text())
    assert document["format_version"] == 2  # older versions know NIH's list alone, and say that they are too old
    assert {(row["label_set"], tuple(row["findings"])) for row in document["label_set_info"]} == {
        (CSV, NIH_FINDINGS), (CSV, TWENTY), ("experts", ("Pleural_Other", EITHER))}
    wide = pq.read_table(folder / "predictions.parquet").to_pandas()
    assert list(wide.columns) == ["prediction_id", "image_id", *dict.fromkeys((*NIH_FINDINGS, *TWENTY))]
    elsewhere = wide["Hernia"].isna()
    assert elsewhere.sum() == 24 and wide.loc[~elsewhere, "COVID-19"].isna().all()
    shown = pd.read_csv(folder / "external.csv")
    assert [column for column in shown if column.startswith("prob_")] == [f"prob_{finding}" for finding in TWENTY]
    files = [json.loads(path.read_text()) for path in (folder / "thresholds").iterdir()]
    assert {tuple(file["thresholds"]) for file in files} == {NIH_FINDINGS, TWENTY}


def test_a_run_of_nihs_list_alone_is_written_as_ever(lists, tmp_path):
    """As versions before other lists read it."""
    store = scored_runs.make(tmp_path / "store.duckdb", 8, 8)
    run_id = store.runs()["run_id"][0]
    folder = export.export(store, run_id, tmp_path)
    assert json.loads((folder / "run.json").read_text())["format_version"] == 1
    for name, own in (
            ("predictions", ["prediction_id", "image_id"]), ("labels", ["dataset_id", "label_set", "image_id"])):
        table = pq.read_table(folder / f"{name}.parquet")
        assert table.column_names == [*own, *NIH_FINDINGS] and table.schema.field("Mass").type == pa.float32()


def test_label_sets_come_in_beside_a_data_set_that_is_there(lists, tmp_path):
    store, run_id, folder = lists
    there, _ = store_with_lists(tmp_path / "there.duckdb")
    (dataset_id,) = {one.dataset_id for one in there.label_sets() if one.name == "experts"}
    there.delete_label_set(dataset_id, "experts")
    copy = export.restore(there, folder, as_copy=True)
    assert there.labels(dataset_id, "experts").equals(store.labels(dataset_id, "experts"))
    assert len(there.datasets()) == 2 and copy != run_id
    assert len(there.labels(dataset_id)) == 24
    export.restore(there, folder, as_copy=True)  # the same labels once more
    assert len(there.labels(dataset_id, "experts")) == 12


def test_numbers_on_other_labels_of_the_same_name_do_not_come_in(lists, tmp_path):
    folder, there = lists[2], Store(tmp_path / "there.duckdb")
    export.restore(there, folder)
    (own,) = (one for one in there.label_sets() if one.name == "experts")
    labels = there.labels(own.dataset_id, "experts")
    there.save_label_set(own.dataset_id, "experts", 1 - labels, derived_from=dict(own.derived), again=True)
    before = content_of(there)
    with pytest.raises(RunError, match="other labels 'experts'") as told:
        export.restore(there, folder, as_copy=True)
    assert "\n" not in str(told.value) and content_of(there) == before
    with pytest.raises(RunError, match="other labels 'experts'"):
        export.require_restorable(there, [folder], as_copy=True)
    other, run_id = store_with_lists(tmp_path / "other.duckdb")
    other.save_label_set(own.dataset_id, "experts", 1 - labels, derived_from=dict(own.derived), again=True)
    second = export.export(other, run_id, tmp_path / "second")
    with pytest.raises(RunError, match="hold different labels 'experts'"):
        export.require_restorable(Store(tmp_path / "new.duckdb"), [folder, second], as_copy=True)


# -- folders that lie


def info(name: str, **change):
    """Change what is said of the labels of a name, of the first or the only data set."""
    def change_it(document):
        row = next(row for row in document["label_set_info"] if row["label_set"] == name)
        row.update(change)
    return change_it


def of_data_set(place: int, **change):
    return lambda document: document["datasets"][place].update(change)


def _twice(document):
    document["label_set_info"].append(document["label_set_info"][-1])


def _none_of(name: str):
    def drop(document):
        document["label_set_info"] = [row for row in document["label_set_info"] if row["label_set"] != name]
    return drop


LIES = {
    "no name": of_data_set(1, findings=["=1+1", *TWENTY[1:]]), "a mean": of_data_set(1, findings=["macro"]),
    "a column's name": of_data_set(1, findings=["image_id", *TWENTY[1:]]),
    "an address": of_data_set(1, findings=["www.evil.example"]), "none": of_data_set(1, findings=[]),
    "no list": of_data_set(1, findings=None), "a text": of_data_set(1, findings="Mass"),
    "numbers": of_data_set(1, findings=[1]), "a gap": of_data_set(1, findings=[None, "Mass"]),
    "65 findings": of_data_set(1, findings=[f"f{place}" for place in range(65)]),
    "a finding twice": of_data_set(1, findings=["Mass", "Mass"]),
    "a finding in two spellings": of_data_set(1, findings=["Lung_Opacity", "lung_opacity"]),
    "another's list": of_data_set(1, findings=list(NIH_FINDINGS)), "fewer": of_data_set(1, findings=list(TWENTY[:5])),
    "another order": of_data_set(1, findings=[TWENTY[1], TWENTY[0], *TWENTY[2:]]),
    "csv of another order": lambda d: [row.update(findings=row["findings"][::-1]) for row in d["label_set_info"]
                                       if row["label_set"] == CSV] and None,
    "csv of fewer": info(CSV, findings=["Mass"]), "csv of none": info(CSV, findings=[]),
    "labels outside the data set": info("experts", findings=["Hernia", EITHER]),
    "labels made of nothing": info("experts", derived="{}"),
    "labels made of strangers": info("experts", derived=json.dumps({EITHER: ["Hernia", "Mass"]})),
    "labels made of themselves": info("experts", derived=json.dumps({EITHER: [EITHER]})),
    "labels made of a part twice": info("experts", derived=json.dumps({EITHER: ["Mass", "Mass"]})),
    "labels made of no part": info("experts", derived=json.dumps({EITHER: []})),
    "labels made of a number": info("experts", derived=json.dumps({EITHER: [1]})),
    "labels made of a text": info("experts", derived=json.dumps({EITHER: "Mass"})),
    "a finding derived anew": info("experts", derived=json.dumps({EITHER: ["Mass"], "Pleural_Other": ["Mass"]})),
    "more derived than there is": info("experts", derived=json.dumps({EITHER: ["Mass"], "x": ["Mass"]})),
    "derived is a list": info("experts", derived="[]"), "derived is no JSON": info("experts", derived="{"),
    "derived is endless": info("experts", derived="[" * 90_000), "derived is a number": info("experts", derived=5),
    "an unknown policy": info("experts", policy="best"), "a path as name": info("experts", label_set="../x"),
    "our name": info("experts", label_set="Own"), "no name of a set": info("experts", label_set=None),
    "a reader of two lines": info("experts", reader="a\nb"), "a time that is none": info("experts", created_at="soon"),
    "a set twice": _twice, "a set that nothing tells of": _none_of("experts"), "no csv": _none_of(CSV),
    "no list of sets": lambda d: d.update(label_set_info={"csv": []}),
    "a set of an unknown data set": info("experts", dataset_id="0" * 12),
    "a threshold too few": lambda d: [row["thresholds"].pop() for row in d["threshold_sets"]] and None,
    "thresholds of the other list": lambda d: d["threshold_sets"][-1].update(
        prediction_id=d["threshold_sets"][0]["prediction_id"]),
    "scores of the other list": lambda d: [row.update(dataset_id=d["datasets"][0]["dataset_id"])
                                           for row in d["prediction_sets"]] and None,
    "predictions of no data set": lambda d: d["prediction_sets"][0].update(dataset_id="0" * 12),
    "ids of the other's films": lambda d: (lambda one, other: (one.update(dataset_id=other["dataset_id"]), other.update(
        dataset_id=one["dataset_id"])))(*[dict(row) for row in d["datasets"]]) and d.update(
        datasets=[row | {"findings": other["findings"]} for row, other in zip(
            d["datasets"], d["datasets"][::-1], strict=True)]),
    "metrics of labels that are not there": lambda d: None,
}


@pytest.mark.parametrize("lie", LIES)
def test_a_list_that_lies_is_refused_in_one_line(lists, folder, tmp_path, lie):
    edit(folder, lambda document: LIES[lie](document) and None)
    if lie == "metrics of labels that are not there":
        edit_table(folder, "metrics", lambda rows: rows.assign(label_set="others"))
    store = Store(tmp_path / "store.duckdb")
    with pytest.raises(DataError, match="cannot be read as an exported run") as told:
        export.restore(store, folder)
    assert str(told.value).isprintable() and len(str(told.value)) < 500 and not store.path.exists()


TABLE_LIES = {
    "a number under another list": ("predictions", lambda rows: rows.assign(Hernia=0.5)),
    "a label under another list": ("labels", lambda rows: rows.assign(Hernia=1.0)),
    "a label of the set of fewer": ("labels", lambda rows: rows.assign(**{EITHER: 1.0})),
    "a finding's column is gone": ("predictions", lambda rows: rows.drop(columns="COVID-19")),
    "a set's column is gone": ("labels", lambda rows: rows.drop(columns=EITHER)),
    "no column of sets": ("labels", lambda rows: rows.drop(columns="label_set")),
    "no column of predictions": ("predictions", lambda rows: rows.drop(columns="prediction_id")),
    "a set that nothing tells of": ("labels", lambda rows: rows.assign(
        label_set=rows["label_set"].replace("experts", "x"))),
    "numbers as sets": ("labels", lambda rows: rows.assign(label_set=5)),
    "a set without a name": ("labels", lambda rows: rows.assign(label_set=None)),
    "a film twice": ("labels", lambda rows: pd.concat([rows, rows[-1:]])),
    "a label of 2": ("labels", lambda rows: rows.assign(**{EITHER: rows[EITHER] * 2})),
    "a film of nobody": ("labels", lambda rows: pd.concat([rows, rows[-1:].assign(image_id="x.png")])),
    "a metric of the other list": ("metrics", lambda rows: rows.assign(
        finding=rows["finding"].replace("Mass", "Hernia"))),
    "a metric of the data set on the labels of fewer": ("metrics", lambda rows: rows.assign(
        label_set=rows["label_set"].where(rows["finding"] != "COVID-19", "experts"))),
}


@pytest.mark.parametrize("lie", TABLE_LIES)
def test_a_table_that_lies_is_refused_in_one_line(folder, tmp_path, lie):
    edit_table(folder, *TABLE_LIES[lie])
    store = Store(tmp_path / "store.duckdb")
    with pytest.raises(DataError, match="cannot be read as an exported run") as told:
        export.restore(store, folder)
    assert str(told.value).isprintable() and not store.path.exists()


def test_rows_in_any_order_come_in_as_they_are(lists, folder, tmp_path):
    for name in ("predictions", "labels"):
        edit_table(folder, name, lambda rows: rows.sample(frac=1, random_state=0))
    there = Store(tmp_path / "there.duckdb")
    export.restore(there, folder)
    assert rows_of(there)["label_sets"] == rows_of(lists[0])["label_sets"]
    assert rows_of(there)["predictions"] == rows_of(lists[0])["predictions"]


def test_as_copy_is_no_way_around(folder, tmp_path):
    edit(folder, info("experts", derived="{}"))
    with pytest.raises(DataError, match="no finding of their data set"):
        export.restore(Store(tmp_path / "store.duckdb"), folder, as_copy=True)
