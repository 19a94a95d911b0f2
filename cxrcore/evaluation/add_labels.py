"""Other people's reading of a data set's films, from a file to the store: matched, saved, and every run measured on it.

The upper half of scripts/labels.py; the Data page does the same with an uploaded file.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cxrcore.config import LabelsConfig
from cxrcore.data import film_ids
from cxrcore.data.description import Description, read_description, shipped_names
from cxrcore.data.label_file import LabelReading, read_label_file
from cxrcore.data.table_cells import shown
from cxrcore.errors import DataError, UsageError
from cxrcore.evaluation import hand_in, label_metrics, measure_predictions, shares
from cxrcore.evaluation.shares import Told, untold, within
from cxrcore.findings import display_name, key
from cxrcore.measures import derived
from cxrcore.store import CSV, LabelSet, Store
from cxrcore.store.label_sets import checked_name
from cxrcore.store.records import rows_of

_LOG = logging.getLogger(__name__)  # scripts print what it says
_SHOWN = 12  # names of a list on the screen


@dataclass(frozen=True)
class MatchedLabels:
    """One reading, matched with the films and findings of a data set; nothing is saved yet.

    Attributes:
        name: of the label set that it may become.
        labels: float32, indexed by image_id, a column a finding.
        derived_from: {finding that the data set does not have: its parts there}.
        other_films: how many films of the file are not of the data set.
        left_out: columns that are not taken, a line each with what would take them.
        source: where the labels come from, for people.
        reading: the file's.
    """

    dataset_id: str
    name: str
    labels: pd.DataFrame
    derived_from: Mapping[str, tuple[str, ...]]
    other_films: int
    left_out: tuple[str, ...]
    source: str
    reading: LabelReading

    @property
    def in_words(self) -> str:
        """What would be saved, in lines."""
        head = f"{self.name}: {len(self.labels):,} films, {', '.join(map(display_name, self.labels.columns))}"
        lines = [head + (f"; {self.other_films:,} films of the file are not of this data set" * (self.other_films > 0))]
        lines += [f"{display_name(finding)} = {derived.formula([display_name(part) for part in parts])} of the scores"
                  for finding, parts in self.derived_from.items()]
        return "\n".join([*lines, *self.reading.notes, *(f"left out: {line}" for line in self.left_out)])


def run_labels(action: str, file: str | None, config: LabelsConfig) -> None:
    """Add, list or remove label sets as scripts/labels.py does.

    Args:
        action: 'add', 'list' or 'remove'.
        file: of 'add'.

    Raises:
        WorkbenchError: one line that says what is wrong; nothing is saved then.
    """
    store = hand_in.opened(config.store)
    if action == "list":
        _LOG.info(listed(store))
        return
    dataset_id = _dataset(store, config.dataset)
    if action == "remove":
        store.delete_label_set(dataset_id, _named(config.name))
        _LOG.info(f"removed: label set '{config.name}' of data set {dataset_id}, with what was measured on it")
        return
    if not file:
        raise UsageError("labels.py add needs a FILE of labels")
    description = read_description(config.description) if config.description else None
    matched = match_file(store, dataset_id, file, _named(config.name), description, mapping_of(config.map or ()),
                         by_reader=config.by == "reader", policy=config.policy)
    require_savable(store, matched, config.again)
    for one in matched:
        _LOG.info(one.in_words)
    with shares.bar(measure_predictions.RESAMPLING) as told:
        for labels, said in save_matched(store, matched, config, told):
            _LOG.info(f"\nsaved as label set '{labels.name}' of data set {dataset_id}\n{said}")


def _named(name: str | None) -> str:
    if not name:
        raise UsageError("--name is needed: what the label set is called, such as experts")
    return name


def _dataset(store: Store, wanted: str | None) -> str:
    known = store.datasets() if store.exists else pd.DataFrame({"dataset_id": [], "name": []})
    if wanted in set(known["dataset_id"]):
        return str(wanted)
    names = "; ".join(f"{row.dataset_id} {row.name}" for row in rows_of(known)) or "none"
    if wanted:
        raise DataError(f"no data set '{wanted}' in {store.key}; it has: {names}")
    if len(known) != 1:
        raise DataError(f"--dataset is needed: whose films these labels are of; the store has: {names}")
    return str(known["dataset_id"].iloc[0])


def mapping_of(texts: Sequence[str]) -> dict[str, str]:
    """{column: finding} of COLUMN=FINDING texts.

    Raises:
        UsageError: a text of another form.
    """
    pairs = [part.rpartition("=") for text in texts for part in text.split(",") if part.strip()]
    if wrong := ["".join(pair) for pair in pairs if not pair[0].strip() or not pair[2].strip()]:
        raise UsageError(f"--map takes COLUMN=FINDING, not '{wrong[0]}'")
    return {column.strip(): finding.strip() for column, _, finding in pairs}


def match_file(
    store: Store,
    dataset_id: str,
    file: str | Path,
    name: str,
    description: Description | None = None,
    mapping: Mapping[str, str] | None = None,
    *,
    by_reader: bool = False,
    policy: str | None = None,
    title: str = "",
) -> list[MatchedLabels]:
    """The readings of a file, one or one a reader, matched with the data set's films and findings.

    Args:
        name: of the label set; a reader's name is put behind it.
        description: of the file; without it, what names of columns tell.
        mapping: {column: finding}, before both.
        by_reader: keep each reader's own reading in place of the majority.
        policy: what becomes of uncertain labels, in place of the description's.
        title: of the file, where it lies under another name.

    Raises:
        DataError, FindingError: nothing in it that belongs to the data set, or what `read_label_file` refuses.
    """
    films, own = store.images(dataset_id)["image_id"], store.findings(dataset_id)
    readings = read_label_file(file, description, mapping, by_reader=by_reader, policy=policy, known=own)
    known = {finding: one.any for finding, one in (description.derived if description else {}).items()}
    source = description.label_source if description else shown(title or Path(file).name)
    found = [_matched(dataset_id, f"{name} {one.reader}".strip() if by_reader else name, one, films, own, known, source)
             for one in readings]
    if all(one.labels.isna().all(axis=None) for one in found):
        raise DataError(f"the file says neither yes nor no of any film of data set {dataset_id}")
    return found


def _matched(dataset_id: str, name: str, reading: LabelReading, films: pd.Series, own: Sequence[str],
             known: Mapping[str, tuple[str, ...]], source: str) -> MatchedLabels:
    derivable = {finding: parts for finding, parts in known.items() if finding not in own and set(parts) <= set(own)}
    taken = [finding for finding in reading.findings if finding in own or finding in derivable]
    left = [f"{name}: no known finding; {line} would take it{_described(name, own)}"
            for name, line in reading.left_out.items()]
    left += [f"{display_name(finding)}: no finding of this data set, and none that follows from its own; "
             f"--map '{_column(reading, finding)}=FINDING' would take it for one of them{_described(finding, own)}"
             for finding in reading.findings if finding not in taken]
    if not taken:
        raise DataError(f"none of the findings of the file ({', '.join(reading.findings[:_SHOWN])}) is one of the data "
                        f"set ({', '.join(own)})")
    place = _places(reading.image_ids, films)
    if not (place >= 0).any():
        raise DataError(f"none of the {len(place):,} films of the file is of data set {dataset_id}: the file has "
                        f"{shown(reading.image_ids[0])}, the data set {films.iloc[0]}")
    here = place >= 0
    frame = pd.DataFrame(reading.labels, columns=list(reading.findings))[taken]
    labels = frame[here].set_axis(pd.Index(films.to_numpy()[place[here]], name="image_id"), axis=0).sort_index()
    if not labels.index.is_unique:
        raise DataError(f"film {labels.index[labels.index.duplicated()][0]} stands twice in the file")
    return MatchedLabels(dataset_id, name, labels, {one: derivable[one] for one in taken if one in derivable},
                         int((~here).sum()), tuple(left), source, reading)


def _places(image_ids: np.ndarray, films: pd.Series) -> np.ndarray:
    """Where each film of the file stands among the data set's, -1 for none."""
    known = pd.Index(films)
    place = known.get_indexer(pd.Index(image_ids))
    if not (place >= 0).any():  # files that name other folders
        place = known.get_indexer(film_ids.as_known(image_ids, set(films)))
    if not (place >= 0).any() and (own := pd.Index(film_ids.stems(films))).is_unique:  # films that were converted
        place = own.get_indexer(film_ids.as_known(film_ids.stems(image_ids), set(own)))
    return place


def _column(reading: LabelReading, finding: str) -> str:
    """As the file writes a finding, as far as the description tells."""
    return next((own for own, name in reading.description.vocabulary.items() if name == finding),
                display_name(finding))


def _described(name: str, own: Sequence[str]) -> str:
    """Which shipped description derives a finding of this name from the data set's own, as the end of a line."""
    for shipped in shipped_names():
        for finding, one in read_description(shipped).derived.items():
            if key(finding) == key(name) and finding not in own and set(one.any) <= set(own):
                return f"; --description {shipped} makes it of {' and '.join(map(display_name, one.any))}"
    return ""


def require_savable(store: Store, matched: Sequence[MatchedLabels], again: bool) -> None:
    """Whether all of the readings can become label sets.

    Raises:
        UsageError: a name that another reading has taken. StoreError, DataError: as `Store.save_label_set`, such as a
            name of another form.
    """
    names = [checked_name(one.name).casefold() for one in matched]
    if double := [one.name for one in matched if names.count(one.name.casefold()) > 1]:
        raise UsageError(f"two readers would become label sets of one name, '{double[0]}': nothing was saved")
    taken = {(one.dataset_id, one.name) for one in store.label_sets()}
    there = {one.name: one for one in matched if (one.dataset_id, one.name) in taken and not again}
    if double := [name for name, one in there.items() if _standing(store, one) is None]:
        raise UsageError(f"there is a label set '{double[0]}' already: choose another name, or take its place with "
                         "--again; nothing was saved")
    for one in matched:
        if one.name not in there:
            store.require_label_set(one.dataset_id, one.name, one.labels, derived_from=one.derived_from, again=again)


def save_matched(
    store: Store, matched: Sequence[MatchedLabels], config: LabelsConfig, told: Told = untold
) -> list[tuple[LabelSet, str]]:
    """Save the readings as label sets and measure every run on them; each with what that changed, in words.

    Readings that are there already stay, and what has not been measured on them is: of a command that was broken off.

    Raises:
        WorkbenchError: as `require_savable`; nothing is saved then.
    """
    require_savable(store, matched, config.again)
    names = {row.run_id: row.name or row.run_id for row in rows_of(store.runs())}
    made = []
    for place, one in enumerate(matched):
        labels = None if config.again else _standing(store, one)
        if labels is None:
            labels = store.save_label_set(
                one.dataset_id, one.name, one.labels, derived_from=one.derived_from,
                source=one.source, policy=one.reading.policy, reader=one.reading.reader, again=config.again)
        board = label_metrics.measure_runs(store, labels, within(told, place, len(matched)))
        said = label_metrics.in_words(label_metrics.what_changes(store, labels, board), names, labels.name)
        made.append((labels, said or "no run has predictions of these films yet"))
    return made


def _standing(store: Store, one: MatchedLabels) -> LabelSet | None:
    """The label set of this name, where it is this very reading."""
    found = next((known for known in store.label_sets() if (known.dataset_id, known.name) == (one.dataset_id, one.name)
                  and {finding: tuple(parts) for finding, parts in known.derived}
                  == {finding: tuple(parts) for finding, parts in one.derived_from.items()}), None)
    if found is None:
        return None
    held = store.labels(one.dataset_id, one.name)
    alike = (list(held.columns) == list(one.labels.columns) and held.index.equals(one.labels.index)
             and np.array_equal(held.to_numpy(np.float32), one.labels.to_numpy(np.float32), equal_nan=True))
    return found if alike else None


def listed(store: Store) -> str:
    """Every label set of the store, a line each."""
    names = store.datasets().set_index("dataset_id")["name"]
    lines = []
    for one in store.label_sets():
        n = len(store.labels(one.dataset_id, one.name))
        made = f"; derived: {', '.join(display_name(finding) for finding, _ in one.derived)}" if one.derived else ""
        source = f"; {one.source}" if one.source and one.name != CSV else ""
        lines.append(f"{names.get(one.dataset_id, one.dataset_id)} ({one.dataset_id}): '{one.name}', {n:,} films, "
                     f"{len(one.findings)} findings{made}{source}")
    return "\n".join(lines) or "the store has no data set"
