"""Phantoms on disk in the exact NIH layout: table, box list, official lists, images_001/images/ and so on.

Beside NIH's table, whose labels may be wrong, lies `truth.csv` with what the films truly have: `Image Index`, then a
column of 0 and 1 for each finding of the recipe. A finding whose sign is faint or hidden by the difficulty is there all
the same. `description.toml` says which findings these are and where their labels come from.

A folder is marked by `phantoms.json` before its first film; a folder without the mark is never written to. A folder of
an older version lacks truth and description, and is left as it is.
"""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin
from tqdm import tqdm

from cxrcore.data import splits
from cxrcore.data.description import BESIDE
from cxrcore.data.files import bounded_file
from cxrcore.data.files.replace_file import replacing
from cxrcore.data.phantoms.mark import MARK, TRUTH
from cxrcore.data.phantoms.recipe import FIRST_PATIENT, MILLIMETRES, PhantomPlan, Recipe, draw_film, plan
from cxrcore.data.phantoms.textures import Textures
from cxrcore.errors import DataError, WorkbenchError
from cxrcore.interrupts import start_worker, starting_workers

TABLE, BOXES = "Data_Entry_2017.csv", "BBox_List_2017.csv"
TRAIN_VAL_LIST, TEST_LIST = "train_val_list.txt", "test_list.txt"
FILMS_PER_FOLDER = 10_000  # as NIH's images_002 and later
CHUNK = 32  # films a job
FEW_FILMS = 200  # fewer are drawn in this process: starting others takes longer

_HEADER = ("Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
           "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],")
_BOX_HEADER = "Image Index,Finding Label,Bbox [x,y,w,h],,,"
_BOX_SPELLING = {"Infiltration": "Infiltrate"}
Box = tuple[int, int, int, int]  # x, y, width, height

_WORDS = "SYNTHETIC phantom, drawn by a program; not a patient"


@dataclass(frozen=True)
class Phantoms:
    """A finished data set of phantoms.

    Attributes:
        folder: holds the table and the films.
        n_patients: of `plan`.
        were_there: nothing had to be drawn.
    """

    folder: Path
    plan: PhantomPlan
    n_patients: int
    were_there: bool


def make_phantoms(recipe: Recipe, folder: str | Path, workers: int | None = None, progress: bool = True) -> Phantoms:
    """Draw a data set; the table is written last, so a folder with a table is finished and is left as it is.

    Args:
        workers: processes; None takes one a core.

    Raises:
        DataError: the folder holds something else than phantoms of this recipe.
    """
    folder = Path(folder)
    _claim(folder, recipe)
    planned = plan(recipe)
    were_there = (folder / TABLE).exists()
    if not were_there:
        boxes = _draw_all(planned, folder, workers or os.cpu_count() or 1, progress)
        _write_tables(planned, boxes, folder)
    return Phantoms(folder, planned, int(planned.people.films["patient"].iloc[-1]) + 1, were_there)


def _claim(folder: Path, recipe: Recipe) -> None:
    """Mark an empty folder as ours; refuse any other that is not."""
    mark = folder / MARK
    if mark.exists():
        if _read_mark(mark) != recipe:
            raise DataError(f"{folder} holds phantoms of another recipe ({mark.name} says which): choose another "
                            "folder with --out, or delete this one")
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} is not empty and holds no phantoms: nothing is written there; choose another "
                        "folder with --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(mark, json.dumps({"what": _WORDS, "recipe": asdict(recipe), "numpy": np.__version__}, indent=1))
    except OSError as error:
        raise DataError(f"the folder {folder} cannot be made: {error.strerror}") from None


def _read_mark(mark: Path) -> Recipe | None:
    """The recipe of a mark, None where it is none; marks from before lists of findings mean NIH's."""
    try:
        return Recipe(**bounded_file.settings(mark)["recipe"])
    except (ValueError, KeyError, TypeError, OSError, WorkbenchError):
        return None


def _replace(path: Path, text: str) -> None:
    with replacing(path, alone=True) as partial:
        partial.write_text(text, encoding="utf-8")


# -- films


def film_path(folder: Path, planned: PhantomPlan, film: int) -> Path:
    """Where a film lies."""
    return folder / f"images_{film // FILMS_PER_FOLDER + 1:03d}" / "images" / planned.image_id(film)


def _draw_all(planned: PhantomPlan, folder: Path, workers: int, progress: bool) -> list[dict[str, Box]]:
    """The boxes of every film, in order."""
    for film in range(0, planned.recipe.films, FILMS_PER_FOLDER):
        film_path(folder, planned, film).parent.mkdir(parents=True, exist_ok=True)
    chunks = [range(i, min(i + CHUNK, planned.recipe.films)) for i in range(0, planned.recipe.films, CHUNK)]
    boxes: list[dict[str, Box]] = []
    with tqdm(total=planned.recipe.films, unit=" films", desc="Drawing phantoms", disable=not progress) as bar:
        for result in _run(planned, folder, chunks, workers if planned.recipe.films > FEW_FILMS else 1):
            boxes += result
            bar.update(len(result))
    return boxes


def _run(planned: PhantomPlan, folder: Path, chunks: list[range], workers: int) -> Iterator[list[dict[str, Box]]]:
    if workers == 1:
        _prepare(planned, folder)
        yield from map(_draw_chunk, chunks)
        return
    try:
        with ProcessPoolExecutor(workers, get_context("spawn"), _start_process, (planned, folder)) as pool:
            with starting_workers():
                drawn = pool.map(_draw_chunk, chunks)
            yield from drawn
    except BrokenProcessPool:
        raise DataError("a process that drew phantoms was killed (out of memory?): run the same command "
                        "again, with fewer --workers") from None


_work: dict[str, Any] = {}  # what each process holds: the plan is sent once, not with every job


def _prepare(planned: PhantomPlan, folder: Path) -> None:
    _work.update(plan=planned, folder=folder, textures=Textures(planned.recipe.size))


def _start_process(planned: PhantomPlan, folder: Path) -> None:
    start_worker()
    _prepare(planned, folder)


def _draw_chunk(films: range) -> list[dict[str, Box]]:
    planned, folder, textures = _work["plan"], _work["folder"], _work["textures"]
    boxes = []
    for film in films:
        pixels, found = draw_film(planned, film, textures)
        _save(pixels, film_path(folder, planned, film))
        boxes.append(found)
    return boxes


def _save(pixels: np.ndarray, path: Path) -> None:
    words = PngImagePlugin.PngInfo()
    words.add_text("Description", _WORDS)
    with replacing(path, alone=True) as partial:
        Image.fromarray(pixels).save(partial, "PNG", compress_level=1, pnginfo=words)


# -- tables


def _write_tables(planned: PhantomPlan, drawn: list[dict[str, Box]], folder: Path) -> None:
    films = planned.people.films
    ids = [planned.image_id(film) for film in range(len(films))]
    patients = [str(FIRST_PATIENT + patient) for patient in films["patient"]]
    split = splits.draw_split("patient", ids, patients, planned.labels, planned.recipe.seed)
    test = set(split.rows("test").tolist())
    _replace(folder / TEST_LIST, "\n".join(ids[i] for i in range(len(ids)) if i in test))
    _replace(folder / TRAIN_VAL_LIST, "\n".join(ids[i] for i in range(len(ids)) if i not in test))
    _replace(folder / BOXES, "\n".join([_BOX_HEADER, *_box_rows(planned, ids, drawn), ""]))
    _replace(folder / TRUTH, "\n".join([*_truth_rows(planned, ids), ""]))
    _replace(folder / BESIDE, _description(planned.recipe))
    _replace(folder / TABLE, "\n".join([_HEADER, *_table_rows(planned, ids), ""]))  # last: it means a finished data set


def _table_rows(planned: PhantomPlan, ids: list[str]) -> Iterator[str]:
    size, spacing = planned.recipe.size, f"{MILLIMETRES / planned.recipe.size:.3f}"
    names = np.asarray(planned.recipe.findings)
    columns = planned.people.films[["follow_up", "patient", "age", "sex", "view"]].itertuples(index=False)
    for i, (follow_up, patient, age, sex, view) in enumerate(columns):
        yield (f"{ids[i]},{_label_text(names[planned.labels[i] > 0])},{follow_up},{FIRST_PATIENT + patient},{age},"
               f"{sex},{view},{size},{size},{spacing},{spacing}")


def _box_rows(planned: PhantomPlan, ids: list[str], drawn: list[dict[str, Box]]) -> Iterator[str]:
    """Boxes of the findings that a film's label names."""
    for film, found in enumerate(drawn):
        for finding, (x, y, w, h) in found.items():
            if planned.labels[film, planned.recipe.findings.index(finding)]:
                yield f"{ids[film]},{_BOX_SPELLING.get(finding, finding)},{x}.0,{y}.0,{w}.0,{h}.0"


def _truth_rows(planned: PhantomPlan, ids: list[str]) -> Iterator[str]:
    yield ",".join(["Image Index", *planned.recipe.findings])
    for image_id, present in zip(ids, planned.people.present.astype(int), strict=True):
        yield ",".join([image_id, *map(str, present)])


def _label_text(names: np.ndarray) -> str:
    """As NIH writes it: names in alphabetical order, or 'No Finding'."""
    return "|".join(sorted(names)) or "No Finding"


def _description(recipe: Recipe) -> str:
    """The folder as one data set: what differs from other folders of phantoms."""
    noise = f", label noise {recipe.label_noise:g}" if recipe.label_noise else ""
    findings = "".join(f'    "{finding}",\n' for finding in recipe.findings)
    return (f"# {_WORDS}\n"
            'like = "phantoms"\n'
            f'label_source = "drawn with the film{noise}"\n'
            f"findings = [\n{findings}]\n"
            '\n[films]\nroot = "."\n'
            '\n[labels]\nform = "names"\ncolumn = "Finding Labels"\nseparator = "|"\nnone = ["No Finding"]\n')
