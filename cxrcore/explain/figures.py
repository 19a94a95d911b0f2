"""Grad-CAM figures in files: a film with its map over it, and a contact sheet of several films. Pillow only.

Knows what to draw and not where it comes from: captions come as finished lines. All geometry is the film's own: the
network sees the whole film squeezed into a square, so its map is stretched back over the whole film.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cxrcore.explain.overlay import STRONGEST, drawn_size, overlay, resized
from cxrcore.glossary import NOT_FOR_DIAGNOSIS

SYNTHETIC = "SYNTHETIC"

BOX_COLOUR = "#56B4E9"  # Okabe and Ito (2008)
MARK_COLOUR = "#B54800"  # of SYNTHETIC
_TEXT, _MUTED, _PAPER, _EMPTY = "#1F2328", "#57606A", "#FFFFFF", "#F0F2F4"

LONGEST, SHORTEST = 1024, 512  # long side of a film in a single figure, pixels
CELL = 380  # side of a film on the contact sheet
_GAP = 24
_SIZES = {"head": 34, "title": 21, "line": 17, "large title": 32, "large line": 25}  # large: in single figures
_LEADING = 1.4  # of the size


@dataclass(frozen=True)
class FigurePanel:
    """One finding's map over a film.

    Attributes:
        heat: float (S, S) in [0, 1].
        opacity: in [0, 1], see `overlay.opacity`.
        boxes: float (n, 4), x, y, width, height in pixels of the film; may be empty.
        title: the finding.
        lines: the caption below it.
    """

    heat: np.ndarray
    opacity: float
    boxes: np.ndarray
    title: str
    lines: Sequence[str]


@dataclass(frozen=True)
class Row:
    """One film with its panels; `film` is uint8 (H, W)."""

    film: np.ndarray
    title: str
    lines: Sequence[str]
    panels: Sequence[FigurePanel]


def _with_map(film: np.ndarray, panel: FigurePanel, size: tuple[int, int]) -> Image.Image:
    """The overlay with its boxes."""
    image = Image.fromarray(overlay(film, panel.heat, STRONGEST * panel.opacity, size))
    draw = ImageDraw.Draw(image)
    across, down = size[0] / film.shape[1], size[1] / film.shape[0]
    for x, y, width, height in panel.boxes:
        corners = (x * across, y * down, (x + width) * across - 1, (y + height) * down - 1)
        draw.rectangle(corners, outline=BOX_COLOUR, width=max(2, round(max(size) / 400)))
    return image


# -- text


@cache
def _font(kind: str, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans as matplotlib brings it, so that figures look the same on every machine."""
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(folder / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"), _SIZES[kind])


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: float) -> Iterator[str]:
    """The text broken between words (long ones anywhere) into lines of at most this width."""
    line = ""
    for word in (piece for long in text.split() for piece in _pieces(long, font, width)):
        longer = f"{line} {word}".strip()
        if line and font.getlength(longer) > width:
            yield line
            longer = word
        line = longer
    yield line


def _pieces(word: str, font: ImageFont.FreeTypeFont, width: float) -> Iterator[str]:
    while font.getlength(word) > width and len(word) > 1:
        n = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or font.getlength(word[:n]) <= width)
        yield word[:n]
        word = word[n:]
    yield word


@dataclass(frozen=True)
class _Caption:
    """A title and lines below it, wrapped to a width; `kind` is '' or 'large '."""

    title: tuple[str, ...]
    lines: tuple[str, ...]
    kind: str

    @classmethod
    def of(cls, title: str, lines: Sequence[str], width: float, kind: str = "") -> "_Caption":
        wrapped = (part for line in lines for part in _wrapped(line, _font(f"{kind}line"), width))
        return cls(tuple(_wrapped(title, _font(f"{kind}title", bold=True), width)), tuple(wrapped), kind)

    @property
    def height(self) -> int:
        titles, lines = (len(texts) * _SIZES[self.kind + name]
                         for texts, name in ((self.title, "title"), (self.lines, "line")))
        return round(_LEADING * (titles + lines))

    def draw(self, draw: ImageDraw.ImageDraw, x: float, y: float) -> None:
        for name, bold, colour, texts in (("title", True, _TEXT, self.title), ("line", False, _MUTED, self.lines)):
            for text in texts:
                draw.text((x, y), text, colour, _font(self.kind + name, bold))
                y += _LEADING * _SIZES[self.kind + name]


def _draw_mark(draw: ImageDraw.ImageDraw, right: float, y: float) -> None:
    """SYNTHETIC on a coloured ground that ends at `right`."""
    font = _font("title", bold=True)
    left, top, far, low = draw.textbbox((0, 0), SYNTHETIC, font)
    x = right - (far - left) - 20
    draw.rounded_rectangle((x, y, right, y + (low - top) + 16), 6, MARK_COLOUR)
    draw.text((x + 10 - left, y + 8 - top), SYNTHETIC, _PAPER, font)


# -- a figure of one film and one finding


def single(row: Row, panel: FigurePanel, source: str, synthetic: bool) -> Image.Image:
    """The film and the film with its map side by side, captions below.

    Args:
        source: the method and the run, for the foot.
    """
    width, height = size = drawn_size(row.film, SHORTEST, LONGEST)
    column = max(width, SHORTEST)  # narrow films leave room for their captions
    captions = [_Caption.of(title, lines, column, "large ")
                for title, lines in ((row.title, row.lines), (panel.title, panel.lines))]
    text = max(caption.height for caption in captions)
    foot = list(
        _wrapped(f"{source}. {NOT_FOR_DIAGNOSIS}", _font("line"), 2 * column + _GAP - 200)
    )  # beside it: the mark
    step = _LEADING * _SIZES["line"]
    tall = height + text + 4 * _GAP + max(round(len(foot) * step), 34)
    paper = Image.new("RGB", (2 * column + 3 * _GAP, tall), _PAPER)
    draw = ImageDraw.Draw(paper)
    images = (Image.fromarray(resized(row.film, size)), _with_map(row.film, panel, size))
    for i, (image, caption) in enumerate(zip(images, captions, strict=True)):
        x = _GAP + i * (column + _GAP)
        paper.paste(image, (x, _GAP))
        caption.draw(draw, x, height + 2 * _GAP)
    y = height + text + 3 * _GAP
    for i, line in enumerate(foot):
        draw.text((_GAP, y + i * step), line, _MUTED, _font("line"))
    if synthetic:
        _draw_mark(draw, paper.width - _GAP, y)
    return paper


# -- the contact sheet


def contact_sheet(title: str, lines: Sequence[str], rows: Sequence[Row], synthetic: bool) -> Image.Image:
    """A row a film: the film, then the film under each of its maps, captions below."""
    columns = 1 + max(len(row.panels) for row in rows)
    width = max(columns, 3) * (CELL + _GAP) + _GAP
    boxes = any(len(panel.boxes) for row in rows for panel in row.panels)
    head = _head(title, lines, width, synthetic, boxes)
    captions = [_row_captions(row) for row in rows]
    heights = [CELL + _GAP // 2 + max(caption.height for caption in row) + _GAP for row in captions]
    paper = Image.new("RGB", (width, head.height + sum(heights) + _GAP), _PAPER)
    paper.paste(head, (0, 0))
    draw = ImageDraw.Draw(paper)
    y = head.height
    for row, texts, height in zip(rows, captions, heights, strict=True):
        size = drawn_size(row.film, CELL, CELL)
        images = [Image.fromarray(resized(row.film, size)), *(_with_map(row.film, panel, size) for panel in row.panels)]
        for i, (image, caption) in enumerate(zip(images, texts, strict=True)):
            x = _GAP + i * (CELL + _GAP)
            draw.rectangle((x, y, x + CELL - 1, y + CELL - 1), _EMPTY)
            paper.paste(image, (x + (CELL - size[0]) // 2, y + (CELL - size[1]) // 2))
            caption.draw(draw, x, y + CELL + _GAP // 2)
        y += height
    return paper


def _row_captions(row: Row) -> list[_Caption]:
    texts = [(row.title, row.lines), *((panel.title, panel.lines) for panel in row.panels)]
    return [_Caption.of(title, lines, CELL) for title, lines in texts]


def _head(title: str, lines: Sequence[str], width: int, synthetic: bool, boxes: bool) -> Image.Image:
    """Title, what was run on what, the colours' meaning, and the note."""
    inner = width - 2 * _GAP
    titles = list(_wrapped(title, _font("head", bold=True), inner - 200))  # beside it there is room for the mark
    texts = [part for line in (*lines, NOT_FOR_DIAGNOSIS) for part in _wrapped(line, _font("line"), inner)]
    tall, step = _LEADING * _SIZES["head"], _LEADING * _SIZES["line"]
    paper = Image.new("RGB", (width, round(3 * _GAP + len(titles) * tall + (len(texts) + 1.5) * step)), _PAPER)
    draw = ImageDraw.Draw(paper)
    if synthetic:
        _draw_mark(draw, width - _GAP, _GAP)
    y = _GAP
    for text in titles:
        draw.text((_GAP, y), text, _TEXT, _font("head", bold=True))
        y += tall
    for text in texts:
        draw.text((_GAP, y), text, _MUTED, _font("line"))
        y += step
    _draw_legend(paper, draw, y + step / 2, boxes)
    return paper


def _draw_legend(paper: Image.Image, draw: ImageDraw.ImageDraw, y: float, boxes: bool) -> None:
    """The colours of a map over mid-grey, from its coldest place to its hottest, and the mark of a box."""
    length, height, font = 200, _SIZES["line"] + 2, _font("line")
    bar = overlay(np.full((height, length), 110, np.uint8), np.linspace(0, 1, length)[None], STRONGEST)
    before, after = "Each map from its coldest place", "to its hottest; paler below the threshold"
    draw.text((_GAP, y), before, _MUTED, font)
    x = _GAP + round(font.getlength(before)) + 12
    paper.paste(Image.fromarray(bar), (x, round(y)))
    x += length + 12
    draw.text((x, y), after, _MUTED, font)
    if boxes:
        x += round(font.getlength(after)) + 2 * _GAP
        draw.rectangle((x, y, x + 28, y + height - 1), outline=BOX_COLOUR, width=2)
        draw.text((x + 40, y), "box of the data set", _MUTED, font)
