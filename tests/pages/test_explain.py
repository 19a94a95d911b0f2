"""The Explain page without a browser: stored films, examples, uploads, recognition, thresholds, bad files."""

import io
import json
import shutil
from functools import partial
from types import SimpleNamespace

import hostile_films
import numpy as np
import opened_pages
import pandas as pd
import pytest
from opened_pages import answer_of, text_of
from PIL import Image
from sent_films import sent, viewers
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from cxrcore.charts.film_viewer import payload
from cxrcore.data.pixels import film_file
from cxrcore.explain import map_check, method_names
from cxrcore.explain.methods import METHODS
from cxrcore.findings import NIH_FINDINGS, display_name
from cxrcore.measures import calibration
from cxrcore.networks.architectures import ARCHITECTURES
from cxrcore.queries import chosen_film, explained_films
from cxrcore.report.explanation_page import explanation_page
from cxrcore.store import Store
from cxrcore.ui import film_viewer
from cxrcore.ui.explain import film_tray

ARCHITECTURE = "mobilenet_v2"


@pytest.fixture(scope="module")
def copied(phantoms, tmp_path_factory):
    """The phantoms' store with its checkpoints, to write beside."""
    folder = tmp_path_factory.mktemp("explain")
    run_id = phantoms.run_ids[ARCHITECTURE]
    shutil.copy(phantoms.path, folder / "store.duckdb")
    shutil.copytree(phantoms.store.run_folder(run_id), folder / run_id)
    shutil.copytree(phantoms.path.parent / "prepared", folder / "prepared")
    return Store(folder / "store.duckdb"), run_id


@pytest.fixture
def open_page(copied, monkeypatch):
    """Opens the page with query parameters; every run must end without an exception."""
    store, run_id = copied
    monkeypatch.setenv("CXR_STORE", str(store.path))
    return partial(opened_pages.open_page, "explain", run=run_id)


@pytest.fixture(scope="module")
def test_film(copied):
    """(image_id, stored scores) of a film of the test split."""
    store, run_id = copied
    sets = store.prediction_sets(run_id)
    held = store.predictions(sets[sets["split"] == "test"]["prediction_id"].iloc[0])
    return held.image_ids[0], held.scores[0]


def png_of(pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_labels_of_methods_are_those_of_the_library():
    assert list(method_names.LABELS) == list(METHODS)


def test_examples_lead_to_a_film_with_its_stored_scores(open_page):
    app = open_page(finding="Effusion")
    examples = [button for button in app.button if button.label.endswith(".png")]
    assert 1 <= len(examples) <= chosen_film.N_EXAMPLES
    examples[0].click().run()
    assert not app.exception
    text = text_of(app)
    assert "test split" in text and "Labelled: " in text and "Effusion" in text
    assert "the same as those that its evaluation stored" in text and "not for diagnosis" in text
    header = sent(app)
    assert "SYNTHETIC" in text and header["findings"][header["open"]]["name"] == "Effusion"


def test_all_maps_travel_at_once_and_the_finding_nearest_to_an_alarm_is_open(open_page, test_film):
    app = open_page(film=test_film[0])
    header, [network] = sent(app), sent(app)["networks"]
    assert [one["name"] for one in header["findings"]] == list(NIH_FINDINGS)
    np.testing.assert_allclose(network["scores"], test_film[1], atol=1e-4)
    ratio = np.array(network["scores"]) / network["thresholds"]
    assert header["open"] == ratio.argmax()
    [layer] = header["layers"]
    assert layer["places"] == list(range(14)) and len(layer["cells"]) == 14
    name = display_name(NIH_FINDINGS[ratio.argmax()])
    assert name in answer_of(app) and "alarm" in answer_of(app)


def test_what_travels_is_small(open_page, test_film):
    assert len(viewers(open_page(film=test_film[0]))[0]) < 60_000


@pytest.mark.parametrize(("show", "view", "layers"), [("All findings", "all", 1), ("Methods", "methods", 5)])
def test_the_other_views(open_page, test_film, show, view, layers):
    app = open_page(film=test_film[0])
    app.segmented_control(key="show").set_value(show).run()
    assert not app.exception
    assert (sent(app)["view"], len(sent(app)["layers"])) == (view, layers)


@pytest.mark.parametrize("asked", [{}, {"show": "All findings"}, {"show": "Methods"}, {"method": method_names.SLOW}])
def test_a_network_whose_maps_are_off_says_so_and_shows_the_film_alone(copied, test_film, tmp_path, monkeypatch, asked):
    """Some 2 s each."""
    store, run_id = copied
    shutil.copytree(store.path.parent, tmp_path / "there")  # another place, since networks are kept by it
    monkeypatch.setenv("CXR_STORE", str(tmp_path / "there" / store.path.name))
    monkeypatch.setattr(map_check, "kept_check", lambda *given: map_check.MapCheck(map_check.OFF, "found at 6 of 16"))
    app = opened_pages.open_page("explain", run=run_id, film=test_film[0], **asked)
    header = sent(app)
    assert header["view"] == "one" and [layer["off"] for layer in header["layers"]] == [True]
    [said] = [text for text in header["warnings"] if "looked is not shown" in text]
    assert "found at 6 of 16" in said and "Show and Map above change nothing" in said
    assert header["networks"][0]["notes"][header["open"]].endswith("No map is shown, as said above.")
    np.testing.assert_allclose(header["networks"][0]["scores"], test_film[1], atol=1e-4)
    assert not [button for button in app.button if button.label.startswith("Run Score-CAM")]


def test_a_page_without_a_map_shows_the_film_once():
    film = np.zeros((8, 8), np.uint8)
    alone, both = (explanation_page("t", [], [], film, over, "Mass: score 0.1", [])
                   for over in (None, film[..., None].repeat(3, 2)))
    assert alone.count("<figure>") == 1 and both.count("<figure>") == 2 and "Mass: score 0.1" in alone


def test_an_unknown_finding_of_a_link_is_said(open_page, test_film):
    app = open_page(film=test_film[0], finding="Measles")
    assert "“Measles”, which is not here" in text_of(app) and not viewers(app)
    next(button for button in app.button if button.label == "Show what is here").click().run()
    assert not app.error and viewers(app)


def test_a_patch_is_scored_beside_what_was_said_without_it(open_page, copied, phantoms, test_film):
    app = open_page(film=test_film[0])
    pixels = film_file.to_gray(next(phantoms.films.rglob(test_film[0])))
    strokes = [[[30.0, 40.0], [90.0, 60.0]]]
    covered = explained_films.occluded(pixels, strokes)
    grey = payload.grey_of(pixels)
    assert covered[50, 60] == grey and np.array_equal(covered[100:], pixels[100:])
    loaded = explained_films.load_network(*copied)
    asked = explained_films.explained(loaded, film_file.resize(covered, loaded.image_size), "gradcam").scores
    app.session_state["explain_viewer"] = {
        "painted": {"name": "one", "film": payload.film_id(pixels), "strokes": strokes}}
    header = sent(app.run())
    assert header["painted"] == "one" and header["strokes"] == strokes
    np.testing.assert_allclose(header["networks"][0]["scores"], asked, atol=1e-5)
    np.testing.assert_allclose(header["networks"][0]["before"], test_film[1], atol=1e-4)


@pytest.mark.parametrize("said", [{"film": "another"}, {"strokes": "all"}, {"strokes": [[[0, None]]]},
                                  {"strokes": [[[1e9, 0]]]}, {"strokes": [[]]}, {"name": 7}])
def test_a_patch_that_no_viewer_paints_is_none(monkeypatch, said):
    fine = {"name": "one", "film": "this", "strokes": [[[1, 2.5]]]}
    monkeypatch.setattr(film_viewer, "_state", lambda key: {"painted": fine})
    assert film_viewer.painted("viewer", "this").strokes == [[[1, 2.5]]]
    monkeypatch.setattr(film_viewer, "_state", lambda key: {"painted": fine | said})
    assert film_viewer.painted("viewer", "this") is None


def test_several_films_are_stepped_through(open_page, phantoms):
    paths = sorted(phantoms.films.rglob("*.png"))[:3]
    app = open_page()
    for path in paths:
        app.file_uploader[0].upload(path.name, path.read_bytes(), "image/png")
    app.run()
    pictures = [sent(app)["film"]["id"]]
    assert "1 of 3" in text_of(app) and paths[0].name in text_of(app)
    for _ in paths:
        app.button(key="film_next").click().run()
        pictures.append(sent(app)["film"]["id"])
    assert len(set(pictures)) == 3 and pictures[3] == pictures[0] and not app.exception
    app.button(key="film_close").click().run()
    assert not viewers(app) and any(button.label.endswith(".png") for button in app.button)


def test_a_link_of_before_shows_all_findings(open_page, test_film):
    app = open_page(film=test_film[0], show="All 14")
    assert app.segmented_control(key="show").value == app.query_params["show"] == "All findings"


def test_eigencam_says_that_it_is_one_map(open_page, test_film):
    app = open_page(film=test_film[0])
    app.selectbox(key="method").set_value("EigenCAM").run()
    assert "does not depend on the finding" in text_of(app) and not app.exception
    [layer] = sent(app)["layers"]
    assert layer["places"] == [0] * 14 and len(layer["cells"]) == 1


def test_scorecam_waits_for_its_button(open_page, test_film):
    app = open_page(film=test_film[0])
    app.selectbox(key="method").set_value("Score-CAM").run()
    assert set(sent(app)["layers"][0]["places"]) == {-1}
    next(button for button in app.button if button.label.startswith("Run Score-CAM")).click().run(timeout=180)
    header = sent(app)
    assert not app.exception
    assert [k for k, place in enumerate(header["layers"][0]["places"]) if place >= 0] == [header["open"]]


def test_guess_first_hides_what_the_network_says(open_page, test_film):
    app = open_page(film=test_film[0])
    app.toggle(key="guess").set_value(True).run()
    assert not viewers(app) and "Look first" in answer_of(app)
    next(button for button in app.button if button.label == "Show what the network says").click().run()
    assert viewers(app) and "Look first" not in answer_of(app)


def test_thresholds_of_the_link_are_those_of_the_bars(open_page, test_film):
    app = open_page(film=test_film[0], set="fixed:0.5", t="Effusion:0.125")
    table = app.dataframe[0].value.set_index("Finding")
    assert table.at["Effusion", "Threshold"] == 0.125 and table.at["Mass", "Threshold"] == 0.5
    assert table.at["Effusion", "Decision"] == ("alarm" if test_film[1][2] >= 0.125 else "no alarm")
    [network] = sent(app)["networks"]
    assert network["thresholds"][2] == 0.125 and network["alarms"][2] == bool(test_film[1][2] >= 0.125)


def test_an_unknown_film_is_said(open_page):
    assert "has no film nobody.png" in text_of(open_page(film="nobody.png"))
    assert "has no film" in text_of(open_page(film="../../etc/passwd"))


def test_an_uploaded_film_is_recognised_and_scores_as_stored(open_page, copied, phantoms, test_film):
    path = next(phantoms.films.rglob(test_film[0]))
    app = open_page()
    app.file_uploader[0].upload("renamed by somebody.png", path.read_bytes(), "image/png").run()
    text = text_of(app)
    assert not app.exception and f"film {test_film[0]} of the data set" in text and "test split" in text
    scores = app.dataframe[0].value.sort_values("Finding")["Score"]
    by_name = dict(zip(map(display_name, NIH_FINDINGS), test_film[1], strict=True))
    np.testing.assert_allclose(scores, [by_name[name] for name in sorted(by_name)], atol=1e-4)


def test_a_film_of_the_training_split_is_said(open_page, copied, phantoms):
    store, run_id = copied
    run = store.run(run_id)
    evaluated = set()
    for row in store.prediction_sets(run_id).itertuples():
        evaluated |= set(store.predictions(row.prediction_id).image_ids)
    trained = next(name for name in store.images(run["dataset_id"])["image_id"] if name not in evaluated)
    [warned] = sent(open_page(film=trained))["warnings"]
    assert "training split" in warned


@pytest.mark.parametrize(("name", "data", "said"), [
    ("page.dcm", b"<!DOCTYPE html><html></html>", "web page"), ("empty.png", b"", "empty"),
    ("report.pdf", b"%PDF-1.7 ...", "PDF"), ("cut.png", png_of(np.zeros((64, 64), np.uint8))[:60], "damaged"),
    ("scans.jpg", hostile_films.many_scans(1500), "took more than 0.3 s of processor time"),
], ids=["a page", "nothing", "a PDF", "cut", "endless"])
def test_bad_files_are_told_in_a_line_and_the_page_lives_on(open_page, name, data, said, limits):
    limits(cpu=0.3)
    app = open_page()
    app.file_uploader[0].upload(name, data, "application/octet-stream").run()
    assert said in text_of(app) and not app.exception
    app.file_uploader[0].upload("noise.png", png_of(np.random.default_rng(0).integers(0, 256, (90, 130), np.uint8)),
                                "image/png").run()
    assert not app.exception and "130 × 90 pixels" in text_of(app)


def test_a_run_without_a_checkpoint_says_so(open_page, copied):
    store, run_id = copied
    other = next(one for one in store.runs()["run_id"] if one != run_id)
    text = text_of(open_page(run=other))
    assert "has no checkpoint" in text and "cannot score a film" in text


def test_a_broken_checkpoint_says_so(open_page, copied, test_film):
    store, run_id = copied
    other = next(one for one in store.runs()["run_id"] if one != run_id)
    folder = store.run_folder(other)
    folder.mkdir(exist_ok=True)
    (folder / "model_best.pth").write_bytes(b"not a checkpoint")
    try:
        assert "not a weights file" in "".join(error.value for error in open_page(run=other, film=test_film[0]).error)
    finally:
        shutil.rmtree(folder)


def test_the_settings_name_the_size_of_the_film(copied):
    store, run_id = copied
    run = store.runs().set_index("run_id").loc[run_id]
    assert chosen_film.size_of(run) == json.loads(run["config"])["img_size"] == 64


def test_percentiles_and_calibrated_scores_are_those_of_validation(open_page, copied, test_film):
    store, run_id = copied
    sets = store.prediction_sets(run_id)
    val = store.predictions(sets[sets["split"] == "val"]["prediction_id"].iloc[0])
    table = open_page(film=test_film[0]).dataframe[0].value.set_index("Finding")
    k = NIH_FINDINGS.index("Effusion")
    assert table.at["Effusion", "Percentile"] == pytest.approx(100 * np.mean(val.scores[:, k] <= test_film[1][k]),
                                                               abs=0.5)
    fitted = calibration.fit_calibrator(val.labels, val.scores, NIH_FINDINGS)(test_film[1][None])[0]
    positives = (val.labels == 1).sum(axis=0)
    assert table["Films behind it"].tolist() == positives.tolist()
    for finding, n, p, shown in zip(NIH_FINDINGS, positives, fitted, table["Calibrated"], strict=True):
        few = n < calibration.MIN_POSITIVES
        assert few == np.isnan(p), finding
        assert pd.isna(shown) if few else shown == calibration.in_digits(p, n)
    assert table["Calibrated"].notna().any()


@pytest.mark.parametrize("n", [2, pytest.param(50, marks=pytest.mark.long)])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_upload_gives_the_stored_scores_of_every_architecture(phantoms, architecture, n):
    store, run_id = phantoms.store, phantoms.run_ids[architecture]
    sets = store.prediction_sets(run_id)
    held = store.predictions(sets[sets["split"] == "test"]["prediction_id"].iloc[0])
    loaded = explained_films.load_network(store, run_id)
    for row in np.linspace(0, len(held.image_ids) - 1, n).astype(int):
        data = next(phantoms.films.rglob(held.image_ids[row])).read_bytes()
        small = film_file.resize(film_file.read_film(data).pixels, loaded.image_size)
        scores = explained_films.explained(loaded, small, "gradcam").scores
        np.testing.assert_allclose(scores, held.scores[row], atol=1e-4)


def test_films_of_an_uploader_that_is_gone_are_held_no_longer(monkeypatch):
    manager = MemoryUploadedFileManager("/upload")
    for file_id in ("one", "two", "three"):
        manager.add_file("visitor", UploadedFileRec(file_id, f"{file_id}.png", "image/png", b"film"))
    monkeypatch.setattr(film_tray, "get_script_run_ctx",
                        lambda: SimpleNamespace(session_id="visitor", uploaded_file_mgr=manager))
    monkeypatch.setattr(film_tray.st, "session_state", {})
    for shown in (["one", "two"], ["one", "two"], []):  # the page was left, and opened again
        film_tray._free_others([SimpleNamespace(file_id=file_id) for file_id in shown])
    film_tray._free_others([SimpleNamespace(file_id="three")])
    held = manager.get_files("visitor", ["one", "two", "three"])
    assert [one.file_id for one in held] == ["three"]
