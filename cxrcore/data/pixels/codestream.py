"""Which compressed image some bytes are, by their own header: for DICOM files that say nothing or something wrong."""

import struct
from dataclasses import dataclass

from pydicom import uid

_JP2 = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_J2K = b"\xff\x4f\xff\x51"
_JPEG = b"\xff\xd8\xff"
_BOXES = 4096  # bytes before the codestream of a JP2 file
_HIGH_THROUGHPUT = 0x4000  # of the capabilities in a JPEG 2000 header
_FRAME_HEADERS = {0xC0: uid.JPEGBaseline8Bit, 0xC1: uid.JPEGExtended12Bit, 0xC2: uid.JPEGBaseline8Bit,
                  0xC3: uid.JPEGLossless, 0xF7: uid.JPEGLSLossless}
_FAMILIES = (
    {uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit}, {uid.JPEGLossless, uid.JPEGLosslessSV1},
    {uid.JPEGLSLossless, uid.JPEGLSNearLossless},
    {uid.JPEG2000, uid.JPEG2000Lossless, uid.HTJ2K, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL},
)


@dataclass(frozen=True)
class Codestream:
    """What a compressed image says of itself.

    Attributes:
        syntax: a transfer syntax of its kind.
        samples: numbers a pixel.
        bits: of a number.
        signed: whether they may be negative.
    """

    syntax: uid.UID
    rows: int
    columns: int
    samples: int
    bits: int
    signed: bool = False

    @property
    def kind(self) -> str:
        """In words: 'JPEG 2000'."""
        return str(self.syntax.name).split(" (")[0].split(" Image")[0]


def described(data: bytes) -> Codestream | None:
    """The image that begins the bytes: JPEG 2000, JPEG, JPEG Lossless or JPEG-LS; None for anything else."""
    try:
        if data.startswith(_J2K):
            return _jpeg_2000(data)
        if data.startswith(_JP2) and (at := data.find(_J2K, 0, _BOXES)) > 0:
            return _jpeg_2000(data[at : at + 64])
        return _jpeg(data) if data.startswith(_JPEG) else None
    except struct.error:  # cut short
        return None


def same_family(one: str, other: str) -> bool:
    """Whether two transfer syntaxes are read by the same decoder."""
    return one == other or any({one, other} <= family for family in _FAMILIES)


def _jpeg_2000(data: bytes) -> Codestream | None:
    able, width, height, left, top = struct.unpack_from(">H4I", data, 6)
    samples, depth = struct.unpack_from(">HB", data, 40)
    if width <= left or height <= top:
        return None
    return Codestream(uid.HTJ2K if able & _HIGH_THROUGHPUT else uid.JPEG2000, height - top, width - left, samples,
                      (depth & 0x7F) + 1, bool(depth & 0x80))


def _jpeg(data: bytes) -> Codestream | None:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = struct.unpack_from(">xBH", data, at)
        if marker in _FRAME_HEADERS:
            bits, height, width, samples = struct.unpack_from(">BHHB", data, at + 4)
            return Codestream(_FRAME_HEADERS[marker], height, width, samples, bits)
        at += 2 + max(2, length)
    return None
