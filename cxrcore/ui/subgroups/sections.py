"""What the Subgroups page shows: one run's measures in groups of patients, their gaps, and the view as a shortcut."""

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from cxrcore.charts import subgroups as charts
from cxrcore.charts.dot_rows import dot_rows
from cxrcore.charts.look import RunStyle
from cxrcore.findings import display_name
from cxrcore.glossary import meaning
from cxrcore.measures.intervals.draws import N_DRAWS
from cxrcore.measures.intervals.intervals import MANY_POSITIVES, PATIENTS_UNKNOWN_NOTE, Interval, Resampled
from cxrcore.measures.subgroups import (
    MIN_PATIENTS,
    MIN_POSITIVES,
    OLDEST,
    Gap,
    suppressed,
)
from cxrcore.measures.thresholds.fitting import STABLE_POSITIVES
from cxrcore.queries import run_groups, subgroups
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.subgroups import AXES, SHORT, Subgroups, view_bars
from cxrcore.queries.threshold_sets import SourcedSet, warnings_of
from cxrcore.store import CSV, Store
from cxrcore.ui import link, widgets
from cxrcore.ui.frame import frame
from cxrcore.ui.run_pages import RunsPage
from cxrcore.ui.widgets import escape

UNKNOWN = {"sex": "unknown sex", "age": f"unknown age (missing, or over {OLDEST} years)", "view": "unknown view",
           "order": "unknown follow-up number"}
CHART_WIDTH, PICKER_WIDTH = 460, 290  # pixels; the least of each of the two charts
DOT = "\N{NO-BREAK SPACE}·\N{NO-BREAK SPACE}"
MOST_COUNTED = 3  # groups whose films stand beside a finding's name


# -- controls


def run_picker(page: RunsPage) -> str | None:
    """The run in focus, which the link names; further runs of the link stay behind it. None where all are archived."""
    wanted = page.focus()
    if not wanted:
        return None
    st.session_state["subgroups_run"] = wanted[0]
    st.selectbox("Run", list(page.options), format_func=page.options.__getitem__, key="subgroups_run",
                 width=PICKER_WIDTH, on_change=_choose_run, args=(wanted,), help="The run that is read in groups.")
    return wanted[0]


def _choose_run(before: Sequence[str]) -> None:
    run_id = st.session_state["subgroups_run"]
    link.put_runs_in_link([run_id, *(other for other in before[1:] if other != run_id)])


def reference_picker(found: Subgroups) -> str:
    """The group that gaps are taken to: the largest, unless the link names another; ends the page at an unknown one."""
    names = {found.called(name): name for name in sorted(found.found, key=lambda name: name != found.largest)}
    with st.container(width=PICKER_WIDTH):
        said = widgets.choice_in_link("Gap to", f"to_{found.grouping}", list(names),
                                      "The group that the others are compared with; at first the largest")
    if said is None:
        st.stop()
    return names[said]


# -- what stands behind the numbers


def say_where(run: Evaluated, found: Subgroups, part: str, source: SourcedSet, measure: str,
              group: run_groups.Group) -> None:
    """Films, patients, intervals, thresholds and labels behind every number of the page."""
    widgets.badges(group)
    with frame.numbers():
        _numbers(run, found, part, source, measure, group)
    if measure != "auroc":
        _say_thresholds(source, part, run.findings)
    if not found.patients_known:
        st.warning(PATIENTS_UNKNOWN_NOTE, icon=":material/warning:")


def _numbers(run: Evaluated, found: Subgroups, part: str, source: SourcedSet, measure: str,
             group: run_groups.Group) -> None:
    """What stands behind *Numbers*."""
    st.caption(f"{escape(group.title)} · {escape(group.split)} · {escape(group.draw)}")
    of_patients = f" of {found.patients:,} patients" if found.patients_known else ""
    text = (f"Measured on **{escape(run.in_words(part))}**{of_patients}. Intervals: the central 95 % "
            f"of {N_DRAWS:,} draws of patients; each draw serves all groups.")
    if measure != "auroc":
        where = f", {run.fitted_in_words(source.part).partition(', ')[2]}" if source.part else ""
        text += f" Thresholds, the same for all groups: **{escape(source.in_words + where)}**."
    st.markdown(text)
    mined = ": those of NIH were read from reports by a program" if run.labels.name == CSV else ""
    st.caption(f"Labels are noisy{mined}. Where labels err more often in one group, a gap may come from the labels and "
               "not from the network.")


def _say_thresholds(source: SourcedSet, part: str, findings: Sequence[str]) -> None:
    if source.part is None:
        frame.chip("thresholds 0.5", "There are no validation predictions to fit thresholds on, so every threshold is "
                   "0.5.", icon=":material/info:")
    elif source.part == part:
        frame.chip("same films", "Thresholds were fitted on the films that they are read on, which flatters.",
                   icon=":material/warning:")
    unstable = [display_name(finding) for finding in findings if "unstable" in warnings_of(source, finding)]
    if unstable:
        with frame.numbers():
            st.caption(f"Thresholds fitted on fewer than {STABLE_POSITIVES} films with the finding, and so unstable: "
                       f"{', '.join(unstable)}.")


def say_groups(found: Subgroups) -> None:
    """How many films each group has, which groups are too small, and which films belong to none."""
    groups = found.groups
    parts = [f"{found.called(name)}: {films:,} films of {patients:,} patients"
             for name, films, patients in zip(groups.names, groups.n_films, found.n_patients, strict=True)]
    text = "; ".join(parts) + "." + (" In brackets: films that carry the finding, in this order."
                                     if len(found.found) <= MOST_COUNTED else "")
    if small := [found.called(name) for name in groups.names if name not in found.found]:
        text += f" Not measured, with fewer than {MIN_PATIENTS} patients: {', '.join(small)}."
    if groups.n_unknown:
        text += f" {groups.n_unknown:,} films of {UNKNOWN[found.grouping]} are in no group."
    st.caption(text)


def say_suppressed(found: Subgroups) -> None:
    """Which findings of which groups are not shown, how many that are, and how many have too few films to be sure."""
    few: dict[str, list[str]] = {}
    for name, one in found.found.items():
        for k in np.flatnonzero(suppressed(one)):
            few.setdefault(found.names[k], []).append(found.called(name))
    n, pairs = sum(map(len, few.values())), len(found.findings) * len(found.found)
    text = f"Suppressed: none. Each group has at least {MIN_POSITIVES} films with each finding."
    if n:
        listed = "; ".join(f"{finding} ({', '.join(names)})" for finding, names in few.items())
        text = (f"Suppressed: {n} of {pairs} pairs of finding and group, with fewer than {MIN_POSITIVES} films that "
                f"carry the finding: {listed}.")
    rare = sum(int((one.rare & ~suppressed(one)).sum()) for one in found.found.values())
    if rare:
        text += f" Of those shown, {rare} have fewer than {MANY_POSITIVES}: their intervals may still be too narrow."
    st.caption(text)


# -- the picture


def draw_charts(found: Subgroups, measured: Mapping[str, Interval], parted: Sequence[Gap], reference: str,
                measure: str) -> None:
    """Values and gaps beside each other, a row a finding with the number of films that carry it in each group.

    Args:
        measured, parted: intervals of each group, and the gaps of the others to the reference; of one group none.
    """
    bars, names = subgroups.bars(found, measured), _counted(found)
    axis, key = AXES[measure], f"{found.grouping}_{measure}"
    with st.grid(min_column_width=CHART_WIDTH, gap="medium"):
        widgets.chart(dot_rows(f"{axis} with 95 % intervals", f"{axis}, 0 to 1", bars, names),
                      f"subgroups_{key}", f"{axis} of each finding and group, with intervals")
        if parted:
            to = found.called(reference)
            widgets.chart(dot_rows(f"Gap to {to}", f"Gap in {SHORT[measure]}", subgroups.gap_bars(found, parted),
                                   found.names, upright=0, lanes=len(bars)),
                          f"gaps_{key}", f"Gaps in {axis} to {to}")


def _counted(found: Subgroups) -> tuple[str, ...]:
    """The rows' names with the films that carry the finding, group by group in the order of the legend.

    Of many groups there is no room for that: their marks say it under the pointer.
    """
    if len(found.found) > MOST_COUNTED:
        return found.names
    counts = np.array([one.n_positive for one in found.found.values()])
    own = [f"{name} ({DOT.join(f'{n:,}' for n in column)})"
           for name, column in zip(found.names, counts.T.tolist(), strict=False)]
    return *own, found.names[-1]


def say_gaps(found: Subgroups, parted: Sequence[Gap], measured: Mapping[str, Interval], reference: str,
             measure: str) -> None:
    """The gaps as sentences and as a table, folded away."""
    with st.expander("Gaps in numbers"):
        gap, meant = subgroups.definition(found, parted, reference, measure)
        st.markdown(f"**{gap}** {meant}")
        st.markdown("\n".join(f"- {before}**{name}**{said}" for before, name, said in
                              subgroups.in_words(found, parted, reference, measure)))
        shown = subgroups.shown_gaps(found, parted, measured, reference, measure)
        widgets.show_table(shown, hide_index=True, placeholder="–", alt="Gaps of each finding and group",
                           height=subgroups.height(shown), column_config={
            **dict.fromkeys(shown.columns[2:4], widgets.number(measure, format="%.3f")),
            "Gap": widgets.number("gap", format="%+.3f"), "p": widgets.number("p", format="%.2g"),
            "95 % interval": st.column_config.TextColumn(help=meaning("interval", "Here of the gap."))})
        st.caption(subgroups.family(parted))


# -- the shortcut


def shortcut_section(store: Store, run: Evaluated, part: str) -> tuple[Resampled, Resampled] | None:
    """How well the view alone tells each label, beside the run; measured when it is opened, and given then."""
    box = st.expander("Does the view give findings away?", key="open_view_alone", on_change="rerun")
    if not box.open:
        return None
    with box:
        with widgets.slow_share("Reading the view alone") as told:
            pair = subgroups.shortcut(store, run, part, told)
        _show_shortcut(pair, run, link.styles([run.run_id])[run.run_id])
    return pair


def _show_shortcut(pair: tuple[Resampled, Resampled] | None, run: Evaluated, style: RunStyle) -> None:
    if pair is None:
        st.info("The films are not of both views, PA and AP, so there is nothing to check.", icon=":material/info:")
        return
    st.markdown("The AUROC of knowing nothing but the view, AP or not, on the same films. At 0.5 the view says nothing "
                "of the label; above, films with the finding are more often AP, below more often PA. The further the "
                "view's mark lies from 0.5, the more of the run's AUROC may come from reading the view in place of the "
                "finding.")
    drawn = view_bars(pair, run, style)
    widgets.legend([(one.name, one.style) for one in drawn])
    widgets.chart(charts.shortcut("AUROC of the view alone and of the run", "AUROC, 0 to 1", *drawn, run.findings),
                  "view_alone",
                  "AUROC of the view alone and of the run for each finding, with intervals")
    few = [display_name(run.findings[k]) for k in np.flatnonzero(suppressed(pair[0]))]
    if few:
        st.caption(f"Suppressed: {len(few)} of {len(run.findings)} findings, with fewer than {MIN_POSITIVES} films "
                   f"that carry them: {', '.join(few)}.")
