"""A wall of small films from the prepared pixels: captions in words, boxes outlined, wrapping on a narrow screen."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import streamlit as st
from PIL import Image

from cxrcore.findings import NO_FINDING, display_name

QUALITY = 85  # of the JPEG: about 8 kB a film of 224 pixels
_STYLE = """<style>
.films { display: grid; grid-template-columns: repeat(auto-fill, minmax(168px, 1fr)); gap: 16px; }
.films figure { margin: 0; }
.films .film { position: relative; line-height: 0; background: #000; border-radius: 6px; overflow: hidden; }
.films .none { aspect-ratio: 1; display: grid; place-items: center; color: #aaa; font-size: 14px; line-height: 1; }
.films.texts .film { background: none; border: 1px solid rgba(128,128,128,.5); }
.films.texts .none { aspect-ratio: auto; padding: 12px; color: inherit; opacity: .75; }
.films a { color: inherit; text-decoration: none; }
.films figcaption a { float: right; margin-left: 8px; text-decoration: underline; text-underline-offset: 3px; }
.films a:focus-visible { outline: 3px solid #56B4E9; display: block; border-radius: 6px; }
.films img { width: 100%; aspect-ratio: 1; object-fit: fill; }
.films .box { position: absolute; border: 2px solid #F0E442; border-radius: 2px; box-shadow: 0 0 0 1px rgba(0,0,0,.6); }
.films figcaption { font-size: 14px; line-height: 1.35; margin-top: 6px; overflow-wrap: anywhere; }
.films figcaption span { opacity: .8; }
.films figcaption b { font-weight: 600; }
.films .wrong, .films em { color: light-dark(#A3200D, #FFA494); font-style: normal; font-weight: 600; }
.films button.film { display: block; width: 100%; padding: 0; border: 0; font: inherit; cursor: zoom-in; }
.films button.film:hover { box-shadow: 0 0 0 2px #56B4E9; }
.films .film[data-open] { box-shadow: 0 0 0 4px #56B4E9; }
.films button:focus-visible { outline: 3px solid #56B4E9; outline-offset: 2px; }
.films.row { display: flex; gap: 12px; overflow-x: auto; }
.films.row figure { flex: 0 0 100px; }
.films.row .film { height: 78px; width: 78px; }
.films.row figcaption { margin-top: 3px; line-height: 1.25; white-space: nowrap; }
</style>"""


@dataclass(frozen=True)
class Tile:
    """One film.

    Attributes:
        pixels: uint8 (S, S) or (S, S, 3); None where there is no picture.
        title, detail: the caption's first line and what stands below it.
        boxes: left, top, width, height as shares of the film.
        name: shown when the pointer rests on the film, and read to who cannot see it.
        link: where a click on the film leads.
        link_text: the same link as a word in the caption.
        opens: the film's name where a click on it opens it on the page itself.
        wrong: whether the title stands for a mistake, and so in colour.
        marked: a part of the detail that stands in colour.
    """

    pixels: np.ndarray | None
    title: str
    detail: str
    boxes: Sequence[tuple[float, float, float, float]] = ()
    name: str = ""
    link: str = ""
    link_text: str = ""
    opens: str = ""
    wrong: bool = False
    marked: str = ""


def labels_in_words(labels: np.ndarray, findings: Sequence[str]) -> str:
    """'Effusion, Mass' of a film's labels, (k,) 1 / 0 / NaN; 'No Finding' where all of them say so."""
    names = [display_name(findings[k]) for k in np.flatnonzero(labels == 1)]
    return ", ".join(names) or (display_name(NO_FINDING) if (labels == 0).all() else "no known finding")


def wall(tiles: Sequence[Tile]) -> None:
    """Draw the films; low where there is no picture of any."""
    kind = "films" if any(tile.pixels is not None for tile in tiles) else "films texts"
    st.html(f'{_STYLE}<div class="{kind}">{"".join(map(_figure, tiles))}</div>')


def row_of_films(tiles: Sequence[Tile]) -> None:
    """Draw the films small in one row, which scrolls sideways where the screen is narrow."""
    st.html(f'{_STYLE}<div class="films row">{"".join(map(_figure, tiles))}</div>')


def _figure(tile: Tile) -> str:
    boxes = "".join(f'<div class="box" style="left:{100 * x:.2f}%;top:{100 * y:.2f}%;width:{100 * w:.2f}%;'
                    f'height:{100 * h:.2f}%"></div>' for x, y, w, h in tile.boxes)
    said = escape(f"Film {tile.name}".rstrip() + f": {tile.title}, {tile.detail}", quote=True)
    hover = f' title="{escape(tile.name, quote=True)}"' if tile.name and not tile.opens else ""
    picture = (f'<div class="none" role="img" aria-label="{said}">no picture</div>' if tile.pixels is None else
               f'<img src="{_jpeg(tile.pixels)}" alt="{said}">')
    film = f'<div class="film">{picture}{boxes}</div>'
    leads = f'href="{escape(tile.link, quote=True)}" target="_self"'
    word = ""
    if tile.link_text:  # by keyboard the word alone is reached, so that each film is one stop
        word = f'<a {leads} aria-label="{escape(f"{tile.link_text} film {tile.name}", quote=True)}">' \
               f"{escape(tile.link_text)}</a>"
    if tile.opens and tile.pixels is not None:
        name = escape(tile.opens, quote=True)
        film = f'<button type="button" class="film" data-film="{name}">{picture}{boxes}</button>'
    elif tile.link:
        film = f'<a {leads}{" tabindex=-1" if word else ""}>{film}</a>'
    return (f"<figure{hover}>{film}<figcaption>{word}<b{' class=wrong' if tile.wrong else ''}>{escape(tile.title)}</b>"
            f"<br><span>{_marked(tile)}</span></figcaption></figure>")


def _marked(tile: Tile) -> str:
    before, found, after = tile.detail.partition(tile.marked) if tile.marked else (tile.detail, "", "")
    return f"{escape(before)}<em>{escape(found)}</em>{escape(after)}" if found else escape(before)


def _jpeg(pixels: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels)).save(file, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
