"""Films that change side when a threshold moves: the counting, and the strip below the board."""

import io
import json

import numpy as np
import pandas as pd
import pytest
import scored_runs
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from streamlit.testing.v1 import AppTest

from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.thresholds.changed_films import changed
from cxrcore.ui.thresholds import changed_films

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


def test_films_with_one_score_keep_their_order():
    labels = np.array([0, 1, np.nan, 1, 0, 1], np.float32)
    scores = np.array([0.4, 0.5, 0.4, 0.4, 0.4, 0.4], np.float32)
    assert changed(labels, scores, 0.6, 0.3).rows.tolist() == [3, 5, 1, 0, 4, 2]


def _strip(path, prediction_id, dataset_id, finding, before, after) -> AppTest:
    def script(path, prediction_id, dataset_id, finding, before, after):
        from cxrcore.queries.from_store import Labelled
        from cxrcore.store import CSV, Store
        from cxrcore.ui.thresholds import changed_films

        store = Store(path)
        of = Labelled(prediction_id, store.label_set(dataset_id, CSV), store.findings(dataset_id))
        changed_films.show_changed_films(store, of, finding, before, after)

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
    k = NIH_FINDINGS.index("Effusion")
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
    html = "".join(one.proto.body for one in app.get("html"))
    assert html.count("<img") == 8 and "with it" in html
    assert "Shown: 8" in app.markdown[0].value and not app.caption


EFFUSION = NIH_FINDINGS.index("Effusion")


def test_the_list_decides_as_the_board_did(scored):
    """At a threshold that is a film's own score, and above that score's short decimal."""
    store, prediction_id = scored
    found = store.predictions(prediction_id)
    scores = found.scores[:, EFFUSION]
    before, after = 1.0, min(float(score) for score in scores if float(str(score)) < float(score))
    moved = changed(found.labels[:, EFFUSION], scores, before, after)
    text = changed_films.changed_films_table(found, EFFUSION, moved, before, after).to_csv(index=False)
    rows = pd.read_csv(io.StringIO(text))
    assert len(rows) == len(moved.rows) > 0
    assert ((rows["score"] >= rows["threshold_before"]) == rows["alarm_before"]).all()
    assert ((rows["score"] >= rows["threshold_after"]) == rows["alarm_after"]).all()


def test_thresholds_close_together_are_written_apart(scored):
    store, prediction_id = scored
    score = float(np.sort(store.predictions(prediction_id).scores[:, EFFUSION])[200])
    app = _strip(store.path, prediction_id, scored_runs.DATASET, "Effusion", np.nextafter(score, 1), score)
    before, after = app.markdown[0].value.split("**")[1].removeprefix("Effusion ").split(":")[0].split(" → ")
    assert float(after) <= score < float(before)


def test_pictures_are_found_where_few_films_are_prepared(tmp_path):
    store = scored_runs.make(tmp_path / "store.duckdb", 50, 400)
    prediction_id = store.prediction_sets().query("split == 'test'")["prediction_id"].iloc[0]
    found = store.predictions(prediction_id)
    last = changed(found.labels[:, EFFUSION], found.scores[:, EFFUSION], 0, 1).rows[-1]
    folder = tmp_path / "prepared" / "few"
    folder.mkdir(parents=True)
    np.save(folder / "pixels.npy", np.zeros((1, 32, 32), np.uint8))
    pd.DataFrame({"image_id": found.image_ids[[last]], "bytes": 1, "mtime_ns": 1, "reason": ""}).to_parquet(
        folder / "films.parquet")
    (folder / "manifest.json").write_text(json.dumps({"size": 32, "n_films": 1}))
    app = _strip(store.path, prediction_id, scored_runs.DATASET, "Effusion", 0, 1)
    html = [one.proto.body for one in app.get("html") if "<img" in one.proto.body]
    assert len(html) == 1 and html[0].count("<img") == 1 and found.image_ids[last] in html[0]
    assert "Shown: 1; the others do not lie prepared" in app.markdown[0].value and not app.caption
