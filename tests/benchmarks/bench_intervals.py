"""1,000 draws of patients x 14 findings x (AUROC and AP) on films like NIH's test list, against scikit-learn.

    pytest -m benchmark -s tests/benchmarks/bench_intervals.py

Beside it, in the same run: the films of a few of those draws resampled and measured by scikit-learn, which also checks
the values.
"""

import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from scored_runs import PREVALENCE, SEPARATION
from sklearn.metrics import average_precision_score, roc_auc_score

from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.intervals.draws import N_DRAWS, patient_draws
from cxrcore.measures.intervals.intervals import CELLS, difference, resample
from cxrcore.measures.intervals.resampling import CALIBRATED, MEASURES
from cxrcore.measures.metrics import THRESHOLDED
from cxrcore.store import Predictions

pytestmark = pytest.mark.benchmark

N_FILMS, N_PATIENTS = 25_596, 2_797  # of NIH's official test list
BY_HAND = 12  # draws that scikit-learn measures
FAILS_BELOW = 30  # times faster
MEMORY = 300  # MB beside the films


def films(n_films: int = N_FILMS, n_patients: int = N_PATIENTS) -> Predictions:
    """Random films, as many a patient as there (9.2 in the mean, a few patients with very many)."""
    rng = np.random.default_rng(0)
    films_of = rng.pareto(1.5, n_patients) + 0.3
    owner = np.sort(np.append(np.arange(n_patients), rng.choice(n_patients, n_films - n_patients,
                                                                p=films_of / films_of.sum())))
    labels = (rng.random((n_films, len(NIH_FINDINGS))) < PREVALENCE).astype(np.float32)
    logits = rng.normal(-3, 1, labels.shape) + labels * SEPARATION
    return Predictions(np.array([f"{i:06d}.png" for i in range(n_films)], object),
                       np.array([f"{p:05d}" for p in owner], object), labels,
                       (1 / (1 + np.exp(-logits))).astype(np.float32), NIH_FINDINGS)


def test_patients_are_drawn_much_faster_than_films_are_resampled():
    of = films()
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        draws = patient_draws(of.patient_ids, of.image_ids)
        found = resample(of, draws)
        seconds.append(time.perf_counter() - began)
    owners, began = draws.owners(of.patient_ids, of.image_ids), time.perf_counter()
    for draw in range(BY_HAND):
        rows = np.repeat(np.arange(N_FILMS), draws.counts[owners, draw])
        labels, scores = of.labels[rows], of.scores[rows]
        for k in range(len(NIH_FINDINGS)):
            for name, measure in (("auroc", roc_auc_score), ("ap", average_precision_score)):
                assert abs(measure(labels[:, k], scores[:, k]) - found.values[name][k, draw + 1]) < 1e-12
    baseline = (time.perf_counter() - began) / BY_HAND * N_DRAWS
    ratio = baseline / np.median(seconds)
    print(
        f"\n{N_DRAWS} draws x {len(NIH_FINDINGS)} findings x (AUROC, AP), {N_FILMS:,} films of {N_PATIENTS:,} patients:"
        f" {np.median(seconds):.2f} s (scikit-learn {baseline:.0f} s, from {BY_HAND} draws): {ratio:.0f} x faster"
    )
    assert ratio >= FAILS_BELOW


@pytest.mark.parametrize("measures", [("auroc", "ap"), MEASURES], ids=["auroc and ap", "all"])
def test_memory(measures):
    of = films()
    tracemalloc.start()
    resample(of, patient_draws(of.patient_ids, of.image_ids), measures, np.full(len(NIH_FINDINGS), 0.2))
    megabytes = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    print(f"\npeak beside the films, {len(measures)} measures: {megabytes:.0f} MB")
    assert megabytes <= MEMORY


@pytest.mark.parametrize("whose", ["of 30,805 patients", "of unknown patients"])
@pytest.mark.parametrize("cells", [CELLS, 10**12], ids=["some findings at a time", "all at once"])
def test_the_whole_release(whose, cells, monkeypatch):
    """Processor time and memory, for the record, beside those of all findings at once."""
    of = films(112_120, 30_805)
    if whose == "of unknown patients":
        of = replace(of, patient_ids=np.full(len(of.image_ids), None))
    monkeypatch.setattr("cxrcore.measures.intervals.intervals.CELLS", cells)
    if cells > CELLS:
        monkeypatch.setattr("cxrcore.measures.intervals.draws.BATCH_CELLS", cells)
    began = time.process_time()
    tracemalloc.start()
    resample(of, patient_draws(of.patient_ids, of.image_ids), MEASURES, np.full(len(NIH_FINDINGS), 0.2))
    megabytes = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    print(f"\n112,120 films {whose}, all measures: {time.process_time() - began:.1f} s, peak {megabytes:.0f} MB")


def test_every_kind_of_measure():
    """Absolute times, for the record."""
    of = films()
    thresholds, seconds = np.full(len(NIH_FINDINGS), 0.2), {}
    began = time.perf_counter()
    draws = patient_draws(of.patient_ids, of.image_ids)
    seconds["draws"] = time.perf_counter() - began
    for measures in (("auroc", "ap"), ("fitted_threshold",), THRESHOLDED, CALIBRATED, MEASURES):
        began = time.perf_counter()
        resample(of, draws, measures, thresholds)
        seconds["all" if measures == MEASURES else ", ".join(measures)] = time.perf_counter() - began
    alone = Predictions(of.image_ids, np.full(N_FILMS, "", object), of.labels, of.scores, NIH_FINDINGS)
    began = time.perf_counter()
    resample(alone, patient_draws(alone.patient_ids, alone.image_ids))
    seconds["auroc, ap by film, patients unknown"] = time.perf_counter() - began
    one, other = (resample(of, draws, ["auroc"]) for _ in range(2))
    began = time.perf_counter()
    assert (difference(one, other, "auroc").high == 0).all()  # a run and itself
    seconds["a difference of two, resampled"] = time.perf_counter() - began
    print()
    for name, value in seconds.items():
        print(f"  {name:45} {value:6.3f} s")
