"""The label as a reader: counts and kappa against scikit-learn, draws by hand, and published labels."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score, confusion_matrix

from cxrcore.errors import ResamplingError
from cxrcore.measures.derived import derived_labels
from cxrcore.measures.intervals.draws import patient_draws
from cxrcore.measures.intervals.intervals import difference
from cxrcore.measures.label_reader import MEASURES, agreement, read_against

NAN = np.nan


def readings(n=400, k=3, seed=0, unknown=0.1):
    """Two readings of the same films that mostly agree, some unread, and the films' patients and names."""
    rng = np.random.default_rng(seed)
    truth = rng.random((n, k)) < [0.05, 0.2, 0.5][:k]
    both = [np.where(rng.random((n, k)) < unknown, NAN, truth ^ (rng.random((n, k)) < 0.1)) for _ in range(2)]
    patients = rng.integers(0, n // 3, n).astype(str).astype(object)
    return *both, patients, np.array([f"{i}.png" for i in range(n)], object)


def test_films_that_both_read_are_counted_as_scikit_learn_counts_them():
    labels, reference, patients, films = readings()
    reader = read_against(labels, reference, patients, films, patient_draws(patients, films, 20))
    for k in range(3):
        known = ~np.isnan(labels[:, k]) & ~np.isnan(reference[:, k])
        own, truth = labels[known, k], reference[known, k]
        (tn, fp), (fn, tp) = confusion_matrix(truth, own)
        assert [getattr(reader.counts, cell)[k] for cell in ("tp", "fp", "fn", "tn")] == [tp, fp, fn, tn]
        assert reader.n[k] == known.sum()
        found = {name: reader.interval(name).point[k] for name in MEASURES}
        assert found == pytest.approx({
            "precision": tp / (tp + fp), "recall": tp / (tp + fn), "specificity": tn / (tn + fp),
            "false_alarm": fp / (tn + fp), "kappa": cohen_kappa_score(own, truth), "prevalence": own.mean(),
            "reference_prevalence": truth.mean()})
    assert reader.interval("kappa").point[-1] == pytest.approx(reader.interval("kappa").point[:3].mean())


def test_every_draw_is_what_the_resampled_films_give():
    labels, reference, patients, films = readings(n=120, k=2)
    draws = patient_draws(patients, films, 15, seed=4)
    owners = draws.owners(patients, films)
    reader = read_against(labels, reference, patients, films, draws)
    for draw in range(15):
        taken = np.repeat(np.arange(len(films)), draws.counts[owners, draw])
        for k in range(2):
            own, truth = labels[taken, k], reference[taken, k]
            known = ~np.isnan(own) & ~np.isnan(truth)
            kappa = reader.in_draws.values["kappa"][k, 1 + draw]
            assert kappa == pytest.approx(cohen_kappa_score(own[known], truth[known]))
            assert reader.in_draws.values["prevalence"][k, 1 + draw] == pytest.approx(own[known].mean())


def test_what_is_undefined_is_nan():
    #                  no positive in: the labels, the reference, both;  never both read
    labels = np.array([[0, 1, 0, NAN], [0, 0, 0, 1], [0, 1, 0, NAN]])
    reference = np.array([[1, 0, 0, 1], [0, 0, 0, NAN], [0, 0, 0, 0]])
    names = np.array(["a", "b", "c"], object)
    reader = read_against(labels, reference, names, names, patient_draws(names, names, 50))
    found = {name: np.isnan(reader.interval(name).point[:4]).tolist() for name in MEASURES}
    assert found == {
        "precision": [True, False, True, True], "recall": [False, True, True, True],
        "specificity": [False, False, False, True], "false_alarm": [False, False, False, True],
        "kappa": [False, False, True, True], "prevalence": [False, False, False, True],
        "reference_prevalence": [False, False, False, True]}
    assert reader.n.tolist() == [3, 3, 3, 0]
    assert np.isnan(reader.interval("recall").low[1:4]).all()
    assert np.isnan([reader.roc_point(3).x, reader.roc_point(3).y_high]).all()


def test_intervals_lie_around_their_measures_and_few_films_leave_them_wide():
    labels, reference, patients, films = readings(n=60, k=1, unknown=0)
    labels = reference.copy()
    reader = read_against(labels, reference, patients, films, patient_draws(patients, films, 200))
    sure = reader.interval("precision")
    assert sure.point[0] == sure.high[0] == 1 and sure.low[0] < 0.8  # of some five films, all right
    point = reader.roc_point(0)
    assert (point.x, point.y, point.x_low, point.y_high) == (0, 1, 0, 1) and point.x_high > 0.02 and point.y_low < 0.8


def test_intervals_draw_patients_and_not_films():
    """Ten films of each patient with one error pattern are worth one film, so their intervals are wider."""
    labels, reference, _, _ = readings(n=100, k=3, unknown=0)
    labels, reference = np.repeat(labels, 10, axis=0), np.repeat(reference, 10, axis=0)
    films = np.arange(1000).astype(str).astype(object)
    width = {}
    for name, patients in (("patients", np.repeat(films[:100], 10)), ("films", films)):
        sure = read_against(labels, reference, patients, films, patient_draws(patients, films, 300)).interval("kappa")
        width[name] = sure.high[2] - sure.low[2]
    assert width["patients"] > 2.5 * width["films"]


def test_pairs_of_readers_agree_whoever_is_the_reference():
    one, other, patients, films = readings(n=90, k=2)
    draws = patient_draws(patients, films, 30)
    found = agreement({"one": one, "other": other, "self": one}, patients, films, draws)
    assert list(found) == [("one", "other"), ("one", "self"), ("other", "self")]
    back = read_against(other, one, patients, films, draws)
    assert np.array_equal(found["one", "other"].in_draws.values["kappa"], back.in_draws.values["kappa"])
    assert found["one", "self"].interval("kappa").point.tolist() == [1, 1, 1]
    change = difference(found["one", "self"].in_draws, found["other", "self"].in_draws, "kappa")
    assert (change.point > 0).all()


@pytest.mark.parametrize(("labels", "reference", "said"), [
    (np.zeros((3, 2)), np.zeros((3, 1)), "same films and findings"),
    (np.zeros((2, 1)), np.zeros((2, 1)), "same films and findings"),
    (np.zeros(3), np.zeros(3), "same films and findings"),
    (np.full((3, 1), -1), np.zeros((3, 1)), "label contract"),
    (np.zeros((3, 1)), np.full((3, 1), 0.5), "label contract"),
])
def test_labels_that_cannot_be_measured_are_refused(labels, reference, said):
    names = np.array(["a", "b", "c"], object)
    with pytest.raises(ResamplingError, match=said):
        read_against(labels, reference, names, names, patient_draws(names, names, 5))


def test_films_of_one_patient_have_no_interval():
    names = np.array(["a", "b", "c"], object)
    draws = patient_draws(names, names, 5)
    with pytest.raises(ResamplingError, match="need at least 2"):
        read_against(np.zeros((2, 1)), np.zeros((2, 1)), names[[0, 0]], names[:2], draws)


# -- NIH's labels against those of Google's radiologists (Majkowska et al., Radiology 2020)


@pytest.fixture(scope="module")
def adjudicated(shared):
    path = shared / "labels" / "google2019_nih-chest-xray-labels.csv.gz"
    if not path.exists():
        pytest.skip("no adjudicated labels in ../shared")
    return pd.read_csv(path, dtype=str)


def nih_against(table):
    """NIH's Pneumothorax and Nodule or Mass, read against the experts."""
    mined = [table["Finding Labels"].str.split("|").map(lambda own, name=name: name in own).astype(float)
             for name in ("Pneumothorax", "Nodule", "Mass")]
    labels = np.column_stack([mined[0], derived_labels(np.column_stack(mined[1:]))])
    experts = (table[["Pneumothorax", "Nodule or mass"]] == "YES").to_numpy(float)
    patients, films = (table[name].to_numpy(object) for name in ("Patient ID", "Image Index"))
    return read_against(labels, experts, patients, films, patient_draws(patients, films, 200))


def test_the_mined_labels_miss_half_of_what_experts_see(adjudicated):
    reader = nih_against(adjudicated)
    counts = reader.counts
    assert reader.n.tolist() == [4376, 4376]
    assert (counts.tp[0], counts.fp[0], counts.fn[0]) == (109, 129, 129)
    assert np.round(reader.interval("precision").point[:2], 3).tolist() == [0.458, 0.563]
    assert np.round(reader.interval("recall").point[:2], 3).tolist() == [0.458, 0.423]
    for name in MEASURES:
        sure = reader.interval(name)
        assert (sure.low < sure.point).all() and (sure.point < sure.high).all()
    point = reader.roc_point(0)
    assert point.x == pytest.approx(129 / (4376 - 238)) and point.y == pytest.approx(109 / 238)


def test_on_the_official_test_films(adjudicated, shared):
    official = set((shared / "nih" / "test_list.txt").read_text().split())
    table = adjudicated[adjudicated["Image Index"].isin(official)]
    reader = nih_against(table)
    assert len(table) == 1962
    assert np.round([reader.interval(name).point[0] for name in ("precision", "recall")], 3).tolist() == [0.485, 0.497]
