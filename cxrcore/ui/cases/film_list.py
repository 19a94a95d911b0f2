"""What the Cases page shows: the films behind a count, with their scores, labels and a way to their explanation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore import config
from cxrcore.findings import display_name
from cxrcore.measures import cases
from cxrcore.measures.intervals.scored_films import shared_films
from cxrcore.measures.thresholds.positions import counts_at, rounded, written
from cxrcore.measures.thresholds.told_apart import compared
from cxrcore.queries import from_store
from cxrcore.queries.board_state import BoardState
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.film_pixels import FilmMap, boxes_on, films_of
from cxrcore.queries.from_store import Labelled
from cxrcore.queries.kept import kept
from cxrcore.queries.threshold_sets import DEFAULT, SourcedSet, default_key, find_set, parse_key
from cxrcore.store import Predictions, Store
from cxrcore.ui import link, shell, widgets
from cxrcore.ui.cases.controls import A_PAGE, ALL_MISS, CELLS, DISAGREE, NEAREST, REFERRED
from cxrcore.ui.film_tiles import Tile, labels_in_words, wall

WORDS = {  # {choice: (one film, several, their order)}
    "Missed": ("missed film", "missed films", "lowest score first"),
    "False alarms": ("false alarm", "false alarms", "highest score first"),
    "Found": ("film found", "films found", "lowest score first"),
    "Left alone": ("film rightly left alone", "films rightly left alone", "highest score first"),
    REFERRED: ("film referred to a person", "films referred to a person", "highest score first"),
    NEAREST: ("film", "films", "nearest to the threshold first, on a logit scale"),
    ALL_MISS: ("film that all runs miss", "films that all runs miss", "furthest below the thresholds first"),
    DISAGREE: ("film on which runs disagree", "films on which runs disagree", "most evenly parted first"),
}
OUTCOMES = {(1, False): "missed", (0, True): "false alarm", (1, True): "found", (0, False): "left alone"}


@dataclass(frozen=True)
class OtherRun:
    """A run beside the one in focus.

    Attributes:
        run_id, label: of the run.
        scores: (n,), of the same films.
        threshold: its own.
        source: the set that it was taken from, in words.
    """

    run_id: str
    label: str
    scores: np.ndarray
    threshold: float
    source: str


@dataclass(frozen=True)
class Cases:
    """Films in their order.

    Attributes:
        found: the predictions that the rows are of.
        rows: int64, in order.
        threshold: of the run in focus.
        finding: canonical name.
        others: the runs that it is compared with, where the choice compares.
        upper: the upper line, where the films between the lines are shown.
    """

    found: Predictions
    rows: np.ndarray
    threshold: float
    finding: str
    others: Sequence[OtherRun] = ()
    upper: float | None = None

    @property
    def place(self) -> int:
        """The finding's place."""
        return self.found.place(self.finding)


# -- which films


def counts(store: Store, run: Evaluated, part: str, state: BoardState, finding: str) -> dict[str, int]:
    """{name of `CELLS`: films}, as the board counts them."""
    k = state.findings.index(finding)
    at = counts_at(from_store.sorted_scores(store, run.read(part))[k : k + 1], state.thresholds[k : k + 1])
    return {name: int(getattr(at, cell)[0]) for name, cell in CELLS.items()}


def choose(store: Store, runs: Sequence[Evaluated], part: str, state: BoardState, finding: str, which: str) -> Cases:
    """The films that a choice means.

    Args:
        runs: the first in focus, whose thresholds are the state's; the others at their own.
        which: of `CELLS`, REFERRED, NEAREST, ALL_MISS or DISAGREE.

    Raises:
        ResamplingError: runs without a film in common, or whose films are not the same ones.
    """
    k = state.findings.index(finding)
    threshold = float(state.thresholds[k])
    if which in (ALL_MISS, DISAGREE):
        films = _shared(store, tuple(run.read(part) for run in runs))
        others = [_other(store, run, held, state, k) for run, held in zip(runs[1:], films[1:], strict=True)]
        pick = cases.missed_by_all if which == ALL_MISS else cases.disagreements
        rows = pick(films[0].labels[:, k], [held.scores[:, k] for held in films],
                    [threshold, *(other.threshold for other in others)])
        return Cases(films[0], rows, threshold, finding, others)
    found = from_store.predictions(store, runs[0].read(part))
    labels, scores = found.labels[:, k], found.scores[:, k]
    if which == REFERRED:
        upper = state.upper_of(finding)
        return Cases(found, cases.between(labels, scores, threshold, upper), threshold, finding, upper=upper)
    rows = (cases.nearest(labels, scores, threshold) if which == NEAREST
            else cases.in_cell(labels, scores, threshold, CELLS[which]))
    return Cases(found, rows, threshold, finding)


@kept(4)  # of six runs of 25,596 films 10 MB; never written to
def _shared(store: Store, read: tuple[Labelled, ...]) -> list[Predictions]:
    return shared_films([from_store.predictions(store, of) for of in read])


def _other(store: Store, run: Evaluated, films: Predictions, state: BoardState, k: int) -> OtherRun:
    source = _own_set(store, run, state)
    return OtherRun(run.run_id, run.label, films.scores[:, k], float(source.thresholds[k]), source.in_words)


def _own_set(store: Store, run: Evaluated, state: BoardState) -> SourcedSet:
    """Another run's own thresholds, as the board has them: fitted as the board's set, where that can be done anew."""
    key = state.base.key if parse_key(state.base.key) else DEFAULT
    try:
        return find_set(store, run, key)
    except shell.WorkbenchError:
        return find_set(store, run, default_key(run))


# -- what they are, in words


def say_what_is_shown(store: Store, shown: Cases, which: str, runs: Sequence[Evaluated], part: str) -> None:
    """What is listed, of which films, in which order; and why there is nothing, where there is nothing."""
    at = written(shown.threshold, from_store.sorted_scores(store, runs[0].read(part))[shown.place])
    widgets.answer(in_words(shown, which, runs[0], part, at))
    if shown.others:
        said = [f"{widgets.escape(other.label)} {rounded(other.threshold)} ({widgets.escape(other.source)})"
                for other in shown.others]
        st.caption(f"Beside it, each at its own threshold: {'; '.join(said)}. "
                   f"{len(shown.found.image_ids):,} films are shared.")
    if len(shown.rows):
        return
    if shown.upper is not None and shown.upper <= shown.threshold:
        st.info(f"{display_name(shown.finding)} has one line, so nobody is asked: *Decide › Ask a person* on "
                "Thresholds sets a second.", icon=":material/info:")
        return
    labels = shown.found.labels[:, shown.place]
    lacking = [word for value, word in ((1, "with"), (0, "without")) if not (labels == value).any()]
    why = f" None of these films is labelled as {lacking[0]} {display_name(shown.finding)}." if lacking else ""
    st.info(f"There is no such film.{why}", icon=":material/info:")


def in_words(shown: Cases, which: str, run: Evaluated, part: str, threshold: str) -> str:
    """'Effusion: 412 missed films of test, 22,433 films, at the threshold 0.31; lowest score first', as HTML."""
    n, (one, several, order) = len(shown.rows), WORDS[which]
    return (f"<b>{escape(display_name(shown.finding))}: {n:,} {one if n == 1 else several}</b> of "
            f"{escape(run.in_words(part))}, at the threshold {threshold}"
            + (f", up to the upper line {rounded(shown.upper)}" if shown.upper is not None else "") + f"; {order}.")


# -- the films


def page_of(shown: Cases, page: int) -> np.ndarray:
    """The rows of one page."""
    return shown.rows[page * A_PAGE:(page + 1) * A_PAGE]


def draw_films(store: Store, run: Evaluated, part: str, shown: Cases, which: str, page: int) -> None:
    """The films of one page."""
    rows = page_of(shown, page)
    if not len(rows):
        return
    held = films_of(store, run.labels.dataset_id)
    people = _people(store, run, shown.found.image_ids[rows])
    beside = None if run.is_elsewhere(part) else link.same_runs_and_thresholds()
    finding = {} if shown.finding in dict(run.labels.derived) else {"finding": shown.finding}  # else there is no map
    tiles = [_tile(store, run, shown, which, row, person, held, beside, finding)
             for row, (_, person) in zip(rows, people.iterrows(), strict=True)]
    without = sum(tile.pixels is None for tile in tiles)
    if held is None:
        st.info("No films of this data set lie prepared beside this store, so there are no pictures of them. This "
                "prepares them:", icon=":material/image_not_supported:")
        widgets.command(config.PREPARE_COMMAND, store)
    elif without:
        st.caption(f"{without} of these {len(tiles)} films do not lie prepared, so there is no picture of them.")
    wall(tiles)


def _people(store: Store, run: Evaluated, image_ids: np.ndarray) -> pd.DataFrame:
    """Age, sex and view of these films, in their order; NaN where not known."""
    images = from_store.images(store, run.labels.dataset_id)
    return images[images["image_id"].isin(image_ids)].set_index("image_id").reindex(image_ids)


def _tile(store: Store, run: Evaluated, shown: Cases, which: str, row: int, person: pd.Series, held: FilmMap | None,
          beside: Mapping[str, object] | None, finding: Mapping[str, str]) -> Tile:
    """One film; without a link to Explain where `beside` is None, as for films of another data set than the run's."""
    found, k = shown.found, shown.place
    image_id, score = found.image_ids[row], float(found.scores[row, k])
    about = [f"patient {found.patient_ids[row] or 'unknown'}",
             *([] if pd.isna(person["age"]) else [f"{person['age']:.0f} years"]),
             *(str(person[name]) for name in ("sex", "view") if not pd.isna(person[name]))]
    mixed = which in (NEAREST, DISAGREE)
    outcome = [OUTCOMES[int(found.labels[row, k]), score >= shown.threshold]] if mixed else []
    others = [f"{other.label} {compared(float(other.scores[row]), other.threshold)}" for other in shown.others]
    labels = labels_in_words(found.labels[row], found.findings)
    address = "" if beside is None else "explain?" + urlencode(
        {**beside, "film": image_id, **finding}, doseq=True)
    boxes = [(box.left, box.top, box.width, box.height)
             for box in boxes_on(store, run.labels.dataset_id, image_id) if box.finding == shown.finding]
    alarm, has = score >= shown.threshold, found.labels[row, k] == 1
    asked = shown.upper is not None
    title = f"{compared(score, shown.threshold)}, < {rounded(shown.upper)}" if shown.upper is not None else (
        compared(score, shown.threshold))
    return Tile(held.film(image_id) if held else None, title,
                " · ".join([*outcome, *others, labels, ", ".join(about)]), boxes, image_id, address,
                "Explain" if address else "", image_id, bool(alarm != has) and not asked,
                display_name(shown.finding) if has and not alarm else "")


def films_table(shown: Cases, which: str) -> pd.DataFrame:
    """A row a film, in order, for the download; scores as doubles, so that each decides as it did here."""
    found, rows, k = shown.found, shown.rows, shown.place
    scores = found.scores[rows, k].astype(np.float64)
    frame = pd.DataFrame({
        "image_id": found.image_ids[rows], "patient_id": found.patient_ids[rows], "finding": shown.finding,
        "label": found.labels[rows, k], "score": scores, "threshold": shown.threshold,
        "alarm": scores >= shown.threshold, "films": which})
    for other in shown.others:
        frame[f"score_{other.run_id}"] = other.scores[rows].astype(np.float64)
        frame[f"threshold_{other.run_id}"] = other.threshold
    return frame
