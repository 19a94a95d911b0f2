"""Where the films of a table lie on disk, and lists of films."""

import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cxrcore.data import film_ids
from cxrcore.data.description_parts import FILM, Films
from cxrcore.data.files import bounded_file, csv_file
from cxrcore.errors import DataError

TEST_LIST = "test_list.txt"  # of the NIH release
MOST_BASES = 60  # folders that paths may begin in


def read_list(path: str | Path) -> set[str]:
    """An official list of film names (test_list.txt); its last line ends without a newline.

    Raises:
        DataError: no such list, or not a text.
    """
    try:
        names = bounded_file.content(path).decode("utf-8").split(maxsplit=bounded_file.MAX_ROWS)
        bounded_file.check_rows(len(names), str(path))
        return set(map(csv_file.bare, names))
    except OSError:
        raise DataError(f"no such list of films: {path}; it comes with the NIH data and belongs beside the CSV"
                        ) from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is no list of films: it is not text") from None


def find_films(img_root: str | Path, image_ids: pd.Series, films: Films | None = None) -> dict[str, Path]:
    """Where each film of the table lies.

    A name alone is looked for in `img_root` and in its folders, as NIH's img_root/images_001/images/ to images_012; a
    path (see `film_ids`) right below img_root, or below one folder in it.

    Args:
        films: patterns and depth of the description; None for NIH's: the name, or the name and .png.

    Returns:
        image_id -> path, for the films that are on disk, in the table's order.

    Raises:
        DataError: no such folder, or not one film of the table in it (the text says what was looked for).
    """
    img_root, films = Path(img_root), films or Films()
    if not img_root.is_dir():
        raise DataError(f"no such image folder: {img_root}")
    names, paths = _looked_for(image_ids, films.patterns)
    on_disk = _at_paths(img_root, paths, max(films.drop, 1))
    n_other = 0
    names = {name: image_id for name, image_id in names.items() if image_id not in on_disk}
    if names:
        for folder, hits, others in _walk(img_root, films.depth, names):
            n_other += others
            for name in hits:
                on_disk.setdefault(names[name], folder / name)
    if not on_disk:
        first = image_ids.iloc[0]
        looked = (f"images_001/images/{first} (to images_012) and {first} itself" if films.patterns == Films.patterns
                  and first in names else f"{next(iter(names or paths))} in it and in its folders")
        others = f"; {n_other} other files are there" if names else ""
        raise DataError(f"no film of the table under {img_root}: looked for {looked}{others}")
    return {image_id: on_disk[image_id] for image_id in image_ids if image_id in on_disk}


@dataclass(frozen=True)
class FilmPlaces:
    """Where single films are looked for.

    Attributes:
        root: the folder of the films.
        bases: folders that paths may begin in.
        folders: those that names alone may lie in.
        patterns: of the description.
    """

    root: Path
    bases: tuple[Path, ...]
    folders: tuple[Path, ...]
    patterns: tuple[str, ...]

    def find(self, image_id: str) -> Path | None:
        """The film's file, None where it is not on disk."""
        names, paths = _looked_for([image_id], self.patterns)
        own = f"{self.root.absolute().name}/"  # a path may begin with the folder itself
        places = [base / path for path in paths for base in self.bases]
        places += [self.root / path.removeprefix(own) for path in paths if path.startswith(own)]
        places += [folder / name for name in names for folder in self.folders]
        return next((place for place in places if place.is_file()), None)


def places_in(img_root: Path, films: Films) -> FilmPlaces:
    """The folders below `img_root` that `find_films` looks into; none where there is no such folder."""
    if not img_root.is_dir():
        return FilmPlaces(img_root, (), (), films.patterns)
    return FilmPlaces(img_root, tuple(_bases(img_root, max(films.drop, 1))), tuple(_folders(img_root, films.depth)),
                      films.patterns)


def _folders(folder: Path, depth: int) -> Iterator[Path]:
    """A folder and those in it, down to `depth` levels, in sorted order."""
    yield folder
    if depth > 1:
        with os.scandir(folder) as scan:
            inner = sorted(entry.path for entry in scan if entry.is_dir())
        for path in inner:
            yield from _folders(Path(path), depth - 1)


def _looked_for(image_ids: Iterable[str], patterns: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """{name: film} of what is looked for in all folders, {path: film} of what has its place."""
    names: dict[str, str] = {}
    paths: dict[str, str] = {}
    for pattern in patterns:
        before, after = pattern.split(FILM, 1)
        for image_id in image_ids:
            film = film_ids.path_of(image_id) or image_id
            if not before and after and film.endswith(after):
                continue  # it has that ending already
            text = pattern.replace(FILM, film)
            (paths if "/" in text else names).setdefault(text, image_id)
            if film != image_id and pattern == FILM:  # a file may be called so, too
                names.setdefault(image_id, image_id)
    return names, paths


def _at_paths(img_root: Path, paths: Mapping[str, str], depth: int) -> dict[str, Path]:
    """{film: path} of the films that lie where their paths say, below `img_root` or a folder in it.

    Args:
        depth: levels of folders that the paths may begin in.
    """
    if not paths:
        return {}
    bases = _bases(img_root, depth)
    found: dict[str, Path] = {}
    own = f"{img_root.absolute().name}/"  # a path may begin with the folder itself
    for text, image_id in paths.items():
        place = next((place for place, base in enumerate(bases) if (base / text).is_file()), None)
        if place is not None:
            found.setdefault(image_id, bases[place] / text)
            bases.insert(0, bases.pop(place))  # the next film probably lies in the same one
        elif text.startswith(own) and (img_root / text.removeprefix(own)).is_file():
            found.setdefault(image_id, img_root / text.removeprefix(own))
    return found


def _bases(img_root: Path, depth: int) -> list[Path]:
    """img_root, its folders and theirs, but for levels with more folders than `MOST_BASES`."""
    bases, level = [img_root], [img_root]
    for _ in range(depth):
        level = [Path(entry.path) for folder in level for entry in os.scandir(folder) if entry.is_dir()]
        if len(level) > MOST_BASES:
            break
        bases += sorted(level)
    return bases


def _walk(folder: Path, depth: int, wanted: Container[str]) -> Iterator[tuple[Path, list[str], int]]:
    """(folder, wanted names, number of other files) of `folder` and of its subfolders, in sorted order.

    Args:
        depth: levels that are looked into.
        wanted: names that are taken for files without asking the disk, which links to films and some disks would need.
    """
    with os.scandir(folder) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    hits = [entry.name for entry in entries if entry.name in wanted]
    others = [entry for entry in entries if entry.name not in wanted]
    folders = [entry for entry in others if entry.is_dir()]
    yield folder, hits, len(others) - len(folders)
    if depth > 1:
        for entry in folders:
            yield from _walk(Path(entry.path), depth - 1, wanted)
