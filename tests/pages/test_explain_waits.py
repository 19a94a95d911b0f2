"""Explain before its networks are loaded, and while the films of others are before one's own. Some 2 s each."""

import shutil
import threading
import time
from functools import partial

import numpy as np
import opened_pages
import pytest
import streamlit as st
from opened_pages import answer_of, text_of
from sent_films import sent, viewers

from cxrcore.charts.film_viewer import payload
from cxrcore.findings import NIH_FINDINGS
from cxrcore.queries import chosen_film, explained_films, kept
from cxrcore.store import Store
from cxrcore.ui.explain import film_page, waiting

ARCHITECTURE, PATIENCE = "mobilenet_v2", 60


@pytest.fixture
def copied(phantoms, tmp_path):
    """The phantoms' store with one run's checkpoint, in a process that has loaded no network."""
    run_id = phantoms.run_ids[ARCHITECTURE]
    shutil.copy(phantoms.path, tmp_path / "store.duckdb")
    shutil.copytree(phantoms.store.run_folder(run_id), tmp_path / run_id)
    kept.clear()
    return Store(tmp_path / "store.duckdb"), run_id


@pytest.fixture
def open_page(copied, monkeypatch):
    monkeypatch.setenv("CXR_STORE", str(copied[0].path))
    return partial(opened_pages.open_page, "explain", run=copied[1])


@pytest.fixture
def at_first(monkeypatch):
    """Pages end where they would begin to wait for networks, as long as the list is not empty."""
    waits = [True]
    really = film_page.wait_for_networks
    monkeypatch.setattr(film_page, "wait_for_networks", lambda *given: st.stop() if waits else really(*given))
    return waits


@pytest.fixture
def test_film(copied):
    """(image_id, stored scores) of a film of the test split."""
    store, run_id = copied
    sets = store.prediction_sets(run_id).set_index("split")
    held = store.predictions(sets.at["test", "prediction_id"])
    return held.image_ids[0], held.scores[0]


def test_stored_scores_stand_before_the_network_is_loaded_and_its_maps_follow(open_page, at_first, test_film):
    app = open_page(film=test_film[0])
    first, said, [network] = sent(app), answer_of(app), sent(app)["networks"]
    np.testing.assert_array_equal(np.array(network["scores"], np.float32), test_film[1])
    [layer] = first["layers"]
    assert layer["awaited"] and layer["low"] == layer["high"] and "alarm" in said
    assert "these scores are those that its evaluation stored" in text_of(app) and not app.dataframe
    at_first.clear()
    then = sent(app.run())
    assert not app.exception and answer_of(app) == said and "the same as those" in text_of(app)
    np.testing.assert_allclose(then["networks"][0]["scores"], test_film[1], atol=1e-4)
    assert not then["layers"][0]["awaited"] and then["open"] == first["open"] and len(app.dataframe) == 1
    assert then["layers"][0]["cells"].any() and not then["warnings"]


@pytest.mark.parametrize("show", ["All findings", "Methods"])
def test_there_are_as_many_pictures_before_as_after(open_page, at_first, test_film, show):
    app = open_page(film=test_film[0], show=show)
    first = sent(app)
    at_first.clear()
    then = sent(app.run())
    assert first["view"] == then["view"] and len(first["layers"]) == len(then["layers"])
    if show == "All findings":
        assert first["layers"][0]["places"] == then["layers"][0]["places"] == list(range(14))


def test_kept_maps_stand_there_at_once_on_a_new_server(open_page, at_first, test_film):
    at_first.clear()
    then = sent(open_page(film=test_film[0]))
    kept.clear()  # as a new server
    at_first.append(True)
    [before], [after] = sent(open_page(film=test_film[0]))["layers"], then["layers"]
    assert not before["awaited"] and before["places"] == after["places"]
    np.testing.assert_array_equal(before["cells"], after["cells"])
    assert (before["low"], before["size"], before["offset"]) == (after["low"], after["size"], after["offset"])


def test_a_film_without_stored_scores_stands_there_without_any(open_page, copied, at_first):
    store, run_id = copied
    evaluated = {name for one in store.prediction_sets(run_id)["prediction_id"] for name in
                 store.predictions(one).image_ids}
    trained = next(name for name in store.images(store.run(run_id)["dataset_id"])["image_id"] if name not in evaluated)
    app = open_page(film=trained)
    first = sent(app)
    [network] = first["networks"]
    assert set(network["scores"]) == {None} and not any(network["alarms"]) and answer_of(app).endswith("…")
    assert {note.split(",")[0] for note in network["notes"]} == {"No score yet"}
    at_first.clear()
    assert None not in sent(app.run())["networks"][0]["scores"] and "alarm" in answer_of(app)


def test_scores_that_are_not_those_that_were_shown_at_first_are_told(open_page, test_film, monkeypatch):
    other = dict(zip(NIH_FINDINGS, (test_film[1] / 2).tolist(), strict=True))
    monkeypatch.setattr(chosen_film, "stored_scores", lambda *given: other)
    [said] = sent(open_page(film=test_film[0]))["warnings"]
    assert "its evaluation stored for this film are others" in said and "what the network says now" in said


def test_a_network_that_cannot_be_loaded_leaves_no_promise(open_page, copied, test_film):
    (copied[0].run_folder(copied[1]) / "model_best.pth").write_bytes(b"not a checkpoint")
    app = open_page(film=test_film[0])
    assert "not a weights file" in "".join(error.value for error in app.error) and viewers(app)
    assert not [one for one in app.get("html") if "film-waits" in one.proto.body and "<p" in one.proto.body]


def test_who_comes_later_is_told_how_many_films_are_before(open_page, test_film, monkeypatch):
    said, held, begun = [], threading.Event(), threading.Event()
    say = waiting.Note.say
    monkeypatch.setattr(waiting.Note, "say", lambda note, text: (said.append(text), say(note, text)))

    def another() -> None:
        with explained_films.LINE.turn("another film"):
            begun.set()
            until = time.monotonic() + PATIENCE
            while not any("before yours" in text for text in said) and time.monotonic() < until:
                time.sleep(0.01)
        held.set()

    threading.Thread(target=another, daemon=True).start()
    assert begun.wait(PATIENCE)
    app = open_page(film=test_film[0])
    assert held.wait(PATIENCE) and explained_films.LINE.is_free
    assert "One film is before yours …" in said and sent(app)["layers"][0]["cells"].any()


def test_the_number_of_films_is_told_in_plain_words():
    assert waiting.in_words(2) == "Two films are before yours …" and waiting.in_words(30).startswith("30 films are")
    assert "for somebody else" in waiting.in_words(0)


def test_a_layer_that_is_awaited_draws_nothing():
    one = payload.awaited_maps("A", 0, ("Mass", "Hernia"))
    assert one.awaited and (one.low == one.high).all() and not one.cells.any() and len(one.cells) == 2
