"""Thresholds as other tools write them: mappings, nested ones, records, lists side by side, two columns of a CSV.

From a text to pairs of a name and a value; which names are findings, `threshold_file` knows. Knows no store and no
screen.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from cxrcore.data.files import bounded_file, people_csv
from cxrcore.errors import ThresholdFileError
from cxrcore.findings import key

MAX_SIZE = bounded_file.MAX_JSON  # a set takes one or two thousand bytes
_VALUES = tuple(map(key, ("threshold", "thresholds", "best_threshold", "optimal_threshold", "thresh", "thr", "cutoff",
                          "cut_off", "value")))
_NAMES = tuple(map(key, ("finding", "label", "class", "class_name", "name", "disease", "pathology", "condition")))
_SHOWN = 60  # characters of a foreign name or value in an error
_DEPTH = 3  # levels of objects that a mapping may be in
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")
Pairs = list[tuple[str, Any]]
IsFinding = Callable[[str], bool]


def document_of(text: str | bytes) -> Any:
    """What a file says: a JSON document, or the rows of a CSV as a list of lists of texts.

    Raises:
        ThresholdFileError: too large, empty, no text, broken JSON, or neither.
    """
    if len(text) > MAX_SIZE:
        raise ThresholdFileError(f"larger than {MAX_SIZE // 1000:,} kB: this is no threshold file")
    text = text if isinstance(text, str) else _decoded(text)
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise ThresholdFileError("the file is empty")
    rows = _rows(text)
    return _json(text) if rows is None else rows


def _decoded(content: bytes) -> str:
    how = people_csv.sniff(content)
    try:
        if how.encoding == "cp1252":  # of 256 signs nearly all are letters there: no threshold file needs them
            content.decode("utf-8")
        return people_csv.utf8(content, how).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ThresholdFileError(f"not UTF-8 text (byte {error.start}): this is no threshold file") from None


def _rows(text: str) -> Pairs | list[list[str]] | None:
    """The rows of a CSV with two cells or more in its first one; None of what is none."""
    if (text.lstrip()[:1] in ("{", "[", '"') and not text.lstrip().startswith('"')) or "\x00" in text:
        return None
    how = people_csv.sniff(text.encode("utf-8", "replace"))
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline=""),
                                                                    delimiter=how.separator) if any(row)]
    except csv.Error:
        return None
    return rows if rows and len(rows[0]) > 1 else None


def _json(text: str) -> Any:
    try:
        document = json.loads(text, object_pairs_hook=_without_repeats)
        json.dumps(document, ensure_ascii=False).encode("utf-8")  # half a surrogate pair can be neither shown nor kept
    except json.JSONDecodeError as error:
        raise ThresholdFileError(f"broken JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except UnicodeEncodeError:
        raise ThresholdFileError("it holds text that is no valid Unicode") from None
    except RecursionError:
        raise ThresholdFileError("nested too deeply: this is no threshold file") from None
    except ValueError:  # Python's bound on the digits of a whole number
        raise ThresholdFileError("it holds a number with thousands of digits") from None
    return document


def _without_repeats(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, value in pairs:
        if name in document:
            raise ThresholdFileError(f"{shown(name)} stands there twice")
        document[name] = value
    return document


# -- from a document to pairs


def pairs_of(document: Any, is_finding: IsFinding) -> Pairs | None:
    """(name, value) of each entry, in the file's order; None where no finding is named in any form that is known.

    Raises:
        ThresholdFileError: findings are named in several places, and which is meant is not said.
    """
    if isinstance(document, list):
        return _of_list(document, is_finding)
    if not isinstance(document, dict):
        return None
    if any(map(is_finding, document)):
        return [(name, _inner(value)) for name, value in document.items()]
    return _beside(document, is_finding) or _nested(document, is_finding, _DEPTH)


def _of_list(rows: list[Any], is_finding: IsFinding) -> Pairs | None:
    """Records with a name and a value, or rows of two cells or more."""
    if rows and all(isinstance(row, dict) for row in rows):
        heads = [{key(name): name for name in row} for row in rows]
        name, value = (next((one for one in known if all(one in head for head in heads)), None)
                       for known in (_NAMES, _VALUES))
        if name and value:
            pairs = [(row[head[name]], row[head[value]]) for row, head in zip(rows, heads, strict=True)]
            return _known(pairs, is_finding)
        return None
    if not rows or not all(isinstance(row, list) and len(row) > 1 for row in rows):
        return None
    if len(rows) == 2 and sum(map(_is(is_finding), rows[0])) > 1 and len(rows[0]) == len(rows[1]):
        return list(zip(map(str, rows[0]), rows[1], strict=True))  # findings side by side, their thresholds below
    return _columns(rows, is_finding)


def _columns(rows: list[list[Any]], is_finding: IsFinding) -> Pairs | None:
    """One column names findings; the other is the only one, or is called a threshold."""
    wide = min(map(len, rows))
    hits = [sum(1 for row in rows if _is(is_finding)(row[place])) for place in range(wide)]
    names = hits.index(max(hits, default=0)) if any(hits) else None
    if names is None:
        return None
    head = None if _is(is_finding)(rows[0][names]) else rows[0]
    others = [place for place in range(wide) if place != names]
    called = [place for place in others if head is not None and key(str(head[place])) in _VALUES]
    if len(others) != 1 and len(called) != 1:
        raise ThresholdFileError(f"which of {len(others)} columns holds the thresholds is not said: expected two "
                                 "columns, or a heading 'threshold'")
    value = called[0] if called else others[0]
    return [(str(row[names]), row[value]) for row in (rows if head is None else rows[1:])]


def _beside(document: Mapping[str, Any], is_finding: IsFinding) -> Pairs | None:
    """A list of findings and a list of numbers of the same length: {"classes": [...], "thresholds": [...]}."""
    lists = [value for value in document.values() if isinstance(value, list)]
    names = [one for one in lists if any(map(_is(is_finding), one)) and all(isinstance(name, str) for name in one)]
    values = [value for name, value in document.items() if isinstance(value, list) and key(name) in _VALUES]
    if len(names) != 1 or len(values) != 1 or len(names[0]) != len(values[0]):
        return None
    return list(zip(names[0], values[0], strict=True))


def _nested(document: Mapping[str, Any], is_finding: IsFinding, depth: int) -> Pairs | None:
    """The one value that names findings, however deep; of several the one that is called thresholds."""
    found: dict[str, Pairs] = {}
    for name, value in document.items():
        inner = pairs_of(value, is_finding) if isinstance(value, list) else None
        if isinstance(value, dict) and depth:
            direct = any(map(is_finding, value))
            inner = ([(own, _inner(one)) for own, one in value.items()] if direct else
                     _beside(value, is_finding) or _nested(value, is_finding, depth - 1))
        if inner:
            found[name] = inner
    called = [name for name in found if key(name) in _VALUES]
    if len(found) > 1 and len(called) != 1:
        raise ThresholdFileError(f"findings stand under {', '.join(map(shown, list(found)[:4]))}: which are the "
                                 "thresholds is not said")
    return found[called[0]] if called else next(iter(found.values()), None)


def _known(pairs: Iterable[tuple[Any, Any]], is_finding: IsFinding) -> Pairs | None:
    made = [(str(name), value) for name, value in pairs]
    return made if any(is_finding(name) for name, _ in made) else None


def _is(is_finding: IsFinding) -> Callable[[Any], bool]:
    return lambda name: isinstance(name, str) and is_finding(name)


def _inner(value: Any) -> Any:
    """The number of {"threshold": 0.3, ...}; other values as they are."""
    if isinstance(value, dict):
        called = [own for own in value if key(own) in _VALUES]
        if len(called) == 1:
            return value[called[0]]
    return value


def number_of(value: Any) -> float | None:
    """A number, also as text and with a decimal comma; None for what is none, and for true and false."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        if _NUMBER.fullmatch(text):
            return float(text.replace(",", "."))
        return float("inf") if text.casefold().lstrip("+") in ("inf", "infinity", "never") else None
    if not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def shown(value: Any) -> str:
    """A foreign value in an error, short and on one line."""
    if isinstance(value, dict | list):
        return "an object {...}" if isinstance(value, dict) else "a list [...]"
    text = repr(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
