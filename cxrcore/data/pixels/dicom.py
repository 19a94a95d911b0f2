"""DICOM files to grey pixels, by pydicom; and nothing about the patient.

What is read of a file is in `dicom_elements`, what is assumed where it lacks something in `dicom_complete`, how its
values become grey in `dicom_grey`. Texts of pydicom's own errors, which may quote a file, go no further than this one.
"""

import io
from typing import Any, BinaryIO

import numpy as np
from PIL import Image
from pydicom import Dataset, uid
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels import get_decoder
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import as_pixel_options

from cxrcore.data.pixels import codestream, limits
from cxrcore.data.pixels.codestream import Codestream
from cxrcore.data.pixels.dicom_complete import COLOURS, complete, give_sign
from cxrcore.data.pixels.dicom_elements import read_elements
from cxrcore.data.pixels.dicom_frame import decode_frame
from cxrcore.data.pixels.dicom_grey import count, grey, look_up, stored_values
from cxrcore.errors import FilmError

MAX_BITS = 16

_PLUGINS = {  # one library a syntax, so that a film has the same pixels everywhere
    uid.JPEGBaseline8Bit: "pillow", uid.JPEGExtended12Bit: "pillow", uid.JPEGLossless: "gdcm",
    uid.JPEGLosslessSV1: "gdcm", uid.JPEGLSLossless: "gdcm", uid.JPEGLSNearLossless: "gdcm", uid.JPEG2000: "pylibjpeg",
    uid.JPEG2000Lossless: "pylibjpeg", uid.HTJ2K: "pylibjpeg", uid.HTJ2KLossless: "pylibjpeg",
    uid.HTJ2KLosslessRPCL: "pylibjpeg", uid.RLELossless: "pydicom",
}
_OUTSIDE = ("gdcm", "pydicom")  # decoded in a limited process, see `dicom_frame`
_ITEM = b"\xfe\xff\x00\xe0"  # begins the compressed frames of a file


def read_dicom(file: BinaryIO, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The first frame as uint8 (H, W), 0 = black, and what was done, in words for the page.

    Grey values go through the modality LUT or rescale, then through the VOI LUT, else the first window that leaves
    something to be seen, else the range of the declared bits or, where a film of more than 8 bits uses little of it,
    the range in use (`used_range`). Padding becomes black, colour luma. What a file does not say is assumed where one
    reading fits (`dicom_complete`); compressed frames are known by their bytes where the file names no compression.

    Args:
        file: open, at its beginning.
        name: what to call it in errors.

    Raises:
        FilmError: no image in it, damaged, too large, or of a kind that is not read. Quotes nothing of the file.
    """
    try:
        return _film(read_elements(file, name), name)
    except FilmError:
        raise
    except MemoryError:
        problem = "does not fit into memory"
    except Exception:  # pydicom raises nearly everything on damaged files
        problem = "is a damaged or truncated DICOM file"
    raise FilmError(f"{name} {problem}")  # out here: no context, whose text could quote the file


def _film(found: Dataset, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    frames = int(found.get("NumberOfFrames") or 1)
    frame, stream, notes = _compressed(found, frames, name)
    notes = [*([f"first of {frames} frames"] if frames > 1 else []), *notes]
    notes += complete(found, stream, len(found.PixelData), name)
    samples, colours = int(found.SamplesPerPixel), str(found.PhotometricInterpretation)
    if samples not in (1, 3) or (samples == 3) != (colours in COLOURS):
        raise FilmError(f"{name} is a DICOM file whose colours are of a kind that is not read")
    if not 1 <= int(found.BitsAllocated) <= MAX_BITS:
        raise FilmError(f"{name} is a DICOM file of more than {MAX_BITS} bits a pixel, which is not read")
    limits.check_size(int(found.Columns), int(found.Rows), name, samples)
    unsaid = found.get("PixelRepresentation") is None
    if unsaid:
        found.PixelRepresentation = int(stream is not None and stream.signed)
    pixels, colours = _first_frame(found, frame, name)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if samples == 3:
        return _luma(pixels, colours, found.BitsStored), (*notes, "colours made grey")
    if colours == "PALETTE COLOR":
        return _looked_up(pixels, found), (*notes, "colours made grey")
    if unsaid:
        notes.append(give_sign(found, stream, count(pixels)))
    film, how = grey(pixels, found)
    return film, (*notes, *how)


def _compressed(found: Dataset, frames: int, name: str) -> tuple[bytes | None, Codestream | None, list[str]]:
    """The first frame where the pixels are compressed, what it says of itself, and what was found out about it.

    The bytes decide where the file names no compression or another one: then its transfer syntax is changed.
    """
    syntax, data = found.file_meta.TransferSyntaxUID, found.PixelData
    if syntax.is_encapsulated:
        offsets = ((found.ExtendedOffsetTable, found.ExtendedOffsetTableLengths) if "ExtendedOffsetTable" in found
                   else None)
        frame = get_frame(data, 0, number_of_frames=frames, extended_offsets=offsets)
    elif len(data) == _plain_length(found, frames):
        return None, None, []
    else:
        frame = get_frame(data, 0, number_of_frames=frames) if data.startswith(_ITEM) else data
    stream = codestream.described(frame)
    if stream is None or (syntax.is_encapsulated and codestream.same_family(stream.syntax, syntax)):
        if not syntax.is_encapsulated and found["PixelData"].is_undefined_length:
            raise FilmError(f"{name} is a DICOM file that does not name its compression, which is not one that its "
                            "first bytes tell")
        return (frame if syntax.is_encapsulated else None), stream, []
    found.file_meta.TransferSyntaxUID = stream.syntax
    return frame, stream, [f"read as {stream.kind} by its first bytes, as the file names "
                           f"{'another' if syntax.is_encapsulated else 'no'} compression"]


def _plain_length(found: Dataset, frames: int) -> int:
    """Bytes of the pixels if they are not compressed; 0 where the file does not say enough."""
    sizes = [int(found.get(keyword) or 0) for keyword in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")]
    length = frames * sizes[0] * sizes[1] * sizes[2] * sizes[3] // 8
    return length + length % 2


def _first_frame(found: Dataset, frame: bytes | None, name: str) -> tuple[np.ndarray, str]:
    """Values as they are stored, (H, W) or (H, W, 3), and what their colours are after decoding."""
    syntax = found.file_meta.TransferSyntaxUID
    if frame is None:
        whole: dict[str, Any] = {"bits_stored": int(found.BitsAllocated)} if found.SamplesPerPixel == 1 else {}
        pixels, described = get_decoder(syntax).as_array(found, index=0, raw=True, **whole)  # else upper bits come as 0
        return pixels, str(described["photometric_interpretation"])
    if syntax not in _PLUGINS or (syntax == uid.JPEGExtended12Bit and found.BitsStored > 8):
        raise FilmError(f"{name} is a DICOM file with a compression that is not read"
                        f"{f' ({syntax.name})' if syntax.is_transfer_syntax else ''}: save it uncompressed")
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


def _looked_up(pixels: np.ndarray, found: Dataset) -> np.ndarray:
    """A film of a palette as the luma of its colours."""
    table = apply_color_lut(stored_values(pixels.dtype, found, count(pixels))[0], found)
    top = 257 if table.dtype == np.uint16 else 1
    return look_up(np.asarray(Image.fromarray((table // top).astype(np.uint8)[None]).convert("L"))[0], pixels)


def _luma(pixels: np.ndarray, colours: str, bits: int) -> np.ndarray:
    """Colour (H, W, 3) as uint8 (H, W); the Y of YBR is its luma already."""
    eight = pixels if pixels.dtype == np.uint8 else (pixels.astype(np.uint16) >> max(0, bits - 8)).astype(np.uint8)
    if colours in ("YBR_FULL", "YBR_FULL_422"):
        return np.ascontiguousarray(eight[..., 0])
    return np.asarray(Image.fromarray(np.ascontiguousarray(eight)).convert("L"))
