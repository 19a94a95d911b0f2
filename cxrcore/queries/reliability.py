"""Whether scores are probabilities: reliability of runs' predictions, as predicted or calibrated, and in words."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrcore.findings import display_name
from cxrcore.measures.calibration import OFF, not_probabilities
from cxrcore.measures.intervals.draws import unknown
from cxrcore.measures.reliability import FindingReliability, finding_reliability
from cxrcore.queries import from_store
from cxrcore.queries.curves import DrawnRun
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.from_store import Labelled, calibrator
from cxrcore.queries.kept import kept
from cxrcore.store import Store

AS_PREDICTED = "As predicted"
METHODS = {AS_PREDICTED: None, "Platt": "platt", "Isotonic": "isotonic"}
TRAINED_WITH = {"pos_weight": "it was trained with pos_weight, which does this by weighing films with a finding more",
                "focal": "it was trained with focal loss, which does this",
                "asymmetric": "it was trained with the asymmetric loss, which does this by hardly counting films that "
                              "are plainly without a finding"}
READ = ("Across: the mean score of a bin. Up: the share of its films that have the finding. Dotted: scores that are "
        "probabilities. Each bin holds equally many films; both axes are logit scales. Hollow: a bin without the "
        "finding. What lies beyond an axis stands at its edge.")


@dataclass(frozen=True)
class RunReliability:
    """What the view draws of one set of predictions.

    Attributes:
        findings: {finding: what is drawn of it}, in their order.
        films: equal for two sets of the same films.
        off: findings whose scores are no probabilities.
        unfitted: findings that could not be calibrated, for want of films: nothing is read of them.
        patients_known: whether intervals know whose films they are.
    """

    findings: Mapping[str, FindingReliability]
    films: str
    off: tuple[str, ...]
    unfitted: tuple[str, ...]
    patients_known: bool


def reliability_reader(store: Store, method: str | None) -> Callable[[Evaluated, str], RunReliability | None]:
    """(run, part) -> what to draw; None where the run has no predictions to fit a calibrator on."""
    def read(run: Evaluated, part: str) -> RunReliability | None:
        if method is None:
            return _reliability(store, run.read(part), None, None)
        return _reliability(store, run.read(part), run.read_own("val"), method) if "val" in run.parts else None

    return read


@kept(96)  # some 20 kB each; never written to
def _reliability(store: Store, of: Labelled, fitted_on: Labelled | None, method: str | None) -> RunReliability:
    found = from_store.predictions(store, of)
    scores, unfitted = found.scores, ()
    if fitted_on is not None and method is not None:
        fitted = calibrator(store, fitted_on, found.findings, method)
        scores, unfitted = fitted(found.scores), fitted.unfitted
    alone = unknown(found.patient_ids)
    patients = np.unique(np.where(alone, found.image_ids, found.patient_ids).astype(str), return_inverse=True)[1]
    return RunReliability(
        {finding: finding_reliability(own, score, patients) for finding, own, score
         in zip(found.findings, found.labels.T, scores.T, strict=True)},
        hashlib.sha256("\n".join(found.image_ids).encode()).hexdigest(),
        tuple(not_probabilities(found.labels, scores, found.findings)), unfitted, not alone.any())


def off_in_words(off: Sequence[str], n_findings: int, loss: str | None, why: bool = True) -> str:
    """For which findings a run's scores are far from probabilities, and why as far as known; the run is not named."""
    names = "every finding" if len(off) == n_findings else ", ".join(map(display_name, off))
    text = (f"scores are not probabilities for {names}. Their mean is more than "
            f"{OFF:g} times the share of films with the finding, or less than 1 / {OFF:g} of it")
    if not why:
        return text
    return text + ": " + TRAINED_WITH.get(loss, "training with pos_weight does this, and so do films with another "
                                          "prevalence than those of the training")


def values_table(read: Sequence[DrawnRun], method: str | None) -> pd.DataFrame:
    """ECE and Brier score of every finding, run by run."""
    return pd.DataFrame([
        {"run_id": one.run_id, "run": one.label, "measured_on": one.source, "scores": method or "as predicted",
         "finding": finding, "ece": own.ece, "brier": own.brier, "n_positive": own.positives,
         "n": own.positives + own.negatives, "calibrated": method is not None and finding not in one.data.unfitted,
         "not_probabilities": finding in one.data.off}
        for one in read for finding, own in one.data.findings.items()])


def bins_table(read: Sequence[DrawnRun], finding: str | None) -> pd.DataFrame:
    """The bins that are drawn, of one finding or of all."""
    frames = [
        pd.DataFrame({"run_id": one.run_id, "run": one.label, "finding": name, "mean_score": own.score,
                      "observed_share": own.observed, "low": own.low, "high": own.high, "n_positive": own.hits,
                      "n": own.n})
        for one in read for name, own in one.data.findings.items() if finding in (None, name)]
    return pd.concat(frames) if frames else pd.DataFrame()
