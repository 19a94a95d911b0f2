"""What the Cases page shows: the films behind a count, with their scores, labels and a way to their explanation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore import cases
from cxrcore.findings import FINDINGS, display_name
from cxrcore.records import Predictions
from cxrcore.scored_films import shared_films
from cxrcore.store import Store
from cxrcore.ui import cached, data_reading, widgets
from cxrcore.ui.film_tiles import Tile, wall
from cxrcore.ui.prepared_films import FilmMap, film_map
from cxrcore.ui.threshold_state import BoardState, Evaluated, default_key, find_set

CELLS = {"Missed": "fn", "False alarms": "fp", "Found": "tp", "Left alone": "tn"}  # {as in the link: cell}
NEAREST, ALL_MISS, DISAGREE = "Nearest to the threshold", "All runs miss", "Runs disagree"
MEANINGS = ("Missed: the label says yes, no alarm (FN). False alarms: the label says no, an alarm (FP). Found: TP. "
            "Left alone: TN. The surest mistakes come first. All runs miss and Runs disagree take each run at its own "
            "thresholds.")
A_PAGE = 24


@dataclass(frozen=True)
class Cases:
    """Films in their order.

    Attributes:
        found: the predictions that the rows are of.
        rows: int64, in order.
        threshold: of the run in focus.
        finding: canonical name.
    """

    found: Predictions
    rows: np.ndarray
    threshold: float
    finding: str

    @property
    def place(self) -> int:
        """The finding's place."""
        return FINDINGS.index(self.finding)


def counts(store: Store, run: Evaluated, part: str, state: BoardState, finding: str) -> dict[str, int]:
    """{name of `CELLS`: films}, as the board counts them."""
    found, k = cached.predictions(store, run.prediction_id(part)), FINDINGS.index(finding)
    return {name: len(cases.in_cell(found.labels[:, k], found.scores[:, k], float(state.thresholds[k]), cell))
            for name, cell in CELLS.items()}


def choose(store: Store, runs: Sequence[Evaluated], part: str, state: BoardState, finding: str, which: str) -> Cases:
    """The films that a choice means.

    Args:
        runs: the first in focus, whose thresholds are the state's; the others at their own.
        which: of `CELLS`, NEAREST, ALL_MISS or DISAGREE.

    Raises:
        ResamplingError: runs without a film in common.
    """
    k = FINDINGS.index(finding)
    if which in (ALL_MISS, DISAGREE):
        films = shared_films([cached.predictions(store, run.prediction_id(part)) for run in runs])
        at = [state.thresholds[k], *(find_set(store, run, default_key(run)).thresholds[k] for run in runs[1:])]
        pick = cases.missed_by_all if which == ALL_MISS else cases.disagreements
        rows = pick(films[0].labels[:, k], [held.scores[:, k] for held in films], at)
        return Cases(films[0], rows, float(at[0]), finding)
    found, threshold = cached.predictions(store, runs[0].prediction_id(part)), float(state.thresholds[k])
    labels, scores = found.labels[:, k], found.scores[:, k]
    rows = cases.nearest(labels, scores, threshold) if which == NEAREST else cases.in_cell(labels, scores, threshold,
                                                                                        CELLS[which])
    return Cases(found, rows, threshold, finding)


def page_picker(n: int) -> int:
    """Which of the pages of films, from 0; stands in the link."""
    pages = max(1, -(-n // A_PAGE))
    if pages == 1:
        return 0
    if st.session_state.get("page", 1) > pages:
        st.session_state["page"] = pages
    return int(st.number_input(f"Page of {pages:,}", 1, pages, key="page", bind="query-params", width=150)) - 1


def draw(store: Store, run: Evaluated, shown: Cases, page: int, link: Mapping[str, object]) -> None:
    """The films of one page.

    Args:
        link: parameters that lead to the same runs and thresholds.
    """
    rows = shown.rows[page * A_PAGE:(page + 1) * A_PAGE]
    images = cached.images(store, run.dataset_id).set_index("image_id")
    held = map_of(store, run.dataset_id)
    wall([_tile(shown, row, images, held, link) for row in rows])
    without = 0 if held is None else sum(shown.found.image_ids[row] not in held.pixels.row_of for row in rows)
    if held is None:
        st.info("No films of this data set lie prepared beside this store, so there are no pictures of them.",
                icon=":material/image_not_supported:")
    elif without:
        st.caption(f"{without} of these films do not lie prepared, so there is no picture of them.")


def map_of(store: Store, dataset_id: str) -> FilmMap | None:
    """Where the data set's films lie prepared."""
    overview = cached.overview(store)
    if dataset_id not in overview.datasets.index:
        return None
    return film_map(store, dataset_id, overview.datasets.at[dataset_id, "kind"], cached.images(store, dataset_id),
                    data_reading.sources(overview.runs[overview.runs["dataset_id"] == dataset_id]))


def _tile(shown: Cases, row: int, images: pd.DataFrame, held: FilmMap | None, link: Mapping[str, object]) -> Tile:
    found = shown.found
    image_id, score = found.image_ids[row], float(found.scores[row, shown.place])
    place = None if held is None else held.pixels.row_of.get(image_id)
    labels = [display_name(FINDINGS[k]) for k in np.flatnonzero(found.labels[row] == 1)] or ["No finding"]
    person = images.loc[image_id] if image_id in images.index else {}
    known = [str(person.get(name)) for name in ("sex", "view") if not pd.isna(person.get(name))]
    age = person.get("age")
    about = [f"patient {found.patient_ids[row]}", *([] if pd.isna(age) else [f"{age:.0f} years"]), *known]
    return Tile(None if place is None else np.asarray(held.pixels.pixels[place]),
                f"{score:.3g} of {shown.threshold:.3g}", f"{', '.join(labels)} · {', '.join(about)}", name=image_id,
                link="explain?" + urlencode(dict(link) | {"film": image_id, "finding": shown.finding}, doseq=True))


def table(shown: Cases, which: str) -> pd.DataFrame:
    """A row a film, in order, for the download; scores as doubles, so that each decides as it did here."""
    found, rows, k = shown.found, shown.rows, shown.place
    return pd.DataFrame({
        "image_id": found.image_ids[rows], "patient_id": found.patient_ids[rows], "finding": shown.finding,
        "label": found.labels[rows, k], "score": found.scores[rows, k].astype(np.float64),
        "threshold": shown.threshold, "films": which})


def in_words(shown: Cases, which: str, run: Evaluated, part: str) -> str:
    """'Effusion: 412 missed films of test, 22,433 films, at threshold 0.31.'"""
    n = len(shown.rows)
    words = {"Missed": "missed films", "False alarms": "false alarms", "Found": "films found",
             "Left alone": "films rightly left alone", NEAREST: "films by how near they are to the threshold",
             ALL_MISS: "films that all runs miss", DISAGREE: "films on which runs disagree"}[which]
    return (f"**{display_name(shown.finding)}: {n:,} {words}** · {widgets.escape(run.in_words(part))} · threshold "
            f"{shown.threshold:.4g}")
