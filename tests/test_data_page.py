"""The Data page without a browser: what it says of empty, real-looking, synthetic and unknown data sets."""

import json

import numpy as np
import pandas as pd
import pytest
from seeded_runs import add_run, make_store
from streamlit.testing.v1 import AppTest

from cxrcore.config import PROJECT_ROOT, default_store
from cxrcore.data import splits
from cxrcore.findings import FINDINGS
from cxrcore.ui import data_reading
from cxrcore.ui.film_tiles import Tile, _figure


@pytest.fixture
def open_data():
    """Opens the Data page with query parameters; every run must end without an exception."""

    def open_page(**link):
        app = AppTest.from_file(str(PROJECT_ROOT / "app.py"), default_timeout=30).run()
        for name, value in link.items():
            app.query_params[name] = value
        app.switch_page("pages/data.py").run()
        assert not app.exception, app.exception[0].value
        return app

    return open_page


def text_of(app) -> str:
    kinds = (app.markdown, app.caption, app.info, app.error, app.warning, app.success, app.code)
    return "\n".join(element.value for kind in kinds for element in kind)


def figures_of(app) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


@pytest.fixture
def add_split(store, data):
    """Gives the default store a run whose split was drawn over its 40 films; returns the split."""

    def add(scheme: str, config: dict | None = None, test_list: set[str] | None = None):
        drawn = splits.draw(scheme, data.images["image_id"], data.images["patient_id"], data.labels, 3, test_list)
        run_id = store.create_run({"arch": "resnet18"} | (config or {}), data.dataset_id,
                                  split=(scheme, 3, drawn.fingerprint))
        store.finish_run(run_id, "finished")
        return drawn

    return add


def test_an_empty_store_says_how_to_bring_a_data_set(open_data):
    said = text_of(open_data())
    assert "holds no data set yet" in said and "scripts/train.py" in said


def test_the_figures_are_those_of_the_data(open_data, data, add_split):
    drawn = add_split("patient")
    app = open_data()
    figures, said = figures_of(app), text_of(app)
    assert figures["Films"] == "40" and figures["Patients"] == "20"
    accuracy = np.nanmean(np.where(np.isnan(data.labels), np.nan, data.labels == 0), axis=0).mean()
    assert figures["Mean accuracy of answering “no” to every film"] == f"{100 * accuracy:.1f} %"
    assert "1 labels are unknown" in said and "recall 0 and F1 0" in said
    assert "No patient stands on both sides" in said
    parts = app.dataframe[0].value
    assert parts["films"].tolist() == [len(drawn.rows(part)) for part in splits.SPLITS]
    assert "Fewer than 50 films with the finding" in said
    assert "No films of this data set have been prepared" in said and "scripts/prepare.py" in said


def test_a_leaky_split_counts_its_patients(open_data, data, add_split):
    drawn = add_split("random")
    leaked = splits.leaked_patients(drawn, data.images["patient_id"])
    assert leaked > 0 and f"{leaked} in train and validation" in text_of(open_data())


def test_an_official_split_needs_its_list(open_data, data, add_split, tmp_path):
    test_list = set(data.images["image_id"].iloc[-8:])
    add_split("official", {"csv_path": str(tmp_path / "table.csv")}, test_list)
    assert "needs test_list.txt" in text_of(open_data())
    (tmp_path / "test_list.txt").write_text("\n".join(test_list))
    app = open_data()
    assert "needs test_list.txt" not in text_of(app) and app.dataframe[0].value["films"].iloc[-1] == 8


def test_a_split_that_is_drawn_otherwise_today_is_not_shown(open_data, store, data):
    store.create_run({"arch": "resnet18"}, data.dataset_id, split=("patient", 3, "another"))
    app = open_data()
    assert "drawing it again gives" in text_of(app) and not app.dataframe


def test_a_data_set_without_runs_says_so(open_data):
    make_store(default_store())
    assert "No run of this data set has drawn a split yet" in text_of(open_data())


def test_what_a_link_asks_for_and_is_not_there_is_an_error(open_data):
    make_store(default_store())
    for link in ({"data": "another"}, {"finding": "Fracture"}):
        app = open_data(**link)
        assert next(iter(link.values())) in app.error[0].value
        assert len(app.error) == 1


def test_two_data_sets_of_one_name_are_told_apart():
    datasets = pd.DataFrame({"name": ["NIH", "NIH", "other"]}, index=["a1", "b2", "c3"])
    assert data_reading.unique_names(datasets) == {"NIH · a1": "a1", "NIH · b2": "b2", "other": "c3"}


def test_phantoms_are_marked_and_shown_with_their_boxes(phantoms, monkeypatch, open_data):
    monkeypatch.setenv("CXR_STORE", str(phantoms.path))
    app = open_data(finding="Mass")
    said = text_of(app)
    assert "SYNTHETIC" in said and "drawn by a program" in said
    assert "as networks see them" in said and "Boxes:" in said
    walls = [element.proto.body for element in app.get("html") if "films" in element.proto.body]
    assert walls and walls[0].count("<figure>") == 10 and 'class="box"' in walls[0]
    before = walls[0]
    next(button for button in app.button if button.label == "Show others").click().run()
    after = next(element.proto.body for element in app.get("html") if "films" in element.proto.body)
    assert after != before


def test_the_pixels_of_the_boxes_are_those_of_the_phantoms(phantoms):
    runs = phantoms.store.runs()
    assert data_reading.drawn_size(runs) == 128
    elsewhere = runs.assign(config=json.dumps({"csv_path": "gone/table.csv", "img_root": "gone"}))
    assert data_reading.drawn_size(elsewhere) is None


def test_a_tile_shows_free_text_as_text():
    tile = Tile(np.zeros((8, 8), np.uint8), "<script>alert(1)</script>", 'patient "1"', [(0.1, 0.2, 0.3, 0.4)])
    html = _figure(tile)
    assert "<script>" not in html and "left:10.00%;top:20.00%;width:30.00%;height:40.00%" in html


def test_the_split_is_kept_and_checked(store, data, add_split):
    drawn = add_split("patient")
    key = data_reading.split_keys(store.runs())[0]
    assert key.runs == 1
    first = data_reading.assignment(store, data.dataset_id, key, store.runs())
    assert np.array_equal(first, drawn.assignment)
    kept = list((store.path.parent / "cache").glob("split-*.npy"))
    assert len(kept) == 1
    kept[0].write_bytes(b"damaged")
    assert np.array_equal(data_reading.assignment(store, data.dataset_id, key, store.runs()), drawn.assignment)


def test_every_finding_can_be_asked_for(open_data, data):
    picker = next(box for box in open_data().selectbox if box.label == "Finding")
    assert len(picker.options) == len(FINDINGS) + 1


def test_runs_of_another_kind_do_not_disturb(open_data):
    add_run(make_store(default_store()), "given", scheme="given")
    assert "No run of this data set has drawn a split yet" in text_of(open_data())
