"""The Import page's controls: the files, the table of their films, and what is declared of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from cxrcore.config import IMPORTED_PARTS
from cxrcore.data.files import bounded_file
from cxrcore.data.splits import PART_WORDS
from cxrcore.errors import UsageError
from cxrcore.import_export import prediction_file
from cxrcore.queries import from_store
from cxrcore.store import Store
from cxrcore.ui import link, widgets

KINDS = [kind.removeprefix(".") for kind in prediction_file.KINDS]
UPLOAD_TABLE = "Another: upload its table"
PARTS = {PART_WORDS[part].capitalize(): part for part in IMPORTED_PARTS}
MOST = 200  # MB of a file
MOST_FILES = 12  # at once

_FORMS = {
    "A row a film, a column a finding": "Image Index,Mass,Nodule\n"
                                        "00000013_005.png,0.0338,0.05\n"
                                        "00000013_026.png,0.0291,0.44",
    "The same in other words": "path;prob_Mass;fold\n"
                               "a/00000013_005.jpg;0,0338;val\n"
                               "a/00000013_026.jpg;0,0291;test",
    "Several files at once: here two runs": "ResNet50.csv\nDenseNet201_val.csv\nDenseNet201_test.csv",
}
Upload = tuple[str, bytes]  # a file's name and content


@dataclass(frozen=True)
class Declarations:
    """What stands in the page's controls of all files together; contents are bytes, None where nothing was given.

    Attributes:
        table: an uploaded table, or the id of a stored data set; None while neither is there.
    """

    table: Upload | str | None
    split: str
    logits: bool
    mapping: str
    train_list: Upload | None
    thresholds: Upload | None
    weights_name: str


def ask(store: Store, overview: from_store.Overview) -> tuple[tuple[Upload, ...], Declarations] | None:
    """The files and what is declared of them; None while there is no file.

    Raises:
        UsageError: more files than are read at once.
    """
    left, right = st.columns(2)
    with left:
        bounded_file.TABLES.warm()
        found = st.file_uploader(
            "Predictions", KINDS, key="import_file", accept_multiple_files=True, max_upload_size=MOST,
            help="A row a film: its name and a score a finding. Columns are found by their names, in any order, with "
                 "or without something before or after them. Each file becomes a run; files whose names differ by val "
                 "and test alone become one.")
    with right:
        table = _ask_table(overview)
    if not found:
        st.caption("Or from a terminal:")
        widgets.command("python scripts/import_predictions.py FILE --csv_path DATA/Data_Entry_2017.csv --name NAME",
                        store)
        _show_forms()
        return None
    if len(found) > MOST_FILES:
        raise UsageError(f"{len(found)} files at once: at most {MOST_FILES} are read")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        part = st.segmented_control("These films are", list(PARTS), default="Test", required=True, key="import_part",
                                    help="Which part of a split they are to the network that scored them. External: "
                                         "films of another collection. A column of parts counts before this.")
        logits = st.toggle("Scores are logits", key="import_logits",
                           help="The sigmoid makes them probabilities. Never guessed.")
    return (tuple((file.name, file.getvalue()) for file in found),
            Declarations(table, PARTS[part], logits, *_ask_more()))


def _show_forms() -> None:
    """What files may look like, for whoever has none open yet."""
    st.caption("Such files are read, as CSV, Parquet or npz, packed or not. Before anything is saved, each has a card: "
               "how its columns were understood, the AUROC of every finding, and what is odd about it.")
    for column, (title, text) in zip(st.columns(len(_FORMS)), _FORMS.items(), strict=True):
        with column:
            st.markdown(f"**{title}**")
            st.code(text, language=None)


def _ask_table(overview: from_store.Overview) -> Upload | str | None:
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


def _ask_more() -> tuple[str, Upload | None, Upload | None, str]:
    with st.expander("Declare more, so that more can be checked"):
        left, right = st.columns(2)
        with left:
            train_list = _upload("Training films", ["txt", "csv"], "import_train",
                                 "Films or patients that the network was trained on, one a line: finds leaks.")
            mapping = st.text_input("Columns whose names do not tell (--map)", key="import_map",
                                    placeholder="COLUMN=FINDING, COLUMN=image_id",
                                    help="As --map of the script: a column as a finding, as the films (image_id) or as "
                                         "the part of a split (split).")
        with right:
            thresholds = _upload("Thresholds", ["json", "csv", "txt"], "import_thresholds",
                                 "A threshold set, as the board saves it or a plain mapping of findings to numbers.")
            weights = st.text_input("Weights that it started from", key="import_weights",
                                    placeholder="such as densenet121-res224-all")
    return mapping, train_list, thresholds, weights


def _upload(label: str, kinds: Sequence[str], key: str, meaning: str) -> Upload | None:
    file = st.file_uploader(label, kinds, key=key, help=meaning, max_upload_size=MOST)
    return None if file is None else (file.name, file.getvalue())
