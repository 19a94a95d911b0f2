"""Repeats in the report: a section where runs repeat each other, trainings in place of more than six runs."""

import io
import re
import zipfile

import numpy as np
import pandas as pd
import pytest
import repeated_runs
from repeated_runs import Made

from cxrcore.measures.intervals.intervals import MACRO
from cxrcore.queries.repeats.measured import difference_over_seeds
from cxrcore.report import bundle, contents, page, sections

ALONE = Made("vgg16", seeds=(0,), weaker=0.1)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return repeated_runs.make(tmp_path_factory.mktemp("made") / "store.duckdb", (*repeated_runs.TWO, ALONE), n_val=80,
                              n_test=160)


def runs_of(store):
    return list(store.runs()["run_id"][::-1])


def text_of(html: str) -> str:
    return re.sub(r"<[^>]+>", " ", re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.S))


@pytest.fixture(scope="module")
def six(store):
    return contents.read_contents(store, runs_of(store)[:6])


@pytest.fixture(scope="module")
def seven(store):
    return contents.read_contents(store, runs_of(store))


def test_six_runs_stand_one_by_one_with_their_trainings_below(six):
    said = text_of(sections.leaderboard_section(six, sections.Figures()))
    assert not six.together and len(six.compared) == 6 and "Repeats of one training" in said
    dense, resnet = six.trainings
    for one in (dense, resnet):
        spread = one.spread("auroc")
        assert f"{spread.mean[MACRO]:.3f} ± {spread.sd[MACRO]:.3f}" in said
    change = difference_over_seeds(resnet, dense, "auroc")
    assert f"{change.low[MACRO]:.3f} to {change.high[MACRO]:.3f}".replace("-", "\N{MINUS SIGN}") in said


def test_more_runs_are_a_row_a_training(seven):
    table = seven.leaderboard()
    assert seven.together and table["runs"].tolist() == [3, 1, 3] and table["auroc"].is_monotonic_decreasing
    values = seven.trainings[0].values("auroc")[:, MACRO]
    assert table["auroc"][0] == pytest.approx(values.mean())
    assert table["auroc_sd"][0] == pytest.approx(values.std(ddof=1)) and np.isnan(table["auroc_sd"][1])
    assert [one.run.run_id for one in seven.compared] == [one.nearest.run.run_id for one in seven.trainings]
    said = text_of(page._about(seven))
    assert "7 runs of 3 trainings" in said and said.startswith(" 7 runs, measured on")
    shown = text_of(sections.leaderboard_section(seven, sections.Figures()))
    assert "DenseNet-121 (3 runs)" in shown and f"{values.mean():.3f} ± {values.std(ddof=1):.3f}" in shown
    assert "one run: none" in shown


def test_the_zip_holds_every_run_and_the_spreads(seven):
    tables = dict(bundle.report_tables(seven))
    assert tables["findings_auroc"]["run"].nunique() == 7 and tables["thresholds"]["run"].nunique() == 7
    repeats = tables["repeats"]
    assert repeats["training"].nunique() == 2 and set(repeats["measure"]) >= {"auroc", "ap", "f1"}
    assert len(tables["differences_over_seeds"]) == 2 * 15 * len(contents.LEADERBOARD)
    archive = zipfile.ZipFile(io.BytesIO(bundle.pack_report(seven)))
    latex = archive.read("tables/leaderboard.tex").decode()
    assert "$\\pm$" in latex and "±" not in latex and "DenseNet-121 (3 runs)" in latex
    assert len(pd.read_csv(archive.open("tables/leaderboard.csv"))) == 3


def test_without_repeats_nothing_is_added(store):
    found = contents.read_contents(store, [runs_of(store)[0], runs_of(store)[3]])
    assert not found.repeated and "repeats" not in dict(bundle.report_tables(found))
    assert "Repeats" not in sections.leaderboard_section(found, sections.Figures())
