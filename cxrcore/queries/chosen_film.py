"""Which film the Explain page shows: an uploaded file or one of the data set, and what is known of it."""

import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cxrcore.data import splits
from cxrcore.data.files.replace_file import replacing
from cxrcore.data.film_files import FilmPlaces
from cxrcore.data.pixels import decode_film, film_file, find_film, prepared
from cxrcore.data.pixels.film_file import Film
from cxrcore.data.pixels.prepared import PreparedPixels
from cxrcore.errors import FilmError, WorkbenchError
from cxrcore.findings import display_name
from cxrcore.queries import data_set, film_sources, from_store
from cxrcore.queries.from_store import Labelled
from cxrcore.queries.kept import kept
from cxrcore.store import Store

N_EXAMPLES = 3
DEFAULT_SIZE = 224


@dataclass(frozen=True)
class ChosenFilm:
    """A film to explain.

    Attributes:
        name: for the person who chose it; of an upload its file's name, which is kept nowhere.
        film: its pixels, and what was done to read them.
        image_id: of the run's data set, where the film is one of it, else None.
        part: 'train', 'val' or 'test' of the run's split; None where that is not known.
    """

    name: str
    film: Film
    image_id: str | None
    part: str | None


@dataclass(frozen=True)
class RunFilms:
    """The films that a run belongs to.

    Attributes:
        images: of the data set.
        labels: float32 (n, k).
        findings: k names, in the labels' order.
        parts: index into `splits.SPLITS` of each film; None where the split cannot be drawn again.
        places: where its files may lie on disk.
        kind: of the data set.
    """

    images: pd.DataFrame
    labels: np.ndarray
    findings: tuple[str, ...]
    parts: np.ndarray | None
    places: tuple[FilmPlaces, ...]
    kind: str

    def part_of(self, image_id: str) -> str | None:
        """'train', 'val' or 'test'."""
        row = self.row_of(image_id)
        if row is None or self.parts is None or not 0 <= self.parts[row] < len(splits.SPLITS):
            return None
        return splits.SPLITS[self.parts[row]]

    def row_of(self, image_id: str) -> int | None:
        """The film's place among the images."""
        rows = np.flatnonzero(self.images["image_id"].to_numpy() == image_id)
        return int(rows[0]) if len(rows) else None

    def labels_of(self, image_id: str) -> list[str]:
        """The findings that the film is labelled with, as people write them."""
        row = self.row_of(image_id)
        return [] if row is None else [display_name(self.findings[k]) for k in np.flatnonzero(self.labels[row] == 1)]

    def known_labels(self, image_id: str) -> dict[str, bool]:
        """{finding: whether the film has it}, of the findings whose label is known."""
        row = self.row_of(image_id)
        return {} if row is None else {finding: bool(label) for finding, label
                                       in zip(self.findings, self.labels[row], strict=True) if not np.isnan(label)}


def films_of(store: Store, run: pd.Series, runs: pd.DataFrame, datasets: pd.DataFrame) -> RunFilms:
    """The films of a run's data set, and who is where in its split."""
    dataset_id = run["dataset_id"]
    found = data_set.holdings(store, dataset_id)
    own = runs[runs["dataset_id"] == dataset_id]
    kind = datasets.at[dataset_id, "kind"] if dataset_id in datasets.index else ""
    homes = [source for source in film_sources.sources(own)
             if not film_sources.names_repeat(kind) or source.is_home_of(dataset_id)]
    try:
        key = data_set.SplitKey(run["split_scheme"], int(run["split_seed"]), run["split_fingerprint"])
        parts = data_set.assignment(store, found, key, own)
    except (WorkbenchError, KeyError, ValueError):  # a split that was given, or lists that are gone
        parts = None
    places = tuple(dict.fromkeys(source.places() for source in homes))
    return RunFilms(found.images, found.labels, found.findings, parts, places, kind)


def size_of(run: pd.Series) -> int:
    """Pixels a side that a run's network takes, as its settings say."""
    return int(json.loads(run["config"] or "{}").get("img_size") or DEFAULT_SIZE)


# -- stored films


def stored(store: Store, films: RunFilms, image_id: str, size: int) -> ChosenFilm:
    """A film of the data set: the file itself where it is on disk, else its prepared pixels.

    Args:
        size: pixels a side that the network takes.

    Raises:
        FilmError: neither is there.
    """
    if films.row_of(image_id) is None:
        raise FilmError(f"the run's data set has no film {image_id}")
    path = _on_disk(films.places, image_id)
    if path is not None:
        film = decode_film.read_in_limits(path, image_id)
    elif (held := _map_with(store, films, image_id, size)) is not None:
        film = Film(np.array(held.pixels[held.row_of[image_id]]),
                    (f"prepared pixels of {size} x {size}: the file itself is not on this disk",), "prepared")
    else:
        raise FilmError(f"film {image_id} is neither in the folders that its runs were trained from nor prepared: "
                        "upload the file")
    return ChosenFilm(image_id, film, image_id, films.part_of(image_id))


def examples(store: Store, films: RunFilms, finding: str | None, size: int) -> list[str]:
    """Some films of the test split (else any) with a finding, or with any finding, whose pixels are here."""
    if finding is None:
        rows = np.flatnonzero((films.labels == 1).any(axis=1))
    else:
        labelled = finding in films.findings  # a network may know findings that the films have no label of
        rows = np.flatnonzero(films.labels[:, films.findings.index(finding)] == 1) if labelled else np.arange(0)
    if films.parts is not None:
        test = rows[films.parts[rows] == splits.SPLITS.index("test")]
        rows = test if len(test) else rows
    names = films.images["image_id"].to_numpy()[np.random.default_rng(0).permutation(rows)]
    found = []
    for image_id in names[:200]:
        if _on_disk(films.places, image_id) or _map_with(store, films, image_id, size):
            found.append(image_id)
        if len(found) == N_EXAMPLES:
            break
    return found


def _on_disk(places: Sequence[FilmPlaces], image_id: str) -> Path | None:
    """The film's file in the first of these places that has it."""
    if image_id != Path(image_id).name:
        return None
    return next((path for place in places if (path := place.find(image_id))), None)


def _map_with(store: Store, films: RunFilms, image_id: str, size: int) -> PreparedPixels | None:
    """A prepared map of this size with the film; never for films whose names repeat."""
    if film_sources.names_repeat(films.kind):
        return None
    return next((held for held in _maps(store, size) if image_id in held.row_of), None)


def _maps(store: Store, size: int) -> list[PreparedPixels]:
    """The finished maps of this size beside the store, those of the newest rule first."""
    found = []
    for one in sorted(prepared.finished_maps(store.folder / "prepared"), key=lambda one: -one.version):
        if one.size == size:
            with contextlib.suppress(OSError, WorkbenchError):  # damaged, or removed just now
                found.append(_opened(one.folder, one.changed_at))
    return found


@kept(8)
def _opened(folder: Path, changed_at: int) -> PreparedPixels:
    return prepared.open_prepared(folder)


# -- uploads


def uploaded(store: Store, films: RunFilms, data: bytes, name: str, size: int) -> ChosenFilm:
    """An uploaded file, recognised where its pixels are those of a film of the run's data set.

    Raises:
        FilmError: it cannot be read; the text says why.
    """
    film = _read(hashlib.sha256(data).hexdigest(), data)
    image_id = _recognised(store, films, film_file.resize(film.pixels, size), size)
    return ChosenFilm(name, film, image_id, films.part_of(image_id) if image_id else None)


@kept(4)  # of 1,024 pixels 1 MB each
def _read(key: str, _data: bytes) -> Film:
    return decode_film.read_in_limits(_data)


def _recognised(store: Store, films: RunFilms, small: np.ndarray, size: int) -> str | None:
    for held in _maps(store, size):
        image_id = find_film.find_film_in(held, small, _strips(held.folder, held, store.folder / "cache"))
        if image_id and films.row_of(image_id) is not None:
            return image_id
    return None


@kept(4)
def _strips(folder: Path, _held: PreparedPixels, _cache: Path) -> np.ndarray:
    """`find_film.strips`, kept in a file: of a large map they are read from all over the disk."""
    file = _cache / f"strips-{folder.name}.npy"
    try:
        return np.load(file)
    except (OSError, ValueError, EOFError):
        found = find_film.strips(_held)
    with contextlib.suppress(OSError):  # a store on a disk that may not be written to
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as partial:
            np.save(partial, found)
    return found


def stored_scores(store: Store, read: Sequence[Labelled], image_id: str) -> dict[str, float]:
    """{finding: score} that an evaluation stored for this film; empty where it was not evaluated."""
    for of in read:
        held = from_store.predictions(store, of)
        rows = np.flatnonzero(np.asarray(held.image_ids) == image_id)
        if len(rows):
            return dict(zip(held.findings, held.scores[rows[0]].tolist(), strict=True))
    return {}
