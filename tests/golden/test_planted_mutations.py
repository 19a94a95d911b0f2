"""Mistakes that a hand can make in a measure, each planted into one function: the golden numbers notice every one.

A mutation that moves no number of its groups fails its test. Some 10 s.
"""

import golden_file
import pytest
from source_mutations import Mutation, planted

from cxrcore import findings
from cxrcore.evaluation import label_metrics
from cxrcore.explain import overlay, registration, small_maps
from cxrcore.measures import calibration, derived, localization, localization_scores, metrics, subgroups
from cxrcore.measures.decisions import abstention, by_patients, net_benefit, planner, prevalence, promises
from cxrcore.measures.intervals import delong, draws, holm, intervals, resampling, scored_films, seed_spread
from cxrcore.measures.thresholds import cross_fitting, fitting
from cxrcore.networks.cam_layer import CamLayer
from cxrcore.store import label_sets

MUTATIONS = (
    Mutation("a score on the threshold is no alarm", metrics.confusion, ">= np.asarray", "> np.asarray",
             ("metrics",)),
    Mutation("precision is divided by all positives", metrics.Counts.precision, "self.tp + self.fp",
             "self.tp + self.fn",
             ("metrics",)),
    Mutation("F1 counts false alarms twice", metrics.Counts.f1, "2 * self.tp + self.fp +",
             "2 * self.tp + 2 * self.fp +", ("metrics",)),
    Mutation("a finding without positives counts as 0 in the macro mean", metrics.macro, "values[defined].mean()",
             "np.nan_to_num(values).mean()", ("metrics",)),
    Mutation("a film without a score is measured", metrics.confusion, "(labels == 0) & scored", "(labels == 0)",
             ("metrics",)),
    Mutation("columns are taken by their places, not by their names", findings.align,
             "[:, targets] =", "[:, sorted(targets)] =", ("label order",)),
    Mutation("max F1 is max F2", fitting._max_f_beta, "beta * beta", "4 * beta * beta", ("thresholds",)),
    Mutation("J divides false alarms by the positives", fitting._youden, "max(steps.n_negative, 1)", "steps.n_positive",
             ("thresholds",)),
    Mutation("of precisions the highest threshold is taken", fitting._precision, "met[-1]", "met[0]", ("thresholds",)),
    Mutation("each half is read at its own thresholds", cross_fitting.cross_fitted, "fitted[::-1]", "fitted",
             ("thresholds",)),
    Mutation("films are drawn in place of patients", draws.units, "np.where(alone,", "np.where(alone | True,",
             ("intervals",)),
    Mutation("another seed", draws.patient_draws, "default_rng(seed)", "default_rng(seed + 1)", ("intervals",)),
    Mutation("intervals of 90 %", intervals._summary, "EDGES", "(5.0, 95.0)", ("intervals",)),
    Mutation("the error is of the wrong freedom", intervals._summary, "ddof=1", "ddof=0", ("intervals",)),
    Mutation("ECE has the interval of all others", intervals.Resampled.interval, 'measure == "ece"', "False",
             ("intervals",)),
    Mutation("the spread over seeds is that of all seeds there are", seed_spread.seed_spread, "ddof=1", "ddof=0",
             ("over seeds",)),
    Mutation("Welch's freedom is that of alike spreads", seed_spread._welch,
             "(parts[0] ** 2 / (n[0] - 1) + parts[1] ** 2 / (n[1] - 1))", "(parts[0] + parts[1]) ** 2 * sum(n)",
             ("over seeds",)),
    Mutation("p is one-sided", intervals.difference, "2 * ndtr", "ndtr", ("comparison",)),
    Mutation("Holm's correction is Bonferroni's", holm.holm, "np.arange(len(rising), 0, -1)", "len(rising)",
             ("comparison",)),
    Mutation("a higher Brier score is better", holm.verdicts, "in LOWER_IS_BETTER", "in ()", ("comparison",)),
    Mutation("a film without a score in one run stays in the other", scored_films.shared_films,
             "np.where(somewhere, np.nan, films.scores)", "films.scores", ("comparison",)),
    Mutation("placements are divided by the wrong kind", delong.delong, "rankdata(positive, axis=0)) / n",
             "rankdata(positive, axis=0)) / m", ("comparison",)),
    Mutation("a false alarm costs t and not its odds", net_benefit.odds_of, "return t / (1 - t)", "return t",
             ("worth",)),
    Mutation("NPV is divided by all without the finding", prevalence.at_prevalence, "spared + missed", "spared + wrong",
             ("worth",)),
    Mutation("a miss and a false alarm change places", net_benefit.best_line, "(ratio) * misses)",
             "(1 / ratio) * misses)",
             ("worth",)),
    Mutation("one more patient may be wrong", promises.wrong_allowed, 'side="right")) - 1', 'side="right"))',
             ("promises and bands",)),
    Mutation("a patient counts by all of his films", by_patients.shares_right, "of_right / of_kind", "of_right",
             ("promises and bands",)),
    Mutation("a score on the upper line is referred", abstention.answers, "(wide >= bands.upper)",
             "(wide > bands.upper)",
             ("promises and bands",)),
    Mutation("ECE weighs bins alike", calibration.ece, "gaps @ found.n[filled] / found.n.sum()", "gaps.mean()",
             ("calibration",)),
    Mutation("Platt's map without its bias", calibration._platt_of, ' + fitted["bias"]', "", ("calibration",)),
    Mutation("a gap is the other way round", subgroups._gap, "difference(first, second", "difference(second, first",
             ("subgroups",)),
    Mutation("age 40 belongs to the band below", subgroups.by_age, 'side="right"', 'side="left"', ("subgroups",)),
    Mutation("small groups are shown", subgroups.suppressed, "< MIN_POSITIVES", "< 0", ("subgroups",)),
    Mutation("a derived score is the mean of its parts", derived._any, "none *= 1 - column", "none -= column / 2",
             ("label order", "second reading")),
    Mutation("a label set's rows go to the next film", label_sets.read_against, "[place[rows]]", "[place[rows] - 1]",
             ("second reading",)),
    Mutation("a derived finding needs all of its parts", derived.derived_labels, "any(axis=1)", "all(axis=1)",
             ("label order", "second reading")),
    Mutation("other labels are compared with themselves", label_metrics._changed, "in (before, after)]",
             "in (after, after)]", ("store",)),
    Mutation("IoU without what both share twice", localization.iou, "- shared)", ")", ("boxes",)),
    Mutation("the hottest box is a pixel too small", localization.hottest_box, "columns.max() + 1", "columns.max()",
             ("boxes", "maps")),
    Mutation("a random place hits as often as a map", localization_scores._known, "measure == HIT", "False",
             ("boxes",)),
    Mutation("maps are moved to the other side", small_maps.place, "+ int(whole)", "- int(whole)", ("maps",)),
    Mutation("maps are moved by whole pixels alone", small_maps.place, "dtype.type(part)", "dtype.type(0)", ("maps",)),
    Mutation("a cell's centre is half a pixel off", registration._first_centre, "(_kernel(module) - 1) / 2",
             "_kernel(module) / 2", ("maps",)),
    Mutation("tokens are laid out column by column", CamLayer._laid_out, "(side, side)).permute(0, 3, 1, 2)",
             "(side, side)).permute(0, 3, 2, 1)", ("maps",)),
    Mutation("the overlay is turned", overlay._stretched, "heat.astype", "heat.T.astype", ("maps",)),
    Mutation("an unlikely finding glows", overlay.opacity, "float(score / threshold)", "1.0", ("maps",)),
    Mutation("plans take a one-sided interval", planner._z, "(1 + level) / 2", "level", ("films",)),
    Mutation("ties count as wholes", resampling.RankPlan.values, "weights[2 * groups:-2]) / 2",
             "weights[2 * groups:-2])", ("intervals",)),
)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name)
def test_it_is_noticed(mutation):
    kept = {group: golden_file.kept()["measures"][group] for group in mutation.groups}
    with planted(mutation):
        now = golden_file.numbers(mutation.groups)
    for group in mutation.groups:
        assert golden_file.moved(kept[group], now[group]), f"unnoticed by '{group}'"


def test_nothing_is_noticed_where_nothing_is_wrong():
    """So that the test above cannot pass by what planting does itself; the function is as it was afterwards."""
    code = metrics.confusion.__code__
    harmless = Mutation("the same in other words", metrics.confusion, "alarm = scores", "alarm = 1 * scores",
             ("metrics",))
    with planted(harmless):
        assert metrics.confusion.__code__ is not code
        now = golden_file.numbers(harmless.groups)
    assert metrics.confusion.__code__ is code
    assert golden_file.moved(golden_file.kept()["measures"]["metrics"], now["metrics"]) == []


def test_a_mutation_that_no_longer_fits_the_source_is_an_error():
    with pytest.raises(AssertionError, match="stands 0 times"):
        with planted(Mutation("of old", metrics.macro, "no such text", "", ("metrics",))):
            pass


def test_there_are_mutations_of_every_kind():
    assert {group for one in MUTATIONS for group in one.groups} >= set(golden_file.GROUPS) - {"curves"}
    assert len({one.name for one in MUTATIONS}) == len(MUTATIONS) > 40
