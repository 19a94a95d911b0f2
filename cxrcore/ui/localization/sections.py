"""What the Localization page shows: how well maps point at boxes, beside what needs no network."""

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.charts.dot_rows import Bars, Marks, dot_rows, row_names
from cxrcore.charts.look import NEUTRAL, RunStyle
from cxrcore.charts.subgroups import group_styles
from cxrcore.explain.method_names import HIRES, METHODS, SHARED, SLOW
from cxrcore.glossary import meanings
from cxrcore.measures import localization_scores
from cxrcore.measures.intervals.intervals import MACRO
from cxrcore.measures.localization import CENTRE, MEDIAN_BOX, RANDOM
from cxrcore.measures.localization_scores import RANDOM_WEIGHTS, BoxScore
from cxrcore.networks.architectures import find_architecture
from cxrcore.queries import from_store, localization, run_groups
from cxrcore.queries.evaluated_runs import evaluated
from cxrcore.queries.localization import MeasuredOnBoxes
from cxrcore.store import Store, lost_file
from cxrcore.store.run_folder import BEST
from cxrcore.ui import link, run_pages, widgets
from cxrcore.ui.frame import frame
from cxrcore.ui.widgets import escape

POINTING, IOU, IOBB, ENERGY = "Pointing game", "IoU", "IoBB", "Energy in box"
MEASURES = {POINTING: localization_scores.HIT, IOU: localization_scores.IOU, IOBB: localization_scores.IOBB,
            ENERGY: localization_scores.ENERGY}
MEANINGS = meanings(MEASURES.values())
CUTS = tuple(f"{cut / 10:.1f}" for cut in range(1, 10))
METHOD_NAMES = {key: label for label, key in METHODS.items()}
ALL, AT_ONCE = "All methods", 5
# (floor, its path in the legend, its mark in the chart)
SIGNS = ((RANDOM, "M8 2v12", "line-ns-open"), (CENTRE, "M8 2v12M2 8h12", "cross-thin-open"),
         (MEDIAN_BOX, "M3 3h10v10h-10z", "square-open"), (RANDOM_WEIGHTS, "M3 3l10 10M13 3l-10 10", "x-thin-open"))
FLOORS_EXPLAINED = (
    "Floors, what any method has to beat: a random place; the film's centre; the median of the finding's boxes on "
    "other films; and the same network with random weights. For IoU and IoBB, random place and centre are boxes of "
    "that median size. A filled mark lies above all of them with its whole interval.")
UNMEASURED = "not measured on boxes yet. This does it:"
UNBOXED = ("not measured on boxes, and this store knows no boxes of the data set. NIH's come as BBox_List_2017.csv; "
           "with that file beside the table, this measures:")
UNREAD = "measured on boxes, but on no film and finding that this label set has read."
SEEN = ("no box on a test film: all of them lie on films of training or validation, where they do not count. The "
        "official split has NIH's boxes on test films.")


@dataclass(frozen=True)
class Series:
    """One row of marks: a run by one method, a key of `METHODS`."""

    name: str
    style: RunStyle
    findings: tuple[str, ...]
    score: BoxScore
    of: MeasuredOnBoxes
    method: str

    @property
    def rows(self) -> tuple[str, ...]:
        """The names of the score's rows, (k + 1,)."""
        return row_names(self.findings)


# -- what there is, and what is missing


def say_missing(store: Store, rows: pd.DataFrame, measured: Sequence[MeasuredOnBoxes], overview: from_store.Overview,
                labels: Mapping[str, str], statuses: Mapping[str, str]) -> None:
    """Each run of these rows that cannot be shown, why, and the command that changes it."""
    there = {one.run.run_id for one in measured}
    tested = set(overview.board[overview.board["split"] == "test"]["run_id"])
    run_pages.say_missing(store, rows[~rows["run_id"].isin(tested)], overview.board, "test", labels, statuses)
    said: dict[str, list[pd.Series]] = {}
    missing = rows[rows["run_id"].isin(tested - there)]
    otherwise = localization.read_localization(store, evaluated(missing, overview, labels), missing, overview.runs)
    unread = {one.run.run_id for one in otherwise}
    for _, row in missing.iterrows():
        why = UNREAD if row["run_id"] in unread else _why_not(store, row, overview.runs)
        said.setdefault(why, []).append(row)
    for why, whose in said.items():
        names = ", ".join(f"**{escape(labels[row['run_id']])}**" for row in whose)
        st.info(f"{names}: {why}", icon=":material/info:")
        if why in (UNMEASURED, UNBOXED):
            widgets.commands([f"python scripts/gradcam.py --boxes --run {row['run_id']}" for row in whose], store)


def _why_not(store: Store, row: pd.Series, runs: pd.DataFrame) -> str:
    """Why a run with test predictions was not measured on boxes."""
    if not store.run_file(row["run_id"], BEST):
        return f"no checkpoint, so no maps: {escape(lost_file.why_missing(store, row['run_id']))}."
    own = localization.boxed(store, row, runs)
    if own.boxes.empty:
        return UNBOXED
    return UNMEASURED if own.parts is None or own.parts["test"] else SEEN


def say_where(groups: Sequence[run_groups.Group], measured: Sequence[MeasuredOnBoxes]) -> None:
    """Data set, split, films and boxes behind the numbers; said where runs were measured on different ones."""
    for group in groups:
        widgets.badges(group)
        whose = f" · {', '.join(map(escape, group.table['run']))}" if len(groups) > 1 else ""
        with frame.numbers():
            st.caption(f"{escape(group.title)} · {escape(group.split)} · {escape(group.draw)}{whose}")
    alike: dict[str, list[str]] = {}
    for one in measured:
        alike.setdefault(_films_in_words(one), []).append(escape(one.run.label))
    for words, names in alike.items():
        with frame.numbers():
            st.markdown(f"{', '.join(names)}: {words}" if len(alike) > 1 else words)
    if len(alike) > 1 or len(groups) > 1:
        st.warning("These runs were measured on different films: their marks stand side by side, but do not compare.",
                   icon=":material/warning:")


def _films_in_words(one: MeasuredOnBoxes) -> str:
    boxes = f" with {one.n_boxes:,} boxes" if one.n_boxes else ""
    text = f"Measured on **{one.n_films:,} test films**{boxes}, of {one.n_patients:,} patients."
    if one.boxed.parts is None:
        return text
    train, val = one.boxed.parts["train"], one.boxed.parts["val"]
    if train or val:
        text += (f" :gray-badge[seen in training] {train + val:,} further films with boxes do not count: {train:,} lie "
                 f"in the training and {val:,} in the validation part.")
    left = one.boxed.parts["test"] - one.n_films if one.run.labels.is_shipped else 0  # others have read some of them
    return f"{text} {left:,} test films with boxes were not on disk." if left > 0 else text


def pick_method(measured: Sequence[MeasuredOnBoxes]) -> tuple[str, list[str]] | None:
    """The choice and the keys of `METHODS` that it means; None at a link to what is not here."""
    there = [label for label, key in METHODS.items() if any((one.rows["method"] == key).any() for one in measured)]
    quick = [label for label in there if label != SLOW]
    chosen = widgets.choice_in_link("Method", "method", [*there, ALL] if len(quick) > 1 else there,
                                    "How the maps were made. All methods stand side by side for one run.")
    if chosen is None:
        return None
    return chosen, [METHODS[label] for label in (quick[:AT_ONCE] if chosen == ALL else [chosen])]


def series(measured: Sequence[MeasuredOnBoxes], methods: Sequence[str], measure: str, cut: float) -> list[Series]:
    """Each run by one method, or one run by each method, where it was measured.

    Args:
        methods: keys of `METHODS`; several only for a single run.
        measure: a value of `MEASURES`.
    """
    runs = link.styles(one.run.run_id for one in measured)
    ways = group_styles(methods)
    return [Series(METHOD_NAMES[method] if len(methods) > 1 else one.run.label,
                   ways[method] if len(methods) > 1 else runs[one.run.run_id], one.run.findings,
                   localization_scores.score(one.rows, method, measure, one.run.findings, cut), one, method)
            for one in measured for method in methods if (one.rows["method"] == method).any()]


def say_method(chosen: str, measured: Sequence[MeasuredOnBoxes]) -> None:
    """What to know of a method beside its numbers."""
    if chosen in (SHARED, ALL):
        with frame.numbers():
            st.caption("EigenCAM does not depend on the finding: one map for all of them.")
    pooled = [escape(one.run.label) for one in measured if find_architecture(one.architecture).pooled_head]
    if chosen in (HIRES, ALL) and pooled:
        with frame.numbers():
            st.caption(f"HiResCAM equals Grad-CAM here ({', '.join(pooled)}): what follows the layer is a mean and "
                       "one linear layer.")


# -- the numbers


def answer(shown: Sequence[Series], title: str) -> str:
    """The page's sentence, as HTML: for how many findings each run or method does better than what needs no network.

    Args:
        title: of the measure.
    """
    parts = []
    for place, one in enumerate(sorted(shown, key=lambda one: -_ahead(one, MEDIAN_BOX))):
        there = int((~np.isnan(one.score.point[:MACRO])).sum())
        n = _ahead(one, MEDIAN_BOX)
        name, count = f"<b>{html.escape(one.name)}</b>", f"<b>{n or 'none'} of {there}</b>"
        does = "points" if title == POINTING else "does"
        parts.append(f"{name} {does} better than the median box for {count} findings" if place == 0 else
                     f"{name} for {count}")
    above = [int(one.score.beats[:MACRO].sum()) for one in shown]
    most = "up to " if len(shown) > 1 and any(above) else ""
    return f"{', '.join(parts)}; better than all grey marks for {most}{max(above) or 'none'}."


def _ahead(one: Series, floor: str) -> int:
    """Findings whose whole interval lies above a floor."""
    with np.errstate(invalid="ignore"):
        return int((one.score.low[:MACRO] > one.score.floors[floor][:MACRO]).sum())


def draw_measurements(shown: Sequence[Series], title: str) -> None:
    """The chart, with what needs no network as marks of its own."""
    marks = [Marks(name, np.fmax.reduce([one.score.floors[name] for one in shown]), symbol, "")
             for name, _, symbol in SIGNS]
    signs = " ".join(f"![]({_sign(drawn)})\N{NO-BREAK SPACE}{name}".replace(" ", "\N{NO-BREAK SPACE}")
                     for name, drawn, _ in SIGNS)
    widgets.legend([(one.name, one.style) for one in shown], f"**To beat:** {signs}")
    widgets.chart(dot_rows(f"{title} with 95 % intervals", f"{title}, 0 to 1", [_bars(one) for one in shown],
                           shown[0].rows, published=marks),
                  "localization", f"{title} of each finding, with intervals and floors")
    several = " Of several runs or methods the greatest floor is drawn." if len(shown) > 1 else ""
    empty = " Findings without a mark have no box on these films." if (shown[0].score.n == 0).any() else ""
    with frame.numbers():
        st.caption(FLOORS_EXPLAINED + several + empty)


def _sign(drawn: str) -> str:
    """A floor's mark as an SVG data URI, 16 x 16 pixels."""
    svg = (f'<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" fill="none" stroke="{NEUTRAL}" '
           f'stroke-width="2.5"><path d="{drawn}"/></svg>')
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def say_verdict(one: Series) -> None:
    """Which findings of a run or method are not above all floors."""
    there = ~np.isnan(one.score.point[:MACRO])
    failing = [one.rows[k] for k in np.flatnonzero(there & ~one.score.beats[:MACRO])]
    name = escape(one.name)
    if not failing:
        st.markdown(f"**{name}** is above all floors for every finding that has boxes.")
        return
    st.markdown(f"**{name}** is not above all floors for {len(failing)} of {there.sum()} findings: "
                f"{', '.join(failing)}.")


def _bars(one: Series) -> Bars:
    score = one.score
    notes = [f"{n:,} films of {patients:,} patients" for n, patients in zip(score.n, score.n_patients, strict=True)]
    notes.append("mean of the findings")
    notes = [f"{note}; floors: {_floors_in_words(score, k)}" for k, note in enumerate(notes)]
    return Bars(one.name, one.style, score.point, score.low, score.high, score.beats, notes)


def _floors_in_words(score: BoxScore, k: int) -> str:
    return ", ".join(f"{name} {values[k]:.2f}" for name, values in score.floors.items() if not np.isnan(values[k]))


def localization_table(shown: Sequence[Series], title: str) -> pd.DataFrame:
    """A row a run or method and finding."""
    return pd.concat([pd.DataFrame({
        "Shown": one.name, "Finding": one.rows, "Films": pd.array([*one.score.n, pd.NA], "Int64"),
        title: one.score.point, "Low": one.score.low, "High": one.score.high,
        **{name.capitalize(): values for name, values in one.score.floors.items()},
        "Beats its floors": np.where(one.score.beats, "yes", "no")})
        for one in shown], ignore_index=True).dropna(subset=[title])


def columns(made: pd.DataFrame, measure: str) -> dict[str, Any]:
    """How the table of `localization_table` is shown; `measure`: a value of `MEASURES`."""
    films, value, low, high, *floors, _ = made.columns[2:]
    return {films: widgets.number("measured_films", format="localized"), value: widgets.number(measure, format="%.3f"),
            low: widgets.number("interval", format="%.3f"), high: widgets.number("interval", format="%.3f"),
            **dict.fromkeys(floors, widgets.number("floor", format="%.3f"))}
