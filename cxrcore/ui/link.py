"""What a page's link says: runs, finding, data set, thresholds; and widgets whose value stands there by themselves.

What Streamlit's own binding would lose: at its end, a run takes the values of widgets that are no longer drawn out of
the link, by sending the browser the link as it was when that run began. What somebody chose meanwhile is not in it: the
page shows the choice, the link does not (seen in 1.67). So the next run tells the browser its link once more, where
that happened; an equal one changes nothing.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import streamlit as st

from cxrcore.charts.look import RUN_COLOURS, RunStyle, run_styles
from cxrcore.queries.board_state import UPPER_LINE

LAST_RUNS = "link_runs"  # in the session: the runs that the link named last, and their places
LABELS = "labels"  # in the URL: the label set that everything is measured on
TOGETHER = "together"  # in the URL: repeats of one training are shown as one
LAST_LABELS = "link_labels"  # in the session: the one that was chosen last
_DATASET = "data"  # in the URL
_PLACES = "look"  # in the URL
_UPPER = "u"  # in the URL

_DRAWN = "bound_drawn"  # in the run under way
_SHOWN = "bound_shown"  # in the last run that came to its end
_GONE = "bound_gone"  # from that run


def in_link(key: str) -> dict[str, Any]:
    """Arguments that keep a widget's value in the link under this name; the name is its key too."""
    st.session_state.setdefault(_DRAWN, set()).add(key)
    return {"key": key, "bind": "query-params"}


def take_new_word(key: str, old: str, new: str) -> None:
    """Bring a link of an earlier version, which calls a choice by another word, to the word of now."""
    if st.query_params.get(key) == old:
        st.query_params[key] = new
        st.rerun()  # the widget reads the link before the page runs


def is_on(key: str) -> bool:
    """Whether a switch that stands in the link is on, before it is drawn."""
    chosen = st.session_state.get(key)
    return bool(chosen) if chosen is not None else st.query_params.get(key, "").lower() == "true"


def forget(key: str) -> None:
    """Take a name out of the link."""
    st.query_params.pop(key, None)


def begin_page(arrived: bool) -> None:
    """Before a page draws its widgets.

    Args:
        arrived: whether another page was open before.
    """
    gone = st.session_state.pop(_GONE, set())
    st.session_state[_DRAWN] = set()
    if arrived:
        st.session_state[_SHOWN] = set()
    elif gone & set(st.query_params):  # the browser had not heard of it when it asked for this run
        st.query_params.update()


def end_page() -> None:
    """After a page has drawn its widgets; not called for a run that was broken off."""
    drawn = st.session_state[_DRAWN]
    st.session_state[_GONE] = st.session_state.get(_SHOWN, set()) - drawn
    st.session_state[_SHOWN] = set(drawn)


def dataset_in_link() -> str | None:
    """The data set's id that the URL names; not checked."""
    return st.query_params.get(_DATASET)


def put_dataset_in_link(dataset_id: str | None) -> None:
    """Make the URL name this data set, or none."""
    if dataset_id is not None:
        st.query_params[_DATASET] = dataset_id
    elif _DATASET in st.query_params:
        del st.query_params[_DATASET]


def finding_in_link() -> str | None:
    """The open finding's name as the URL has it; not checked."""
    return st.query_params.get("finding")


def put_finding_in_link(finding: str) -> None:
    """Make the URL name this finding."""
    st.query_params["finding"] = finding


def thresholds_in_link() -> tuple[str | None, str | None, list[str]]:
    """The threshold set and the reference set that the URL names, and its NAME:VALUE pairs; not checked.

    Pairs of upper lines, which stand under a name of their own, come with `UPPER_LINE` before them.
    """
    upper = [UPPER_LINE + pair for pair in st.query_params.get_all(_UPPER)]
    return st.query_params.get("set"), st.query_params.get("ref"), [*st.query_params.get_all("t"), *upper]


def put_thresholds_in_link(key: str | None, reference: str | None, changed: Sequence[str]) -> None:
    """Make the URL name these; None and nothing changed leave it."""
    lines = [pair for pair in changed if not pair.startswith(UPPER_LINE)]
    upper = [pair.removeprefix(UPPER_LINE) for pair in changed if pair.startswith(UPPER_LINE)]
    for name, value in (("set", key), ("ref", reference), ("t", lines), (_UPPER, upper)):
        if value:
            st.query_params[name] = value
        elif name in st.query_params:
            del st.query_params[name]


def same_runs_and_thresholds() -> dict[str, list[str]]:
    """The parameters of a link to another page with the same runs and thresholds."""
    names = ("run", _PLACES, "labels", "set", "ref", "t", _UPPER)
    return {name: found for name in names if (found := st.query_params.get_all(name))}


def runs_in_link() -> list[str]:
    """The run ids that the URL names, in order, each once; not checked."""
    return list(dict.fromkeys(st.query_params.get_all("run")))


def places_in_link() -> dict[str, int]:
    """{run_id: place}: which colour and mark each run of the URL wears; in their order where the URL says nothing.

    Places differ. What is not of the form that `put_runs_in_link` writes counts as nothing said.
    """
    run_ids, said = runs_in_link(), st.query_params.get(_PLACES, "").split(".")
    if len(said) == len(run_ids) == len(set(said)) and all(re.fullmatch(r"\d{1,4}", one) for one in said):
        return {run_id: int(place) for run_id, place in zip(run_ids, said, strict=True)}
    return {run_id: place for place, run_id in enumerate(run_ids)}


def styles(run_ids: Iterable[str]) -> dict[str, RunStyle]:
    """What these runs look like, on this page as on all others."""
    return run_styles(run_ids, places_in_link())


def put_runs_in_link(run_ids: Sequence[str]) -> None:
    """Make the URL name these runs. Each keeps its place; a new one takes the next, or else one that is free."""
    places = _places_of(run_ids, places_in_link())
    st.session_state[LAST_RUNS] = list(run_ids), places
    _write_runs(run_ids, places)


def take_up_last_runs() -> None:
    """Make the URL name the runs that it named last, as they looked then; nothing where it names runs itself."""
    if run_ids := runs_in_link():
        st.session_state[LAST_RUNS] = run_ids, [places_in_link()[run_id] for run_id in run_ids]
    else:
        _write_runs(*st.session_state.get(LAST_RUNS, ([], [])))


def _places_of(run_ids: Sequence[str], before: Mapping[str, int]) -> list[int]:
    taken = {before[run_id] for run_id in run_ids if run_id in before}
    places = []
    for run_id in run_ids:
        if (place := before.get(run_id)) is None:
            last = max(taken, default=-1) + 1
            free = [one for one in range(len(RUN_COLOURS)) if one not in taken]
            place = last if last < len(RUN_COLOURS) or not free else free[0]
            taken.add(place)
        places.append(place)
    return places


def _write_runs(run_ids: Sequence[str], places: Sequence[int]) -> None:
    in_order = list(places) == list(range(len(places)))
    for name, value in (("run", list(run_ids)), (_PLACES, "" if in_order else ".".join(map(str, places)))):
        if value:
            st.query_params[name] = value
        elif name in st.query_params:
            del st.query_params[name]
