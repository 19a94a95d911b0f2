"""DICOM: pixels as the standard shows them, nothing about the patient, and no file that ends the program."""

import contextlib
import logging
import random
import traceback
import warnings
import zlib

import numpy as np
import psutil
import pydicom
import pytest
from dicom_films import described, lut, written
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import uid
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array

from cxrcore.data.pixels import film_file
from cxrcore.data.pixels.dicom_frame import decode_frame
from cxrcore.errors import FilmError

SECRET = "SECRET"
TURNED = "light and dark turned, as the file says (MONOCHROME1)"
SET = "contrast as the file sets it, "
CHEST, ANKLE = "pydicomdata_RG1_J2KI.dcm", "pydicomdata_RG3_J2KI.dcm"


@pytest.fixture(scope="module")
def ramp() -> np.ndarray:
    """Every value of 12 bits, 64 x 64."""
    return np.arange(4096, dtype=np.uint16).reshape(64, 64)


@pytest.fixture(scope="module")
def bytes_of_gray() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (30, 41), np.uint8)


# -- pixels


def test_eight_bits_are_shown_as_they_are(bytes_of_gray):
    film = film_file.read_film(written(described(bytes_of_gray)))
    assert (film.pixels == bytes_of_gray).all() and film.pixels.dtype == np.uint8
    assert (film.kind, film.notes) == ("DICOM", ())


def test_monochrome1_is_inverted_and_said(bytes_of_gray):
    film = film_file.read_film(written(described(bytes_of_gray, PhotometricInterpretation="MONOCHROME1")))
    assert (film.pixels == 255 - bytes_of_gray).all()
    assert film.notes == (TURNED,)


@pytest.mark.parametrize("bits", range(9, 17))
def test_without_a_window_the_declared_bits_are_the_range(bits):
    top = (1 << bits) - 1
    levels = np.linspace(0, top, 300).astype(np.uint16).reshape(15, 20)
    film = film_file.read_film(written(described(levels, BitsStored=bits)))
    assert (film.pixels == np.floor(levels / top * 255 + 0.5)).all()
    assert film.notes == (f"black to white over all its {bits} bits",)


def test_a_film_that_uses_little_of_its_declared_range_is_stretched_and_that_is_said(ramp):
    film = film_file.read_film(written(described(ramp)))  # 12 bits, declared as 16
    assert film.pixels.min() == 0 and film.pixels.max() > 225 and 112 < film.pixels.mean() < 135
    assert film.notes == ("its grey values fill 6.2 % of the range of its 16 bits, so it is shown from 0 (black) to "
                          "4582 (white), by its 0.5 and 99.5 percentiles",)


def test_signed_pixels_and_rescale():
    levels = np.linspace(-2048, 2047, 400).astype(np.int16).reshape(20, 20)
    expected = np.floor((levels + 2048) / 4095 * 255 + 0.5)
    signed = {"BitsStored": 12, "RescaleIntercept": "-1000"}
    assert (film_file.to_gray(written(described(levels, RescaleSlope="2", **signed))) == expected).all()
    assert (film_file.to_gray(written(described(levels, RescaleSlope="-2", **signed))) == 255 - expected).all()


def test_bits_above_those_stored_count_for_nothing(ramp):
    with_overlay = ramp | np.uint16(0x8000)
    clean = film_file.to_gray(written(described(ramp, BitsStored=12)))
    assert (film_file.to_gray(written(described(with_overlay, BitsStored=12))) == clean).all()


@pytest.mark.parametrize("centre, width, function", [
    ("1500", "3000", None), (["1500", "100"], ["3000", "20"], None), ("1000.5", "700", "LINEAR"),
    ("1500", "3000", "LINEAR_EXACT"), ("1500", "900", "SIGMOID"),
])
def test_the_first_window_is_applied_as_pydicom_applies_it(ramp, centre, width, function):
    found = described(ramp, BitsStored=12, WindowCenter=centre, WindowWidth=width, RescaleSlope="1.5",
                      RescaleIntercept="-100")
    if function:
        found.VOILUTFunction = function
    film = film_file.read_film(written(found))
    values = apply_modality_lut(ramp, found)
    low, high = apply_voi_lut(np.array([-1e5, 1e5]), found)
    expected = np.floor((apply_voi_lut(values, found) - low) / (high - low) * 255 + 0.5)
    assert np.abs(film.pixels - expected).max() <= (0 if function in (None, "LINEAR") else 1)  # a half, rounded
    first = [v[0] if isinstance(v, list) else v for v in (centre, width)]
    (note,) = film.notes
    assert note.startswith(SET) and f"(window {first[0]}/{first[1]}" in note
    assert ("S-shaped" in note and "sigmoid" in note) == (function == "SIGMOID")


@pytest.mark.parametrize("centre, width, said", [
    ("1500", "0", "its window is no usable one and was left out"),
    ("", "3000", "its window lacks a centre or a width and was left out"),
    ("90000", "10", "its window 90000/10 makes 100 % of the film plain black or white and was left out"),
    ("2000", "1", "its window 2000/1 makes 100 % of the film plain black or white and was left out")])
def test_a_window_that_cannot_be_used_is_left_out_and_said(ramp, centre, width, said):
    film = film_file.read_film(written(described(ramp, BitsStored=12, WindowCenter=centre, WindowWidth=width)))
    assert (film.pixels == np.floor(ramp / 4095 * 255 + 0.5)).all()
    assert film.notes == (said, "black to white over all its 12 bits")


def test_lookup_tables_of_modality_and_voi(ramp):
    falling = np.linspace(4095, 0, 4096).astype(np.uint16)
    voi = film_file.read_film(written(described(ramp, BitsStored=12, VOILUTSequence=lut(falling, 0, 12))))
    assert (voi.pixels == np.floor(falling[ramp] / 4095 * 255 + 0.5)).all()
    assert voi.notes == (SET + "by its own table (VOI LUT)",)
    both = film_file.read_film(written(described(
        ramp, BitsStored=12, ModalityLUTSequence=lut(falling, 0, 12), VOILUTSequence=lut(falling, 0, 12),
        WindowCenter="5", WindowWidth="5")))
    assert np.abs(both.pixels - np.floor(ramp / 4095 * 255 + 0.5)).max() <= 1
    assert both.notes == ("values translated by the file's own table (modality LUT)", *voi.notes)


def test_colour_becomes_luma():
    colours = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    luma = colours @ [0.299, 0.587, 0.114]
    film = film_file.read_film(written(described(colours)))
    assert np.abs(film.pixels - luma).max() <= 1 and film.notes == ("colours made grey",)
    ybr = film_file.read_film(written(described(colours, PhotometricInterpretation="YBR_FULL")))
    assert (ybr.pixels == colours[..., 0]).all()


def test_of_several_frames_the_first_is_taken_and_said(bytes_of_gray):
    several = np.stack([bytes_of_gray, *[np.zeros_like(bytes_of_gray)] * 11])
    film = film_file.read_film(written(described(several)))
    assert (film.pixels == bytes_of_gray).all() and film.notes == ("first of 12 frames",)


def test_a_file_is_known_by_its_content_not_its_name(bytes_of_gray, tmp_path):
    path = tmp_path / "film.png"
    path.write_bytes(written(described(bytes_of_gray, PixelSpacing=[0, 0])))
    assert (film_file.to_gray(path) == bytes_of_gray).all() and (film_file.to_gray(str(path)) == bytes_of_gray).all()
    found = described(bytes_of_gray)
    found.SOPClassUID = uid.ComputedRadiographyImageStorage
    assert (film_file.to_gray(written(found, marker=False)) == bytes_of_gray).all()


# -- compression


@pytest.mark.parametrize("name, notes", [
    *((f"MR_small_{kind}.dcm", (SET + "black at -200 and white at 1400 (window 600/1600)",))
      for kind in ("RLE", "jpeg_ls_lossless", "jp2klossless", "bigendian")),
    ("J2K_pixelrep_mismatch.dcm", (SET + "black at -10 and white at 90 (window 40/100)",))])
def test_every_compression_gives_what_pydicom_shows(name, notes):
    path = get_testdata_file(name, download=False)
    film, found = film_file.read_film(path), pydicom.dcmread(path)
    shown = apply_voi_lut(apply_modality_lut(pixel_array(found, index=0), found), found)
    low, high = apply_voi_lut(apply_modality_lut(np.array([-2**15, 2**15 - 1]), found), found)
    assert (film.pixels == np.floor((shown - low) / (high - low) * 255 + 0.5)).all()
    assert film.notes == notes


@pytest.mark.parametrize("name", [
    "SC_rgb_jpeg_gdcm.dcm",  # lossless
    "SC_rgb_rle.dcm", "SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_jls_lossy_line.dcm", "SC_ybr_full_422_uncompressed.dcm"])
def test_every_compression_of_colours(name):
    """One picture in every dress."""
    plain = film_file.to_gray(get_testdata_file("SC_rgb_dcmtk_+eb+cr.dcm", download=False))
    film = film_file.read_film(get_testdata_file(name, download=False))
    assert np.abs(film.pixels.astype(int) - plain).max() <= 3 and film.notes == ("colours made grey",)


def test_a_palette_and_a_deflated_file_are_read():
    palette = get_testdata_file("examples_palette.dcm", download=False)
    luma = pydicom.pixels.apply_color_lut(pixel_array(palette), pydicom.dcmread(palette)) @ [0.299, 0.587, 0.114] / 257
    assert np.abs(film_file.to_gray(palette) - luma).max() <= 1.5
    deflated = get_testdata_file("image_dfl.dcm", download=False)
    assert (film_file.to_gray(deflated) == pydicom.dcmread(deflated).pixel_array).all()


def test_twelve_bit_jpeg_is_refused_in_words():
    with pytest.raises(FilmError, match="compression that is not read \\(JPEG Extended"):
        film_file.read_film(get_testdata_file("JPGExtended.dcm", download=False), "x.dcm")


# -- real films


def test_the_published_film_equals_its_png(shared):
    png = film_file.to_gray(shared / "nih" / "images_001" / "images" / "00000001_000.png")
    assert (film_file.to_gray(shared / "dicom" / "nih_dicom_00000001_000.dcm") == png).all()


@pytest.mark.parametrize("name, shape, notes", [
    (CHEST, (1955, 1841), (SET + "black at 0 and white at 30000 (window 15000/30000)", TURNED)),
    (ANKLE, (1760, 1760), (SET + "black at 38 and white at 1062 (window 550/1024)", TURNED))])
def test_hospital_films(shared, name, shape, notes):
    film = film_file.read_film(shared / "dicom" / name)
    assert film.pixels.shape == shape and film.notes == notes
    corner = film.pixels[:60, :60].mean()
    assert film.pixels[film.pixels.shape[0] // 2].max() > 200 and (name != CHEST or corner > 0)


# -- nothing about the patient


def named(found: Dataset) -> Dataset:
    """Every element of text that a film may carry filled with a secret, an unknown and a private one among them."""
    for keyword in ("PatientName", "PatientID", "PatientBirthName", "OtherPatientNames", "PatientMotherBirthName",
                    "ReferringPhysicianName", "PerformingPhysicianName", "OperatorsName", "InstitutionName",
                    "InstitutionalDepartmentName", "StationName", "AccessionNumber", "StudyID", "StudyDescription",
                    "SeriesDescription", "ProtocolName", "IssuerOfPatientID", "PatientAddress", "DeviceSerialNumber",
                    "PatientTelephoneNumbers", "ImageComments", "PatientComments", "RequestedProcedureDescription"):
        setattr(found, keyword, f"{SECRET}^NAME")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is written here is wrong on purpose
        found.PatientBirthDate, found.PatientAge, found.StudyDate = SECRET, SECRET, SECRET
        found.SpecificCharacterSet = "ISO_IR 100"
        found.add_new(0x00091001, "LO", SECRET)
        found.add_new(0x00104000, "UN", SECRET.encode())
        item = Dataset()
        item.PatientName = item.PatientID = f"{SECRET}^NAME"
        found.OtherPatientIDsSequence = found.ReferencedStudySequence = [item]
    return found


def hostile(kind: str, film: np.ndarray) -> bytes:
    good = written(named(described(film, BitsStored=12, WindowCenter="1500", WindowWidth="3000")))
    lacking = named(described(film))
    if kind == "no image":
        del lacking.PixelData
    elif kind == "no rows":
        del lacking.Rows
    elif kind == "short":
        lacking.PixelData = lacking.PixelData[:100]
    elif kind == "colours":
        lacking.PhotometricInterpretation = SECRET
    elif kind == "rows of text":
        lacking.add_new("Rows", "LO", SECRET)
    elif kind == "frames of text":
        lacking.add_new("NumberOfFrames", "LO", SECRET)
    elif kind == "codestream":
        lacking.PixelData = encapsulate([SECRET.encode() * 20])
        return written(lacking, uid.JPEG2000)
    else:
        return {"good": good, "cut": good[: len(good) // 2], "cut early": good[:700]}[kind]
    return written(lacking)


@pytest.mark.parametrize("kind", ["good", "cut", "cut early", "no image", "no rows", "short", "colours", "rows of text",
                                  "frames of text", "codestream"])
def test_nothing_of_the_patient_comes_out(kind, ramp, caplog, capfd):
    data = hostile(kind, ramp)
    assert data.count(SECRET.encode()) > 5
    told = []
    with warnings.catch_warnings(record=True) as caught, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        try:
            told += film_file.read_film(data, "film.dcm").notes
        except FilmError as error:
            assert "\n" not in str(error) and str(error).startswith("film.dcm ")
            assert error.__context__ is None and error.__cause__ is None
            told += traceback.format_exception(error)[-1:]
    assert told and (kind == "good") == (told[0] == SET + "black at 0 and white at 3000 (window 1500/3000)")
    told += [str(w.message) for w in caught] + [*capfd.readouterr()]
    told += [r.getMessage() + str(r.exc_text) for r in caplog.records]
    assert SECRET not in " ".join(told)


# -- bad files


def grown(act) -> int:
    """How many bytes of memory this process and its children hold more at most, while `act` is done."""
    import threading

    process, most, done = psutil.Process(), [0], threading.Event()

    def held() -> int:
        total = process.memory_info().rss
        for child in process.children():
            with contextlib.suppress(psutil.Error):
                total += child.memory_info().rss
        return total

    def watch() -> None:
        while not done.wait(0.005):
            most[0] = max(most[0], held())

    before, watcher = held(), threading.Thread(target=watch)
    watcher.start()
    try:
        act()
    finally:
        done.set()
        watcher.join()
    return most[0] - before


def bombs(kind: str) -> bytes:
    found = described(np.zeros((8, 8), np.uint16), WindowCenter="1", WindowWidth="5")
    if kind == "claims 60,000 x 60,000":
        found.Rows = found.Columns = 60_000
        return written(found)
    if kind == "deflated":
        body = written(found)
        start = body.index(b"\x28\x00\x02\x00")
        bomb = zlib.compressobj(wbits=-15)
        packed = bomb.compress(body[start:-140]) + bomb.compress(bytes(300_000_000)) + bomb.flush()
        meta = written(described(np.zeros((8, 8), np.uint16)), uid.DeflatedExplicitVRLittleEndian)
        return meta[: 144 + int.from_bytes(meta[140:144], "little")] + packed
    if kind == "run lengths":  # unpacks to 640 MB a segment
        found.Rows, found.Columns = 7_000, 9_000
        header = np.array([2, 64, 5_000_064] + [0] * 13, "<u4").tobytes()
        found.PixelData = encapsulate([header + b"\x81\x00" * 5_000_000])
        return written(found, uid.RLELossless)
    big = pydicom.dcmread(get_testdata_file("MR_small_jp2klossless.dcm", download=False))
    frame = bytearray(get_frame(big.PixelData, 0, number_of_frames=1))
    at = frame.index(b"\xff\x4f\xff\x51") + 8
    frame[at : at + 8] = (60_000).to_bytes(4, "big") * 2  # the codestream's own width and height
    frame[at + 16 : at + 24] = (60_000).to_bytes(4, "big") * 2  # of one tile
    found.Rows = found.Columns = 64
    found.PixelData = encapsulate([bytes(frame)])
    return written(found, uid.JPEG2000Lossless)


@pytest.mark.parametrize("kind, said", [
    ("claims 60,000 x 60,000", "60000 x 60000 pixels; at most 64,000,000"),
    ("deflated", "unpacks to more than 160 MB"), ("run lengths", "damaged"), ("codestream", "another size")])
def test_bombs_are_refused_in_bounded_memory(kind, said, limits):
    data = bombs(kind)
    limits(memory=400_000_000)

    def refused() -> None:
        with pytest.raises(FilmError, match=said):
            film_file.read_film(data)

    assert grown(refused) < 900_000_000


def test_a_decoder_that_dies_is_a_film_error():
    """Damaged frames end GDCM with a signal: only its own process dies."""
    found = pydicom.dcmread(get_testdata_file("MR_small_jpeg_ls_lossless.dcm", download=False))
    frame = get_frame(found.PixelData, 0, number_of_frames=1)
    options = pydicom.pixels.utils.as_pixel_options(found)
    assert decode_frame(frame, found.file_meta.TransferSyntaxUID, "gdcm", options).shape == (64, 64)
    damaged = bytearray(frame)
    damaged[6:9] = b"\xff\xff\xff"
    for data in (bytes(damaged), frame[:40], b""):
        with pytest.raises(ValueError, match="cannot be decoded"):
            decode_frame(data, found.file_meta.TransferSyntaxUID, "gdcm", options)


FUZZED = ("MR_small.dcm", "MR_small_implicit.dcm", "MR_small_jp2klossless.dcm", "SC_rgb_jpeg_dcmtk.dcm",
          "examples_palette.dcm", "SC_ybr_full_422_uncompressed.dcm", "no_meta_group_length.dcm")


def damaged(data: bytes, chance: random.Random) -> bytes:
    film = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        film[chance.randrange(min(len(film), chance.choice([1500, 10**9])))] = chance.randrange(256)
    return bytes(film[: chance.randrange(len(film)) + 1] if chance.random() < 0.3 else film)


@given(st.sampled_from(FUZZED), st.randoms(use_true_random=False))
@settings(max_examples=250, deadline=None)
def test_no_damage_to_a_dicom_file_is_anything_but_a_film_error(name, chance):
    with open(get_testdata_file(name, download=False), "rb") as file:
        data = damaged(file.read(), chance)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            film = film_file.read_film(data)
        except FilmError as error:
            assert "\n" not in str(error)
            return
    assert film.pixels.dtype == np.uint8 and film.pixels.ndim == 2 and film.pixels.size


@given(st.sampled_from(("MR_small_jpeg_ls_lossless.dcm", "SC_rgb_jpeg_gdcm.dcm", "MR_small_RLE.dcm")),
       st.randoms(use_true_random=False))
@settings(max_examples=12, deadline=None)
def test_damage_to_frames_that_are_decoded_outside(name, chance):
    with open(get_testdata_file(name, download=False), "rb") as file:
        whole = file.read()
    at = whole.rindex(b"\xfe\xff\x00\xe0", 0, whole.rindex(b"\xfe\xff\xdd\xe0"))
    try:
        assert film_file.read_film(whole[:at] + damaged(whole[at:], chance)).pixels.dtype == np.uint8
    except FilmError as error:
        assert "\n" not in str(error)
