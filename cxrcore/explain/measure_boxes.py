"""How well a run's maps point at boxes, from the command line to the store: scripts/gradcam.py --boxes.

Besides the run's maps, what needs no network is measured on the same boxes (`localization`), and the maps of the same
network with random weights: what does not beat them shows nothing. Only films of the run's test split are stored.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm import tqdm

from cxrcore.config import GradcamConfig, default_store
from cxrcore.data.films import FilmSet
from cxrcore.data.pixels import decode_film, film_file
from cxrcore.errors import DataError, FilmError, UsageError
from cxrcore.explain import figure_films, map_check
from cxrcore.explain.map_check import MapCheck
from cxrcore.explain.maps import Explainer
from cxrcore.explain.methods import METHODS
from cxrcore.findings import display_name
from cxrcore.interrupts import raise_again
from cxrcore.measures.localization import (
    CENTRE,
    MEDIAN_BOX,
    RANDOM,
    UNTRAINED,
    centred_boxes,
    drawn_on,
    energy_in_box,
    everywhere,
    hottest_box,
    iobb,
    iou,
    median_boxes,
    one_draw_each,
    point_in_box,
    pointing_hit,
    random_hit,
    to_scale,
)
from cxrcore.networks import checkpoint as checkpoints
from cxrcore.networks import checkpoint_source
from cxrcore.networks.checkpoint import Checkpoint
from cxrcore.networks.initial_weights import start
from cxrcore.networks.prediction import default_device
from cxrcore.store import Store
from cxrcore.store.measurements import LOCALIZATION_COLUMNS

_LOG = logging.getLogger(__name__)  # scripts print what it says

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

    @property
    def n_boxes(self) -> int:
        """Of all findings."""
        return sum(map(len, self.boxes.values()))


def measure_boxes_of_run(config: GradcamConfig) -> pd.DataFrame:
    """Measure a run's maps on boxes, print tables and keep the rows of test films in the store.

    Raises:
        WorkbenchError: one line that says what is missing.
    """
    if config.finding:
        raise UsageError("--finding chooses figures; with --boxes every finding that has boxes is measured")
    store = Store(config.store or default_store())
    methods = methods_of(config.methods)
    path = checkpoint_source.find_checkpoint(store, config.run, config.weights)
    loaded = checkpoints.load_checkpoint(path)
    films = checkpoint_source.load_films(store, loaded, config.csv_path, config.img_root, config.data, config.policy)
    if films.boxes is None:
        raise DataError(f"{films.name} has no boxes: their list belongs beside the table (NIH's is BBox_List_2017.csv)")
    known = checkpoint_source.same_split(films, loaded)
    part, rows = figure_films.candidates(films, known, config.split or ("test" if known else None))
    _LOG.info(films.describe())
    boxed = list(boxed_films(films, rows, loaded.image_size, loaded.findings))
    if not boxed:
        raise DataError(f"none of the {len(rows):,} films on disk ({part}) has a box: choose another --split")
    _LOG.info(f"{len(boxed):,} films of {part} with {sum(film.n_boxes for film in boxed):,} boxes{_warning(part)}")
    check = map_check.require_maps(loaded.model().to(default_device()), loaded)
    beside = floors(boxed, loaded.image_size, loaded.findings)
    found = pd.concat([beside, *maps_of(loaded, boxed, methods, check)], ignore_index=True)
    _LOG.info(as_text(found, loaded.findings))
    _keep(store, loaded, checkpoints.sha256(path), films.table.dataset_id, part, found)
    return found


def _warning(part: str) -> str:
    """What to think of films that are not the run's test films."""
    return {"test": "", "train": ": SEEN IN TRAINING", "val": ": SEEN IN TRAINING, its epoch was chosen on them"}.get(
        part, ": perhaps SEEN IN TRAINING")


def methods_of(text: str) -> list[str]:
    """The methods of --methods.

    Raises:
        UsageError: an unknown one.
    """
    wanted = QUICK if text == "all" else tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if unknown := [name for name in wanted if name not in METHODS]:
        raise UsageError(f"unknown method '{unknown[0]}': expected some of {', '.join(METHODS)}, or all")
    return list(wanted)


def boxed_films(films: FilmSet, rows: np.ndarray, size: int, findings: Sequence[str]) -> Iterable[BoxedFilm]:
    """The films of these rows that have boxes of the findings, at the network's size; unreadable ones are left out."""
    if films.boxes is None:
        return
    of_network = films.boxes[films.boxes["finding"].isin(findings)]
    by_film = dict(list(of_network.groupby("image_id")))
    named = [image_id for image_id in films.image_ids(rows) if image_id in by_film]
    for image_id in tqdm(named, unit=" films", desc="reading"):
        raise_again()
        try:
            film = decode_film.read_in_limits(films.paths[image_id]).pixels
        except FilmError as error:
            tqdm.write(f"left out: {error}")
            continue
        raster = drawn_on(films.boxes, film)
        boxes = {str(finding): to_scale(own[["x", "y", "width", "height"]].to_numpy(), raster, (size, size))
                 for finding, own in by_film[image_id].groupby("finding")}
        yield BoxedFilm(image_id, film_file.resize(film, size), boxes)


# -- measuring


def maps_of(loaded: Checkpoint, boxed: Sequence[BoxedFilm], methods: Sequence[str], check: MapCheck
            ) -> list[pd.DataFrame]:
    """Rows of the run's maps, and of the same network's with random weights."""
    untrained = start(loaded.architecture, loaded.image_size, loaded.findings, "random", SEED).model.eval()
    made = []
    for suffix, model in (("", loaded.model()), (UNTRAINED, untrained)):
        explainer = map_check.explainer_of(model.to(default_device()), loaded, check)
        rows = [row for film in tqdm(boxed, unit=" films", desc="random weights" if suffix else "the run's maps")
                for row in _rows_of(explainer, film, methods, suffix)]
        made.append(pd.DataFrame(rows, columns=LOCALIZATION_COLUMNS))
    return made


def _rows_of(explainer: Explainer, film: BoxedFilm, methods: Sequence[str], suffix: str) -> Iterable[tuple]:
    for method in methods:
        raise_again()
        way = METHODS[method]
        asked = [(finding,) for finding in film.boxes] if way.slow else [tuple(film.boxes)]
        for findings in asked:
            maps = explainer.explain(film.pixels, findings, method).placed()
            for place, finding in enumerate(findings):
                heat = maps[place if way.per_finding else 0]
                yield method + suffix, film.image_id, finding, *against(heat, film.boxes[finding])


def against(heat: np.ndarray, boxes: np.ndarray) -> tuple[bool, float, float, float]:
    """(hit, IoU, IoBB, share of the energy) of a map on all boxes of a finding; of several the best overlap counts.

    An empty or flat map has no peak, so it misses; an empty one has no energy in any box.
    """
    detected = hottest_box(heat)
    hit = sum(pointing_hit(heat, box) for box in boxes) > 0.5
    energy = sum(energy_in_box(heat, box) for box in boxes) if heat.any() else 0.0
    return hit, float(iou(detected, boxes).max()), float(iobb(detected, boxes).max()), min(float(energy), 1.0)


def floors(boxed: Sequence[BoxedFilm], size: int, findings: Sequence[str]) -> pd.DataFrame:
    """Rows of what needs no network: a random place, the film's centre, the median of the finding's other boxes.

    As a place each is a point, as a box one of the finding's median size there (on the other films). A random place has
    no single hit: the share of the film that the boxes cover stands as its energy.
    """
    made = [_floors_of(finding, own, size) for finding in findings
            if (own := {film.image_id: film.boxes[finding] for film in boxed if finding in film.boxes})]
    return pd.concat(made, ignore_index=True)


def _floors_of(finding: str, own: Mapping[str, np.ndarray], size: int) -> pd.DataFrame:
    """Rows of one finding; own: {image_id: its boxes}."""
    truth, whole = list(own.values()), (size, size)
    median = median_boxes(np.concatenate(truth), np.repeat(np.arange(len(truth)), list(map(len, truth))))
    middle = centred_boxes(median, size / 2, size / 2)
    rows = pd.DataFrame({"image_id": list(own), "finding": finding})
    shares = np.array([min(random_hit(boxes, whole).sum(), 1.0) for boxes in truth])
    at_centre = np.array([point_in_box(boxes, size / 2, size / 2).any() for boxes in truth])
    random = rows.assign(method=RANDOM, hit=None, iou=np.nan, iobb=np.nan, energy=shares)
    centre = rows.assign(method=CENTRE, hit=at_centre, iou=np.nan, iobb=np.nan, energy=at_centre.astype(float))
    if len(own) < 2:
        return pd.concat([random, centre])[list(LOCALIZATION_COLUMNS)]
    inside = [point_in_box(boxes, *(box[:2] + box[2:] / 2)).any() for box, boxes in zip(median, truth, strict=True)]
    energy = [min(float(iobb(box, boxes).sum()), 1.0) for box, boxes in zip(median, truth, strict=True)]
    at_median = rows.assign(method=MEDIAN_BOX, hit=inside, energy=energy)
    for name, overlap in (("iou", iou), ("iobb", iobb)):
        random[name] = one_draw_each([overlap(everywhere(box, whole)[:, None], boxes).max(axis=1)
                                      for box, boxes in zip(median, truth, strict=True)])
        centre[name] = [overlap(box, boxes).max() for box, boxes in zip(middle, truth, strict=True)]
        at_median[name] = [overlap(box, boxes).max() for box, boxes in zip(median, truth, strict=True)]
    return pd.concat([random, centre, at_median])[list(LOCALIZATION_COLUMNS)]


# -- what comes of it


def as_text(found: pd.DataFrame, findings: Sequence[str]) -> str:
    """Of each finding the share of films hit, by the run's maps and floors and by random weights; then all measures."""
    shares = found.assign(hit=np.where(found["method"] == RANDOM, found["energy"], found["hit"]).astype(float))
    untrained = shares["method"].str.endswith(UNTRAINED)
    heading = "share of films whose hottest place lies in a box"
    return "\n\n".join([f"The run and what needs no network: {heading}\n{_by_finding(shares[~untrained], findings)}",
                        f"The same network with random weights: {heading}\n{_by_finding(shares[untrained], findings)}",
                        f"All films and findings\n{_over_all(shares)}"])


def _by_finding(shares: pd.DataFrame, findings: Sequence[str]) -> str:
    """A row a finding, a column a method."""
    table = shares.pivot_table(index="finding", columns="method", values="hit", sort=False)
    table = table.reindex(index=[finding for finding in findings if finding in table.index],
                          columns=list(dict.fromkeys(shares["method"])))
    table.insert(0, "films", shares.groupby("finding")["image_id"].nunique())
    return _plain(table.rename(index=display_name, columns=lambda name: name.removesuffix(UNTRAINED)))


def _over_all(shares: pd.DataFrame) -> str:
    """A row a method, a column a measure."""
    measures = {"hit": shares["hit"], "mean IoU": shares["iou"], "energy": shares["energy"]}
    for name, values, cuts in (("IoU", shares["iou"], (0.1, 0.3, 0.5)), ("IoBB", shares["iobb"], (0.1, 0.25, 0.5))):
        measures |= {f"{name} > {cut:g}": (values > cut).astype(float).where(values.notna()) for cut in cuts}
    return _plain(pd.DataFrame(measures).groupby(shares["method"], sort=False).mean())


def _plain(table: pd.DataFrame) -> str:
    return table.rename_axis(index=None, columns=None).to_string(float_format="{:.3f}".format, na_rep="-")


def _keep(store: Store, loaded: Checkpoint, sha256: str, dataset_id: str, part: str, found: pd.DataFrame) -> None:
    """Rows of test films belong to this checkpoint's test predictions, the newest complete ones where there are any."""
    if part != "test":
        seen = part in ("train", "val")
        _LOG.info(f"not stored: {part} films say nothing of films that the network has not seen" if seen else
                  "not stored: films that the network may have seen")
        return
    held = store.prediction_sets(loaded.run_id) if checkpoint_source.is_known(store, loaded) else pd.DataFrame()
    if len(held):
        held = held[(held["split"] == "test") & (held["checkpoint_sha256"] == sha256)
                    & (held["dataset_id"] == dataset_id)]
    if held.empty:
        _LOG.info("not stored: the store has no test predictions of this checkpoint; scripts/eval.py makes them")
        return
    held = held.assign(complete=held["n"] == held["n_expected"])  # newest first
    held = held.sort_values("complete", ascending=False, kind="stable")
    store.save_localization(held["prediction_id"].iloc[0], found)
    _LOG.info("stored: the Localization page shows it")
