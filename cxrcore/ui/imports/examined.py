"""What the uploaded files hold, each examined on its own and kept while nothing of it changes."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from cxrcore import ids
from cxrcore.evaluation import data_set_films
from cxrcore.evaluation.data_set_films import DataSetFilms
from cxrcore.import_export import examination, file_names, prediction_file, read_together, training_films
from cxrcore.import_export.examination import Candidate, Declared
from cxrcore.import_export.prediction_file import PredictionFile
from cxrcore.queries.kept import kept
from cxrcore.store import Store, threshold_file
from cxrcore.ui import shell
from cxrcore.ui.imports.declared import MOST_FILES, Declarations, Upload

_SAVED = "import_examined"  # what was examined before it was saved


@dataclass(frozen=True)
class Card:
    """One run to be, or why it cannot be one.

    Attributes:
        files: names.
        name, architecture: proposed.
        candidate: what was examined; None where `error` says what is wrong.
    """

    files: tuple[str, ...]
    name: str
    architecture: str
    candidate: Candidate | None
    error: str = ""


def examine(store: Store, files: Sequence[Upload], said: Declarations) -> list[Card]:
    """A card for each run that the files would become.

    Raises:
        WorkbenchError: a table, list or mapping that cannot be read; with one file, also what is wrong with it.
    """
    with st.spinner("Reading…"):
        token = store.change_token()
        mapping = prediction_file.parse_mapping(said.mapping)
        table = _table(store, token, said.table or "")
        _declared(said, table.findings)
        read: dict[int, PredictionFile] = {}
        cards = []
        for place, (name, content) in enumerate(files):
            try:
                read[place] = _read(store, content, name, table.dataset_id, tuple(mapping.items()), table)
            except shell.WorkbenchError as error:
                if len(files) == 1:
                    raise
                cards.append(Card((name,), name, "", None, str(error)))
        own = list(read)
        names = [files[place][0] for place in own]
        for places, file in read_together.grouped(names, lambda place: read[own[place]]):
            cards.append(_card(store, token, [names[place] for place in places], file, said, table, len(files) == 1))
        return cards


def _card(store: Store, token: tuple[int, ...], names: Sequence[str], file: PredictionFile, said: Declarations,
          table: DataSetFilms, alone: bool) -> Card:
    proposed = file_names.run_name(names), file_names.architecture_in(names[0])
    candidate = _before().get(_key(file, said, table.dataset_id))
    if candidate is not None:  # audited again it would meet itself in the store
        return Card(tuple(names), *proposed, candidate)
    try:
        return Card(tuple(names), *proposed, _examined(store, token, file.sha256, file.name, said, file, table))
    except shell.WorkbenchError as error:
        if alone:
            raise
        return Card(tuple(names), *proposed, None, str(error))


def remember(candidate: Candidate, said: Declarations) -> None:
    """Keep what was examined for the time after it was saved."""
    st.session_state[_SAVED] = {**_before(), _key(candidate.file, said, candidate.table.dataset_id): candidate}


def _before() -> Mapping[object, Candidate]:
    return st.session_state.get(_SAVED, {})


def _key(file: PredictionFile, said: Declarations, dataset_id: str) -> object:
    return file.sha256, file.name, replace(said, table=dataset_id)  # an upload is a data set once it is saved


@kept(MOST_FILES)
def _read(store: Store, content: bytes, name: str, dataset_id: str, mapping: tuple[tuple[str, str], ...],
          _table: DataSetFilms) -> PredictionFile:
    return prediction_file.parse_prediction_file(content, name, _table.findings, dict(mapping),
                                                 _table.images["image_id"].tolist())


@kept(MOST_FILES)
def _examined(store: Store, token: tuple[int, ...], sha256: str, name: str, said: Declarations, _file: PredictionFile,
              _table: DataSetFilms) -> Candidate:
    return examination.examine(_file, _table, _declared(said, _table.findings), store)


def _declared(said: Declarations, findings: Sequence[str]) -> Declared:
    return Declared(
        said.split,
        said.logits,
        training_films.train_list(said.train_list[1], said.train_list[0]) if said.train_list else None,
        threshold_file.parse_threshold_file(said.thresholds[1], findings) if said.thresholds else None,
        said.weights_name,
    )


@kept(2)
def _table(store: Store, token: tuple[int, ...], table: Upload | str) -> DataSetFilms:
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
