"""MedMNIST's own result files of ChestMNIST, which name no films: a row's number within the part stands for its film.

Two forms: medmnist 2 and 3 write no header, then a number and 14 scores a row; medmnist 1 wrote a header,
`id,true_0,...,score_0,...`, with the labels beside the scores. Findings stand in ChestMNIST's order, which is NIH's.

Source: `medmnist.evaluator` of https://github.com/MedMNIST/MedMNIST (`parse_and_evaluate` names the file's form).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from cxrcore.data import chestmnist
from cxrcore.data.film_ids import Films
from cxrcore.errors import DataError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export.table_kinds import Table

_NAME = re.compile(r"chestmnist(?:_\d+)?_(train|val|test)(?![a-z])", re.IGNORECASE)
ROW_NUMBER = "row number"  # in place of a column of films


@dataclass(frozen=True)
class Result:
    """A result file, its rows laid on films.

    Attributes:
        image_ids: object (n,).
        scores: float64 (n, 14), in `NIH_FINDINGS` order.
        labels: the same of the labels beside the scores; None without any.
        columns: of the scores.
        part: that the file's name says; None where it says none.
        assumed: a sentence on how its rows were laid on the films.
        by_order: the films are those of no ChestMNIST table, and were taken in the table's order.
    """

    image_ids: np.ndarray
    scores: np.ndarray
    labels: np.ndarray | None
    columns: tuple[str, ...]
    part: str | None
    assumed: str
    by_order: bool


def part_in_name(name: str) -> str | None:
    """The part that a result file's name says; None for another name."""
    found = _NAME.match(PurePath(name).name)
    return found[1].lower() if found else None


def find_result(table: Table, name: str, films: Films | None, findings: Sequence[str]) -> Result | None:
    """The result that a table is; None for any other table.

    Raises:
        DataError: it is one, and cannot be laid on the films.
    """
    columns = _score_columns(table)
    own_films = films is not None and len(films.index) > 0 and chestmnist.is_chestmnist(films.index)
    part = part_in_name(name)
    if columns is None or not (part or own_films or table.headed):
        return None
    if films is None or tuple(findings) != NIH_FINDINGS:
        raise DataError("it is a result of ChestMNIST, and the data set's findings are not its 14 in their order")
    first, scores, labels = columns
    values = table.read([first, *scores, *labels], [])
    rows = _numbers(values, [first])[:, 0]
    if not np.array_equal(np.sort(rows), np.arange(len(rows))):
        raise DataError(f"the header is missing: '{first}' does not number the rows from 0, as a result of ChestMNIST "
                        "does; add a line of names, such as image_id,Atelectasis,...")
    taken, assumed = _films_of(films, part, len(rows), own_films)
    return Result(taken[rows.astype(np.int64)], _numbers(values, scores), _numbers(values, labels) if labels else None,
                  tuple(scores), part, assumed, not own_films)


def _score_columns(table: Table) -> tuple[str, list[str], list[str]] | None:
    """Columns of the row's number, the scores and the labels."""
    n, columns = len(NIH_FINDINGS), table.columns
    if not table.headed:
        return (columns[0], columns[1:], []) if len(columns) == n + 1 else None
    scores, labels = ([f"{kind}_{place}" for place in range(n)] for kind in ("score", "true"))
    if set(scores) <= set(columns) and f"score_{n}" not in columns and "id" in columns:
        return "id", scores, labels if set(labels) <= set(columns) else []
    return None


def _numbers(values: dict[str, np.ndarray], wanted: Sequence[str]) -> np.ndarray:
    try:
        return np.stack([np.asarray(values[column], np.float64) for column in wanted], axis=1)
    except (TypeError, ValueError):
        raise DataError("the header is missing, or a cell is no number: expected a row's number and "
                        f"{len(NIH_FINDINGS)} scores, as in a result of ChestMNIST") from None


def _films_of(films: Films, part: str | None, n: int, own_films: bool) -> tuple[np.ndarray, str]:
    """The films that the numbers 0 to n - 1 stand for, object (n,), and the sentence that says so."""
    names = films.index.to_numpy(object)
    order = "columns in ChestMNIST's order"
    if own_films:
        parts = {one: _numbered(names, one) for one in ("train", "val", "test")}
        fits = [one for one, own in parts.items() if len(own) == n and one == (part or one)]
        if len(fits) != 1:
            have = ", ".join(f"{one} {len(own):,}" for one, own in parts.items())
            raise DataError(f"it names no films and has {n:,} rows, which are not those of ChestMNIST's "
                            f"{part or 'parts'} ({have})")
        return parts[fits[0]], f"films by their row's number in ChestMNIST's {fits[0]} part, {order}"
    if len(names) != n:
        raise DataError(f"the header is missing: a result of ChestMNIST names no films, and its {n:,} rows are not the "
                        f"table's {len(names):,}; add a line of names, such as image_id,Atelectasis,...")
    return names, (f"ASSUMED: this file names no films, so row 0 was taken for the table's first film, "
                   f"'{names[0]}', and so on to '{names[-1]}', {order}")


def _numbered(names: np.ndarray, part: str) -> np.ndarray:
    """The films of a part, by their numbers."""
    own = [name for name in names if str(name).startswith(f"{chestmnist.PREFIX}{part}_")]
    return np.array(sorted(own, key=lambda name: int(re.sub(r"\D", "", str(name)) or 0)), object)
