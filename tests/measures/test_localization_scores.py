"""How often maps find boxes, over rows whose answer is known."""

import numpy as np
import pandas as pd
import pytest

from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures import localization_scores
from cxrcore.measures.localization import CENTRE, MEDIAN_BOX, RANDOM, UNTRAINED
from cxrcore.measures.localization_scores import ENERGY, HIT, IOU, RANDOM_WEIGHTS, score

MASS, NODULE = NIH_FINDINGS.index("Mass"), NIH_FINDINGS.index("Nodule")


def rows_of(n: int = 40, films_a_patient: int = 2) -> pd.DataFrame:
    """Masses that the maps hit on three films of four and the floors on one of four; nodules the other way round."""
    made = []
    for finding in ("Mass", "Nodule"):
        for k in range(n):
            often, seldom = k % 4 != 0, k % 4 == 0
            own, other = (often, seldom) if finding == "Mass" else (seldom, often)
            film = {"image_id": f"{k}.png", "patient_id": str(k // films_a_patient), "finding": finding}
            for method, hit in (("gradcam", own), ("gradcam" + UNTRAINED, seldom), (CENTRE, seldom),
                                (MEDIAN_BOX, other)):
                made.append(film | {"method": method, "hit": hit, "iou": 0.6 * hit, "iobb": 0.6 * hit,
                                    "energy": 0.2 + 0.5 * hit})
            made.append(film | {"method": RANDOM, "hit": None, "iou": 0.0, "iobb": 0.0, "energy": 0.1})
    return pd.DataFrame(made)


def test_points_are_shares_of_films_beside_their_floors():
    found = score(rows_of(), "gradcam", HIT, NIH_FINDINGS)
    assert found.point[MASS] == 0.75 and found.point[NODULE] == 0.25 and found.point[-1] == 0.5
    assert np.isnan(found.point[NIH_FINDINGS.index("Hernia")])
    assert (found.n[MASS], found.n_patients[MASS], found.n[NIH_FINDINGS.index("Hernia")]) == (40, 20, 0)
    assert {name: values[MASS] for name, values in found.floors.items()} == {
        RANDOM: pytest.approx(0.1), CENTRE: 0.25, MEDIAN_BOX: 0.25, RANDOM_WEIGHTS: 0.25}


def test_only_what_lies_above_every_floor_with_its_interval_beats_them():
    found = score(rows_of(), "gradcam", HIT, NIH_FINDINGS)
    assert found.low[MASS] < 0.75 < found.high[MASS] and found.beats[MASS]
    assert not found.beats[NODULE] and not found.beats[NIH_FINDINGS.index("Hernia")]
    few = score(rows_of(4, 1), "gradcam", HIT, NIH_FINDINGS)
    assert few.point[MASS] == 0.75 and not few.beats[MASS]  # of four films no share is that sure


@pytest.mark.parametrize(("cut", "share"), [(0.5, 0.75), (0.6, 0.0)])
def test_overlaps_count_above_the_cut(cut, share):
    assert score(rows_of(), "gradcam", IOU, NIH_FINDINGS, cut).point[MASS] == share


def test_a_share_of_all_films_is_not_taken_for_certain():
    sure = rows_of(3, 1).assign(hit=True)
    found = score(sure, "gradcam", HIT, NIH_FINDINGS)
    assert found.point[MASS] == found.high[MASS] == 1 and found.low[MASS] == pytest.approx(3 / (3 + 1.96**2), abs=0.002)


def test_the_mean_energy_of_few_patients_has_a_wide_interval():
    few, many = (score(rows_of(n, 1), "gradcam", ENERGY, NIH_FINDINGS) for n in (4, 400))
    assert few.point[MASS] == pytest.approx(0.575) == many.point[MASS]
    assert (few.high - few.low)[MASS] > 10 * (many.high - many.low)[MASS] > 0


def test_films_of_one_patient_have_no_interval():
    found = score(rows_of(6, 6), "gradcam", HIT, NIH_FINDINGS)
    assert np.isnan(found.low).all() and not found.beats.any() and found.n_patients[MASS] == 1


def test_a_method_that_was_not_measured_has_no_numbers():
    found = score(rows_of(), "layercam", localization_scores.IOBB, NIH_FINDINGS, 0.1)
    assert np.isnan(found.point).all() and not found.beats.any()
