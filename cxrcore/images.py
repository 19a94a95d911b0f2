"""From an image file to the grey pixels that every network sees: one way for preparing, evaluating and uploading.

`to_gray` turns any supported file into a 2-D uint8 film; `resize` brings it to the network's square. Both are
deterministic, so a film that is uploaded again gives the pixels that were evaluated. Knows nothing of torch.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from cxrcore.errors import FilmError

MAX_PIXELS = 64_000_000  # a 8,000 x 8,000 film; larger files are refused before they are decoded
UNDECLARED_RANGE = (0.5, 99.5)  # percentiles that become black and white where a file declares no range
_MANY_LEVELS = ("I", "F")  # Pillow's modes of more than 8 bits: I;16, I;16B, I, F

Image.MAX_IMAGE_PIXELS = None  # our own limit holds, as an error rather than a warning


def to_gray(source: bytes | str | Path) -> np.ndarray:
    """Decode a film as 2-D uint8, 0 = black.

    Colour becomes luma (ITU-R 601), alpha is dropped, palettes are looked up. Images of more than 8 bits, whose range
    PNG does not declare, are scaled by their 0.5 and 99.5 percentiles.

    Args:
        source: the file's bytes, or its path.

    Raises:
        FilmError: not an image, truncated or damaged, or larger than 64 million pixels.
    """
    return np.asarray(_decode(source))


def resize(gray: np.ndarray | Image.Image, size: int) -> np.ndarray:
    """The film as size x size uint8, the whole film without a crop (bilinear, antialiased)."""
    image = gray if isinstance(gray, Image.Image) else Image.fromarray(gray)
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))


def load(source: bytes | str | Path, size: int) -> np.ndarray:
    """`resize(to_gray(source), size)` without the copy between."""
    return resize(_decode(source), size)


def _decode(source: bytes | str | Path) -> Image.Image:
    name = "the file" if isinstance(source, bytes) else str(source)
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            if image.width * image.height > MAX_PIXELS:
                raise FilmError(f"{name} has {image.width} x {image.height} pixels; at most {MAX_PIXELS:,} are read")
            image.load()
            return _gray(image)
    except UnidentifiedImageError:
        raise FilmError(f"{name} is not an image of a known format") from None
    except MemoryError:
        raise FilmError(f"{name} does not fit into memory") from None
    except FilmError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly everything on damaged files
        raise FilmError(f"{name} is damaged or truncated ({' '.join(str(error).split())})") from None


def _gray(image: Image.Image) -> Image.Image:
    if image.mode.startswith(_MANY_LEVELS):
        return Image.fromarray(_scale_levels(np.asarray(image)))
    if image.mode in ("L", "RGB", "RGBA", "LA"):
        return image.convert("L")
    return image.convert("RGB").convert("L")  # palettes, CMYK, YCbCr, 1 bit


def _scale_levels(values: np.ndarray) -> np.ndarray:
    """Undeclared levels of any depth as uint8."""
    values = np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0)
    low, high = np.percentile(values, UNDECLARED_RANGE)
    if high <= low:
        return np.zeros(values.shape, np.uint8)
    return np.clip((values - low) * (255 / (high - low)) + 0.5, 0, 255).astype(np.uint8)
