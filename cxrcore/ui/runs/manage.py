"""Rename, annotate, archive and delete one run."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from cxrcore.config import is_read_only
from cxrcore.errors import RunError
from cxrcore.queries import from_store
from cxrcore.store import Store, progress
from cxrcore.store.records import rows_of
from cxrcore.ui import link, shell
from cxrcore.ui.widgets import escape

SAVED = "manage_saved"  # how often something was saved, the last run, and what was chosen then


def manage_menu(store: Store, overview: from_store.Overview, labels: Mapping[str, str], chosen: Sequence[str]) -> None:
    """The popover of the Runs page; begins with the first chosen run. None where nothing may be changed."""
    if is_read_only():
        return
    with st.popover("Manage", icon=":material/edit:", help="Rename, annotate, archive or delete a run"):
        runs = overview.runs.set_index("run_id")
        saves, saved, saved_for = st.session_state.get(SAVED, (0, None, None))
        first = saved if saved in labels and saved_for == list(chosen) else chosen[0] if chosen else next(iter(labels))
        # A new key after each rename: the browser holds labels, not ids, and would keep the old one.
        run_id = st.selectbox("Run", list(labels), list(labels).index(first), format_func=labels.__getitem__,
                              key=f"manage_run_{first}_{saves}")
        if run_id is None:
            return
        run = runs.loc[run_id]
        st.text_input("Name", run["name"], key=f"manage_name_{run_id}", max_chars=80)
        st.text_area("Note", run["note"], key=f"manage_note_{run_id}", max_chars=2000)
        with st.container(horizontal=True):
            st.button("Save", type="primary", key="manage_save", on_click=_save, args=(store, run_id))
            if run["archived"]:
                st.button("Bring back", key="manage_archive", on_click=_archive, args=(store, run_id, False))
            else:
                st.button("Archive", key="manage_archive", on_click=_archive, args=(store, run_id, True),
                          help="Hides the run from the tables; nothing is lost.")
            if st.button("Delete", key="manage_delete", icon=":material/delete:"):
                _ask_before_deleting(store, run, run_id, labels[run_id])


def _save(store: Store, run_id: str) -> None:
    name = st.session_state[f"manage_name_{run_id}"].strip()
    note = st.session_state[f"manage_note_{run_id}"]
    shell.act(f"Saved {escape(name or run_id)}", store.edit_run, run_id, name=name, note=note)
    st.session_state[SAVED] = (st.session_state.get(SAVED, (0,))[0] + 1, run_id, link.runs_in_link())


def _archive(store: Store, run_id: str, archived: bool) -> None:
    done = "Archived: 'Show archived' brings it into view" if archived else "Brought back"
    if shell.act(done, store.edit_run, run_id, archived=archived) and archived:
        _leave_link(run_id)


@st.dialog("Delete this run?", icon=":material/delete:")
def _ask_before_deleting(store: Store, run: pd.Series, run_id: str, label: str) -> None:
    with shell.errors_shown():
        if _is_running(store, run_id):
            st.error(f"**{escape(label)}** is running and cannot be deleted. Stop its training first.")
            return
        sets = store.prediction_sets(run_id)
        epochs = len(store.epochs([run_id]))
        parts = ", ".join(f"{row.split} ({row.n:,} films)" for row in rows_of(sets)) or "none"
        st.markdown(f"**{escape(label)}** ({escape(run_id)}) will be gone for good, with")
        st.markdown(f"- {epochs} epochs of training curves\n"
                    f"- predictions: {parts}, with their metrics and threshold sets\n"
                    f"- its folder {escape(run_id)} with the checkpoints")
        st.caption("To hide it only, archive it.")
        with st.container(horizontal=True):
            if st.button("Delete for good", type="primary", key="delete_yes"):
                if shell.act(f"Deleted {escape(label)}", _delete, store, run_id):
                    _leave_link(run_id)
                st.rerun()
            if st.button("Keep it", key="delete_no"):
                st.rerun()


def _delete(store: Store, run_id: str) -> None:
    if _is_running(store, run_id):  # it may have been resumed while the question stood
        raise RunError(f"run {run_id} is running and cannot be deleted: stop its training first")
    store.delete_run(run_id)


def _is_running(store: Store, run_id: str) -> bool:
    status = store.run(run_id)["status"]
    return progress.effective_status(status, progress.of_run(store, run_id)) == "running"


def _leave_link(run_id: str) -> None:
    link.put_runs_in_link([other for other in link.runs_in_link() if other != run_id])
