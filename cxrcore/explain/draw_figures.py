"""Grad-CAM figures from the command line to the files: the upper half of scripts/gradcam.py."""

import dataclasses
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from cxrcore import ids
from cxrcore.cli import results_folder
from cxrcore.config import GradcamConfig, default_store
from cxrcore.data.files import csv_file
from cxrcore.data.films import FilmSet
from cxrcore.data.phantoms.recipe import is_phantom
from cxrcore.data.pixels import decode_film, film_file
from cxrcore.errors import FilmError
from cxrcore.explain import figure_films, figures, map_check, maps, overlay
from cxrcore.explain.figures import FigurePanel, Row
from cxrcore.explain.maps import Explainer
from cxrcore.explain.method_names import LABELS
from cxrcore.findings import display_name, one_of
from cxrcore.interrupts import raise_again
from cxrcore.measures.localization import boxes_on
from cxrcore.measures.number_words import with_minus
from cxrcore.measures.thresholds.fitting import FALLBACK, STABLE_POSITIVES
from cxrcore.networks import checkpoint as checkpoints
from cxrcore.networks import checkpoint_source
from cxrcore.networks.architectures import find_architecture
from cxrcore.networks.checkpoint import Checkpoint
from cxrcore.networks.prediction import default_device
from cxrcore.store import Store, run_thresholds

_LOG = logging.getLogger(__name__)  # scripts print what it says

SHEET, CAPTIONS = "contact_sheet.png", "captions.csv"
PANELS = 3  # maps of one film on the sheet; all of them are files
METHOD = maps.GRAD_CAM


@dataclass(frozen=True)
class Thresholds:
    """What scores are held against.

    Attributes:
        values: float64 (k,), in the order of the network's findings.
        notes: for each finding what to know of its threshold, or ''.
        source: where they come from, for people.
    """

    values: np.ndarray
    notes: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Job:
    """What the films of one call share.

    Attributes:
        part: the split that the films come from.
        synthetic: whether they are phantoms.
    """

    films: FilmSet
    part: str
    image_size: int
    explainer: Explainer
    thresholds: Thresholds
    synthetic: bool


def draw_figures_of_run(config: GradcamConfig) -> Path:
    """Draw the figures as scripts/gradcam.py does; returns their folder.

    Raises:
        WorkbenchError: one line that says what is missing.
    """
    store = Store(config.store or default_store())
    path = checkpoint_source.find_checkpoint(store, config.run, config.weights)
    loaded = checkpoints.load_checkpoint(path)
    finding = one_of(loaded.findings, config.finding) if config.finding else None
    model = loaded.model().to(default_device())
    films = checkpoint_source.load_films(store, loaded, config.csv_path, config.img_root, config.data, config.policy)
    _LOG.info(films.describe())
    part, rows = figure_films.candidates(films, checkpoint_source.same_split(films, loaded), config.split)
    chosen = figure_films.choose(films, part, rows, config.samples, config.seed, finding, loaded.findings)
    decoded = {row: _decode(films, row) for row in chosen}
    known = checkpoint_source.is_known(store, loaded)
    thresholds = (fitted_thresholds(store, loaded.run_id, checkpoints.sha256(path), loaded.findings) if known
                  else fallback(loaded.findings))
    explainer = map_check.explainer_of(model, loaded, map_check.require_maps(model, loaded))
    job = Job(films, part, loaded.image_size, explainer, thresholds,
              is_phantom(films.table.images["patient_id"]))
    folder = results_folder(config.results, f"gradcam/{ids.checked(ids.RUN, loaded.run_id) if known else path.stem}")
    name = store.run(loaded.run_id)["name"] if known else ""
    of_what = display_name(finding) if finding else "findings"
    lines = _head(job, loaded, path, f"{len(chosen)} film{'' if len(chosen) == 1 else 's'} with {of_what}", known)
    _LOG.info("\n".join(lines))
    title = f"{LABELS[METHOD]} · {name or path.stem}"
    n = _write(job, chosen, decoded, folder, title, lines)
    _LOG.info(f"written: {n} figures, {SHEET} and {CAPTIONS} in {folder}")
    return folder


def _decode(films: FilmSet, row: int) -> np.ndarray:
    [image_id] = films.image_ids(np.array([row]))
    try:
        return decode_film.read_in_limits(films.paths[image_id]).pixels
    except FilmError as error:
        raise FilmError(f"{error}; mend or remove it, or take other films with --seed") from None


# -- thresholds


def fallback(findings: Sequence[str]) -> Thresholds:
    """0.5 for every finding, said so."""
    return Thresholds(np.full(len(findings), FALLBACK), ("",) * len(findings),
                      f"{FALLBACK:g} for every finding: the store holds none fitted on val for this checkpoint")


def fitted_thresholds(store: Store, run_id: str, checkpoint_sha256: str, findings: Sequence[str]) -> Thresholds:
    """The run's own 'max F1' set, fitted on val scores of this very checkpoint, else 0.5."""
    own = next((one for one in run_thresholds.own_sets(store, run_id, checkpoint_sha256).values()
                if one.objective == "max_f1"), None)
    if own is None:
        return fallback(findings)
    unstable = f"threshold unstable (under {STABLE_POSITIVES} positives)"
    notes = dict.fromkeys(own.parameters.get("unstable", ()), unstable)
    notes |= dict.fromkeys(own.parameters.get("not_fitted", ()), "threshold not fitted (no positives)")
    chosen = store.chosen_set(run_id, run_thresholds.FIT_SPLIT, checkpoint_sha256)
    n = store.prediction_sets(run_id).set_index("prediction_id").at[chosen, "n"]
    return Thresholds(own.of(findings), tuple(notes.get(finding, "") for finding in findings),
                      f"{own.name}, fitted on val ({n:,} films)")


# -- one film


def explain_film(job: Job, row: int, film: np.ndarray, findings: tuple[str, ...]) -> tuple[Row, list[dict[str, Any]]]:
    """The film with its maps as it is drawn, and the numbers of each map as captions.csv has them.

    Args:
        row: of the table.
        film: uint8 (H, W), as it lies on disk.
        findings: to explain, canonical names.
    """
    explained = job.explainer.explain(film_file.resize(film, job.image_size), findings, METHOD)
    about = job.films.table.images.iloc[row]
    panels, captions = [], []
    for finding, heat, energy in zip(findings, explained.placed(), explained.energy, strict=True):
        k = job.explainer.findings.index(finding)
        score, threshold = float(explained.scores[k]), float(job.thresholds.values[k])
        boxes = boxes_on(job.films.boxes, about["image_id"], finding, film)
        numbers = {
            "file": f"{Path(about['image_id']).stem}__{finding}.png", "image_id": about["image_id"],
            "patient_id": about["patient_id"], "split": job.part, "finding": finding,
            "label": int(job.films.table.labels[row, k]), "score": score, "logit": float(explained.logits[k]),
            "threshold": threshold, "threshold_note": job.thresholds.notes[k], "alarm": score >= threshold,
            "opacity": overlay.opacity(score, threshold), "energy": float(energy), "n_boxes": len(boxes),
        }
        captions.append(numbers)
        panels.append(FigurePanel(heat, numbers["opacity"], boxes, display_name(finding), caption(numbers, heat)))
    return Row(film, about["image_id"], _about_film(job, row), panels), captions


def caption(numbers: dict[str, Any], heat: np.ndarray) -> list[str]:
    """The lines below a map."""
    decision = "alarm" if numbers["alarm"] else "no alarm"
    lines = [f"score {_probability(numbers['score'])}, threshold {_probability(numbers['threshold'])}: {decision}",
             with_minus(f"logit {numbers['logit']:.2f}, energy {numbers['energy']:.3g}, ") +
             f"label {'positive' if numbers['label'] == 1 else 'negative'}"]
    if not heat.any():
        lines.append("empty map: nothing speaks for it" if numbers["energy"] == 0 else "flat map: no place stands out")
    elif numbers["opacity"] < 1:
        lines.append(f"shown at {numbers['opacity']:.0%} of full colour")
    return [*lines, numbers["threshold_note"]] if numbers["threshold_note"] else lines


def _probability(value: float) -> str:
    return "<0.001" if 0 < value < 0.001 else f"{value:.3f}"


def _about_film(job: Job, row: int) -> list[str]:
    positive = [display_name(job.films.table.findings[k]) for k in np.flatnonzero(job.films.table.labels[row] == 1)]
    view = job.films.table.images["view"].iloc[row]
    seen = {"train": "train split: seen in training", figure_films.UNKNOWN_FILMS: figure_films.UNKNOWN_FILMS}
    where = seen.get(job.part, f"{job.part} split")
    return [f"label: {', '.join(positive)}", f"{view}, {where}" if isinstance(view, str) else where]


# -- files


def _head(job: Job, loaded: Checkpoint, path: Path, drawn: str, known: bool) -> list[str]:
    """What was run on what, for the sheet and the screen."""
    split = job.films.split
    where = (f"{job.part} of split {split.scheme} (seed {split.seed}, {split.fingerprint})"
             if job.part != figure_films.UNKNOWN_FILMS else job.part)
    return [
        f"{f'Run {loaded.run_id}' if known else 'A run that this store does not know'}, {path.name} "
        f"(epoch {loaded.epoch}): {find_architecture(loaded.architecture).label} at {loaded.image_size} px",
        f"{job.films.name}, {where}: {drawn}",
        f"Thresholds: {job.thresholds.source}",
    ]


def _write(
    job: Job, chosen: dict[int, tuple[str, ...]], decoded: dict[int, np.ndarray], folder: Path, title: str,
    lines: list[str],
) -> int:
    """All files of a call in place of the last call's; returns the number of single figures."""
    _remove(folder, _files_before(folder))
    on_sheet, captions = [], []
    for row, findings in tqdm(chosen.items(), unit=" films", desc="Explaining"):
        raise_again()
        drawn, numbers = explain_film(job, row, decoded[row], findings)
        captions += numbers
        csv_file.write_csv(pd.DataFrame(captions), folder / CAPTIONS)  # first, so that it names whatever lies there
        for panel, of_panel in zip(drawn.panels, numbers, strict=True):
            figures.single(drawn, panel, f"{title}. {lines[0]}", job.synthetic).save(folder / of_panel["file"])
        more = len(drawn.panels) - PANELS
        note = [f"{more} more {'map' if more == 1 else 'maps'} in the folder"] if more > 0 else []
        on_sheet.append(dataclasses.replace(drawn, lines=[*drawn.lines, *note], panels=drawn.panels[:PANELS]))
    figures.contact_sheet(title, lines, on_sheet, job.synthetic).save(folder / SHEET)
    return len(captions)


def _files_before(folder: Path) -> Iterable[str]:
    """What the last call wrote into this folder, as its captions.csv names it."""
    try:
        named = pd.read_csv(folder / CAPTIONS, usecols=["file"], dtype=str)["file"].dropna()
    except (OSError, ValueError):
        return [SHEET]
    return [SHEET, *(name for name in named if ids.is_one(ids.FILE, name) and "__" in name and name.endswith(".png"))]


def _remove(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        (folder / name).unlink(missing_ok=True)
