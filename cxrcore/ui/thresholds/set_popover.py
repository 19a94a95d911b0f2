"""The popover of threshold sets: save, load, compare two, and take them out and in as files."""

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.config import is_read_only
from cxrcore.data.files import csv_file
from cxrcore.data.splits import PART_WORDS
from cxrcore.errors import ThresholdFileError, WorkbenchError
from cxrcore.findings import display_name
from cxrcore.measures.metrics import macro
from cxrcore.measures.number_words import value
from cxrcore.measures.thresholds.positions import SortedScores, counts_at
from cxrcore.queries import from_store
from cxrcore.queries.board_state import BoardState, hand, make_state, uppers_in
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.threshold_sets import HALF, PARAMETERS, FitKey, find_set, find_set_name
from cxrcore.store import Store, threshold_file
from cxrcore.store.records import rows_of
from cxrcore.store.run_thresholds import NAMES, is_automatic
from cxrcore.store.threshold_file import ThresholdFile
from cxrcore.ui import shell, widgets
from cxrcore.ui.thresholds import session
from cxrcore.ui.thresholds.one_set import as_one_set, left_out_in_words, whole_board
from cxrcore.ui.widgets import escape, number

OFFERED = ("max_f1", "expected_f1", "classic")  # that every list of sets names; fitted when they are asked for
ROW_HEIGHT, MOST_HEIGHT = 36, 270  # pixels
_POPOVER = "sets_popover"
_NAME, _NOTE, _AUTHOR, _LOAD, _REFERENCE, _LEFT, _RIGHT, _FILE = (
    f"sets_{name}" for name in ("name", "note", "author", "load", "reference", "left", "right", "file"))


def sets_popover(store: Store, run: Evaluated, part: str, state: BoardState) -> None:
    """All that can be done with sets of the run in focus; `part` is what the board is read on."""
    with st.popover("Sets", icon=":material/bookmarks:", key=_POPOVER, on_change="rerun",
                    help="Threshold sets: load them, lay two side by side, exchange them, and save them where that is "
                         "allowed"):
        names = set_names(store, run)
        if is_read_only():
            load, compare, files = st.tabs(["Load", "Side by side", "Files"])
        else:
            save, load, compare, files = st.tabs(["Save", "Load", "Side by side", "Files"])
            with save:
                _save_form(store, run, part, state)
        with load:
            _load_form(store, run, part, state, names)
        with compare:
            _comparison(store, run, part, state, names)
        with files:
            _files(store, run, part, state)


def _close() -> None:
    """What was wanted is done: the board is in sight again."""
    st.session_state[_POPOVER] = False


def set_names(store: Store, run: Evaluated) -> dict[str, str]:
    """{key: name} of the sets that there are: those that can be fitted anew, then the saved ones, newest first."""
    fits = [FitKey(aim, None, part) for part in ("val", "test") if part in run.parts for aim in OFFERED]
    fits += [FitKey("max_f1", None, HALF)] if run.part_to_halve and "val" not in run.parts else []
    names = {str(fit): find_set_name(fit) for fit in [*fits, FitKey("fixed", 0.5, None)]}
    saved = from_store.threshold_sets(store, run.run_id)
    parts = from_store.prediction_sets(store, run.run_id)["split"]
    for row in rows_of(saved):
        if is_automatic(row):
            continue
        where = PART_WORDS.get(parts[row.prediction_id], parts[row.prediction_id])
        where = f"half of {where}" if json.loads(row.parameters).get(HALF) else where
        names[row.set_id] = f"{row.name} · {where} · {row.created_at:%Y-%m-%d %H:%M}"
    return names


# -- save


def _save_form(store: Store, run: Evaluated, part: str, state: BoardState) -> None:
    st.text_input("Name", key=_NAME, max_chars=80, placeholder="such as: ward round, few false alarms")
    st.text_input("Note", key=_NOTE, max_chars=400)
    st.text_input("Author", key=_AUTHOR, max_chars=80)
    st.button("Save to the store", type="primary", key="sets_save_go", width="stretch",
              on_click=_save, args=(store, run, part, state))
    if said := left_out_in_words(run, state):
        st.caption(said)


def _save(store: Store, run: Evaluated, part: str, state: BoardState) -> None:
    made = as_one_set(*whole_board(store, run, part, state))
    fitted_on = made.prediction_id or run.prediction_id(part)
    saved_as = from_store.threshold_sets(store, run.run_id).set_index("set_id")["name"]
    if made.key in saved_as and st.session_state[_NAME].strip() in ("", saved_as[made.key]):
        shell.leave_notice(f"The board is the saved set “{escape(saved_as[made.key])}” already.")
        return
    name = st.session_state[_NAME].strip() or made.name
    if name in NAMES.values():
        name += " (saved)"  # or it would be taken for one that an evaluation saved
    kept: list[str] = []
    done = shell.act(f"Saved “{escape(name)}”.", lambda: kept.append(store.save_threshold_set(
        fitted_on, name, made.objective, made.thresholds, parameters=made.parameters,
        author=st.session_state[_AUTHOR].strip(), note=st.session_state[_NOTE].strip())))
    if done:
        saved = find_set(store, run, kept[0])
        made_of_others = {one: state.changed[one] for one, _ in run.labels.derived if one in state.changed}
        session.put_in_link(run, make_state(store, run, saved, state.reference, made_of_others))
        st.session_state[_NAME] = st.session_state[_NOTE] = ""
        _close()


# -- load, and what changes are shown against


def _load_form(store: Store, run: Evaluated, part: str, state: BoardState, names: Mapping[str, str]) -> None:
    st.selectbox("Set", list(names), format_func=names.__getitem__, key=_LOAD)
    st.button("Put on the board", type="primary", key="sets_load_go", width="stretch", on_click=shell.on_click,
              args=("", lambda: _put(store, run, part, state, st.session_state[_LOAD], state.reference.key)))
    against = {state.reference.key: state.reference.in_words} | dict(names)
    st.session_state[_REFERENCE] = state.reference.key
    st.selectbox("Show changes against", list(against), format_func=against.__getitem__, key=_REFERENCE,
                 on_change=shell.on_click, args=("", lambda: session.put_in_link(run, make_state(
                     store, run, state.base, find_set(store, run, st.session_state[_REFERENCE]),
                     {**state.changed, **state.elsewhere}, state.uppers))))


def _put(store: Store, run: Evaluated, part: str, state: BoardState, key: str, reference: str) -> None:
    after = make_state(store, run, find_set(store, run, key), find_set(store, run, reference), {})
    session.put_on_board(run, part, state, after)
    _close()


# -- compare two


def _comparison(store: Store, run: Evaluated, part: str, state: BoardState, names: Mapping[str, str]) -> None:
    options = {"": "what is on the board"} | dict(names)
    keys = list(options)
    left = st.selectbox("One set", keys, format_func=options.__getitem__, key=_LEFT)
    right = st.selectbox("The other", keys, 1, format_func=options.__getitem__, key=_RIGHT)
    sets = [state.thresholds if not key else find_set(store, run, key).thresholds for key in (left, right)]
    table = comparison(run.findings, from_store.sorted_scores(store, run.read(part)), *sets)
    values = [macro(table[name].to_numpy()) for name in ("f1_one", "f1_other")]
    st.markdown(f"Macro F1 on {escape(run.in_words(part))}: **{value(values[0][0])}** and "
                f"**{value(values[1][0])}** "
                f"over {len(table) - values[0][1]} findings.")
    widgets.show_table(table, hide_index=True, height=min((len(table) + 1) * ROW_HEIGHT + 2, MOST_HEIGHT),
                       row_height=ROW_HEIGHT, placeholder="–", alt="Two threshold sets side by side", column_config={
                      "finding": st.column_config.TextColumn("Finding"),
                      "threshold_one": number("threshold", "One", "%.4g"),
                      "threshold_other": number("threshold", "Other", "%.4g"),
                      "f1_one": number("f1", "F1, one", "%.3f"), "f1_other": number("f1", "F1, other", "%.3f"),
                      "difference": number("delta", "Difference", "%+.3f")})


def comparison(findings: Sequence[str], found: Sequence[SortedScores], one: np.ndarray, other: np.ndarray
               ) -> pd.DataFrame:
    """Thresholds and F1 of two sets on the same films: a row a finding; NaN where F1 is undefined."""
    f1 = [counts_at(found, thresholds).f1 for thresholds in (one, other)]
    return pd.DataFrame({"finding": list(map(display_name, findings)), "threshold_one": one, "threshold_other": other,
                         "f1_one": f1[0], "f1_other": f1[1], "difference": f1[0] - f1[1]})


# -- files


def _files(store: Store, run: Evaluated, part: str, state: BoardState) -> None:
    author = st.session_state.get(_AUTHOR, "").strip()  # here, since the server asks for the file outside the session
    st.download_button("Export the board as JSON",
                       lambda: threshold_file.threshold_file_text(as_file(store, run, part, state, author)),
                       f"thresholds_{run.run_id}.json", "application/json", key="sets_export", on_click="ignore",
                       icon=":material/download:", width="stretch",
                       help="For a colleague, or for scripts/eval.py --thresholds FILE")
    if said := left_out_in_words(run, state):
        st.caption(said)
    st.download_button("Measures as CSV", lambda: csv_file.csv_text(measures_table(store, run, part, state)),
                       f"thresholds_{run.run_id}_{part}.csv", "text/csv", key="sets_csv", on_click="ignore",
                       icon=":material/table:", width="stretch")
    held = st.file_uploader("Import a threshold file", type=["json", "csv", "txt"], key=_FILE, max_upload_size=1)
    if held is None:
        return
    with shell.errors_shown():
        file = parse_file(run, part, held.getvalue())
        note = origin(from_store.overview(store).runs, run, file)
        st.markdown(f"**{escape(file.name or held.name)}**" + (f": {escape(note)}" if note else ""))
        if file.said:
            st.caption("  \n".join(escape(line[:1].upper() + line[1:]) + "." for line in
                                   (*file.said, *(["findings without one keep what stands on the board"] * bool(
                                       file.missing)))))
        st.button("Put on the board", type="primary", key="sets_import_go", width="stretch", on_click=shell.on_click,
                  args=("", _take_file, store, run, part, state, file))


def parse_file(run: Evaluated, part: str, content: bytes) -> ThresholdFile:
    """A threshold file of the findings of the run's data set, or of those of the films that the board is read on.

    Raises:
        ThresholdFileError: as `threshold_file.parse_threshold_file`.
    """
    own, read = run.own[run.dataset_id].findings, run.read_own(part).findings
    if set(read) == set(own):
        return threshold_file.parse_threshold_file(content, own)
    found = []
    for findings in (own, read):
        with contextlib.suppress(ThresholdFileError):
            found.append(threshold_file.parse_threshold_file(content, findings))
    if not found:
        return threshold_file.parse_threshold_file(content, own)
    return min(found, key=lambda file: (len(file.left_out), len(file.missing)))


def origin(runs: pd.DataFrame, run: Evaluated, file: ThresholdFile) -> str:
    """What to beware of before a file's thresholds are read on a run.

    Raises:
        ThresholdFileError: the file belongs to a run that is not in the store.
    """
    if file.run_id is None:
        return "the file does not say which run it belongs to"
    if file.run_id not in set(runs["run_id"]):
        raise threshold_file.ThresholdFileError(
            f"these thresholds belong to run {file.run_id} ({file.run_name or 'no name'}), which is not in this store: "
            "the board is unchanged")
    if file.run_id != run.run_id:
        return f"fitted for another run, {file.run_name or file.run_id}: scores of two networks do not mean the same"
    known = {row["prediction_id"] for row in run.parts.values()}
    return "" if file.prediction_id in known else "fitted on other predictions of this run"


def _take_file(store: Store, run: Evaluated, part: str, state: BoardState, file: ThresholdFile) -> None:
    key = None if file.missing else _known_as(store, run, file)
    if key:
        return _put(store, run, part, state, key, state.reference.key)
    shaped = file.fitted_on if file.run_id == run.run_id and file.objective != "fixed" else None
    named = dict(zip(file.findings, file.thresholds.tolist(), strict=True))
    follow = [made for made, parts in run.labels.derived if all(one in named for one in parts)]
    shown = dict(zip(run.findings, run.thresholds(named).tolist(), strict=True))
    named |= {finding: shown[finding] for finding in follow if finding in shown}
    kept = {finding: value for finding, value in {**state.changed, **state.elsewhere}.items()
            if finding in file.missing}
    changed = kept | {finding: hand(value, shaped) for finding, value in named.items()}
    after = make_state(store, run, state.base, state.reference, changed, uppers_in(file.parameters))
    session.put_on_board(run, part, state, after)
    return _close()


def _known_as(store: Store, run: Evaluated, file: ThresholdFile) -> str | None:
    """The key of this run's set that a file was made from: a saved one, or how it was fitted."""
    keys = [row.set_id for row in rows_of(from_store.threshold_sets(store, run.run_id))
            if (row.prediction_id, row.name) == (file.prediction_id, file.name) and not is_automatic(row)]
    value = file.parameters.get(PARAMETERS.get(file.objective))
    fit = f"{file.objective}{'' if value is None else f':{value!r}'}"
    on = HALF if file.parameters.get(HALF) else file.fitted_on
    keys += [fit if file.objective == "fixed" else f"{fit}@{on}"]
    for key in keys:
        with contextlib.suppress(WorkbenchError):  # a foreign file's objective may be anything
            found = find_set(store, run.of(file.findings), key)
            if np.array_equal(found.thresholds, file.thresholds) and (
                    uppers_in(found.parameters) == uppers_in(file.parameters)):
                return key
    return None


def as_file(store: Store, run: Evaluated, part: str, state: BoardState, author: str = "") -> ThresholdFile:
    """The board as a file; `author` of what is not saved under another's name."""
    run, part, state = whole_board(store, run, part, state)
    made, row = as_one_set(run, part, state), store.run(run.run_id)
    source = from_store.prediction_sets(store, run.run_id).loc[made.prediction_id]
    said = {"author": author} | _stored_words(store, run, state)
    checkpoint, sha256 = (None if pd.isna(source[name]) else source[name] for name in ("checkpoint",
                                                                                       "checkpoint_sha256"))
    return ThresholdFile(
        made.thresholds, run.findings, made.name, made.objective, made.parameters, run.run_id, run.label,
        row["architecture"], checkpoint, sha256, source["dataset_id"], row["split_scheme"], row["split_fingerprint"],
        source["split"],
        made.prediction_id, said["author"], said.get("note", ""),
        said.get("created_at") or datetime.now(UTC).isoformat(timespec="seconds"))


def _stored_words(store: Store, run: Evaluated, state: BoardState) -> dict[str, Any]:
    """Author, note and time of a stored set that stands unchanged on the board."""
    rows = from_store.threshold_sets(store, run.run_id).set_index("set_id")
    if state.changed or state.base.key not in rows.index:
        return {}
    row = rows.loc[state.base.key]
    return {"author": row["author"], "note": row["note"], "created_at": row["created_at"].isoformat()}


def measures_table(store: Store, run: Evaluated, part: str, state: BoardState) -> pd.DataFrame:
    """What the board shows, exactly: a row a finding."""
    counts = counts_at(from_store.sorted_scores(store, run.read(part)), state.thresholds)
    measures: dict[str, Callable] = {name: getattr(counts, name) for name in
                                     ("f1", "recall", "precision", "specificity", "tp", "fp", "fn", "tn")}
    return pd.DataFrame({"run_id": run.run_id, "run": run.label, "measured_on": run.in_words(part),
                         "finding": state.findings, "threshold": state.thresholds,
                         "from": [state.changed.get(finding, state.base.in_words) for finding in state.findings],
                         **measures})
