"""What a film may take to be read, and how its values become 8 bits: the same for every kind of file."""

import numpy as np

from cxrcore.data.files.limited_process import Limits
from cxrcore.errors import FilmError

LIMITS = Limits(cpu=10.0, wall=60.0, memory=1_200_000_000)  # for a film that is decoded outside
MAX_PIXELS = 64_000_000  # a 8,000 x 8,000 film; larger files are refused before they are decoded
MAX_BYTES = 160_000_000  # of a file: 64 million pixels of 16 bits, and room for a header
UNDECLARED_RANGE = (0.5, 99.5)  # percentiles that become black and white where a file declares no range
_BLOCK = 1 << 22  # pixels scaled at once


def check_size(width: int, height: int, name: str, samples: int = 1) -> None:
    """FilmError where a film claims more pixels than are read.

    Args:
        samples: numbers a pixel that have to be held at once.
    """
    if width * height * samples > MAX_PIXELS:
        raise FilmError(f"{name} has {width} x {height} pixels; at most {MAX_PIXELS // samples:,} are read")


def scale_levels(values: np.ndarray) -> np.ndarray:
    """Undeclared levels of any depth as uint8, same shape."""
    levels = values.astype(np.float32)
    np.nan_to_num(levels, copy=False, posinf=0.0, neginf=0.0)
    low, high = np.percentile(levels, UNDECLARED_RANGE, overwrite_input=True)
    scaled = np.zeros(values.shape, np.uint8)
    del levels
    rows = max(1, _BLOCK // max(1, values.shape[1]))
    for start in range(0, len(values) if high > low else 0, rows):
        block = np.nan_to_num(values[start : start + rows].astype(np.float32), posinf=0.0, neginf=0.0)
        scaled[start : start + rows] = np.clip((block - low) * (255 / (high - low)) + 0.5, 0, 255)
    return scaled
