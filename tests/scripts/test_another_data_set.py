"""A data set of somebody's own findings through the scripts, and a network of NIH's list that is measured on it."""

import json
import shutil

import chexpert_like
import numpy as np
import pandas as pd
import pytest
import torch
from chexpert_like import ALONE, FINDINGS, SHARED
from run_scripts import here

from cxrcore.data.films import read_table
from cxrcore.findings import NIH_FINDINGS, display_name
from cxrcore.measures.thresholds import fitting
from cxrcore.queries import chosen_film, film_pixels, film_sources
from cxrcore.queries.from_store import overview
from cxrcore.store import Store

SMALL = ["--img_size", 32, "--batch_size", 16, "--init", "random", "--precision", "fp32", "--arch", "resnet18",
         "--epochs", 1]


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """Path of the description, beside table and films. Read-only by agreement."""
    return chexpert_like.make(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def trained(ours, tmp_path_factory):
    """A training on them by --data alone: (store, run id, results folder, output)."""
    home = tmp_path_factory.mktemp("trained")
    done = here("train.py", "--data", ours, *SMALL, "--loss", "focal", "--results", home / "results",
                CXR_STORE=str(home / "store.duckdb"))
    assert done.returncode == 0, done.stderr
    store = Store(home / "store.duckdb")
    return store, store.runs().iloc[0]["run_id"], home / "results", done.stdout


@pytest.fixture(scope="module")
def measured(ours, tiny_nih, tmp_path_factory):
    """A network of NIH's findings, measured on ours: (store, run id, output)."""
    home = tmp_path_factory.mktemp("nih")
    path = home / "store.duckdb"
    done = here("train.py", "--csv_path", tiny_nih / "Data_Entry_2017.csv", "--img_root", tiny_nih, *SMALL,
                "--results", home, CXR_STORE=str(path))
    assert done.returncode == 0, done.stderr
    run_id = Store(path).runs().iloc[0]["run_id"]
    done = here("eval.py", "--run", run_id, "--data", ours, "--results", home, CXR_STORE=str(path))
    assert done.returncode == 0, done.stderr
    return Store(path), run_id, done.stdout


def test_films_are_prepared_by_their_description(ours):
    done = here("prepare.py", "--data", ours, "--img_size", 32, "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert "60 films at 32 px" in done.stdout


def test_a_training_has_the_findings_of_its_data_set(trained, ours):
    store, run_id, _, said = trained
    row, table = store.run(run_id), read_table(ours.with_name("labels.csv"), str(ours))
    assert row["status"] == "finished" and row["dataset_id"] == table.dataset_id
    assert store.findings(row["dataset_id"]) == FINDINGS
    best = torch.load(store.run_file(run_id, "model_best.pth"), weights_only=True)
    assert tuple(best["findings"]) == FINDINGS and len(best["state"]["fc.bias"]) == len(FINDINGS)
    assert row["config"]["data"] == str(ours) and row["config"]["policy"] is None
    np.testing.assert_array_equal(store.labels(row["dataset_id"]).loc[table.images["image_id"]], table.labels)
    assert np.isnan(table.labels).any() and "uncertain" in said


def test_unknown_labels_enter_no_count_and_no_threshold(trained):
    store, run_id, results, said = trained
    sets = store.prediction_sets(run_id).set_index("split")["prediction_id"]
    for prediction_id in sets:
        found, rows = store.predictions(prediction_id), store.metrics([prediction_id])
        own = rows[rows["metric"] == "auroc"].set_index("finding").loc[list(FINDINGS)]
        known = ~np.isnan(found.labels)
        assert known.any(axis=0).all() and not known.all()
        assert own["n"].tolist() == known.sum(axis=0).tolist()
        assert own["n_positive"].tolist() == np.nansum(found.labels, axis=0).astype(int).tolist()
    val = store.predictions(sets["val"])
    saved = next(row for _, row in store.threshold_sets(run_id).iterrows() if row["objective"] == "max_f1")
    alone = [fitting.max_f1(*(values[~np.isnan(val.labels[:, k])][:, [k]] for values in (val.labels, val.scores)),
                            [finding]).thresholds[0] for k, finding in enumerate(FINDINGS)]
    np.testing.assert_array_equal(saved["thresholds"], alone)
    text = (results / "tables" / "metrics.txt").read_text()
    row = pd.read_csv(results / "tables" / "metrics.csv").set_index(["split", "finding"]).loc[("val", "Fracture")]
    line = next(line for line in text.split("val:")[1].splitlines() if line.startswith("Fracture"))
    assert line.split()[1:3] == [f"{row['n_positive']:.0f}", f"{row['n']:.0f}"] and text in said


def test_films_with_paths_are_found_and_shown(trained, ours):
    store, _, _, _ = trained
    known = overview(store)
    films = chosen_film.films_of(store, known.runs.iloc[0], known.runs, known.datasets)
    image_id = films.images["image_id"].iloc[5]
    film = chosen_film.stored(store, films, image_id, 32)
    assert "~" in image_id and film.film.pixels.shape == (48, 48) and film.part in ("train", "val", "test")
    assert chosen_film.examples(store, films, "Fracture", 32)
    held = film_pixels.films_of(store, known.runs.iloc[0]["dataset_id"])
    assert held is not None and held.holds(films.images["image_id"]).all()


def test_films_of_another_table_are_not_shown_for_these(ours, trained, tmp_path):
    """Somebody's own names may stand for other films: only the folder that is still this data set's is asked."""
    store, _, _, _ = trained
    home = shutil.copytree(ours.parent, tmp_path / "ours")
    text = (home / "labels.csv").read_text()
    (home / "labels.csv").write_text(text.replace("Frontal,AP,1", "Frontal,AP,0"))
    known = overview(store)
    config = json.dumps(json.loads(known.runs.iloc[0]["config"]) | {
        "csv_path": str(home / "labels.csv"), "img_root": str(home / "films")})
    runs = known.runs.assign(config=config)
    run = runs.iloc[0]
    films = chosen_film.films_of(store, run, runs, known.datasets)
    assert films.places == () and films.kind == "films"
    assert film_pixels.film_map(store, run["dataset_id"], films.kind, films.images, film_sources.sources(runs)) is None


def test_a_network_of_another_list_is_measured_on_the_shared_findings(measured):
    store, run_id, said = measured
    shared = [display_name(finding) for finding in NIH_FINDINGS if finding in SHARED]
    assert f"measured on the 7 findings that network and data set share: {', '.join(shared)}" in said
    assert f"the data set has besides: {', '.join(map(display_name, ALONE))}" in said
    assert "the network knows besides: Infiltration, Mass" in said and "evaluated as an external model" in said
    row = store.leaderboard().set_index("split").loc["external"]
    own = store.run(run_id)["dataset_id"]
    assert row["run_id"] == run_id and row["dataset_id"] != own and row["n_defined"] == len(SHARED)
    found = store.predictions(row["prediction_id"])
    assert found.findings == FINDINGS
    unscored = np.isnan(found.scores).all(axis=0)
    assert {finding for finding, none in zip(FINDINGS, unscored, strict=True) if none} == set(ALONE)
    rows = store.metrics([row["prediction_id"]])
    auroc = rows[rows["metric"] == "auroc"].set_index("finding")["value"]
    assert auroc[list(ALONE)].isna().all() and auroc["macro"] == pytest.approx(auroc[list(SHARED)].mean())
    at = rows[(rows["metric"] == "f1") & (rows["finding"] == "macro")]
    assert set(at["threshold_set"]) == {"0.5", "max F1", "classic"}  # the run's own, fitted on its validation films
