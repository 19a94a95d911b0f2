"""The forms of the names that the workbench itself makes, which names from outside are held to.

Whatever a foreign file, a link or a flag calls a run, a prediction set or a film passes here before it becomes part of
a path or of the store. A later form joins as one more line of `_SPELLINGS`; what was once made stays valid.
"""

import re

from cxrcore.errors import DataError

RUN, PREDICTIONS, THRESHOLDS, CALIBRATOR = "run id", "prediction id", "threshold set id", "calibrator id"
DATASET, FILE, SPLIT, LABELS = "data set id", "file name", "part of a split", "name of a label set"
EXPORT, EXPORT_PARTIAL, MAP_PARTIAL, DOWNLOAD = "run folder", "half a run folder", "half a map", "download"  # folders
BACKUP_PARTIAL, EXPORT_OLD = "half a backup", "older run folder"

_MADE = r"\d{8}-\d{6}-[0-9a-f]{6}"  # as `file.new_id` makes them: time and a random part
_SPELLINGS = {
    RUN: (_MADE,),
    PREDICTIONS: (_MADE,),
    THRESHOLDS: (_MADE,),
    CALIBRATOR: (_MADE,),
    DATASET: (r"[0-9a-f]{12}",),  # as `data.film_table.dataset_hash` makes them
    SPLIT: ("train", "val", "test", "external"),
    LABELS: (r"[A-Za-z0-9]([A-Za-z0-9 ._-]{0,58}[A-Za-z0-9._-])?",),  # no space at its end, which nobody sees
    EXPORT: (_MADE,),
    EXPORT_PARTIAL: (rf"{_MADE}\.partial",),
    EXPORT_OLD: (rf"{_MADE}\.old",),
    MAP_PARTIAL: (r"[0-9a-f]{12}\.partial",),
    BACKUP_PARTIAL: (r"[^/\\]+\.partial",),
    DOWNLOAD: (r"[^/\\]+\.part",),
    FILE: (r"(?!\.{1,2}$)[^/\\\s]([^/\\]*[^/\\\s])?",),  # a film's or a checkpoint's: a name alone, without folders
}
_FORMS = {kind: re.compile("|".join(f"(?:{form})" for form in forms), re.ASCII) for kind, forms in _SPELLINGS.items()}
LONGEST = 255  # bytes, of a name that file systems take
_SHOWN = 60  # characters of a foreign name in an error


def number_of(name: str) -> int:
    """A whole number that grows with the time in an id of the workbench's making; 0 for any other text.

    Two ids may share one: it narrows a search by id down, and the id itself decides.
    """
    if re.fullmatch(_MADE, name, re.ASCII) is None:
        return 0
    return int(name[:8] + name[9:15]) << 16 | int(name[16:20], 16)


def is_one(kind: str, name: object) -> bool:
    """Whether a name has a form that the workbench makes.

    Args:
        kind: `RUN`, `PREDICTIONS` or another of this module's.
    """
    return (isinstance(name, str) and name.isprintable() and len(name.encode()) <= LONGEST
            and _FORMS[kind].fullmatch(name) is not None)


def checked(kind: str, name: object) -> str:
    """The name, if it has a form that the workbench makes.

    Raises:
        DataError: it has none; the text shows it.
    """
    if isinstance(name, str) and is_one(kind, name):
        return name
    shown = ascii(name)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
    raise DataError(f"{shown} is no {kind} that this workbench makes")
