"""What the modes of the threshold board ask for besides its counts: presets, calibrators, intervals and films."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from cxrcore.charts.board import film_strip
from cxrcore.charts.board.beside import Calibration, Spread, pack_beside
from cxrcore.charts.board.film_strip import FilmStrip
from cxrcore.errors import ResamplingError
from cxrcore.evaluation.published import nih_prevalence
from cxrcore.measures.calibration import MIN_POSITIVES
from cxrcore.measures.intervals.intervals import PATIENTS_UNKNOWN_NOTE
from cxrcore.measures.intervals.rates_in_draws import rate_spreads
from cxrcore.measures.thresholds.positions import positions
from cxrcore.queries import film_pixels, from_store
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.film_pixels import FilmMap
from cxrcore.queries.from_store import Labelled
from cxrcore.queries.kept import kept
from cxrcore.queries.threshold_draws import draws_of
from cxrcore.store import Store

PLACE, FILMS = "place", "films"  # what is asked for besides presets and calibrators
KNOTS = 48  # thresholds of a finding at which intervals are worked out
NO_VALIDATION = "the run has no validation predictions to fit them on."
TOO_FEW = f"validation holds fewer than {MIN_POSITIVES} films with it, or without it, to fit them on."


def beside(store: Store, run: Evaluated, part: str, of: str, parts: Collection[str], finding: str = "") -> bytes:
    """What the board is sent once a mode asks for it, as `pack_beside`.

    Args:
        part: what the board is read on.
        of: what the board belongs to.
        parts: of `PLACE` and `FILMS`.
        finding: whose films are asked for.
    """
    read = run.read(part)
    held = film_pixels.films_of(store, read.labels.dataset_id)
    spread, said = _spread(store, read) if PLACE in parts else (None, "")
    strip = None
    if held is not None and FILMS in parts and finding in run.findings:
        strip = _strip(store, read, finding, not run.is_elsewhere(part), held)
    header: dict[str, Any] = {"of": of, "presets": presets(store, run, part), "films": held is not None, "said": said,
              "uncalibrated": TOO_FEW if "val" in run.parts else NO_VALIDATION}
    if FILMS in parts and strip is None:
        header["strip"] = None
    return pack_beside(header, calibrations(store, run), spread, strip)


def presets(store: Store, run: Evaluated, part: str) -> dict[str, dict[str, object]]:
    """{key: label, help and values {finding: prevalence}} that the dial offers."""
    labels = from_store.labels(store, run.read(part).labels)
    shares = {finding: float(labels[finding].mean()) for finding in run.findings if finding in labels}
    nih = {finding: value for finding, value in nih_prevalence().items() if finding in run.findings}
    offered = {"data": ("Data set", "As common as in all films of the data set", shares),
               "nih": ("NIH", "As common as in NIH's 112,120 films, by their own labels", nih)}
    return {key: {"label": label, "help": told, "values": {name: one for name, one in values.items() if 0 < one < 1}}
            for key, (label, told, values) in offered.items() if values}


def calibrations(store: Store, run: Evaluated) -> dict[str, Calibration]:
    """{finding: Platt's map of the run's validation}; none for a finding that it holds too few films of."""
    if "val" not in run.parts:
        return {}
    own = run.read_own("val")
    maps = from_store.calibrator(store, own, run.findings).maps
    scores = dict(zip(own.findings, from_store.sorted_scores(store, own), strict=True))
    return {finding: Calibration(float(maps[finding]["scale"]), float(maps[finding]["bias"]),
                                 len(scores[finding].positives) / scores[finding].n)
            for finding in run.findings if finding in maps and finding in scores and scores[finding].n}


def _spread(store: Store, read: Labelled) -> tuple[list[Spread] | None, str]:
    """The intervals' ends, and what to beware of in them; None, and why, where there are too few patients."""
    try:
        known = draws_of(store, read).patients_known
        return _spreads(store, read), "" if known else PATIENTS_UNKNOWN_NOTE
    except ResamplingError as error:
        return None, f"No intervals: {error}."


@kept(8)  # of 14 findings 50 kB; of 25,596 films a second
def _spreads(store: Store, read: Labelled) -> list[Spread]:
    found, draws = from_store.predictions(store, read), draws_of(store, read)
    owners = draws.owners(found.patient_ids, found.image_ids)
    knots = [positions(ladder, n=KNOTS) for ladder in from_store.sorted_scores(store, read)]
    return [Spread(*pair) for pair in zip(knots, rate_spreads(found.labels, found.scores, owners, draws, knots),
                                          strict=True)]


@kept(32)  # some 200 kB each
def _strip(store: Store, read: Labelled, finding: str, leads: bool, _held: FilmMap) -> FilmStrip | None:
    found = from_store.predictions(store, read)
    k = found.place(finding)
    there = _held.holds(pd.Series(found.image_ids))
    labels, scores = np.where(there, found.labels[:, k], np.nan), found.scores[:, k]
    ladder = positions(from_store.sorted_scores(store, read)[k])
    rows = film_strip.spread_films(labels, scores, ladder[0], ladder[-1])
    films = [_held.film(str(found.image_ids[row])) for row in rows]
    if not films:
        return None
    sprite, side = film_strip.sprite([film for film in films if film is not None])
    return FilmStrip(finding, tuple(found.image_ids[rows].tolist()), scores[rows].astype(np.float64),
                     labels[rows].astype(np.int64), int((~np.isnan(labels)).sum()), sprite, side, film_strip.ACROSS,
                     "image/webp", leads)
