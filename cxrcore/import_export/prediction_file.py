"""Reads predictions that others made: a CSV, Parquet or npz file with a row a film, parsed in a limited process.

Gives what the file says and what had to be assumed to read it, and judges nothing (see `audit`): scores may be outside
[0, 1], films may stand there twice. Knows no data set and no store.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cxrcore.data.files import bounded_file
from cxrcore.data.files.limited_process import Ended
from cxrcore.errors import DataError, UsageError
from cxrcore.import_export import parse_table, table_kinds

KINDS = (*table_kinds.KINDS, *table_kinds.PACKED)


@dataclass(frozen=True)
class PredictionFile:
    """What a file holds.

    Attributes:
        name: of the file.
        sha256: of its bytes, hexadecimal.
        image_ids: object (n,), paths with `film_ids.MARK` between their folders.
        scores: float64 (n, k), as written; NaN for findings without a column, and for what is no number.
        findings: k canonical names that were looked for, in the columns' order.
        columns: {finding: column}.
        image_column: the column of the film names.
        parts: object (n,), of a column of parts; None without one.
        ignored: columns that were not used.
        assumed: sentences on what the file does not say itself, and how it was taken.
        labels: float64 (n, k), that stand beside the scores under no names; None without any.
        by_order: its films are not named: the table's order was taken for theirs.
    """

    name: str
    sha256: str
    image_ids: np.ndarray
    scores: np.ndarray
    findings: tuple[str, ...]
    columns: Mapping[str, str]
    image_column: str
    parts: np.ndarray | None
    ignored: tuple[str, ...]
    assumed: tuple[str, ...] = ()
    labels: np.ndarray | None = field(default=None, repr=False)
    by_order: bool = False

    @property
    def present(self) -> np.ndarray:
        """Which of the findings have a column with any score, bool (k,)."""
        return np.isin(self.findings, list(self.columns)) & ~np.isnan(self.scores).all(axis=0)


def parse_mapping(pairs: str) -> dict[str, str]:
    """{column: what it is} of 'old=new,old2=new2'.

    Raises:
        UsageError: a part without '='.
    """
    mapping = {}
    for pair in filter(None, (part.strip() for part in pairs.split(","))):
        column, equals, what = pair.rpartition("=")
        if not equals or not column.strip() or not what.strip():
            raise UsageError(f"--map '{pair}': expected COLUMN=FINDING, such as covid_edema=Edema")
        mapping[column.strip()] = what.strip()
    return mapping


def read_prediction_file(path: str | Path, findings: Sequence[str], mapping: Mapping[str, str] | None = None,
                         films: Sequence[str] | None = None) -> PredictionFile:
    """The predictions of a file on disk; see `parse_prediction_file`."""
    path = Path(path)
    try:
        content = bounded_file.content(path)
    except IsADirectoryError:
        raise DataError(f"{path} is a folder, not a file of predictions") from None
    except OSError as error:
        raise DataError(f"no predictions can be read from {path}: {error.strerror}") from None
    return parse_prediction_file(content, path.name, findings, mapping, films)


def parse_prediction_file(content: bytes, name: str, findings: Sequence[str], mapping: Mapping[str, str] | None = None,
                          films: Sequence[str] | None = None) -> PredictionFile:
    """The predictions of a file's content.

    Args:
        name: the file's; its ending matters only where the content does not tell what it is.
        findings: canonical names of the data set that the films are of, the order of the scores.
        mapping: {column: finding, 'image_id' or 'split'}, where names alone do not tell.
        films: ids of the data set's, each once: they tell which column holds films. None where they are not known.

    Raises:
        DataError: none of the three kinds, damaged, without films or findings, or larger than `bounded_file` allows;
            the text begins with the name.
        UsageError: a mapping that does not fit, or columns that could be taken in two ways.
    """
    if not content:
        raise DataError(f"{name} is empty")
    bounded_file.check_size(len(content), name)
    try:
        said, numbers = bounded_file.TABLES.ask(
            parse_table.parsed, content, name=name, findings=list(findings), mapping=dict(mapping or {}),
            films=None if films is None else [str(film) for film in films])
    except Ended as error:
        raise DataError(f"{name} {error}") from None
    scores = np.frombuffer(numbers, np.float64).reshape(-1, len(said["image_ids"]), len(findings)).copy()
    return PredictionFile(
        name, hashlib.sha256(content).hexdigest(), _texts(said["image_ids"]), scores[0], tuple(findings),
        said["columns"], said["image_column"], _texts(said["parts"]) if said["parts"] is not None else None,
        tuple(said["ignored"]), tuple(said["assumed"]), scores[1] if said["labels"] else None, said["by_order"])


def joined(files: Mapping[str, PredictionFile]) -> PredictionFile:
    """Files of several parts of one network as one.

    Args:
        files: {part of a split: file}, all read for the same findings, none with parts of its own.
    """
    own = list(files.values())
    digest = hashlib.sha256("".join(file.sha256 for file in own).encode()).hexdigest()
    columns = {finding: column for file in reversed(own) for finding, column in file.columns.items()}
    labels = np.concatenate([file.labels for file in own if file.labels is not None] or [np.zeros((0, 0))])
    names = " and ".join(file.name for file in own)
    said = [f"{names} are {' and '.join(files)} of one network, by their names, and become one run"]
    said += [text for file in own for text in file.assumed]
    return PredictionFile(
        names, digest, np.concatenate([file.image_ids for file in own]),
        np.concatenate([file.scores for file in own]), own[0].findings,
        {finding: columns[finding] for finding in own[0].findings if finding in columns}, own[0].image_column,
        np.concatenate([np.full(len(file.image_ids), part, object) for part, file in files.items()]),
        tuple(dict.fromkeys(column for file in own for column in file.ignored)), tuple(dict.fromkeys(said)),
        labels if len(labels) == sum(len(file.image_ids) for file in own) else None,
        any(file.by_order for file in own))


def _texts(values: list[str]) -> np.ndarray:
    found = np.empty(len(values), object)
    found[:] = values
    return found
