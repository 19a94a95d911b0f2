"""What the Curves page says beside its charts: which predictions are drawn, which are missing, what to beware of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.charts.curve_marks import OperatingPoint
from cxrcore.charts.look import RunStyle, run_styles
from cxrcore.errors import FindingError
from cxrcore.findings import FINDINGS, N_FINDINGS, NO_FINDING, canonical, display_name
from cxrcore.measures.intervals.curve_bands import Band
from cxrcore.measures.metrics import macro
from cxrcore.measures.thresholds.fitting import STABLE_POSITIVES
from cxrcore.queries import from_store, run_groups
from cxrcore.store import Store
from cxrcore.ui import widgets
from cxrcore.ui.link import in_link

MAX_RUNS = 6
ALL = "All 14"
FINDING = "finding"  # the picker's key, and so its name in the link
CHOICES = (ALL, *map(display_name, FINDINGS))
VIEWS = {"ROC": "roc", "PR": "pr", "Scores": "scores", "Thresholds": "thresholds", "Reliability": "reliability"}
VIEWS_HELP = ("ROC: receiver operating characteristic. PR: precision and recall. Scores: how films with and without "
              "the finding score. Thresholds: F1, recall and precision at every threshold. Reliability: whether a "
              "score of 0.1 means one film in ten.")
PART_WORDS = {part: name.lower() for name, part in run_groups.PART_NAMES.items()}
LEGEND_WIDTH = 460  # pixels, the least of an entry
BEST_CHECKPOINT = "model_best.pth"  # as `checkpoint.BEST`, which needs torch
PATIENCE = 0.3  # seconds of reading after which a bar says how far it is


@dataclass(frozen=True)
class Measured:
    """One run's predictions with the curves of a view.

    Attributes:
        run_id, label, style: of the run.
        prediction_id: of the predictions.
        source: the predictions in words: part, films (or how many of them), checkpoint.
        data: `cached.RunCurves`, or what another view has in its place, with `findings` and `films` as there.
        points: where a threshold set stands, of each finding; None without one.
        bands: {finding: the band around its curve}.
    """

    run_id: str
    label: str
    style: RunStyle
    prediction_id: str
    source: str
    data: Any
    points: Sequence[OperatingPoint] | None = None
    bands: Mapping[str, Band] = field(default_factory=dict)


# -- what the link asks for


def stop_at_unknown_finding() -> None:
    """End the page at a link to a finding that there is not; call before the picker, which would show all instead."""
    text = st.query_params.get(FINDING, ALL)
    if text in CHOICES:
        return
    if text.lower() == NO_FINDING.lower():  # chosen on the Data page
        st.session_state[FINDING] = ALL
        return
    try:
        show_finding(canonical(text))  # 'Pleural_Thickening' and the like
    except FindingError as error:
        st.error(widgets.escape(f"The link names an {error}."), icon=":material/link_off:")
        st.button("Show all 14 findings", on_click=lambda: st.query_params.pop(FINDING, None))
        st.stop()


def finding_picker() -> str | None:
    """Choose one finding, or all (None)."""
    text = st.selectbox("Finding", CHOICES, **in_link(FINDING), width=220,
                        help="All findings small, side by side, or one large.")
    return None if text == ALL else canonical(text)


def show_finding(finding: str) -> None:
    """Lead to another finding; for buttons."""
    st.session_state[FINDING] = display_name(finding)


def default_runs(groups: Sequence[run_groups.Group]) -> list[str]:
    """What to draw while nothing is chosen: the best measured runs of the first group that has any."""
    for group in groups:
        table = group.table[group.table["auroc"].notna()]
        if len(table):
            part = table["measured"].iloc[0].split(",")[0]  # runs without it cannot be drawn beside the best
            return list(table.index[table["measured"].str.startswith(part)][: run_groups.MAX_DEFAULT_FOCUS])
    return []


# -- which predictions there are


def part_to_draw(wanted: str, run_ids: Sequence[str], board: pd.DataFrame) -> str:
    """'test' or 'val': the wanted part, or validation where none of the runs was measured on a test part."""
    there = set(board[board["run_id"].isin(run_ids)]["split"])
    return "val" if wanted == "test" and "test" not in there and "val" in there else wanted


def reader(store: Store, view: str) -> Callable[[str, str], from_store.RunCurves]:
    """What `load` reads for a view of `curves.VIEWS`: (run_id, prediction_id) -> its curves."""
    return lambda run_id, prediction_id: from_store.curves(store, prediction_id, view)


def load(runs: pd.DataFrame, board: pd.DataFrame, part: str, labels: Mapping[str, str],
         read: Callable[[str, str], Any]) -> list[Measured]:
    """Those of the runs that have predictions of this part, in the order of the runs.

    Args:
        read: (run_id, prediction_id) -> what the view draws; None leaves the run out.
    """
    sets = board[board["split"] == part].set_index("run_id")
    styles = run_styles(dict(zip(runs["run_id"], runs["architecture"], strict=True)))
    found = [run_id for run_id in runs["run_id"] if run_id in sets.index]
    loaded = []
    with widgets.slow_steps("Reading predictions", len(found), PATIENCE) as step:
        for run_id in found:
            row = sets.loc[run_id]
            data = read(run_id, row["prediction_id"])
            if data is not None:
                loaded.append(Measured(run_id, labels[run_id], styles[run_id], row["prediction_id"],
                                       _source(row, part), data))
            step()
    return loaded


def _source(row: pd.Series, part: str) -> str:
    films = f"{int(row['n']):,} films" if row["n"] >= row["n_expected"] else (
        f"subset of {int(row['n']):,} of {int(row['n_expected']):,} films")
    return ", ".join([PART_WORDS[part], films, *([row["checkpoint"]] if isinstance(row["checkpoint"], str) else [])])


def say_missing(store: Store, runs: pd.DataFrame, board: pd.DataFrame, part: str, labels: Mapping[str, str],
                statuses: Mapping[str, str]) -> None:
    """Each run that cannot be drawn, why, and the command that changes it."""
    for run in runs.itertuples():
        there = set(board[board["run_id"] == run.run_id]["split"])
        if part in there:
            continue
        name, status = f"**{widgets.escape(labels[run.run_id])}**", statuses[run.run_id]
        others = " and ".join(widgets.escape(PART_WORDS.get(one, one)) for one in sorted(there))
        if others:
            st.info(f"{name} has no {PART_WORDS[part]} predictions, only {others}: it is not drawn.",
                    icon=":material/info:")
        elif status == "running":
            st.info(f"{name} is still training. Its curves appear when it has been evaluated, at the end.",
                    icon=":material/hourglass_top:")
        elif run.kind != "trained":
            st.info(f"{name} has no predictions in this store.", icon=":material/info:")
        elif not store.run_file(run.run_id, BEST_CHECKPOINT):
            st.info(f"{name} has no predictions, and no checkpoint that could make them. The Runs page says how it "
                    "ended.", icon=":material/info:")
        else:
            ended = "" if status == "finished" else f" It is {status}: its best epoch so far can be evaluated."
            st.info(f"{name} has no predictions yet.{ended} This makes them:", icon=":material/info:")
            widgets.command(f"python scripts/eval.py --run {run.run_id}", store)


def say_where(groups: Sequence[run_groups.Group], measured: Sequence[Measured]) -> None:
    """Data set and split of what is drawn, with its badges; flagged where the films are not the same for all runs."""
    for group in groups:
        widgets.badges(group)
        whose = f" · {', '.join(map(widgets.escape, group.table['run']))}" if len(groups) > 1 else ""
        st.caption(widgets.escape(f"{group.title} · {group.split} · {group.draw}") + whose)
    if len(groups) > 1:
        st.warning("These runs belong to different data sets or splits and were measured on different films: their "
                   "curves stand side by side, but do not compare.", icon=":material/warning:")
    elif len({one.data.films for one in measured}) > 1:
        st.warning("These runs were measured on different films (see below): small differences between their "
                   "curves may come from the films.", icon=":material/warning:")


# -- numbers


def legend(measured: Sequence[Measured], finding: str | None, view: str) -> None:
    """Each run's line with its AUROC and AP: of a finding, or as macro means with how many findings are inside."""
    legend_lines(measured, lambda one: _macro_words(one) if finding is None else _finding_words(one, finding, view),
                 mark=any(one.points for one in measured))


def legend_lines(measured: Sequence[Measured], words: Callable[[Measured], str], mark: bool) -> None:
    """Each run's line, with its mark where the charts have marks, its name, and what there is to say of it."""
    with st.grid(min_column_width=LEGEND_WIDTH, gap=("xxsmall", "medium")):
        for one in measured:
            st.markdown(f"![]({one.style.swatch(marker=mark)}) **{widgets.escape(one.label)}** {words(one)}")


def _macro_words(one: Measured) -> str:
    auroc, without_auroc = macro(np.array([curves.auroc for curves in one.data.findings]))
    ap, without_ap = macro(np.array([curves.ap for curves in one.data.findings]))
    inside = [f" over {N_FINDINGS - excluded} of {N_FINDINGS} findings" for excluded in (without_auroc, without_ap)]
    return f"macro AUROC {_number(auroc)}{inside[0] if inside[0] != inside[1] else ''}, AP {_number(ap)}{inside[1]}"


def _finding_words(one: Measured, finding: str, view: str) -> str:
    curves = one.data.findings[FINDINGS.index(finding)]
    best = f", greatest F1 {_number(curves.best[1])} at {curves.best[0]:.3g}"
    stands = ""
    if one.points:
        at = one.points[FINDINGS.index(finding)]
        stands = (f"; at threshold {at.threshold:.3g}: recall {_number(at.recall)}, precision {_number(at.precision)}, "
                  f"F1 {_number(at.f1)}")
    return f"AUROC {_number(curves.auroc)}, AP {_number(curves.ap)}{best if view == 'thresholds' else ''}{stands}"


def sources_in_words(measured: Sequence[Measured], finding: str | None) -> str:
    """'Measured on test, 22,433 films, 582 of them with the finding (2.59 %)', for each run where they differ."""
    sources = {}
    for one in measured:
        words = one.source
        if finding is not None:
            curves = one.data.findings[FINDINGS.index(finding)]
            known = curves.positives + curves.negatives
            words += f", {curves.positives:,} of them with the finding ({100 * curves.positives / max(known, 1):.2f} %)"
            if 0 < curves.positives < STABLE_POSITIVES:
                words += ", too few for a stable curve"
        sources[widgets.escape(one.label)] = widgets.escape(words)
    if len(set(sources.values())) == 1:
        return f"Measured on {next(iter(sources.values()))}."
    return "Measured on: " + "; ".join(f"{name}: {words}" for name, words in sources.items()) + "."


def _number(value: float) -> str:
    return f"{value:.3f}" if value == value else "–"


def values_table(measured: Sequence[Measured]) -> pd.DataFrame:
    """AUROC, AP and greatest F1 of every finding, run by run, for the download."""
    return pd.DataFrame([
        {"run_id": one.run_id, "run": one.label, "measured_on": one.source, "finding": finding,
         "auroc": curves.auroc, "ap": curves.ap, "greatest_f1_on_these_films": curves.best[1],
         "at_threshold": curves.best[0], "n_positive": curves.positives, "n": curves.positives + curves.negatives}
        for one in measured for finding, curves in zip(FINDINGS, one.data.findings, strict=True)])


def points_table(measured: Sequence[Measured], finding: str | None) -> pd.DataFrame:
    """The points of the drawn lines, of one finding or of all, for the download."""
    frames = [
        pd.DataFrame({"run_id": one.run_id, "run": one.label, "finding": name, "line": line, "x": drawn.x,
                      "y": drawn.y, "threshold": drawn.thresholds, "tp": drawn.tp.astype(int),
                      "fp": drawn.fp.astype(int), "fn": curves.positives - drawn.tp.astype(int)})
        for one in measured for name, curves in zip(FINDINGS, one.data.findings, strict=True)
        if finding in (None, name) for line, drawn in curves.lines.items()]
    return pd.concat(frames) if frames else pd.DataFrame()
