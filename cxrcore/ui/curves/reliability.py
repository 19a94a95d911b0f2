"""The reliability view of the Curves page: whether scores are probabilities, as predicted or calibrated."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.charts.reliability import Shown, in_figures, reliability_alt, reliability_chart
from cxrcore.findings import FINDINGS, N_FINDINGS, display_name
from cxrcore.glossary import meanings
from cxrcore.measures.calibration import BINS, OFF, not_probabilities
from cxrcore.measures.intervals.draws import unknown
from cxrcore.measures.metrics import macro
from cxrcore.measures.reliability import FindingReliability, finding_reliability
from cxrcore.queries import from_store
from cxrcore.queries.board_state import Evaluated
from cxrcore.queries.calibrated import calibrator
from cxrcore.store import Store
from cxrcore.ui import widgets
from cxrcore.ui.curves.charts import NOTHING_KNOWN, SMALL_WIDTH, SQUARE, in_words_only, steps
from cxrcore.ui.curves.words import Measured, legend_lines, sources_in_words
from cxrcore.ui.explain.score_views import TOO_FEW
from cxrcore.ui.link import in_link

AS_PREDICTED = "As predicted"
METHODS = {AS_PREDICTED: None, "Platt": "platt", "Isotonic": "isotonic"}
METHODS_HELP = ("Maps that make scores probabilities, fitted finding by finding on the run's validation films. Platt: "
                "a scale and a shift of the logit. Isotonic: a rising staircase, which needs more films.")
TRAINED_WITH = {"pos_weight": "it was trained with pos_weight, which does this by weighing films with a finding more",
                "focal": "it was trained with focal loss, which does this"}
NUMBERS_HELP = meanings(("ece", "brier"), f"ECE takes {BINS} bins.")
READ = ("Across: the mean score of a bin. Up: the share of its films that have the finding. Dotted: scores that are "
        "probabilities. Each bin holds equally many films; both axes are logit scales. Hollow: a bin without the "
        "finding. What lies beyond an axis stands at its edge.")
_INTERVALS = ("Intervals: 95 %, Wilson's, for as many independent films as those of the bin are worth, since films of "
              "one patient resemble each other.")


@dataclass(frozen=True)
class RunReliability:
    """What the view draws of one set of predictions.

    Attributes:
        findings: one entry a finding, in `FINDINGS` order.
        films: equal for two sets of the same films.
        off: findings whose scores are no probabilities.
        unfitted: findings that could not be calibrated, for want of films: nothing is read of them.
        patients_known: whether intervals know whose films they are.
    """

    findings: tuple[FindingReliability, ...]
    films: str
    off: tuple[str, ...]
    unfitted: tuple[str, ...]
    patients_known: bool


def picker() -> str | None:
    """Choose the scores that are read: of `calibration.METHODS`, or None for those that were predicted."""
    return METHODS[st.segmented_control("Scores", list(METHODS), default=AS_PREDICTED, required=True,
                                        **in_link("scores"), help=METHODS_HELP)]


def reader(store: Store, runs: Sequence[Evaluated], method: str | None) -> Callable[[str, str], RunReliability | None]:
    """(run_id, prediction_id) -> what to draw; None where the run has no predictions to fit a calibrator on."""
    by_id = {run.run_id: run for run in runs}

    def read(run_id: str, prediction_id: str) -> RunReliability | None:
        if method is None:
            return _read(str(store.path), prediction_id, None, None)
        if "val" not in by_id[run_id].parts:
            return None
        return _read(str(store.path), prediction_id, by_id[run_id].prediction_id("val"), method)

    return read


@st.cache_resource(max_entries=96, show_spinner=False)  # some 20 kB each; never written to
def _read(path: str, prediction_id: str, fitted_on: str | None, method: str | None) -> RunReliability:
    store = Store(path)
    found = from_store.predictions(store, prediction_id)
    scores, unfitted = found.scores, ()
    if method is not None:
        fitted = calibrator(store, fitted_on, method)
        scores, unfitted = fitted(found.scores), fitted.unfitted
    alone = unknown(found.patient_ids)
    patients = np.unique(np.where(alone, found.image_ids, found.patient_ids).astype(str), return_inverse=True)[1]
    return RunReliability(
        tuple(finding_reliability(own, score, patients) for own, score in zip(found.labels.T, scores.T, strict=True)),
        hashlib.sha256("\n".join(found.image_ids).encode()).hexdigest(),
        tuple(not_probabilities(found.labels, scores)), unfitted, not alone.any())


# -- what to beware of


def say_unfitted(runs: Sequence[Evaluated], read: Sequence[Measured], method: str | None, part: str) -> None:
    """Runs that cannot be calibrated, and which films the others' calibrators were fitted on."""
    if method is None:
        return
    for run in runs:
        if part in run.parts and "val" not in run.parts:
            st.info(f"**{widgets.escape(run.label)}** has no validation predictions to fit a calibrator on, so it is "
                    "shown as predicted only.", icon=":material/info:")
    if not read:
        return
    by_id = {run.run_id: run for run in runs}
    fits = {run.label: run.in_words("val") for run in (by_id[one.run_id] for one in read)}
    said = next(iter(fits.values())) if len(set(fits.values())) == 1 else "; ".join(
        f"{label}: {words}" for label, words in fits.items())
    st.caption(f"Calibrators fitted on {widgets.escape(said)}.{_unfitted(read)}", help=METHODS_HELP)
    if part == "val":
        st.markdown(":orange-badge[:material/warning: same films] The calibrators were fitted on the very films that "
                    "they are read on here, which flatters. The test part shows what they are worth.")


def _unfitted(read: Sequence[Measured]) -> str:
    left = {name for one in read for name in one.data.unfitted}
    names = ", ".join(display_name(name) for name in FINDINGS if name in left)
    return f" Not calibrated, and so not shown, with {TOO_FEW}: {names}." if left else ""


def say_not_probabilities(read: Sequence[Measured], rows: pd.DataFrame, method: str | None,
                          finding: str | None) -> None:
    """A warning for each run whose mean score is far from the share of films with a finding: why, and what helps."""
    losses = dict(zip(rows["run_id"], rows["loss"], strict=True))
    for one in read:
        off = [name for name in one.data.off if finding in (None, name)]
        if not off:
            continue
        text = off_in_words(one, off, losses[one.run_id], method is None)
        text += (". *Scores: Platt* maps them onto probabilities; AUROC and AP stay." if method is None else
                 ", even calibrated: the finding is more or less common here than on validation, or its map rests on "
                 "few films.")
        st.warning(text, icon=":material/warning:")


def off_in_words(one: Measured, off: Sequence[str], loss: str | None, why: bool = True) -> str:
    """Markdown that says for which findings a run's scores are far from probabilities, and why as far as known."""
    names = "every finding" if len(off) == N_FINDINGS else ", ".join(map(display_name, off))
    text = (f"**{widgets.escape(one.label)}**: scores are not probabilities for {names}. Their mean is more than "
            f"{OFF:g} times the share of films with the finding, or less than 1 / {OFF:g} of it")
    if not why:
        return text
    return text + ": " + TRAINED_WITH.get(loss, "training with pos_weight does this, and so do films with another "
                                          "prevalence than those of the training")


# -- charts


def show(read: Sequence[Measured], finding: str | None) -> None:
    """Fourteen small charts, or one finding large."""
    if finding is None:
        _legend(read, None)
        st.caption(f"{sources_in_words(read, None)} {READ}", help=NUMBERS_HELP)
        with st.grid(min_column_width=SMALL_WIDTH, gap="small"):
            for name in FINDINGS:
                _small(read, name)
        return
    missing = _undefined(read, finding)
    with st.container(horizontal=True, gap="large"):
        if not missing:
            with st.container(width=SQUARE):
                _chart(read, finding, True)
        with st.container():
            steps(finding)
            _legend(read, finding)
            narrow = "" if all(one.data.patients_known for one in read) else " **Patients unknown: too narrow.**"
            st.caption(f"{sources_in_words(read, finding)} {READ} {_INTERVALS}{narrow}", help=NUMBERS_HELP)
    if missing:
        st.info(missing, icon=":material/info:")


def _small(read: Sequence[Measured], finding: str) -> None:
    missing = _undefined(read, finding)
    if missing:
        in_words_only(finding, missing)
    else:
        _chart(read, finding, False)


def _chart(read: Sequence[Measured], finding: str, large: bool) -> None:
    at = FINDINGS.index(finding)
    shown = [Shown(one.label, one.style, one.data.findings[at]) for one in read]
    widgets.chart(reliability_chart(finding, shown, large), f"reliability_{finding}", reliability_alt(finding, shown))


def _undefined(read: Sequence[Measured], finding: str) -> str:
    at = FINDINGS.index(finding)
    if any(len(one.data.findings[at].n) for one in read):
        return ""
    return f"Not calibrated: {TOO_FEW}." if any(finding in one.data.unfitted for one in read) else NOTHING_KNOWN


def _legend(read: Sequence[Measured], finding: str | None) -> None:
    def words(one: Measured) -> str:
        if finding is not None:
            own = one.data.findings[FINDINGS.index(finding)]
            return f"ECE {in_figures(own.ece)}, Brier score {in_figures(own.brier)}"
        (ece, out), (brier, _) = (macro(np.array([getattr(own, name) for own in one.data.findings]))
                                  for name in ("ece", "brier"))
        return (f"macro ECE {in_figures(ece)}, Brier score {in_figures(brier)} over {N_FINDINGS - out} of {N_FINDINGS} "
                "findings")

    legend_lines(read, words, mark=True)


# -- downloads


def tables(read: Sequence[Measured], method: str | None, finding: str | None,
           part: str) -> dict[str, tuple[str, Callable[[], pd.DataFrame]]]:
    """For the menu of downloads."""
    return {"ECE and Brier score": (f"ece_brier_{part}", lambda: values_table(read, method)),
            "Drawn bins": (f"reliability_{part}", lambda: bins_table(read, finding))}


def values_table(read: Sequence[Measured], method: str | None) -> pd.DataFrame:
    """ECE and Brier score of every finding, run by run."""
    return pd.DataFrame([
        {"run_id": one.run_id, "run": one.label, "measured_on": one.source, "scores": method or "as predicted",
         "finding": finding, "ece": own.ece, "brier": own.brier, "n_positive": own.positives,
         "n": own.positives + own.negatives, "calibrated": method is not None and finding not in one.data.unfitted,
         "not_probabilities": finding in one.data.off}
        for one in read for finding, own in zip(FINDINGS, one.data.findings, strict=True)])


def bins_table(read: Sequence[Measured], finding: str | None) -> pd.DataFrame:
    """The bins that are drawn, of one finding or of all."""
    frames = [
        pd.DataFrame({"run_id": one.run_id, "run": one.label, "finding": name, "mean_score": own.score,
                      "observed_share": own.observed, "low": own.low, "high": own.high, "n_positive": own.hits,
                      "n": own.n})
        for one in read for name, own in zip(FINDINGS, one.data.findings, strict=True) if finding in (None, name)]
    return pd.concat(frames) if frames else pd.DataFrame()
