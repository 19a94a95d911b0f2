"""The film on Home: its map drawn in the browser, from small grids that an evaluation left beside the run."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from cxrcore.charts.sources import sent
from cxrcore.findings import display_name
from cxrcore.queries.glance.home_films import HomeFilm

ROWS = 6  # findings beside a film, those nearest to an alarm
HEIGHT = 320  # pixels
_HERE = Path(__file__).parent
_COMPONENT = st.components.v2.component(
    "cxr_home_film", html='<div id="film"\ndata-testid="home-film"></div>',
    css=sent(_HERE / "film.css"), js=sent(_HERE / "film.js"))


def show(films: Sequence[HomeFilm]) -> None:
    """At least one film."""
    cells: list[np.ndarray] = []
    told = [_film(one, cells) for one in films]
    side = cells[0].shape[0] if cells else 1
    packed = base64.b64encode(b"".join(one.tobytes() for one in cells)).decode()
    _COMPONENT(data={"films": told, "side": side, "cells": packed}, key="home_film")


def _beside(film: HomeFilm) -> list[str]:
    """The findings beside the film: those nearest to an alarm, and one at least whose map is not empty."""
    names = list(film.scores)
    seen = [name for name in names if name in film.maps and film.maps[name].any()]
    return names[:ROWS] if not seen or seen[0] in names[:ROWS] else [*names[:ROWS - 1], seen[0]]


def _film(film: HomeFilm, cells: list[np.ndarray]) -> dict[str, Any]:
    said: list[dict[str, Any]] = []
    for name in _beside(film):
        at = None
        if name in film.maps:
            at = len(cells)
            cells.append(film.maps[name])
        said.append({"title": display_name(name), "score": round(film.scores[name], 4), "at": at,
                     "threshold": round(film.thresholds[name], 4), "labelled": name in film.labels})
    seen = [place for place, one in enumerate(said) if one["at"] is not None and cells[one["at"]].any()]
    first = next((place for place in seen if said[place]["labelled"]), seen[0] if seen else 0)
    file = io.BytesIO()
    Image.fromarray(film.pixels).save(file, "JPEG", quality=85)
    labels = ", ".join(map(display_name, film.labels)) or "no finding"
    return {"picture": f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}",
            "alt": f"Chest film {film.image_id}, labelled {labels}", "said": said, "first": first}
