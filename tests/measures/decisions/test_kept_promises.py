"""How often promises are broken on real scores: all patients of a file are the population, samples of them are drawn.

    pytest -m long -s tests/measures/decisions/test_kept_promises.py

Beside each promise stands the rule 'fit the recall (or precision) on validation', on the same samples.
"""

import numpy as np
import pandas as pd
import pytest
from patient_samples import Population

from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.decisions.promises import DRAWN, WHOLE, Aim, promise
from cxrcore.measures.thresholds import fitting
from cxrcore.store import Predictions

SAMPLES, PATIENTS = 1000, 3000
FEW = 25  # samples of the short form
MOST = 0.05 + 2 * np.sqrt(0.05 * 0.95 / SAMPLES)  # of the samples, in which a promise may be broken
AIMS = [(DRAWN, "recall", 0.8), (DRAWN, "recall", 0.9), (DRAWN, "recall", 0.95), (WHOLE, "recall", 0.9),
        (DRAWN, "specificity", 0.9), (DRAWN, "precision", 0.2), (DRAWN, "precision", 0.3)]


@pytest.fixture(scope="module")
def population(shared, real_table):
    """The 22,433 films of DenseNet-201's file, with their patients."""
    frame = pd.read_csv(shared / "predictions" / "DenseNet201_preds.csv").set_index("Image Index")
    rows = pd.Index(real_table.images["image_id"]).get_indexer(frame.index)
    scores = frame[[f"prob_{finding}" for finding in NIH_FINDINGS]].to_numpy(np.float32)
    return Population(Predictions(frame.index.to_numpy(object), real_table.images["patient_id"].to_numpy(object)[rows],
                                  real_table.labels[rows], scores, NIH_FINDINGS))


def broken(population, rule, measure, bound, samples):
    """Per finding: samples in which the promise is broken, in which the fitted threshold breaks it, with a promise."""
    rng, counts = np.random.default_rng(17), np.zeros((3, len(NIH_FINDINGS)), int)
    for _ in range(samples):
        films = population.sample(PATIENTS, rng)
        found = promise(films, Aim(measure, bound, rule=rule)).thresholds
        counts[0] += population.value(found, measure) < bound
        counts[2] += ~np.isnan(found)
        if measure in ("recall", "precision"):
            fitted = fitting.fit_thresholds(films.labels, films.scores, NIH_FINDINGS, measure, bound).thresholds
            counts[1] += population.value(fitted, measure) < bound
    return counts


@pytest.mark.long
@pytest.mark.parametrize(("rule", "measure", "bound"), AIMS)
def test_no_promise_is_broken_in_more_samples_than_it_says(population, rule, measure, bound):
    own, fitted, made = broken(population, rule, measure, bound, SAMPLES)
    print(f"\n{measure} >= {bound}, {rule}: broken in % of {SAMPLES} samples; fitted on the same; promises made")
    for finding, *row in zip(NIH_FINDINGS, own / SAMPLES, fitted / SAMPLES, made / SAMPLES, strict=True):
        print(f"| {finding} | " + " | ".join(f"{100 * share:.1f}" for share in row) + " |")
    print(f"greatest: {100 * own.max() / SAMPLES:.1f}; fitted: {100 * fitted.min() / SAMPLES:.1f} to "
          f"{100 * fitted.max() / SAMPLES:.1f}; the line is {100 * MOST:.2f}")
    assert (own / SAMPLES <= MOST).all()
    assert measure != "recall" or rule == WHOLE or (fitted > 3 * own).all()


def test_a_recall_fitted_on_validation_is_broken_far_more_often(population):
    own, fitted, made = broken(population, DRAWN, "recall", 0.9, FEW)
    n = made.sum()
    assert n > 0.9 * own.size * FEW and own.sum() / n <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / n) < 0.3 < fitted.sum() / n
