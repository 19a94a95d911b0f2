"""One compressed frame of a DICOM file, decoded in a limited process: its libraries end the process on some frames."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from cxrcore.data.files import limited_work
from cxrcore.data.files.limited_process import Answer, Ended, Processes
from cxrcore.data.pixels.limits import LIMITS
from cxrcore.errors import FilmError

PROCESSES = Processes(__name__, LIMITS)


def decode_frame(data: bytes, syntax: str, plugin: str, options: dict[str, Any]) -> np.ndarray:
    """Decode one compressed frame of a DICOM file; in this process only where it is a limited one.

    The only library that reads JPEG Lossless and JPEG-LS (GDCM) ends the whole process on some damaged frames, with
    signals that Python cannot catch; RLE frames may unpack to sixty times what they should.

    Args:
        data: compressed, as it stands in the file.
        syntax: UID of the transfer syntax.
        plugin: pydicom's name of the library that is to decode it.
        options: pydicom's decoding options: rows, columns, bits_stored, ...

    Returns:
        (rows, columns) or (rows, columns, samples), integers.

    Raises:
        ValueError: it cannot be decoded, within the limits.
    """
    if limited_work.inside():
        return _frame(data, syntax, plugin, options)
    with contextlib.suppress(Ended, RuntimeError, FilmError):
        return from_answer(*PROCESSES.ask(dicom_frame, data, syntax=syntax, plugin=plugin, options=options))
    raise ValueError("the frame cannot be decoded")


def from_answer(said: dict[str, Any], data: bytes) -> np.ndarray:
    """The array of an answer, as `header` describes it."""
    return np.frombuffer(data, said["dtype"]).reshape(said["shape"])


def header(pixels: np.ndarray) -> dict[str, object]:
    """What an answer says of its array."""
    return {"shape": pixels.shape, "dtype": pixels.dtype.str}


# -- in the limited process


def dicom_frame(data: bytes, syntax: str, plugin: str, options: dict[str, Any]) -> Iterator[Answer]:
    """`decode_frame` as an answer."""
    pixels = _frame(data, syntax, plugin, options)
    yield header(pixels), pixels.tobytes()


def _frame(data: bytes, syntax: str, plugin: str, options: dict[str, Any]) -> np.ndarray:
    from pydicom.encaps import encapsulate  # takes 0.2 s to import, and most films need none
    from pydicom.pixels import get_decoder

    return get_decoder(syntax).as_array(encapsulate([data]), index=0, raw=True, decoding_plugin=plugin, **options)[0]
