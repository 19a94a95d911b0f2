"""The limited process's half of `prediction_file`: a foreign table's bytes to films, scores and what was assumed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxrcore.data.files import bounded_file
from cxrcore.data.files.limited_process import Answer
from cxrcore.data.film_ids import Films
from cxrcore.errors import DataError, UsageError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export import medmnist_results, part_column, prediction_columns, table_kinds
from cxrcore.import_export.film_column import as_ids, find_film_column
from cxrcore.import_export.medmnist_results import Result
from cxrcore.import_export.table_kinds import Table

_LONGEST = 500  # characters of a sentence


def parsed(content: bytes, name: str, findings: Sequence[str], mapping: Mapping[str, str],
           films: Sequence[str] | None = None) -> Iterator[Answer]:
    """What `prediction_file.parse_prediction_file` makes of a file: the scores, then labels if any, are its bytes."""
    try:
        said, numbers = _parsed(content, findings, mapping, films, name)
        yield said | {"assumed": [_one_line(text) for text in said["assumed"]]}, numbers
    except UsageError as error:
        raise UsageError(_one_line(str(error))) from None
    except DataError as error:
        text = _one_line(str(error))
        raise DataError(text if text.startswith(name) else f"{name}: {text}") from None
    except MemoryError:
        raise DataError(f"{name} does not fit into {bounded_file.TABLE_LIMITS.memory / 1e9:g} GB of memory") from None


def _parsed(content: bytes, findings: Sequence[str], mapping: Mapping[str, str], films: Sequence[str] | None,
            name: str) -> Answer:
    table = table_kinds.opened(content)
    bounded_file.check_rows(0, "it", len(table.columns))
    known = Films(films) if films is not None else None
    if not mapping and (result := medmnist_results.find_result(table, name, known, findings)):
        return _of_result(table, result)
    if not table.headed:
        raise DataError("the header is missing: its first line holds numbers; add a line of names, such as "
                        f"image_id,{','.join(findings[:2])},...")
    return _by_columns(table, findings, mapping, known, name)


def _by_columns(table: Table, findings: Sequence[str], mapping: Mapping[str, str], films: Films | None, name: str
                ) -> Answer:
    film = find_film_column(table, mapping, films)
    others = {column: what for column, what in mapping.items() if column != film.name}
    part, said_of_part = part_column.find_part_column(table, film.name, others)
    rest = [column for column in table.columns if column not in (film.name, part)]
    others.pop(part or "", None)
    chosen = prediction_columns.finding_columns(rest, findings, others, lambda columns: _are_labels(table, columns))
    used = [film.name, *chosen.values(), *([part] if part else [])]
    values = table.read(used, [film.name, *([part] if part else [])])
    if not len(values[film.name]):
        raise DataError(f"{name} has no rows")
    scores = np.full((len(values[film.name]), len(findings)), np.nan)
    for finding, column in chosen.items():
        scores[:, findings.index(finding)] = _numbers(values[column], column, finding)
    ignored = [column for column in table.columns if column not in used]
    missing = [finding for finding in findings if finding not in chosen]
    near = prediction_columns.only_contain_a_finding([one for one in ignored if one not in mapping], missing)
    other = ", ".join(prediction_columns.read_as_another(chosen, mapping))
    assumed = [*table.notes, film.assumed, said_of_part, other and f"read {other}", _left_alone(near)]
    return {"image_ids": as_ids(values[film.name]).tolist(), "columns": chosen, "image_column": film.name,
            "parts": np.char.strip(values[part].astype(str)).tolist() if part else None,
            "ignored": ignored, "assumed": [text for text in assumed if text], "labels": False,
            "by_order": False}, scores.tobytes()


def _of_result(table: Table, result: Result) -> Answer:
    used = [*result.columns]
    labels = result.labels.tobytes() if result.labels is not None else b""
    said: dict[str, Any] = {
        "image_ids": result.image_ids.tolist(),
        "columns": dict(zip(NIH_FINDINGS, result.columns, strict=True)),
        "image_column": medmnist_results.ROW_NUMBER,
        "parts": [result.part] * len(result.image_ids) if result.part else None,
        "ignored": [column for column in table.columns[1:] if column not in used],
        "assumed": [*table.notes, result.assumed],
        "labels": bool(labels),
        "by_order": result.by_order,
    }
    return said, result.scores.tobytes() + labels


def _one_line(text: str) -> str:
    """Names of columns may be long and of several lines."""
    own = " ".join(text.split())
    return own if len(own) <= _LONGEST else f"{own[:_LONGEST - 1]}…"


def _left_alone(columns: Sequence[str]) -> str:
    if not columns:
        return ""
    many = len(columns) > 1
    return (f"{prediction_columns.some(columns)} only contain{'' if many else 's'} a finding's name and "
            f"{'are' if many else 'is'} left alone (--map COLUMN=FINDING takes {'one' if many else 'it'})")


def _are_labels(table: Table, columns: Sequence[str]) -> bool:
    first = table.first()
    if any(not prediction_columns.only_labels(first[column]) for column in columns if column in first):
        return False
    return all(map(prediction_columns.only_labels, table.read(columns, []).values()))


def _numbers(values: np.ndarray, column: str, finding: str) -> np.ndarray:
    """float64 (n,); empty cells are NaN."""
    other = f"; --map COLUMN={finding} takes another column"
    if values.ndim != 1 or values.dtype.kind not in "fiubOUS":  # complex numbers, times, records
        what = "arrays" if values.ndim != 1 else str(values.dtype)[:40]
        raise DataError(f"the column '{column}' holds {what}, expected one number a film{other}")
    if values.dtype.kind in "fiub":
        return values.astype(np.float64)
    try:
        numbers = pd.to_numeric(pd.Series(values, dtype=object), errors="coerce")
    except OverflowError:  # at whole numbers of hundreds of digits, which none of its ways to mend errors spares
        raise DataError(f"the column '{column}' holds a number too large to be one") from None
    texts = pd.Series(values, dtype=object)
    odd = numbers.isna() & texts.notna() & ~texts.astype(str).str.strip().str.lower().isin(["", "nan", "na", "none"])
    if odd.any():
        row = int(np.argmax(odd))
        raise DataError(f"'{str(values[row])[:40]}' in the column '{column}', row {row + 1}, is no number{other}")
    return numbers.to_numpy(np.float64)
