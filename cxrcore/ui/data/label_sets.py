"""The label sets of a data set on the Data page: which there are, how good its own labels are, and adding another."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import streamlit as st

from cxrcore.config import LABEL_POLICIES, LabelsConfig, is_read_only
from cxrcore.data.description import read_description, shipped_names
from cxrcore.data.files import bounded_file
from cxrcore.data.table_cells import shown
from cxrcore.errors import ResamplingError, WorkbenchError
from cxrcore.evaluation import add_labels
from cxrcore.evaluation.measure_predictions import RESAMPLING
from cxrcore.findings import display_name
from cxrcore.queries import from_store
from cxrcore.queries.from_store import Overview
from cxrcore.queries.labels import label_quality
from cxrcore.store import LabelSet, Store
from cxrcore.ui import shell, widgets

KINDS = ("csv", "gz")
MOST = bounded_file.MAX_BYTES // 1_000_000  # megabytes
MAJORITY, EACH = "The majority", "Each reader"
ANY_FILE = "What the columns are called"
AS_DESCRIBED = "As its description says"
Tables = dict[str, tuple[str, Callable[[], pd.DataFrame]]]


def sections(store: Store, overview: Overview, dataset_id: str) -> Tables:
    """Both sections; gives their tables for the menu of downloads."""
    label_sets = overview.labels_of(dataset_id)
    st.header("Label sets", anchor=False)
    st.caption("A label set is one reading of the films. Results are measured on one of them at a time: the switch "
               "*Labels* stands beside the run wherever there are several.")
    if len(label_sets) > 1:
        _list(store, label_sets)
    _add(store, dataset_id)
    others = label_sets[1:]
    if not others:
        return {}
    st.header("How good are the labels?", anchor=False)
    st.markdown("The data set's own label is read here like a person who looked at the films, and held against another "
                "reading. **PPV**: the share of its yes that the other confirms. **Sensitivity**: the share of the "
                "other's yes that it has. **Kappa**: agreement beyond chance, 1 at most.")
    tables: Tables = {}
    for labels in others:
        tables |= _quality(store, labels)
    return tables


def _list(store: Store, label_sets: Sequence[LabelSet]) -> None:
    rows = [{"Label set": one.title, "Films": f"{len(from_store.labels(store, one)):,}",
             "Findings": ", ".join(map(display_name, one.findings)) if len(one.findings) <= 6 else
             f"{len(one.findings)} findings", "Uncertain labels": one.policy or "–", "Source": one.source or "–"}
            for one in label_sets]
    widgets.show_table(pd.DataFrame(rows), hide_index=True, alt="Label sets of the data set", column_config={
        "Source": st.column_config.TextColumn(width="large")})


def _quality(store: Store, labels: LabelSet) -> Tables:
    try:
        found = label_quality.label_quality(store, labels)
    except ResamplingError as error:
        st.info(f"{widgets.bold(labels.name)}: {widgets.escape(str(error))}.", icon=":material/info:")
        return {}
    narrow = "" if found.patients_known else " Patients are unknown, so the intervals are too narrow."
    st.markdown(f"Own label against **{widgets.escape(labels.name)}**, on {found.n_films:,} films of "
                f"{found.n_patients:,} patients; in brackets the middle 95 % of draws of patients.{narrow}")
    widgets.show_table(label_quality.shown_quality(found), hide_index=True, placeholder="–",
                       alt=f"The data set's own labels against {labels.name}")
    name = f"own_labels_against_{labels.name}".replace(" ", "_")
    return {f"Own labels against {labels.name}": (name, lambda: label_quality.quality_table(found))}


# -- adding one


def _add(store: Store, dataset_id: str) -> None:
    if is_read_only():
        return
    box = st.expander("Add a label set", icon=":material/add:", key="add_labels", on_change="rerun")
    if not box.open:  # what is in it takes a browser longer to load than all charts of the page
        return
    with box:
        bounded_file.TABLES.warm()
        file = st.file_uploader("Labels", KINDS, key="labels_file", max_upload_size=MOST,
                                help="A row a film (or a film and reader): its name, and a column a finding.")
        if file is None:
            st.caption("Somebody else's reading of these films. Every run is measured on it at once. Or from a "
                       "terminal:")
            widgets.command(f"python scripts/labels.py add FILE --dataset {dataset_id} --name NAME", store)
            return
        left, middle, right = st.columns(3)
        with left:
            name = st.text_input("Name", Path(file.name).name.split(".")[0][:40], key="labels_name")
            described = st.selectbox("What columns mean", [ANY_FILE, *shipped_names()], key="labels_described",
                                     help="A description of this kind of file, where there is one.")
        with middle:
            several = st.segmented_control("Of several readers", [MAJORITY, EACH], default=MAJORITY, required=True,
                                           key="labels_readers")
        with right:
            mapping = st.text_input("Columns whose names do not tell", key="labels_map",
                                    placeholder="COLUMN=FINDING, COLUMN=FINDING")
            policy = st.selectbox("Uncertain labels count as", [AS_DESCRIBED, *LABEL_POLICIES], key="labels_policy")
        with shell.errors_shown():
            matched = _matched(store, dataset_id, file.name, file.getvalue(), name.strip(), described, several == EACH,
                               mapping, None if policy == AS_DESCRIBED else policy)
            st.text("\n".join(one.in_words for one in matched))
            st.button("Add and measure every run", type="primary", key="labels_go", on_click=_save,
                      args=(store, matched))
    if said := st.session_state.pop("labels_said", None):
        st.code(said, language=None)


def _matched(store: Store, dataset_id: str, title: str, content: bytes, name: str, described: str, by_reader: bool,
             mapping: str, policy: str | None) -> list[add_labels.MatchedLabels]:
    description = None if described == ANY_FILE else read_description(described)
    with TemporaryDirectory() as folder:
        path = Path(folder) / ("labels.csv.gz" if title.endswith(".gz") else "labels.csv")
        path.write_bytes(content)
        names = add_labels.mapping_of([mapping] if mapping else [])
        try:
            return add_labels.match_file(store, dataset_id, path, name or "labels", description, names,
                                         by_reader=by_reader, policy=policy, title=title)
        except WorkbenchError as error:  # by the name that the file has where it came from
            raise type(error)(str(error).replace(str(path), shown(title))) from None


def _save(store: Store, matched: Sequence[add_labels.MatchedLabels]) -> None:
    said: list[str] = []

    def save() -> None:
        with widgets.slow_share(RESAMPLING) as told:
            said.extend(text for _, text in add_labels.save_matched(store, matched, LabelsConfig(), told))

    names = ", ".join(f"“{widgets.escape(one.name)}”" for one in matched)
    if shell.act(f"Added {names}; every run of the data set is measured on it.", save):
        st.session_state["labels_said"] = "\n\n".join(said)


