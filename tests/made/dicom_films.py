"""DICOM films as bytes, of any pixels and elements."""

import io

import numpy as np
import pydicom
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset


def written(found: Dataset, syntax: str = uid.ExplicitVRLittleEndian, marker: bool = True) -> bytes:
    """A data set as a file's bytes."""
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = syntax
    found.file_meta.MediaStorageSOPClassUID = uid.ComputedRadiographyImageStorage
    found.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    found.file_meta.ImplementationClassUID = "1.2.3.5"
    buffer = io.BytesIO()
    if marker:
        pydicom.dcmwrite(buffer, found, enforce_file_format=True)
    else:
        del found.file_meta
        pydicom.dcmwrite(buffer, found, implicit_vr=False, little_endian=True)
    return buffer.getvalue()


def described(pixels: np.ndarray, **elements) -> Dataset:
    """A grey (H, W), (frames, H, W) or coloured (H, W, 3) image with further elements, little-endian."""
    found = Dataset()
    coloured = pixels.ndim == 3 and pixels.shape[2] == 3
    found.Rows, found.Columns = pixels.shape[:2] if coloured else pixels.shape[-2:]
    found.SamplesPerPixel, found.PhotometricInterpretation = (3, "RGB") if coloured else (1, "MONOCHROME2")
    if coloured:
        found.PlanarConfiguration = 0
    elif pixels.ndim == 3:
        found.NumberOfFrames = len(pixels)
    found.BitsAllocated = found.BitsStored = 8 * pixels.dtype.itemsize
    found.PixelRepresentation = int(pixels.dtype.kind == "i")
    for name, value in elements.items():
        setattr(found, name, value)
    found.HighBit = elements.get("HighBit", found.BitsStored - 1)
    found.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes() + bytes(pixels.nbytes % 2)
    found["PixelData"].VR = "OW" if found.BitsAllocated > 8 else "OB"
    return found


def lut(entries: np.ndarray, first: int, bits: int) -> list[Dataset]:
    """A look-up table as a sequence of one item."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries), first, bits])
    item.add_new("LUTData", "US", entries.tolist())
    return [item]


def without(found: Dataset, *keywords: str) -> Dataset:
    """A film that lacks elements."""
    for keyword in keywords:
        delattr(found, keyword)
    return found


def with_text(data: bytes, keyword: str, text: str) -> bytes:
    """A written film with the text of an element replaced by another of the same length, whatever it may hold."""
    tag = pydicom.datadict.tag_for_keyword(keyword)
    at = data.index(tag.to_bytes(4, "big")[1::-1] + tag.to_bytes(4, "big")[:1:-1])
    length = int.from_bytes(data[at + 6 : at + 8], "little")
    return data[: at + 8] + text.encode().ljust(length)[:length] + data[at + 8 + length :]
