"""The table of the official split: who may stand in it, its numbers, and what is published beside it."""

import csv
import io
import logging

import numpy as np
import pandas as pd
import pytest
import repeated_runs
from repeated_runs import Made

from cxrcore.config import ReportConfig
from cxrcore.errors import RunError, UsageError
from cxrcore.evaluation import published
from cxrcore.measures.metrics import auroc, per_finding
from cxrcore.queries.repeats.official import read_official
from cxrcore.report import official
from cxrcore.report.write_files import write_report
from cxrcore.settings import Constants
from cxrcore.store import Store

ON_TEST = Constants().record(loss="bce") | {"best_by": "test macro AUROC"}
SMALL = {"n_val": 60, "n_test": 120}
OTHERS = {  # {name of a run that may not stand there: why}
    "VGG16 · seed 0": "split by patient", "MobileNetV2 · seed 0": "not selected on validation, but by test macro AUROC",
    "ViT-B/16 · seed 0": "measured with model_last.pth", "unfinished": "its training is", "theirs": "imported",
    "unmeasured": "scripts/eval.py --run",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    path = tmp_path_factory.mktemp("made") / "store.duckdb"
    made = repeated_runs.make(path, (Made("resnet18", weaker=0.25), Made("densenet121", seeds=(0, 1)),
                                     Made("densenet121", seeds=(0,), settings={"img_size": 320})), **SMALL)
    repeated_runs.make(path, [Made("vgg16", seeds=(0,))], scheme="patient", **SMALL)
    repeated_runs.make(path, [Made("mobilenet_v2", seeds=(0,), settings={"constants": ON_TEST})], **SMALL)
    repeated_runs.make(path, [Made("vit_b_16", seeds=(0,))], checkpoint="model_last.pth", **SMALL)
    for name, status, kind in (("unfinished", "failed", "trained"), ("unmeasured", "finished", "trained"),
                               ("theirs", "finished", "imported")):
        run_id = made.create_run({"name": name, "arch": "resnet18", **repeated_runs.BASE}, repeated_runs.DATASET,
                                 kind=kind, split=("official", 0, "abc"))
        made.finish_run(run_id, status, best_epoch=3)
    return made


@pytest.fixture(scope="module")
def read(store):
    return read_official(store)


def test_all_others_are_left_out_and_it_is_said_why(read):
    (table,), left_out = read
    assert left_out.keys() == OTHERS.keys()
    for name, why in OTHERS.items():
        assert why in left_out[name], name
    assert [one.training.name for one in table.found] == ["DenseNet-121, img_size 224", "DenseNet-121, img_size 320",
                                                          "ResNet-18"]
    assert [len(one.members) for one in table.found] == [2, 1, 3]
    assert set(table.missing) == {"EfficientNet-B0", "VGG16", "MobileNetV2", "ViT-B/16"}


def test_its_numbers_are_those_of_the_predictions(store, read):
    (table,), _ = read
    rows = official.rows_of(table)
    own = []
    for run_id in table.found[2].training.run_ids:
        films = store.predictions(store.chosen_set(run_id, "test"))
        own.append(per_finding(auroc, films.labels, films.scores))
    values = np.column_stack([own, np.mean(own, axis=1)])
    np.testing.assert_allclose(rows[2].mean, values.mean(axis=0))
    np.testing.assert_allclose(rows[2].sd, values.std(axis=0, ddof=1))
    assert rows[2].low[-1] < rows[2].mean[-1] < rows[2].high[-1] and np.isnan(rows[1].sd).all()


def test_only_what_is_published_on_the_same_split_stands_beside_it(read):
    (table,), _ = read
    theirs = [one for one in official.rows_of(table) if not one.runs]
    known = [one for one in published.results() if one.split == published.OFFICIAL]
    assert [one.source for one in theirs] == [one.source for one in known] and len(known) >= 1
    assert theirs[0].mean[-1] == pytest.approx(0.745, abs=5e-4)  # Wang et al. 2017, Table 17
    said = "\n".join(official.in_words(table))
    assert known[0].source in said and "25,596 films, of which 120 were measured here" in said
    assert "No such run of: EfficientNet-B0" in said and "Neither holds the other" in said


def test_the_files_hold_what_is_printed(store, tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="cxrcore"):
        write_report(ReportConfig(store=store.key, table="official", out=str(tmp_path / "a.csv")))
    said = caplog.text
    frame = pd.read_csv(tmp_path / "a.csv")
    macro = frame[frame["finding"] == "Macro mean"].set_index("network")
    assert f"{macro.at['ResNet-18', 'auroc']:.3f}" in said and "left out: theirs: imported" in said
    assert macro.at["ResNet-18", "seeds"] == "0, 1, 2" and macro.at["ResNet-18", "selected_on"] == "validation"
    assert len(frame) == 15 * 4 and len(next(csv.reader(io.StringIO((tmp_path / "a.csv").read_text())))) == 15
    write_report(ReportConfig(store=store.key, table="official", out=str(tmp_path / "a.tex")))
    latex = (tmp_path / "a.tex").read_text()
    assert latex.count("\\begin{tabular}") == latex.count("\\end{tabular}") == 2 and "±" not in latex
    assert f"{macro.at['ResNet-18', 'auroc']:.3f} \\pm {macro.at['ResNet-18', 'sd_over_seeds']:.3f}" in latex
    assert "Table 17" in latex


def test_only_some_runs_and_what_cannot_be_done(store, tmp_path):
    first = store.runs()["run_id"].iloc[-1]
    (table,), left_out = read_official(store, [first])
    assert not left_out and table.found[0].training.run_ids == (first,)
    with pytest.raises(RunError, match="no run 'x'"):
        read_official(store, ["x"])
    with pytest.raises(UsageError, match=r"\.csv or \.tex"):
        write_report(ReportConfig(store=store.key, table="official", out=str(tmp_path / "a.html")))
    with pytest.raises(RunError, match="--split official"):
        write_report(ReportConfig(store=str(tmp_path / "none.duckdb"), table="official"))
