"""The films that Home shows with their maps, as an evaluation left them beside the run; no network is asked."""

import contextlib
from dataclasses import dataclass
from zipfile import BadZipFile

import numpy as np

from cxrcore.data.files import bounded_file
from cxrcore.errors import WorkbenchError
from cxrcore.queries import film_pixels, from_store
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.kept import kept
from cxrcore.queries.threshold_sets import default_key, find_set
from cxrcore.store import Store
from cxrcore.store.run_folder import HOME_MAPS

_MOST_SIDE = 256  # cells a side of a kept map


@dataclass(frozen=True)
class HomeFilm:
    """A test film and what the run said of it.

    Attributes:
        pixels: uint8 (S, S).
        labels: findings that it is labelled with.
        scores, thresholds: {finding: number} of the findings that the run knows, the greatest score / threshold first.
        maps: {finding: uint8 (s, s), the map over the whole film}; empty where none was kept.
    """

    image_id: str
    pixels: np.ndarray
    labels: tuple[str, ...]
    scores: dict[str, float]
    thresholds: dict[str, float]
    maps: dict[str, np.ndarray]


@dataclass(frozen=True)
class _Kept:
    image_ids: tuple[str, ...]
    findings: tuple[str, ...]
    maps: np.ndarray


def read(store: Store, run: Evaluated, part: str) -> list[HomeFilm]:
    """The films with their maps; without kept maps a film alone; none where no film is at hand.

    Args:
        part: with predictions of the run.
    """
    held = _maps_of(store, run.run_id)
    found = from_store.predictions(store, run.read(part))
    films = film_pixels.films_of(store, run.parts[part]["dataset_id"])
    if films is None:
        return []
    wanted = held.image_ids if held else _with_a_finding(found.image_ids, found.labels)
    values = find_set(store, run, default_key(run)).thresholds
    made = []
    for image_id in wanted:
        rows, pixels = np.flatnonzero(found.image_ids == image_id), films.film(image_id)
        if not len(rows) or pixels is None:
            continue
        scores, labels = found.scores[rows[0]], found.labels[rows[0]]
        order = [int(k) for k in np.argsort(-scores / np.maximum(values, 1e-9)) if not np.isnan(scores[k])]
        made.append(HomeFilm(
            image_id, pixels, tuple(found.findings[k] for k in np.flatnonzero(labels == 1)),
            {found.findings[k]: float(scores[k]) for k in order}, {found.findings[k]: float(values[k]) for k in order},
            {} if held is None else {name: held.maps[held.image_ids.index(image_id), place]
                                     for place, name in enumerate(held.findings)}))
    return made


def _with_a_finding(image_ids: np.ndarray, labels: np.ndarray) -> list[str]:
    """The first film that has one."""
    return [str(image_ids[row]) for row in np.flatnonzero((labels == 1).any(axis=1))[:1]]


def _maps_of(store: Store, run_id: str) -> _Kept | None:
    path = store.run_file(run_id, HOME_MAPS)
    if path is None:
        return None
    with contextlib.suppress(OSError):
        stat = path.stat()
        return _read(str(path), stat.st_mtime_ns, stat.st_size)
    return None


@kept(8)  # some 30 kB each
def _read(path: str, mtime_ns: int, size: int) -> _Kept | None:
    """None where the file is none of ours."""
    try:
        bounded_file.check_arrays(path, HOME_MAPS)
        with np.load(path, allow_pickle=False) as held:
            image_ids, findings, maps = (held[name] for name in ("image_ids", "findings", "maps"))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, WorkbenchError):
        return None
    n, k = image_ids.size, findings.size
    fits = maps.dtype == np.uint8 and maps.ndim == 4 and maps.shape[:2] == (n, k) and max(maps.shape[2:]) <= _MOST_SIDE
    return _Kept(tuple(map(str, image_ids)), tuple(map(str, findings)), maps) if fits else None
