"""All measures that the product shows, of the fixed run, in groups of names and numbers: what the golden file holds.

A group is a function without arguments that gives a tree of dictionaries, whose leaves are numbers, words, arrays (a
number a finding, or a finding and the macro mean) or None.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from fixed_run import FINDINGS, fixed_run, reading

from cxrcore.evaluation.ensemble import mean_scores
from cxrcore.findings import align, shared
from cxrcore.measures import (
    calibration,
    cases,
    curve_thinning,
    curves,
    derived,
    label_errors,
    macro_curves,
    metrics,
    number_words,
    reliability,
    subgroups,
)
from cxrcore.measures.decisions import abstention, net_benefit, planner, prevalence
from cxrcore.measures.decisions.by_patients import read_by_patients
from cxrcore.measures.decisions.promise_record import promise_of, promised_set
from cxrcore.measures.decisions.promises import RULES, Aim, promise, wrong_allowed
from cxrcore.measures.intervals import curve_bands
from cxrcore.measures.intervals.clustered_areas import Areas, independent_error
from cxrcore.measures.intervals.delong import delong
from cxrcore.measures.intervals.draws import patient_draws
from cxrcore.measures.intervals.holm import verdicts
from cxrcore.measures.intervals.intervals import MACRO, compare, difference, resample
from cxrcore.measures.intervals.rates_in_draws import ROWS, rate_spreads
from cxrcore.measures.intervals.scored_films import measured_films, shared_films, subset
from cxrcore.measures.intervals.seed_spread import seed_difference, seed_spread
from cxrcore.measures.label_reader import MEASURES as READER_MEASURES
from cxrcore.measures.label_reader import agreement, read_against
from cxrcore.measures.thresholds import changed_films, fitting, positions, told_apart
from cxrcore.measures.thresholds.cross_fitting import cross_fitted, halvings
from cxrcore.store import Predictions, label_sets

DRAWS, SEED = 200, 0
PREVALENCE = 0.1  # of a place other than the films'
NAMES, AVERAGED = FINDINGS, (*FINDINGS, "macro")
MEASURES = ("auroc", "ap", *metrics.THRESHOLDED, "brier", "ece")


def films(part: str = "test", run: str = "first") -> Predictions:
    return fixed_run(part).runs[run]


def named(values: Sequence[Any] | np.ndarray, names: Sequence[str] = AVERAGED) -> dict[str, Any]:
    """A value a finding; the last name is left out where there is no macro mean."""
    return dict(zip(names, np.asarray(values).tolist(), strict=False))


def at_max_f1(run: str = "first") -> np.ndarray:
    """As the board stands at first: fitted on val."""
    val = films("val", run)
    return fitting.max_f1(val.labels, val.scores, FINDINGS).thresholds


def measured() -> dict[str, Any]:
    """What the tables of a run say: each finding, macro and micro."""
    test = films()
    ranked = metrics.ranking_metrics(test.labels, test.scores, FINDINGS)
    found: dict[str, Any] = {f"{row.metric}": {} for row in ranked.itertuples()}
    for table, suffix in ((ranked, ""), (metrics.threshold_metrics(
            test.labels, test.scores, FINDINGS, at_max_f1(), None), ""), (metrics.threshold_metrics(
                test.labels, test.scores, FINDINGS, np.full(len(FINDINGS), 0.5), None), " at 0.5")):
        for row in table.itertuples():
            found.setdefault(row.metric + suffix, {})[row.finding] = row.value
    counts = metrics.confusion(test.labels, test.scores, at_max_f1())
    found["counts"] = {name: named(getattr(counts, name)) for name in ("tp", "fp", "fn", "tn")}
    found["films"] = named([metrics.counted(*pair)[1] for pair in zip(test.labels.T, test.scores.T, strict=True)])
    found["excluded"] = metrics.macro(metrics.per_finding(metrics.auroc, test.labels, test.scores))[1]
    return found


def labels_by_name() -> dict[str, Any]:
    """Columns in another order come to the findings by their names; runs of other lists meet on what they share."""
    test, turned = films(), list(FINDINGS[::-1])
    again = align([name.upper() for name in turned], test.scores[:, ::-1], FINDINGS)
    parts = test.labels[:, [FINDINGS.index("Nodule"), FINDINGS.index("Mass")]]
    scores = test.scores[:, [FINDINGS.index("Nodule"), FINDINGS.index("Mass")]]
    both = derived.derived_scores(scores)
    return {"auroc of columns in another order": named(metrics.per_finding(metrics.auroc, test.labels, again)),
            "shared": ", ".join(shared([FINDINGS, ("Mass", "Hernia", "Pneumonia", "Effusion")])),
            "nodule or mass": {"auroc": metrics.auroc(derived.derived_labels(parts), both),
                               "threshold": derived.derived_threshold(at_max_f1()[[3, 2]]),
                               "formula": derived.formula(("Nodule", "Mass")),
                               "mean score": float(np.nanmean(both.astype(np.float64)))}}


def calibrated() -> dict[str, Any]:
    """Reliability, Brier score, ECE; maps fitted on val and read on test."""
    val, test = films("val"), films()
    found: dict[str, Any] = {f"{name} as scored": named(values) for name, values in
                             calibration.calibrated_measures(test.labels, test.scores).items()}
    found["no probabilities"] = ", ".join(calibration.not_probabilities(test.labels, test.scores, FINDINGS))
    for method in calibration.METHODS:
        fitted = calibration.fit_calibrator(val.labels, val.scores, FINDINGS, method)
        for name, values in calibration.calibrated_measures(test.labels, fitted(test.scores)).items():
            found[f"{name} after {method}"] = named(values)
        if method == "platt":
            found["platt"] = {finding: dict(own) for finding, own in fitted.maps.items()}
    found["as people read it"] = [calibration.in_digits(share, 14) for share in (0.0004, 0.0234, 0.5, 0.9996)]
    patients = np.unique(test.patient_ids.astype(str), return_inverse=True)[1]
    for k, finding in enumerate(FINDINGS[:2]):
        one = reliability.finding_reliability(test.labels[:, k], test.scores[:, k], patients)
        found[f"reliability of {finding}"] = {
            name: getattr(one, name) for name in ("score", "observed", "low", "high", "n")}
    return found


def thresholds() -> dict[str, Any]:
    """Of every aim, fitted on val; what they are worth on films that had no part in it; what they change."""
    val = films("val")
    sets = {name: fitting.fit_thresholds(val.labels, val.scores, FINDINGS, name)
            for name in (*fitting.OBJECTIVES, "classic", "fixed")}
    found: dict[str, Any] = {name: named(made.thresholds) for name, made in sets.items()}
    found["not met"] = {name: ", ".join(made.parameters.get("not_met", ())) for name, made in sets.items()}
    found["unstable"] = ", ".join(sets["max_f1"].parameters["unstable"])
    apparent = metrics.confusion(val.labels, val.scores, sets["max_f1"].thresholds).f1
    once = cross_fitted(val.labels, val.scores, val.patient_ids, "max_f1")
    often = halvings(val.labels, val.scores, val.patient_ids, "max_f1")
    found["optimism"] = {"apparent f1": named(apparent), "cross-fitted f1": named(once.counts.f1),
                         "of 20 halvings": named(often.mean), "optimism": named(apparent - often.mean)}
    return found | {"best f1": named(fitting.best_f1(val.labels, val.scores)),
                    "on the board": _on_board(sets["max_f1"])}


def _on_board(made: fitting.ThresholdSet) -> dict[str, Any]:
    """The places that a handle has, the counts there, and how they are written."""
    val, at = films("val"), float(made.thresholds[0])
    moved = changed_films.changed(val.labels[:, 0], val.scores[:, 0], 0.3, 0.45)
    sort = [positions.sort_scores(*pair) for pair in zip(val.labels.T, val.scores.T, strict=True)]
    places, counts = positions.positions(sort[0], made.thresholds), positions.counts_at(sort, made.thresholds)
    return {"changed films": {name: getattr(moved, name) for name in ("gained", "positives", "negatives", "unknown")},
            "places": [len(places), *places[::120]], "f1": named(counts.f1), "fp": named(counts.fp),
            "written": [positions.written(at, sort[0]), positions.rounded(at), told_apart.compared(0.3399, at),
                        *told_apart.told_apart(0.33999, at)],
            "in words": [number_words.value(0.12345), number_words.signed(-0.0126), number_words.span(0.1, 0.25),
                         number_words.with_minus("-0.1 to 0.2")]}


def worth() -> dict[str, Any]:
    """Predictive values at a prevalence, net benefit, and the range of ratios in which a threshold is worth it."""
    test, at = films(), at_max_f1()
    counts = metrics.confusion(test.labels, test.scores, at)
    there = prevalence.at_prevalence(counts.recall, counts.specificity, PREVALENCE)
    draws = patient_draws(test.patient_ids, test.image_ids, DRAWS, SEED)
    sure = prevalence.in_draws(resample(test, draws, ("recall", "specificity"), at), PREVALENCE)
    found: dict[str, Any] = {name: {"value": named(getattr(there, name)), "low": named(sure[name].low),
                                    "high": named(sure[name].high)} for name in prevalence.MEASURES}
    cutoffs = np.array([0.05, 0.1, 0.2, 0.35, 0.5])
    platt = calibration.fit_calibrator(films("val").labels, films("val").scores, FINDINGS)
    for title, options in (("as scored", {}), ("calibrated", {"calibrator": platt}),
                           ("at a prevalence", {"calibrator": platt, "prevalence": PREVALENCE})):
        curve = net_benefit.decision_curves(test.labels, test.scores, cutoffs, **options)
        found[f"net benefit {title}"] = {finding: {"network": own, "for all": every} for finding, own, every in
                                         zip(FINDINGS, curve.network, curve.for_all, strict=True)}
    lines = [net_benefit.best_line(*pair, 4.0) for pair in zip(test.labels.T, test.scores.T, strict=True)]
    found["best line"] = {finding: {"threshold": one.threshold, "net benefit": one.net_benefit}
                          for finding, one in zip(FINDINGS, lines, strict=True)}
    ranges = {"at the threshold": net_benefit.worth_range(counts.recall, counts.specificity, PREVALENCE),
              "of the network": net_benefit.best_worth_range(test.labels, test.scores)}
    found["worth from"] = {name: named(one.low) for name, one in ranges.items()}
    found["worth to"] = {name: named(one.high) for name, one in ranges.items()}
    return found


def promised() -> dict[str, Any]:
    """Promises for new patients by each measure and rule, counted by patients, and bands that refer to a person."""
    val, test = films("val"), films()
    found: dict[str, Any] = {}
    for measure, bound in (("recall", 0.6), ("specificity", 0.5), ("precision", 0.4)):
        for rule in RULES:
            one = promise(val, Aim(measure, bound, 0.9, rule, first_alarms=10))
            found[f"{measure} at least {bound}, {rule}"] = {
                name: named(getattr(one, name)) for name in ("thresholds", "patients", "right", "needed")}
            kept = promise_of(promised_set(one, FINDINGS).parameters)
            found[f"{measure} at least {bound}, {rule}"]["in words"] = {name: kept.in_words(name) for name in FINDINGS}
    found["wrong allowed of 100"] = wrong_allowed(100, 0.9, 0.05)
    draws = patient_draws(test.patient_ids, test.image_ids, DRAWS, SEED)
    for measure in ("recall", "specificity", "precision"):
        read = read_by_patients(test, at_max_f1(), measure, draws)
        found[f"{measure} by patients"] = {"value": named(read.interval.point), "low": named(read.interval.low),
                                           "high": named(read.interval.high), "patients": named(read.patients)}
    for title, bands in (("refer at most 0.2", abstention.refer_at_most(val.labels, val.scores, 0.2)),
                         ("miss at most 4", abstention.miss_at_most(val.labels, val.scores, 4))):
        counts = abstention.band_counts(test.labels, test.scores, bands)
        found[title] = {"lower": named(bands.lower), "upper": named(bands.upper)} | {
            name: named(getattr(counts, name)) for name in ("referred", "decided_recall", "decided_precision",
                                                            "decided_f1", "misses_left")}
    return found


def intervals() -> dict[str, Any]:
    """Of draws of patients with a stored seed; each measure on the films, its ends, its error, its dropped draws."""
    test = films()
    draws = patient_draws(test.patient_ids, test.image_ids, DRAWS, SEED)
    found = resample(test, draws, (*MEASURES, "fitted_threshold"), at_max_f1())
    made: dict[str, Any] = {}
    for measure in (*MEASURES, "fitted_threshold"):
        one = found.interval(measure)
        made[measure] = {name: named(getattr(one, name)) for name in ("point", "low", "high", "error", "n_dropped")}
    owners = draws.owners(test.patient_ids, test.image_ids)
    for curve in curve_bands.CURVES:
        band = curve_bands.summed_up(*curve_bands.in_draws(
            test.labels[:, 0], test.scores[:, 0], owners, draws, curve))
        made[f"{curve} band of Effusion"] = {name: getattr(band, name)[::64] for name in ("x", "low", "high")}
        mean = curve_bands.summed_up(*macro_curves.mean_in_draws(
            test.labels[:, :2], test.scores[:, :2], owners, draws, curve))
        made[f"{curve} band of the mean"] = {name: getattr(mean, name)[::64] for name in ("x", "low", "high")}
    spread = rate_spreads(test.labels[:, :1], test.scores[:, :1], owners, draws, [np.array([0.2, 0.34, 0.6])])[0]
    made["rates of Effusion at a threshold"] = dict(zip(ROWS, spread, strict=True))
    patients = np.unique(test.patient_ids.astype(str), return_inverse=True)[1]
    areas = Areas(test.labels[:, :4], test.scores[:, :4], patients)
    made["areas over patients"] = {"own": areas.own, "error": [areas.error(k) for k in range(4)],
                                   "macro": areas.macro(np.arange(4)), "each label by each score": areas.matrix[0],
                                   "independent": independent_error(0.8, 40, 150)}
    return made | {"measured films": len(measured_films(test).image_ids), "draws": draws.key,
                   "patients": found.n_patients, "films": found.n_films}


def compared() -> dict[str, Any]:
    """Two runs on the films that both have: differences, p before and after Holm's correction, verdicts; DeLong's."""
    pair = compare(films(run="first"), films(run="second"), MEASURES, (at_max_f1(), at_max_f1("second")),
                   n_draws=DRAWS, seed=SEED)
    made: dict[str, Any] = {"films": pair[0].n_films}
    for measure in MEASURES:
        change = difference(*pair, measure)
        said = verdicts(change.point[:MACRO], change.p[:MACRO], measure)
        made[measure] = {name: named(getattr(change, name)) for name in ("point", "low", "high", "error", "z", "p")} | {
            "corrected p": named(said.p), "verdict": named(said.words)}
    first, second = shared_films([films(run="first"), films(run="second")])
    one = delong(first.labels[:, 0], np.column_stack([first.scores[:, 0], second.scores[:, 0]]))
    return made | {"DeLong of Effusion": {"auroc": one.auroc, "covariance": one.covariance.ravel(), "test": one.test()}}


def over_seeds() -> dict[str, Any]:
    """AUROC of three made repeats of two trainings: mean, spread, the difference as Welch has it and seed by seed."""
    test = films()
    noise = np.random.Generator(np.random.PCG64(5)).normal(0, 0.05, (6, *test.scores.shape))
    areas = np.array([[metrics.auroc(test.labels[:, k], (test.scores + own)[:, k]) for k in range(4)] for own in noise])
    made = seed_spread(areas[:3])
    told = {"mean": named(made.mean), "sd": named(made.sd)}
    for title, paired in (("Welch", False), ("paired", True)):
        change = seed_difference(areas[:3], areas[3:], paired)
        told[title] = {name: named(getattr(change, name)) for name in ("point", "low", "high", "p")}
    return told


def groups() -> dict[str, Any]:
    """Each grouping's measures, gaps and verdicts; how far the view alone gets."""
    test, images = films(), fixed_run("test").images
    draws = patient_draws(test.patient_ids, test.image_ids, DRAWS, SEED)
    made: dict[str, Any] = {}
    for title, grouping in subgroups.GROUPINGS.items():
        of = grouping(images)
        there = [place for place in range(len(of.names)) if (of.place == place).sum() > 40]
        found = {of.names[place]: subgroups.measure_group(subset(test, of.place == place), draws, at_max_f1())
                 for place in there}
        made[f"{title}: films"] = dict(zip(of.names, of.n_films.tolist(), strict=True))
        for measure in subgroups.MEASURES:
            for name, one in subgroups.intervals(found, measure).items():
                made[f"{title}: {measure} of {name}"] = {
                    end: named(getattr(one, end)) for end in ("point", "low", "high")}
            for gap in subgroups.gaps(found, next(iter(found)), measure):
                made[f"{title}: gap in {measure} of {gap.name}"] = {
                    "gap": named(gap.change.point), "error": named(gap.change.error), "p": named(gap.p),
                    "verdict": named(gap.words)}
    view, run = subgroups.view_alone(test, subgroups.by_view(images), draws)
    return made | {"auroc of the view alone": named(view.interval("auroc").point),
                   "auroc on films of known view": named(run.interval("auroc").point)}


def read_by_experts() -> dict[str, Any]:
    """The labels against a second reading; which labels are doubtful."""
    test, experts = films(), fixed_run("test").experts
    draws = patient_draws(test.patient_ids, test.image_ids, DRAWS, SEED)
    reader = read_against(test.labels, experts, test.patient_ids, test.image_ids, draws)
    made: dict[str, Any] = {}
    for measure in READER_MEASURES:
        one = reader.interval(measure)
        made[measure] = {name: named(getattr(one, name)) for name in ("point", "low", "high")}
    [both] = agreement({"own": test.labels, "experts": experts}, test.patient_ids, test.image_ids, draws).values()
    made["agreement"] = named(both.interval("kappa").point)
    queue = label_errors.label_error_queue(test.labels, test.scores).first(8)
    made["most doubtful labels"] = {"film": test.image_ids[queue.films], "finding": np.array(FINDINGS)[queue.findings],
                                    "quality": queue.quality}
    labels, values = reading("test")
    read = label_sets.read_against(test, labels, values)
    own = label_sets.labels_as(labels, pd.DataFrame(test.labels, test.image_ids, FINDINGS)).loc[values.index]
    made["on the reading"] = {
        "films": len(read.image_ids), "auroc": named(metrics.per_finding(metrics.auroc, read.labels, read.scores),
                                                     labels.findings),
        "thresholds": named(labels.thresholds(dict(zip(FINDINGS, at_max_f1(), strict=True))), labels.findings),
        "auroc by own labels": named(metrics.per_finding(metrics.auroc, own.to_numpy(np.float32), read.scores),
                                     labels.findings)}
    made["mean of both runs"] = named(np.nanmean(mean_scores(shared_films([
        films(), films(run="second")])).astype(np.float64), axis=0))
    return made


def looked_at() -> dict[str, Any]:
    """Cells of the confusion matrix, films near a threshold or on which runs differ, and plans."""
    test, at = films(), at_max_f1()
    labels, scores = test.labels[:, 0], test.scores[:, 0]
    other, here = films(run="second"), np.arange(len(test.labels)) % 7 != 6
    pair = (labels[here], [scores[here], other.scores[:, 0]], [at[0], at_max_f1("second")[0]])
    error = planner.error_of_interval(0.7, 0.82)
    return {
        "cells": {cell: cases.in_cell(labels, scores, at[0], cell)[:5] for cell in cases.CELLS},
        "nearest": cases.nearest(labels, scores, at[0])[:5], "between": cases.between(labels, scores, 0.3, 0.4)[:5],
        "missed by all": cases.missed_by_all(*pair)[:5], "disagreements": cases.disagreements(*pair)[:5],
        "plans": {"films for recall": planner.films_for_share(0.8, 0.05),
                  "positives for precision": planner.positives_for_precision(0.4, 0.8, 0.05),
                  "positives for auroc": planner.positives_for_auroc(0.8, 0.03, 5.0),
                  "patients to tell apart": planner.patients_to_tell_apart(90, 0.02, 0.015),
                  "patients for a width": planner.patients_for_width(90, 0.03, 0.02), "error": error,
                  "half width": planner.half_width_of(error), "clustering": planner.clustering(error, 0.76, 90)},
        "seeds": vars(planner.seeds_or_patients(0.01, 3, 0.02))}


def drawn() -> dict[str, Any]:
    """Points of the curves and bars of the histograms that are drawn."""
    labels, scores = films().labels[:, 0], films().scores[:, 0]
    of = {view: curves.finding_curves(labels, scores, view) for view in curves.VIEWS}
    made: dict[str, Any] = {"auroc": of["roc"].auroc, "ap": of["pr"].ap, "best": of["roc"].best}
    for view, found in of.items():
        for name, line in found.lines.items():
            made[f"{name} of {view}"] = {axis: getattr(line, axis)[::25] for axis in ("x", "y", "thresholds")}
    roc = of["roc"].lines["roc"]
    path = np.column_stack([roc.x, roc.y]).astype(np.float64)
    few = path[:: max(len(path) // 6, 1)]
    made["farthest of a coarse line"] = curve_thinning.farthest(path, few)
    edges, counts = curves.merge_bins([of["scores"].histogram], 12)
    made["histogram"] = {"edges": edges, "with": counts[0][0], "without": counts[0][1]}
    other = curves.finding_curves(films().labels[:, 2], films().scores[:, 2], "roc").lines["roc"]
    x, y = macro_curves.mean_curve([roc, other], "roc")
    runs = [curves.finding_curves(one.labels[:, 0], one.scores[:, 0], "roc") for one in (films(), films(run="second"))]
    repeats = macro_curves.mean_of_repeats(runs, "roc")
    return made | {"mean roc": {"x": x[::32], "y": y[::32]},
                   "of repeats": {"auroc": repeats.auroc, "ap": repeats.ap, "roc": repeats.lines["roc"].y[::32]}}
