"""What a film's scores are held against: a calibrated value stands where validation bears it, and says on how much."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scored_runs
from read_runs import read_runs

from cxrcore.charts.look import RunStyle
from cxrcore.findings import NIH_FINDINGS, display_name
from cxrcore.measures import calibration
from cxrcore.queries.board_state import read_state
from cxrcore.ui.explain import downloads, score_views

STYLE = RunStyle("#0072B2", "solid", "circle")
SCORES = np.linspace(0.2, 0.4, len(NIH_FINDINGS), dtype=np.float32)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Scores of one film beside few validation films, so that the rarest findings cannot be calibrated; the latter."""
    store = scored_runs.make(tmp_path_factory.mktemp("scores") / "store.duckdb", 120, 40)
    [run] = read_runs(store)
    val = store.predictions(run.prediction_id("val"))
    state = read_state(store, run, None, None, [])
    [without] = read_runs(store, only=("test",))
    return (score_views.film_scores(store, run, STYLE, NIH_FINDINGS, SCORES, state), val,
            score_views.film_scores(store, without, STYLE, NIH_FINDINGS, SCORES,
                                    read_state(store, without, None, None, [])))


def page_of(one) -> str:
    film = SimpleNamespace(film=SimpleNamespace(pixels=np.zeros((8, 8), np.uint8)), image_id=None, part="test")
    shown = SimpleNamespace(scores=one, why_off="", loaded=SimpleNamespace(image_size=64))
    return downloads._page(film, shown, NIH_FINDINGS[0], "Grad-CAM", np.zeros((8, 8, 3), np.uint8))


def test_a_finding_that_validation_cannot_calibrate_has_no_calibrated_score(found):
    one, val, _ = found
    positives = (val.labels == 1).sum(axis=0)
    few = positives < calibration.MIN_POSITIVES
    assert 0 < few.sum() < len(NIH_FINDINGS)
    expected = calibration.fit_calibrator(val.labels, val.scores, NIH_FINDINGS)(SCORES[None])[0]
    table = score_views.scores_table([one])
    assert table["Films behind it"].tolist() == positives.tolist()
    for k, shown in enumerate(table["Calibrated"]):
        assert pd.isna(shown) if few[k] else shown == calibration.in_digits(expected[k], positives[k])
        note = " · ".join(one.beside(NIH_FINDINGS[k]))
        assert ("not calibrated: fewer than 5" if few[k] else f"calibrated {shown}, from {positives[k]} films") in note
    names = ", ".join(display_name(NIH_FINDINGS[k]) for k in np.flatnonzero(few))
    assert one.uncalibrated == (f"No calibrated score of {names}: fewer than 5 validation films with it, or without "
                                "it.")


def test_the_page_to_print_leaves_a_dash_and_says_why(found):
    one, val, _ = found
    html = page_of(one)
    for k, positives in enumerate((val.labels == 1).sum(axis=0)):
        cell = one.calibrated_in_digits(k) if positives >= calibration.MIN_POSITIVES else "–"
        row = html.split(f"<td>{display_name(NIH_FINDINGS[k])}</td>")[1].split("</tr>")[0]
        assert row.endswith(f"<td class=n>{cell.replace('<', '&lt;')}</td><td class=n>{positives}</td>")
    assert one.uncalibrated in html
    said = f"{display_name(NIH_FINDINGS[0])} by Grad-CAM: score {SCORES[0]:.4f}, threshold {one.thresholds[0]:.4g}"
    assert f"<figcaption>{said}</figcaption>" in html


def test_without_validation_nothing_is_calibrated(found):
    *_, without = found
    table = score_views.scores_table([without])
    assert table[["Calibrated", "Films behind it", "Percentile"]].isna().all(axis=None)
    assert "no validation predictions" in without.uncalibrated and without.uncalibrated in page_of(without)
    assert not any(without.beside(finding) for finding in NIH_FINDINGS)


def test_a_score_between_the_two_lines_asks_a_person(tmp_path):
    store = scored_runs.make(tmp_path / "store.duckdb", 120, 40)
    [run] = read_runs(store)
    scores = np.full(len(NIH_FINDINGS), 0.5, np.float32)
    lines = {"Mass": (0.5, 0.51), "Nodule": (0.2, 0.5), "Edema": (0.6, 0.9), "Hernia": (0.5, 0.3)}
    pairs = [f"{finding}:{low}" for finding, (low, _) in lines.items()]
    pairs += [f"^{finding}:{high}" for finding, (_, high) in lines.items()]
    one = score_views.film_scores(store, run, STYLE, NIH_FINDINGS, scores, read_state(store, run, None, None, pairs))
    table = score_views.scores_table([one]).set_index("Finding")["Decision"]
    assert table[["Mass", "Nodule", "Edema", "Hernia"]].tolist() == ["ask", "alarm", "no alarm", "alarm"]
