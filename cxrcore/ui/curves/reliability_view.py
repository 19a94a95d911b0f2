"""The reliability view of the Curves page: whether scores are probabilities, as predicted or calibrated."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.charts.curves import NOTHING_KNOWN
from cxrcore.charts.look import Figure
from cxrcore.charts.reliability import ShownReliability, in_figures, reliability_alt, reliability_chart
from cxrcore.charts.small_curves import payload
from cxrcore.findings import display_name
from cxrcore.measures.calibration import BINS
from cxrcore.measures.metrics import macro
from cxrcore.queries.curves import DrawnRun, sources_in_words
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.reliability import AS_PREDICTED, METHODS, READ, bins_table, off_in_words, values_table
from cxrcore.ui import widgets
from cxrcore.ui.curves import small
from cxrcore.ui.curves.charts import SQUARE, findings_of
from cxrcore.ui.curves.words import legend_lines
from cxrcore.ui.explain.score_views import TOO_FEW
from cxrcore.ui.frame import frame
from cxrcore.ui.link import in_link

METHODS_HELP = ("Maps that make scores probabilities, fitted finding by finding on the run's validation films. Platt: "
                "a scale and a shift of the logit. Isotonic: a rising staircase, which needs more films.")
SHORT_READ = ("Across: the mean score of a bin. Up: the share of its films with the finding. Dotted: scores that are "
              "probabilities. Both axes are logit scales.")
_INTERVALS = ("Intervals: 95 %, Wilson's, for as many independent films as those of the bin are worth, since films of "
              "one patient resemble each other.")


def scores_picker() -> str | None:
    """Choose the scores that are read: of `calibration.METHODS`, or None for those that were predicted."""
    return METHODS[st.segmented_control("Scores", list(METHODS), default=AS_PREDICTED, required=True,
                                        **in_link("scores"), label_visibility="collapsed")]


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
    with frame.numbers():
        st.caption(f"Calibrators fitted on {widgets.escape(said)}.{_unfitted(read)}", help=METHODS_HELP)
    if part == "val":
        frame.chip("same films", "The calibrators were fitted on the very films that they are read on here, which "
                   "flatters. The test part shows what they are worth.", icon=":material/warning:")


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
    with frame.numbers():
        st.caption(f"{widgets.escape(sources_in_words(read, finding))} {READ}")
        st.caption(METHODS_HELP)
        if finding is not None:
            narrow = "" if all(one.data.patients_known for one in read) else " **Patients unknown: too narrow.**"
            st.caption(f"{_INTERVALS}{narrow}")
    widgets.explain_measures(("ece", "brier"), f"ECE takes {BINS} bins.")
    if finding is None:
        small.draw(read, lambda one: _macro_ece(one)[1], [_panel(read, name) for name in findings_of(read)],
                   "Macro ECE:", "reliability", SHORT_READ)
        return
    if missing := _undefined(read, finding):
        st.info(missing, icon=":material/info:")
        return
    with st.container(horizontal=True, gap="large"):
        with st.container(width=SQUARE):
            figure, alt = _chart(read, finding, True)
            widgets.chart(figure, f"reliability_{finding}", alt)
        with st.container():
            legend_lines(read, lambda one: _finding_words(one, finding), mark=True)


def answer(read: Sequence[DrawnRun], finding: str | None) -> str:
    """The page's sentence, as HTML: the smallest ECE, of the macro mean or of a finding."""
    of = "macro " if finding is None else ""
    values = np.array([_macro_ece(one)[0] if finding is None else one.data.findings[finding].ece for one in read])
    if np.isnan(values).all():
        return f"{escape(display_name(finding or ''))} has no ECE on these films.".strip()
    best = int(np.nanargmin(values))
    which = " has the smallest" if len(read) > 1 else " has a"
    where = "" if finding is None else f" for {escape(display_name(finding))}"
    few = sum(bool(one.data.off) for one in read)
    text = (f"<b>{escape(read[best].label)}</b>{which} {of}ECE{where}: <b>{in_figures(values[best])}</b>, the mean gap "
            "between score and share.")
    if finding is None and few:
        text += (" Its scores are not probabilities for every finding." if len(read) == 1 else
                 f" Scores of {few} of {len(read)} runs are not probabilities for every finding.")
    return text


def _panel(read: Sequence[DrawnRun], finding: str) -> dict[str, Any]:
    if missing := _undefined(read, finding):
        return payload.empty_panel(finding, display_name(finding), missing)
    figure, alt = _chart(read, finding, False)
    texts = [in_figures(one.data.findings[finding].ece) for one in read]
    return payload.panel(finding, display_name(finding), figure, texts, "ECE", alt, [one.label for one in read])


def _chart(read: Sequence[DrawnRun], finding: str, large: bool) -> tuple[Figure, str]:
    shown = [ShownReliability(one.label, one.style, one.data.findings[finding]) for one in read]
    return reliability_chart(finding, shown, large), reliability_alt(finding, shown)


def _undefined(read: Sequence[DrawnRun], finding: str) -> str:
    if any(len(one.data.findings[finding].n) for one in read):
        return ""
    return f"Not calibrated: {TOO_FEW}." if any(finding in one.data.unfitted for one in read) else NOTHING_KNOWN


def _finding_words(one: DrawnRun, finding: str) -> str:
    own = one.data.findings[finding]
    return f"ECE {in_figures(own.ece)}, Brier score {in_figures(own.brier)}"


def _macro_ece(one: DrawnRun) -> tuple[float, str]:
    """The macro mean, and as it is written, with how many findings are inside where that is not all."""
    mean, out = macro(np.array([own.ece for own in one.data.findings.values()]))
    n = len(one.data.findings)
    return mean, in_figures(mean) + (f" ({n - out} of {n} findings)" if out else "")


# -- downloads


def reliability_tables(read: Sequence[DrawnRun], method: str | None, finding: str | None,
                       part: str) -> dict[str, tuple[str, Callable[[], pd.DataFrame]]]:
    """For the menu of downloads."""
    return {"ECE and Brier score": (f"ece_brier_{part}", lambda: values_table(read, method)),
            "Drawn bins": (f"reliability_{part}", lambda: bins_table(read, finding))}


