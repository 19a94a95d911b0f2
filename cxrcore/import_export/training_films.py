"""The films or patients that a network was trained on, as people list them: a text, or a CSV's first column."""

from pathlib import Path

from cxrcore.data.files import bounded_file, csv_file
from cxrcore.errors import DataError


def train_list_of(path: str | Path) -> frozenset[str]:
    """Films or patients of a list on disk; see `train_list`.

    Raises:
        DataError: no such list, or not a text.
    """
    try:
        return train_list(bounded_file.content(path), str(path))
    except OSError as error:
        raise DataError(f"no list of training films can be read from {path}: {error.strerror}") from None


def train_list(content: bytes, name: str) -> frozenset[str]:
    """Films (with or without folders) or patients, one a line; of a CSV the first column."""
    bounded_file.check_size(len(content), name)
    bounded_file.check_lines(content, name)
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        raise DataError(f"{name} is no list of films: it is not text") from None
    entries = (line.split(",")[0].strip().strip('"').replace("\\", "/") for line in lines)
    return frozenset(csv_file.bare(entry).rsplit("/", 1)[-1] for entry in entries if entry)
