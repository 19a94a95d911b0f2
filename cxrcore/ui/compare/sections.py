"""What the Compare page shows, section by section; some give the tables that they can be downloaded as."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from cxrcore.charts import compare as charts
from cxrcore.charts.dot_rows import Bars, Marks, dot_rows, row_names
from cxrcore.data.splits import PART_WORDS
from cxrcore.evaluation import published
from cxrcore.findings import display_name
from cxrcore.glossary import meanings
from cxrcore.measures.intervals.draws import N_DRAWS
from cxrcore.measures.intervals.holm import LOWER_IS_BETTER
from cxrcore.measures.intervals.intervals import PATIENTS_UNKNOWN_NOTE
from cxrcore.measures.metrics import THRESHOLDED
from cxrcore.queries import run_groups, run_settings
from cxrcore.queries.compared import agreement, run_costs
from cxrcore.queries.comparison import (
    Compared,
    Contrast,
    difference_bars,
    start_weights_sentence,
)
from cxrcore.queries.evaluated_runs import known_in_words
from cxrcore.queries.from_store import Overview
from cxrcore.queries.threshold_sets import UNFITTED
from cxrcore.store import Store
from cxrcore.ui import widgets
from cxrcore.ui.frame import frame
from cxrcore.ui.link import in_link
from cxrcore.ui.widgets import escape

MEASURES = {"AUROC": "auroc", "AP": "ap", "F1": "f1", "Recall": "recall", "Precision": "precision", "Brier": "brier",
            "ECE": "ece"}
SETS = {"Max F1, fitted on validation": None, "Expected F1, fitted on validation": "expected_f1@val",
        "0.5 for every finding": UNFITTED}
NO_REFERENCE = "none"
CHART_WIDTH, PICKER_WIDTH = 460, 270  # pixels; the least of each of the two charts, and what stands above them
Tables = dict[str, tuple[str, Callable[[], pd.DataFrame]]]  # as `widgets.download_menu` takes them


# -- what stands behind the numbers


def say_left_out(groups: Sequence[run_groups.Group], sources: Mapping[str, str], labels: Mapping[str, str]) -> None:
    """Runs of other data sets and splits than the first group's are not compared, and why.

    Args:
        sources: {run_id: where the labels of its films come from}.
    """
    left = [run_id for group in groups[1:] for run_id in group.table.index]
    own = sources[groups[0].table.index[0]]
    others = sorted({sources[run_id] for run_id in left} - {own})
    said = f" Their labels come from another source, too: {'; '.join(map(escape, others))}." if others else ""
    st.warning("Runs are compared within one data set and split only. Left out, since they belong to another: "
               f"{escape(', '.join(labels[run_id] for run_id in left))}.{said}", icon=":material/warning:")


def say_where(compared: Sequence[Compared], group: run_groups.Group, label_source: str, part: str, measure: str,
              asked: str | None) -> None:
    """Films, patients, labels, intervals and thresholds behind every number of the page; `asked`: of `SETS`."""
    widgets.badges(group)
    with frame.numbers():
        _numbers(compared, group, label_source, part, measure)
    if measure in THRESHOLDED and any(one.source.part == part for one in compared):
        frame.chip("same films", "Thresholds were fitted on the films that they are read on, which flatters.",
                   icon=":material/warning:")
    first = compared[0].found
    if not first.patients_known:
        st.warning(PATIENTS_UNKNOWN_NOTE, icon=":material/warning:")
    short = [one.run.label for one in compared if one.run.labels.is_shipped
             and one.run.parts[part]["n"] > first.n_films]
    if short:
        st.info(f"Measured on more films, of which only the shared ones count here: {escape(', '.join(short))}.",
                icon=":material/info:")
    unfitted = [one.run.label for one in compared if one.source.part is None]
    if measure in THRESHOLDED and asked != UNFITTED and unfitted:
        frame.chip("thresholds 0.5", "No validation predictions to fit thresholds on, so every threshold is 0.5: "
                   f"{escape(', '.join(unfitted))}.", icon=":material/info:")


def _numbers(compared: Sequence[Compared], group: run_groups.Group, label_source: str, part: str, measure: str) -> None:
    """What stands behind *Numbers*."""
    st.caption(f"{escape(group.title)} · {escape(group.split)} · {escape(group.draw)} · labels: {escape(label_source)}")
    first = compared[0].found
    films = f"{first.n_films:,} {PART_WORDS[part]} films"
    of_patients = f" of {first.n_patients:,} patients" if first.patients_known else ""
    text = (f"Measured on **{films}**{of_patients}, shared by all runs. Intervals: the central "
            f"95 % of {N_DRAWS:,} draws of patients.")
    if measure in THRESHOLDED:
        text += f" Thresholds: {escape('; '.join(sorted({one.source.in_words for one in compared})))}."
    unknown = known_in_words(compared[0].run.findings, (first.n_positive + first.n_negative).tolist())
    st.markdown(f"{text} {escape(unknown)}" if unknown else text)


def say_start_weights(runs: pd.DataFrame, labels: Mapping[str, str]) -> None:
    """That the runs did not begin with weights that have seen the same, where it is so."""
    if sentence := start_weights_sentence(runs, labels):
        st.info(escape(sentence), icon=":material/info:")


def published_picker(kind: str, measure: str) -> published.PublishedResult | None:
    """A published result to stand beside the runs; only for AUROC on NIH's films, where there are any."""
    if kind != "nih" or measure != "auroc":
        return None
    known = {one.label: one for one in published.results()}
    with st.container(width=PICKER_WIDTH):
        said = widgets.choice_in_link("Published result", "published", [NO_REFERENCE, *known],
                                      "AUROCs that others published, as marks. Other films, other splits and often "
                                      "other labels: a yardstick, no competitor.")
    return known.get(said or NO_REFERENCE)


def say_published(reference: published.PublishedResult, findings: Sequence[str], scheme: str, part: str) -> None:
    """Where the published values come from, and whether they can be held against these runs and their findings."""
    without = [display_name(finding) for finding in findings if finding not in reference.auroc]
    mean = (f"it has no value of {escape(', '.join(without))}, and so no mean" if without else
            f"the mean is worked out from its {len(findings)} values")
    with frame.numbers():
        st.caption(f"Published: {escape(reference.source)}; {mean}.")
    if reference.split != published.OFFICIAL or scheme != published.OFFICIAL or part != "test":
        st.warning("The published result was not measured on these films: its split "
                   f"({published.SPLITS[reference.split]}) is another. Differences of 0.02 to 0.03 come from the "
                   "choice of test films alone.", icon=":material/warning:")


# -- the picture


def against_picker(compared: Sequence[Compared], known: Collection[str]) -> str | None:
    """The id of the run that the others are compared with; None at a link to one that is not here.

    Args:
        known: labels of all runs of the store; a reference that was taken out of the comparison gives way to the first.
    """
    ids = {one.run.label: one.run.run_id for one in compared}
    if st.session_state.get("against") in set(known) - set(ids):
        st.session_state["against"] = next(iter(ids))
    with st.container(width=PICKER_WIDTH):
        said = widgets.choice_in_link("Against", "against", list(ids), "The run that the others are compared with",
                                      read=_label_of(compared))
    return None if said is None else ids[said]


def _label_of(compared: Sequence[Compared]) -> Callable[[str], str]:
    """A link may name a run by its label or by its id."""
    labels = {one.run.run_id: one.run.label for one in compared}
    return lambda said: labels.get(said, said)


def draw_charts(bars: Sequence[Bars], compared: Sequence[Compared], found: Sequence[Contrast], against: str, title: str,
                reference: published.PublishedResult | None) -> None:
    """Values and differences beside each other, a row a finding; below each other where there is no room.

    Args:
        bars: the values, of runs or of trainings.
        found: the other runs against the one called `against`; none of a single run.
        reference: a published result, as marks.
    """
    measure, names = MEASURES[title], row_names(compared[0].run.findings)
    marks = [Marks(reference.label, reference.of(compared[0].run.findings))] if reference else []
    with st.grid(min_column_width=CHART_WIDTH, gap="medium"):
        widgets.chart(dot_rows(f"{title} with 95 % intervals", f"{title}, 0 to 1", bars, names, published=marks),
                      f"compare_{measure}", f"{title} of each finding and run, with intervals")
        if found:
            lower = "; below 0 is better" if measure in LOWER_IS_BETTER else ""
            widgets.chart(dot_rows(f"{title}: difference to {against}", f"Difference of {title}{lower}",
                                   difference_bars(found), names, upright=0, lanes=len(compared)),
                          f"difference_{measure}", f"Difference of {title} to {against} with intervals")


def say_verdicts(n_tests: int) -> None:
    """How verdicts come about, behind *Numbers*."""
    with frame.numbers():
        st.caption(f"Verdicts follow p-values from the draws' standard errors, corrected by Holm over a family: the "
                   f"{n_tests} tests of findings and runs for the findings, one test a run for the macro means. Filled "
                   "marks are better or worse; open ones are tied. Tied does not mean equal.")


# -- agreement, cost


def agreement_section(store: Store, compared: Sequence[Compared], part: str, read_as: str = "") -> Tables:
    """How many runs say yes to a film, and how often that is right; counted when it is opened.

    Args:
        read_as: which runs stand for trainings, in words.
    """
    findings = compared[0].run.findings
    votes = partial(agreement.votes, store, compared, part)
    box = st.expander("Where runs agree", key="agreement", on_change="rerun")
    if box.open:
        with box:
            films, with_it = votes()
            words = sorted({one.source.in_words for one in compared})
            st.caption(f"Films by how many of the runs raise an alarm, at thresholds of {escape('; '.join(words))}, "
                       "and the share of these films that carry the label. “All agree”: all runs say yes, or all say "
                       "no. A finding for which no run raises any alarm has no figure there: silence is no agreement."
                       f"{read_as}")
            widgets.show_table(agreement.shown(findings, films, with_it), hide_index=True,
                               height=(len(findings) + 1) * 35 + 3, placeholder="–",
                               column_config={"All agree": widgets.number("agreement", format="%.1f %%")},
                               alt="Films by the number of runs that say yes, for each finding")
    return {"Agreement": (f"agreement_{part}", lambda: agreement.as_table(findings, *votes()))}


def cost_section(compared: Sequence[Compared], runs: pd.DataFrame, title: str) -> Tables:
    """Quality against one recorded cost, and all of them as a table."""
    runs = runs.set_index("run_id", drop=False)
    table = partial(run_costs.cost_table, compared, runs)
    box = st.expander("Quality against cost", expanded="cost" in st.query_params, key="costs", on_change="rerun")
    if box.open:
        with box:
            _draw_costs(compared, runs, title, table())
    return {"Cost": ("cost", table)}


def _draw_costs(compared: Sequence[Compared], runs: pd.DataFrame, title: str, table: pd.DataFrame) -> None:
    said = st.segmented_control("Cost", list(run_costs.COSTS), default="Parameters", required=True,
                                **in_link("cost"), wrap=True,
                                help=meanings(key for key, _ in run_costs.COSTS.values()))
    key, axis = run_costs.COSTS[said]
    marks = run_costs.priced(compared, runs, key, MEASURES[title])
    if marks:
        widgets.chart(charts.quality_against_cost(f"Macro {title} against cost", axis, f"Macro {title}", marks),
                      f"cost_{key}", f"Macro {title} of each run against {axis}")
    else:
        st.caption(f"{axis}: not recorded for any of these runs.")
    widgets.show_table(table, hide_index=True, placeholder="not recorded", alt="What each run costs", column_config={
        name: widgets.number(key, format="%.4g")
        for name, (key, _) in zip(table.columns[1:-1], run_costs.COSTS.values(), strict=True)})


def settings_section(runs: pd.DataFrame, overview: Overview, labels: Mapping[str, str]) -> None:
    """What the runs were not trained alike in, folded; `runs`: rows of `Store.runs`."""
    with st.expander("Settings that differ"):
        trained_on = runs["dataset_id"].map(overview.datasets["name"])
        settings = run_settings.settings_table(runs.assign(dataset=trained_on).to_dict("records"), labels)
        widgets.show_table(
            run_settings.only_differences(settings), hide_index=True, alt="Settings in which the runs differ"
        )
