"""From any supported file to grey pixels: one way, deterministic, and no file that breaks it."""

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cxrcore.data.pixels import film_file, limits
from cxrcore.errors import FilmError


def encoded(image: Image.Image, format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def png_of_header(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG that claims a size, whatever its data holds."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b""))


@pytest.fixture(scope="module")
def gray() -> np.ndarray:
    """A film with structure at every scale, 60 x 80."""
    rng = np.random.default_rng(0)
    slope = np.add.outer(np.linspace(0, 120, 60), np.linspace(0, 90, 80))
    return (slope + rng.integers(0, 40, (60, 80))).astype(np.uint8)


# -- every kind of file


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA"])
def test_a_grey_film_gives_its_own_pixels_in_every_lossless_dress(gray, mode):
    assert (film_file.to_gray(encoded(Image.fromarray(gray).convert(mode))) == gray).all()


def test_alpha_is_dropped_not_blended(gray):
    rgba = np.dstack([gray, gray, gray, np.random.default_rng(1).integers(0, 255, gray.shape, np.uint8)])
    assert (film_file.to_gray(encoded(Image.fromarray(rgba))) == gray).all()
    assert (film_file.to_gray(encoded(Image.fromarray(rgba[..., [0, 3]], "LA"))) == gray).all()


def test_colour_becomes_luma():
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    assert film_file.to_gray(encoded(Image.fromarray(colours)))[0].tolist() == pytest.approx([76, 150, 29, 255], abs=1)


@pytest.mark.filterwarnings("ignore:Palette images:UserWarning")
@pytest.mark.parametrize("transparency", [None, 3, bytes(range(256))])
def test_a_palette_is_looked_up(gray, transparency):
    image = Image.fromarray(gray[::-1] ^ 0xFF, "P")  # index = 255 - grey
    image.putpalette([255 - i for i in range(256) for _ in range(3)])
    options = {} if transparency is None else {"transparency": transparency}
    assert (film_file.to_gray(encoded(image, **options)) == gray[::-1]).all()


def test_one_bit_is_black_and_white(gray):
    bits = gray > 100
    assert (film_file.to_gray(encoded(Image.fromarray(bits))) == np.where(bits, 255, 0)).all()


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK", "YCbCr"])
def test_jpeg_of_any_colours(gray, mode):
    smooth = np.asarray(Image.fromarray(gray).resize((20, 15)).resize((80, 60)))
    read = film_file.to_gray(encoded(Image.fromarray(smooth).convert("RGB").convert(mode), "JPEG", quality=98))
    assert np.abs(read.astype(int) - smooth).mean() < 2.5


@pytest.mark.parametrize("top", [255, 4095, 65535])
def test_sixteen_bits_use_the_whole_range_whatever_their_depth(gray, top):
    levels = (gray.astype(np.float64) * (top / 255)).astype(np.uint16)
    read = film_file.to_gray(encoded(Image.fromarray(levels)))
    low, high = np.percentile(gray, limits.UNDECLARED_RANGE)
    expected = np.clip((gray - low) / (high - low) * 255, 0, 255)
    assert read.dtype == np.uint8 and (read.min(), read.max()) == (0, 255)
    assert np.abs(read - expected).max() <= 1.01 + 255 / top


def test_float_and_constant_levels_have_no_undefined_pixels():
    levels = np.linspace(-1, 3, 400, dtype=np.float32).reshape(20, 20)
    levels[0, 0], levels[0, 1] = np.nan, np.inf
    read = film_file.to_gray(encoded(Image.fromarray(levels), "TIFF"))
    assert (read.min(), read.max()) == (0, 255)
    assert (film_file.to_gray(encoded(Image.fromarray(np.full((8, 8), 9000, np.uint16)))) == 0).all()


def test_what_was_done_is_said(gray):
    film = Image.fromarray(gray)
    assert film_file.read_film(encoded(film)).notes == () and film_file.read_film(encoded(film, "JPEG")).notes == ()
    assert film_file.read_film(encoded(film.convert("RGBA"))).notes == ("transparency dropped", "colours made grey")
    deep = film_file.read_film(encoded(Image.fromarray(gray.astype(np.uint16) * 257)))
    assert deep.notes == ("more than 8 bits of unknown range: from its 0.5 to its 99.5 percentile",)
    kinds = [film_file.read_film(encoded(film, kind)).kind for kind in ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP")]
    assert kinds == ["PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP"]


def test_of_an_animation_the_first_frame_is_taken_and_said(gray):
    frames = [Image.fromarray(np.roll(gray, i, axis=1)) for i in range(3)]
    for kind in ("GIF", "TIFF", "PNG"):
        film = film_file.read_film(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
        assert "first frame of several" in film.notes and (film.pixels == gray).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photograph_is_set_upright(gray, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    for kind in ("JPEG", "PNG"):
        film = film_file.read_film(encoded(Image.fromarray(gray), kind, exif=exif))
        flat = film_file.to_gray(encoded(Image.fromarray(gray), kind))
        upright = {1: flat, 2: flat[:, ::-1], 3: flat[::-1, ::-1], 4: flat[::-1], 5: flat.T, 6: np.rot90(flat, 3),
                   7: flat[::-1, ::-1].T, 8: np.rot90(flat)}[orientation]
        assert film.pixels.shape == upright.shape and (film.pixels == upright).all()
        assert ("turned upright as its EXIF orientation says" in film.notes) == (orientation > 1)


def test_levels_are_scaled_in_blocks_as_in_one_piece(monkeypatch):
    levels = np.random.default_rng(0).normal(5_000, 900, (70, 33)).astype(np.float32)
    whole = limits.scale_levels(levels)
    monkeypatch.setattr(limits, "_BLOCK", 100)
    assert (limits.scale_levels(levels) == whole).all()


# -- one way for all


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "I;16"])
@pytest.mark.parametrize("size", [32, 96, 224])
def test_load_is_to_gray_and_resize(gray, tmp_path, mode, size):
    image = Image.fromarray(gray.astype(np.uint16) * 16) if mode == "I;16" else Image.fromarray(gray).convert(mode)
    data = encoded(image)
    (tmp_path / "film.png").write_bytes(data)
    expected = film_file.resize(film_file.to_gray(data), size)
    assert expected.shape == (size, size) and expected.dtype == np.uint8
    for source in (data, tmp_path / "film.png", str(tmp_path / "film.png")):
        assert (film_file.load_film(source, size) == expected).all()


def test_resizing_keeps_the_whole_film_and_does_not_alias():
    film = np.zeros((512, 512), np.uint8)
    film[:, ::2] = 200  # far finer than the result
    assert np.ptp(film_file.resize(film, 64)) <= 10  # nearest neighbour would give 0 or 200
    corners = np.zeros((400, 600), np.uint8)
    corners[:100, :100], corners[-100:, -100:] = 255, 255
    small = film_file.resize(corners, 32)
    assert small[0, 0] == small[-1, -1] == 255 and small[0, -1] == small[-1, 0] == 0


def test_real_films_in_colour_and_grey_read_alike(shared):
    """Six of the published films are RGBA."""
    films = sorted((shared / "nih" / "images_001" / "images").glob("*.png"))[:20]
    modes = set()
    for path in [*films, shared / "nih" / "images_001" / "images" / "00000100_000.png"]:
        with Image.open(path) as image:
            modes.add(image.mode)
            channel = np.asarray(image)
        read = film_file.to_gray(path)
        assert (read == (channel if channel.ndim == 2 else channel[..., 0])).all()
    assert {"L", "RGBA"} <= modes


# -- files that are no films


def no_films() -> dict[str, bytes]:
    """Name -> bytes of every kind of bad file."""
    good = encoded(Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90), np.uint8)))
    jpeg = encoded(Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90), np.uint8)), "JPEG")
    return {
        "empty": b"", "text": b"no film at all\n" * 50, "truncated": good[: len(good) // 2], "header": good[:40],
        "truncated jpeg": jpeg[: len(jpeg) // 2], "bit rot": good[:2000] + bytes(200) + good[2200:],
        "pdf": b"%PDF-1.7\n" + bytes(3000), "zip": b"PK\x03\x04" + bytes(3000),
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n",
        "no width": png_of_header(0, 10), "no data": png_of_header(10, 10), "html": b"<!DOCTYPE html><html></html>",
    }


@pytest.mark.parametrize("kind", no_films())
def test_a_bad_file_is_an_error_that_names_it(tmp_path, kind):
    path = tmp_path / "film.png"
    path.write_bytes(no_films()[kind])
    with pytest.raises(FilmError, match=r"film\.png") as error:
        film_file.to_gray(path)
    assert "\n" not in str(error.value)
    with pytest.raises(FilmError, match=r"^the file"):
        film_file.load_film(no_films()[kind], 64)


@pytest.mark.parametrize("data, said", [
    (b"", "film is empty"), (b"%PDF-1.7\n", "film is a PDF: save"), (b"\n <!doctype html><p>", "film is a web page"),
    (b"PK\x03\x04" + bytes(99), "film is a ZIP archive"), (b"\x1f\x8b" + bytes(99), "film is a gzip archive"),
    (b"no film at all\n" * 50, "film is not an image of a known format: PNG, JPEG, DICOM")])
def test_what_a_file_is_instead_is_said(data, said, tmp_path):
    with pytest.raises(FilmError, match=said):
        film_file.read_film(data, "film")
    (tmp_path / "film.dcm").write_bytes(data)
    with pytest.raises(FilmError, match=f"film.dcm{said[4:]}"):
        film_file.read_film(tmp_path / "film.dcm")


def test_a_file_that_is_too_large_is_refused_unread(tmp_path):
    with open(tmp_path / "film.png", "wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(FilmError, match=r"film\.png is 200 MB large; at most 160 MB are read"):
        film_file.read_film(tmp_path / "film.png")


def test_text_that_unpacks_to_much_is_refused():
    film = encoded(Image.new("L", (8, 8)))
    body = b"Comment\0\0" + zlib.compress(bytes(50_000_000))
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    tracemalloc.start()
    with pytest.raises(FilmError, match="damaged"):
        film_file.to_gray(film[:33] + chunk + film[33:])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_no_memory_is_a_film_error(monkeypatch, gray):
    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(film_file, "_gray", exhausted)
    with pytest.raises(FilmError, match="does not fit into memory"):
        film_file.read_film(encoded(Image.fromarray(gray)))


def test_a_missing_file_and_a_folder_are_film_errors(tmp_path):
    for path in (tmp_path / "nowhere.png", tmp_path):
        with pytest.raises(FilmError, match=path.name):
            film_file.load_film(path, 64)


@pytest.mark.parametrize("width, height", [(20_000, 20_000), (50_000, 50_000), (8_001, 8_000), (2**31 - 1, 1)])
def test_a_huge_header_is_refused_before_it_is_decoded(width, height):
    bomb = png_of_header(width, height, bytes(1000))
    tracemalloc.start()
    with pytest.raises(FilmError, match=f"{width} x {height} pixels; at most 64,000,000"):
        film_file.to_gray(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_the_largest_allowed_film_is_read():
    film = film_file.load_film(encoded(Image.new("L", (8_000, 8_000), 77)), 32)
    assert (film == 77).all()


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@given(st.data())
@settings(max_examples=200, deadline=None)
def test_no_damage_to_a_film_is_anything_but_a_film_error(data):
    """Fuzz: a few bytes of a valid file changed, or the file cut."""
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "TIFF", "GIF", "BMP"]))
    film = bytearray(encoded(Image.fromarray(np.arange(1600, dtype=np.uint32).reshape(40, 40).astype(np.uint8)), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        film[data.draw(st.integers(0, len(film) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(film[: data.draw(st.integers(1, len(film)))])
    try:
        read = film_file.load_film(cut, 32)
    except FilmError:
        return
    assert read.shape == (32, 32) and read.dtype == np.uint8
