"""Where runs had their films and labels from, as their settings say: read again, and looked for on disk."""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cxrcore.data import description, film_files, films
from cxrcore.data.description_parts import Films
from cxrcore.data.film_files import FilmPlaces
from cxrcore.data.film_table import FilmTable
from cxrcore.errors import WorkbenchError
from cxrcore.queries.kept import kept


@dataclass(frozen=True)
class FilmSource:
    """What a run was trained from; there or gone.

    Attributes:
        csv_path: the table.
        img_root: the folder of films.
        data, policy: how the table is read, as for `films.read_table`.
    """

    csv_path: Path
    img_root: Path
    data: str | None = None
    policy: str | None = None

    def table(self) -> FilmTable:
        """The table as the run read it.

        Raises:
            WorkbenchError: it is gone, or does not do any more.
        """
        return films.read_table(self.csv_path, self.data, self.policy)

    @property
    def films(self) -> Films:
        """How its films are found; NIH's way where the description is gone."""
        try:
            return films.description_of(self.csv_path, self.data).films
        except WorkbenchError:
            return Films()

    @property
    def test_list(self) -> str:
        """What the list of the official test set is called."""
        try:
            return films.description_of(self.csv_path, self.data).test_list or film_files.TEST_LIST
        except WorkbenchError:
            return film_files.TEST_LIST

    def places(self) -> FilmPlaces:
        """Where single films lie."""
        return _places(self, _changed_at(self.img_root))

    def is_home_of(self, dataset_id: str) -> bool:
        """Whether the table is still this data set's."""
        return _is_home(self, dataset_id, _changed_at(self.csv_path))


def sources(runs: pd.DataFrame) -> tuple[FilmSource, ...]:
    """What these runs were trained from, the newest first, each once."""
    configs = [json.loads(text or "{}") for text in runs["config"]]
    return tuple(dict.fromkeys(FilmSource(Path(own["csv_path"]), Path(own["img_root"]), own.get("data"),
                                          own.get("policy"))
                               for own in configs if own.get("csv_path") and own.get("img_root")))


def names_repeat(kind: str) -> bool:
    """Whether another data set may call other films the same.

    A name of a published data set means one film the world over; phantoms share their names, and somebody's own films
    may be called anything.

    Args:
        kind: of the data set.
    """
    return kind not in description.published_kinds()


def _changed_at(path: Path) -> int:
    """Nanoseconds; 0 where there is nothing."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@kept(8)
def _places(source: FilmSource, changed_at: int) -> FilmPlaces:
    return film_files.places_in(source.img_root, source.films)


@kept(64)
def _is_home(source: FilmSource, dataset_id: str, changed_at: int) -> bool:
    try:
        return source.table().dataset_id == dataset_id
    except (WorkbenchError, OSError):
        return False
