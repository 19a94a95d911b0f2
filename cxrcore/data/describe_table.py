"""A description of an unknown table, proposed: TOML to look over, with every guess said in its first lines."""

import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxrcore.data import film_table, guess_table
from cxrcore.data.description import VIEWS, described
from cxrcore.data.description_parts import COLUMNS, label_word
from cxrcore.data.files.replace_file import replacing
from cxrcore.data.guess_table import Guess, KnownNames
from cxrcore.data.splits import PART_SPELLINGS, SPLITS
from cxrcore.data.table_cells import Table
from cxrcore.errors import DataError

ENDINGS = (".png", ".jpg", ".jpeg", ".dcm", ".dicom")
_PATIENT = re.compile(r"(?:p|pat|patient|sub|subject)?[_-]?\d+", re.IGNORECASE)
_SHOWN = 8  # words in a line


def describe(table_path: str | Path, out: str | None = None, name: str | None = None) -> str:
    """The TOML of a description for this table; lines that begin with # say what was guessed and what could not be.

    Args:
        out: the file to write, which then names the table from where it lies.
        name: of the data set; None for the file's.

    Raises:
        DataError: no table, no column of films or findings in it, or `out` is there already.
    """
    table_path = Path(table_path)
    if out is not None and Path(out).exists():
        raise DataError(f"{out} is there already: another --out")
    table = Table(table_path)
    guess = guess_table.guess_table(table, KnownNames(all_names=True))
    values, lines = _values(table, guess, name or table_path.name.split(".")[0])
    place = os.path.relpath(table_path, Path(out).parent) if out else table_path.name
    values["films"] = {"root": ".", "table": Path(place).as_posix(), **values["films"]}
    text = toml_text(values)
    head = ["proposed from the table; look it over before use", *guess.lines, *lines, *_reads(text, table_path)]
    text = "".join(f"# {_printable(line)}\n" for line in head) + "\n" + text
    if out is not None:
        with replacing(Path(out)) as partial:
            partial.write_text(text, encoding="utf-8")
    return text


def _reads(text: str, table_path: Path) -> list[str]:
    """What comes of reading the table so."""
    try:
        read = film_table.read_films(described(tomllib.loads(text), "the proposed description"), table_path)
    except DataError as error:
        return [f"the table cannot be read so yet: {error}"]
    patients = read.images["patient_id"]
    people = f"{patients.nunique():,} patients" if patients.any() else "unknown patients"
    positives = ", ".join(f"{finding} {int(n):,}" for finding, n in zip(
        read.findings, (read.labels == 1).sum(axis=0), strict=True))
    unknown = int(np.isnan(read.labels).sum())
    return [f"read so: {read.n_rows:,} rows, {len(read.images):,} films of {people}; {unknown:,} labels unknown",
            f"films with each finding: {positives}", *read.notes]


def _values(table: Table, guess: Guess, name: str) -> tuple[dict[str, Any], list[str]]:
    """What the TOML says, in order, and further lines."""
    cells = table.first_rows(guess_table.FIRST_ROWS).apply(lambda column: column.str.strip())

    def column(heading: str) -> pd.Series:
        place = table.place_of([heading])
        return cells[place if place is not None else 0]

    people: dict[str, Any] = {key: guess.people[key] for key in guess.people}
    lines: list[str] = []
    films = _films(column(people["film"]), people, lines)
    splits = _split_words(column, people, lines)
    if "patient" in guess.people and column(guess.people["patient"]).str.fullmatch(r"0\d+|\d+\.0").any():
        people["patient"] = {"column": people["patient"], "number": True}
        lines.append("patient: zeros before a number do not count")
    if "view" in guess.people:
        others = [word for word in column(guess.people["view"]).unique() if word and word.upper() not in VIEWS]
        if others:
            lines.append(f"view: these words count as unknown, [views] can say more: {', '.join(others[:_SHOWN])}")
    labels = _labels(guess, column, lines)
    values = {"name": name, "kind": "films", "citation": "", "label_source": "its table", "policy": "unknown",
              "findings": list(dict.fromkeys(guess.findings.values())), "films": films, "columns": people,
              "labels": labels, "vocabulary": dict(guess.findings)}
    values |= {"splits": {"words": splits}} if splits else {}
    values |= {"boxes": _boxes(guess)} if guess.boxes and guess.form != "columns" else {}
    unfamiliar = [own for own in guess.findings if not KnownNames().is_known(own)]
    if unfamiliar:
        lines.append(f"vocabulary: no shipped description knows these, they stay as they are: {_some(unfamiliar)}")
    if guess.left_out:
        lines.append(f"left out: {_some(guess.left_out)}")
    lines.append("citation: nothing in a table says it")
    return {key: value for key, value in values.items() if value != ""}, lines


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def _films(names: pd.Series, people: dict[str, Any], lines: list[str]) -> dict[str, Any]:
    """Pattern and dropped folders; patients out of paths, where no column names them."""
    films: dict[str, Any] = {}
    if names.str.contains("/", regex=False).all():
        parts = pd.DataFrame(names.str.split("/").tolist())
        same = (parts.nunique(dropna=False) == 1).to_numpy()
        drop = int(np.argmin(np.append(same, False)))
        films = {"pattern": "{film}", "drop": drop}
        lines.append(f"film: a path; its first {drop} folder(s) are the same everywhere and not part of the film's id")
        found = [place for place in range(drop, parts.shape[1] - 1)
                 if parts[place].map(lambda text: bool(_PATIENT.fullmatch(str(text)))).all()]
        if "patient" not in people and found:
            people["patient"] = {"column": people["film"], "part": found[0] + 1}
            lines.append(f"patient: part {found[0] + 1} of the path")
    elif not names.str.lower().str.endswith(ENDINGS).all():
        films = {"pattern": ["{film}", *(f"{{film}}{ending}" for ending in ENDINGS)]}
        lines.append(f"film: names without an ending; {', '.join(ENDINGS)} are looked for")
    return films


def _split_words(column: Any, people: dict[str, Any], lines: list[str]) -> dict[str, list[str]]:
    """{part: its words}; the column is dropped where it is no split into train, val and test."""
    if "split" not in people:
        return {}
    found = {word: next((part for part in SPLITS if word.lower() in PART_SPELLINGS[part]), None)
             for word in column(people["split"]).unique()}
    if None in found.values():
        lines.append(f"split: column '{people.pop('split')}' has other words than train, val and test, and is left out")
        return {}
    return {part: words for part in SPLITS if (words := [word for word, own in found.items() if own == part])}


def _labels(guess: Guess, column: Any, lines: list[str]) -> dict[str, Any]:
    if guess.form != COLUMNS:
        labels = {"form": guess.form, "column": guess.names, "separator": guess.separator, "strip": "[]'\" ",
                  "none": list(guess.nothing), "blank": "unknown", "others": "ignored"}
        lines.append("labels: an empty cell counts as unknown; names that are none of the findings are left out")
    else:
        seen = {label_word(text) for heading in guess.findings for text in column(heading).unique()}
        words = {"positive": guess_table.POSITIVE, "negative": guess_table.NEGATIVE,
                 "uncertain": guess_table.UNCERTAIN}
        found = {key: [word for word in known if word in seen] for key, known in words.items()}
        labels = {"form": COLUMNS, **{key: own for key, own in found.items() if own}, "blank": "unknown"}
        lines += [f"labels: {', '.join(own)} is {key}" for key, own in found.items() if own]
        lines += ["labels: an empty cell counts as unknown; blank = \"negative\" if it means 'not there'"
                  ] if "" in seen else []
    if guess.repeated and guess.form != "rows" and "reader" not in guess.people:
        labels["repeated"] = "any"
        lines.append("labels: several rows of a film are one reading, with any of their findings")
    return labels


def _boxes(guess: Guess) -> dict[str, Any]:
    keys: Sequence[str] = (("x_min", "y_min", "x_max", "y_max") if "min" in guess.boxes[0].lower()
                           else ("x", "y", "width", "height"))
    return {"film": guess.people["film"], "finding": guess.names, **dict(zip(keys, guess.boxes, strict=True))}


def toml_text(values: Mapping[str, Any]) -> str:
    """TOML of texts, numbers, lists and sections in sections."""
    return "\n".join(_section(values, ())).strip() + "\n"


def _section(values: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    own = {key: value for key, value in values.items() if not _is_section(value, path)}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in own.items()]
    if path and (own or not values):
        lines = ["", f"[{'.'.join(map(_key, path))}]", *lines]
    for key, value in values.items():
        if key not in own:
            lines += _section(value, (*path, key))
    return lines


def _is_section(value: Any, path: tuple[str, ...]) -> bool:
    """Top-level tables are sections, and those in them that hold no plain values; others stand in one line."""
    return isinstance(value, Mapping) and (not path or path == ("splits",))


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _printable(line: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in line)
