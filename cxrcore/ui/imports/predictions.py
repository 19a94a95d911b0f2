"""The Import page's parts: what is declared, what was read, the audit, and saving."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import streamlit as st

from cxrcore import ids
from cxrcore.config import IMPORTED_PARTS
from cxrcore.data.files import bounded_file
from cxrcore.data.splits import PART_WORDS
from cxrcore.errors import UsageError
from cxrcore.evaluation import data_set_films, measure_predictions
from cxrcore.evaluation.data_set_films import DataSetFilms
from cxrcore.findings import display_name
from cxrcore.import_export import examination, prediction_file, training_films
from cxrcore.import_export.examination import Candidate, Declared
from cxrcore.import_export.same_import import Known
from cxrcore.queries import from_store
from cxrcore.queries.kept import kept
from cxrcore.store import Store, audit_marks, threshold_file
from cxrcore.store.audit_marks import NOT_DECLARED, NOTED, PASSED, REFUSED, WARNED
from cxrcore.ui import link, shell, widgets
from cxrcore.ui.widgets import escape

KINDS = [kind.removeprefix(".") for kind in prediction_file.KINDS]
UPLOAD_TABLE = "Another: upload its table"
PARTS = {PART_WORDS[part].capitalize(): part for part in IMPORTED_PARTS}
BADGES = {PASSED: ":green-badge[passed]", NOTED: ":blue-badge[:material/info: noted]",
          WARNED: ":orange-badge[:material/warning: warned]",
          REFUSED: ":red-badge[:material/block: refused]", NOT_DECLARED: ":gray-badge[not declared]"}
PREVIEW = 5  # rows
MOST = 200  # MB of a file
NO_BREAK = "\u00a0"  # keeps a question on one line, however long the answers are
_SAVED = "import_saved"  # ids of the runs that this session saved
_LAST = "import_last"  # what was said and read when it last saved one
SAVE = "Save as a run"


@dataclass(frozen=True)
class Said:
    """What stands in the page's controls; contents are bytes, None where nothing was given.

    Attributes:
        table: (file name, content) of an uploaded table, or the id of a stored data set; None while neither is there.
    """

    file: tuple[str, bytes]
    table: tuple[str, bytes] | str | None
    name: str
    architecture: str
    split: str
    logits: bool
    mapping: str
    train_list: tuple[str, bytes] | None
    thresholds: tuple[str, bytes] | None
    weights_name: str


# -- what is declared


def ask(store: Store, overview: from_store.Overview) -> Said | None:
    """The controls; None while no file is there."""
    left, right = st.columns(2)
    with left:
        file = _upload("Predictions", KINDS, "import_file", "A row a film: its name and a score a finding. Columns are "
                       "found by their names, in any order, with or without something before or after them.")
    with right:
        table = _ask_table(overview)
    if file is None:
        st.caption("Scores of any network, with or without its checkpoint: they are matched to the films of the table, "
                   "audited, and only then saved as a run. Or from a terminal:")
        widgets.command("python scripts/import_predictions.py FILE --csv_path DATA/Data_Entry_2017.csv --name NAME",
                        store)
        return None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name of the run", Path(file[0]).stem, key=f"import_name_{file[0]}")
        architecture = st.text_input("Architecture", key="import_architecture", placeholder="such as densenet121")
        part = st.segmented_control("These films are", list(PARTS), default="Test", required=True, key="import_part",
                                    help="Which part of a split they are to the network that scored them. External: "
                                         "films of another collection. A column called 'split' counts before this.")
        logits = st.toggle("Scores are logits", key="import_logits",
                           help="The sigmoid makes them probabilities. Never guessed.")
    return Said(file, table, name, architecture, PARTS[part], logits, *_ask_more())


def _ask_table(overview: from_store.Overview) -> tuple[str, bytes] | str | None:
    names = {str(dataset_id): f"{row['name']}, {row['n_images']:,} films"
             for dataset_id, row in overview.datasets.iterrows()}
    chosen = UPLOAD_TABLE
    if names:
        options = [*names, UPLOAD_TABLE]
        focus = [one for one in overview.runs.loc[overview.runs["run_id"].isin(link.runs_in_link()), "dataset_id"]
                 if one in names]
        chosen = st.selectbox("Data set", options, options.index(focus[0]) if focus else 0,
                              format_func=lambda one: names.get(one, one), key="import_dataset",
                              help="The table that the films belong to: their labels and patients.")
    if chosen == UPLOAD_TABLE:
        return _upload("Table of the films (Data_Entry_2017.csv)", ["csv"], "import_table",
                       "Image Index, Finding Labels and Patient ID of every film.")
    if overview.datasets.at[chosen, "kind"] == "phantom":
        widgets.synthetic_badge()
    return chosen


def _ask_more() -> tuple[str, tuple[str, bytes] | None, tuple[str, bytes] | None, str]:
    with st.expander("Declare more, so that more can be checked"):
        left, right = st.columns(2)
        with left:
            train_list = _upload("Training films", ["txt", "csv"], "import_train",
                                 "Films or patients that the network was trained on, one a line: finds leaks.")
            mapping = st.text_input("Columns whose names do not tell", key="import_map",
                                    placeholder="COLUMN=FINDING, COLUMN=FINDING")
        with right:
            thresholds = _upload("Thresholds", ["json", "csv", "txt"], "import_thresholds",
                                 "A threshold set, as the board saves it or a plain mapping of findings to numbers.")
            weights = st.text_input("Weights that it started from", key="import_weights",
                                    placeholder="such as densenet121-res224-all")
    return mapping, train_list, thresholds, weights


def _upload(label: str, kinds: Sequence[str], key: str, meaning: str) -> tuple[str, bytes] | None:
    bounded_file.TABLES.warm()
    file = st.file_uploader(label, kinds, key=key, help=meaning, max_upload_size=MOST)
    return None if file is None else (file.name, file.getvalue())


# -- what was read


def examine_said(store: Store, said: Said) -> Candidate:
    """The predictions with their audit, kept while nothing of it changes, and when they are saved.

    Raises:
        WorkbenchError: what cannot be read or matched.
    """
    said = replace(said, name="", architecture="")  # which no question asks about
    before, candidate = st.session_state.get(_LAST, (None, None))
    if candidate and said in (before, replace(before, table=candidate.table.dataset_id)):
        return candidate  # audited again it would meet itself in the store
    with st.spinner("Reading…"):
        return _examined(store, store.change_token(), said)


@kept(2)
def _examined(store: Store, token: tuple[int, ...], said: Said) -> Candidate:
    table = _table(store, said.table or "")
    declared = Declared(
        said.split,
        said.logits,
        training_films.train_list(said.train_list[1], said.train_list[0]) if said.train_list else None,
        threshold_file.parse_threshold_file(said.thresholds[1], table.findings) if said.thresholds else None,
        said.weights_name,
    )
    file = prediction_file.parse_prediction_file(
        said.file[1], said.file[0], table.findings, prediction_file.parse_mapping(said.mapping)
    )
    return examination.examine(file, table, declared, store)


def _table(store: Store, table: tuple[str, bytes] | str) -> DataSetFilms:
    if isinstance(table, str):
        return data_set_films.of_store(store, table)
    with tempfile.TemporaryDirectory() as folder:
        stem = Path(table[0]).stem
        path = Path(folder) / (stem if ids.is_one(ids.FILE, stem) else "table") / "table.csv"  # names the data set
        path.parent.mkdir()
        path.write_bytes(table[1])
        try:
            return data_set_films.of_csv(path)
        except shell.WorkbenchError as error:
            raise type(error)(str(error).replace(str(path), table[0])) from None


def show_candidate(candidate: Candidate) -> None:
    """The first rows as they were understood, and the audit's lines."""
    file = candidate.file
    parts = ", ".join(f"{len(rows):,} {part}" for part, rows in candidate.parts.items())
    left_alone = f" Left alone: {', '.join(map(escape, file.ignored[:8]))}{' …' if len(file.ignored) > 8 else ''}." \
        if file.ignored else ""
    st.markdown(f"**{escape(file.name)}** · {len(file.image_ids):,} rows · {len(file.columns)} of "
                f"{len(candidate.table.findings)} findings · {escape(candidate.table.name)}: {parts} films")
    widgets.show_table(_preview(candidate), hide_index=True, placeholder="–", alt="The first films with their scores",
                       column_config={
                      display_name(finding): widgets.number("score", format="%.4f",
                                                            more=f"Of the column '{escape(column)}'.")
                      for finding, column in file.columns.items()})
    st.caption(f"As probabilities, findings in the data set's order.{left_alone}")
    if candidate.table.notes:
        st.caption(f"Table: {escape('; '.join(candidate.table.notes))}.")
    st.header("Audit", anchor=False)
    states = [line.state for line in candidate.lines]
    st.markdown(" ".join(BADGES[state].replace(state, f"{states.count(state)} {state}") for state in BADGES
                         if state in states))
    rows = "\n".join(f"| {line.name.replace(' ', NO_BREAK)} | {BADGES[line.state]} | {escape(line.text)} |"
                     for line in candidate.lines)
    st.markdown(f"| Question | Answer | What was found |\n|---|---|---|\n{rows}")


def _preview(candidate: Candidate) -> pd.DataFrame:
    columns = {display_name(finding): candidate.scores[:PREVIEW, candidate.table.findings.index(finding)]
               for finding in candidate.file.columns}
    return pd.DataFrame({"Film": candidate.image_ids[:PREVIEW]} | columns)


# -- saving


def offer(store: Store, candidate: Candidate, said: Said) -> None:
    """The button that saves, and what it led to; predictions that are a run already are not saved again."""
    same = examination.known(store, candidate)
    if same and same.same_file:
        if same.run_id in st.session_state.get(_SAVED, ()):
            done(store, same.run_id)
        else:
            _say_known(same)
        return
    if candidate.refused:
        st.error("Nothing can be saved: the audit refused these predictions.", icon=":material/block:")
    elif same:
        fact = same.in_words
        st.warning(f"{escape(fact[0].upper() + fact[1:])}.", icon=":material/warning:")
    above = st.container()  # what stands below the button may be off the screen
    if st.button(SAVE, type="primary", icon=":material/save:", disabled=candidate.refused or not said.name.strip()):
        with above, st.spinner("Measuring…"), widgets.slow_share(measure_predictions.RESAMPLING) as told:
            saved = examination.save_candidate(store, candidate, said.name, said.architecture, told)
        st.session_state[_LAST] = replace(said, name="", architecture=""), candidate
        st.session_state[_SAVED] = {*st.session_state.get(_SAVED, ()), saved}
        link.put_runs_in_link([saved])
        st.rerun()  # without the button


def _say_known(same: Known) -> None:
    st.info(f"These predictions are already saved as run {widgets.bold(same.name or same.run_id)}. To save them with "
            "other declarations, delete that run first: *Manage* on the Runs page.", icon=":material/info:")
    st.button(SAVE, type="primary", icon=":material/save:", disabled=True)
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
