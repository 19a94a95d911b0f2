"""`eval.py --thresholds FILE`: a set from a file is read beside those that evaluation fits."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import f1_score, recall_score

from cxrcore.config import EvalConfig
from cxrcore.data import films as film_sets
from cxrcore.errors import ThresholdFileError
from cxrcore.evaluation.data_set_films import add_dataset
from cxrcore.evaluation.evaluate_run import evaluate
from cxrcore.evaluation.measure_predictions import measure, stored_set
from cxrcore.explain import home_maps
from cxrcore.findings import NIH_FINDINGS
from cxrcore.networks import checkpoint as checkpoints
from cxrcore.networks.architectures import build
from cxrcore.networks.checkpoint import Checkpoint
from cxrcore.queries import evaluated_runs, from_store
from cxrcore.queries.glance import home_films
from cxrcore.store import Store
from cxrcore.store.run_folder import BEST, HOME_MAPS
from cxrcore.store.threshold_file import ThresholdFile, threshold_file_text

TUNED = np.linspace(0.42, 0.58, len(NIH_FINDINGS))  # an untrained network's scores lie about one half


@dataclass(frozen=True)
class Evaluated:
    """A store in a folder of its own, with one run that has been evaluated."""

    store: Store
    run_id: str

    def prediction_id(self, part: str) -> str:
        """The newest predictions of a part."""
        return self.store.prediction_sets(self.run_id).drop_duplicates("split").set_index("split").loc[
            part, "prediction_id"]

    def file(self, **fields) -> ThresholdFile:
        """A set as the dashboard would export it: dragged on the val predictions of this run."""
        row = self.store.run(self.run_id)
        plain = {"name": "tuned", "objective": "manual", "run_id": self.run_id, "fitted_on": "val",
                 "dataset_id": row["dataset_id"], "split_fingerprint": row["split_fingerprint"],
                 "prediction_id": self.prediction_id("val"), "checkpoint_sha256": self.sha256}
        return ThresholdFile(TUNED, NIH_FINDINGS, **(plain | fields))

    @property
    def sha256(self) -> str:
        return checkpoints.sha256(self.store.run_folder(self.run_id) / BEST)

    def sets(self) -> pd.DataFrame:
        return self.store.threshold_sets(self.run_id)

    def metrics(self) -> pd.DataFrame:
        """All metrics that the store holds of this run."""
        return self.store.metrics(self.store.prediction_sets(self.run_id)["prediction_id"].tolist())


@pytest.fixture(scope="module")
def made(tiny_nih, tmp_path_factory) -> Evaluated:
    """Read-only by agreement."""
    store = Store(tmp_path_factory.mktemp("made") / "runs" / "store.duckdb")
    csv = tiny_nih / "Data_Entry_2017.csv"
    films = film_sets.load_film_set(str(csv), str(tiny_nih), "patient", 0)
    split, dataset_id = films.split, films.table.dataset_id
    add_dataset(store, films)
    config = {"name": "made", "arch": "resnet18", "csv_path": str(csv), "img_root": str(tiny_nih)}
    run_id = store.create_run(config, dataset_id, split=("patient", 0, split.fingerprint))
    store.run_folder(run_id).mkdir()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = build("resnet18", 32, 14).state_dict()
    checkpoints.save_checkpoint(store.run_folder(run_id) / BEST, Checkpoint(
        state=state, architecture="resnet18", image_size=32, mean=(0.5,) * 3, std=(0.25,) * 3, training_corpus="none",
        split={"scheme": "patient", "seed": 0, "fingerprint": split.fingerprint}, dataset_id=dataset_id,
        run_id=run_id, epoch=1, findings=NIH_FINDINGS))
    store.finish_run(run_id, "finished", best_epoch=1)
    evaluate(EvalConfig(run=run_id, store=str(store.path), results=str(store.path.parent / "first")))
    return Evaluated(store, run_id)


@pytest.fixture
def here(made, tmp_path) -> Evaluated:
    """A copy that a test may write to."""
    folder = shutil.copytree(made.store.path.parent, tmp_path / "copy")
    return Evaluated(Store(folder / "store.duckdb"), made.run_id)


@pytest.fixture
def read(here, tmp_path, capsys) -> Callable[..., tuple[pd.DataFrame, str]]:
    """Evaluates with a set in a file; returns metrics.csv by (split, finding), and what was printed."""

    def run(given: ThresholdFile | dict, name: str = "set.json", **flags) -> tuple[pd.DataFrame, str]:
        path = tmp_path / name
        path.write_text(json.dumps(given) if isinstance(given, dict) else threshold_file_text(given), encoding="utf-8")
        source = {} if "weights" in flags else {"run": here.run_id}
        evaluate(EvalConfig(store=str(here.store.path), thresholds=str(path), results=str(tmp_path), **source, **flags))
        table = pd.read_csv(tmp_path / "tables" / "metrics.csv").set_index(["split", "finding"])
        printed = capsys.readouterr().out
        assert (tmp_path / "tables" / "metrics.txt").read_text(encoding="utf-8") in printed
        return table, printed

    return run


def test_maps_of_a_few_test_films_are_kept_beside_the_run_and_read_without_the_network(made):
    """Each film by a finding that it has, and its maps the explainer's own, made small."""
    with np.load(made.store.run_folder(made.run_id) / HOME_MAPS, allow_pickle=False) as held:
        films, maps, scores = held["image_ids"], held["maps"], held["scores"]
        assert str(held["checkpoint"]) == made.sha256 and tuple(held["findings"]) == NIH_FINDINGS
    stored = made.store.predictions(made.prediction_id("test"))
    assert 0 < len(films) <= home_maps.N_FILMS and set(films) <= set(stored.image_ids)
    assert maps.shape == (len(films), len(NIH_FINDINGS), home_maps.SIDE, home_maps.SIDE) and maps.dtype == np.uint8
    rows = [list(stored.image_ids).index(film) for film in films]
    np.testing.assert_allclose(scores, stored.scores[rows], atol=1e-4)
    assert (stored.labels[rows] == 1).any(axis=1).all()
    overview = from_store.overview(made.store)
    [run] = evaluated_runs.evaluated(overview.runs, overview, {made.run_id: "made"})
    shown = home_films.read(made.store, run, "test")
    assert [one.image_id for one in shown] == list(films)
    assert all(np.array_equal(one.maps[name], maps[place, k]) for place, one in enumerate(shown)
               for k, name in enumerate(NIH_FINDINGS))


@pytest.mark.parametrize("broken", [b"", b"PK no zip", None])
def test_without_kept_maps_a_film_stands_alone(here, broken):
    path = here.store.run_folder(here.run_id) / HOME_MAPS
    path.unlink()
    if broken is not None:
        path.write_bytes(broken)
    overview = from_store.overview(here.store)
    [run] = evaluated_runs.evaluated(overview.runs, overview, {here.run_id: "made"})
    [film] = home_films.read(here.store, run, "test")
    assert not film.maps and film.labels and film.pixels.dtype == np.uint8


def notes(printed: str) -> list[str]:
    return [line for line in printed.splitlines() if line.startswith("note:")]


def block(printed: str, part: str) -> str:
    """The printed table of one part."""
    return next(piece for piece in printed.split("\n\n") if piece.startswith(f"{part}: "))


def test_a_set_of_this_store_is_read_on_every_part_and_not_saved_again(here, read):
    file = here.file()
    set_id = here.store.save_threshold_set(file.prediction_id, file.name, file.objective, file.thresholds)
    before = here.sets()["set_id"]
    table, printed = read(file)
    assert "flatters them: max F1, classic, tuned" in block(printed, "val") and "flatters" not in block(printed, "test")
    assert not notes(printed) and f"thresholds 'tuned' from a file, fitted on val of run {here.run_id}" in printed
    sets = here.sets()
    assert sorted(sets.loc[~sets["set_id"].isin(before), "name"]) == ["0.5", "classic", "max F1"]
    for part in ("val", "test"):
        assert "| at tuned" in block(printed, part)
        held = here.store.predictions(here.prediction_id(part))
        alarms = held.scores.astype(np.float64) >= TUNED
        stored = here.store.metrics([here.prediction_id(part)]).set_index(["set_id", "finding", "metric"])["value"]
        for k, finding in enumerate(NIH_FINDINGS):
            assert table.loc[(part, finding), "threshold@tuned"] == TUNED[k]
            if held.labels[:, k].any():
                for metric, measure in (("f1", f1_score), ("recall", recall_score)):
                    expected = measure(held.labels[:, k], alarms[:, k])
                    assert table.loc[(part, finding), f"{metric}@tuned"] == pytest.approx(expected, abs=1e-12)
                    assert stored[(set_id, finding, metric)] == pytest.approx(expected, abs=1e-12)
        assert stored[(set_id, "macro", "f1")] == table.loc[(part, "macro"), "f1@tuned"]


def test_a_set_that_was_fitted_here_is_saved_once(here, read):
    file = here.file(objective="recall", parameters={"recall": 0.9}, author="A. Reader", note="for the night")
    read(file)
    _, printed = read(file)
    saved = here.sets().query("name == 'tuned'")
    assert len(saved) == 1 and not notes(printed)
    row = saved.iloc[0]
    assert (row["prediction_id"], row["objective"], row["author"], row["note"]) == (
        file.prediction_id, "recall", "A. Reader", "for the night")
    assert json.loads(row["parameters"]) == {"recall": 0.9} and (np.array(row["thresholds"]) == TUNED).all()
    measured = here.metrics()
    assert measured.query("threshold_set == 'tuned'")["prediction_id"].nunique() == 4  # val and test, twice


def test_another_set_under_the_same_name_is_another_set(here):
    file = here.file()
    one = stored_set(here.store, file)
    other = stored_set(here.store, replace(file, thresholds=np.nextafter(TUNED, 1)))
    assert stored_set(here.store, file) == one != other
    assert set(here.sets().query("name == 'tuned'")["set_id"]) == {one, other}


def test_a_bare_mapping_is_read_but_not_kept(here, read):
    plain = len(here.metrics())
    table, printed = read(dict(zip(NIH_FINDINGS, TUNED, strict=True)), name="from elsewhere.json")
    assert len(notes(printed)) == 1 and "'from elsewhere'" in notes(printed)[0] and "not in this store" in printed
    assert table["f1@from elsewhere"].notna().any() and "| at from elsewhere" in block(printed, "test")
    assert set(here.sets()["name"]) == {"0.5", "max F1", "classic"}
    measured = here.metrics()
    assert len(measured) == 2 * plain
    ranking = measured["metric"].isin(["auroc", "ap", "brier", "ece"])
    assert (measured["set_id"].isna() == ranking).all()


def test_a_colleagues_set_is_read_but_not_kept(here, read):
    _, printed = read(here.file(prediction_id="20170101-000000-ffffff", run_id="20170101-000000-eeeeee"))
    unknown, another = notes(printed)
    assert "not in this store" in unknown and "another run, 20170101-000000-eeeeee" in another
    assert set(here.sets()["name"]) == {"0.5", "max F1", "classic"}


def test_another_checkpoint_of_the_run_is_noted(read, here):
    _, printed = read(here.file(checkpoint_sha256="0123456789abcdef" * 4))
    (note,) = notes(printed)
    assert "another checkpoint, sha256 0123456789ab" in note


def test_a_name_that_evaluation_uses_itself_is_told_apart(here, read):
    table, printed = read(here.file(name="max F1", objective="max_f1"))
    assert "| at max F1 (file)" in printed and "thresholds 'max F1 (file)' from a file" in printed
    assert (table.loc["test"].loc[list(NIH_FINDINGS), "threshold@max F1 (file)"] == TUNED).all()
    assert not (table.loc["test"].loc[list(NIH_FINDINGS), "threshold@max F1"] == TUNED).any()
    board = here.store.leaderboard().set_index("split")
    assert board.loc["test", "f1"] == table.loc[("test", "macro"), "f1@max F1"]  # evaluation's own


@pytest.mark.parametrize(("fields", "flattered"), [
    ({}, {"val"}),
    ({"fitted_on": "test"}, {"test"}),
    ({"fitted_on": "test", "split_fingerprint": "other"}, set()),
    ({"dataset_id": "other"}, set()),
])
def test_a_set_is_marked_where_it_was_fitted(here, fields, flattered):
    parts = {part: here.prediction_id(part) for part in ("val", "test")}
    measured = measure(here.store, here.run_id, parts, here.file(**fields))
    assert {part for part in parts if "tuned" in measured.fitted_on(part)} == flattered
    assert "max F1" in measured.fitted_on("val") and "max F1" not in measured.fitted_on("test")


def test_on_external_films_a_set_of_the_run_is_read_once(here, read, tiny_nih_copy):
    csv = tiny_nih_copy / "Data_Entry_2017.csv"
    csv.write_text(csv.read_text().replace("No Finding", "Hernia", 3))
    films = {"csv_path": str(csv), "img_root": str(tiny_nih_copy)}
    own = here.sets().query("name == 'max F1'").iloc[0]
    file = here.file(name=own["name"], objective=own["objective"], prediction_id=own["prediction_id"])
    table, _ = read(replace(file, thresholds=np.array(own["thresholds"])), **films)
    assert {c.split("@")[1] for c in table if "@" in c} == {"0.5", "max F1", "classic"}
    table, printed = read(file, **films)  # the same name, other thresholds
    assert {c.split("@")[1] for c in table if "@" in c} == {"0.5", "max F1", "classic", "max F1 (file)"}
    assert (table.loc["external"].loc[list(NIH_FINDINGS), "threshold@max F1"] == own["thresholds"]).all()
    assert "flatters" not in printed
    assert not here.metrics().duplicated(["prediction_id", "set_id", "finding", "metric"]).any()


def test_a_long_name_is_cut_above_its_columns_and_nowhere_else(here, read):
    table, printed = read(here.file(name="n" * 50 + "\n"))
    assert f"| at {'n' * 33}…" in block(printed, "test") and f"f1@{'n' * 50}" in table


def test_a_bad_file_ends_it_before_anything_is_done(here, tmp_path):
    path = tmp_path / "set.json"
    path.write_text('{"Mass": -2}')
    before = sorted(tmp_path.rglob("*")), here.store.change_token()
    with pytest.raises(ThresholdFileError, match=r"set\.json: the threshold of Mass is -2"):
        evaluate(EvalConfig(run=here.run_id, store=str(here.store.path), thresholds=str(path),
                            results=str(tmp_path / "results")))
    assert (sorted(tmp_path.rglob("*")), here.store.change_token()) == before


def test_a_set_is_kept_by_name_in_the_order_of_its_predictions(here):
    file = here.file()
    turned = replace(file, thresholds=file.thresholds[::-1], findings=NIH_FINDINGS[::-1])
    set_id = stored_set(here.store, turned)
    assert here.sets().set_index("set_id")["thresholds"][set_id].tolist() == TUNED.tolist()
    assert stored_set(here.store, file) == set_id
    assert stored_set(here.store, replace(file, findings=("Lung_Opacity", *NIH_FINDINGS[1:]))) is None
