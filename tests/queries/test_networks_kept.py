"""Networks that explain films share a bounded memory: what gave way is read again when it is asked."""

import shutil
import weakref
from pathlib import Path

import numpy as np
import pytest

from cxrcore.errors import CheckpointError
from cxrcore.queries import explained_films
from cxrcore.queries.kept import Kept
from cxrcore.store import Store

TWO = ("mobilenet_v2", "efficientnet_b0")


@pytest.fixture
def loaded(phantoms, tmp_path, monkeypatch):
    """Two networks over a copy of their runs, of which one fits into memory."""
    shutil.copy(phantoms.path, tmp_path / "store.duckdb")
    for name in TWO:
        shutil.copytree(phantoms.store.run_folder(phantoms.run_ids[name]), tmp_path / phantoms.run_ids[name])
    store = Store(tmp_path / "store.duckdb")
    monkeypatch.setattr(explained_films, "_LOADED", Kept(9))
    monkeypatch.setattr(explained_films, "_NETWORKS", Kept(9, weigh=lambda file: file.size, share=1))
    return [explained_films.load_network(store, phantoms.run_ids[name]) for name in TWO]


def film(loaded, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (loaded.image_size, loaded.image_size), np.uint8)


def test_the_weights_of_one_give_way_to_the_other_and_the_scores_stay(loaded):
    assert [one.is_held for one in loaded] == [False, True]
    scores = [explained_films.explained(one, film(one), "gradcam").scores for one in loaded]
    assert [one.is_held for one in loaded] == [False, True]
    gone = weakref.ref(loaded[1].network().explainer)
    again = loaded[0].network().explainer.explain(film(loaded[0]), loaded[0].findings, "gradcam")
    assert gone() is None, "nothing holds the weights that gave way"
    np.testing.assert_array_equal(again.scores, scores[0])
    assert explained_films.explained(loaded[1], film(loaded[1]), "gradcam").scores is scores[1]  # kept
    assert [one.is_held for one in loaded] == [True, False]


def test_a_checkpoint_that_went_with_its_weights_is_said(loaded):
    path = Path(loaded[0].file.path)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(CheckpointError, match="replaced or removed"):
        explained_films.explained(loaded[0], film(loaded[0]), "gradcam")
    path.unlink()
    with pytest.raises(CheckpointError, match="no such weights file"):
        explained_films.explained(loaded[0], film(loaded[0], 1), "gradcam")
