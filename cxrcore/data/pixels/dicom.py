"""DICOM files to grey pixels, by pydicom; and nothing about the patient.

Only the elements that say how the pixels are to be shown are read from a file. Names, dates, institutions and every
other element are skipped unread, so that they can be neither shown, stored nor logged; texts of pydicom's own errors go
no further than this module.

What is done follows DICOM PS3.3: modality LUT or rescale (C.11.1), VOI LUT or window (C.11.2), MONOCHROME1 inverted.
It is worked out once for each value that a pixel can take, at most 65,536, and then looked up.
"""

import io
import logging
import warnings
import zlib
from typing import Any, BinaryIO

import numpy as np
import pydicom.config
from PIL import Image
from pydicom import Dataset, uid
from pydicom.encaps import encapsulate, get_frame
from pydicom.multival import MultiValue
from pydicom.pixels import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi
from pydicom.pixels.utils import as_pixel_options

from cxrcore.data.pixels import limits
from cxrcore.data.pixels.dicom_frame import decode_frame
from cxrcore.errors import FilmError

MAX_BITS = 16
USED_AT_LEAST = 1 / 8  # of the declared range; films that use less were declared wrongly, and would be black

_ELEMENTS = [
    "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel",
    "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "PixelData", "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths", "ModalityLUTSequence", "RescaleSlope", "RescaleIntercept", "VOILUTSequence",
    "VOILUTFunction", "WindowCenter", "WindowWidth",
    *(f"{colour}PaletteColorLookupTable{part}" for colour in ("Red", "Green", "Blue")
      for part in ("Descriptor", "Data")),
]
_PLUGINS = {  # one library a syntax, so that a film has the same pixels everywhere
    uid.JPEGBaseline8Bit: "pillow", uid.JPEGExtended12Bit: "pillow", uid.JPEGLossless: "gdcm",
    uid.JPEGLosslessSV1: "gdcm", uid.JPEGLSLossless: "gdcm", uid.JPEGLSNearLossless: "gdcm", uid.JPEG2000: "pylibjpeg",
    uid.JPEG2000Lossless: "pylibjpeg", uid.HTJ2K: "pylibjpeg", uid.HTJ2KLossless: "pylibjpeg",
    uid.HTJ2KLosslessRPCL: "pylibjpeg", uid.RLELossless: "pydicom",
}
_OUTSIDE = ("gdcm", "pydicom")  # decoded in a limited process, see `dicom_frame`
_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_PREAMBLE = 128 + len("DICM")
_BLOCK = 1 << 22  # pixels looked up at once

pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE  # its warnings would quote values
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
warnings.filterwarnings("ignore", module="pydicom")


def read_dicom(file: BinaryIO, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The first frame as uint8 (H, W), 0 = black, and what was done.

    Grey values go through the modality LUT or rescale, then through the VOI LUT, else the first window, else the
    declared range of bits; films of more than 8 bits that use less than an eighth of it are scaled by their percentiles
    0.5 and 99.5. Colour becomes luma.

    Args:
        file: open, at its beginning.
        name: what to call it in errors.

    Raises:
        FilmError: no image in it, damaged, too large, or of a kind that is not read. Quotes nothing of the file.
    """
    try:
        return _film(_elements(file, name), name)
    except FilmError:
        raise
    except MemoryError:
        problem = "does not fit into memory"
    except Exception:  # pydicom raises nearly everything on damaged files
        problem = "is a damaged or truncated DICOM file"
    raise FilmError(f"{name} {problem}")  # out here: no context, whose text could quote the file


# -- the file


def _elements(file: BinaryIO, name: str) -> Dataset:
    has_marker = file.read(_PREAMBLE).endswith(b"DICM")
    file.seek(0)
    if has_marker and uid.DeflatedExplicitVRLittleEndian.encode() in file.read(4096):
        file = _inflated(file, name)
    file.seek(0)
    found = pydicom.dcmread(file, specific_tags=_ELEMENTS, force=not has_marker)
    if "TransferSyntaxUID" not in found.file_meta:
        implicit, little = found.original_encoding
        found.file_meta.TransferSyntaxUID = (
            uid.ImplicitVRLittleEndian if implicit else
            uid.ExplicitVRLittleEndian if little else uid.ExplicitVRBigEndian)
    if "PixelData" not in found or not found.PixelData:
        raise FilmError(f"{name} is a DICOM file without an image that can be read, such as a report or a directory")
    return found


def _inflated(file: BinaryIO, name: str) -> BinaryIO:
    """A file of the deflated transfer syntax as one of the plain syntax in it, not larger than a file may be."""
    file.seek(_PREAMBLE + 8)
    end = _PREAMBLE + 12 + int.from_bytes(file.read(4), "little")  # of the meta group, by its own first element
    file.seek(0)
    meta, inflater = file.read(end), zlib.decompressobj(-zlib.MAX_WBITS)
    plain = uid.ExplicitVRLittleEndian.encode().ljust(len(uid.DeflatedExplicitVRLittleEndian), b"\0")
    body = inflater.decompress(file.read(), limits.MAX_BYTES)
    if inflater.unconsumed_tail or uid.DeflatedExplicitVRLittleEndian.encode() not in meta:
        raise FilmError(f"{name} is a deflated DICOM file that unpacks to more than {limits.MAX_BYTES / 1e6:.0f} MB")
    return io.BytesIO(meta.replace(uid.DeflatedExplicitVRLittleEndian.encode(), plain) + body)


# -- the film


def _film(found: Dataset, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    frames = int(found.get("NumberOfFrames") or 1)
    notes = [f"first of {frames} frames"] if frames > 1 else []
    samples, colours = int(found.get("SamplesPerPixel") or 1), str(found.get("PhotometricInterpretation") or "")
    if samples not in (1, 3) or (samples == 3) != (colours in _COLOURS):
        raise FilmError(f"{name} is a DICOM file whose colours are of a kind that is not read")
    if not 1 <= int(found.BitsAllocated) <= MAX_BITS:
        raise FilmError(f"{name} is a DICOM file of more than {MAX_BITS} bits a pixel, which is not read")
    limits.check_size(int(found.Columns), int(found.Rows), name, samples)
    found.BitsStored = int(found.get("BitsStored") or found.BitsAllocated)
    pixels, colours = _first_frame(found, frames, name)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if samples == 3:
        return _luma(pixels, colours, found.BitsStored), (*notes, "colours made grey")
    stored = _stored_values(pixels.dtype, found)
    if colours == "PALETTE COLOR":
        table = apply_color_lut(stored, found)
        top = 257 if table.dtype == np.uint16 else 1
        table = np.asarray(Image.fromarray((table // top).astype(np.uint8)[None]).convert("L"))[0]
        notes.append("colours made grey")
    else:
        shown, how = _shown(stored, pixels, found)
        notes += [*how, f"{found.BitsStored} bits"] if found.BitsStored > 8 else how
        if colours == "MONOCHROME1":
            shown, notes = 1 - shown, [*notes, "inverted: MONOCHROME1"]
        table = np.floor(shown * 255 + 0.5).astype(np.uint8)
    return _look_up(table, pixels), tuple(notes)


def _first_frame(found: Dataset, frames: int, name: str) -> tuple[np.ndarray, str]:
    """Values as they are stored, (H, W) or (H, W, 3), and what their colours are after decoding."""
    syntax = found.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated:
        pixels, described = get_decoder(syntax).as_array(found, index=0, raw=True)
        return pixels, str(described["photometric_interpretation"])
    if syntax not in _PLUGINS or (syntax == uid.JPEGExtended12Bit and found.BitsStored > 8):
        raise FilmError(f"{name} is a DICOM file with a compression that is not read"
                        f"{f' ({syntax.name})' if syntax.is_transfer_syntax else ''}: save it uncompressed")
    offsets = (found.ExtendedOffsetTable, found.ExtendedOffsetTableLengths) if "ExtendedOffsetTable" in found else None
    frame = get_frame(found.PixelData, 0, number_of_frames=frames, extended_offsets=offsets)
    options: dict[str, Any] = as_pixel_options(found) | {"number_of_frames": 1}
    options.pop("extended_offsets", None)
    if _PLUGINS[syntax] in _OUTSIDE:
        return decode_frame(frame, syntax, _PLUGINS[syntax], options), str(options["photometric_interpretation"])
    with Image.open(io.BytesIO(frame), formats=("JPEG", "JPEG2000")) as claimed:
        if claimed.size != (found.Columns, found.Rows):  # its own size is what would be decoded
            raise FilmError(f"{name} is a damaged DICOM file: its image has another size than it says")
    pixels, described = get_decoder(syntax).as_array(encapsulate([frame]), index=0, raw=True,
                                                     decoding_plugin=_PLUGINS[syntax], **options)
    return pixels, str(described["photometric_interpretation"])


def _stored_values(dtype: np.dtype, found: Dataset) -> np.ndarray:
    """The number that each pattern of a pixel's bits stands for, int64 (256,) or (65536,).

    Bits above those stored may hold anything, old overlays most of all, and count for nothing.
    """
    bits = found.BitsStored
    patterns = np.arange(1 << 8 * dtype.itemsize) & ((1 << bits) - 1)
    return patterns - ((patterns >> (bits - 1)) << bits) if found.get("PixelRepresentation") else patterns


def _shown(stored: np.ndarray, pixels: np.ndarray, found: Dataset) -> tuple[np.ndarray, list[str]]:
    """For each stored value how bright it is shown, float64 in [0, 1] before any inversion, and what was done."""
    if found.get("ModalityLUTSequence"):
        descriptor = found.ModalityLUTSequence[0].LUTDescriptor
        descriptor[2] = 8 if descriptor[2] <= 8 else 16  # entries of 10 to 15 bits lie in 16
    values = apply_modality_lut(stored, found)
    notes = ["modality LUT"] if found.get("ModalityLUTSequence") else []
    if found.get("VOILUTSequence"):
        looked_up = apply_voi(np.rint(values).astype(np.int64), found).astype(np.float64)
        return looked_up / max(1, (1 << int(looked_up.max()).bit_length()) - 1), [*notes, "VOI LUT"]
    window = _window(found)
    if window:
        shown = _through(values, *window)
        if np.ptp(_look_up(shown, pixels[:: max(1, len(pixels) // 64)])) > 0:
            return shown, [*notes, f"window {window[0]:g}/{window[1]:g}"]
        notes.append(f"window {window[0]:g}/{window[1]:g} shows nothing and was left out")
    low, high = values.min(), values.max()
    declared = (values - low) / max(high - low, 1e-9)
    used = _look_up(declared, pixels[:: max(1, len(pixels) // 512)])
    if found.BitsStored > 8 and 0 < np.ptp(used) < USED_AT_LEAST:
        low, high = np.percentile(used, limits.UNDECLARED_RANGE)
        if high > low:
            notes.append(f"uses {100 * np.ptp(used):.0f} % of its range: from its 0.5 to its 99.5 percentile")
            return np.clip((declared - low) / (high - low), 0, 1), notes
    return declared, notes


def _window(found: Dataset) -> tuple[float, float, str] | None:
    """Centre, width and function of the first window that can be used."""

    def first(value: Any) -> float:
        several = isinstance(value, MultiValue | list | tuple)
        return float((value[0] if several else value) if value not in (None, "") else np.nan)

    centre, width = first(found.get("WindowCenter")), first(found.get("WindowWidth"))
    function = str(found.get("VOILUTFunction") or "LINEAR")
    usable = np.isfinite([centre, width]).all() and width >= (1 if function == "LINEAR" else 1e-9)
    return (centre, width, function) if usable else None


def _through(values: np.ndarray, centre: float, width: float, function: str) -> np.ndarray:
    """Values through a window, as PS3.3 C.11.2.1.2 and C.11.2.1.3 write it: float64 in [0, 1]."""
    if function == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -700, 700)))
    if function == "LINEAR_EXACT":
        return np.clip((values - centre) / width + 0.5, 0, 1)
    if width == 1:
        return np.where(values > centre - 0.5, 1.0, 0.0)
    return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)


def _look_up(table: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """table[pixels], block by block: numpy turns the indices of a look-up into 64-bit numbers."""
    patterns = pixels.view(f"u{pixels.dtype.itemsize}")
    found = np.empty(pixels.shape, table.dtype)
    rows = max(1, _BLOCK // max(1, pixels.shape[1]))
    for start in range(0, len(pixels), rows):
        np.take(table, patterns[start : start + rows], out=found[start : start + rows], mode="clip")
    return found


def _luma(pixels: np.ndarray, colours: str, bits: int) -> np.ndarray:
    """Colour (H, W, 3) as uint8 (H, W); the Y of YBR is its luma already."""
    eight = pixels if pixels.dtype == np.uint8 else (pixels.astype(np.uint16) >> max(0, bits - 8)).astype(np.uint8)
    if colours in ("YBR_FULL", "YBR_FULL_422"):
        return np.ascontiguousarray(eight[..., 0])
    return np.asarray(Image.fromarray(np.ascontiguousarray(eight)).convert("L"))
