"""Do intervals hold the truth as often as they promise, and are equal runs called different as rarely? By simulation.

    pytest -m long -s tests/measures/intervals/test_interval_coverage.py
"""

from dataclasses import replace

import numpy as np
import pytest
from clustered_films import simulate, truth

from cxrcore.measures.intervals.draws import patient_draws
from cxrcore.measures.intervals.intervals import MANY_POSITIVES, compare, difference, resample
from cxrcore.measures.metrics import THRESHOLDED

MEASURES = ("auroc", "ap", *THRESHOLDED, "brier", "ece")
THRESHOLD = 0.5


def without_patients(runs):
    """The same films, each as if of its own patient."""
    return [replace(films, patient_ids=np.full(len(films.image_ids), "", object)) for films in runs]


def covered(repeats: int, n_draws: int, known: bool = True, measures=MEASURES, **design) -> tuple[dict, np.ndarray]:
    """{measure: share of intervals that hold the truth, of each finding and macro}; positives of each repeat."""
    prevalence = design["prevalence"]
    truths = {name: [truth(name, share, THRESHOLD) for share in prevalence] for name in measures}
    truths = {name: np.array([*values, np.mean(values)]) for name, values in truths.items()}
    held, positives = {name: [] for name in measures}, []
    for repeat in range(repeats):
        runs = simulate([repeat, 1], **design)
        (films,) = runs if known else without_patients(runs)
        found = resample(films, patient_draws(films.patient_ids, films.image_ids, n_draws, repeat), measures,
                         np.full(len(prevalence), THRESHOLD))
        positives.append(found.n_positive)
        for name in measures:
            interval = found.interval(name)
            held[name].append((interval.low <= truths[name]) & (truths[name] <= interval.high))
    return {name: np.mean(hits, axis=0) for name, hits in held.items()}, np.array(positives)


def called_different(repeats: int, n_draws: int, known: bool = True, measure: str = "auroc", **design) -> float:
    """How often two runs of the same worth differ at p < 0.05."""
    p = []
    for repeat in range(repeats):
        runs = simulate([repeat, 2], n_runs=2, **design)
        pair = compare(*(runs if known else without_patients(runs)), [measure], n_draws=n_draws, seed=repeat)
        p.append(difference(*pair, measure).p[0])
    return float(np.mean(np.array(p) < 0.05))


# -- short: bounds that films drawn one by one do not keep


def test_intervals_of_patients_hold_the_truth_and_those_of_films_do_not():
    design = {"prevalence": (0.15,), "alike": 0.8, "measures": ("auroc",)}
    by_patient, positives = covered(300, 200, **design)
    by_film, _ = covered(300, 200, known=False, **design)
    assert positives.mean() > MANY_POSITIVES
    assert 0.915 <= by_patient["auroc"][0] <= 0.985  # 95 % and 2.8 standard errors of 300 repeats
    assert by_film["auroc"][0] < 0.88


def test_equal_runs_are_rarely_called_different_by_patients_and_often_by_films():
    design = {"prevalence": (0.15,), "alike": 0.8}
    assert 0.015 <= called_different(250, 200, **design) <= 0.085
    assert called_different(150, 200, known=False, **design) > 0.12


# -- long


@pytest.mark.long
@pytest.mark.parametrize(("n_patients", "prevalence", "alike"), [
    (300, (0.15, 0.3), 0.6), (300, (0.15, 0.3), 0.8), (1200, (0.04, 0.15), 0.6), (300, (0.15, 0.3), 0.0)])
def test_coverage_of_findings_with_many_positives(n_patients, prevalence, alike):
    shares, positives = covered(2000, 1000, n_patients=n_patients, prevalence=prevalence, alike=alike)
    _report(f"{n_patients} patients, alike {alike}", shares, positives)
    assert (positives.mean(axis=0) > MANY_POSITIVES).all()
    for name, share in shares.items():
        most = 1 if name == "ece" else 0.97  # ECE's interval promises to hold it at least that often
        assert ((share >= 0.93) & (share <= most)).all(), f"{name}: {share}"


@pytest.mark.long
def test_coverage_of_rare_findings_is_reported():
    """Such findings are marked rare: what their intervals are worth is printed, and must not be absurd."""
    shares, positives = covered(2000, 1000, n_patients=300, prevalence=(0.008, 0.02), alike=0.6)
    _report("rare findings", shares, positives)
    assert (positives.mean(axis=0) < MANY_POSITIVES).all()
    assert (shares["auroc"] > 0.7).all()


@pytest.mark.long
@pytest.mark.parametrize(("measure", "n_patients", "alike"), [
    ("auroc", 300, 0.6), ("auroc", 300, 0.8), ("auroc", 1000, 0.6), ("ap", 1000, 0.6)])
def test_equal_runs_are_called_different_as_rarely_as_promised(measure, n_patients, alike):
    """AP follows the few films at the top: of 300 patients, 60 % alike, it would be called different in 7.2 %."""
    share = called_different(2000, 1000, measure=measure, n_patients=n_patients, prevalence=(0.15,), alike=alike)
    print(f"\n{measure}, {n_patients} patients, alike {alike}: {share:.1%} called different")
    assert 0.03 <= share <= 0.07


def _report(title: str, shares: dict, positives: np.ndarray) -> None:
    middle = ", ".join(f"{n:.0f}" for n in np.median(positives, axis=0))
    print(f"\n{title}; positives {middle} (median), coverage of each finding and macro")
    for name, share in shares.items():
        print(f"  {name:12} " + " ".join(f"{value:.1%}" for value in share))
