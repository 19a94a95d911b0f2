"""What the board is sent once one of its modes asks for it, after it is drawn. Pure.

A length (uint32), a header in JSON padded to 8 bytes, then numbers without gaps: the knots of each finding's intervals
(float64), the scores of the strip's films (float64), the ends of the intervals at each knot (float32, nine rows a
finding, see `measures.intervals.rates_in_draws`), and the strip's pictures. The intervals of 14 findings take 32 kB.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxrcore.charts.board.film_strip import FilmStrip


@dataclass(frozen=True)
class Calibration:
    """What makes a finding's scores probabilities: Platt's map, and how common it was where the map was fitted."""

    scale: float
    bias: float
    prevalence: float


@dataclass(frozen=True)
class Spread:
    """How far the rates of one finding reach in draws of patients.

    Attributes:
        knots: float64 (m,), thresholds, ascending.
        values: (9, m), as `rates_in_draws.rate_spread` gives them.
    """

    knots: np.ndarray
    values: np.ndarray


def pack_beside(header: Mapping[str, Any], calibrations: Mapping[str, Calibration], spread: Sequence[Spread] | None,
                strip: FilmStrip | None) -> bytes:
    """The bytes.

    Args:
        header: `of` (what the board belongs to), `presets` ({key: {label, help, values {finding: prevalence}}}),
            `films` (whether there are pictures at all), `uncalibrated` (why there may be no calibrated scores) and
            `said` (what to beware of in the intervals).
        calibrations: {finding: its map}.
        spread: one entry a finding of the board; None where no intervals are asked for.
        strip: of the open finding; None where none is asked for, or none can be made.
    """
    head = dict(header) | {"platt": {finding: vars(one) for finding, one in calibrations.items()}}
    numbers = []
    if spread is not None:
        head["knots"] = [len(one.knots) for one in spread]
        numbers += [one.knots.astype(np.float64) for one in spread]
    if strip is not None:
        head["strip"] = {"finding": strip.finding, "ids": list(strip.image_ids), "labels": strip.labels.tolist(),
                         "side": strip.side, "across": strip.across, "of": strip.n_films, "type": strip.kind,
                         "bytes": len(strip.sprite), "leads": strip.leads}
        numbers.append(strip.scores.astype(np.float64))
    if spread is not None:
        numbers += [one.values.astype(np.float32) for one in spread]
    body = b"".join(part.tobytes() for part in numbers) + (strip.sprite if strip is not None else b"")
    head["version"] = hashlib.sha256(json.dumps(head).encode() + body).hexdigest()[:16]
    text = json.dumps(head).encode()
    text += b" " * (-(4 + len(text)) % 8)
    return len(text).to_bytes(4, "little") + text + body
