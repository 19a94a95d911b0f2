"""Films whose files are wrong about themselves, as hospitals and public sets have them: seen, and what was taken said.

Each kind as a small film of our own; the real files of the kind where they lie beside the project.
"""

import io

import numpy as np
import pydicom
import pytest
from dicom_films import described, lut, with_text, without, written
from PIL import Image
from pydicom import uid
from pydicom.encaps import encapsulate

from cxrcore.data.pixels import codestream, film_file
from cxrcore.errors import FilmError

FRAME = 8
TURNED = "light and dark turned, as the file says (MONOCHROME1)"
FULL = "black to white over all its 12 bits"


@pytest.fixture(scope="module")
def film() -> np.ndarray:
    """12 bits as an honest film uses them: 100 to 3,900, most of it between 400 and 3,700; 128 x 128."""
    rng = np.random.default_rng(3)
    waves = (1.3 + np.outer(np.sin(np.linspace(0, 9, 128)), np.sin(np.linspace(0, 7, 128)))) / 2.3
    return np.clip(100 + 3600 * waves + rng.normal(0, 60, (128, 128)), 100, 3900).astype(np.uint16)


@pytest.fixture(scope="module")
def right(film) -> np.ndarray:
    """How it looks where its file is right."""
    return film_file.to_gray(written(described(film, BitsStored=12)))


def read(pixels: np.ndarray, **elements) -> film_file.Film:
    return film_file.read_film(written(described(pixels, **elements)))


def framed(film: np.ndarray, value: int) -> np.ndarray:
    """With a frame of padding."""
    padded = film.copy()
    padded[:FRAME], padded[-FRAME:], padded[:, :FRAME] = value, value, value
    return padded


def inside(film: np.ndarray) -> np.ndarray:
    return film[FRAME:-FRAME, FRAME:]


def frame(film: np.ndarray) -> np.ndarray:
    return np.concatenate([film[:FRAME].ravel(), film[-FRAME:].ravel(), film[:, :FRAME].ravel()])


def alike(shown: np.ndarray, right: np.ndarray, off: float = 6) -> bool:
    """Whether two films are the same picture."""
    return bool(np.corrcoef(shown.ravel(), right.ravel())[0, 1] > 0.99 and abs(shown.mean() - right.mean()) < off)


# -- the real files


@pytest.mark.parametrize("case, mean, said", [
    ("01", 170.9, "its grey values fill 5 %"), ("03", None, "padding around the film made black (21 %"),
    ("05", None, "padding around the film made black (21 %"), ("06", 170.9, "its grey values fill 20 %"),
    ("07", 170.9, "its window 128/256 makes 99.9 % of the film plain black or white and was left out"),
    ("08", 170.9, "a comma in its window read as a decimal point"), ("09", 188.9, "sigmoid"),
    ("11", 170.9, "its 12 bits stand 4 too high in a pixel and were shifted down"),
    ("12", 182.3, "light and dark turned, as the file says (white is zero)")])
def test_films_that_people_had(shared, case, mean, said):
    folders = sorted((shared / "cases").glob(f"{case}-*"))
    if not folders:
        pytest.skip("no ../shared/cases beside the project")
    (path,) = [path for path in folders[0].iterdir() if path.suffix in (".dcm", ".tif")]
    reference = film_file.to_gray(folders[0] / "reference.png")
    film = film_file.read_film(path)
    shown, reference = film.pixels[40:-40, 30:], reference[40:-40, 30:]
    assert np.corrcoef(shown.ravel(), reference.ravel())[0, 1] > (0.98 if case == "09" else 0.999)
    assert mean is None or abs(film.pixels.mean() - mean) < 0.1
    assert mean is not None or (abs(shown.mean() - reference.mean()) < 3 and film.pixels[:30].max() == 0)
    assert said in "; ".join(film.notes)


# -- values in use, and values far from them


def hot(film: np.ndarray) -> np.ndarray:
    film[5, 5] = 65535
    return film


def columns(film: np.ndarray) -> np.ndarray:
    film[:, [20, 60, 90]] = 0  # 2 % of the pixels
    return film + 20_000 * (film > 0).astype(np.uint16)


def marker(film: np.ndarray) -> np.ndarray:
    film[10:35, 90:120], film[12:14, 92:118] = 65535, 65200
    return film


@pytest.mark.parametrize("damage", [
    lambda film: film, hot, columns, marker, lambda film: film + np.uint16(30_000), lambda film: film * 4,
    lambda film: framed(film, 65535), lambda film: framed(film + np.uint16(20_000), 0)],
    ids=["12 in 16", "hot pixel", "dead columns", "marker", "offset", "14 in 16", "white frame", "black frame"])
def test_a_film_that_declares_more_than_it_uses_is_not_black(film, right, damage):
    read_film = read(damage(film.copy()), BitsStored=16)
    whole = np.zeros(film.shape, bool)
    whole[40:120, 12:88] = True  # away from what was done to it
    whole[:, [20, 60]] = False
    assert alike(read_film.pixels[whole], right[whole])
    assert read_film.notes[0].startswith("its grey values fill ")


def test_ten_bits_of_sixteen_and_signed_ones(film, right):
    assert alike(read(film // 4, BitsStored=16).pixels, right)
    signed = film.astype(np.int16) - 2000
    assert alike(read(signed, BitsStored=16).pixels, right, 8)
    signed[3, 3], signed[4, 4] = -32768, 32767
    assert alike(read(signed, BitsStored=16).pixels, right, 8)


def test_an_honest_film_is_shown_over_its_declared_range_whatever_a_few_pixels_are(film, right):
    expected = np.floor(film / 4095 * 255 + 0.5)
    assert (right == expected).all()
    odd = film.copy()
    odd[5, 5], odd[:, 60], odd[6, 6] = 4095, 0, 0
    assert read(odd, BitsStored=12).notes == (FULL,)
    whole = odd == film
    assert (read(odd, BitsStored=12).pixels[whole] == expected[whole]).all()
    narrow = (film // 2 + 900).astype(np.uint16)  # little more than half of the range stays as it is
    low, high = np.percentile(narrow, [0.5, 99.5])
    assert (high - low) / 4095 < 0.5 and read(narrow, BitsStored=11).notes == ("black to white over all its 11 bits",)


def test_films_that_differ_little_are_shown_alike(film):
    """From most of the range to a fifth of it in small steps: nowhere a jump."""
    shown = [read((film[::2, ::2] * share).astype(np.uint16), BitsStored=12).pixels.mean()
             for share in np.linspace(0.7, 0.2, 101)]
    assert np.abs(np.diff(shown)).max() < 5 and min(shown) > 60
    assert shown[-1] == pytest.approx(shown[0] / 0.7, abs=8)


def test_eight_bits_are_never_scaled(film):
    dark = (film // 64).astype(np.uint8)
    assert (read(dark).pixels == dark).all() and read(dark).notes == ()
    dark[0, 0] = 255
    assert (read(dark).pixels == dark).all()
    deep = read(dark.astype(np.uint16), BitsStored=8)
    assert (deep.pixels == dark).all() and deep.notes == ()


def test_a_film_of_one_value_stays_what_it_is():
    flat = read(np.full((20, 20), 1000, np.uint16), BitsStored=16, WindowCenter="5", WindowWidth="5")
    assert len(set(flat.pixels.ravel())) == 1


# -- padding


@pytest.mark.parametrize("kind, value, elements", [
    (np.uint16, 65535, {"BitsStored": 16, "PixelPaddingValue": 65535}),
    (np.uint16, 65535, {"BitsStored": 12, "PixelPaddingValue": 65535}),  # above the bits in use
    (np.uint16, 0, {"BitsStored": 12, "PixelPaddingValue": 0, "PhotometricInterpretation": "MONOCHROME1"}),
    (np.int16, -2000, {"BitsStored": 16, "PixelPaddingValue": -2000}),
    (np.int16, -2000, {"BitsStored": 16, "PixelPaddingValue": -2000, "PhotometricInterpretation": "MONOCHROME1"}),
    (np.uint16, 64500, {"BitsStored": 16, "PixelPaddingValue": 64000, "PixelPaddingRangeLimit": 65535}),
    (np.int16, -1900, {"BitsStored": 16, "PixelPaddingValue": -1000, "PixelPaddingRangeLimit": -2000}),
    (np.uint16, 65535, {"BitsStored": 12, "PixelPaddingValue": 65535, "WindowCenter": "2048", "WindowWidth": "4096"}),
])
def test_padding_becomes_black_and_counts_for_nothing(film, right, kind, value, elements):
    signed = kind is np.int16
    found = described(framed(film.astype(kind), value), **elements)
    for keyword in {"PixelPaddingValue", "PixelPaddingRangeLimit"} & elements.keys():
        found[keyword].VR = "SS" if signed else "US"
    shown = film_file.read_film(written(found))
    assert (frame(shown.pixels) == 0).all()
    turned = elements.get("PhotometricInterpretation") == "MONOCHROME1"
    assert alike(inside(shown.pixels), inside(255 - right if turned else right), 9)
    assert shown.notes[-1] == "padding around the film made black (18 % of its pixels)"


def test_padding_with_the_wrong_sign_is_found(film):
    found = described(framed(film.astype(np.int16), -2000), BitsStored=16)
    found.PixelPaddingValue = 63536  # -2000, without a sign
    found["PixelPaddingValue"].VR = "US"
    assert (frame(film_file.to_gray(written(found))) == 0).all()


@pytest.mark.parametrize("colours", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_that_is_a_value_of_the_film_too_is_black_around_it_alone(film, colours):
    own = film.copy()
    own[60:64, 60:64], own[70:80, 70:80] = 0, np.arange(100).reshape(10, 10)
    shown = read(framed(own, 0), BitsStored=12, PixelPaddingValue=0, PhotometricInterpretation=colours).pixels
    assert (frame(shown) == 0).all()
    assert (shown[60:64, 60:64] == (255 if colours == "MONOCHROME1" else 0)).all()


def test_a_declared_padding_that_no_pixel_has_or_all_have_changes_nothing(film, right):
    eight = (film >> 4).astype(np.uint8)
    eight[:5] = 255
    assert (read(eight, PixelPaddingValue=65535).pixels == eight).all()
    for value in (65535, 5):
        assert (read(film, BitsStored=12, PixelPaddingValue=value).pixels == right).all()
    everything = read(film, BitsStored=12, PixelPaddingValue=0, PixelPaddingRangeLimit=65535)
    assert (everything.pixels == right).all() and everything.notes == (FULL,)


def test_a_frame_that_is_not_declared_is_no_part_of_the_measure_and_keeps_its_own_end(film, right):
    shown = read(framed(film, 65535), BitsStored=16).pixels
    assert alike(inside(shown), inside(right)) and (frame(shown) == 255).all()


# -- windows


@pytest.mark.parametrize("centre, width, left_out", [
    ("128", "256", "its window 128/256 makes 100 %"), ("30000", "100", "its window 30000/100 makes 100 %"),
    ("2000", "4", "its window 2000/4 makes"), ("32768", "65536", "its window 32768/65536 leaves hardly any contrast")])
def test_a_window_that_leaves_nothing_to_be_seen_is_left_out_and_said(film, right, centre, width, left_out):
    shown = read(film, BitsStored=12, WindowCenter=centre, WindowWidth=width)
    assert (shown.pixels == right).all()
    assert shown.notes[0].startswith(left_out) and shown.notes[0].endswith("was left out") and shown.notes[1] == FULL


def test_of_several_windows_the_first_that_can_be_used_is_taken(film):
    plain = read(film, BitsStored=12, WindowCenter="2000", WindowWidth="3000")
    for first in (("1500", "0"), ("128", "256"), ("", "9")):
        several = read(film, BitsStored=12, WindowCenter=[first[0], "2000"], WindowWidth=[first[1], "3000"])
        assert (several.pixels == plain.pixels).all()
        assert several.notes[0].endswith("was left out") and "the first of 2 that can be used" in several.notes[1]


@pytest.mark.parametrize("name", ["sigmoid", " Sigmoid", "SAMPLED_SIGMOID", "sampled sigmoid"])
def test_a_sigmoid_is_known_by_its_letters(film, name):
    window = {"BitsStored": 12, "WindowCenter": "2047", "WindowWidth": "2000"}
    shown, plain = read(film, VOILUTFunction=name, **window), read(film, VOILUTFunction="SIGMOID", **window)
    assert (shown.pixels == plain.pixels).all() and "sigmoid" in shown.notes[0]
    assert (shown.pixels != read(film, **window).pixels).any()


def test_linear_exact_is_applied_and_an_unknown_curve_is_taken_as_linear_and_said(film):
    window = {"BitsStored": 12, "WindowCenter": "2047", "WindowWidth": "40"}
    exact, linear = (read(film, VOILUTFunction=name, **window).pixels for name in ("linear exact", "LINEAR"))
    window |= {"WindowWidth": "3000"}
    exact, linear = (read(film, VOILUTFunction=name, **window).pixels for name in ("linear exact", "LINEAR"))
    assert (exact != linear).any()
    unknown = read(film, VOILUTFunction="SECRET_CURVE", **window)
    assert (unknown.pixels == linear).all()
    assert unknown.notes[0] == "its window's curve has an unknown name and was taken as linear"


def test_a_decimal_comma_is_one_number_and_no_list(film):
    data = written(described(film, BitsStored=12, WindowCenter="2047.5", WindowWidth="3000.5"))
    expected = film_file.read_film(data)
    commas = with_text(with_text(data, "WindowCenter", "2047,5"), "WindowWidth", "3000,5")
    shown = film_file.read_film(commas)
    assert (shown.pixels == expected.pixels).all()
    assert shown.notes == ("a comma in its window read as a decimal point", *expected.notes)
    for wrong in ("1,2,3", "1,2.3", "width", "nan"):
        bad = film_file.read_film(with_text(data, "WindowWidth", wrong))
        assert bad.notes == ("its window is no usable one and was left out", FULL)


def test_several_windows_with_commas(film):
    data = written(described(film, BitsStored=12, WindowCenter=["2047.5", "100.5"], WindowWidth=["3000.5", "10.5"]))
    expected = film_file.to_gray(data)
    commas = with_text(with_text(data, "WindowCenter", "2047,5\\100,5"), "WindowWidth", "3000,5\\10,5")
    assert (film_file.to_gray(commas) == expected).all()


def test_rescaling_with_a_comma_a_zero_or_one_half_of_it(film, right):
    rescaled = {"BitsStored": 12, "RescaleSlope": "2.5", "RescaleIntercept": "-100.5", "WindowCenter": "4900",
                "WindowWidth": "9000"}
    data = written(described(film, **rescaled))
    commas = film_file.read_film(with_text(with_text(data, "RescaleSlope", "2,5"), "RescaleIntercept", "-100,5"))
    assert (commas.pixels == film_file.to_gray(data)).all()
    assert commas.notes[0] == "a comma in its rescaling read as a decimal point"
    zero = read(film, BitsStored=12, RescaleSlope="0", RescaleIntercept="5")
    assert (zero.pixels == right).all() and zero.notes == ("its rescaling is no usable number and was left out", FULL)
    half = read(film, BitsStored=12, RescaleSlope="2", WindowCenter="4095", WindowWidth="8191")
    assert np.abs(half.pixels.astype(int) - right).max() <= 1


def test_a_table_of_contrast_that_is_damaged_is_left_out_for_the_window(film):
    table = lut(np.linspace(0, 4095, 4096).astype(np.uint16), 0, 12)
    window = {"BitsStored": 12, "WindowCenter": "2000", "WindowWidth": "3000"}
    plain = read(film, **window)
    table[0].LUTData = table[0].LUTData[:0]
    shown = read(film, VOILUTSequence=table, **window)
    assert (shown.pixels == plain.pixels).all()
    assert shown.notes == ("its own table of contrast (VOI LUT) is damaged and was left out", *plain.notes)


def test_a_table_of_contrast_that_leaves_nothing_to_be_seen_is_left_out(film, right):
    table = lut(np.linspace(0, 255, 200).astype(np.uint16), 0, 8)  # left over from 8 bits
    shown = read(film, BitsStored=12, VOILUTSequence=table)
    assert (shown.pixels == right).all() and "(VOI LUT) makes 100 % of the film plain black or" in shown.notes[0]


def test_a_table_of_bytes_that_are_filled_up_to_an_even_number(film):
    entries = np.linspace(0, 255, 4095).astype(np.uint8)
    table = lut(entries.astype(np.uint16), 0, 8)
    plain = read(film, BitsStored=12, VOILUTSequence=table)
    table[0].add_new("LUTData", "OW", entries.tobytes() + b"\0")
    assert (read(film, BitsStored=12, VOILUTSequence=table).pixels == plain.pixels).all()


def test_a_table_of_few_entries_holds_for_the_values_beside_it_and_padding_stays_black(film):
    table = lut(np.linspace(0, 255, 1024).astype(np.uint16), 1000, 8)
    shown = read(framed(film, 65535), BitsStored=12, VOILUTSequence=table, PixelPaddingValue=65535)
    expected = np.clip((film.astype(int) - 1000) / 1023, 0, 1) * 255
    assert np.abs(inside(shown.pixels) - inside(expected)).max() <= 1.01 and (frame(shown.pixels) == 0).all()


# -- bits


@pytest.mark.parametrize("bits, high", [(12, 15), (10, 15), (12, 13), (14, 15)])
def test_bits_that_stand_too_high_are_shifted(film, bits, high):
    levels = film >> (12 - bits) if bits < 12 else film << (bits - 12)
    straight = read(levels, BitsStored=bits)
    shown = read(levels << (high + 1 - bits), BitsStored=bits, HighBit=high)
    assert (shown.pixels == straight.pixels).all()
    assert shown.notes == (f"its {bits} bits stand {high + 1 - bits} too high in a pixel and were shifted down",
                           *straight.notes)
    overlay = levels << (high + 1 - bits) | np.uint16(1)
    assert (read(overlay, BitsStored=bits, HighBit=high).pixels == straight.pixels).all()


def test_a_highest_bit_that_the_values_contradict_is_not_believed(film, right):
    shown = read(film, BitsStored=12, HighBit=15)
    assert (shown.pixels == right).all()
    assert shown.notes[0] == "its 12 bits stand at the low end of a pixel, other than the file says"
    assert (read(film, BitsStored=12, HighBit=7).pixels == right).all()
    assert (read(film, BitsStored=12, HighBit=60000).pixels == right).all()


# -- what the file does not say


@pytest.mark.parametrize("keyword, said", [
    ("BitsAllocated", "16 bits a pixel"), ("SamplesPerPixel", "one number a pixel"), ("Rows", "128 rows"),
    ("Columns", "128 columns"), ("PhotometricInterpretation", "that low values are dark"),
    ("PixelRepresentation", "that no value is negative"), ("HighBit", "")])
def test_what_a_file_lacks_is_assumed_where_one_reading_fits_and_said(film, right, keyword, said):
    shown = film_file.read_film(written(without(described(film, BitsStored=12), keyword)))
    assert (shown.pixels == right).all()
    assert shown.notes == ((f"assumed, as the file does not say: {said}", FULL) if said else (FULL,))


def test_bits_in_use_that_are_missing_or_impossible_are_all_and_then_measured(film, right):
    for bits in (None, 0, 40):
        found = described(film)
        found.HighBit = 11
        found.BitsStored = bits
        shown = film_file.read_film(written(found))
        assert alike(shown.pixels, right) and "that 16 of 16 bits are in use" in shown.notes[0]


def test_several_missing_at_once(film, right):
    found = without(described(film, BitsStored=12), "BitsAllocated", "SamplesPerPixel", "PhotometricInterpretation",
                    "PixelRepresentation")
    shown = film_file.read_film(written(found))
    assert (shown.pixels == right).all()
    assert shown.notes[:2] == (
        "assumed, as the file does not say: one number a pixel, 16 bits a pixel, that low values are dark",
        "assumed, as the file does not say: that no value is negative")
    signed = film.astype(np.int16) - 1500
    plain = read(signed, BitsStored=16)
    shown = film_file.read_film(written(without(described(signed, BitsStored=16), "PixelRepresentation")))
    assert (shown.pixels == plain.pixels).all() and shown.notes[0].endswith("that values may be negative")
    colours = np.dstack([film >> 4] * 3).astype(np.uint8)
    bare = without(described(colours), "BitsAllocated", "SamplesPerPixel", "PhotometricInterpretation")
    shown = film_file.read_film(written(bare))
    assert (shown.pixels == film >> 4).all() and "3 numbers a pixel, 8 bits a pixel, red, green" in shown.notes[0]


@pytest.mark.parametrize("missing, said", [
    (("Rows", "Columns"), "rows and columns, and no one reading fits"),
    (("Rows", "BitsAllocated"), "rows and bits a pixel, and several readings fit")])
def test_where_no_reading_or_several_fit_the_film_is_refused_in_words(film, missing, said):
    with pytest.raises(FilmError, match=f"x.dcm is a DICOM file that does not say its {said} the length of its pixels"):
        film_file.read_film(written(without(described(film, BitsStored=12), *missing)), "x.dcm")


def test_which_end_is_dark_is_known_by_its_letters(film, right):
    for name in ("monochrome1", " Monochrome1 ", "MONOCHROME_1"):
        shown = read(film, BitsStored=12, PhotometricInterpretation=name)
        assert (shown.pixels == 255 - right).all() and shown.notes[-1] == TURNED
    unknown = read(film, BitsStored=12, PhotometricInterpretation="SECRET")
    assert (unknown.pixels == right).all()
    assert unknown.notes[0] == "what its values mean has an unknown name: low ones were taken as dark"


@pytest.mark.parametrize("explicit", [True, False])
def test_compressed_pixels_in_a_file_without_a_beginning(film, explicit):
    eight = (film >> 4).astype(np.uint8)
    found = described(eight)
    found.SOPClassUID = uid.ComputedRadiographyImageStorage
    found.PixelData = encapsulate([compressed(eight, "JPEG2000", no_jp2=True)])
    found["PixelData"].is_undefined_length = True
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, found, implicit_vr=not explicit, little_endian=True)
    shown = film_file.read_film(buffer.getvalue())
    assert (shown.pixels == eight).all() and shown.notes[0].startswith("read as JPEG 2000 by its first bytes")


def compressed(pixels: np.ndarray, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind, options, name, off", [
    ("JPEG2000", {"no_jp2": True, "irreversible": False}, "JPEG 2000", 0),
    ("JPEG2000", {"irreversible": False}, "JPEG 2000", 0), ("JPEG", {"quality": 95}, "JPEG Baseline", 3)])
@pytest.mark.parametrize("dress", ["items", "bare", "wrong syntax", "other compression"])
def test_compressed_pixels_are_known_by_their_bytes(film, kind, options, name, off, dress):
    smooth = np.asarray(Image.fromarray((film >> 4).astype(np.uint8)).resize((16, 16)).resize((128, 128)))
    data = compressed(smooth, kind, **options)
    found = described(smooth)
    found.PixelData = data + bytes(len(data) % 2) if dress == "bare" else encapsulate([data])
    syntax = uid.RLELossless if dress == "other compression" else uid.ExplicitVRLittleEndian
    written_file = written(found, syntax)
    if dress == "wrong syntax":  # of undefined length, under the name of an uncompressed one
        written_file = written(found, uid.JPEG2000).replace(
            uid.JPEG2000.encode(), uid.ExplicitVRLittleEndian.encode().ljust(22, b"\0"))
    shown = film_file.read_film(written_file)
    assert np.abs(shown.pixels.astype(int) - smooth).max() <= off
    assert shown.notes[0] == (f"read as {name} by its first bytes, as the file names "
                              f"{'another' if dress == 'other compression' else 'no'} compression")


def test_a_compressed_film_says_itself_what_its_file_does_not(film, right):
    found = described(film, BitsStored=12)
    found.PixelData = encapsulate([compressed(film, "JPEG2000", no_jp2=True)])
    bare = without(found, "Rows", "Columns", "BitsAllocated", "BitsStored", "SamplesPerPixel",
                   "PhotometricInterpretation", "PixelRepresentation", "HighBit")
    shown = film_file.read_film(written(bare, uid.JPEG2000Lossless))
    assert alike(shown.pixels, right)
    assert shown.notes[0].startswith("assumed, as the file does not say: 128 rows, 128 columns, one number a pixel, 16")


def test_pixels_that_only_begin_like_a_compressed_image_are_pixels():
    plain = np.zeros((8, 8), np.uint8)
    plain.ravel()[:4] = 0xFF, 0x4F, 0xFF, 0x51
    assert (read(plain).pixels == plain).all()
    for head in (b"\xff\x4f\xff\x51", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\0\0", b"\0\0\0\x0cjP  \r\n\x87\n", b""):
        assert codestream.described(head + bytes(3)) is None


# -- other kinds of file


def tiff(pixels: np.ndarray, white_is_zero: bool, order: str = "<", bits: int = 0, packed: bytes = b"") -> bytes:
    """A grey TIFF without compression, of numbers as they lie in the array."""
    data = packed or pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    kind = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    tags = {256: pixels.shape[1], 257: pixels.shape[0], 258: bits or 8 * pixels.dtype.itemsize, 259: 1,
            262: int(not white_is_zero), 273: 0, 277: 1, 278: pixels.shape[0], 279: len(data), 339: kind}
    tags[273] = 8 + 2 + 12 * len(tags) + 4

    def number(value: int, length: int) -> bytes:
        return value.to_bytes(length, "little" if order == "<" else "big")

    head = (b"II" if order == "<" else b"MM") + number(42, 2) + number(8, 4) + number(len(tags), 2)
    entries = b"".join(number(tag, 2) + number(4, 2) + number(1, 4) + number(value, 4) for tag, value in tags.items())
    return head + entries + bytes(4) + data


@pytest.mark.parametrize("kind", ["u2", "f4", "u1"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_with_white_at_zero_is_turned_whatever_its_depth(film, kind, order):
    levels = (film >> 4).astype(kind) if kind == "u1" else film.astype(kind)
    dark, light = (film_file.read_film(tiff(levels, white, order)) for white in (False, True))
    assert (light.pixels == 255 - dark.pixels).all()
    assert dark.notes + (() if kind == "u1" else ("light and dark turned, as the file says (white is zero)",)
                         ) == light.notes


def test_a_tiff_of_twelve_bits(film):
    pairs = film.reshape(-1, 2).astype(int)
    packed = np.stack([pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255], 1)
    dark, light = (film_file.to_gray(tiff(film, white, bits=12, packed=packed.astype(np.uint8).tobytes()))
                   for white in (False, True))
    assert np.corrcoef(dark.ravel(), film.ravel())[0, 1] > 0.99 and (light == 255 - dark).all()


def test_a_packed_tiff_with_white_at_zero_is_turned_once(film):
    deep, dark = (film_file.to_gray(compressed(film, "TIFF", compression="tiff_lzw", tiffinfo={262: photometric}))
                  for photometric in (0, 1))
    assert (deep == 255 - dark).all()
    eight = (film >> 4).astype(np.uint8)  # turned by Pillow when it is written, and back when it is read
    assert (film_file.to_gray(compressed(eight, "TIFF", compression="tiff_lzw", tiffinfo={262: 0})) == eight).all()


def test_a_palette_in_a_tiff_and_deep_png_are_what_they_were(film):
    eight = (film >> 4).astype(np.uint8)
    palette = Image.fromarray(eight).convert("P")
    assert np.abs(film_file.to_gray(compressed(np.asarray(palette.convert("L")), "TIFF")).astype(int) - eight).max() < 2
    deep = film_file.read_film(compressed(film, "PNG"))
    low, high = np.percentile(film, [0.5, 99.5])
    assert np.abs(deep.pixels - np.clip((film - low) / (high - low) * 255, 0, 255)).max() <= 1
