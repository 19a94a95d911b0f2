"""Maps against boxes: the numbers of one map, the floors, the script's rows in the store, and the page."""

from functools import partial

import numpy as np
import opened_pages
import pytest
from opened_pages import text_of

from cxrcore.config import GradcamConfig
from cxrcore.errors import UsageError
from cxrcore.explain import measure_boxes
from cxrcore.explain.measure_boxes import BoxedFilm, against, floors, methods_of
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.localization import CENTRE, MEDIAN_BOX, RANDOM, UNTRAINED
from cxrcore.store import Store

SIZE = 100


def hot(x: int, y: int) -> np.ndarray:
    heat = np.zeros((SIZE, SIZE), np.float32)
    heat[y:y + 25, x:x + 25] = 0.5  # more than the hottest 5 %
    heat[y + 10, x + 10] = 1
    return heat


def test_a_map_on_its_box_hits_and_one_elsewhere_does_not():
    box = np.array([[10.0, 30.0, 25.0, 25.0]])
    hit, overlap, inside, energy = against(hot(10, 30), box)
    assert hit and overlap == pytest.approx(1) and inside == pytest.approx(1) and energy == pytest.approx(1)
    assert against(hot(70, 70), box) == (False, 0.0, 0.0, 0.0)


def test_of_several_boxes_the_best_counts():
    boxes = np.array([[10.0, 30.0, 25.0, 25.0], [70.0, 70.0, 25.0, 25.0]])
    assert against(hot(70, 70), boxes)[:2] == (True, pytest.approx(1))


def test_an_empty_map_misses():
    hit, *_, energy = against(np.zeros((SIZE, SIZE), np.float32), np.array([[10.0, 30.0, 25.0, 25.0]]))
    assert not hit and energy == 0


def test_floors_are_those_of_the_boxes():
    film = np.zeros((SIZE, SIZE), np.uint8)
    boxed = [BoxedFilm(str(k), film, {"Mass": np.array([[40.0 + k, 40.0, 20.0, 20.0]])}) for k in range(3)]
    rows = floors(boxed, SIZE, NIH_FINDINGS).set_index(["method", "image_id"])
    assert rows.loc[RANDOM]["energy"].tolist() == pytest.approx([0.04] * 3)
    assert rows.loc[CENTRE]["hit"].all() and rows.loc[MEDIAN_BOX]["hit"].all()
    assert rows.loc[(MEDIAN_BOX, "1"), "iou"] == pytest.approx(1)  # between its neighbours


def test_methods_of_a_text():
    assert methods_of("gradcam,layercam") == ["gradcam", "layercam"] and "scorecam" not in methods_of("all")
    with pytest.raises(UsageError, match="shap"):
        methods_of("gradcam,shap")


@pytest.fixture(scope="module")
def measured(phantoms, tmp_path_factory):
    """The phantoms' store with one run measured on boxes by two methods."""
    folder = tmp_path_factory.mktemp("boxes")
    run_id = phantoms.run_ids["resnet18"]
    (folder / "store.duckdb").write_bytes(phantoms.path.read_bytes())
    for name in phantoms.run_ids.values():
        (folder / name).symlink_to(phantoms.store.run_folder(name))
    config = GradcamConfig(run=run_id, store=str(folder / "store.duckdb"), boxes=True, methods="gradcam,eigencam")
    found = measure_boxes.measure_boxes_of_run(config)
    return Store(folder / "store.duckdb"), run_id, found


def test_rows_of_test_films_are_kept_with_floors_and_random_weights(measured):
    store, run_id, found = measured
    sets = store.prediction_sets(run_id)
    test = sets[sets["split"] == "test"]
    held = store.localization(list(test["prediction_id"]))
    assert set(held["method"]) == {"gradcam", "eigencam", f"gradcam{UNTRAINED}", f"eigencam{UNTRAINED}", RANDOM, CENTRE,
                                   MEDIAN_BOX}
    assert len(held) == len(found) and set(held["finding"]) <= set(NIH_FINDINGS)
    on_test = set(store.predictions(test["prediction_id"].iloc[0]).image_ids)
    assert set(held["image_id"]) <= on_test
    own = held[held["method"] == "gradcam"]
    assert own["iou"].between(0, 1).all() and own["hit"].isin([True, False]).all()


def test_measuring_again_counts_each_film_once(measured):
    store, run_id, found = measured
    sets = store.prediction_sets(run_id)
    prediction_id = sets[sets["split"] == "test"]["prediction_id"].iloc[0]
    store.save_localization(prediction_id, found)
    assert len(store.localization([prediction_id])) == len(found)


@pytest.fixture
def open_page(measured, monkeypatch):
    store, run_id, _ = measured
    monkeypatch.setenv("CXR_STORE", str(store.path))
    return partial(opened_pages.open_page, "localization", run=run_id)


@pytest.mark.parametrize("title", ["Pointing game", "IoU", "IoBB", "Energy in box"])
def test_the_page_shows_every_measure_with_its_floors(open_page, measured, title):
    app = open_page(method="All methods")
    app.segmented_control(key="by").set_value(title).run()
    assert not app.exception and "random weights" in text_of(app) and "SYNTHETIC" in text_of(app)
    table = app.dataframe[0].value
    own = table[table["Shown"] == "Grad-CAM"]
    rows = measured[2][measured[2]["method"] == "gradcam"]
    if title == "Pointing game":
        share = rows.groupby("finding")["hit"].mean()
        assert own.set_index("Finding")["Pointing game"].loc["Mass"] == pytest.approx(share["Mass"])
    assert {"Random place", "Film centre", "Median box", "Random weights"} <= set(table.columns)


def test_a_run_that_was_not_measured_says_how(open_page, phantoms):
    other = phantoms.run_ids["vgg16"]
    text = text_of(open_page(run=other))
    assert "not measured on boxes yet" in text and f"scripts/gradcam.py --boxes --run {other}" in text
