"""Padding of a DICOM film: pixels that fill up a frame around it and are no part of it (PS3.3 C.7.5.1.1.2)."""

from dataclasses import dataclass

import numpy as np
from pydicom import Dataset
from pydicom.dataelem import RawDataElement

_ALL_BUT = 0.99  # share of the pixels: what is more is no padding
_NEAR = 1 / 256  # of the range of all values: a film that comes so close to its padding may have the same value


@dataclass(frozen=True)
class Padding:
    """Which pixels are padding.

    Attributes:
        patterns: bool (256,) or (65536,), for each pattern of a pixel's bits.
        everywhere: whether every such pixel is padding; else those that reach in from an edge, because the film itself
            may have such values.
        share: of the pixels that have such a pattern.
    """

    patterns: np.ndarray
    everywhere: bool
    share: float

    @property
    def in_words(self) -> str:
        """What was done with it."""
        return f"padding around the film made black ({100 * self.share:.2g} % of its pixels)"

    @classmethod
    def of(cls, found: Dataset, stored: np.ndarray, counts: np.ndarray) -> "Padding | None":
        """The padding of a film that has some; None otherwise.

        The value is compared with a pixel's bits as they lie in the file, and with its number: padding of 65535 may be
        found in pixels of 12 bits, and -2000 may be written as 63536.

        Args:
            stored: the number that each pattern stands for.
            counts: how many pixels have each pattern.
        """
        size = len(counts)
        value, limit = (_pattern(found, keyword, size) for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit"))
        if value is None:
            return None
        numbers = np.arange(size)
        if found.get("PixelRepresentation"):
            numbers = numbers - size * (numbers >= size // 2)
        low, high = sorted((int(numbers[value]), int(numbers[value if limit is None else limit])))
        padded = (numbers >= low) & (numbers <= high)
        if stored.min() <= low and high <= stored.max() and not (found.get("HighBit") or 0) >= int(found.BitsStored):
            padded |= (stored >= low) & (stored <= high)
        there, total = counts[padded].sum(), counts.sum()
        if not 0 < there <= _ALL_BUT * total:
            return None
        rest, own = stored[np.logical_not(padded) & (counts > 0)], stored[padded & (counts > 0)]
        near = _NEAR * np.ptp(stored[counts > 0])
        apart = rest.min() > own.max() + near or rest.max() < own.min() - near
        return cls(padded, bool(apart), float(there / total))

    def in_table(self, table: np.ndarray) -> np.ndarray:
        """A table of greys with the padding black, where all such pixels are padding."""
        return np.where(self.patterns, 0, table).astype(table.dtype) if self.everywhere else table

    def made_black(self, film: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """The film (changed) with the padding black that reaches in from its edges, in each row and column."""
        if self.everywhere:
            return film
        padded = self.patterns[pixels.view(f"u{pixels.dtype.itemsize}")]
        for axis in (0, 1):
            for way in (padded, np.flip(padded, axis)):
                reached = np.logical_and.accumulate(way, axis=axis)
                film[reached if way is padded else np.flip(reached, axis)] = 0
        return film


def _pattern(found: Dataset, keyword: str, size: int) -> int | None:
    """An element of one number as the bits of a pixel, whichever sign it is written with, which files get wrong."""
    raw = found.get_item(keyword)
    value = raw.value if raw is not None else None
    if isinstance(raw, RawDataElement) and isinstance(value, bytes):
        if len(value) < 2:
            return None
        value = int.from_bytes(value[:2], "little" if raw.is_little_endian else "big")
    if not isinstance(value, int):
        return None
    value %= 1 << 16
    if found.get("PixelRepresentation") and value >= 1 << 15:
        value = size + value - (1 << 16)
    return value if 0 <= value < size else None
