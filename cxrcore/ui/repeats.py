"""Repeats on pages: when the runs of one training are shown as one, and the words that go with it.

Up to six runs stand there one by one, and a switch folds repeats; it is drawn only where there are some. More runs are
always shown by trainings.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from cxrcore.queries.evaluated_runs import MAX_RUNS
from cxrcore.queries.repeats.trainings import Training, any_repeated
from cxrcore.ui.link import TOGETHER, in_link
from cxrcore.ui.run_pages import RunsPage

MOST = 60  # runs that are read at once, some six trainings of ten seeds
_HELP = ("Show the runs of one training, which differ in their seed alone, as one: their mean, with the standard "
         "deviation over seeds beside the interval over patients.")


@dataclass(frozen=True)
class Choice:
    """The runs that a page shows.

    Attributes:
        run_ids: all of them, in the link's order; of a training's repeats one a seed where they are shown as one.
        trainings: of these runs.
        together: whether repeats are shown as one.
    """

    run_ids: list[str]
    trainings: list[Training]
    together: bool


def choose(page: RunsPage, run_ids: Sequence[str], done: str) -> Choice:
    """What to show of the runs that are chosen; draws the switch, and says where some are left out.

    Args:
        run_ids: as chosen, or what stands in for them.
        done: 'compared' and the like.
    """
    found = page.trainings(run_ids[:MOST])
    if not any_repeated(found):
        kept = page.at_most(MAX_RUNS, run_ids, done)
        return Choice(kept, found[:MAX_RUNS], False)
    if len(run_ids) <= MAX_RUNS:
        together = bool(st.toggle("Repeats as one", **in_link(TOGETHER), help=_HELP))
    else:
        together = True
        _say_together(found, len(run_ids), done)
    found = found[:MAX_RUNS] if together else found
    kept = [run_id for one in found for run_id in one.run_ids] if together else list(run_ids)
    return Choice(kept, found, together)


def _say_together(found: Sequence[Training], n_runs: int, done: str) -> None:
    """That more runs are chosen than are told apart one by one."""
    first = f"the first {MAX_RUNS} of them are {done}" if len(found) > MAX_RUNS else f"they are {done} as one"
    more = f" Of {n_runs} runs the first {MOST} are read." if n_runs > MOST else ""
    st.caption(f"{n_runs} runs of {len(found)} trainings: repeats of one training differ in their seed alone, and "
               f"{first}.{more}", width="content")
