"""Several readings of the same films, data sets of any list of findings, and both side by side in one store."""

import numpy as np
import pandas as pd
import pytest
import scored_runs
from known_data import known_data

from cxrcore.errors import DataError, FindingError, StoreError
from cxrcore.evaluation.measure_predictions import measure
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.derived import derived_scores
from cxrcore.queries import from_store
from cxrcore.store import CSV, Store

TWENTY = ("Lung_Opacity", "Mass", "Effusion", *(f"finding_{place}" for place in range(17)))
EITHER = "Nodule_or_Mass"


@pytest.fixture
def prediction_id(store, data, run_id) -> str:
    scores = np.random.default_rng(0).random((40, 14), np.float32)
    scores[3, 4] = np.nan
    return store.save_predictions(run_id, data.dataset_id, "test", data.image_ids, scores)


@pytest.fixture
def experts(data) -> pd.DataFrame:
    """Twelve of the films, in another order, with one finding of the data set and one that follows from two of it."""
    rng = np.random.default_rng(1)
    names = rng.permutation(data.image_ids)[:12]
    labels = pd.DataFrame((rng.random((12, 2)) < 0.4).astype(np.float32), names, ["Pneumothorax", EITHER])
    labels.iloc[2, 0] = np.nan
    return labels


def save(store: Store, data, labels: pd.DataFrame, name: str = "experts", **options):
    return store.save_label_set(data.dataset_id, name, labels, derived_from={EITHER: ["Nodule", "Mass"]}, **options)


def metric(value: float) -> pd.DataFrame:
    return pd.DataFrame([("macro", "auroc", None, value)], columns=["finding", "metric", "set_id", "value"]).assign(
        low=np.nan, high=np.nan, n_positive=1, n=2, method="exact")


# -- one more reading


def test_a_label_set_comes_back_as_it_was_read(store, data, experts):
    saved = save(store, data, experts, source="three radiologists", policy="unknown", reader="A. B.")
    own, again = store.label_sets()
    assert (own.name, own.findings, own.derived, own.source) == (CSV, NIH_FINDINGS, (), "csv")
    assert saved == again == store.label_set(data.dataset_id, "experts")
    assert (saved.findings, saved.derived) == (("Pneumothorax", EITHER), ((EITHER, ("Nodule", "Mass")),))
    assert (saved.source, saved.policy, saved.reader) == ("three radiologists", "unknown", "A. B.") and saved.created_at
    pd.testing.assert_frame_equal(store.labels(data.dataset_id, "experts"), experts.sort_index(), check_names=False)
    np.testing.assert_array_equal(store.labels(data.dataset_id).to_numpy(), data.labels)  # the first stays what it was


@pytest.mark.parametrize("change", ["findings = NULL", "derived = '[]'", "derived = '7'", "derived = '{\"a\": 3}'"])
def test_a_list_of_label_sets_that_no_version_wrote_is_a_damaged_store(store, data, experts, change):
    save(store, data, experts)
    with store._write() as con:
        con.execute(f"UPDATE label_set_info SET {change}")
    with pytest.raises(StoreError, match=r"the list of its label sets .* is damaged"):
        store.label_sets()


@pytest.mark.embedded
@pytest.mark.parametrize("change", ["UPDATE label_set_info SET findings = []",
                                    "UPDATE label_set_info SET findings = NULL", "UPDATE label_sets SET labels = []",
                                    "UPDATE label_sets SET labels = NULL", "UPDATE label_sets SET labels = labels[:1]",
                                    "UPDATE label_sets SET labels = labels[:3] WHERE image_id LIKE '%3%'"])
def test_labels_of_another_length_than_their_set_are_a_damaged_store(store, data, change):
    with store._write() as con:
        con.execute(change)
    with pytest.raises(StoreError, match="the labels of its label set 'csv' are damaged"):
        store.labels(data.dataset_id)
    assert store.labels(data.dataset_id, "none").empty and store.labels("no such data set").empty


def test_label_sets_of_an_earlier_version_say_nothing_of_what_follows_from_others(store, data, experts):
    """Alone in the store, and beside one that does."""
    save(store, data, experts)
    with store._write() as con:
        con.execute("UPDATE label_set_info SET derived = NULL WHERE label_set = 'csv'")
    assert [one.derived for one in store.label_sets() if one.name == "csv"] == [()]
    with store._write() as con:
        con.execute("UPDATE label_set_info SET derived = NULL")
    assert {one.derived for one in store.label_sets()} == {()} and len(store.label_sets()) > 1


def test_predictions_are_read_on_the_films_that_both_have(store, data, experts, prediction_id):
    save(store, data, experts)
    plain, found = store.predictions(prediction_id), store.predictions(prediction_id, "experts")
    assert found.findings == ("Pneumothorax", EITHER) and found.image_ids.tolist() == sorted(experts.index)
    np.testing.assert_array_equal(found.labels, experts.sort_index().to_numpy())
    rows = np.flatnonzero(np.isin(plain.image_ids, found.image_ids))
    np.testing.assert_array_equal(found.patient_ids, plain.patient_ids[rows])
    np.testing.assert_array_equal(found.scores[:, 0], plain.scores[rows, 7])
    np.testing.assert_array_equal(found.scores[:, 1], derived_scores(plain.scores[rows][:, [5, 4]]))
    assert found.scores.dtype == found.labels.dtype == np.float32
    assert np.isnan(found.scores[:, 1]).sum() == (data.image_ids[3] in experts.index)  # a part without a score
    with pytest.raises(StoreError, match="no label set 'others'"):
        store.predictions(prediction_id, "others")


def test_films_that_the_predictions_do_not_have_are_left_out(store, data, run_id, experts):
    save(store, data, experts)
    few = store.save_predictions(run_id, data.dataset_id, "val", list(experts.index[:5]), np.full((5, 14), 0.5))
    assert store.predictions(few, "experts").image_ids.tolist() == sorted(experts.index[:5])
    rest = [name for name in data.image_ids if name not in experts.index]
    none = store.save_predictions(run_id, data.dataset_id, "val", rest, np.full((28, 14), 0.5))
    assert store.predictions(none, "experts").labels.shape == (0, 2)


def test_a_name_that_is_taken_needs_a_word(store, data, experts, prediction_id):
    save(store, data, experts)
    store.save_metrics(prediction_id, metric(0.7), "experts")
    with pytest.raises(StoreError, match="already: nothing was saved"):
        save(store, data, 1 - experts)
    pd.testing.assert_frame_equal(store.labels(data.dataset_id, "experts"), experts.sort_index(), check_names=False)
    first = store.label_set(data.dataset_id, "experts")
    assert save(store, data, 1 - experts[["Pneumothorax"]].assign(**{EITHER: 0.0}), again=True) != first
    assert store.labels(data.dataset_id, "experts")[EITHER].tolist() == [1.0] * 12
    assert store.metrics([prediction_id]).empty  # measured on labels that are no more


def test_a_label_set_goes_with_what_was_measured_on_it(store, data, experts, prediction_id):
    save(store, data, experts)
    store.save_metrics(prediction_id, metric(0.6))
    store.save_metrics(prediction_id, metric(0.7), "experts")
    with pytest.raises(StoreError, match="they stay"):
        store.delete_label_set(data.dataset_id, CSV)
    with pytest.raises(StoreError, match="no label set 'others'"):
        store.delete_label_set(data.dataset_id, "others")
    store.delete_label_set(data.dataset_id, "experts")
    assert [one.name for one in store.label_sets()] == [CSV] and store.labels(data.dataset_id, "experts").empty
    assert store.metrics([prediction_id])["value"].tolist() == [0.6]
    with pytest.raises(StoreError, match="no label set 'experts'"):  # as where it was deleted while it was measured
        store.save_metrics(prediction_id, metric(0.7), "experts")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda labels: labels.set_axis([*labels.index[1:], "x.png"]), "1 films of the labels are not in data set"),
        (lambda labels: labels.set_axis([labels.index[1], *labels.index[1:]]), "each of them once"),
        (lambda labels: labels.iloc[:0], "needs films"),
        (lambda labels: labels.replace(1.0, 0.5), "other than 1, 0"),
        (lambda labels: labels.replace(1.0, np.inf), "other than 1, 0"),
        (lambda labels: labels.replace(1, -1), "other than"),
        (lambda labels: labels.rename(columns={"Pneumothorax": "Fracture"}), "Fracture is no finding of the data set"),
        (lambda labels: labels.rename(columns={"Pneumothorax": "pneumothorax"}), "no canonical name"),
        (lambda labels: labels.rename(columns={"Pneumothorax": EITHER}), "two columns for one finding"),
        (lambda labels: labels[["Pneumothorax"]], "cannot be derived"),
        (lambda labels: labels[[]], "1 to 64 names"),
    ],
)
def test_what_is_no_reading_of_these_films_is_refused(store, data, experts, change, said):
    with pytest.raises((StoreError, FindingError), match=said) as told:
        save(store, data, change(experts))
    assert "\n" not in str(told.value) and len(store.label_sets()) == 1
    assert store.labels(data.dataset_id, "experts").empty


@pytest.mark.parametrize("derived", [{EITHER: []}, {EITHER: ["Nodule", "Fracture"]}, {EITHER: ["Mass", "Mass"]},
                                     {EITHER: [EITHER]}, {EITHER: ["Mass"], "Pneumothorax": ["Mass"]}, {}])
def test_what_follows_from_no_finding_of_the_data_set_is_refused(store, data, experts, derived):
    with pytest.raises(StoreError):
        store.save_label_set(data.dataset_id, "experts", experts, derived_from=derived)
    assert len(store.label_sets()) == 1


@pytest.mark.parametrize("name", ["", CSV, "Own", "own on experts", "CSV", "../x", "a/b", "x" * 61, "a\nb", " a", "<b>",
                                  "é"])
def test_names_of_another_form_are_refused(store, data, experts, name):
    with pytest.raises((StoreError, DataError)):
        save(store, data, experts, name)
    with pytest.raises(StoreError, match="no data set 'none'"):
        store.save_label_set("none", "experts", experts)


# -- other lists


def test_a_data_set_of_twenty_findings_is_kept_measured_and_read(tmp_path):
    store = scored_runs.make(tmp_path / "store.duckdb", 60, 140, 2, findings=TWENTY)
    assert store.findings(scored_runs.DATASET) == TWENTY
    assert list(store.datasets()["findings"][0]) == store.labels(scored_runs.DATASET).columns.tolist() == list(TWENTY)
    board = store.leaderboard()
    test = board[board["split"] == "test"].iloc[0]
    found = store.predictions(test["prediction_id"])
    assert found.scores.shape == (140, 20) and found.findings == TWENTY and found.place("finding_16") == 19
    measured = store.metrics([test["prediction_id"]])
    aurocs = measured[measured["metric"] == "auroc"].set_index("finding")["value"]
    assert set(aurocs.index) == {*TWENTY, "macro"} and test["n_defined"] == aurocs[list(TWENTY)].notna().sum()
    assert aurocs["macro"] == pytest.approx(aurocs[list(TWENTY)].mean()) == test["auroc"]
    assert all(len(own) == 20 for own in store.threshold_sets(test["run_id"])["thresholds"])
    labels = store.labels(scored_runs.DATASET)[["finding_3", "Mass"]].iloc[::-2]
    store.save_label_set(scored_runs.DATASET, "experts", labels)
    assert store.predictions(test["prediction_id"], "experts").findings == ("finding_3", "Mass")


def test_data_sets_of_different_lists_live_side_by_side(tmp_path):
    store = scored_runs.make(tmp_path / "store.duckdb", 20, 40)
    scored_runs.make(store.path, 20, 40, findings=TWENTY, dataset_id="other", seed=5)
    for dataset_id, findings in ((scored_runs.DATASET, NIH_FINDINGS), ("other", TWENTY)):
        assert store.findings(dataset_id) == findings
        for row in store.leaderboard().query("dataset_id == @dataset_id").itertuples():
            assert store.predictions(row.prediction_id).findings == findings
        store.save_label_set(dataset_id, "experts", store.labels(dataset_id)[["Effusion", "Mass"]])
    assert [(one.dataset_id, one.name) for one in store.label_sets()] == [
        ("other", CSV), ("other", "experts"), (scored_runs.DATASET, CSV), (scored_runs.DATASET, "experts")]
    store.delete_label_set("other", "experts")
    assert len(store.labels(scored_runs.DATASET, "experts")) == 60  # under the same name, of other films


def test_one_run_has_scores_on_films_of_two_lists(store, data, run_id, prediction_id):
    """As a network that is evaluated on another data set."""
    known = known_data(20, 8)
    labels = np.resize(known.labels, (20, 20))
    store.add_dataset("other", known.images, labels, TWENTY, name="b", kind="mine", label_source="x")
    scores = np.random.default_rng(0).random((20, 20), np.float32)
    elsewhere = store.save_predictions(run_id, "other", "external", known.image_ids, scores)
    for own, k, findings in ((prediction_id, 14, NIH_FINDINGS), (elsewhere, 20, TWENTY)):
        assert store.predictions(own).findings == findings
        set_id = store.save_threshold_set(own, "mine", "manual", np.full(k, 0.25))
        assert len(store.threshold_sets(run_id).set_index("set_id")["thresholds"][set_id]) == k
        with pytest.raises(StoreError, match=f"needs {k} thresholds"):
            store.save_threshold_set(own, "mine", "manual", np.full(34 - k, 0.25))
    with pytest.raises(StoreError, match=r"expected \(20, 20\)"):
        store.save_predictions(run_id, "other", "external", known.image_ids, scores[:, :14])


@pytest.mark.parametrize(
    ("findings", "error"),
    [
        (TWENTY[:13], StoreError),
        ([], FindingError),
        (["Mass"] * 14, FindingError),
        (["mass", *TWENTY[:13]], FindingError),
        (["macro", *TWENTY[:13]], FindingError),
        (["image_id", *TWENTY[:13]], FindingError),
        ([f"f{place}" for place in range(65)], FindingError),
    ],
)
def test_what_is_no_list_of_the_labels_is_refused(store, findings, error):
    known = known_data(20)
    with pytest.raises(error):
        store.add_dataset("x", known.images, known.labels, findings, name="x", kind="mine", label_source="x")
    assert store.datasets().empty


def test_a_run_is_measured_on_every_reading_that_there_is(store, data, run_id, experts):
    save(store, data, experts)
    scores = np.random.default_rng(0).random((40, 14), np.float32)
    saved = {
        part: store.save_predictions(run_id, data.dataset_id, part, data.image_ids, scores) for part in ("val", "test")
    }
    measure(store, run_id, saved)
    rows = store.metrics([saved["test"]])
    assert set(rows["label_set"]) == {CSV, "experts"}
    assert set(rows[rows["label_set"] == "experts"]["finding"]) <= {"Pneumothorax", EITHER, "macro", "micro"}
    assert len(store.leaderboard()) == 2  # which reads the data set's own labels


def test_predictions_that_only_others_labels_measured_stand_for_no_part(store, data, run_id, experts, prediction_id):
    save(store, data, experts)
    store.save_metrics(prediction_id, metric(0.7))
    newer = store.save_predictions(run_id, data.dataset_id, "test", data.image_ids, np.full((40, 14), 0.5, np.float32))
    store.save_metrics(newer, metric(0.9), "experts")  # its own evaluation was cut off before
    assert store.chosen_set(run_id, "test") == prediction_id
    assert store.leaderboard()["auroc"].tolist() == [0.7]


def test_a_set_that_is_replaced_while_a_page_reads_it_is_not_mistaken_for_its_successor(store, data, experts):
    own = store.labels(data.dataset_id)[["Mass", "Edema"]]
    old = store.save_label_set(data.dataset_id, "second", own)
    new = store.save_label_set(data.dataset_id, "second", own[["Edema", "Mass"]], again=True)
    with pytest.raises(StoreError, match="'second' was replaced or removed just now"):
        from_store.labels(store, old)
    assert list(from_store.labels(store, new)) == ["Edema", "Mass"]
