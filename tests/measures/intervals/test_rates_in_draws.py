"""Rates in draws of patients against the same draws worked out film by film."""

import numpy as np
import pytest

from cxrcore.measures.intervals.draws import patient_draws
from cxrcore.measures.intervals.rates_in_draws import ENDS, ROWS, rate_spreads


def test_the_ends_are_quantiles_over_films_drawn_with_their_patients():
    rng = np.random.default_rng(3)
    n, k, at = 400, 3, np.array([0.0, 0.2, 0.35, 0.8, 1.0])
    patients = np.array([f"p{i}" for i in rng.integers(0, 90, n)], object)
    labels = (rng.random((n, k)) < (0.3, 0.05, 0)).astype(np.float32)
    labels[::17, 0] = np.nan
    scores = rng.beta(1 + 2 * np.nan_to_num(labels), 4).astype(np.float32)
    scores[::23, 1] = np.nan
    films = np.array([f"f{i}" for i in range(n)], object)
    draws = patient_draws(patients, films, 150, 1)
    owners = draws.owners(patients, films)
    found = rate_spreads(labels, scores, owners, draws, [at] * k)
    for place in range(k):
        one = dict(zip(ROWS, found[place], strict=True))
        ok = ~np.isnan(labels[:, place]) & ~np.isnan(scores[:, place])
        weights, has = draws.counts[owners[ok]].astype(float), labels[ok, place] == 1
        for i, threshold in enumerate(at):
            alarm = scores[ok, place].astype(np.float64) >= threshold
            with np.errstate(invalid="ignore", divide="ignore"):
                recall = weights[has & alarm].sum(axis=0) / weights[has].sum(axis=0)
                false = weights[~has & alarm].sum(axis=0) / weights[~has].sum(axis=0)
                ppv, npv = recall / (recall + false), (1 - false) / (2 - false - recall)
            for name, values in (("ppv", ppv), ("npv", npv), ("recall", recall), ("false", false)):
                defined = values[~np.isnan(values)]
                expected = np.quantile(defined, ENDS) if len(defined) else (np.nan, np.nan)
                assert [one[f"{name}_low"][i], one[f"{name}_high"][i]] == pytest.approx(list(expected), nan_ok=True)
            if np.nan_to_num(recall).std() > 0 and false.std() > 0:
                assert one["together"][i] == pytest.approx(np.corrcoef(recall, false)[0, 1])


def test_the_interval_at_any_prevalence_is_that_of_the_draws_themselves():
    """PPV rises with PPV at one half, so its quantiles may be moved to another prevalence."""
    rng = np.random.default_rng(0)
    recall, false = rng.uniform(0.4, 0.9, 999), rng.uniform(0.05, 0.4, 999)
    half = np.quantile(recall / (recall + false), ENDS)
    for p in (0.003, 0.2, 0.9):
        odds = p / (1 - p)
        there = np.quantile(p * recall / (p * recall + (1 - p) * false), ENDS)
        assert half * odds / (half * odds + 1 - half) == pytest.approx(there, rel=1e-3)
