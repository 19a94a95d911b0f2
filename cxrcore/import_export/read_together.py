"""Several files of predictions at once: each is read and examined on its own, parts of one network as one run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cxrcore.errors import UsageError
from cxrcore.evaluation.data_set_films import DataSetFilms
from cxrcore.import_export import examination, file_names, prediction_file
from cxrcore.import_export.examination import Candidate, Declared
from cxrcore.import_export.prediction_file import PredictionFile
from cxrcore.store import Store


@dataclass(frozen=True)
class ToBe:
    """A run to be.

    Attributes:
        name: proposed by the files' names.
        architecture: proposed by them; empty where they name none.
        candidate: what was examined.
    """

    name: str
    architecture: str
    candidate: Candidate


def grouped(names: Sequence[str], read: Callable[[int], PredictionFile]
            ) -> list[tuple[tuple[int, ...], PredictionFile]]:
    """Files as the runs that they become: (places of the names, what they hold together).

    Args:
        names: of the files, with folders where they have them.
        read: gives the file at a place.

    Raises:
        UsageError: a file that is given twice.
    """
    files = [read(place) for place in range(len(names))]
    seen: dict[str, str] = {}
    for name, file in zip(names, files, strict=True):
        if file.sha256 in seen:
            raise UsageError(f"{name} is given twice" if seen[file.sha256] == name
                             else f"{seen[file.sha256]} and {name} are the same file")
        seen[file.sha256] = name
    found: list[tuple[tuple[int, ...], PredictionFile]] = []
    for group in file_names.groups(names):
        if len(group) > 1 and all(_is_of(files[place], part) for place, part in group.items()):
            found.append((tuple(group), prediction_file.joined({part: files[place] for place, part in group.items()})))
        else:
            found += [((place,), files[place]) for place in group]
    return found


def _is_of(file: PredictionFile, part: str) -> bool:
    return file.parts is None or set(file.parts) == {part}


def examined(names: Sequence[str], read: Callable[[int], PredictionFile], table: DataSetFilms, declared: Declared,
             store: Store | None) -> list[ToBe]:
    """The runs that these files become, each examined.

    Args:
        names, read: as for `grouped`.

    Raises:
        WorkbenchError: of the first file that cannot be read or matched.
    """
    found = []
    for places, file in grouped(names, read):
        own = [names[place] for place in places]
        found.append(ToBe(file_names.run_name(own), file_names.architecture_in(own[0]),
                          examination.examine(file, table, declared, store)))
    return found
