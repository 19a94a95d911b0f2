"""Real networks on real films: the published scores go in through the store, the published AUROCs come out."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from cxrcore.data import film_table
from cxrcore.findings import NIH_FINDINGS, align
from cxrcore.measures import metrics
from cxrcore.measures.curves import finding_curves
from cxrcore.store import Store

NETWORKS = ("DenseNet201", "MobileNet_V2", "ResNet50")
N_FILMS = 22_433


@pytest.fixture(scope="module")
def published(shared) -> dict[str, pd.DataFrame]:
    """{network: scores indexed by image_id, one column a finding in its own order}, as their authors gave them."""
    frames = {}
    for network in NETWORKS:
        frame = pd.read_csv(shared / "predictions" / f"{network}_preds.csv").set_index("Image Index")
        frames[network] = frame.rename(columns=lambda name: name.removeprefix("prob_"))
    return frames


@pytest.fixture(scope="module")
def imported(published, real_table, tmp_path_factory) -> tuple[Store, dict[str, str]]:
    """A store with the three networks as imported runs, measured; and {network: prediction_id}."""
    store = Store(tmp_path_factory.mktemp("published") / "store.duckdb")
    dataset_id = film_table.dataset_hash(real_table.images, real_table.labels, NIH_FINDINGS)
    store.add_dataset(
        dataset_id,
        real_table.images,
        real_table.labels,
        NIH_FINDINGS,
        name="NIH ChestX-ray14",
        kind="nih",
        label_source="Data_Entry CSV",
    )
    prediction_ids = {}
    for network, frame in published.items():
        run_id = store.create_run({"name": network, "arch": network.lower()}, dataset_id, "imported")
        shuffled = frame.sample(frac=1, random_state=0)  # the order of rows must not matter
        prediction_ids[network] = store.save_predictions(
            run_id,
            dataset_id,
            "test",
            list(shuffled.index),
            align(list(shuffled.columns), shuffled.to_numpy(), NIH_FINDINGS),
        )
        read = store.predictions(prediction_ids[network])
        store.save_metrics(prediction_ids[network], metrics.ranking_metrics(read.labels, read.scores, read.findings))
        store.finish_run(run_id, "finished")
    return store, prediction_ids


def auroc_file(shared, network) -> pd.Series:
    return pd.read_csv(shared / "predictions" / f"{network}_aucs.csv").set_index("label")["auc"]


def per_finding(rows: pd.DataFrame, metric: str) -> pd.Series:
    return rows[(rows["metric"] == metric) & (rows["finding"] != "macro")].set_index("finding")["value"]


@pytest.mark.parametrize("network", NETWORKS)
def test_auroc_is_the_published_one(shared, imported, network):
    store, prediction_ids = imported
    expected = auroc_file(shared, network)
    rows = store.metrics([prediction_ids[network]])
    found = per_finding(rows, "auroc")
    assert len(expected) == len(NIH_FINDINGS) and (rows["n"] == N_FILMS).all()
    assert np.abs(found[expected.index] - expected).max() < 1e-9
    macro = rows[(rows["metric"] == "auroc") & (rows["finding"] == "macro")]["value"].item()
    assert abs(macro - expected.mean()) < 1e-9


@pytest.mark.parametrize("network", NETWORKS)
def test_the_views_for_people_say_the_same(shared, imported, network):
    """latest_metrics, as the README's queries read it, and the leaderboard."""
    store, prediction_ids = imported
    with duckdb.connect(str(store.path), read_only=True) as con:
        rows = con.execute("SELECT * FROM latest_metrics WHERE name = ? AND split = 'test'", [network]).df()
    expected = auroc_file(shared, network)
    assert np.abs(per_finding(rows, "auroc")[expected.index] - expected).max() < 1e-9
    board = store.leaderboard().set_index("prediction_id").loc[prediction_ids[network]]
    assert abs(board["auroc"] - expected.mean()) < 1e-9 and board["n_defined"] == len(NIH_FINDINGS)


@pytest.mark.parametrize("network", NETWORKS)
def test_ap_is_scikit_learns_on_the_raw_file(published, real_table, imported, network):
    store, prediction_ids = imported
    raw = published[network]
    labels = pd.DataFrame(real_table.labels, real_table.images["image_id"], list(NIH_FINDINGS)).loc[raw.index]
    found = per_finding(store.metrics([prediction_ids[network]]), "ap")
    for finding in NIH_FINDINGS:
        assert abs(found[finding] - average_precision_score(labels[finding], raw[finding])) < 1e-9


@pytest.mark.parametrize("network", NETWORKS)
def test_drawn_curves_of_real_networks_keep_the_promise(shared, imported, network):
    """Exact areas in the legend, and few enough points for six runs of all findings at once."""
    store, prediction_ids = imported
    read, expected = store.predictions(prediction_ids[network]), auroc_file(shared, network)
    for finding, labels, scores in zip(NIH_FINDINGS, read.labels.T, read.scores.T, strict=True):
        roc, pr = (finding_curves(labels, scores, view) for view in ("roc", "pr"))
        assert abs(roc.auroc - expected[finding]) < 1e-9
        for exact, line in ((roc.auroc, roc.lines["roc"]), (pr.ap, pr.lines["pr"])):
            x, y = line.x[line.bends].astype(float), line.y[line.bends].astype(float)
            assert abs(np.trapezoid(y, x) - exact) <= 0.002 and len(x) <= 290
