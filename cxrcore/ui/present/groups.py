"""The slide on people: whom the network misses more often."""

import contextlib

import numpy as np
import streamlit as st

from cxrcore.charts.stage import Rated, rating_chart
from cxrcore.charts.subgroups import group_styles
from cxrcore.errors import ResamplingError
from cxrcore.evaluation.measure_predictions import RESAMPLING
from cxrcore.measures.intervals.holm import BETTER, WORSE, Verdicts, verdicts
from cxrcore.measures.intervals.intervals import MACRO
from cxrcore.measures.subgroups import MIN_POSITIVES, Gap, gaps, intervals
from cxrcore.queries import subgroups
from cxrcore.queries.class_lesson import Lesson, NothingToShow
from cxrcore.queries.subgroups import Subgroups
from cxrcore.ui import widgets
from cxrcore.ui.markdown import escape
from cxrcore.ui.present.stage import chart, headline

SHOWN = ("sex", "age", "view")
MEASURE = "recall"


def groups(lesson: Lesson) -> None:
    """Macro recall of each group of patients, at the same thresholds for all.

    Raises:
        NothingToShow: the table says nothing of the patients, or too few films of each group have a finding.
    """
    found = [one for grouping in SHOWN if (one := _read(lesson, grouping)) is not None]
    if not found:
        raise NothingToShow("The table says neither sex nor age nor view of these films, so no groups can be read.")
    rated, parted, counts = [], [], []
    for one in found:
        measured, styles = intervals(one.found, MEASURE), group_styles(one.groups.names)
        here = [Rated(one.called(name), styles[name], *(float(side[MACRO]) for side in (own.point, own.low, own.high)))
                for name, own in measured.items() if not np.isnan(own.point[MACRO])]
        if len(here) > 1:
            rated += here
            counts.append(len(lesson.findings) - next(iter(measured.values())).n_excluded)
            parted += [(one, gap) for gap in gaps(one.found, one.largest, MEASURE)]
    tested = _tested(parted)
    if not tested.n_tests:
        raise NothingToShow(f"No finding is on {MIN_POSITIVES} films or more of every group of patients, so recall "
                            "cannot be compared between groups.")
    headline(_statement(parted, tested.words))
    chart(rating_chart("Macro recall with 95 % interval", rated), "groups",
          "; ".join(f"{one.name} {one.value:.2f}" for one in rated), 11.9, title=False)
    over = _over(counts, len(lesson.findings))
    st.markdown(f"{lesson.films}; {over}; thresholds: {escape(lesson.tuned(lesson.run).in_words)}, the same "
                f"for everybody. {_family(tested.n_tests)} A gap can come from the network, from labels, or from who "
                "comes with what.")


def groups_ahead(lesson: Lesson) -> None:
    """What `groups` measures, for those who come to it next."""
    for grouping in SHOWN:
        with contextlib.suppress(ResamplingError):
            subgroups.in_groups(lesson.store, lesson.run, lesson.part, grouping, lesson.tuned(lesson.run))


def _tested(parted: list[tuple[Subgroups, Gap]]) -> Verdicts:
    """All macro gaps of the slide as one family, since the headline picks the largest of them."""
    changes = [gap.change for _, gap in parted]
    return verdicts(np.array([one.point[MACRO] for one in changes]), np.array([one.p[MACRO] for one in changes]),
                    MEASURE)


def _over(counts: list[int], n_findings: int) -> str:
    """Of how many findings the means are: those on enough films of every group of a grouping."""
    if min(counts) == n_findings:
        return "means over all findings"
    between = f" to {max(counts)}" if max(counts) > min(counts) else ""
    return f"means over {min(counts)}{between} of the {n_findings} findings"


def _family(n_tests: int) -> str:
    return f"{n_tests} gaps tested as one family (Holm)." if n_tests > 1 else "One gap tested."


def _read(lesson: Lesson, grouping: str) -> Subgroups | None:
    """None where the films do not form two groups that can be measured."""
    try:
        with widgets.slow_share(RESAMPLING) as told:
            found = subgroups.in_groups(lesson.store, lesson.run, lesson.part, grouping, lesson.tuned(lesson.run),
                                        told)
    except ResamplingError:
        return None
    return found if len(found.found) > 1 else None


def _statement(parted: list[tuple[Subgroups, Gap]], words: np.ndarray) -> str:
    """The largest gap that its test shows, or that there is none."""
    shown = [pair for pair, word in zip(parted, words, strict=True) if word in (WORSE, BETTER)]
    if not shown:
        return "No group is shown to be missed more often"
    one, gap = max(shown, key=lambda pair: abs(pair[1].change.point[MACRO]))
    point = float(gap.change.point[MACRO])
    lower = "lower" if point < 0 else "higher"
    return f"Recall is {abs(point):.2f} {lower} in {one.called(gap.name)} than in {one.called(one.largest)}"
