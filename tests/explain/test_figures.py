"""Figures in files: geometry to the pixel, opacity by the score, and nothing over anything else."""

import numpy as np
import pytest
from PIL import Image, ImageColor

from cxrcore.data.pixels import film_file
from cxrcore.explain import figures
from cxrcore.explain.figures import BOX_COLOUR, FigurePanel, Row, contact_sheet, single
from cxrcore.explain.overlay import COLOURS, drawn_size, opacity, overlay

GAP = 24
WIDE, TALL = (300, 500), (500, 300)  # rows, columns


def blob_film(shape: tuple[int, int], centre: tuple[float, float], radius: float = 12.0) -> np.ndarray:
    """Grey with a bright blob at (x, y), in pixels."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    return (60 + 150 * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * radius**2))).astype(np.uint8)


def heat_of(film: np.ndarray, size: int = 64) -> np.ndarray:
    """A map of what a network sees of a film, hot where that is bright."""
    seen = film_file.resize(film, size).astype(np.float32)
    return (seen - seen.min()) / max(np.ptp(seen), 1)


def centre_of(weights: np.ndarray) -> np.ndarray:
    """The centre of mass, (x, y)."""
    y, x = np.mgrid[: weights.shape[0], : weights.shape[1]] + 0.5
    return np.array([(weights * x).sum(), (weights * y).sum()]) / weights.sum()


def warmth(coloured: np.ndarray) -> np.ndarray:
    """How far from grey each pixel is."""
    return np.ptp(coloured.astype(float), axis=2)


def where(image: Image.Image, colour: str) -> np.ndarray:
    return (np.asarray(image) == ImageColor.getrgb(colour)).all(axis=2)


def bounds(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, and the first column and row beyond."""
    rows, columns = np.nonzero(mask)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def row_of(film: np.ndarray, n_panels: int = 1, strength: float = 1.0, boxes=(), lines=("score 0.5",)) -> Row:
    boxes = np.array(boxes, float).reshape(-1, 4)
    panels = [FigurePanel(heat_of(film), strength, boxes, "Mass", lines) for _ in range(n_panels)]
    return Row(film, "00000001_000.png", ["label: Mass"], panels)


# -- opacity


@pytest.mark.parametrize(("score", "threshold", "shown"), [
    (0.9, 0.5, 1), (0.5, 0.5, 1), (0.25, 0.5, 0.5), (0.01, 0.5, 0.02), (0, 0.5, 0), (0, 0, 1), (0.3, 0, 1),
])
def test_a_map_is_as_strong_as_its_score_against_the_threshold(score, threshold, shown):
    assert opacity(score, threshold) == pytest.approx(shown)


def test_strength_scales_the_colour_and_leaves_the_rest():
    film = blob_film(WIDE, (120, 200))
    heat = heat_of(film)
    grey = np.repeat(film[..., None], 3, axis=2)
    assert np.array_equal(overlay(film, heat, 0.0), grey)
    assert np.array_equal(overlay(film, np.zeros_like(heat), 1.0), grey)
    weak, strong = (overlay(film, heat, strength).astype(float) - grey for strength in (0.25, 1.0))
    assert np.abs(weak * 4 - strong).max() <= 4.5  # rounding, four times over
    assert np.abs(strong).max() > 50


# -- geometry


@pytest.mark.parametrize("shape", [WIDE, TALL, (400, 400), (91, 300)])
@pytest.mark.parametrize("share", [(0.3, 0.7), (0.5, 0.5), (0.8, 0.25)])
def test_a_map_lies_where_the_network_saw_it(shape, share):
    """Seen in a square, drawn on the film's own shape: on a planted blob to a pixel."""
    centre = np.array(shape[::-1]) * share
    film = blob_film(shape, tuple(centre))
    heat = np.where(heat_of(film) > 0.3, heat_of(film), 0)
    coloured = overlay(np.full_like(film, 128), heat, 1.0)
    assert coloured.shape == (*shape, 3)
    assert np.abs(centre_of(warmth(coloured)) - centre).max() <= 1


@pytest.mark.parametrize("cell", [(1, 1), (1, 5), (5, 1), (3, 4)])
def test_a_hot_cell_lies_on_its_part_of_the_film(cell):
    heat = np.zeros((7, 7), np.float32)
    heat[cell] = 1
    centre = (np.array(cell[::-1]) + 0.5) / 7 * TALL[::-1]
    coloured = overlay(np.full(TALL, 128, np.uint8), heat, 1.0)
    assert np.abs(centre_of(warmth(coloured)) - centre).max() <= 1


@pytest.mark.parametrize(("shape", "limits", "size"), [
    ((2000, 1000), (512, 1024), (512, 1024)), ((1024, 1024), (512, 1024), (1024, 1024)),
    ((64, 64), (512, 1024), (512, 512)), ((600, 300), (512, 1024), (300, 600)), ((300, 500), (380, 380), (380, 228)),
    ((5000, 3), (512, 1024), (1, 1024)),
])
def test_films_keep_their_shape_within_the_limits(shape, limits, size):
    assert drawn_size(np.zeros(shape, np.uint8), *limits) == size


@pytest.mark.parametrize(("shape", "scale"), [(TALL, 512 / 500), ((2048, 1024), 0.5), ((600, 800), 1)])
def test_a_single_figure_has_film_and_box_in_place(shape, scale):
    film, box = np.full(shape, 90, np.uint8), (60, 80, 100, 150)
    row = row_of(film, strength=0.0, boxes=[box])
    image = single(row, row.panels[0], "run a", synthetic=False)
    width, height = drawn_size(film, figures.SHORTEST, figures.LONGEST)
    second = 2 * GAP + max(width, figures.SHORTEST)
    for x in (GAP, second):
        corner = image.getpixel((x, GAP)), image.getpixel((x + width - 1, GAP + height - 1))
        assert corner == ((90, 90, 90), (90, 90, 90))
        assert image.getpixel((x + width, GAP)) == (255, 255, 255)
    drawn = np.array(bounds(where(image, BOX_COLOUR))) - (second, GAP, second, GAP)
    x, y, w, h = box
    assert np.abs(drawn - np.array([x, y, x + w, y + h]) * scale).max() <= 1


# -- sheets


def test_the_sheet_has_a_row_a_film_and_a_column_a_map():
    films = [blob_film(shape, (100, 100)) for shape in (WIDE, TALL, (256, 256))]
    rows = [row_of(film, n) for film, n in zip(films, (1, 3, 2), strict=True)]
    sheet = contact_sheet("Grad-CAM", ["run a"], rows, synthetic=False)
    assert sheet.width == 4 * (figures.CELL + GAP) + GAP
    lone = contact_sheet("Grad-CAM", ["run a"], rows[:1], synthetic=False)
    assert lone.width == 3 * (figures.CELL + GAP) + GAP  # room for the head
    assert sheet.height > 3 * figures.CELL > lone.height
    longer = contact_sheet("Grad-CAM", ["run a"], [row_of(films[0], lines=["score 0.5"] * 6)], synthetic=False)
    assert longer.height > lone.height


@pytest.mark.parametrize("text", ["word " * 40, "x" * 300, "a_very_long_name_without_a_space " * 6])
def test_captions_never_leave_their_column(text):
    """No ink right of the last column or below the film's row, whatever the text."""
    row = Row(blob_film(WIDE, (90, 90)), text, [text], [])
    sheet = np.asarray(contact_sheet("Grad-CAM", ["run a"], [row], synthetic=False).convert("L"))
    below = sheet[-figures.CELL // 2 :]  # a part of the captions
    assert (below[:, : GAP + figures.CELL] < 128).any()
    assert (sheet[-GAP:] == 255).all() and (below[:, GAP + figures.CELL + 2 :] == 255).all()


def test_a_long_title_leaves_room_for_the_mark():
    row = row_of(blob_film(WIDE, (90, 90)))
    plain, marked = (np.asarray(contact_sheet("A run with a long name " * 9, [], [row], synthetic).convert("L"))
                     for synthetic in (False, True))
    head = slice(0, 200)
    changed = bounds(plain[head] != marked[head])
    assert (plain[head, changed[0] :] == 255).all()


@pytest.mark.parametrize("synthetic", [True, False])
def test_phantoms_are_marked_on_every_file(synthetic):
    row = row_of(blob_film(WIDE, (90, 90)), 3)
    figure, sheet = single(row, row.panels[0], "run " * 60, synthetic), contact_sheet("Grad-CAM", [], [row], synthetic)
    for image in (figure, sheet):
        assert (where(image, figures.MARK_COLOUR).sum() > 500) == synthetic


def test_the_legend_names_boxes_only_where_there_are_some():
    film = blob_film(WIDE, (90, 90))
    without, with_boxes = (contact_sheet("Grad-CAM", [], [row_of(film, boxes=boxes)], False)
                           for boxes in ([], [(5, 5, 50, 50)]))
    head = slice(0, 150)
    assert not where(without, BOX_COLOUR).any() and where(with_boxes, BOX_COLOUR)[head].any()


@pytest.mark.parametrize("name", [name for name in COLOURS if name != "jet"])
def test_colours_grow_lighter_with_heat_and_are_neither_black_grey_nor_white(name):
    """Readable in grey, and apart from what a film holds itself."""
    black, ramp = np.zeros((1, 256), np.uint8), np.linspace(0.2, 1, 256, dtype=np.float32)[None]
    colours = overlay(black, ramp, 1.0, colours=name)[0] / (255 * ramp[0, :, None])  # as strong as the map is hot
    luminance = colours @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(luminance[::8]) > 0).all() and np.ptp(colours, axis=1).min() > 0.25


def test_the_hottest_place_of_an_oblong_film_is_found_again():
    """Back from the overlay to the map that was laid over it: to a pixel of the film, across and down."""
    film, size = np.zeros((700, 1300), np.uint8), 224
    for row, column in ((30, 190), (112, 112), (200, 8)):
        y, x = np.mgrid[:size, :size]
        heat = np.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * 9.0**2))
        light = overlay(film, heat, 1.0).sum(axis=2, dtype=int)  # rises with heat
        expected = (np.array([row, column]) + 0.5) / size * film.shape - 0.5
        assert np.abs(np.mean(np.nonzero(light == light.max()), axis=1) - expected).max() <= 1


@pytest.mark.parametrize("colours", COLOURS)
def test_other_colours_lie_on_the_same_places(colours):
    heat = np.zeros((8, 8), np.float32)
    heat[2, 5] = 1
    centre = np.array([5.5, 2.5]) / 8 * WIDE[::-1]
    assert np.abs(centre_of(warmth(overlay(np.full(WIDE, 128, np.uint8), heat, 1.0, colours=colours))) - centre
                  ).max() <= 1


def test_an_outline_goes_around_the_hottest_fifth():
    film, heat = np.full((400, 400), 128, np.uint8), np.zeros((8, 8), np.float32)
    heat[2:5, 3:6] = 1
    drawn = overlay(film, heat, 0.65, contour=True)
    line = (drawn != 128).any(axis=2)
    rows, columns = np.flatnonzero(line.any(axis=1)), np.flatnonzero(line.any(axis=0))
    inside = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1) / line.size
    assert 0.15 < inside < 0.25 and line.mean() < 0.02
    assert np.array_equal(overlay(film, np.zeros((8, 8)), 1.0, contour=True), overlay(film, np.zeros((8, 8)), 1.0))
