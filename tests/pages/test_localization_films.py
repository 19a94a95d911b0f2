"""The films of Localization: their maps are asked for once and kept, and no kept file is believed unread."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from opened_pages import open_page, text_of
from sent_films import side_by_side

from cxrcore.errors import CheckpointError
from cxrcore.explain.map_check import OFF, MapCheck
from cxrcore.explain.maps import Explainer
from cxrcore.findings import NIH_FINDINGS, display_name
from cxrcore.measures.localization import CENTRE, MEDIAN_BOX, RANDOM, UNTRAINED
from cxrcore.queries import explained_films
from cxrcore.queries.kept import clear
from cxrcore.queries.maps import kept_maps
from cxrcore.store import Store

ARCHITECTURES = ("mobilenet_v2", "resnet18")
FINDING, GRAD_CAM = "Effusion", "gradcam"


@pytest.fixture(scope="module")
def measured(phantoms, tmp_path_factory):
    """Two runs of the phantoms' store, measured on its boxes in name: the numbers are drawn by lot."""
    folder = tmp_path_factory.mktemp("boxes")
    store = Store(shutil.copy(phantoms.path, folder / "store.duckdb"))
    shutil.copytree(phantoms.path.parent / "prepared", folder / "prepared")
    draw, runs = np.random.default_rng(0), [phantoms.run_ids[one] for one in ARCHITECTURES]
    for run_id in runs:
        shutil.copytree(phantoms.store.run_folder(run_id), folder / run_id)
        prediction_id = store.prediction_sets(run_id).set_index("split").at["test", "prediction_id"]
        films = store.predictions(prediction_id).image_ids
        boxes = store.boxes(store.run(run_id)["dataset_id"]).drop_duplicates(["image_id", "finding"])
        pairs = boxes[boxes["image_id"].isin(films)][["image_id", "finding"]]
        store.save_localization(prediction_id, pd.concat([
            pairs.assign(method=method, hit=draw.random(len(pairs)) < 0.5, iou=draw.random(len(pairs)),
                         iobb=draw.random(len(pairs)), energy=draw.random(len(pairs)))
            for method in (GRAD_CAM, GRAD_CAM + UNTRAINED, RANDOM, CENTRE, MEDIAN_BOX)], ignore_index=True))
    return store, runs


@pytest.fixture
def opened(measured, monkeypatch):
    store, runs = measured
    monkeypatch.setenv("CXR_STORE", str(store.path))
    return lambda **link: open_page("localization", **{"run": runs, **link})


def forbid(monkeypatch) -> None:
    """No network can be asked."""
    clear()
    monkeypatch.setattr(Explainer, "explain", lambda *_: pytest.fail("a network was asked"))


def test_three_films_carry_their_boxes_and_the_maps_of_all_runs(opened, measured, monkeypatch):
    store, runs = measured
    films = side_by_side(opened(finding=FINDING))
    assert [one["title"] for one in films] == ["Best hit", "Typical", "Surest miss"]
    assert len({one["film"]["id"] for one in films}) == 3
    for one in films:
        assert [each["name"] for each in one["findings"]] == [FINDING] and one["boxes"]
        assert len({each["colour"] for each in one["networks"]}) == len(one["networks"]) == 2
        assert [len(each["cells"]) for each in one["layers"]] == [len(NIH_FINDINGS)] * 2
        assert all(each["places"] == [NIH_FINDINGS.index(FINDING)] for each in one["layers"])
    stored = store.predictions(store.prediction_sets(runs[0]).set_index("split").at["test", "prediction_id"])
    scores = stored.scores[:, NIH_FINDINGS.index(FINDING)]
    assert all(np.isclose(scores, one["networks"][0]["scores"][0]).any() for one in films)
    assert "hit" in films[0]["networks"][0]["notes"][0] and "in the box" in films[0]["networks"][0]["notes"][0]
    forbid(monkeypatch)  # from here on what was kept has to do
    again = side_by_side(opened(finding=FINDING))
    np.testing.assert_array_equal(again[1]["layers"][1]["cells"], films[1]["layers"][1]["cells"])


def test_a_finding_without_boxes_is_said_and_the_numbers_stay(opened, measured):
    store, _ = measured
    boxed = set(store.boxes(store.runs()["dataset_id"].iloc[0])["finding"])
    without = next((name for name in NIH_FINDINGS if name not in boxed), None)
    if without is None:
        pytest.skip("every finding of these films has boxes")
    app = opened(finding=without)
    assert f"No film with a box of {display_name(without)}" in text_of(app) and app.get("plotly_chart")


def test_a_link_to_an_unknown_finding_is_said_and_the_numbers_stay(opened):
    app = opened(finding="Measles")
    assert "“Measles”, which is not here" in text_of(app) and app.get("plotly_chart")


def test_without_checkpoints_the_films_stand_without_maps(measured, tmp_path, monkeypatch):
    store, runs = measured
    shutil.copy(store.path, tmp_path / "store.duckdb")
    shutil.copytree(store.folder / "prepared", tmp_path / "prepared")
    monkeypatch.setenv("CXR_STORE", str(tmp_path / "store.duckdb"))
    forbid(monkeypatch)
    films = side_by_side(open_page("localization", run=runs, finding=FINDING))
    assert len(films) == 3 and all(layer["places"] == [-1] for one in films for layer in one["layers"])
    assert all("no map" in note for one in films for each in one["networks"] for note in each["notes"])


@pytest.mark.parametrize("change", [
    lambda held: held | {"cells": held["cells"].astype(np.float32)}, lambda held: held | {"low": held["low"][:1]},
    lambda held: held | {"findings": held["findings"][:3]}, lambda held: held | {"size": np.array(10**7)},
    lambda held: {name: held[name] for name in held if name != "offset"},
    lambda held: held | {"findings": np.array([object()], dtype=object)}])
def test_a_kept_file_that_is_none_of_ours_is_not_read(measured, change):
    store, (run_id, _) = measured
    made = kept_maps.make(store, run_id, GRAD_CAM, "film", np.full((64, 64), 7, np.uint8))
    path = kept_maps._path(store, run_id, GRAD_CAM, "film")
    again = kept_maps.read(store, run_id, GRAD_CAM, "film")
    assert again.findings == made.findings and np.array_equal(again.small.cells, made.small.cells)
    assert (again.small.size, again.small.offset) == (made.small.size, made.small.offset)
    with np.load(path) as held:
        np.savez(path, **change(dict(held)))
    assert kept_maps.read(store, run_id, GRAD_CAM, "film") is None


def test_maps_that_are_off_are_not_kept(measured, monkeypatch):
    store, (run_id, _) = measured
    loaded = explained_films.load_network(store, run_id)
    off = replace(loaded, maps=MapCheck(OFF, "found at 6 of 16"))
    monkeypatch.setattr(explained_films, "load_network", lambda *given: off)
    with pytest.raises(CheckpointError, match="its maps are off: found at 6 of 16"):
        kept_maps.make(store, run_id, GRAD_CAM, "another", np.full((64, 64), 7, np.uint8))
    assert kept_maps.read(store, run_id, GRAD_CAM, "another") is None


def test_another_checkpoint_is_asked_anew(measured):
    store, (run_id, _) = measured
    before = kept_maps._path(store, run_id, GRAD_CAM, "film")
    (store.run_folder(run_id) / "model_best.pth").touch()
    assert kept_maps._path(store, run_id, GRAD_CAM, "film") != before
