"""Where the films of a table lie on disk, and lists of films."""

import contextlib
import itertools
import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from cxrcore.data import film_ids
from cxrcore.data.description_parts import FILM, Films
from cxrcore.data.files import bounded_file, csv_file
from cxrcore.errors import DataError

TEST_LIST = "test_list.txt"  # of the NIH release
MOST_BASES = 60  # folders that paths may begin in
SPELLINGS = (*film_ids.ENDINGS, *map(str.upper, film_ids.ENDINGS))  # of endings that converted films may have
DEEPER = 2  # further levels of folders, where a folder too high was given; and as many above, where one too low was
MOST_FOLDERS = 20_000  # that are looked into
_FIRST = 20  # paths that tell whether films have another ending than the table gives them
MOST_ABOVE = 200_000  # files of a folder above that are looked at


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
    path (see `film_ids`) right below img_root, or below one folder in it. A film that is not there by its name may be
    there with another ending of images, as converted films are; where no film is there at all, `DEEPER` further levels
    of folders are looked into. `in_words` says what was found so.

    Args:
        films: patterns and depth of the description; None for NIH's: the name, or the name and .png.

    Returns:
        image_id -> path, for the films that are on disk, in the table's order.

    Raises:
        DataError: no such folder, or not one film of the table in it (the text says what was looked for, and where).
    """
    img_root, films = Path(img_root), films or Films()
    if not img_root.is_dir():
        raise DataError(f"no such image folder: {img_root}")
    names, paths = _looked_for(image_ids, films.patterns)
    on_disk = _at_paths(img_root, paths, max(films.drop, 1))
    names = {name: image_id for name, image_id in names.items() if image_id not in on_disk}
    seen = _Seen()
    for depth in (films.depth, films.depth + DEEPER):
        if names and (depth == films.depth or not on_disk):
            seen = _look(img_root, depth, names)
            on_disk = seen.found | on_disk
    if not on_disk:
        raise _none_there(img_root, image_ids, films, seen, list(names or paths))
    return {image_id: on_disk[image_id] for image_id in image_ids if image_id in on_disk}


def in_words(found: Mapping[str, Path], img_root: str | Path, films: Films) -> list[str]:
    """What is worth saying of how `find_films` found films: other endings, folders deeper than was told."""
    lines = []
    others = [path.name for image_id, path in found.items()
              if film_ids.ending(image_id) and film_ids.ending(path.name) != film_ids.ending(image_id)]
    if others:
        lines.append(f"{len(others):,} films have another ending than the table gives them, such as {others[0]}")
    first = next(iter(found.values())).parent
    if films.patterns and all(film_ids.path_of(one) is None for one in found) and first.is_relative_to(img_root):
        levels = len(first.relative_to(img_root).parts)
        if levels >= films.depth:
            lines.append(f"films lie {levels} levels below {img_root}, such as in {first}")
    return lines


@dataclass
class _Seen:
    """What a look into folders found: films, the number of other files, one of them, and how many folders."""

    found: dict[str, Path] = field(default_factory=dict)
    n_other: int = 0
    other: str = ""
    n_folders: int = 0


def _look(img_root: Path, depth: int, names: Mapping[str, str]) -> _Seen:
    seen, by_stem, converted = _Seen(), _ByStem(names), dict[str, Path]()
    for folder, hits, others in _walk(img_root, depth, names):
        seen.n_folders += 1
        for name in hits:
            seen.found.setdefault(names[name], folder / name)
        for name in others:
            image_id = by_stem.film(name)
            if image_id is not None:
                converted.setdefault(image_id, folder / name)
            else:
                seen.n_other, seen.other = seen.n_other + 1, seen.other or name
        if seen.n_folders > MOST_FOLDERS:
            break
    seen.found = converted | seen.found
    return seen


class _ByStem:
    """{name: film} asked by names with other endings; made when it is first needed, which is seldom."""

    def __init__(self, names: Mapping[str, str]):
        self._names = names
        self._stems: dict[str, str | None] | None = None

    def film(self, name: str) -> str | None:
        """The one film that is called so but for the ending; None for no or several."""
        if not film_ids.ending(name):
            return None
        if self._stems is None:
            self._stems = {}
            for own, image_id in self._names.items():
                stem = film_ids.stem(own)
                self._stems[stem] = image_id if self._stems.get(stem, image_id) == image_id else None
        return self._stems.get(film_ids.stem(name))


def _none_there(img_root: Path, image_ids: pd.Series, films: Films, seen: _Seen, wanted: Sequence[str]) -> DataError:
    first = image_ids.iloc[0]
    looked = (f"images_001/images/{first} (to images_012) and {first} itself" if films.patterns == Films.patterns
              and first in wanted else f"{wanted[0]} in it and in its folders")
    if not seen.n_folders:
        return DataError(f"no film of the table under {img_root}: looked for {looked}")
    more = f" such as {seen.other}" if seen.other else ""
    return DataError(f"no film of the table under {img_root}: looked for {looked}, also with other endings, in "
                     f"{seen.n_folders:,} folders down to {films.depth + DEEPER} levels; {seen.n_other:,} other files "
                     f"are there{more}{_above(img_root, dict.fromkeys(wanted, ''))}")


def _above(img_root: Path, wanted: Mapping[str, str]) -> str:
    """Where a folder was given that lies too low: the one above that holds films of the table, for an error."""
    by_stem = _ByStem({name: name for name in wanted})
    for up in list(img_root.absolute().parents)[:DEEPER]:
        with contextlib.suppress(OSError), os.scandir(up) as scan:
            if any(entry.name in wanted or by_stem.film(entry.name) for entry in itertools.islice(scan, MOST_ABOVE)):
                return f"; films of the table lie in {up}: --img_root {up}"
    return ""


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
        places = [place for path in paths for place in _may_be(self.root, path, self.bases)]
        places += [folder / name for name in names for folder in self.folders]
        own_place = next((place for place in places if place.is_file()), None)
        return own_place or next((other for place in places for ending in SPELLINGS
                                  if (other := place.with_name(film_ids.stem(place.name) + ending)).is_file()), None)


def places_in(img_root: Path, films: Films) -> FilmPlaces:
    """The folders below `img_root` that `find_films` looks into; none where there is no such folder."""
    if not img_root.is_dir():
        return FilmPlaces(img_root, (), (), films.patterns)
    return FilmPlaces(img_root, tuple(_bases(img_root, max(films.drop, 1))),
                      tuple(_folders(img_root, films.depth, DEEPER)), films.patterns)


def _folders(folder: Path, depth: int, deeper: int = 0) -> list[Path]:
    """A folder and those in it, down to `depth` levels, in sorted order; then a few of `deeper` levels below them."""
    found, level = [folder], [folder]
    for place in range(1, depth + deeper):
        if place >= depth and len(found) > MOST_BASES:
            break
        level = [path for one in level for path in _inner(one)]
        found += level
    return found


def _inner(folder: Path) -> list[Path]:
    with os.scandir(folder) as scan:
        return sorted(Path(entry.path) for entry in scan if entry.is_dir())


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
    tried = [path for text in itertools.islice(paths, _FIRST) for path in _may_be(img_root, text, bases)]
    ending = next((one for one in ("", *SPELLINGS) if any(_converted(path, one).is_file() for path in tried)), "")
    for text, image_id in paths.items():
        place = next((place for place, base in enumerate(bases) if _converted(base / text, ending).is_file()), None)
        below = _below(img_root, text)
        if place is not None:
            found.setdefault(image_id, _converted(bases[place] / text, ending))
            bases.insert(0, bases.pop(place))  # the next film probably lies in the same one
        elif below is not None and (path := _converted(below, ending)).is_file():
            found.setdefault(image_id, path)
    return found


def _may_be(img_root: Path, text: str, bases: Iterable[Path]) -> list[Path]:
    """Where a film with a path may lie."""
    below = _below(img_root, text)
    return [*(base / text for base in bases), *([] if below is None else [below])]


def _converted(path: Path, ending: str) -> Path:
    """The same film with another ending of images; as it is for ''."""
    return path.with_name(film_ids.stem(path.name) + ending) if ending else path


def _below(img_root: Path, text: str) -> Path | None:
    """Where a path leads that begins with the folder itself, or with folders above it; None where it does not."""
    parts, own = text.split("/"), img_root.absolute().parts
    for n in range(min(len(parts) - 1, len(own)), 0, -1):
        if tuple(parts[:n]) == own[-n:]:
            return img_root.joinpath(*parts[n:])
    return None


def _bases(img_root: Path, depth: int) -> list[Path]:
    """img_root, its folders and theirs, but for levels with more folders than `MOST_BASES`."""
    bases, level = [img_root], [img_root]
    for _ in range(depth):
        level = [Path(entry.path) for folder in level for entry in os.scandir(folder) if entry.is_dir()]
        if not level or len(level) > MOST_BASES:
            break
        bases += sorted(level)
    return bases


def _walk(folder: Path, depth: int, wanted: Container[str]) -> Iterator[tuple[Path, list[str], list[str]]]:
    """(folder, wanted names, names of other files) of `folder` and of its subfolders, in sorted order.

    Args:
        depth: levels that are looked into.
        wanted: names that are taken for files without asking the disk, which links to films and some disks would need.
    """
    with os.scandir(folder) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    hits = [entry.name for entry in entries if entry.name in wanted]
    others = [entry for entry in entries if entry.name not in wanted]
    folders = [entry for entry in others if entry.is_dir()]
    inner = {entry.name for entry in folders}
    yield folder, hits, [entry.name for entry in others if entry.name not in inner]
    if depth > 1:
        for entry in folders:
            yield from _walk(Path(entry.path), depth - 1, wanted)
