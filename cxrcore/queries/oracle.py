"""How far a network can get on phantoms: the oracle that knows what was drawn, and still not the wrong labels."""


import pandas as pd
import streamlit as st

from cxrcore.data.files import bounded_file
from cxrcore.data.phantoms.mark import MARK
from cxrcore.errors import WorkbenchError
from cxrcore.queries import data_set


def say(runs: pd.DataFrame) -> None:
    """A line on the oracle of the phantoms that these runs were trained on; nothing for other films."""
    if text := in_words(runs):
        st.caption(text)


def in_words(runs: pd.DataFrame) -> str:
    """The line itself; empty where the films are no phantoms, or their folder is gone.

    Args:
        runs: of one data set, as `Store.runs`.
    """
    for _, folder in data_set.sources(runs):
        mark = folder / MARK
        if mark.exists():
            best = _ceiling(str(mark), mark.stat().st_mtime_ns)
            return "" if best is None else (
                f"On these phantoms nobody can do better than the oracle's macro AUROC of {best:.3f} (over all films): "
                "some labels are wrong, and some findings leave no sign. What a network lacks to it is its own.")
    return ""


@st.cache_data(max_entries=8, show_spinner=False)
def _ceiling(mark: str, changed: int) -> float | None:
    from cxrcore.data.phantoms.recipe import Recipe, plan  # loads what draws phantoms
    from cxrcore.measures.metrics import macro

    try:
        recipe = bounded_file.settings(mark)["recipe"]
        return macro(plan(Recipe(**recipe)).oracle())[0]
    except (ValueError, KeyError, TypeError, OSError, WorkbenchError):  # no mark of ours
        return None
