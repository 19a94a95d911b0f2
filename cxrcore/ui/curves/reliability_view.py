"""The reliability view of the Curves page: whether scores are probabilities, as predicted or calibrated."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.charts.curves import NOTHING_KNOWN
from cxrcore.charts.look import Figure
from cxrcore.charts.reliability import ShownReliability, in_figures, reliability_alt, reliability_chart
from cxrcore.findings import display_name
from cxrcore.glossary import meanings
from cxrcore.measures.calibration import BINS
from cxrcore.measures.metrics import macro
from cxrcore.queries.curves import DrawnRun, sources_in_words
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.reliability import AS_PREDICTED, METHODS, READ, bins_table, off_in_words, values_table
from cxrcore.ui import widgets
from cxrcore.ui.curves.charts import SQUARE, findings_of, show_small, steps
from cxrcore.ui.curves.words import legend_lines
from cxrcore.ui.explain.score_views import TOO_FEW
from cxrcore.ui.link import in_link

METHODS_HELP = ("Maps that make scores probabilities, fitted finding by finding on the run's validation films. Platt: "
                "a scale and a shift of the logit. Isotonic: a rising staircase, which needs more films.")
NUMBERS_HELP = meanings(("ece", "brier"), f"ECE takes {BINS} bins.")
_INTERVALS = ("Intervals: 95 %, Wilson's, for as many independent films as those of the bin are worth, since films of "
              "one patient resemble each other.")


def scores_picker() -> str | None:
    """Choose the scores that are read: of `calibration.METHODS`, or None for those that were predicted."""
    return METHODS[st.segmented_control("Scores", list(METHODS), default=AS_PREDICTED, required=True,
                                        **in_link("scores"), help=METHODS_HELP)]


# -- what to beware of


def say_unfitted(runs: Sequence[Evaluated], read: Sequence[DrawnRun], method: str | None, part: str) -> None:
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
    fits = {run.label: run.fitted_in_words("val") for run in (by_id[one.run_id] for one in read)}
    said = next(iter(fits.values())) if len(set(fits.values())) == 1 else "; ".join(
        f"{label}: {words}" for label, words in fits.items())
    st.caption(f"Calibrators fitted on {widgets.escape(said)}.{_unfitted(read)}", help=METHODS_HELP)
    if part == "val":
        st.markdown(":orange-badge[:material/warning: same films] The calibrators were fitted on the very films that "
                    "they are read on here, which flatters. The test part shows what they are worth.")


def _unfitted(read: Sequence[DrawnRun]) -> str:
    left = {name for one in read for name in one.data.unfitted}
    names = ", ".join(display_name(name) for name in findings_of(read) if name in left)
    return f" Not calibrated, and so not shown, with {TOO_FEW}: {names}." if left else ""


def say_not_probabilities(read: Sequence[DrawnRun], rows: pd.DataFrame, method: str | None,
                          finding: str | None) -> None:
    """A warning for each run whose mean score is far from the share of films with a finding: why, and what helps."""
    losses = dict(zip(rows["run_id"], rows["loss"], strict=True))
    for one in read:
        off = [name for name in one.data.off if finding in (None, name)]
        if not off:
            continue
        said = off_in_words(off, len(one.of.findings), losses[one.run_id], method is None)
        text = f"**{widgets.escape(one.label)}**: {said}"
        text += (". *Scores: Platt* maps them onto probabilities; AUROC and AP stay." if method is None else
                 ", even calibrated: the finding is more or less common here than on validation, or its map rests on "
                 "few films.")
        st.warning(text, icon=":material/warning:")


# -- charts


def show_reliability(read: Sequence[DrawnRun], finding: str | None) -> None:
    """A small chart a finding, or one finding large."""
    if finding is None:
        _legend(read, None)
        st.caption(f"{widgets.escape(sources_in_words(read, None))} {READ}", help=NUMBERS_HELP)
        show_small("reliability", {name: _undefined(read, name) or _chart(read, name, False)
                                   for name in findings_of(read)})
        return
    missing = _undefined(read, finding)
    with st.container(horizontal=True, gap="large"):
        if not missing:
            with st.container(width=SQUARE):
                figure, alt = _chart(read, finding, True)
                widgets.chart(figure, f"reliability_{finding}", alt)
        with st.container():
            steps(findings_of(read), finding)
            _legend(read, finding)
            narrow = "" if all(one.data.patients_known for one in read) else " **Patients unknown: too narrow.**"
            sources = widgets.escape(sources_in_words(read, finding))
            st.caption(f"{sources} {READ} {_INTERVALS}{narrow}", help=NUMBERS_HELP)
    if missing:
        st.info(missing, icon=":material/info:")


def _chart(read: Sequence[DrawnRun], finding: str, large: bool) -> tuple[Figure, str]:
    shown = [ShownReliability(one.label, one.style, one.data.findings[finding]) for one in read]
    return reliability_chart(finding, shown, large), reliability_alt(finding, shown)


def _undefined(read: Sequence[DrawnRun], finding: str) -> str:
    if any(len(one.data.findings[finding].n) for one in read):
        return ""
    return f"Not calibrated: {TOO_FEW}." if any(finding in one.data.unfitted for one in read) else NOTHING_KNOWN


def _legend(read: Sequence[DrawnRun], finding: str | None) -> None:
    def words(one: DrawnRun) -> str:
        if finding is not None:
            own = one.data.findings[finding]
            return f"ECE {in_figures(own.ece)}, Brier score {in_figures(own.brier)}"
        n = len(one.data.findings)
        (ece, out), (brier, _) = (macro(np.array([getattr(own, name) for own in one.data.findings.values()]))
                                  for name in ("ece", "brier"))
        return f"macro ECE {in_figures(ece)}, Brier score {in_figures(brier)} over {n - out} of {n} findings"

    legend_lines(read, words, mark=True)


# -- downloads


def reliability_tables(read: Sequence[DrawnRun], method: str | None, finding: str | None,
                       part: str) -> dict[str, tuple[str, Callable[[], pd.DataFrame]]]:
    """For the menu of downloads."""
    return {"ECE and Brier score": (f"ece_brier_{part}", lambda: values_table(read, method)),
            "Drawn bins": (f"reliability_{part}", lambda: bins_table(read, finding))}


