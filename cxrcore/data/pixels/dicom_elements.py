"""What is read from a DICOM file: the elements that say how its pixels are shown, and nothing about the patient.

Names, dates, institutions and every other element are skipped unread, so that they can be neither shown, stored nor
logged.
"""

import io
import logging
import math
import warnings
import zlib
from typing import BinaryIO

import pydicom.config
from pydicom import Dataset, uid
from pydicom.dataelem import RawDataElement

from cxrcore.data.pixels import limits
from cxrcore.errors import FilmError

_ELEMENTS = [
    "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel",
    "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "PixelData", "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths", "ModalityLUTSequence", "RescaleSlope", "RescaleIntercept", "VOILUTSequence",
    "VOILUTFunction", "WindowCenter", "WindowWidth", "PixelPaddingValue", "PixelPaddingRangeLimit",
    *(f"{colour}PaletteColorLookupTable{part}" for colour in ("Red", "Green", "Blue")
      for part in ("Descriptor", "Data")),
]
_PREAMBLE = 128 + len("DICM")
_TEXT_VRS = (None, "DS", "IS", "LO", "SH", "ST", "LT", "CS", "UN")  # None: the file does not say
_MANY = 32  # numbers of one element, of windows say, that are looked at
_LONG = 24  # characters of one of them

pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE  # its warnings would quote values
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
warnings.filterwarnings("ignore", module="pydicom")


def read_elements(file: BinaryIO, name: str) -> Dataset:
    """The named elements of a file, with its transfer syntax.

    Args:
        file: open, at its beginning.
        name: what to call it in errors.

    Raises:
        FilmError: there is no image in it, or it unpacks to too much. Damage raises nearly anything.
    """
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


def numbers(found: Dataset, keyword: str) -> tuple[list[float], bool]:
    r"""The numbers of an element, and whether a comma was read as their decimal point.

    The standard writes numbers as text with a point and parts them with a backslash, so that '2047,5' can be nothing
    but one number. '1,234.5' and '1,2,3' can be several things and are none.

    Returns:
        NaN for what is no number; an empty list where the element is missing or empty.
    """
    raw = found.get_item(keyword)
    if raw is None:
        return [], False
    if not isinstance(raw, RawDataElement) or raw.VR not in _TEXT_VRS:
        value = found.get(keyword)
        several = value if hasattr(value, "__len__") else [] if value is None else [value]
        return [float(one) if isinstance(one, int | float) else math.nan for one in list(several)[:_MANY]], False
    text = (raw.value or b"")[: _MANY * _LONG].decode("latin-1").strip(" \0")
    pieces = [piece.strip(" \0") for piece in text.split("\\")[:_MANY]] if text else []
    return [_number(piece) for piece in pieces], any("," in piece and _number(piece) == _number(piece)
                                                     for piece in pieces)


def _number(text: str) -> float:
    if text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    try:
        return float(text) if "_" not in text else math.nan
    except ValueError:
        return math.nan


def word(found: Dataset, keyword: str) -> str:
    """The letters of an element that holds a word, in capitals: 'SAMPLEDSIGMOID' for ' Sampled sigmoid '."""
    raw = found.get_item(keyword)
    value = raw.value if raw is not None else b""
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value or "")
    return "".join(letter for letter in text[:64].split("\\")[0].upper() if letter.isalnum())
