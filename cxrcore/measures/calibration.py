"""Whether scores are probabilities, and what makes them so: reliability, Brier score, ECE, Platt and isotonic maps.

A calibrator is fitted finding by finding on one split (val) and read on another (test). It changes no order that is
strict, so AUROC stays (isotonic maps may tie scores). Pure numpy and scikit-learn.

Sources: Brier, Monthly Weather Review 1950; Platt, Probabilistic outputs for support vector machines, 1999;
Zadrozny and Elkan, KDD 2002 (isotonic); Naeini et al., AAAI 2015 (ECE); Lipton et al., ECML PKDD 2014 (expected F1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from cxrcore.errors import UsageError
from cxrcore.measures.curves import logit
from cxrcore.measures.metrics import measured, per_finding

BINS = 15  # of equal width, as usual for ECE
METHODS = ("platt", "isotonic")
OFF = 2.0  # mean score over prevalence (or the reverse) from which scores are no probabilities
MIN_POSITIVES = 5  # films of each kind; a finding with fewer is not calibrated
MOST_DECIMALS = 4  # of a calibrated probability


@dataclass(frozen=True)
class Reliability:
    """A reliability curve: float64 (bins,), NaN in a bin without films.

    Attributes:
        edges: (bins + 1,), in [0, 1].
        score, observed: mean score and share of films with the finding.
        n: int64, films.
    """

    edges: np.ndarray
    score: np.ndarray
    observed: np.ndarray
    n: np.ndarray


def reliability(labels: np.ndarray, scores: np.ndarray, bins: int = BINS, equal_films: bool = False) -> Reliability:
    """The reliability curve of one finding: labels 1 / 0 / NaN and scores in [0, 1], both (n,).

    Args:
        equal_films: bins that hold equally many films, for curves; else of equal width, for ECE.
    """
    labels, scores = _known(labels, scores)
    edges = np.linspace(0, 1, bins + 1)
    if equal_films and len(scores):
        edges = np.unique(np.concatenate([[0], np.quantile(scores, edges[1:-1]), [1]]))
    place = np.searchsorted(edges, scores, side="right").clip(1, len(edges) - 1) - 1
    n = np.bincount(place, minlength=len(edges) - 1)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(place, part, len(n)) / n for part in (scores, labels)]
    return Reliability(edges, *means, n)


def ece(labels: np.ndarray, scores: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error of one finding, in [0, 1]: the films' mean gap between score and observed share.

    NaN without known films.
    """
    found = reliability(labels, scores, bins)
    filled = found.n > 0
    gaps = np.abs(found.score - found.observed)[filled]
    return float(gaps @ found.n[filled] / found.n.sum()) if filled.any() else float("nan")


def brier(labels: np.ndarray, scores: np.ndarray) -> float:
    """Mean squared difference of score and label, in [0, 1]; NaN without known films."""
    labels, scores = _known(labels, scores)
    return float(np.mean((scores - labels) ** 2)) if len(scores) else float("nan")


def _known(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = measured(labels, scores)
    return labels[known].astype(np.float64), scores[known].astype(np.float64)


def not_probabilities(labels: np.ndarray, scores: np.ndarray, findings: Sequence[str]) -> list[str]:
    """Findings whose mean score and prevalence differ by a factor of `OFF` or more, as pos_weight training makes them.

    Args:
        labels, scores: (n, k).
        findings: k names, in the columns' order.
    """
    found = []
    for finding, own, score in zip(findings, labels.T, scores.T, strict=True):
        own, score = _known(own, score)
        if own.sum() >= MIN_POSITIVES and not 1 / OFF < score.mean() / own.mean() < OFF:
            found.append(finding)
    return found


# -- calibrators


@dataclass(frozen=True)
class Calibrator:
    """A map from scores to probabilities for each finding.

    Attributes:
        method: of `METHODS`.
        maps: {finding: its parameters}; findings that could not be fitted, for want of films, are missing.
            platt: scale and bias of the logit. isotonic: x and y, corners of a rising staircase of lines.
        findings: k names, in the order of the columns that it reads.
    """

    method: str
    maps: Mapping[str, Mapping[str, Any]]
    findings: tuple[str, ...]

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Probabilities, float64 (n, k), of scores (n, k); NaN for findings without a map, whose scores say none."""
        read = _platt_of if self.method == "platt" else _isotonic_of
        return np.column_stack([read(self.maps[finding], column) if finding in self.maps
                                else np.full(len(column), np.nan)
                                for finding, column in zip(self.findings, scores.astype(np.float64).T, strict=True)])

    @property
    def unfitted(self) -> tuple[str, ...]:
        """Findings without a map."""
        return tuple(finding for finding in self.findings if finding not in self.maps)


def fit_calibrator(
    labels: np.ndarray, scores: np.ndarray, findings: Sequence[str], method: str = "platt"
) -> Calibrator:
    """A calibrator fitted on these films.

    Args:
        labels: (n, k), 1 / 0 / NaN.
        scores: (n, k) in [0, 1].
        findings: k names, in the columns' order.
        method: of `METHODS`.

    Raises:
        UsageError: an unknown method.
    """
    if method not in METHODS:
        raise UsageError(f"unknown calibration '{method}': expected one of {', '.join(METHODS)}")
    fit_one = _fit_platt if method == "platt" else _fit_isotonic
    maps = {}
    for finding, own, score in zip(findings, labels.T, scores.T, strict=True):
        own, score = _known(own, score)
        if min(own.sum(), len(own) - own.sum()) >= MIN_POSITIVES:
            maps[finding] = fit_one(own, score)
    return Calibrator(method, maps, tuple(findings))


def in_digits(probability: float, positives: int) -> str:
    """A calibrated probability with the decimals that its map bears: the last is the one nearest to the standard error.

    The error is that of a share which this many positive films show, p sqrt((1 - p) / positives): 14 films bear 0.3 and
    0.02, 1,400 bear 0.30 and 0.020. From 1 to `MOST_DECIMALS`; what they would write as 0 or 1 is '< 0.01' or '> 0.9'.

    Args:
        probability: in [0, 1], not NaN.
        positives: films with the finding that the map was fitted on, at least 1.
    """
    error = probability * np.sqrt((1 - probability) / positives)
    decimals = MOST_DECIMALS if error == 0 else int(np.clip(np.round(-np.log10(error)), 1, MOST_DECIMALS))
    least = 10.0**-decimals
    if probability < least / 2:
        return f"< {least:.{decimals}f}"
    return f"> {1 - least:.{decimals}f}" if probability > 1 - least / 2 else f"{probability:.{decimals}f}"


def _fit_platt(labels: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Scale and bias of the logit by maximum likelihood, with Platt's softened targets, which keep both finite."""
    from sklearn.linear_model import LogisticRegression  # here: pages that fit nothing open without it

    x, positives = logit(scores)[:, None], labels.sum()
    target = np.where(labels == 1, (positives + 1) / (positives + 2), 1 / (len(labels) - positives + 2))
    # A film of target t is t films with the finding and 1 - t without it.
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8)
    model.fit(np.concatenate([x, x]), np.repeat([1, 0], len(x)), np.concatenate([target, 1 - target]))
    return {"scale": float(model.coef_[0, 0]), "bias": float(model.intercept_[0])}


def _platt_of(fitted: Mapping[str, float], scores: np.ndarray) -> np.ndarray:
    return expit(fitted["scale"] * logit(scores) + fitted["bias"])


def _fit_isotonic(labels: np.ndarray, scores: np.ndarray) -> dict[str, Sequence[float]]:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores, labels)
    return {"x": fitted.X_thresholds_.tolist(), "y": fitted.y_thresholds_.tolist()}


def _isotonic_of(fitted: Mapping[str, Sequence[float]], scores: np.ndarray) -> np.ndarray:
    return np.interp(scores, fitted["x"], fitted["y"])


def calibrated_measures(labels: np.ndarray, scores: np.ndarray) -> dict[str, np.ndarray]:
    """Brier score and ECE of each finding: {'brier', 'ece'} of float64 (k,)."""
    return {"brier": per_finding(brier, labels, scores), "ece": per_finding(ece, labels, scores)}


# -- expected F1


def expected_f1_threshold(scores: np.ndarray, probabilities: np.ndarray) -> float:
    """The score from which alarms have the greatest expected F1, if the probabilities are right.

    With the m films of greatest probability given an alarm, the expected F1 is close to 2 E[TP] / (m + E[positives]).
    Labels have no part in it but through the calibration, so a rare finding's threshold follows no single film.

    Args:
        scores, probabilities: (n,); NaN where a film has no score.
    """
    known = ~np.isnan(scores)
    order = np.argsort(-scores[known].astype(np.float64), kind="stable")
    ranked, p = scores[known].astype(np.float64)[order], probabilities[known][order]
    if not len(ranked):
        return 0.5
    last = np.append(ranked[1:] != ranked[:-1], True)  # films of one score change sides together
    f1 = 2 * np.cumsum(p) / (np.arange(1, len(p) + 1) + p.sum())
    return float(ranked[np.flatnonzero(last)[np.argmax(f1[last])]])
