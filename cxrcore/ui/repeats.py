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
        said: what is folded, where more runs are chosen than are told apart one by one.
    """

    run_ids: list[str]
    trainings: list[Training]
    together: bool
    said: str = ""


def choose(page: RunsPage, run_ids: Sequence[str], done: str) -> Choice:
    """What to show of the runs that are chosen; draws the switch where it is for the reader to say.

    More than six runs without a repeat among them stay as they are.

    Args:
        run_ids: as chosen, or what stands in for them.
        done: 'compared' and the like.
    """
    found = page.trainings(run_ids[:MOST])
    if not any_repeated(found):
        return Choice(list(run_ids), found, False)
    forced = len(run_ids) > MAX_RUNS
    if not forced and not st.toggle("Repeats as one", **in_link(TOGETHER), help=_HELP):
        return Choice(list(run_ids), found, False)
    kept = found[:MAX_RUNS]
    return Choice([run_id for one in kept for run_id in one.run_ids], kept, True,
                  _in_words(found, len(run_ids), done) if forced else "")


def _in_words(found: Sequence[Training], n_runs: int, done: str) -> str:
    """That more runs are chosen than are told apart one by one."""
    first = f", of which the first {MAX_RUNS} are {done}" if len(found) > MAX_RUNS else ""
    more = f" Of {n_runs} runs the first {MOST} are read." if n_runs > MOST else ""
    once = min(n_runs, MOST) - sum(len(one.run_ids) for one in found)
    more += f" {once} more of a seed that is there already count once." if once else ""
    return f"{n_runs} runs of {len(found)} trainings{first}.{more} "
