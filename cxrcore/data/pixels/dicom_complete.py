"""DICOM files that do not say what they must: completed where only one reading fits their pixels, and told so."""

from itertools import product

import numpy as np
from pydicom import Dataset, uid

from cxrcore.data.pixels import codestream
from cxrcore.data.pixels.codestream import Codestream
from cxrcore.data.pixels.dicom_elements import word
from cxrcore.data.pixels.limits import UNDECLARED_RANGE
from cxrcore.data.pixels.used_range import Histogram
from cxrcore.errors import FilmError

GREYS = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
ASSUMED = "assumed, as the file does not say: "

_WORDS = {"Rows": "rows", "Columns": "columns", "SamplesPerPixel": "numbers a pixel", "BitsAllocated": "bits a pixel"}
_COUNTS = tuple(_WORDS)


def complete(found: Dataset, stream: Codestream | None, length: int, name: str) -> list[str]:
    """Fill in what is missing of how the pixels lie, and say so in a note.

    Rows, columns, numbers a pixel and bits a pixel come from the compressed image's own header, or from the length of
    the pixels where one reading alone fits it. Which end is black and the bits in use cannot be told by a length: what
    is missing of these is taken as most films have it. The sign is left to `give_sign`.

    Args:
        found: changed.
        stream: what a compressed image says of itself, where it does.
        length: bytes of all frames, of pixels that are not compressed.
        name: what to call the file in errors.

    Raises:
        FilmError: no reading fits, or several do.
    """
    assumed = []
    if missing := [keyword for keyword in _COUNTS if not found.get(keyword)]:
        own = _of_stream(stream) if stream else _by_length(found, missing, length, name)
        for keyword in missing:
            setattr(found, keyword, own[keyword])
        assumed += [_in_words(keyword, own[keyword]) for keyword in missing]
    notes = _known_colours(found)
    if not found.get("PhotometricInterpretation"):
        colours = "MONOCHROME2" if found.SamplesPerPixel == 1 else "RGB"
        if stream and found.SamplesPerPixel == 3 and not str(stream.kind).startswith("JPEG 2000"):
            colours = "YBR_FULL_422"
        found.PhotometricInterpretation = colours
        assumed.append("that low values are dark" if colours == "MONOCHROME2" else "red, green and blue")
    stored = found.get("BitsStored")
    if not stored or not 1 <= int(stored) <= int(found.BitsAllocated):
        found.BitsStored = stream.bits if stream and stream.bits <= found.BitsAllocated else int(found.BitsAllocated)
        assumed.append(f"that {found.BitsStored} of {found.BitsAllocated} bits are in use")
    return [*notes, *([f"{ASSUMED}{', '.join(assumed)}"] if assumed else [])]


def _known_colours(found: Dataset) -> list[str]:
    """Write what the numbers of a pixel mean as the standard does: by its letters, 'monochrome1' is MONOCHROME1."""
    said = word(found, "PhotometricInterpretation")
    if known := {"".join(filter(str.isalnum, one)): one for one in (*GREYS, *COLOURS)}.get(said):
        found.PhotometricInterpretation = known
    elif said and found.SamplesPerPixel == 1:
        found.PhotometricInterpretation = "MONOCHROME2"
        return ["what its values mean has an unknown name: low ones were taken as dark"]
    return []


def give_sign(found: Dataset, stream: Codestream | None, counts: np.ndarray) -> str:
    """Say in a file that does not whether its values have a sign, and return a note of it.

    As a compressed image says; else by the reading under which the values lie closer together, because the wrong one
    tears those around 0 apart.

    Args:
        found: changed.
        counts: how many pixels have each pattern of bits.
    """
    if stream is None or codestream.same_family(stream.syntax, uid.JPEGBaseline8Bit):
        patterns = np.arange(len(counts)) & ((1 << int(found.BitsStored)) - 1)
        top = 1 << (int(found.BitsStored) - 1)
        spreads = [np.ptp(Histogram.of(values, counts).percentiles(*UNDECLARED_RANGE))
                   for values in (patterns, patterns - 2 * (patterns & top))]
        found.PixelRepresentation = int(2 * spreads[1] < spreads[0])
    else:
        found.PixelRepresentation = int(stream.signed)
    return f"{ASSUMED}that {'values may be' if found.PixelRepresentation else 'no value is'} negative"


def _of_stream(stream: Codestream) -> dict[str, int]:
    return {"Rows": stream.rows, "Columns": stream.columns, "SamplesPerPixel": stream.samples,
            "BitsAllocated": 8 if stream.bits <= 8 else 16}


def _by_length(found: Dataset, missing: list[str], length: int, name: str) -> dict[str, int]:
    """The one reading that the number of bytes allows; they may be filled up to an even number."""
    fitting = []
    frames = max(1, int(found.get("NumberOfFrames") or 1))
    for samples, bits in product([int(found.get("SamplesPerPixel") or 0)] if found.get("SamplesPerPixel") else [1, 3],
                                 [int(found.get("BitsAllocated") or 0)] if found.get("BitsAllocated") else [8, 16]):
        unit = max(1, frames * samples * bits // 8)
        rows, columns = int(found.get("Rows") or 0), int(found.get("Columns") or 0)
        if rows and not columns:
            columns = length // (unit * rows)
        elif columns and not rows:
            rows = length // (unit * columns)
        expected = unit * rows * columns
        if expected and length - expected in ((0, 1) if expected % 2 else (0,)):
            fitting.append({"Rows": rows, "Columns": columns, "SamplesPerPixel": samples, "BitsAllocated": bits})
    if len(fitting) == 1:
        return fitting[0]
    *some, last = (_WORDS[keyword] for keyword in missing)
    lacks = f"{', '.join(some)} and {last}" if some else last
    raise FilmError(f"{name} is a DICOM file that does not say its {lacks}, and "
                    f"{'several readings fit' if fitting else 'no one reading fits'} the length of its pixels")


def _in_words(keyword: str, value: int) -> str:
    if keyword == "SamplesPerPixel":
        return "one number a pixel" if value == 1 else f"{value} numbers a pixel"
    return f"{value} {_WORDS[keyword]}"
