"""Three films with their boxes under the maps of all that is shown: what the page's numbers look like."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxrcore.charts.film_viewer import payload
from cxrcore.charts.film_viewer.payload import Box, Captioned, Layer, Network, Shown, no_maps
from cxrcore.errors import WorkbenchError
from cxrcore.explain import overlay as overlays
from cxrcore.explain.method_names import METHODS, SLOW
from cxrcore.findings import display_name
from cxrcore.queries import explained_films, film_pixels, from_store
from cxrcore.queries.explained_films import COLOURS, STRONGEST
from cxrcore.queries.film_pixels import FilmMap
from cxrcore.queries.maps import kept_maps, telling_films
from cxrcore.queries.maps.drawn_boxes import in_pixels
from cxrcore.queries.maps.kept_maps import FilmMaps
from cxrcore.queries.maps.telling_films import TellingFilm
from cxrcore.queries.threshold_sets import default_key, find_set
from cxrcore.store import Store
from cxrcore.ui import film_viewer, widgets
from cxrcore.ui.localization.sections import Series
from cxrcore.ui.markdown import escape as plain

KEY = "localization_films"
PICKER = 290  # pixels
LONGEST = 640  # pixels of a picture's long side
_PATIENCE = 0.1  # seconds between two looks at whether the networks are loaded
FEW = "No film with a box of {} lies beside this store, so there is no picture of where the maps point."


@dataclass(frozen=True)
class Films:
    """Films that are shown, and all that is known of them without a network.

    Attributes:
        scores, thresholds: float64 (n, m), of n films by m of `shown`.
    """

    finding: str
    chosen: Sequence[TellingFilm]
    pixels: Sequence[np.ndarray]
    boxes: Sequence[Sequence[Box]]
    shown: Sequence[Series]
    scores: np.ndarray
    thresholds: np.ndarray


def pick_finding(shown: Sequence[Series]) -> str | None:
    """The finding whose films are shown, those with most measured films first; None at a link to what is not here."""
    counted = telling_films.films_of_findings([_rows(one) for one in shown])
    names = [name for name in counted if name in shown[0].findings]
    names += [name for name in shown[0].findings if name not in names]
    with st.container(width=PICKER):
        title = widgets.choice_in_link("Films with", "finding", [display_name(name) for name in names],
                                       "The finding whose films are shown; those with most boxes first.",
                                       widgets.finding_title(names))
    return next((name for name in names if display_name(name) == title), None)


def _rows(one: Series) -> pd.DataFrame:
    return one.of.rows[one.of.rows["method"] == one.method]


def show(store: Store, place: DeltaGenerator, shown: Sequence[Series], finding: str | None) -> Callable[[], None]:
    """The films of a finding, or why there are none; as `draw`."""
    if finding is None:
        return lambda: None
    films = read_films(store, shown, finding)
    if films is None:
        place.caption(FEW.format(plain(display_name(finding))))
        return lambda: None
    return draw(store, place, films)


def read_films(store: Store, shown: Sequence[Series], finding: str) -> Films | None:
    """Three films of the finding; None where none is at hand."""
    dataset_id = shown[0].of.run.dataset_id
    held = film_pixels.films_of(store, dataset_id)
    if held is None:
        return None
    scores, thresholds = _scores(store, shown, finding)

    def surest(films: Sequence[str]) -> Sequence[float]:
        ratio = scores.reindex(films).to_numpy() / np.maximum(thresholds, 1e-6)
        return np.nan_to_num(ratio, nan=-1.0).mean(axis=1)

    chosen = telling_films.choose([_rows(one) for one in shown], finding, held.holds, surest)
    if not chosen:
        return None
    pixels = [_pixels(held, one.image_id) for one in chosen]
    boxes = [in_pixels(film_pixels.boxes_on(store, dataset_id, one.image_id), film.shape)
             for one, film in zip(chosen, pixels, strict=True)]
    return Films(finding, chosen, pixels, boxes, shown, scores.reindex([one.image_id for one in chosen]).to_numpy(),
                 np.repeat(thresholds[None], len(chosen), axis=0))


def _pixels(held: FilmMap, image_id: str) -> np.ndarray:
    found = held.film(image_id)
    assert found is not None  # chosen among those that it holds
    return found


def _scores(store: Store, shown: Sequence[Series], finding: str) -> tuple[pd.DataFrame, np.ndarray]:
    """The finding's scores, a row a film and a column each of `shown`; thresholds, float64 (m,)."""
    columns, thresholds = [], []
    for one in shown:
        run = one.of.run
        found = from_store.predictions(store, run.read("test"))
        columns.append(pd.Series(found.scores[:, found.place(finding)].astype(float), index=found.image_ids))
        thresholds.append(find_set(store, run, default_key(run)).thresholds[run.findings.index(finding)])
    return pd.concat(columns, axis=1), np.array(thresholds, float)


# -- their maps


def draw(store: Store, place: DeltaGenerator, films: Films) -> Callable[[], None]:
    """Show the films with what was kept of their maps.

    Args:
        place: an `st.empty`.

    Returns:
        What asks the networks for the maps that are missing, to be called when the rest of the page stands: it loads
        torch, says how far it is, and shows the films again.
    """
    maps = {(row, column): kept_maps.read(store, one.of.run.run_id, one.method, film.image_id)
            for row, film in enumerate(films.chosen) for column, one in enumerate(films.shown)}
    missing = [key for key, found in maps.items() if found is None and films.shown[key[1]].method != METHODS[SLOW]
               and kept_maps.can_make(store, films.shown[key[1]].of.run.run_id)]
    with place.container():
        film_viewer.films(_packed(films, maps), f"{KEY}_first" if missing else KEY)
        note = st.empty()
    if any(one.method == METHODS[SLOW] for one in films.shown):
        note.caption(f"{SLOW} takes a minute a film: its maps are made on the page Explain.")
    elif missing:
        note.progress(0.0, "The maps of these films come when the page stands.")

    def ask() -> None:
        if not missing:
            return
        failed = _ask(store, films, maps, missing, note)
        with place.container():
            film_viewer.films(_packed(films, maps), KEY)
            for text in failed:
                st.caption(plain(text))

    return ask


def _ask(store: Store, films: Films, maps: dict[tuple[int, int], FilmMaps | None], missing: Sequence[tuple[int, int]],
         note: DeltaGenerator) -> list[str]:
    """Fill in the maps; what could not be had, in words."""
    runs = list(dict.fromkeys(films.shown[column].of.run.run_id for _, column in missing))
    loading = explained_films.begin_loading(store, runs)
    while loading.is_alive():
        note.progress(0.0, "Loading the networks …")  # a click on anything else ends the waiting here
        loading.join(_PATIENCE)
    failed: dict[str, None] = {}
    for n, (row, column) in enumerate(sorted(missing, key=lambda key: key[1])):
        one = films.shown[column]
        note.progress(n / len(missing), f"Asking where they look: {n} of {len(missing)} maps")
        try:
            maps[row, column] = kept_maps.make(store, one.of.run.run_id, one.method, films.chosen[row].image_id,
                                               films.pixels[row])
        except WorkbenchError as error:
            failed[f"{one.name}: no map, because {error}."] = None
    note.empty()
    return list(failed)


# -- packing


def _packed(films: Films, maps: dict[tuple[int, int], FilmMaps | None]) -> bytes:
    made = [Captioned(one.title, f"{one.said}.", _film(films, row, [maps[row, column]
                                                                  for column in range(len(films.shown))]))
            for row, one in enumerate(films.chosen)]
    return payload.pack_films(made, "Outlines of all")


def _film(films: Films, row: int, maps: Sequence[FilmMaps | None]) -> bytes:
    networks, layers = [], []
    for column, (one, found) in enumerate(zip(films.shown, maps, strict=True)):
        note = _note(films.chosen[row], column, found, films.finding)
        networks.append(Network(one.name, one.style.colour, one.style.mark(), films.scores[row, column:column + 1],
                                films.thresholds[row, column:column + 1], [note]))
        layers.append(no_maps(one.name, column) if found is None else _layer(one.name, column, found))
    shown = Shown(payload.RUNS, films.finding, STRONGEST / 100, False, overlays.colour_table(COLOURS[0]),
                  f"Film {films.chosen[row].image_id} with a box of {display_name(films.finding)}", keys=False)
    return payload.pack(films.pixels[row], [films.finding], networks, layers, shown, None, films.boxes[row], LONGEST)


def _place(found: FilmMaps, finding: str) -> list[int]:
    """Where the finding's map lies; nowhere where the network does not know it."""
    return [found.findings.index(finding)] if finding in found.findings else [0] if not found.findings else []


def _layer(title: str, place: int, found: FilmMaps) -> Layer:
    small = found.small
    return Layer(title, place, found.findings, small.cells, small.low, small.high, small.size, small.offset)


def _note(film: TellingFilm, column: int, found: FilmMaps | None, finding: str) -> str:
    """'hit · IoU .31 · 44 % of the map in the box'."""
    parts = ["hit" if film.hits[column] else "miss"]
    if found is not None and not (found.small.high > found.small.low)[_place(found, finding)].any():
        return f"{parts[0]} · the map is empty"
    if not np.isnan(film.iou[column]):
        parts.append(f"IoU {film.iou[column]:.2f}")
    parts.append(f"{100 * film.energy[column]:.0f} % in the box")
    if found is None:
        parts.append("no map here")
    return " · ".join(parts)

