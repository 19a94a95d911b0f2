"""Label sets by scripts/labels.py: other people's readings, from a file to what they change, and every refusal."""

import gzip
import shutil
from pathlib import Path
from subprocess import CompletedProcess

import duckdb
import numpy as np
import pandas as pd
import pytest
import scored_runs
from run_scripts import here
from scored_runs import DATASET
from sklearn.metrics import roc_auc_score

from cxrcore.config import default_store
from cxrcore.data import film_table
from cxrcore.evaluation import label_metrics
from cxrcore.evaluation.measure_predictions import measure
from cxrcore.findings import NIH_FINDINGS, align
from cxrcore.measures.derived import derived_scores
from cxrcore.queries import comparison, evaluated_runs, from_store
from cxrcore.queries.labels import label_quality
from cxrcore.store import CSV, Store

N_VAL, N_TEST = 80, 200


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return scored_runs.make(tmp_path_factory.mktemp("films") / "store.duckdb", N_VAL, N_TEST, 0).path


@pytest.fixture(scope="module")
def made_with_runs(tmp_path_factory) -> Path:
    return scored_runs.make(tmp_path_factory.mktemp("scored") / "store.duckdb", N_VAL, N_TEST, 2).path


@pytest.fixture
def store(made) -> Store:
    """The default store of this test, with films alone: measuring runs takes most of the time."""
    return default_copy(made)


@pytest.fixture
def measured(made_with_runs) -> Store:
    """As `store`, with two measured runs."""
    return default_copy(made_with_runs)


def default_copy(path: Path) -> Store:
    default_store().parent.mkdir(parents=True, exist_ok=True)
    return Store(Path(shutil.copyfile(path, default_store())))


@pytest.fixture(scope="module")
def films(made) -> list[str]:
    """The test films, in order."""
    return Store(made).images(DATASET)["image_id"].tolist()[N_VAL:]


@pytest.fixture
def write(tmp_path):
    """Writes a frame, or text, as a CSV, packed where its name says so."""

    def into(content: pd.DataFrame | str, name: str = "read.csv") -> Path:
        text = content if isinstance(content, str) else content.to_csv(index=False)
        (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return tmp_path / name

    return into


def add(file: Path, *flags: object, name: str = "experts") -> CompletedProcess:
    return here("labels.py", "add", file, "--name", name, *flags)


def added(file: Path, *flags: object, name: str = "experts") -> str:
    """What a file that is taken prints."""
    done = add(file, *flags, name=name)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tables_of(store: Store) -> dict[str, list[tuple]]:
    """Everything in the store."""
    with duckdb.connect(str(store.path), read_only=True) as con:
        names = [name for (name,) in con.execute("SELECT table_name FROM duckdb_tables() ORDER BY ALL").fetchall()]
        return {name: sorted(map(repr, con.execute(f"SELECT COLUMNS(*)::VARCHAR FROM {name}").fetchall()))
                for name in names}


def adjudicated(films: list[str], seed: int = 0) -> pd.DataFrame:
    """A table as the adjudicated one of NIH films is: two findings that the data set knows or can have, two others."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"Image Index": films, "Finding Labels": "No Finding", "Patient ID": 7})
    for finding in ("Fracture", "Pneumothorax", "Airspace opacity", "Nodule or mass"):
        table[finding] = np.where(rng.random(len(films)) < 0.3, "YES", "NO")
    return table


# -- what is taken


def test_experts_are_added_measured_listed_and_removed(measured, films, write):
    store = measured
    before = tables_of(store)
    table = adjudicated([*films[:120], "99999999_000.png", "99999999_001.png"])
    said = added(write(table, "experts.csv.gz"), "--description", "nih_adjudicated", "--dataset", DATASET)
    assert "experts: 120 films, Pneumothorax, Nodule or mass; 2 films of the file are not of this data set" in said
    assert "Nodule or mass = 1 - (1 - Nodule)(1 - Mass) of the scores" in said
    assert ("left out: Fracture: no finding of this data set, and none that follows from its own; "
            "--map 'Fracture=FINDING' would take it for one of them") in said
    assert "AUROC on test, on the 120 films that 'experts' has read: own labels -> experts" in said

    labels = store.label_set(DATASET, "experts")
    assert labels.findings == ("Pneumothorax", "Nodule_or_mass") and labels.policy == labels.reader == ""
    assert labels.source == "three radiologists of a panel, adjudicated"
    truth = (table.set_index("Image Index")[["Pneumothorax", "Nodule or mass"]].iloc[:120] == "YES").to_numpy()
    np.testing.assert_array_equal(store.labels(DATASET, "experts").to_numpy(), truth)

    board = store.leaderboard().query("split == 'test'")
    for prediction_id in board["prediction_id"]:
        rows = store.metrics([prediction_id]).query("label_set == 'experts'")
        area = rows[rows["metric"] == "auroc"].set_index("finding")
        own = store.predictions(prediction_id)
        either = derived_scores(own.scores[:120, [own.place("Nodule"), own.place("Mass")]])
        expected = [roc_auc_score(truth[:, 0], own.scores[:120, own.place("Pneumothorax")]),
                    roc_auc_score(truth[:, 1], either)]
        np.testing.assert_allclose(area.loc[list(labels.findings), "value"].astype(float), expected, atol=1e-12)
        assert (area["n"].iloc[:2] == 120).all() and (area["low"] < area["value"]).all()
        assert set(rows["threshold_set"].dropna()) == {"max F1", "classic", "0.5"}
        half = rows.query("threshold_set == '0.5' and metric == 'recall' and finding == 'Nodule_or_mass'")["value"]
        assert half.item() == pytest.approx((either[truth[:, 1]] >= 0.5).mean())
        assert f"{expected[0]:.3f}" in said and f"{np.mean(expected):.3f}" in said

    listed = here("labels.py", "list").stdout
    assert f"({DATASET}): 'csv', 280 films, 14 findings" in listed
    assert "'experts', 120 films, 2 findings; derived: Nodule or mass; three radiologists of a panel" in listed
    assert "removed: label set 'experts'" in here("labels.py", "remove", "--name", "experts").stdout
    assert tables_of(store) == before


def test_the_same_command_measures_what_a_killed_one_had_left(measured, films, write, monkeypatch):
    table = write(adjudicated(films[:120]))
    measure_on, done = label_metrics.measure_on, []

    def killed_after_one(*given):
        if done:
            raise KeyboardInterrupt
        shares_films = measure_on(*given)
        done.extend([given[2]] * shares_films)
        return shares_films

    monkeypatch.setattr(label_metrics, "measure_on", killed_after_one)
    assert add(table, "--description", "nih_adjudicated").returncode != 0 and len(done) == 1
    monkeypatch.setattr(label_metrics, "measure_on", lambda *given: done.append(given[2]) or measure_on(*given))
    added(table, "--description", "nih_adjudicated")
    assert done[0] not in done[1:], "what had been measured was not measured again"
    own = measured.metrics(measured.leaderboard()["prediction_id"].tolist())
    board = measured.leaderboard()
    assert set(own.loc[own["label_set"] == "experts", "prediction_id"]) == set(
        board.loc[board["split"] == "test", "prediction_id"])
    other = adjudicated(films[:120]).replace({"Pneumothorax": {"YES": "NO"}})
    assert "there is a label set 'experts' already" in add(write(other), "--description", "nih_adjudicated").stderr


def test_the_majority_of_readers_and_each_of_them(store, films, write):
    said = {"A": [1, 1, 0, 1], "B": [1, 0, 0, 0], "C": [0, 1, 0, None]}  # the last film: a tie
    rows = [(film, reader, value) for reader, values in said.items()
            for film, value in zip(films[:4], values, strict=True)]
    file = write(pd.DataFrame(rows, columns=["image", "reader", "Mass"]))
    added(file, name="panel")
    assert np.array_equal(store.labels(DATASET, "panel")["Mass"], [1, 1, 0, np.nan], equal_nan=True)
    assert "panel B: 4 films, Mass" in added(file, "--by", "reader", name="panel")
    sets = {one.name: one.reader for one in store.label_sets()}
    assert sets == {CSV: "", "panel": "", "panel A": "A", "panel B": "B", "panel C": "C"}
    assert np.array_equal(store.labels(DATASET, "panel C")["Mass"], [0, 1, 0, np.nan], equal_nan=True)


@pytest.mark.parametrize(("policy", "value"), [("unknown", np.nan), ("positive", 1), ("negative", 0)])
def test_a_policy_for_uncertain_labels(store, films, write, policy, value):
    file = write(pd.DataFrame({"image": films[:3], "Mass": [-1, 1, 0]}))
    assert f"1 labels are uncertain and count as {policy}: Mass 1" in added(file, "--policy", policy)
    assert np.array_equal(store.labels(DATASET, "experts")["Mass"], [value, 1, 0], equal_nan=True)
    assert store.label_set(DATASET, "experts").policy == policy
    assert store.label_set(DATASET, "experts").source == "read.csv"


def test_what_is_left_out_is_listed_with_the_line_that_takes_it(store, films, write):
    file = write(pd.DataFrame({"image": films[:30], "Mass": [0, 1] * 15, "Spots": [1, 0] * 15, "Nodule or mass": 1}))
    said = added(file)
    assert "left out: Spots: no known finding; --map 'Spots=Spots' would take it" in said
    assert "Nodule or mass: no finding of this data set" in said
    assert "--description nih_adjudicated makes it of Nodule and Mass" in said
    said = added(file, "--again", "--map", "Spots=nodule")
    assert "Spots:" not in said and store.label_set(DATASET, "experts").findings == ("Mass", "Nodule")
    assert store.labels(DATASET, "experts")["Nodule"].tolist() == [1, 0] * 15
    added(write(adjudicated(films[:9])), "--description", "nih_adjudicated", "--map", "Fracture=Mass", name="mapped")
    assert store.label_set(DATASET, "mapped").findings == ("Mass", "Pneumothorax", "Nodule_or_mass")


def test_films_under_another_ending_and_a_single_film(store, films, write):
    said = added(write(f"image,Mass\n{films[0].removesuffix('.png')}.jpg,1\n"))
    assert "experts: 1 films, Mass" in said and store.labels(DATASET, "experts").index.tolist() == [films[0]]


def test_new_predictions_are_measured_on_the_sets_that_are_there(store, films, write):
    added(write(adjudicated(films[:100])), "--description", "nih_adjudicated")
    run_id = store.create_run({"name": "later", "arch": "vgg16"}, DATASET, split=("official", 0, "abc"))
    scores = np.random.default_rng(5).random((N_TEST, 14), np.float32)
    saved = {"test": store.save_predictions(run_id, DATASET, "test", films, scores)}
    measure(store, run_id, saved)
    rows = store.metrics([saved["test"]])
    assert set(rows["label_set"]) == {CSV, "experts"}
    found = rows.query("label_set == 'experts' and metric == 'auroc' and finding == 'Pneumothorax'")
    assert found["n"].item() == 100
    elsewhere = store.save_predictions(run_id, DATASET, "val", films[150:], scores[150:])  # films that nobody read
    label_metrics.measure_other_sets(store, run_id, elsewhere, DATASET)
    assert not set(store.metrics([elsewhere])["label_set"])


# -- what is refused: one line, and nothing is saved


def readers(*rows: str) -> str:
    return "\n".join(["image,reader,Mass", *rows, ""])


REFUSED = {
    "other films": ("image,Mass\nx.png,1\ny.png,0\n", (), "none of the 2 films of the file is of data set scored"),
    "read twice": (readers("{0},A,1", "{1},A,0", "{0},A,0"), (), "{0}"),
    "no finding": ("image,Spots\n{0},1\n{1},0\n", (), "--map"),
    "findings of another list": ("image,Fracture\n{0},1\n{1},0\n", (), "none of the findings of the file (Fracture)"),
    "no film": ("Mass\n1\n0\n", (), "film"),
    "no label": ("image,Mass\n{0},1\n{1},perhaps\n", ("--map", "Mass=Mass"), "perhaps"),
    "unknown policy": ("image,Mass\n{0},1\n", ("--policy", "guess"), "--policy"),
    "mapped to no name": ("image,Spots\n{0},1\n", ("--map", "Spots=<b>"), "--map"),
    "half a map": ("image,Mass\n{0},1\n", ("--map", "Spots"), "COLUMN=FINDING"),
    "unknown description": ("image,Mass\n{0},1\n", ("--description", "nobody"), "nobody"),
    "unknown data set": ("image,Mass\n{0},1\n", ("--dataset", "other"), "no data set 'other'"),
    "one reader of another form": (readers("{0},A,1", "{0},../B,1"), ("--by", "reader"), "name of a label set"),
    "two readers of one name": (readers("{0},A,1", "{0},a,1"), ("--by", "reader"), "one name"),
    "nothing said": ("image,Mass,Edema\n{0},,\n{1},,-1\n", (), "says neither yes nor no"),
    "mapped column that is not there": ("image,Mass\n{0},1\n", ("--map", "Spots=Edema"), "is no column of"),
    "empty": ("", (), ""),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_read_whole_leaves_nothing(store, films, write, case):
    content, flags, said = REFUSED[case]
    refused(store, write(content.format(*films)), flags, said.format(*films))


@pytest.mark.parametrize(("name", "said"), [
    ("csv", "means the labels that the data set came with"), ("Own", "means the labels"), ("own on me", "means the"),
    ("taken", "there is a label set 'taken' already"), ("TAKEN", "has a label set 'taken' already"),
    ("", "--name is needed"),
    ("../x", "name of a label set"), ("x" * 61, "name of a label set"), ("a\x1b[1m", "name of a label set")])
def test_a_name_that_is_taken_or_means_something_else(store, films, write, name, said):
    store.save_label_set(DATASET, "taken", store.labels(DATASET)[["Mass"]].iloc[:5])
    file = write(f"image,Mass\n{films[0]},1\n{films[1]},0\n")
    refused(store, file, ("--again",) if name == "TAKEN" else (), said, name)


def refused(store: Store, file: Path, flags: tuple, said: str, name: str = "experts") -> None:
    before = tables_of(store)
    done = add(file, *flags, name=name)
    last = done.stderr.strip().splitlines()
    assert done.returncode and last[-1].partition("error: ")[2], done.stderr
    assert said in last[-1] and done.stdout == "" and "Traceback" not in done.stderr
    assert tables_of(store) == before


@pytest.mark.parametrize(("flags", "said"), [
    (("add", "--name", "x"), "needs a FILE"), (("remove", "--name", "nobody"), "no label set 'nobody'"),
    (("remove", "--name", "csv"), "they stay"), (("remove",), "--name is needed"),
    (("add", "nowhere.csv", "--name", "x"), "nowhere.csv")])
def test_what_is_not_there(store, flags, said):
    before = tables_of(store)
    done = here("labels.py", *flags)
    assert done.returncode and said in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert tables_of(store) == before


def test_an_empty_store_has_nothing_to_list_and_no_films(write):
    assert "the store has no data set" in here("labels.py", "list").stdout
    done = add(write("image,Mass\na.png,1\n"))
    assert done.returncode and "the store has: none" in done.stderr and not default_store().exists()


# -- real networks, real experts


NETWORKS = {"MobileNet_V2": (0.920, 0.889), "DenseNet201": (0.909, 0.937), "ResNet50": (0.898, 0.914)}


@pytest.fixture(scope="module")
def real(shared, real_table, tmp_path_factory) -> tuple[Store, str, str]:
    """Three imported networks with the adjudicated file beside NIH's labels: (store, data set, what adding it said)."""
    file = shared / "labels" / "google2019_nih-chest-xray-labels.csv.gz"
    if not file.exists():
        pytest.skip("no adjudicated labels in ../shared")
    store = Store(tmp_path_factory.mktemp("real") / "store.duckdb")
    dataset_id = film_table.dataset_hash(real_table.images, real_table.labels, NIH_FINDINGS)
    store.add_dataset(dataset_id, real_table.images, real_table.labels, NIH_FINDINGS, name="NIH", kind="nih",
                      label_source="csv")
    for network in NETWORKS:
        frame = pd.read_csv(shared / "predictions" / f"{network}_preds.csv").set_index("Image Index")
        names = [name.removeprefix("prob_") for name in frame.columns]
        run_id = store.create_run({"name": network, "arch": network.lower()}, dataset_id, "imported")
        store.save_predictions(run_id, dataset_id, "test", list(frame.index),
                               align(names, frame.to_numpy(), NIH_FINDINGS))
    said = added(file, "--description", "nih_adjudicated", "--store", store.path)
    return store, dataset_id, said


def test_experts_turn_the_ranking_of_real_networks(real):
    store, _, said = real
    assert "AUROC on test, on the 935 films that 'experts' has read" in said and "57 -> 46" in said
    board = store.leaderboard().merge(store.runs()[["run_id", "name"]].rename(columns={"name": "network"}), on="run_id")
    for network, (nih, experts) in NETWORKS.items():
        assert f"{nih:.3f} -> {experts:.3f}" in said
        prediction_id = board.set_index("network").at[network, "prediction_id"]
        rows = store.metrics([prediction_id]).query(
            "label_set == 'experts' and metric == 'auroc' and finding == 'Pneumothorax'")
        assert round(rows["value"].item(), 3) == experts
        assert (rows["n"].item(), rows["n_positive"].item()) == (935, 46)


@pytest.mark.parametrize(("label_set", "middle", "low", "high", "word"), [
    ("Own on experts", 0.011, -0.015, 0.034, "tied"), ("experts", -0.049, -0.093, -0.021, "worse")])
def test_the_difference_of_two_real_networks_by_either_reading(real, label_set, middle, low, high, word):
    """MobileNetV2 less DenseNet-201 over patients, as the Compare page says it."""
    store = real[0]
    overview = from_store.overview(store)
    rows = overview.runs.set_index("name", drop=False).loc[["MobileNet_V2", "DenseNet201"]]
    runs = evaluated_runs.evaluated(rows, overview, dict(zip(rows["run_id"], rows["name"], strict=True)), "test",
                                    label_set)
    compared = comparison.compare(store, runs, dict(zip(rows["run_id"], rows["architecture"], strict=True)), "test")
    found, _ = comparison.contrasts(compared, rows.at["DenseNet201", "run_id"], "auroc")
    [contrast] = found
    assert contrast.one.run.label == "MobileNet_V2" and contrast.words[0] == word
    change = contrast.change
    assert round(change.point[0], 3) == middle
    assert [change.low[0], change.high[0]] == pytest.approx([low, high], abs=0.003)  # those of other draws


def test_how_good_nihs_label_is(real):
    store, dataset_id, _ = real
    found = label_quality.label_quality(store, store.label_set(dataset_id, "experts"))
    table = label_quality.quality_table(found).set_index("finding")
    assert found.n_films == 4_376
    assert table.loc["Pneumothorax", ["tp", "fp", "fn"]].tolist() == [109, 129, 129]
    assert table.loc["Pneumothorax", ["precision", "recall"]].astype(float).round(3).tolist() == [0.458, 0.458]
    assert table.loc["Nodule_or_mass", ["precision", "recall"]].astype(float).round(3).tolist() == [0.563, 0.423]
    assert (table["precision_low"] < table["precision"]).all() and (table["kappa"] < table["kappa_high"]).all()
