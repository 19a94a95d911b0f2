"""The aims of two lines on the Thresholds page are exact over every score, also those that are no positions yet."""

from functools import partial

import numpy as np
import pytest
import scored_runs
from told_board import Browser

from cxrcore.findings import NIH_FINDINGS

MAKE = partial(scored_runs.make, n_val=40, n_test=1_300, n_runs=1, empty=(NIH_FINDINGS.index("Mass"),))
CHECKED = ("Effusion", "Cardiomegaly", "Edema")


@pytest.fixture
def browser(monkeypatch) -> Browser:
    return Browser(monkeypatch)


@pytest.fixture
def films(store):
    sets = store.prediction_sets(store.runs()["run_id"].iloc[-1])
    return store.predictions(sets[sets["split"] == "test"]["prediction_id"].iloc[0])


def ask(browser, key, finding=None) -> Browser:
    return browser.tell("aim", {"of": browser.board["of"], "key": key, "finding": finding, "shown": False})


def lines_of(browser, finding) -> tuple[float, float]:
    k = browser.findings.index(finding)
    low, high = browser.thresholds[k], browser.board["uppers"][k]
    assert low in browser.ladders[k] and (high is None or high in browser.ladders[k])  # the board can stand there
    return low, low if high is None else high


def all_pairs(has, scores):
    """Every line at a distinct score or above all, falling: lines, F1 among the decided, films referred, missed."""
    lines = np.append(2, np.unique(scores)[::-1])
    yes = scores[None, :] >= lines[:, None]
    tp, alarms = (yes & has).sum(axis=1), yes.sum(axis=1)
    missed = has.sum() - tp
    decided = tp[:, None] + missed[None, :]  # upper, lower
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = np.where(decided > 0, 2 * tp[:, None] / (tp[:, None] + alarms[:, None] + missed[None, :]), np.nan)
    referred = (alarms[None, :] - alarms[:, None]).astype(float)
    referred[referred < 0] = np.inf
    return f1, referred, missed


def counted(has, scores, low, high):
    yes, asked = scores >= high, (scores >= low) & (scores < high)
    missed = (has & (scores < low)).sum()
    tp = (yes & has).sum()
    return 2 * tp / (tp + yes.sum() + missed), asked.sum(), missed


@pytest.mark.parametrize("share", [0.03, 0.2])
def test_refer_at_most_is_the_best_of_all_pairs_of_scores(store, browser, films, share):
    ask(browser.open(store), f"refer:{share}")
    beyond = 0
    for finding in CHECKED:
        k = NIH_FINDINGS.index(finding)
        has, scores = films.labels[:, k] == 1, films.scores[:, k].astype(np.float64)
        f1, referred, _ = all_pairs(has, scores)
        best = np.nanmax(np.where(referred <= share * len(has), f1, np.nan))
        found, asked, _ = counted(has, scores, *lines_of(browser, finding))
        assert found == best and asked == referred[(f1 == best)].min()
        beyond += len(np.unique(scores)) > 720
    assert beyond  # more scores than the board has positions


def test_miss_at_most_is_exact_too_and_one_finding_alone_can_be_asked(store, browser, films):
    before = browser.open(store).thresholds
    ask(browser, "miss:7", "Effusion")
    k = NIH_FINDINGS.index("Effusion")
    has, scores = films.labels[:, k] == 1, films.scores[:, k].astype(np.float64)
    f1, referred, missed = all_pairs(has, scores)
    low, high = lines_of(browser, "Effusion")
    found, asked, left = counted(has, scores, low, high)
    at = np.flatnonzero(missed <= 7).min()  # the highest lower line
    above = np.where(np.isinf(referred[:, at]), np.nan, f1[:, at])
    assert left == missed[at] and found == np.nanmax(above) and asked == referred[:, at][above == found].min()
    assert np.delete(browser.thresholds, k).tolist() == np.delete(before, k).tolist()
    assert browser.pairs == [f"Effusion:{low!r}@test"] and "set by hand while looking at these films" in browser.words


def test_a_finding_without_films_stays_and_a_number_out_of_range_is_said(store, browser):
    before = browser.open(store).thresholds
    ask(browser, "refer:0.1")
    k = NIH_FINDINGS.index("Mass")
    assert browser.thresholds[k] == before[k] and browser.board["uppers"][k] is None
    for bad in ("refer:1.5", "miss:-1", "refer:nan", "miss:many"):
        ask(browser, bad)
        assert browser.app.error
