"""From the stored values of a DICOM film to grey, as PS3.3 has it, and sanely where a file is wrong about itself.

In this order: bits that stand too high are shifted; modality LUT or rescale (C.11.1); VOI LUT, else the first window
that leaves something to be seen (C.11.2), else the range of the declared bits or of those in use (`used_range`);
MONOCHROME1 inverted; padding (C.7.5.1.1.2) black. All is worked out once for each pattern that a pixel's bits can have,
at most 65,536, and then looked up.
"""

import numpy as np
from pydicom import Dataset

from cxrcore.data.pixels.dicom_elements import numbers
from cxrcore.data.pixels.dicom_padding import Padding
from cxrcore.data.pixels.dicom_windows import windows
from cxrcore.data.pixels.limits import UNDECLARED_RANGE
from cxrcore.data.pixels.used_range import Histogram, used_range

SEEN_AT_LEAST = 0.05  # share of a film's pixels that a window may not make plain black or white
GREYS_AT_LEAST = 1 / 8  # of the grey scale that a window has to use
_BLOCK = 1 << 22  # pixels looked up at once
_HALF_A_GREY = 0.5 / 255


def grey(pixels: np.ndarray, found: Dataset) -> tuple[np.ndarray, list[str]]:
    """A film of one number a pixel as uint8 (H, W), 0 = black, and what was done.

    Args:
        pixels: (H, W), 8 or 16 bits, as they are stored.
        found: its elements; the LUTs in it may be changed.
    """
    counts = count(pixels)
    stored, notes = stored_values(pixels.dtype, found, counts)
    padding = Padding.of(found, stored, counts)
    film = counts if padding is None else np.where(padding.patterns, 0, counts)
    values, how = _through_modality(stored, found)
    shown, how_shown = _shown(values, film, found)
    notes += [*how, *how_shown]
    if found.PhotometricInterpretation == "MONOCHROME1":
        shown, notes = 1 - shown, [*notes, "light and dark turned, as the file says (MONOCHROME1)"]
    table = np.floor(shown * 255 + 0.5).astype(np.uint8)
    if padding is None:
        return look_up(table, pixels), notes
    return padding.made_black(look_up(padding.in_table(table), pixels), pixels), [*notes, padding.in_words]


def count(pixels: np.ndarray) -> np.ndarray:
    """How many pixels have each pattern of bits: int64 (256,) or (65536,)."""
    patterns, found = pixels.view(f"u{pixels.dtype.itemsize}"), np.zeros(1 << 8 * pixels.dtype.itemsize, np.int64)
    rows = max(1, _BLOCK // max(1, pixels.shape[1]))
    for start in range(0, len(pixels), rows):
        found += np.bincount(patterns[start : start + rows].ravel(), minlength=len(found))
    return found


def look_up(table: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """table[pixels], block by block: numpy turns the indices of a look-up into 64-bit numbers."""
    patterns = pixels.view(f"u{pixels.dtype.itemsize}")
    found = np.empty(pixels.shape, table.dtype)
    rows = max(1, _BLOCK // max(1, pixels.shape[1]))
    for start in range(0, len(pixels), rows):
        np.take(table, patterns[start : start + rows], out=found[start : start + rows], mode="clip")
    return found


def stored_values(dtype: np.dtype, found: Dataset, counts: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """The number that each pattern of a pixel's bits stands for, int64 (256,) or (65536,), and what was done.

    Bits above those stored may hold anything, old overlays most of all, and count for nothing. Where the highest bit
    stands above the place that the number of bits gives it, the values are shifted down; unless none of them uses the
    bits up there, and the file is wrong about them.
    """
    bits, notes = int(found.BitsStored), []
    patterns = np.arange(1 << 8 * dtype.itemsize)
    shift = int(found.get("HighBit") or 0) + 1 - bits
    if shift > 0 and bits + shift <= 8 * dtype.itemsize:
        if counts[1 << bits :].any():
            patterns = patterns >> shift
            notes.append(f"its {bits} bits stand {shift} too high in a pixel and were shifted down")
        else:
            notes.append(f"its {bits} bits stand at the low end of a pixel, other than the file says")
    patterns = patterns & ((1 << bits) - 1)
    return (patterns - ((patterns >> (bits - 1)) << bits) if found.get("PixelRepresentation") else patterns), notes


def _through_modality(stored: np.ndarray, found: Dataset) -> tuple[np.ndarray, list[str]]:
    """Stored values as those that windows speak of."""
    if found.get("ModalityLUTSequence"):
        return (_through_table(stored, found, "ModalityLUTSequence"),
                ["values translated by the file's own table (modality LUT)"])
    (slopes, comma), (intercepts, other) = (numbers(found, f"Rescale{part}") for part in ("Slope", "Intercept"))
    notes = ["a comma in its rescaling read as a decimal point"] if comma or other else []
    slope, intercept = (slopes or [1.0])[0], (intercepts or [0.0])[0]
    if not slope or not np.isfinite([slope * (1 << 17), intercept * 2]).all():
        return stored.astype(np.float64), [*notes, "its rescaling is no usable number and was left out"]
    return stored * slope + intercept, notes


def _shown(values: np.ndarray, counts: np.ndarray, found: Dataset) -> tuple[np.ndarray, list[str]]:
    """For each stored pattern how bright it is shown, float64 in [0, 1] before any inversion, and what was done."""
    notes: list[str] = []
    if found.get("VOILUTSequence"):
        looked_up = _through_voi_lut(values, found)
        fault = "is damaged" if looked_up is None else _fault(looked_up, counts, int(found.BitsStored))
        if looked_up is not None and not fault:
            return looked_up, ["contrast as the file sets it, by its own table (VOI LUT)"]
        notes.append(f"its own table of contrast (VOI LUT) {fault} and was left out")
    found_windows, how = windows(found)
    notes += how
    for place, window in enumerate(found_windows):
        if not window.is_usable:
            notes.append("its window is no usable one and was left out")
            continue
        shown = window.shown(values)
        if fault := _fault(shown, counts, int(found.BitsStored)):
            notes.append(f"its {window.title} {fault} and was left out")
            continue
        several = f", the first of {len(found_windows)} that can be used" if place else ""
        return shown, [*notes, window.in_words + several]
    if found.BitsStored <= 8:
        low, high = values.min(), values.max()
        return (values - low) / max(high - low, 1e-9), notes
    shown, how = _without_window(values, counts, int(found.BitsStored))
    return shown, notes + how


def _through_voi_lut(values: np.ndarray, found: Dataset) -> np.ndarray | None:
    """Through the VOI LUT, in [0, 1]; None where it is damaged."""
    try:
        looked_up = _through_table(values, found, "VOILUTSequence")
    except Exception:  # pydicom raises nearly everything on damaged tables
        return None
    return looked_up / max(1, (1 << int(looked_up.max()).bit_length()) - 1)


def _through_table(values: np.ndarray, found: Dataset, keyword: str) -> np.ndarray:
    """Through the first LUT of a sequence, float64; values beside it become its first or its last entry.

    Not by pydicom, which counts the entries in the numbers that they are written in: in tables of 8 bits it takes
    entry 0 for entry 256.

    Raises:
        ValueError: it has fewer entries than it says.
    """
    item = found[keyword][0]
    (n, first, _), entries = item.LUTDescriptor, item.LUTData
    if isinstance(entries, bytes):
        little = found.original_encoding[1] is not False
        entries = np.frombuffer(entries, "u1" if n <= len(entries) < 2 * n else "<u2" if little else ">u2")
    table = np.asarray(entries, np.float64).ravel()[: n or 1 << 16]
    if len(table) < (n or 1 << 16):
        raise ValueError("fewer entries than it says")
    first -= (1 << 16) * (first >= 1 << 15 and values.min() < 0)  # written without its sign
    return table[np.clip(np.rint(values).astype(np.int64) - first, 0, len(table) - 1)]


def _fault(shown: np.ndarray, counts: np.ndarray, bits: int) -> str:
    """Why a film cannot be seen through a window; nothing where it can."""
    if np.count_nonzero(counts) < 2:  # nothing to be seen by any
        return ""
    film = Histogram.of(shown, counts)
    seen = film.counts[(film.values > _HALF_A_GREY) & (film.values < 1 - _HALF_A_GREY)].sum() / film.total
    if seen < SEEN_AT_LEAST:
        return f"makes {100 * (1 - seen):.3g} % of the film plain black or white"
    low, high = film.percentiles(*UNDECLARED_RANGE)
    return "leaves hardly any contrast" if bits > 8 and high - low < GREYS_AT_LEAST else ""


def _without_window(values: np.ndarray, counts: np.ndarray, bits: int) -> tuple[np.ndarray, list[str]]:
    low, high = float(values.min()), float(values.max())
    black, white, share = used_range(Histogram.of(values, counts), low, high)
    if (black, white) == (low, high):
        note = f"black to white over all its {bits} bits"
    else:
        note = (f"its grey values fill {100 * share:.2g} % of the range of its {bits} bits, so it is shown from "
                f"{_plain(black)} (black) to {_plain(white)} (white), by its 0.5 and 99.5 percentiles")
    return np.clip((values - black) / max(white - black, 1e-9), 0, 1), [note]


def _plain(value: float) -> str:
    """A grey value for people: no more digits than they need."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
