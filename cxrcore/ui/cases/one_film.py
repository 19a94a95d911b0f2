"""One of the films of a page, large: with its box, the scores of all findings and, where a network is there, its maps.

A fragment, so that going from film to film leaves the wall of films as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.charts.film_viewer import payload
from cxrcore.charts.film_viewer.assets import PEEK_SCRIPT, PEEK_STYLE
from cxrcore.charts.film_viewer.payload import Layer, Network, Shown
from cxrcore.data.pixels import film_file
from cxrcore.errors import WorkbenchError
from cxrcore.explain import overlay as overlays
from cxrcore.explain.method_names import METHODS
from cxrcore.queries import chosen_film, explained_films, from_store
from cxrcore.queries.board_state import BoardState
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.explained_films import COLOURS, STRONGEST, Explained
from cxrcore.queries.film_pixels import boxes_on, films_of
from cxrcore.queries.maps.drawn_boxes import in_pixels
from cxrcore.store import Store
from cxrcore.store.run_folder import BEST
from cxrcore.ui import film_viewer, link
from cxrcore.ui.cases.film_list import Cases

KEY, PEEK = "cases_viewer", "cases_peek"
METHOD = "Grad-CAM"
_MAPS = "cases_maps"  # in the session: {film: layer} of the finding, for those who rest on a film
MOST_MAPS = 48
_PEEK = st.components.v2.component("cxr_film_peek", html='<div id="peek"\nhidden></div>', css=PEEK_STYLE,
                                   js=PEEK_SCRIPT)


@dataclass(frozen=True)
class Listed:
    """The films of a page, and what is needed to show one of them.

    Attributes:
        run, part, state: whose scores, of which films, at which thresholds.
        row: of the run, as the store has it.
        shown: all films that are listed.
        rows: those of the page.
        overview: of the store.
    """

    store: Store
    run: Evaluated
    part: str
    state: BoardState
    row: pd.Series
    shown: Cases
    rows: np.ndarray
    overview: from_store.Overview

    @property
    def asks(self) -> bool:
        """Whether there is a network to ask for maps."""
        return (not self.run.is_elsewhere(self.part) and self.shown.finding not in dict(self.run.labels.derived)
                and self.store.run_file(self.run.run_id, BEST) is not None)

    @property
    def findings(self) -> Sequence[str]:
        """Of the rows beside a film."""
        return self.shown.found.findings


@st.fragment
def look_at_films(listed: Listed) -> None:
    """What shows films of the wall large, when they are pointed at and when they are opened."""
    held = films_of(listed.store, listed.run.labels.dataset_id)
    ids = [str(name) for name in listed.shown.found.image_ids[listed.rows]]
    there = [name for name in ids if held is not None and held.film(name) is not None]
    said = st.session_state.get(PEEK) or {}
    opened = said.get("opened") if said.get("opened") in there else None
    maps = _maps(listed, [name for name in (said.get("wanted"),) if name in there])
    data: dict[str, Any] = {
        "films": there, "opened": opened, "asks": listed.asks, "strength": STRONGEST / 100, "maps": maps,
        "colours": overlays.colour_table(COLOURS[0]).round().astype(int).ravel().tolist() if maps else []}
    _PEEK(data=data, key=PEEK, height=1, on_opened_change=lambda: None, on_wanted_change=lambda: None)
    if opened is not None:
        _draw(listed, opened, there)


def _maps(listed: Listed, wanted: Sequence[str]) -> dict[str, Any]:
    """The maps of the finding that are known by now, with those that are wanted."""
    of = (listed.run.run_id, listed.shown.finding, listed.shown.threshold)
    known = st.session_state.setdefault(_MAPS, {})
    if known.get("of") != of or len(known.get("maps", ())) > MOST_MAPS:
        known.update(of=of, maps={})
    for image_id in wanted:
        if listed.asks and image_id not in known["maps"] and (found := _explained(listed, image_id)):
            explained, score = found
            if listed.shown.finding in explained.findings:
                place = explained.findings.index(listed.shown.finding)
                small = explained.small
                known["maps"][image_id] = {
                    "places": [0], "rows": small.cells.shape[1], "columns": small.cells.shape[2], "size": small.size,
                    "offset": small.offset, "low": [float(small.low[place])], "high": [float(small.high[place])],
                    "cells": small.cells[place].ravel().tolist(),
                    "opacity": overlays.opacity(score, listed.shown.threshold)}
    return known["maps"]


def _explained(listed: Listed, image_id: str) -> tuple[Explained, float] | None:
    """A film's maps and its score of the finding; None where it cannot be read or asked."""
    try:
        film = _film(listed, image_id)
        loaded = explained_films.load_network(listed.store, listed.run.run_id)
        found = explained_films.explained(loaded, film_file.resize(film, loaded.image_size), METHODS[METHOD])
    except WorkbenchError:
        return None
    if found.off:
        return None
    row = int(np.flatnonzero(listed.shown.found.image_ids == image_id)[0])
    return found, float(listed.shown.found.scores[row, listed.shown.place])


def _film(listed: Listed, image_id: str) -> np.ndarray:
    """uint8 (H, W)."""
    films = chosen_film.films_of(listed.store, listed.row, listed.overview.runs, listed.overview.datasets)
    return chosen_film.stored(listed.store, films, image_id, chosen_film.size_of(listed.row)).film.pixels


def _draw(listed: Listed, image_id: str, there: Sequence[str]) -> None:
    """The film large, beside all its scores."""
    at = there.index(image_id)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{at + 1} of {len(there)}** · {image_id}", width="content")
        st.caption("J, K: next and previous film · Escape: close", width="content")
    held = films_of(listed.store, listed.run.labels.dataset_id)
    try:
        pixels = _film(listed, image_id)
    except WorkbenchError:
        pixels = held.film(image_id) if held else None
    if pixels is None:
        return
    place = st.empty()
    if listed.asks and (loading := explained_films.begin_loading(listed.store, [listed.run.run_id])).is_alive():
        with place.container():
            film_viewer.film_viewer(_payload(listed, image_id, pixels, None), f"{KEY}_first")
        loading.join()
    found = _explained(listed, image_id) if listed.asks else None
    with place.container():
        film_viewer.film_viewer(_payload(listed, image_id, pixels, found[0] if found else None,
                                         "" if found else _why_no_map(listed)), KEY)


def _why_no_map(listed: Listed) -> str:
    """'' where maps are not off, but there is no network to ask."""
    try:
        off = listed.asks and explained_films.load_network(listed.store, listed.run.run_id).maps.why_off
    except WorkbenchError:
        return ""
    return f" The run's maps are off, since they did not pass their check: {off}." if off else ""


def _payload(listed: Listed, image_id: str, pixels: np.ndarray, explained: Explained | None, why: str = "") -> bytes:
    found, findings = listed.shown.found, listed.findings
    row = int(np.flatnonzero(found.image_ids == image_id)[0])
    own = dict(zip(listed.state.findings, listed.state.thresholds.tolist(), strict=True))
    thresholds = np.array([own.get(finding, np.nan) for finding in findings])
    scores = np.where(np.isnan(thresholds), np.nan, found.scores[row].astype(np.float64))
    style = link.styles([listed.run.run_id])[listed.run.run_id]
    uppers = np.array([listed.state.upper_of(finding) if finding in own else np.nan for finding in findings])
    network = Network(listed.run.label, style.colour, style.mark(), scores, thresholds,
                      _notes(findings, explained, why), uppers=uppers)
    labels = {finding: bool(label) for finding, label in zip(findings, found.labels[row], strict=True)
              if not np.isnan(label)}
    boxes = in_pixels(boxes_on(listed.store, listed.run.labels.dataset_id, image_id), pixels.shape)
    shown = Shown(payload.ONE, listed.shown.finding, STRONGEST / 100, False, overlays.colour_table(COLOURS[0]),
                  f"Film {image_id}")
    return payload.pack(pixels, findings, [network], [_layer(listed, explained)], shown, labels, boxes)


def _layer(listed: Listed, explained: Explained | None) -> Layer:
    if explained is None:
        return payload.no_maps(listed.run.label)
    small = explained.small
    return Layer(listed.run.label, 0, explained.findings, small.cells, small.low, small.high, small.size, small.offset)


def _notes(findings: Sequence[str], explained: Explained | None, why: str) -> list[str]:
    """A line for each finding; why: there is no map."""
    if explained is None:
        return [f"No map.{why}"] * len(findings)
    return [f"Map: {METHOD}" + ("" if finding in explained.findings and explained.of(finding)[0].any()
                                else "; it is empty: nothing speaks for the finding") + "."
            for finding in findings]
