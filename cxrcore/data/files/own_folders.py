"""The one place where folders are deleted: only what the workbench itself made, told by its name and by what is in it.

A folder is meant by the folder that it lies in and by a name of a known form, which has no separators: so nothing
above or beside it can be meant. A link is removed, never followed.
"""

import re
import shutil
from pathlib import Path

from cxrcore import ids
from cxrcore.errors import DataError

_EXPORTED = (r"run\.json|(predictions|films|labels|boxes|metrics|localization)\.parquet|(train|val|test|external)\.csv|"
             r"thresholds|thresholds/\w+_\d{8}-\d{6}-[0-9a-f]{6}\.json")
_INNER = "thresholds"  # the one folder in an export; what is in it counts too
_BY_SYSTEMS = r"\.DS_Store|\._.*|Thumbs\.db|desktop\.ini"  # what file managers leave in any folder
_ENTRIES = {  # {folder: what may lie right in it}; others hold what their owners put there
    ids.EXPORT: _EXPORTED,
    ids.EXPORT_PARTIAL: _EXPORTED,
    ids.EXPORT_OLD: _EXPORTED,
    ids.MAP_PARTIAL: r"pixels\.npy|done\.bin|notes\.jsonl|films\.parquet|manifest\.json",
    ids.BACKUP_PARTIAL: r"store\.duckdb(\.wal|\.gate|\.holder)?|backup\.json|prepared|\d{8}-\d{6}-[0-9a-f]{6}",
    ids.DOWNLOAD: r"datasets",  # of kagglehub's cache
}


def remove(root: Path, name: str, kind: str = ids.RUN) -> None:
    """Delete the folder `root / name` with all that is in it; what cannot be deleted, or is not there, is left.

    Args:
        kind: of the folder: `ids.RUN` (with its checkpoints), `EXPORT`, `EXPORT_PARTIAL`, `EXPORT_OLD`, `MAP_PARTIAL`,
            `BACKUP_PARTIAL` or `DOWNLOAD`.

    Raises:
        DataError: a name or a content that no such folder has; nothing is deleted then.
    """
    folder = root / ids.checked(kind, name)
    if folder.is_symlink():
        folder.unlink(missing_ok=True)
        return
    if others := foreign_entries(folder, kind):
        raise DataError(f"{folder} holds what this workbench did not write there ({', '.join(others[:3])}): it is not "
                        "deleted; move that elsewhere first")
    shutil.rmtree(folder, ignore_errors=True)


def foreign_entries(folder: Path, kind: str) -> list[str]:
    """Names in a folder that the workbench does not write into such a one."""
    if kind not in _ENTRIES or not folder.is_dir():
        return []
    known = re.compile(rf"{_ENTRIES[kind]}|({_INNER}/)?({_BY_SYSTEMS})", re.ASCII)
    inner = folder / _INNER
    names = [entry.relative_to(folder).as_posix() for own in (folder, inner) if own.is_dir() for entry in own.iterdir()]
    return sorted(ascii(name) for name in names if not known.fullmatch(name))
