"""The popover of threshold sets: save, load, compare two, and take them out and in as files."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore import thresholdfile
from cxrcore.findings import FINDINGS, display_name
from cxrcore.metrics import macro
from cxrcore.operating_points import SortedScores, counts_at
from cxrcore.store import Store
from cxrcore.thresholdfile import ThresholdFile
from cxrcore.ui import cached, shell, threshold_session
from cxrcore.ui.threshold_state import (
    PART_WORDS,
    BoardState,
    Evaluated,
    SourcedSet,
    find_set,
    hand,
    make_state,
)
from cxrcore.ui.widgets import escape

MANUAL = "manual"  # objective of a set that was changed by hand
AUTOMATIC = ("fixed", "max_f1", "classic")  # that every evaluation saves; they can be fitted anew by their keys
ROW_HEIGHT = 36
_NAME, _NOTE, _AUTHOR, _LOAD, _REFERENCE, _LEFT, _RIGHT, _FILE = (
    f"sets_{name}" for name in ("name", "note", "author", "load", "reference", "left", "right", "file"))


def popover(store: Store, run: Evaluated, part: str, state: BoardState) -> None:
    """All that can be done with sets of the run in focus; `part` is what the board is read on."""
    with st.popover("Sets", icon=":material/bookmarks:", help="Save, load, compare and exchange threshold sets"):
        save, load, compare, files = st.tabs(["Save", "Load", "Compare", "Files"])
        names = set_names(store, run)
        with save:
            _save_form(store, run, part, state)
        with load:
            _load_form(store, run, part, state, names)
        with compare:
            _comparison(store, run, part, state, names)
        with files:
            _files(store, run, part, state)


def set_names(store: Store, run: Evaluated) -> dict[str, str]:
    """{key: name} of the sets that there are: those that can be fitted anew, then the saved ones, newest first."""
    fits = [f"{aim}@{part}" for part in ("val", "test") if part in run.parts for aim in ("max_f1", "classic")]
    names = {key: find_set(store, run, key).in_words for key in [*fits, "fixed:0.5"]}
    saved = cached.threshold_sets(store, run.run_id)
    parts = cached.prediction_sets(store, run.run_id)["split"]
    for row in saved.itertuples():
        if row.objective in AUTOMATIC and not row.author and not row.note and row.name in ("0.5", "max F1", "classic"):
            continue
        where = PART_WORDS.get(parts[row.prediction_id], parts[row.prediction_id])
        names[row.set_id] = f"{row.name} · {where} · {row.created_at:%Y-%m-%d %H:%M}"
    return names


# -- save


def _save_form(store: Store, run: Evaluated, part: str, state: BoardState) -> None:
    st.text_input("Name", key=_NAME, max_chars=80, placeholder="such as: ward round, few false alarms")
    st.text_input("Note", key=_NOTE, max_chars=400)
    st.text_input("Author", key=_AUTHOR, max_chars=80)
    st.button("Save to the store", type="primary", key="sets_save_go", width="stretch",
              on_click=_save, args=(store, run, part, state))


def _save(store: Store, run: Evaluated, part: str, state: BoardState) -> None:
    name = st.session_state[_NAME].strip() or as_one_set(run, part, state).name
    made = as_one_set(run, part, state)
    kept: list[str] = []
    done = shell.act(f"Saved “{name}”.", lambda: kept.append(store.save_threshold_set(
        made.prediction_id, name, made.objective, made.thresholds, parameters=made.parameters,
        author=st.session_state[_AUTHOR].strip(), note=st.session_state[_NOTE].strip())))
    if done:
        saved = find_set(store, run, kept[0])
        threshold_session.put_in_link(run, make_state(store, run, saved, state.reference, {}))
        st.session_state[_NAME] = st.session_state[_NOTE] = ""


def as_one_set(run: Evaluated, part: str, state: BoardState) -> SourcedSet:
    """The board as one set: what was changed by hand makes it a manual set of the films that were looked at."""
    if not state.changed:
        return SourcedSet(state.base.key, state.base.name, state.base.objective, state.base.parameters,
                          state.thresholds, state.base.prediction_id or run.prediction_id(part), state.base.part)
    untouched = {name: [finding for finding in state.base.parameters.get(name, ()) if finding not in state.changed]
                 for name in ("unstable", "not_fitted", "not_met")}
    parameters = {name: left for name, left in untouched.items() if left}
    parameters |= {"changed_from": state.base.in_words, "changed": dict(state.changed)}
    return SourcedSet("", f"{state.base.name}, changed", MANUAL, parameters, state.thresholds,
                      run.prediction_id(part), part)


# -- load, and what changes are shown against


def _load_form(store: Store, run: Evaluated, part: str, state: BoardState, names: Mapping[str, str]) -> None:
    st.selectbox("Set", list(names), format_func=names.__getitem__, key=_LOAD)
    st.button("Put on the board", type="primary", key="sets_load_go", width="stretch", on_click=shell.act,
              args=("", lambda: _put(store, run, part, state, st.session_state[_LOAD], state.reference.key)))
    if state.reference.key in names:
        st.session_state[_REFERENCE] = state.reference.key
    st.selectbox("Show changes against", list(names), format_func=names.__getitem__, key=_REFERENCE,
                 on_change=shell.act, args=("", lambda: threshold_session.put_in_link(run, make_state(
                     store, run, state.base, find_set(store, run, st.session_state[_REFERENCE]), state.changed))))


def _put(store: Store, run: Evaluated, part: str, state: BoardState, key: str, reference: str) -> None:
    after = make_state(store, run, find_set(store, run, key), find_set(store, run, reference), {})
    threshold_session.put_on_board(run, part, state, after)


# -- compare two


def _comparison(store: Store, run: Evaluated, part: str, state: BoardState, names: Mapping[str, str]) -> None:
    options = {"": "what is on the board"} | names
    keys = list(options)
    left = st.selectbox("One set", keys, format_func=options.__getitem__, key=_LEFT)
    right = st.selectbox("The other", keys, 1, format_func=options.__getitem__, key=_RIGHT)
    sets = [state.thresholds if not key else find_set(store, run, key).thresholds for key in (left, right)]
    table = comparison(cached.sorted_scores(store, run.prediction_id(part)), *sets)
    values = [macro(table[name].to_numpy()) for name in ("f1_one", "f1_other")]
    st.markdown(f"Macro F1 on {escape(run.in_words(part))}: **{values[0][0]:.3f}** and **{values[1][0]:.3f}** "
                f"over {len(FINDINGS) - values[0][1]} findings.")
    column = st.column_config.NumberColumn
    st.dataframe(table, hide_index=True, height=(len(table) + 1) * ROW_HEIGHT // 2, row_height=ROW_HEIGHT,
                 placeholder="–", alt="Two threshold sets side by side", column_config={
                     "finding": st.column_config.TextColumn("Finding"),
                     "threshold_one": column("One", format="%.4g"), "threshold_other": column("Other", format="%.4g"),
                     "f1_one": column("F1, one", format="%.3f"), "f1_other": column("F1, other", format="%.3f"),
                     "difference": column("Difference", format="%+.3f")})


def comparison(found: Sequence[SortedScores], one: np.ndarray, other: np.ndarray) -> pd.DataFrame:
    """Thresholds and F1 of two sets on the same films: a row a finding; NaN where F1 is undefined."""
    f1 = [counts_at(found, thresholds).f1 for thresholds in (one, other)]
    return pd.DataFrame({"finding": list(map(display_name, FINDINGS)), "threshold_one": one, "threshold_other": other,
                         "f1_one": f1[0], "f1_other": f1[1], "difference": f1[0] - f1[1]})


# -- files


def _files(store: Store, run: Evaluated, part: str, state: BoardState) -> None:
    st.download_button("Export the board as JSON", lambda: thresholdfile.dumps(as_file(store, run, part, state)),
                       f"thresholds_{run.run_id}.json", "application/json", key="sets_export", on_click="ignore",
                       icon=":material/download:", width="stretch",
                       help="For a colleague, or for scripts/eval.py --thresholds FILE")
    st.download_button("Measures as CSV", lambda: measures_table(store, run, part, state).to_csv(index=False),
                       f"thresholds_{run.run_id}_{part}.csv", "text/csv", key="sets_csv", on_click="ignore",
                       icon=":material/table:", width="stretch")
    held = st.file_uploader("Import a threshold file", type="json", key=_FILE, max_upload_size=1)
    if held is None:
        return
    with shell.errors_shown():
        file = thresholdfile.loads(held.getvalue())
        note = origin(cached.overview(store).runs, run, file)
        st.markdown(f"**{escape(file.name or held.name)}**" + (f": {escape(note)}" if note else ""))
        st.button("Put on the board", type="primary", key="sets_import_go", width="stretch", on_click=shell.act,
                  args=("", _take_file, store, run, part, state, file))


def origin(runs: pd.DataFrame, run: Evaluated, file: ThresholdFile) -> str:
    """What to beware of before a file's thresholds are read on a run.

    Raises:
        RunError: the file belongs to a run that is not in the store.
    """
    if file.run_id is None:
        return "the file does not say which run it belongs to"
    if file.run_id not in set(runs["run_id"]):
        raise thresholdfile.ThresholdFileError(
            f"these thresholds belong to run {file.run_id} ({file.run_name or 'no name'}), which is not in this store: "
            "the board is unchanged")
    if file.run_id != run.run_id:
        return f"fitted for another run, {file.run_name or file.run_id}: scores of two networks do not mean the same"
    known = {row["prediction_id"] for row in run.parts.values()}
    return "" if file.prediction_id in known else "fitted on other predictions of this run"


def _take_file(store: Store, run: Evaluated, part: str, state: BoardState, file: ThresholdFile) -> None:
    saved = cached.threshold_sets(store, run.run_id)
    for row in saved[saved["prediction_id"] == file.prediction_id].itertuples():
        if np.array_equal(row.thresholds, file.thresholds):
            return _put(store, run, part, state, row.set_id, state.reference.key)
    changed = {finding: hand(value, None) for finding, value in zip(FINDINGS, file.thresholds, strict=True)}
    after = make_state(store, run, state.base, state.reference, changed)
    return threshold_session.put_on_board(run, part, state, after)


def as_file(store: Store, run: Evaluated, part: str, state: BoardState) -> ThresholdFile:
    """The board as a file."""
    made, row = as_one_set(run, part, state), store.run(run.run_id)
    source = cached.prediction_sets(store, run.run_id).loc[made.prediction_id]
    said = _stored_words(store, run, state)
    return ThresholdFile(
        made.thresholds, made.name, made.objective, made.parameters, run.run_id, run.label, row["architecture"],
        source["checkpoint"], source["checkpoint_sha256"], run.dataset_id, row["split_scheme"],
        row["split_fingerprint"], source["split"], made.prediction_id, said.get("author", ""), said.get("note", ""),
        said.get("created_at") or datetime.now(UTC).isoformat(timespec="seconds"))


def _stored_words(store: Store, run: Evaluated, state: BoardState) -> dict[str, Any]:
    """Author, note and time of a stored set that stands unchanged on the board."""
    rows = cached.threshold_sets(store, run.run_id).set_index("set_id")
    if state.changed or state.base.key not in rows.index:
        return {"author": st.session_state.get(_AUTHOR, "").strip()}
    row = rows.loc[state.base.key]
    return {"author": row["author"], "note": row["note"], "created_at": row["created_at"].isoformat()}


def measures_table(store: Store, run: Evaluated, part: str, state: BoardState) -> pd.DataFrame:
    """What the board shows, exactly: a row a finding."""
    counts = counts_at(cached.sorted_scores(store, run.prediction_id(part)), state.thresholds)
    measures: dict[str, Callable] = {name: getattr(counts, name) for name in
                                     ("f1", "recall", "precision", "specificity", "tp", "fp", "fn", "tn")}
    return pd.DataFrame({"run_id": run.run_id, "run": run.label, "measured_on": run.in_words(part),
                         "finding": FINDINGS, "threshold": state.thresholds,
                         "from": [state.changed.get(finding, state.base.in_words) for finding in FINDINGS], **measures})
