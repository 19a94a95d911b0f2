"""From an image file to the grey pixels that every network sees: one way for preparing, evaluating and uploading.

`read_film` turns any supported file into a 2-D uint8 film and says what it did; `to_gray` is its pixels alone; `resize`
brings them to the network's square. All are deterministic, so a film that is uploaded again gives the pixels that were
evaluated. What a file is, its content says and not its name. Knows nothing of torch.
"""

import contextlib
import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from cxrcore.data.pixels.limits import MAX_BYTES, UNDECLARED_RANGE, check_size, scale_levels
from cxrcore.errors import FilmError

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM", "JPEG2000")  # Pillow's, not those that run others

_MANY_LEVELS = ("I", "F")  # Pillow's modes of more than 8 bits: I;16, I;16B, I, F
_GREY = ("1", "L", "LA")
_TRANSPARENT = ("LA", "PA", "RGBA")
_ORIENTATION = 0x0112  # EXIF
_PHOTOMETRIC = 0x0106  # of a TIFF
_HEAD = 1024  # bytes that tell what a file is
_NO_IMAGES = {  # how files begin that are taken for films, and what to do about them
    b"%PDF": "is a PDF: save the film in it as PNG, JPEG or DICOM",
    b"<!DOCTYPE HTML": "is a web page (HTML), no image: download the film itself",
    b"<HTML": "is a web page (HTML), no image: download the film itself",
    b"PK\x03\x04": "is a ZIP archive: unpack it first",
    b"\x1F\x8B": "is a gzip archive: unpack it first",
}

Image.MAX_IMAGE_PIXELS = None  # our own limit holds, as an error rather than a warning
for _key, _modes in {  # Pillow has them with black at 0 alone; see `_is_white_zero`
        (b"MM", 0, (1,), 1, (16,), ()): ("I;16B", "I;16B"), (b"II", 0, (1,), 1, (12,), ()): ("I;16", "I;12")}.items():
    TiffImagePlugin.OPEN_INFO.setdefault(_key, _modes)


@dataclass(frozen=True)
class Film:
    """A file that was read.

    Attributes:
        pixels: uint8 (H, W), 0 = black, at least one pixel.
        notes: what was done that a person may want to know, such as 'first of 12 frames', and what was assumed;
            empty where the file's own grey values are the pixels. Never anything that identifies a patient.
        kind: 'PNG', 'JPEG', 'DICOM', 'TIFF', 'GIF', ...
    """

    pixels: np.ndarray
    notes: tuple[str, ...]
    kind: str


def read_film(source: bytes | str | Path, name: str = "") -> Film:
    """Decode a film and say what was done.

    Colour becomes luma (ITU-R 601), alpha is dropped, palettes are looked up, EXIF's orientation is applied. Images of
    more than 8 bits, whose range PNG and TIFF do not declare, are scaled by their 0.5 and 99.5 percentiles; DICOM as
    `dicom.read_dicom` says. Of several frames the first is taken.

    Args:
        source: the file's bytes, or its path.
        name: what to call it in errors; default the path, or 'the file'.

    Raises:
        FilmError: not an image, truncated or damaged, larger than 64 million pixels or 160 MB.
    """
    image, notes, kind = _decode(source, name)
    return Film(np.asarray(image), notes, kind)


def to_gray(source: bytes | str | Path) -> np.ndarray:
    """The pixels of `read_film`: uint8 (H, W), 0 = black."""
    return np.asarray(_decode(source)[0])


def resize(gray: np.ndarray | Image.Image, size: int) -> np.ndarray:
    """The film as size x size uint8, the whole film without a crop (bilinear, antialiased)."""
    image = gray if isinstance(gray, Image.Image) else Image.fromarray(gray)
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))


def load_film(source: bytes | str | Path, size: int) -> np.ndarray:
    """`resize(to_gray(source), size)` without the copy between."""
    return load_noted(source, size)[0]


def load_noted(source: bytes | str | Path, size: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """`load_film`, and what was taken in reading a DICOM file; nothing for other kinds."""
    image, notes, kind = _decode(source)
    return resize(image, size), notes if kind == "DICOM" else ()


def _decode(source: bytes | str | Path, name: str = "") -> tuple[Image.Image, tuple[str, ...], str]:
    name = name or ("the file" if isinstance(source, bytes) else str(source))
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else _opened(source, name) as file:
            return _by_content(file, name)
    except FilmError:
        raise
    except MemoryError:
        problem = "does not fit into memory"
    except UnidentifiedImageError:
        problem = "is not an image of a known format: PNG, JPEG, DICOM, TIFF, BMP, GIF and WebP are read"
    except FileNotFoundError:
        problem = "does not exist"
    except Exception as error:  # Pillow's decoders raise nearly everything on damaged files
        problem = f"is damaged or truncated ({' '.join(str(error).split())[:200]})"
    raise FilmError(f"{name} {problem}")


def _opened(path: str | Path, name: str) -> BinaryIO:
    """A file or a folder, which cannot be opened; never a pipe, which may wait forever."""
    if not stat.S_ISREG(mode := os.stat(path).st_mode) and not stat.S_ISDIR(mode):
        raise FilmError(f"{name} is a pipe or a device and no file")
    return open(path, "rb")


def _by_content(file: BinaryIO, name: str) -> tuple[Image.Image, tuple[str, ...], str]:
    length = file.seek(0, io.SEEK_END)
    file.seek(0)
    if length > MAX_BYTES:
        raise FilmError(f"{name} is {length / 1e6:.0f} MB large; at most {MAX_BYTES / 1e6:.0f} MB are read")
    head = file.read(_HEAD)
    file.seek(0)
    if not head:
        raise FilmError(f"{name} is empty")
    if is_dicom(head):
        from cxrcore.data.pixels import dicom  # pydicom takes 0.2 s to import, and most films need none

        pixels, notes = dicom.read_dicom(file, name)
        return Image.fromarray(pixels), notes, "DICOM"
    beginning = head.lstrip().upper()
    for marker, problem in _NO_IMAGES.items():
        if beginning.startswith(marker):
            raise FilmError(f"{name} {problem}")
    with Image.open(file, formats=FORMATS) as image:
        check_size(image.width, image.height, name)
        return _gray(image)


def is_dicom(head: bytes) -> bool:
    """Whether a file that begins so is DICOM: by its marker, or by its first element where it lacks the preamble."""
    if head[128:132] == b"DICM":
        return True
    return len(head) > 8 and head[:2] in (b"\x02\x00", b"\x08\x00") and head[2] < 0x20 and head[3] == 0 and (
        head[4:6] in (b"UL", b"CS", b"UI", b"DA", b"SH") or head[5:8] == bytes(3))


def _gray(image: Image.Image) -> tuple[Image.Image, tuple[str, ...], str]:
    """The open image in grey, what was done, and its kind."""
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    notes = ["first frame of several"] if getattr(image, "is_animated", False) else []
    image.load()
    turned = _upright(image)
    if turned is not image:
        notes.append("turned upright as its EXIF orientation says")
    if image.mode.startswith(_MANY_LEVELS):
        low, high = UNDECLARED_RANGE
        notes.append(f"more than 8 bits of unknown range: from its {low} to its {high} percentile")
        values = np.asarray(turned)
        turned.close()  # a quarter of the memory that all this takes
        film = scale_levels(values)
        if _is_white_zero(image):
            np.subtract(255, film, out=film)
            notes.append("light and dark turned, as the file says (white is zero)")
        return Image.fromarray(film), tuple(notes), kind
    if image.mode in _TRANSPARENT or "transparency" in image.info:
        notes.append("transparency dropped")
    if image.mode not in _GREY:
        notes.append("colours made grey")
    if image.mode in ("L", "RGB", "RGBA", "LA"):
        return turned.convert("L"), tuple(notes), kind
    return turned.convert("RGB").convert("L"), tuple(notes), kind  # palettes, CMYK, YCbCr, 1 bit


def _is_white_zero(image: Image.Image) -> bool:
    """Whether a TIFF has white at 0; Pillow turns those of 8 bits and less itself."""
    return image.format == "TIFF" and getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0


def _upright(image: Image.Image) -> Image.Image:
    """The image as its EXIF orientation wants to be seen; the same object where there is none, or none to be read."""
    with contextlib.suppress(Exception):  # damage in what describes a film is no damage to the film
        if image.getexif().get(_ORIENTATION, 1) != 1:
            return ImageOps.exif_transpose(image)
    return image
