"""The Import page's first half: cards of what was uploaded, the one button that saves them, and what it led to."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from cxrcore.errors import UsageError
from cxrcore.evaluation import measure_predictions
from cxrcore.import_export import examination
from cxrcore.import_export.examination import Candidate
from cxrcore.import_export.same_import import Known
from cxrcore.store import Store, audit_marks
from cxrcore.ui import link, shell, widgets
from cxrcore.ui.imports import cards, examined
from cxrcore.ui.imports.cards import Named
from cxrcore.ui.imports.declared import Declarations
from cxrcore.ui.imports.examined import Card
from cxrcore.ui.widgets import escape

_SAVED = "import_saved"  # ids of the runs that this session saved
SAVE = "Save as a run"


@dataclass(frozen=True)
class _Ready:
    """What the button saves."""

    candidate: Candidate
    named: Named


def show(store: Store, found: Sequence[Card], said: Declarations) -> None:
    """A card for each run to be, and the button that saves all that may be saved."""
    above = st.container()  # what stands below the button may be off the screen
    ready: list[_Ready] = []
    names = [card.candidate.file.name if card.candidate else card.files[0] for card in found]
    for place, card in enumerate(found):
        key = names[place] if names.count(names[place]) == 1 else f"{names[place]}_{place}"
        with st.container(border=len(found) > 1, key=f"import_card_{place}"):
            named = cards.show(card, key, len(found) == 1)
            if card.candidate is not None and _can_be_saved(store, card.candidate):
                ready.append(_Ready(card.candidate, named))
    if len(found) == 1 and number_saved(store, found):
        return
    many = {0: "Save as runs", 1: "Save 1 run"}.get(len(ready), f"Save {len(ready)} runs")
    if st.button(SAVE if len(found) == 1 else many, type="primary", icon=":material/save:",
                 disabled=not ready or not all(one.named.name.strip() for one in ready)):
        with above:
            _save(store, ready, said)
        st.rerun()  # without the button


def _save(store: Store, ready: Sequence[_Ready], said: Declarations) -> None:
    saved = []
    for one in ready:
        what = f" {one.named.name}" if len(ready) > 1 else ""
        with st.spinner(f"Measuring{what}…"), widgets.slow_share(measure_predictions.RESAMPLING) as told:
            saved.append(examination.save_candidate(store, one.candidate, one.named.name, one.named.architecture, told))
        examined.remember(one.candidate, said)
        st.session_state[_SAVED] = {*st.session_state.get(_SAVED, ()), saved[-1]}
    link.put_runs_in_link(saved)


def number_saved(store: Store, found: Sequence[Card]) -> int:
    """How many of these runs to be this session has saved."""
    return sum(_is_saved(store, card.candidate) for card in found if card.candidate)


def _is_saved(store: Store, candidate: Candidate) -> bool:
    same = examination.known(store, candidate)
    return bool(same and same.same_file and same.run_id in st.session_state.get(_SAVED, ()))


def _can_be_saved(store: Store, candidate: Candidate) -> bool:
    """Whether the button saves it; where not, why, or what was saved."""
    same = examination.known(store, candidate)
    if same and same.same_file:
        if same.run_id in st.session_state.get(_SAVED, ()):
            done(store, same.run_id)
        else:
            _say_known(same)
        return False
    if candidate.refused:
        st.error("Nothing can be saved: the audit refused these predictions.", icon=":material/block:")
        return False
    if same:
        fact = same.in_words
        st.warning(f"{escape(fact[0].upper() + fact[1:])}.", icon=":material/warning:")
    return True


def _say_known(same: Known) -> None:
    st.info(f"These predictions are already saved as run {widgets.bold(same.name or same.run_id)}. To save them with "
            "other declarations, delete that run first: *Manage* on the Runs page.", icon=":material/info:")
    _links(same.run_id)


def done(store: Store, run_id: str) -> None:
    """What was saved, and where to look at it."""
    try:
        run = store.run(run_id)
    except shell.WorkbenchError:
        raise UsageError("this run was saved and has been deleted since") from None
    st.success(f"Saved as run {widgets.bold(run['name'])}. These pages show it:", icon=":material/check:")
    if marks := audit_marks.of_config(run["config"]):
        widgets.warned_badge({run["name"]: marks})
    _links(run_id)


def _links(run_id: str) -> None:
    with st.container(horizontal=True):
        for name in ("runs", "compare", "curves", "thresholds"):
            shell.link_to(name, [run_id])
