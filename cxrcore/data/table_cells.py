"""Columns of a CSV as text, whatever else is wrong with it: taken by name, within the bounds of foreign files."""

import contextlib
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Generator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from cxrcore.data.files import bounded_file, people_csv
from cxrcore.errors import DataError

# What pandas raises on files that are no table: text in another coding, damaged or foreign archives, odd rows.
UNREADABLE = (ValueError, OSError, EOFError, ImportError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
              tarfile.TarError)
_SHOWN = 12  # headings in an error
_LONGEST = 100  # characters of a heading that count


class Table:
    """A CSV, open: its headings, and columns of it as text.

    Args:
        path: packed or plain, see `bounded_file.table_text`; with commas, semicolons or tabs, see `people_csv`.

    Attributes:
        notes: lines worth printing of how it is written; () where nothing is out of the usual.
        has_paths: there is a / or a backslash in it somewhere.

    Raises:
        DataError: no such file, not a table, or too large.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        with _in_one_line(self.path):
            data = bounded_file.table_text(path)
            self._dialect = people_csv.sniff(data)
            data = people_csv.utf8(data, self._dialect)
            self.notes, self.has_paths = self._dialect.notes, b"/" in data or b"\\" in data
            self._text = io.BytesIO(data)
            header = pd.read_csv(self._text, nrows=0, sep=self._dialect.separator).columns
            self._text.seek(0)  # as they stand there: pandas calls the second of two 'Mass' 'Mass.1'
            raw = pd.read_csv(self._text, nrows=1, header=None, dtype=str, sep=self._dialect.separator,
                              keep_default_na=False)
        bounded_file.check_rows(0, str(path), len(header))
        own = raw.fillna("").iloc[0].tolist() if len(raw.columns) == len(header) else list(header)
        self.headings = tuple(shown(text if text.strip() else name, _LONGEST)
                              for text, name in zip(own, header, strict=True))
        self._place = {name.lower(): place for place, name in reversed(list(enumerate(self.headings)))}

    def place_of(self, names: Sequence[str]) -> int | None:
        """The column with the first of these headings that is there, in whatever case, from 0; None without one."""
        keys = (key for name in names for key in (name.lower(), shown(name, _LONGEST).lower()))  # a cut heading, too
        return next((self._place[key] for key in keys if key in self._place), None)

    def places(self, wanted: Mapping[str, Sequence[str]], optional: Collection[str], what: str) -> dict[str, int]:
        """{key: column, from 0} of the columns that are there.

        Args:
            wanted: {key: headings, of which the first that is there counts}.
            optional: keys of columns that may be missing.
            what: the table should be, for the error.

        Raises:
            DataError: missing columns; the text names them and what is there.
        """
        found = {key: self.place_of(names) for key, names in wanted.items()}
        missing = list(dict.fromkeys(wanted[key][0] for key, place in found.items()
                                     if place is None and key not in optional))
        if missing:
            raise DataError(f"{self.path} is no table of {what}: missing column(s) {', '.join(missing)}; it has "
                            f"{', '.join(self.headings[:_SHOWN])}")
        return {key: place for key, place in found.items() if place is not None}

    def cells(self, places: Collection[int]) -> pd.DataFrame:
        """These columns as text, named by their places; "" where a cell is empty.

        The header is skipped, not used: its field count may differ from the rows', which would shift the columns.
        """
        used = sorted(set(places))
        return self._read(used, None).reindex(columns=used, fill_value="")  # rows may all be shorter than the header

    def first_rows(self, n: int) -> pd.DataFrame:
        """All columns of the first rows as text, one a heading; "" where a row has none."""
        return self._read(None, n).reindex(columns=range(len(self.headings)), fill_value="")

    def _read(self, used: list[int] | None, n_rows: int | None) -> pd.DataFrame:
        self._text.seek(0)
        with _in_one_line(self.path):
            cells = pd.read_csv(self._text, header=None, skiprows=1, usecols=used, dtype=str, nrows=n_rows,
                                sep=self._dialect.separator, keep_default_na=False)
        if cells.empty:
            raise DataError(f"{self.path} has no rows")
        cells = cells.fillna("")
        return cells if self._dialect.decimal == "." else cells.apply(people_csv.with_points)


def shown(text: object, most: int = 60) -> str:
    """A cell in an error: on one line, and not too long."""
    plain = " ".join(str(text).split())[:most]
    return plain if plain.isprintable() else ascii(plain)[1:-1]


@contextlib.contextmanager
def _in_one_line(path: Path) -> Generator[None]:
    """What is wrong with a file that is read as a table, as a DataError."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"no such CSV: {path}") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder; the CSV itself is needed, for example {path / 'Data_Entry_2017.csv'}"
                        ) from None
    except pd.errors.EmptyDataError:
        raise DataError(f"{path} is empty") from None
    except UNREADABLE as error:
        raise DataError(f"{path} cannot be read as CSV: {' '.join(str(error).split())}") from None
