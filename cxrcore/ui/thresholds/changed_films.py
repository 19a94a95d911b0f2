"""The strip below the threshold board: which films the last move of a threshold changed, with pictures of some."""

from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.data.files import csv_file
from cxrcore.findings import display_name
from cxrcore.measures.thresholds.changed_films import Changed, changed
from cxrcore.measures.thresholds.positions import written
from cxrcore.queries import from_store
from cxrcore.queries.film_pixels import FilmMap, films_of
from cxrcore.queries.from_store import Labelled
from cxrcore.store import Predictions, Store
from cxrcore.ui import widgets
from cxrcore.ui.film_tiles import Tile, row_of_films

N_TILES = 8
N_NAMED = 8  # where there are no pictures
_STYLE = "<style>.st-key-changed_words { flex-wrap: nowrap; }</style>"
LABELS = {1: "with it", 0: "without it"}


def waiting() -> None:
    """What stands there before anything was moved."""
    with _strip():
        st.caption("Move a threshold: the films that change side stand here.")


def show_changed_films(store: Store, of: Labelled, finding: str, before: float, after: float) -> None:
    """The films between two thresholds of a finding.

    Args:
        of: what the board is read on.
        before, after: the thresholds.
    """
    found = from_store.predictions(store, of)
    k = found.place(finding)
    moved = changed(found.labels[:, k], found.scores[:, k], before, after)
    shown = films_of(store, of.labels.dataset_id) if len(moved.rows) else None
    rows = [] if shown is None else list(islice(
        (row for row in moved.rows if shown.film(found.image_ids[row]) is not None), N_TILES))
    ends = [written(value, from_store.sorted_scores(store, of)[k]) for value in (before, after)]
    with _strip():
        with st.container(horizontal=True, vertical_alignment="center", key="changed_words"):
            st.markdown(in_words(finding, *ends, moved) + _which(len(rows), len(moved.rows)), width="stretch")
            if len(moved.rows):
                st.download_button(
                    "List", lambda: csv_file.csv_text(changed_films_table(found, k, moved, before, after)),
                    f"changed_{finding}.csv", "text/csv", key="changed_csv", on_click="ignore", type="tertiary",
                    icon=":material/download:", help="The films that changed side, as CSV")
        if rows and shown is not None:
            row_of_films([_tile(shown, found, k, row) for row in rows])
        elif len(moved.rows):
            st.caption(_named(found, k, moved))


def in_words(finding: str, before: str, after: str, moved: Changed) -> str:
    """As 'Effusion 0.31 → 0.24: 412 films changed side. By their labels: 96 more caught, 316 more false alarms.'."""
    n = len(moved.rows)
    if not n:
        return f"**{display_name(finding)}: no film changed side.** None scores between the old threshold and the new."
    head = f"**{display_name(finding)} {before} → {after}:"
    right, wrong = ("more caught", "more false alarms") if moved.gained else ("more missed", "fewer false alarms")
    words = [f"{moved.positives:,} {right}", f"{moved.negatives:,} {wrong}"]
    words += [f"{moved.unknown:,} without a label"] if moved.unknown else []
    return f"{head} {n:,} film{'s' if n > 1 else ''} changed side.** By their labels: {', '.join(words)}."


def changed_films_table(found: Predictions, k: int, moved: Changed, before: float, after: float) -> pd.DataFrame:
    """A row a film that changed side, for the download; scores as doubles, so that each decides as it did here."""
    rows = moved.rows
    return pd.DataFrame({
        "image_id": found.image_ids[rows], "patient_id": found.patient_ids[rows], "finding": found.findings[k],
        "label": found.labels[rows, k], "score": found.scores[rows, k].astype(np.float64), "threshold_before": before,
        "threshold_after": after, "alarm_before": not moved.gained, "alarm_after": moved.gained})


def _strip() -> Any:
    st.html(_STYLE)
    return st.container(key="changed_films")


def _which(n_shown: int, n: int) -> str:
    """Which of the films stand below, where it is not all of them."""
    if n_shown == n or not n_shown:
        return ""
    rest = ", those with the finding first" if n_shown == N_TILES else "; the others do not lie prepared"
    return f" Shown: {n_shown}{rest}."


# -- pictures


def _named(found: Predictions, k: int, moved: Changed) -> str:
    """The first of the films, where there are no pictures of them."""
    names = ", ".join(f"{widgets.escape(found.image_ids[row])} ({_label(found.labels[row, k])}, "
                      f"{found.scores[row, k]:#.3g})" for row in moved.rows[:N_NAMED])
    more = len(moved.rows) - N_NAMED
    return (f"{names}{f' and {more:,} more' if more > 0 else ''}. No pictures: these films do not lie prepared beside "
            "the store.")


def _tile(shown: FilmMap, found: Predictions, k: int, row: int) -> Tile:
    return Tile(shown.film(found.image_ids[row]), _label(found.labels[row, k]), f"{found.scores[row, k]:#.3g}",
                name=found.image_ids[row])


def _label(label: float) -> str:
    return LABELS.get(label, "no label")
