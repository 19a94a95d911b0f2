"""The mean over findings of ROC and precision-recall curves, and its band."""

import numpy as np
import pytest

from cxrcore.measures.curves import finding_curves
from cxrcore.measures.intervals.curve_bands import in_draws, summed_up
from cxrcore.measures.intervals.draws import patient_draws
from cxrcore.measures.macro_curves import mean_curve, mean_in_draws, mean_of_repeats

K, N = 3, 600


@pytest.fixture(scope="module")
def films():
    rng = np.random.default_rng(3)
    labels = (rng.random((N, K)) < [0.3, 0.1, 0.2]).astype(np.float32)
    scores = rng.beta(1 + 2 * labels, 4).astype(np.float32).round(2)  # with ties
    return labels, scores, [str(i // 3) for i in range(N)], [f"{i}.png" for i in range(N)]


@pytest.mark.parametrize(("curve", "area"), [("roc", "auroc"), ("pr", "ap")])
def test_the_area_under_the_mean_is_the_mean_of_the_areas(films, curve, area):
    labels, scores, *_ = films
    found = [finding_curves(own, score, curve) for own, score in zip(labels.T, scores.T, strict=True)]
    x, y = mean_curve([one.lines[curve] for one in found], curve)
    under = np.trapezoid(y, x) if curve == "roc" else y.mean()
    assert under == pytest.approx(np.mean([getattr(one, area) for one in found]), abs=0.006)
    assert (np.diff(x) > 0).all() and y.min() >= 0 and y.max() <= 1


@pytest.mark.parametrize("curve", ["roc", "pr"])
def test_of_one_finding_the_mean_is_its_own_curve_and_band(films, curve):
    labels, scores, patients, images = films
    draws = patient_draws(patients, images, 60, 1)
    owners = draws.owners(patients, images)
    own = summed_up(*in_draws(labels[:, 0], scores[:, 0], owners, draws, curve))
    mean = summed_up(*mean_in_draws(labels[:, :1], scores[:, :1], owners, draws, curve))
    for name in ("x", "low", "high"):
        np.testing.assert_array_equal(getattr(own, name), getattr(mean, name))
    line = finding_curves(labels[:, 0], scores[:, 0], curve).lines[curve]
    x, y = mean_curve([line], curve)
    inside = (own.low - 0.02 <= y) & (y <= own.high + 0.02)
    np.testing.assert_array_equal(x, own.x)
    assert inside.mean() > 0.97


def test_a_draw_without_one_of_the_findings_is_left_out(films):
    labels, scores, patients, images = films
    labels = labels.copy()
    labels[:, 1] = np.arange(N) == 0  # on one film alone, which some draws lack
    draws = patient_draws(patients, images, 100, 1)
    found = summed_up(*mean_in_draws(labels, scores, draws.owners(patients, images), draws, "roc"))
    assert found.draws + found.undefined == 100 and 20 < found.undefined < 60
    assert (found.low <= found.high).all()


@pytest.mark.parametrize("curve", ["roc", "pr"])
def test_repeats_are_averaged_vertically(films, curve):
    labels, scores, *_ = films
    rng = np.random.default_rng(1)
    runs = [finding_curves(labels[:, 0], np.clip(scores[:, 0] + rng.normal(0, 0.1, N), 0, 1).astype(np.float32), curve)
            for _ in range(3)]
    mean = mean_of_repeats(runs, curve)
    line, at = mean.lines[curve], 100
    by_hand = [np.interp(line.x[at] - 1e-6 * (curve == "pr"), one.lines[curve].x, one.lines[curve].y) for one in runs]
    assert line.y[at] == pytest.approx(np.mean(by_hand), abs=1e-6)
    assert mean.auroc == pytest.approx(np.mean([one.auroc for one in runs])) and mean.positives == runs[0].positives
    assert mean.best[1] == pytest.approx(np.mean([one.best[1] for one in runs])) and np.isnan(mean.best[0])
    nothing = finding_curves(np.zeros(4), np.linspace(0, 1, 4).astype(np.float32), curve)
    assert not mean_of_repeats([nothing, nothing], curve).lines


def test_the_mean_of_a_run_with_itself_is_the_run(films):
    labels, scores, *_ = films
    one = finding_curves(labels[:, 0], scores[:, 0], "roc")
    twice, once = mean_of_repeats([one, one], "roc"), mean_of_repeats([one], "roc")
    np.testing.assert_array_equal(twice.lines["roc"].y, once.lines["roc"].y)
    assert twice.auroc == one.auroc and twice.ap == one.ap
