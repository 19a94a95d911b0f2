"""One HTML page that holds an explanation and prints well: film, map, scores, method, run. No network, no scripts."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from PIL import Image

from cxrcore.glossary import NOT_FOR_DIAGNOSIS

_STYLE = """
@page { size: A4; margin: 14mm; }
body { font: 15px/1.45 system-ui, sans-serif; color: #1f2328; max-width: 980px; margin: 24px auto; padding: 0 16px; }
h1 { font-size: 24px; margin: 0 0 4px; } p { margin: 4px 0; } .muted { color: #57606a; }
.note { border-left: 4px solid #b54800; padding: 4px 10px; margin: 10px 0; }
.films { display: flex; gap: 14px; margin: 14px 0; } figure { margin: 0; flex: 1; }
.films figure:only-child { max-width: 480px; }
.films img { width: 100%; border-radius: 4px; background: #000; } figcaption { font-size: 14px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; } th, td { text-align: left; padding: 3px 8px; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; } tr { border-bottom: 1px solid #d8dee4; }
tr.alarm { font-weight: 600; background: #fdf3ec; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
"""


@dataclass(frozen=True)
class ScoreLine:
    """One finding's row as texts: score, threshold, decision, calibrated probability and the films that it rests on."""

    finding: str
    score: str
    threshold: str
    decision: str
    calibrated: str
    rests_on: str
    alarm: bool


def explanation_page(title: str, about: Sequence[str], notes: Sequence[str], film: np.ndarray,
                     overlay: np.ndarray | None, caption: str, scores: Sequence[ScoreLine]) -> str:
    """A whole HTML file.

    Args:
        about: lines on run, method, thresholds.
        notes: what to beware of.
        film: uint8 (H, W).
        overlay: uint8 (h, w, 3); None where there is no map, and the film stands alone.
        caption: below the overlay, or the film alone.
    """
    rows = "".join(
        f'<tr{" class=alarm" if one.alarm else ""}><td>{escape(one.finding)}</td><td class=n>{escape(one.score)}</td>'
        f"<td class=n>{escape(one.threshold)}</td><td>{escape(one.decision)}</td>"
        f"<td class=n>{escape(one.calibrated)}</td><td class=n>{escape(one.rests_on)}</td></tr>" for one in scores)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
        f"<h1>{escape(title)}</h1>" + "".join(f'<p class="muted">{escape(line)}</p>' for line in about)
        + f'<p class="note"><b>{NOT_FOR_DIAGNOSIS}</b></p>'
        + "".join(f'<p class="note">{escape(line)}</p>' for line in notes)
        + f'<div class="films">{_figures(film, overlay, caption)}</div>'
        "<table><tr><th>Finding</th><th class=n>Score</th><th class=n>Threshold</th><th>Decision</th>"
        f"<th class=n>Calibrated</th><th class=n>Films behind it</th></tr>{rows}</table></html>")


def _figures(film: np.ndarray, overlay: np.ndarray | None, caption: str) -> str:
    shown = [(film, caption)] if overlay is None else [(film, "The film"), (overlay, caption)]
    return "".join(f'<figure><img src="{_picture(pixels)}" alt="{escape(said, quote=True)}">'
                   f"<figcaption>{escape(said)}</figcaption></figure>" for pixels, said in shown)


def as_png(pixels: np.ndarray) -> bytes:
    """uint8 (h, w) or (h, w, 3) as a PNG file."""
    return _file(pixels, "PNG")


def _picture(pixels: np.ndarray) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(_file(pixels, 'JPEG')).decode()}"


def _file(pixels: np.ndarray, kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **({"quality": 90} if kind == "JPEG" else {}))
    return file.getvalue()
