"""Trainings measured: means draw by draw, spreads over seeds, and differences of two with both kinds of interval."""

import dataclasses

import numpy as np
import pytest
import repeated_runs
from read_runs import architectures, read_runs
from repeated_runs import Made
from scipy import stats

from cxrcore.charts.look import run_styles
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.intervals.intervals import MACRO
from cxrcore.measures.metrics import auroc, per_finding
from cxrcore.queries import comparison, from_store, run_groups
from cxrcore.queries.repeats import measured
from cxrcore.queries.repeats.trainings import trainings

OTHER_RATE = Made("densenet121", weaker=0.05, settings={"lr": 1e-3})
ALONE = Made("vgg16", seeds=(0,), weaker=0.1)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return repeated_runs.make(tmp_path_factory.mktemp("made") / "store.duckdb", (*repeated_runs.TWO, OTHER_RATE, ALONE),
                              n_val=80, n_test=200)


@pytest.fixture(scope="module")
def found(store):
    """DenseNet-121 and ResNet-18 with three seeds, DenseNet-121 at another rate, and one VGG16."""
    runs = from_store.overview(store).runs.iloc[::-1]
    compared = comparison.compare(store, read_runs(store), architectures(store), "test")
    return measured.measured_trainings(trainings(runs, run_groups.run_labels(runs)), compared,
                                       run_styles(runs["run_id"]))


def test_the_mean_is_that_of_the_runs_and_so_is_their_spread(store, found):
    first = found[0]
    own = []
    for one in first.members:
        films = store.predictions(one.run.prediction_id("test"))
        own.append(per_finding(auroc, films.labels, films.scores))
    own = np.array(own)
    spread, interval = first.spread("auroc"), first.mean.found.interval("auroc")
    np.testing.assert_allclose(interval.point[:MACRO], own.mean(axis=0))
    np.testing.assert_allclose(spread.mean, interval.point)
    np.testing.assert_allclose(spread.sd[:MACRO], own.std(axis=0, ddof=1))
    assert spread.sd[MACRO] == pytest.approx(own.mean(axis=1).std(ddof=1)) and spread.n == 3
    assert (interval.low < interval.point).all() and (interval.point < interval.high).all()


def test_a_single_run_is_its_own_mean_without_a_spread(found):
    alone = found[-1]
    assert alone.mean.run.label == alone.members[0].run.label == "VGG16 · seed 0"
    assert alone.mean.found is alone.members[0].found and np.isnan(alone.spread("auroc").sd).all()


def test_the_mean_is_drawn_together_so_its_interval_is_no_narrower_than_its_own_draws(found):
    """Draw by draw: the mean of the runs' values in each draw of patients."""
    first = found[0]
    for measure in ("auroc", "f1", "ece"):
        by_hand = np.mean([one.found.values[measure] for one in first.members], axis=0)
        np.testing.assert_allclose(first.mean.found.values[measure], by_hand)
    errors = [one.found.interval("auroc").error[MACRO] for one in first.members]
    assert first.mean.found.interval("auroc").error[MACRO] <= max(errors)
    changes, _ = comparison.contrasts([one.mean for one in found], found[1].mean.run.run_id, "auroc")
    assert changes[0].words[MACRO] == "better"  # DenseNet-121 was made better


def test_seeds_are_paired_for_one_network_and_not_for_two(found):
    dense, resnet, other_rate, alone = found
    unpaired = measured.difference_over_seeds(dense, resnet, "auroc")
    values = [one.values("auroc") for one in (dense, resnet, other_rate)]
    ends = stats.ttest_ind(values[0], values[1], equal_var=False).confidence_interval(0.95)
    np.testing.assert_allclose([unpaired.low, unpaired.high], [ends.low, ends.high])
    paired = measured.difference_over_seeds(dense, other_rate, "auroc")
    ends = stats.ttest_rel(values[0], values[2]).confidence_interval(0.95)
    np.testing.assert_allclose([paired.low, paired.high], [ends.low, ends.high])
    assert paired.paired and not unpaired.paired
    assert np.isnan(measured.difference_over_seeds(dense, alone, "auroc").low).all()
    turned = dataclasses.replace(other_rate, members=other_rate.members[::-1], training=dataclasses.replace(
        other_rate.training, seeds=other_rate.training.seeds[::-1], run_ids=other_rate.training.run_ids[::-1]))
    np.testing.assert_allclose(measured.difference_over_seeds(dense, turned, "auroc").low, paired.low)


def test_what_one_run_cannot_be_measured_on_the_mean_has_not(found):
    first = found[0]
    one = dataclasses.replace(first.members[0].found, values={
        name: values.copy() for name, values in first.members[0].found.values.items()})
    one.values["precision"][3] = np.nan  # no alarm
    members = (dataclasses.replace(first.members[0], found=one), *first.members[1:])
    mean = measured.mean_in_draws([own.found for own in members])
    held = dataclasses.replace(first, members=members, mean=dataclasses.replace(first.mean, found=mean))
    spread = held.spread("precision")
    assert np.isnan([spread.mean[3], spread.sd[3]]).all() and spread.mean[MACRO] == pytest.approx(
        mean.interval("precision").point[MACRO])


def test_tables_hold_a_row_a_training_and_finding(found):
    table = measured.spread_table(found, "auroc")
    assert len(table) == 4 * (len(NIH_FINDINGS) + 1) and table["runs"].unique().tolist() == [3, 1]
    macro = table[table["finding"] == "Macro mean"]
    assert macro["seeds"].tolist() == ["0, 1, 2"] * 3 + ["0"] and (macro["sd_over_seeds"] > 0).sum() == 3
    changes = measured.difference_table(found, found[0], "auroc")
    assert set(changes["against"]) == {"DenseNet-121"} or changes["against"].str.startswith("DenseNet-121").all()
    assert changes.groupby("training", sort=False)["paired_by_seed"].first().tolist() == [False, True, False]


def test_a_chart_shows_the_runs_behind_a_mean(found):
    bars = measured.bars_together(found, "auroc")
    assert bars[0].repeats.shape == (3, 15) and bars[-1].repeats is None
    assert "mean of 3 runs, standard deviation 0.0" in bars[0].notes[0]
