"""Published AUROCs: whole rows, each with a source, against the means that the works themselves state."""

import numpy as np
import pytest

from cxrcore.evaluation.published import OFFICIAL, SPLITS, results


def test_every_result_is_whole_and_says_where_it_can_be_read():
    for one in results():
        assert one.auroc.shape == (15,) and ((one.auroc > 0.5) & (one.auroc < 1)).all()
        assert one.split in SPLITS and len(one.source) > 10 and one.name and one.network
    assert len({one.label for one in results()}) == len(results())
    assert results()[0].split == OFFICIAL


@pytest.mark.parametrize(("name", "mean"), [
    ("Wang et al. 2017", 0.745), ("Wang et al. 2017, first split", 0.738), ("Yao et al. 2017", 0.803),
    ("CheXNet", 0.841), ("arnoweng", 0.842), ("arnoweng, improved", 0.847), ("zoogzog", 0.851), ("jrzech", 0.838),
    ("CheXclusion", 0.840)])
def test_means_are_the_published_ones(name, mean):
    (one,) = [one for one in results() if one.name == name]
    assert one.auroc[14] == pytest.approx(mean, abs=1.2e-3)  # theirs are rounded, or from unrounded values
    np.testing.assert_allclose(one.auroc[14], one.auroc[:14].mean())
