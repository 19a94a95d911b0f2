"""Measures of groups of patients and the gaps between them, against loops by hand and scikit-learn."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from clustered_films import simulate
from sklearn.metrics import roc_auc_score

from cxrcore.errors import ResamplingError
from cxrcore.measures.intervals.draws import patient_draws
from cxrcore.measures.intervals.holm import holm
from cxrcore.measures.intervals.intervals import MACRO, difference
from cxrcore.measures.intervals.scored_films import subset
from cxrcore.measures.subgroups import (
    AGE_BANDS,
    GROUPINGS,
    MIN_POSITIVES,
    Groups,
    by_age,
    by_order,
    by_sex,
    by_view,
    gaps,
    intervals,
    measure_group,
    suppressed,
    view_alone,
)
from cxrcore.store import Predictions

AT = np.array([0.3, 0.5])


def frame(**columns) -> pd.DataFrame:
    return pd.DataFrame(columns)


def measured(films, groups, thresholds, n_draws=100):
    draws = patient_draws(films.patient_ids, films.image_ids, n_draws)
    return {name: measure_group(subset(films, groups.place == place), draws, thresholds)
            for place, name in enumerate(groups.names)}


@pytest.fixture(scope="module")
def films():
    return simulate(0, 250, (0.3, 0.15))[0]


@pytest.fixture(scope="module")
def halves(films):
    """Two groups that share patients: every other film."""
    return Groups(("even", "odd"), np.arange(len(films.scores)) % 2)


# -- groupings


def test_ages_fall_into_bands_and_impossible_ones_are_unknown():
    ages = [0, 19, 19.9, 20, 39, 40, 59, 60, 79, 80, 100, 101, 412, -1, None, np.nan]
    groups = by_age(frame(age=pd.Series(ages, dtype="Float32")))
    assert [AGE_BANDS[place] if place >= 0 else "?" for place in groups.place] == [
        "0-19", "0-19", "0-19", "20-39", "20-39", "40-59", "40-59", "60-79", "60-79", "80+", "80+", *"?????"]
    assert groups.n_unknown == 5 and groups.n_films.tolist() == [3, 2, 2, 2, 2]


@pytest.mark.parametrize(("grouping", "column", "values", "places"), [
    (by_sex, "sex", ["M", "F", None, np.nan, "", "X"], [1, 0, -1, -1, -1, -1]),
    (by_view, "view", ["AP", "PA", None, "LL", "PA"], [1, 0, -1, -1, 0]),
    (by_order, "follow_up", pd.Series([0, 1, 14, None, -3], dtype="Int32"), [0, 1, 1, -1, -1]),
    (by_order, "follow_up", [0.0, np.nan, 2.0], [0, -1, 1]),
])
def test_what_is_not_known_belongs_to_no_group(grouping, column, values, places):
    groups = grouping(frame(**{column: values}))
    assert groups.place.tolist() == places and groups.n_unknown == places.count(-1)


@pytest.mark.parametrize("grouping", GROUPINGS.values())
def test_films_that_the_table_does_not_hold_are_unknown(grouping):
    columns = {"age": "Float32", "sex": object, "view": object, "follow_up": "Int32"}
    nothing = frame(**{name: pd.Series([None, None], dtype=kind) for name, kind in columns.items()})
    assert grouping(nothing).n_unknown == 2 and not grouping(nothing).n_films.any()


def test_patients_are_counted_in_every_group_they_have_films_in():
    groups = Groups(("a", "b", "none"), np.array([0, 0, 1, 1, -1]))
    assert groups.n_patients(np.array([7, 7, 7, 8, 9])).tolist() == [1, 2, 0]


# -- measures


def test_measures_equal_counts_by_hand_and_scikit_learn(films, halves):
    found = measured(films, halves, AT)
    for place, name in enumerate(halves.names):
        for k in range(2):
            cells = {"tp": 0, "fp": 0, "fn": 0, "tn": 0}
            rows = np.flatnonzero(halves.place == place)
            for i in rows:
                alarm, label = float(films.scores[i, k]) >= AT[k], films.labels[i, k] == 1
                cells[("tp" if label else "fp") if alarm else ("fn" if label else "tn")] += 1
            one = found[name]
            assert one.values["recall"][k, 0] == cells["tp"] / (cells["tp"] + cells["fn"])
            assert one.values["false_alarm"][k, 0] == pytest.approx(cells["fp"] / (cells["fp"] + cells["tn"]))
            auroc = roc_auc_score(films.labels[rows, k], films.scores[rows, k])
            assert one.values["auroc"][k, 0] == pytest.approx(auroc, abs=1e-12)


def test_a_gap_in_a_draw_is_that_of_the_drawn_films_of_both_groups(films, halves):
    """One draw of patients serves both groups: the films of each drawn patient, as often as it was drawn, by a loop."""
    draws, shares = patient_draws(films.patient_ids, films.image_ids, 5), []
    found = {name: measure_group(subset(films, halves.place == place), draws, AT, shares.append)
             for place, name in enumerate(halves.names)}
    assert shares == [1, 1]  # each group says how far it is, for the bar that stands there while many are measured
    owners = draws.owners(films.patient_ids, films.image_ids)
    drawn = found["even"].values["recall"][:, 1:] - found["odd"].values["recall"][:, 1:]
    for draw in range(5):
        for k in range(2):
            rates = []
            for place in (0, 1):
                hits = positives = 0
                for i in np.flatnonzero((halves.place == place) & (films.labels[:, k] == 1)):
                    times = int(draws.counts[owners[i], draw])
                    positives, hits = positives + times, hits + times * (float(films.scores[i, k]) >= AT[k])
                rates.append(hits / positives)
            assert drawn[k, draw] == pytest.approx(rates[0] - rates[1], abs=1e-12)
    change = gaps(found, "odd", "recall")[0].change
    assert change.error[0] == pytest.approx(drawn[0].std(ddof=1))  # of many films
    np.testing.assert_allclose(change.point[MACRO], change.point[:MACRO].mean())


def test_groups_that_share_patients_have_a_narrower_gap_than_separate_draws_would_say(films, halves):
    """Films of a patient err alike, which a shared draw takes out of the gap."""
    found = measured(films, halves, AT, 400)
    apart = [measure_group(subset(films, halves.place == place), patient_draws(
        films.patient_ids, films.image_ids, 400, seed=place + 1), AT).interval("recall").error[0] for place in (0, 1)]
    assert gaps(found, "odd", "recall")[0].change.error[0] < np.hypot(*apart)
    other = measure_group(subset(films, halves.place == 1), patient_draws(
        films.patient_ids, films.image_ids, 400, seed=9), AT)
    with pytest.raises(ResamplingError, match="other draws"):
        gaps({"even": found["even"], "odd": other}, "odd", "recall")


def planted(seed: int, miss_more: float, n_positives: int = 3000) -> tuple[Predictions, Groups]:
    """Two groups of n_positives films with the finding each; the second is missed more often by `miss_more`."""
    rng = np.random.default_rng(seed)
    n = 2 * n_positives
    labels = np.repeat([1.0, 0.0], n).astype(np.float32)[:, None]
    place = np.tile([0, 1], n)
    alarm = np.where(labels[:, 0] == 1, 0.8 - miss_more * place, 0.1)
    scores = np.where(rng.random(2 * n) < alarm, 0.9, 0.1).astype(np.float32)[:, None]
    # Two films a patient, both of one group.
    patients = np.array([f"{place[i]}-{i // 4}" for i in range(2 * n)], object)
    ids = np.array([f"{i:06d}.png" for i in range(2 * n)], object)
    return Predictions(ids, patients, labels, scores, ("Mass",)), Groups(("A", "B"), place)


def test_a_planted_gap_in_the_miss_rate_is_found():
    films, groups = planted(0, 0.07)
    found = measured(films, groups, np.array([0.5]), 500)
    assert [one.n_positive[0] for one in found.values()] == [3000, 3000]
    gap, alarms = (gaps(found, "A", measure)[0] for measure in ("recall", "false_alarm"))
    assert gap.change.point[0] == pytest.approx(-0.07, abs=0.02)
    assert gap.change.low[0] < -0.07 < gap.change.high[0] < 0
    assert gap.words[0] == "lower" and gap.p[0] < 0.001
    assert alarms.words[0] == "tied" and abs(alarms.change.point[0]) < 0.02
    assert gaps(found, "B", "recall")[0].words[0] == "higher"


def test_without_a_gap_none_is_found():
    films, groups = planted(1, 0.0)
    assert gaps(measured(films, groups, np.array([0.5]), 500), "A", "recall")[0].words.tolist() == ["tied", "tied"]


def test_holm_counts_the_findings_of_all_groups_and_the_macro_means_apart(films):
    thirds = Groups(("a", "b", "c"), np.arange(len(films.scores)) % 3)
    found = gaps(measured(films, thirds, AT), "a", "auroc")
    assert [one.name for one in found] == ["b", "c"]
    raw = np.array([one.change.p for one in found])
    np.testing.assert_allclose(np.array([one.p[:MACRO] for one in found]), holm(raw[:, :MACRO]))
    np.testing.assert_allclose([one.p[MACRO] for one in found], holm(raw[:, MACRO]))


# -- few films


def rates(alarms: tuple[int, int], films: tuple[int, int]) -> tuple[Predictions, Groups]:
    """Two groups in which so many of so many films with the finding raise an alarm, a patient each; and 200 without."""
    label = np.repeat([1.0, 0.0], [sum(films), 200]).astype(np.float32)[:, None]
    place = np.concatenate([np.repeat([0, 1], films), np.tile([0, 1], 100)])
    alarm = np.concatenate([np.arange(n) < k for k, n in zip(alarms, films, strict=True)] + [np.zeros(200, bool)])
    names = np.array([f"{i:05d}" for i in range(len(label))], object)
    scores = np.where(alarm, 0.9, 0.1).astype(np.float32)[:, None]
    return Predictions(names, names, label, scores, ("Mass",)), Groups(("few", "many"), place)


def test_a_rate_that_no_draw_changes_is_not_taken_for_certain():
    """None of 12 films against 300 of 1,000."""
    found = measured(*rates((0, 300), (12, 1000)), np.array([0.5]), 500)
    assert np.ptp(found["few"].values["recall"]) == 0
    few = intervals(found, "recall")["few"]
    assert few.low[0] == 0 and few.high[0] == pytest.approx(0.2425, abs=1e-4)  # Wilson's of 0 of 12
    gap = gaps(found, "many", "recall")[0].change
    both = 300 / 1012
    assert gap.error[0] == pytest.approx(np.sqrt(both * (1 - both) * (1 / 12 + 1 / 1000)))
    assert gap.z[0] == pytest.approx(-0.3 / gap.error[0]) and 0.02 < gap.p[0] < 0.03
    assert gap.low[0] < -0.5 and -0.1 < gap.high[0] < 0
    np.testing.assert_allclose([gap.z[MACRO], gap.p[MACRO]], [gap.z[0], gap.p[0]])  # the mean over one finding


def test_rates_of_many_films_are_left_to_the_draws():
    found = measured(*rates((150, 300), (300, 1000)), np.array([0.5]), 500)
    for name, one in intervals(found, "recall").items():
        own = found[name].interval("recall")
        assert (one.low[0], one.high[0]) == (own.low[0], own.high[0])
    drawn = found["few"].values["recall"] - found["many"].values["recall"]
    assert gaps(found, "many", "recall")[0].change.error[0] == pytest.approx(drawn[0, 1:].std(ddof=1))


def test_small_groups_of_equal_recall_are_called_different_in_about_1_of_20():
    """20 films against 400, a patient each, before Holm; by the draws' errors alone it is more often."""
    rng, called, naive = np.random.default_rng(7), 0, 0
    for _ in range(200):
        films, groups = rates((rng.binomial(20, 0.1), rng.binomial(400, 0.1)), (20, 400))
        found = measured(films, groups, np.array([0.5]), 100)
        called += gaps(found, "many", "recall")[0].change.p[0] < 0.05
        naive += difference(found["few"], found["many"], "recall").p[0] < 0.05
    assert called <= 0.08 * 200 < naive


# -- what is not shown


def test_findings_with_few_films_in_a_group_are_suppressed_in_every_measure(films, halves):
    labels = films.labels.copy()
    with_it = np.flatnonzero((labels[:, 1] == 1) & (halves.place == 0))
    labels[with_it[MIN_POSITIVES - 1:], 1] = 0
    found = measured(replace(films, labels=labels), halves, AT)
    assert found["even"].n_positive[1] == MIN_POSITIVES - 1
    assert suppressed(found["even"]).tolist() == [False, True] and not suppressed(found["odd"]).any()
    for measure in ("auroc", "recall", "false_alarm"):
        assert np.isnan(found["even"].values[measure][1]).all()
        assert not np.isnan(found["odd"].values[measure][:, 0]).any()
        shown = intervals(found, measure)
        assert np.isnan(shown["even"].point[1]) and not np.isnan(shown["odd"].point[1])
        for one in shown.values():  # macro means of both groups: the one finding that both have
            assert one.point[MACRO] == one.point[0] and one.n_excluded == 1
        gap = gaps(found, "odd", measure)[0]
        assert gap.words[1] == "untested" and np.isnan(gap.p[1]) and gap.change.n_excluded == 1
    labels[with_it[MIN_POSITIVES - 1], 1] = 1
    assert not suppressed(measured(replace(films, labels=labels), halves, AT)["even"]).any()


def test_a_group_of_one_patient_is_refused_and_can_be_told_before(films):
    alone = films.patient_ids == films.patient_ids[0]
    groups = Groups(("one", "others"), np.where(alone, 0, 1))
    draws = patient_draws(films.patient_ids, films.image_ids, 20)
    assert groups.n_patients(draws.owners(films.patient_ids, films.image_ids)).tolist() == [1, 249]
    with pytest.raises(ResamplingError, match="at least 2"):
        measure_group(subset(films, alone), draws, AT)


def test_a_finding_without_negatives_has_no_false_alarm_rate(films, halves):
    labels = films.labels.copy()
    labels[halves.place == 0, 0] = 1
    found = measured(replace(films, labels=labels), halves, AT)["even"]
    assert np.isnan(found.values["false_alarm"][0]).all() and not np.isnan(found.values["recall"][0]).any()


def test_unknown_labels_leave_the_finding(films, halves):
    labels = films.labels.copy()
    labels[:, 0] = np.nan
    found = measured(replace(films, labels=labels), halves, AT)
    assert suppressed(found["even"]).tolist() == [True, False]
    assert np.isnan(intervals(found, "auroc")["even"].point[0])


def test_one_group_alone_has_no_gaps(films, halves):
    assert gaps({"even": measured(films, halves, AT)["even"]}, "even", "recall") == []


# -- the shortcut


def test_the_view_alone_is_read_on_films_of_known_view(films):
    rng = np.random.default_rng(4)
    likely = np.where(films.labels[:, 0] == 1, 0.7, 0.3)  # the first label goes with AP
    view = np.where(rng.random(len(likely)) < likely, "AP", "PA").astype(object)
    view[::9] = None
    views = by_view(frame(view=view))
    draws = patient_draws(films.patient_ids, films.image_ids, 200)
    alone, run = view_alone(films, views, draws)
    known = views.place >= 0
    for k in range(2):
        expected = roc_auc_score(films.labels[known, k], view[known] == "AP")
        assert alone.values["auroc"][k, 0] == pytest.approx(expected, abs=1e-12)
        assert run.values["auroc"][k, 0] == pytest.approx(
            roc_auc_score(films.labels[known, k], films.scores[known, k]), abs=1e-12)
    found = alone.interval("auroc")
    assert found.low[0] > 0.6 and found.low[1] < 0.5 < found.high[1]
    assert alone.draws_key == run.draws_key and alone.n_films == known.sum()
