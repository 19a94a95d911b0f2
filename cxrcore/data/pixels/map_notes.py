"""What was taken in reading the DICOM films of a map: kept while it is made, and summed up in a few lines.

A line of JSON a film, so that a preparation that was killed loses none.
"""

import contextlib
import json
import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

FILE = "notes.jsonl"  # in a map that is being made
MOST = 5  # kinds that are told

_LOG = logging.getLogger(__name__)  # scripts print what it says


def add(partial: Path, notes: Mapping[int, str]) -> None:
    """Keep row -> notes."""
    if lines := [json.dumps([row, said]) + "\n" for row, said in notes.items() if said]:
        with open(partial / FILE, "a") as file:
            file.writelines(lines)


def read(partial: Path) -> dict[int, str]:
    """All that were kept; a line that was cut by a kill is left out, because its film is read again."""
    found: dict[int, str] = {}
    with contextlib.suppress(FileNotFoundError), open(partial / FILE) as file:
        for line in file:
            with contextlib.suppress(ValueError):
                row, said = json.loads(line)
                found[row] = said
    return found


def in_words(notes: Iterable[str]) -> list[str]:
    """The commonest kinds of notes and of how many films each is; numbers, which differ by film, are left out."""
    kinds = Counter(re.sub(r"-?\d[\d.,e+-]*", "#", note) for said in notes for note in set(said.split("; ")) if note)
    told = [f"{n:,} DICOM {'film' if n == 1 else 'films'} read as: {kind}" for kind, n in kinds.most_common(MOST)]
    if len(kinds) > MOST:
        told.append(f"and {len(kinds) - MOST} further kinds of note: column 'notes' of films.parquet beside the map")
    return told


def say(notes: Iterable[str]) -> None:
    """Log what `in_words` tells."""
    for line in in_words(notes):
        _LOG.info(line)
