"""Published AUROCs: whole rows, each with a source, against the means that the works themselves state."""

import numpy as np
import pandas as pd
import pytest

from cxrcore.evaluation.published import OFFICIAL, SPLITS, nih_prevalence, results
from cxrcore.findings import NIH_FINDINGS


def test_every_result_is_whole_and_says_where_it_can_be_read():
    for one in results():
        assert tuple(one.auroc) == NIH_FINDINGS and all(0.5 < value < 1 for value in one.auroc.values())
        assert one.split in SPLITS and len(one.source) > 10 and one.name and one.network
    assert len({one.label for one in results()}) == len(results())
    assert results()[0].split == OFFICIAL


@pytest.mark.parametrize(("name", "mean"), [
    ("Wang et al. 2017", 0.745), ("Wang et al. 2017, first split", 0.738), ("Yao et al. 2017", 0.803),
    ("CheXNet", 0.841), ("arnoweng", 0.842), ("arnoweng, improved", 0.847), ("zoogzog", 0.851), ("jrzech", 0.838),
    ("CheXclusion", 0.840)])
def test_means_are_the_published_ones(name, mean):
    (one,) = [one for one in results() if one.name == name]
    values = one.of(NIH_FINDINGS)
    assert values[14] == pytest.approx(mean, abs=1.2e-3)  # theirs are rounded, or from unrounded values
    np.testing.assert_allclose(values[14], values[:14].mean())


def test_findings_that_nobody_published_have_no_area():
    values = results()[0].of(("Lung_Opacity", "Hernia", "Mass"))
    assert np.isnan(values[[0, 3]]).all() and values[1] == results()[0].auroc["Hernia"]


def test_nihs_prevalences_are_those_of_its_list():
    shares = nih_prevalence()
    assert tuple(shares) == NIH_FINDINGS and all(0 < share < 0.2 for share in shares.values())
    assert shares["Hernia"] == 227 / 112_120 and max(shares, key=shares.get) == "Infiltration"


def test_nihs_counts_are_those_of_its_own_table(shared):
    table = pd.read_csv(shared / "nih" / "Data_Entry_2017.csv")
    named = table["Finding Labels"].str.split("|")
    assert nih_prevalence() == {
        finding: named.map(lambda names, finding=finding: finding in names).mean() for finding in NIH_FINDINGS}
