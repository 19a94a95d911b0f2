"""Films that are small to send and costly to open, and honest ones that are as large as a film may be."""

import io
import struct
import zlib

import numpy as np
import pydicom
from PIL import Image
from pydicom import Dataset, uid


def encoded(image: Image.Image, format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def many_scans(n: int, side: int = 8_000) -> bytes:
    """A progressive JPEG of `n` scans over all its blocks: each takes some 80 bytes and milliseconds."""

    def segment(marker: int, body: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body

    def scan(band: bytes, bits: str) -> bytes:
        bits += "1" * (-len(bits) % 8)
        data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
        return segment(0xDA, b"\x01\x01\x00" + band) + data

    blocks = (-(-side // 8)) ** 2
    one_code = bytes([1] + [0] * 15)  # the code '0' and no other
    head = [
        b"\xff\xd8", segment(0xDB, b"\0" + b"\1" * 64),
        segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\x01\x11\x00"),  # one component, progressive
        segment(0xC4, b"\x00" + one_code + b"\x00"),  # DC: no difference
        segment(0xC4, b"\x10" + one_code + b"\xe0"),  # AC: 'no more in the next 16,384 to 32,767 blocks'
    ]
    runs = -(-blocks // 32_767)
    again = scan(b"\x01\x3f\x00", ("0" + "1" * 14) * runs)
    return b"".join([*head, scan(b"\0\0\0", "0" * blocks), again * n, b"\xff\xd9"])


def long_comment(n: int) -> bytes:
    """A PPM with a comment of `n` bytes, which Pillow reads one by one."""
    return b"P5\n#" + b"c" * n + b"\n8 8 255\n" + bytes(64)


def png_chunks(kind: bytes, body: bytes, n: int) -> bytes:
    """A PNG of 8 x 8 with `n` such chunks."""
    film = encoded(Image.new("L", (8, 8)))
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return film[:33] + chunk * n + film[33:]


def many_frames(n: int, kind: str) -> bytes:
    frames = [Image.new("L", (64, 64), i % 256) for i in range(n)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:])


def many_directories(n: int, forever: bool = False) -> bytes:
    """A TIFF of `n` directories, the last of which may point to the first."""
    film = encoded(Image.new("L", (8, 8), 7), "TIFF")
    start = struct.unpack("<I", film[4:8])[0]
    entries = struct.unpack("<H", film[start : start + 2])[0]
    own = film[start : start + 2 + 12 * entries]
    body, at = film, len(film)
    link = start + len(own)
    for i in range(n):
        body = body[:link] + struct.pack("<I", at) + body[link + 4 :] if i == 0 else body
        following = at + len(own) + 4
        last = i == n - 1
        body += own + struct.pack("<I", (start if forever else 0) if last else following)
        at = following
    return body


def huge_tag(n: int) -> bytes:
    """A TIFF with a tag of `n` bytes, packed into nothing: it claims more than the file has."""
    film = bytearray(encoded(Image.new("L", (8, 8), 7), "TIFF"))
    start = struct.unpack("<I", film[4:8])[0]
    film[start + 2 : start + 14] = struct.pack("<HHII", 270, 2, n, 8)  # the first entry becomes ImageDescription
    return bytes(film)


def deep_sequences(depth: int) -> bytes:
    """A DICOM film below which sequences lie in sequences."""
    film = _dicom(uid.ExplicitVRLittleEndian)
    opening = b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    closing = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    at = film.index(b"\xe0\x7f\x10\x00")
    return film[:at] + opening * depth + closing * depth + film[at:]


def lut_sequences(depth: int) -> bytes:
    """The same in a sequence that is read."""
    return deep_sequences(depth).replace(b"\x40\x00\x75\x02SQ", b"\x28\x00\x10\x30SQ")


def deflated(n: int) -> bytes:
    """A DICOM film of the deflated syntax whose body unpacks to `n` bytes more."""
    film = _dicom(uid.ExplicitVRLittleEndian)
    end = 144 + int.from_bytes(film[140:144], "little")
    head = film[:end].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    head = head[:140] + (int.from_bytes(head[140:144], "little") + 2).to_bytes(4, "little") + head[144:]
    at = head.index(b"1.2.840.10008.1.2.1.99") - 2
    head = head[:at] + (22).to_bytes(2, "little") + head[at + 2 :]
    packer = zlib.compressobj(wbits=-15)
    return head + packer.compress(film[end:] + b"\xfc\xff\xfc\xffOB\0\0" + n.to_bytes(4, "little")
                                  + bytes(n)) + packer.flush()


def _dicom(syntax: str) -> bytes:
    found = Dataset()
    found.file_meta = pydicom.dataset.FileMetaDataset()
    found.file_meta.TransferSyntaxUID = syntax
    found.file_meta.MediaStorageSOPClassUID = found.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID = "1.2.3"
    found.Rows = found.Columns = 8
    found.SamplesPerPixel, found.BitsAllocated, found.BitsStored = 1, 8, 8
    found.HighBit, found.PixelRepresentation = 7, 0
    found.PhotometricInterpretation = "MONOCHROME2"
    found.PixelData = bytes(range(64))
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, found, enforce_file_format=True)
    return buffer.getvalue()


def largest_png(side: int = 8_000) -> bytes:
    """64 million pixels of 16 bits."""
    return encoded(Image.fromarray(_levels(side).astype(np.uint16)), compress_level=1)


def largest_tiff(side: int = 8_000) -> bytes:
    """64 million numbers of 32 bits."""
    return encoded(Image.fromarray(_levels(side).astype(np.float32)), "TIFF", compression="tiff_adobe_deflate")


def _levels(side: int) -> np.ndarray:
    return np.add.outer(np.arange(side, dtype=np.int32) * 4, np.arange(side, dtype=np.int32) * 4)
