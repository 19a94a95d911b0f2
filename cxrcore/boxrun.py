"""How well a run's maps point at boxes, from the command line to the store: scripts/gradcam.py --boxes.

Besides the run's maps, what needs no network is measured on the same boxes (`localization`), and the maps of the same
network with random weights: what does not beat them shows nothing. Only films of the run's test split are stored.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm import tqdm

from cxrcore import camfilms, checkpointsource, images
from cxrcore import checkpoint as checkpoints
from cxrcore.cam_methods import METHODS
from cxrcore.camrun import boxes_on
from cxrcore.checkpoint import Checkpoint
from cxrcore.config import GradcamConfig, default_store
from cxrcore.data.films import FilmSet
from cxrcore.errors import DataError, FilmError, UsageError
from cxrcore.explain import Explainer
from cxrcore.findings import FINDINGS, display_name
from cxrcore.initial_weights import start
from cxrcore.localization import (
    CENTRE,
    MEDIAN_BOX,
    RANDOM,
    UNTRAINED,
    energy_in_box,
    hottest_box,
    iobb,
    iou,
    median_boxes,
    point_in_box,
    pointing_hit,
    random_hit,
    to_scale,
)
from cxrcore.prediction import default_device
from cxrcore.store import LOCALIZATION_COLUMNS, Store

QUICK = tuple(name for name, method in METHODS.items() if not method.slow)
SEED = 0  # of the random weights


@dataclass(frozen=True)
class BoxedFilm:
    """A film with boxes.

    Attributes:
        pixels: uint8 (S, S) at the network's size.
        boxes: {finding: float (n, 4)} in these pixels.
    """

    image_id: str
    pixels: np.ndarray
    boxes: dict[str, np.ndarray]


def measure(config: GradcamConfig) -> pd.DataFrame:
    """Measure a run's maps on boxes, print a table and keep the rows of test films in the store.

    Raises:
        WorkbenchError: one line that says what is missing.
    """
    store = Store(config.store or default_store())
    methods = methods_of(config.methods)
    path = checkpointsource.find_checkpoint(store, config.run, config.weights)
    loaded = checkpoints.load(path)
    films = checkpointsource.load_films(store, loaded, config.csv_path, config.img_root)
    if films.boxes is None:
        raise DataError(f"{films.name} has no boxes: NIH's BBox_List_2017.csv belongs beside the table")
    part, rows = camfilms.candidates(films, checkpointsource.same_split(films, loaded), config.split)
    boxed = list(boxed_films(films, rows, loaded.image_size))
    if not boxed:
        raise DataError(f"none of the {len(rows):,} films on disk ({part}) has a box")
    print(f"{films.describe()}\n{len(boxed):,} films of {part} with boxes")
    found = pd.concat([floors(boxed, loaded.image_size), *maps_of(loaded, boxed, methods)], ignore_index=True)
    print(as_text(found))
    _keep(store, loaded, checkpoints.sha256(path), part, found)
    return found


def methods_of(text: str) -> list[str]:
    """The methods of --methods.

    Raises:
        UsageError: an unknown one.
    """
    wanted = QUICK if text == "all" else text.split(",")
    if unknown := [name for name in wanted if name not in METHODS]:
        raise UsageError(f"unknown method '{unknown[0]}': expected some of {', '.join(METHODS)}, or all")
    return list(wanted)


def boxed_films(films: FilmSet, rows: np.ndarray, size: int) -> Iterable[BoxedFilm]:
    """The films of these table rows that have boxes, at the network's size; unreadable ones are named and left out."""
    named = set(films.boxes["image_id"])
    for row in rows:
        image_id = films.table.images["image_id"].iloc[row]
        if image_id not in named:
            continue
        try:
            film = images.to_gray(films.paths[image_id])
        except FilmError as error:
            print(f"left out: {error}")
            continue
        own = {finding: boxes_on(films.boxes, image_id, finding, film) for finding in FINDINGS}
        scaled = {finding: to_scale(boxes, film.shape[::-1], (size, size))
                  for finding, boxes in own.items() if len(boxes)}
        yield BoxedFilm(image_id, images.resize(film, size), scaled)


# -- measuring


def maps_of(loaded: Checkpoint, boxed: Sequence[BoxedFilm], methods: Sequence[str]) -> list[pd.DataFrame]:
    """Rows of the run's maps, and of the same network's with random weights."""
    untrained = start(loaded.architecture, loaded.image_size, "random", SEED).model.eval()
    made = []
    for suffix, model in (("", loaded.model()), (UNTRAINED, untrained)):
        explainer = Explainer(model.to(default_device()), loaded.architecture, loaded.spec)
        rows = [row for film in tqdm(boxed, unit=" films", desc="random weights" if suffix else "the run's maps")
                for row in _rows_of(explainer, film, methods, suffix)]
        made.append(pd.DataFrame(rows, columns=LOCALIZATION_COLUMNS))
    return made


def _rows_of(explainer: Explainer, film: BoxedFilm, methods: Sequence[str], suffix: str) -> Iterable[tuple]:
    for method in methods:
        way = METHODS[method]
        asked = [(finding,) for finding in film.boxes] if way.slow else [tuple(film.boxes)]
        for findings in asked:
            maps = explainer.explain(film.pixels, findings, method).placed()
            for place, finding in enumerate(findings):
                heat = maps[place if way.per_finding else 0]
                yield method + suffix, film.image_id, finding, *against(heat, film.boxes[finding])


def against(heat: np.ndarray, boxes: np.ndarray) -> tuple[bool, float, float, float]:
    """(hit, IoU, IoBB, share of the energy) of a map on all boxes of a finding; of several boxes the best counts.

    An empty or flat map has no peak, so it misses; its energy is undefined.
    """
    detected = hottest_box(heat)
    hit = max(pointing_hit(heat, box) for box in boxes) > 0.5
    energy = sum(energy_in_box(heat, box) for box in boxes)
    return hit, float(iou(detected, boxes).max()), float(iobb(detected, boxes).max()), min(float(energy), 1.0)


def floors(boxed: Sequence[BoxedFilm], size: int) -> pd.DataFrame:
    """Rows of what needs no network: a random place, the film's centre, the median of the finding's other boxes.

    A random place has no single hit: the share of the film that the boxes cover stands as its energy.
    """
    rows = []
    for finding in FINDINGS:
        own = [(film.image_id, film.boxes[finding]) for film in boxed if finding in film.boxes]
        if not own:
            continue
        medians = median_boxes(np.array([boxes[0] for _, boxes in own]))
        for (image_id, boxes), median in zip(own, medians, strict=True):
            covered = min(float(random_hit(boxes, (size, size)).sum()), 1.0)
            rows.append((RANDOM, image_id, finding, None, np.nan, np.nan, covered))
            rows.append((CENTRE, image_id, finding, bool(point_in_box(boxes, size / 2, size / 2).any()), np.nan, np.nan,
                         np.nan))
            if not np.isnan(median).any():
                x, y = median[:2] + median[2:] / 2
                rows.append((MEDIAN_BOX, image_id, finding, bool(point_in_box(boxes, x, y).any()),
                             float(iou(median, boxes).max()), float(iobb(median, boxes).max()),
                             min(float(sum(iobb(median, box) for box in boxes)), 1.0)))
    return pd.DataFrame(rows, columns=LOCALIZATION_COLUMNS)


# -- what comes of it


def as_text(found: pd.DataFrame) -> str:
    """Share of boxes hit, a row a finding, a column a method or floor."""
    shares = found.assign(hit=np.where(found["method"] == RANDOM, found["energy"], found["hit"]).astype(float))
    table = shares.pivot_table(index="finding", columns="method", values="hit", sort=False)
    table = table.reindex([finding for finding in FINDINGS if finding in table.index]).rename(index=display_name)
    table.insert(0, "boxes", shares[shares["method"] == RANDOM].groupby("finding").size().rename(display_name))
    return "share of films whose hottest place lies in a box:\n" + table.round(3).to_string()


def _keep(store: Store, loaded: Checkpoint, sha256: str, part: str, found: pd.DataFrame) -> None:
    """Rows of test films belong to the newest test predictions of this checkpoint; others were seen in training."""
    if part != "test":
        print(f"not stored: films of {part} were seen in training, or may have been")
        return
    held = store.prediction_sets(loaded.run_id) if checkpointsource.is_known(store, loaded) else pd.DataFrame()
    held = held[(held["split"] == "test") & (held["checkpoint_sha256"] == sha256)] if len(held) else held
    if held.empty:
        print("not stored: the store has no test predictions of this checkpoint; scripts/eval.py makes them")
        return
    store.save_localization(held.sort_values("created_at")["prediction_id"].iloc[-1], found)
    print("stored: the Localization page shows it")
