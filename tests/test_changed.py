"""Films that change side when a threshold moves: the counting, and the strip below the board."""

import numpy as np
import pytest
import scored_runs
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from streamlit.testing.v1 import AppTest

from cxrcore.changed import changed
from cxrcore.findings import FINDINGS

labels_of = hnp.arrays(np.float32, 30, elements=st.sampled_from([0.0, 1.0, np.nan]))
some_scores = st.sampled_from([*np.linspace(0, 1, 11, dtype=np.float32), np.float32(np.nan)])
scores_of = hnp.arrays(np.float32, 30, elements=some_scores)
thresholds_of = st.sampled_from([0, 0.1, 0.25, 0.5, float(np.float32(0.3)), 1]) | st.floats(0, 1)


@settings(max_examples=120, deadline=None)
@given(labels_of, scores_of, thresholds_of, thresholds_of)
def test_the_films_between_two_thresholds(labels, scores, before, after):
    wide = scores.astype(np.float64)
    was, now = wide >= before, wide >= after
    found = changed(labels, scores, before, after)
    assert set(found.rows) == set(np.flatnonzero(was != now)) and len(set(found.rows)) == len(found.rows)
    assert found.positives == ((was != now) & (labels == 1)).sum()
    assert found.negatives == ((was != now) & (labels == 0)).sum()
    assert found.positives + found.negatives + found.unknown == len(found.rows)
    if len(found.rows):
        assert found.gained == now[found.rows[0]]
    shown = labels[found.rows]
    kinds = np.select([shown == 1, shown == 0], [0, 1], 2)
    assert (np.diff(kinds) >= 0).all()
    for kind in range(3):
        assert (np.diff(np.abs(wide[found.rows[kinds == kind]] - after)) >= 0).all()


def _strip(path, prediction_id, dataset_id, finding, before, after) -> AppTest:
    def script(path, prediction_id, dataset_id, finding, before, after):
        from cxrcore.store import Store
        from cxrcore.ui import changed_films

        changed_films.show(Store(path), prediction_id, dataset_id, finding, before, after)

    values = {"path": str(path), "prediction_id": prediction_id, "dataset_id": dataset_id, "finding": finding,
              "before": before, "after": after}
    app = AppTest.from_function(script, kwargs=values, default_timeout=30).run()
    assert not app.exception
    return app


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    store = scored_runs.make(tmp_path_factory.mktemp("changed") / "store.duckdb", 100, 400)
    sets = store.prediction_sets()
    return store, sets[sets["split"] == "test"]["prediction_id"].iloc[0]


@pytest.mark.parametrize(("before", "after", "words"), [
    (0.3, 0.1, ("more caught", "more false alarms")), (0.1, 0.3, ("more missed", "fewer false alarms"))])
def test_the_strip_says_what_the_move_did(scored, before, after, words):
    store, prediction_id = scored
    app = _strip(store.path, prediction_id, scored_runs.DATASET, "Effusion", before, after)
    found = store.predictions(prediction_id)
    k = FINDINGS.index("Effusion")
    between = (found.scores[:, k] >= 0.1) & (found.scores[:, k].astype(np.float64) < 0.3)
    said = app.markdown[0].value
    assert f"{between.sum():,} films changed side" in said
    for n, word in zip((found.labels[between, k].sum(), (found.labels[between, k] == 0).sum()), words, strict=True):
        assert f"{int(n):,} {word}" in said
    assert "No pictures" in app.caption[0].value and ".png" in app.caption[0].value


def test_a_move_over_no_film_is_said(scored):
    store, prediction_id = scored
    app = _strip(store.path, prediction_id, scored_runs.DATASET, "Hernia", 0.99999, 1)
    assert "no film changed side" in app.markdown[0].value and not app.caption


def test_pictures_come_from_the_prepared_films(phantoms):
    store = phantoms.store
    sets = store.prediction_sets(phantoms.run_ids["resnet18"])
    row = sets[sets["split"] == "test"].iloc[0]
    scores = store.predictions(row["prediction_id"]).scores[:, 2]
    app = _strip(phantoms.path, row["prediction_id"], row["dataset_id"], "Effusion", 0, float(np.median(scores)))
    html = app.get("html")[0].proto.body
    assert html.count("<img") == 8 and "with it" in html
    assert "Shown: 8" in app.markdown[0].value and not app.caption
