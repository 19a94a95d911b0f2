"""Films of every kind with damage in them, from a seed."""

import io
import random
import struct
import zlib
from pathlib import Path

import numpy as np
from dicom_films import described, lut, written
from fuzzed import Begun, Read
from PIL import Image
from pydicom import uid
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate

from cxrcore.data.pixels import decode_film
from cxrcore.errors import FilmError

_SAMPLES = ("MR_small_implicit.dcm", "MR_small_bigendian.dcm", "MR_small_RLE.dcm", "MR_small_jpeg_ls_lossless.dcm",
            "MR_small_jp2klossless.dcm", "SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_jpeg_gdcm.dcm", "examples_palette.dcm",
            "SC_ybr_full_422_uncompressed.dcm", "image_dfl.dcm", "no_meta_group_length.dcm")
_KINDS = ("DICOM", "DICOM", "PNG", "JPEG", "TIFF")
_TELLING = (0, 1, 2, 7, 8, 15, 16, 32, 127, 128, 255)


def seeds() -> dict[str, list[bytes]]:
    """Kind -> whole films: 'DICOM', 'PNG', 'JPEG' and 'TIFF'."""
    rng = np.random.default_rng(0)
    deep = (np.add.outer(np.arange(48), np.arange(64)) * 36 + rng.integers(0, 50, (48, 64))).astype(np.uint16)
    eight = (deep >> 4).astype(np.uint8)
    colours = np.dstack([eight, eight.T[:48].repeat(2, 1)[:, :64], 255 - eight])

    def image(pixels: np.ndarray, kind: str, mode: str = "", **options) -> bytes:
        buffer, drawn = io.BytesIO(), Image.fromarray(pixels)
        (drawn.convert(mode) if mode else drawn).save(buffer, kind, **options)
        return buffer.getvalue()

    window = {"WindowCenter": ["1500", "20"], "WindowWidth": ["2000", "9"], "RescaleSlope": "1.5",
              "RescaleIntercept": "-20"}
    bare = described(eight)
    bare.PixelData = encapsulate([image(eight, "JPEG2000", no_jp2=True)])
    dicom = [written(found) for found in (
        described(deep, BitsStored=12, PixelPaddingValue=0, PixelPaddingRangeLimit=50, **window),
        described(deep, PhotometricInterpretation="MONOCHROME1"), described(deep << 4, BitsStored=12, HighBit=15),
        described(deep.astype(np.int16) - 999, VOILUTFunction="sigmoid", **window), bare,
        described(deep, BitsStored=12, VOILUTSequence=lut(np.arange(0, 4096, 4, dtype=np.uint16), 0, 12),
                  ModalityLUTSequence=lut(np.arange(4096, dtype=np.uint16), 0, 12)))]
    for name in _SAMPLES:
        with open(get_testdata_file(name, download=False), "rb") as file:
            dicom.append(file.read())
    jpegs = [image(eight, "JPEG"), image(colours, "JPEG", progressive=True), image(colours, "JPEG", subsampling=2)]
    compressed = described(eight)
    compressed.PixelData = encapsulate([jpegs[0]])
    return {
        "DICOM": [*dicom, written(compressed, uid.JPEGBaseline8Bit)],
        "PNG": [image(eight, "PNG"), image(deep, "PNG"), image(colours, "PNG"),
                image(np.dstack([eight, eight]), "PNG", compress_level=1)],
        "JPEG": [*jpegs, image(colours, "JPEG", "CMYK")],
        "TIFF": [image(eight, "TIFF"), image(deep, "TIFF", tiffinfo={262: 0}), image(deep.astype(np.float32), "TIFF"),
                 image(eight, "TIFF", compression="tiff_lzw"), image(deep, "TIFF", compression="tiff_adobe_deflate"),
                 image(eight > 90, "TIFF", compression="group4"), image(colours, "TIFF", compression="jpeg")],
    }


def mutated(data: bytes, kind: str, chance: random.Random) -> bytes:
    """A film with bytes and numbers changed, pieces taken out, doubled or filled, or its end cut off.

    A PNG's checksums are made right again at times: else no damage comes farther than these.
    """
    film = bytearray(data)
    early = min(len(film), chance.choice([200, 1500, len(film)]))
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        at, way = chance.randrange(early), chance.random()
        if way < 0.5:
            film[at] = chance.choice([chance.randrange(256), chance.choice(_TELLING)])
        elif way < 0.7:  # a number of the header
            number = chance.choice([0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, chance.randrange(1 << 32)])
            width = chance.choice([2, 4])
            number = (number % (1 << 8 * width)).to_bytes(width, chance.choice(["little", "big"]))
            film[at : at + width] = number
        elif way < 0.8:
            del film[at : at + chance.choice([1, 2, 12, 100])]
        elif way < 0.9:
            film[at:at] = film[at : at + chance.choice([1, 8, 200])]
        else:
            film[at : at + chance.choice([4, 60])] = bytes([chance.choice(_TELLING)]) * chance.choice([4, 60])
        early = min(early, len(film)) or 1
        if not film:
            return b""
    if kind == "PNG" and chance.random() < 0.7:
        film = bytearray(_checksummed(bytes(film)))
    return bytes(film[: chance.randrange(len(film)) + 1] if chance.random() < 0.2 else film)


def _checksummed(film: bytes) -> bytes:
    whole, at = film[:8], 8
    while at + 12 <= len(film):
        (length,) = struct.unpack_from(">I", film, at)
        body = film[at + 4 : at + 8 + length]
        whole += film[at : at + 4] + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + length
    return whole + film[at:]


def deflated_dicom(chance: random.Random) -> bytes:
    """A DICOM film of the deflated syntax, mutated before it was packed: later damage would be to the packing."""
    with open(get_testdata_file("image_dfl.dcm", download=False), "rb") as file:
        data = file.read()
    end = 144 + int.from_bytes(data[140:144], "little")
    body = zlib.decompress(data[end:], -15)
    packer = zlib.compressobj(wbits=-15)
    return data[:end] + packer.compress(mutated(body, "DICOM", chance)) + packer.flush()


def films(folder: Path) -> Begun:
    """A kind of mutated inputs: films through the process that reads films from outside."""
    whole = seeds()
    decode_film.PROCESSES.close()

    def make(rng: random.Random) -> Read:
        kind = rng.choice(_KINDS)
        deflated = kind == "DICOM" and rng.random() < 0.05
        data = deflated_dicom(rng) if deflated else mutated(rng.choice(whole[kind]), kind, rng)

        def read() -> None:
            try:
                film = decode_film.read_in_limits(data, "film")
            except FilmError as error:
                assert str(error).startswith("film "), error
                raise
            assert film.pixels.dtype == np.uint8 and film.pixels.ndim == 2 and film.pixels.size
            assert all(note and "\n" not in note for note in film.notes)

        return read

    return make
