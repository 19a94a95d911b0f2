"""Maps against boxes, boxes against boxes, and the floors that need no network."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxrcore.data import box_list
from cxrcore.data.description import read_description
from cxrcore.measures import localization as loc

SIDE = (1024, 1024)


def spot(*at: tuple[int, int], shape: tuple[int, int] = (20, 30)) -> np.ndarray:
    """A map of zeros with ones at these (row, column) cells."""
    heat = np.zeros(shape, np.float32)
    for row, column in at:
        heat[row, column] = 1
    return heat


# -- a map against a box


@pytest.mark.parametrize(("box", "hit"), [
    ((10, 5, 1, 1), 1), ((0, 0, 11, 6), 1), ((10.4, 5.4, 3, 3), 1), ((11, 5, 9, 9), 0), ((10.6, 5, 9, 9), 0),
    ((0, 0, 10.4, 20), 0), ((10, 5, 0, 0), 0),
])
def test_the_peak_is_in_the_box_or_not(box, hit):
    assert loc.pointing_hit(spot((5, 10)), box) == hit


def test_of_equal_peaks_the_share_inside_counts():
    heat = spot((5, 10), (5, 11), (15, 2), (15, 3))
    assert loc.pointing_hit(heat, (10, 5, 2, 1)) == 0.5
    assert loc.pointing_hit(heat, (2, 15, 1, 1)) == 0.25


@pytest.mark.parametrize("value", [0.0, 0.7])
def test_a_flat_map_hits_as_chance_does(value):
    box = np.array([3, 4, 12, 5])
    flat = np.full((20, 30), value)
    assert loc.pointing_hit(flat, box) == pytest.approx(loc.random_hit(box, (30, 20)))
    assert loc.hottest_box(flat).tolist() == [0, 0, 30, 20]


def test_the_hottest_box_bounds_five_percent():
    heat = np.arange(600, dtype=float).reshape(20, 30)
    assert loc.hottest_box(heat).tolist() == [0, 19, 30, 1]  # the 30 hottest of 600 cells
    assert loc.hottest_box(heat, share=0.01).tolist() == [24, 19, 6, 1]
    heat[2, 4] = 1e6
    assert loc.hottest_box(heat).tolist() == [1, 2, 29, 18]  # one hot cell stretches it, and drops the 30th
    assert loc.hottest_box(spot((5, 10)), share=1e-9).tolist() == [10, 5, 1, 1]


@pytest.mark.parametrize(("box", "share"), [
    ((0, 0, 30, 20), 1), ((10, 5, 1, 1), 0.5), ((10.5, 5, 4, 1), 0.25), ((10.25, 5.5, 0.5, 0.25), 0.0625),
    ((-5, -5, 12, 9), 0), ((2, 0, 9, 20), 1),
])
def test_energy_counts_border_cells_by_what_is_covered(box, share):
    assert loc.energy_in_box(spot((5, 10), (15, 2)), box) == pytest.approx(share)


def test_energy_of_a_map_of_zeros_is_undefined():
    assert np.isnan(loc.energy_in_box(np.zeros((4, 4)), (0, 0, 2, 2)))


# -- a box against a box


def test_overlaps_that_are_known():
    a, b = (0, 0, 4, 4), (2, 2, 4, 2)
    assert loc.iou(a, b) == pytest.approx(4 / 20)
    assert loc.iobb(a, b) == pytest.approx(4 / 16) and loc.iobb(b, a) == pytest.approx(4 / 8)
    assert loc.iou(a, a) == 1 and loc.iou(a, (4, 0, 4, 4)) == 0 and loc.iou(a, (50, 50, 1, 1)) == 0
    assert loc.iou((1, 1, 0, 0), (1, 1, 0, 0)) == 0 and loc.iobb((1, 1, 0, 5), a) == 0
    assert loc.iou(np.array([a, b]), np.array(b)).tolist() == pytest.approx([0.2, 1])


_edge = st.floats(0, 500)
_box = st.tuples(_edge, _edge, st.floats(1, 500), st.floats(1, 500)).map(np.array)


@given(_box, _box, st.floats(0.1, 10), st.floats(0.1, 10))
def test_overlaps_are_symmetric_bounded_and_free_of_scale(a, b, across, down):
    overlap = loc.iou(a, b)
    assert overlap == pytest.approx(loc.iou(b, a)) and 0 <= overlap <= 1 + 1e-9
    assert overlap - 1e-9 <= loc.iobb(a, b) <= 1 + 1e-9
    stretched = [loc.to_scale(box, (1, 1), (across, down)) for box in (a, b)]
    assert loc.iou(*stretched) == pytest.approx(overlap, abs=1e-9)


# -- the floors


def test_the_median_box_leaves_its_own_out():
    boxes = [(0, 0, 10, 10), (4, 0, 20, 10), (8, 8, 60, 10)]
    assert loc.median_boxes(boxes).tolist() == [[6, 4, 40, 10], [4, 4, 35, 10], [2, 0, 15, 10]]
    assert np.isnan(loc.median_boxes(boxes[:1])).all() and loc.median_boxes(boxes[:1]).shape == (1, 4)


# n boxes, mean area in %, share that holds the film's centre, and of the median of the others the mean IoU and the
# shares over 0.1, 0.3 and 0.5: computed from the published list by others than these functions.
PUBLISHED = {
    "Atelectasis": (180, 3.2, 0.061, 0.05, 0.19, 0.05, 0.0),
    "Cardiomegaly": (146, 17.6, 0.973, 0.64, 1.0, 0.99, 0.84),
    "Effusion": (153, 6.9, 0.026, 0.10, 0.39, 0.11, 0.01),
    "Infiltration": (123, 9.7, 0.228, 0.10, 0.42, 0.09, 0.02),
    "Mass": (85, 4.2, 0.106, 0.06, 0.21, 0.08, 0.01),
    "Nodule": (79, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0),
    "Pneumonia": (120, 9.4, 0.142, 0.13, 0.48, 0.13, 0.03),
    "Pneumothorax": (98, 5.2, 0.010, 0.11, 0.33, 0.14, 0.05),
}


@pytest.fixture(scope="module")
def published(shared):
    return box_list.read_boxes(read_description("nih"), shared / "nih" / "BBox_List_2017.csv").groupby("finding")


@pytest.mark.parametrize("finding", PUBLISHED)
def test_the_floors_of_the_published_boxes(published, finding):
    boxes = published.get_group(finding)[["x", "y", "width", "height"]].to_numpy()
    n, area, centre, *overlaps = PUBLISHED[finding]
    assert len(boxes) == n
    assert 100 * loc.random_hit(boxes, SIDE).mean() == pytest.approx(area, abs=0.051)
    assert loc.point_in_box(boxes, 512, 512).mean() == pytest.approx(centre, abs=0.00051)
    iou = loc.iou(loc.median_boxes(boxes), boxes)
    measured = [iou.mean(), *((iou > least).mean() for least in (0.1, 0.3, 0.5))]
    assert measured == pytest.approx(overlaps, abs=0.0055)  # its last digit


# -- floors that have a size


def test_the_median_box_of_a_film_leaves_its_own_boxes_out():
    boxes = np.array([[0, 0, 10, 10], [100, 100, 10, 10], [4, 4, 10, 10]], float)
    found = loc.median_boxes(boxes, np.array([0, 0, 1]))
    assert found[0].tolist() == [4, 4, 10, 10] and found[1].tolist() == [50, 50, 10, 10]


def test_boxes_stand_around_the_centre_and_everywhere():
    box = np.array([3.0, 5.0, 20.0, 40.0])
    assert loc.centred_boxes(box[None], 50, 50).tolist() == [[40, 30, 20, 40]]
    places = loc.everywhere(box, (100, 100))
    assert len(places) == loc.PLACES**2 and (places[:, 2:] == (20, 40)).all()
    assert places[:, :2].min() == 0 and (places[:, 0].max(), places[:, 1].max()) == (80, 60)
    assert (loc.everywhere(np.array([0.0, 0, 200, 50]), (100, 100))[:, 0] == 0).all()  # wider than the film


def test_one_draw_of_each_keeps_the_share_above_a_cut():
    rng = np.random.default_rng(1)
    overlaps = [rng.random(400) ** 2 for _ in range(500)]
    drawn = loc.one_draw_each(overlaps)
    for cut in (0.1, 0.5, 0.9):
        assert (drawn > cut).mean() == pytest.approx(np.mean([(one > cut).mean() for one in overlaps]), abs=0.01)
