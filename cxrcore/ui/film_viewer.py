"""The film viewer on a page: films, maps and scores that the browser draws, without the server, once they are there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from cxrcore.charts.film_viewer.assets import FILMS_SCRIPT, FILMS_STYLE, SCRIPT, STYLE
from cxrcore.charts.sources import packed

_COMPONENT = st.components.v2.component(
    "cxr_film_viewer",
    html='<div id="viewer" data-testid="film-viewer"\nrole="group" aria-label="Film viewer"></div>',
    js=packed(SCRIPT, STYLE),
)

_FILMS = st.components.v2.component(
    "cxr_films", html='<div id="films" data-testid="films"\nrole="group" aria-label="Films and maps"></div>',
    js=packed(FILMS_SCRIPT, FILMS_STYLE))

HEIGHT = "calc(min(max(480px, 100vh - 262px), 42vw) + 42px)"  # of a square film on a desk, with its tools
MOST_STROKES, MOST_POINTS, FARTHEST = 100, 2000, 1e5  # of what a browser may send; pixels from the film's corner


@dataclass(frozen=True)
class Patch:
    """Grey over a place: its name, and lines of (x, y) in the film's pixels."""

    name: str
    strokes: list[list[list[float]]]


def film_viewer(payload: bytes, key: str, on_finding: Callable[[], None] = lambda: None,
                on_painted: Callable[[], None] = lambda: None) -> None:
    """Show a film.

    Args:
        payload: as `payload.pack` makes it.
        key: of the component.
        on_finding: called a moment after another finding was kept; `kept` says which.
        on_painted: called when a patch was painted or taken away; `painted` says which.
    """
    st.html(f"<style>.st-key-{key} {{ min-height: {HEIGHT}; }}</style>")
    _COMPONENT(data=payload, key=key, on_finding_change=on_finding, on_painted_change=on_painted)


def films(payload: bytes, key: str) -> None:
    """Show films side by side under the maps of one or several networks.

    Args:
        payload: as `payload.pack_films` makes it.
        key: of the component.
    """
    _FILMS(data=payload, key=key)


def kept(key: str) -> str | None:
    """The finding that was kept last."""
    return _state(key).get("finding")


def painted(key: str, film: str) -> Patch | None:
    """The patch that was painted on this film, as `payload.film_id` calls it; None without one."""
    said = _state(key).get("painted")
    if not isinstance(said, dict) or said.get("film") != film:
        return None
    name, strokes = said.get("name"), said.get("strokes")
    if not isinstance(name, str) or not isinstance(strokes, list) or not 0 < len(strokes) <= MOST_STROKES:
        return None
    fine = all(isinstance(line, list) and 0 < len(line) <= MOST_POINTS and all(map(_is_point, line))
               for line in strokes)
    return Patch(name[:100], strokes) if fine else None


def _is_point(at: object) -> bool:
    return isinstance(at, list) and len(at) == 2 and all(
        isinstance(value, int | float) and abs(value) < FARTHEST for value in at)


def _state(key: str) -> dict[str, Any]:
    return st.session_state.get(key) or {}
