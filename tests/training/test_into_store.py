"""No training fails for its store's sake: what the store does not take is kept, handed in later, and told meanwhile."""

import os
from collections.abc import Callable

import numpy as np
import pytest
from filelock import FileLock
from known_data import known_data
from run_scripts import here
from small_trainings import resumed, same_weights, small

from cxrcore.errors import RunError, StoreReadOnly
from cxrcore.evaluation import evaluate_run, hand_in
from cxrcore.queries import from_store, run_progress
from cxrcore.store import Store, progress, turns, waiting
from cxrcore.training import into_store, train_run

EPOCHS = 2


@pytest.fixture(scope="module")
def undisturbed(tiny_nih, tmp_path_factory) -> tuple[Store, str]:
    """The same training with nothing in its way."""
    home = tmp_path_factory.mktemp("undisturbed")
    return Store(home / "store.duckdb"), train_run.train(small(tiny_nih, home, epochs=EPOCHS))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(turns, "WRITER_WAIT", 0.3)
    monkeypatch.setattr(turns, "READER_WAIT", 0.3)


def busy(store: Store) -> Callable[[], None]:
    """Somebody holds the store; returns what ends it."""
    gate = FileLock(f"{store.path}.gate")
    gate.acquire()
    return gate.release


def away(store: Store) -> Callable[[], None]:
    """The store is moved away, and brought back."""
    elsewhere = store.path.with_suffix(".elsewhere")
    store.path.rename(elsewhere)
    return lambda: elsewhere.rename(store.path)


def restored(store: Store) -> Callable[[], None]:
    """An older state comes in the store's place: without the last epochs, of a run that it calls running."""
    older = store.path.with_suffix(".older")
    os.replace(older, store.path)
    return lambda: None


def after_epoch(number: int, do: Callable[[], None]) -> Callable[..., None]:
    """In place of what is printed of an epoch."""
    return lambda record, *_: do() if record.epoch == number else None


def assert_as_undisturbed(store: Store, run_id: str, undisturbed: tuple[Store, str]):
    """The run is finished, holds each row once, and what it holds is what the undisturbed one holds."""
    other, other_id = undisturbed
    assert store.run(run_id)["status"] == "finished"
    numbers = [name for name in store.epochs([run_id]).columns if name not in ("run_id", "seconds",
                                                                                "images_per_second")]
    assert store.epochs([run_id])[numbers].equals(other.epochs([other_id])[numbers])
    assert same_weights(store.run_folder(run_id), other.run_folder(other_id))
    sets, wanted = (one.prediction_sets(own).set_index("split") for one, own in ((store, run_id), undisturbed))
    assert sorted(sets.index) == sorted(wanted.index) == ["test", "val"]
    for part in sets.index:
        ours, theirs = (one.predictions(row.loc[part, "prediction_id"]) for one, row in ((store, sets),
                                                                                          (other, wanted)))
        assert (ours.image_ids == theirs.image_ids).all()
        np.testing.assert_array_equal(ours.scores, theirs.scores)
    assert len(store.metrics(list(sets["prediction_id"]))) == len(other.metrics(list(wanted["prediction_id"])))
    assert sorted(store.threshold_sets(run_id)["name"]) == sorted(other.threshold_sets(other_id)["name"])
    assert store.run(run_id)["best_epoch"] == other.run(other_id)["best_epoch"] and store.run(run_id)["cost"]
    assert {path.name for path in store.run_folder(run_id).iterdir()} == {
        path.name for path in other.run_folder(other_id).iterdir()}


@pytest.mark.parametrize("trouble", [busy, away, restored])
def test_results_wait_on_disk_and_are_handed_in_once(trouble, undisturbed, tiny_nih, tmp_path, monkeypatch):
    store, mend = Store(tmp_path / "store.duckdb"), []
    if trouble is restored:
        monkeypatch.setattr(train_run, "_print_epoch", after_epoch(
            1, lambda: store.path.with_suffix(".older").write_bytes(store.path.read_bytes())))
    evaluate = evaluate_run.evaluate_run
    monkeypatch.setattr(evaluate_run, "evaluate_run",
                        lambda *given, **named: (mend.append(trouble(store)), evaluate(*given, **named)))
    if trouble is away:
        monkeypatch.setattr(train_run, "_print_epoch", after_epoch(1, lambda: mend.append(away(store))))
        monkeypatch.setattr(evaluate_run, "evaluate_run", evaluate)
    run_id = train_run.train(small(tiny_nih, tmp_path, epochs=EPOCHS))
    if trouble is away:
        assert not store.path.exists(), "a store that is away is not made anew"
    mend[0]()
    if trouble is not restored:  # into the older state, they went
        assert_waiting(store, run_id)
        monkeypatch.setattr(train_run, "_fit", None)
        resumed(store, run_id) if trouble is busy else here("store.py", "hand-in", "--store", store.path)
    assert_as_undisturbed(store, run_id, undisturbed)
    said = here("store.py", "hand-in", "--store", store.path)
    assert said.returncode == 0 and "no results wait" in said.stdout


def assert_waiting(store: Store, run_id: str):
    """Pages and the check say that results wait; nothing of them is in the store yet."""
    runs = store.runs()
    assert from_store.statuses(store, runs) == {run_id: progress.WAITING} and list(runs["status"]) != ["failed"]
    said = run_progress.trouble(progress.WAITING, progress.of_run(store, run_id))
    assert "its results wait to be handed in" in said
    assert store.prediction_sets().empty
    checked = here("store.py", "check", "--store", store.path)
    assert checked.returncode == 0 and f"results of run {run_id} wait to be handed in" in checked.stdout


def test_a_training_that_is_killed_while_it_hands_in_is_finished_by_the_next_script(undisturbed, tiny_nih, tmp_path,
                                                                                    monkeypatch):
    """Killed after each step of the handing in: what is done again adds nothing."""
    store = Store(tmp_path / "store.duckdb")

    def stop(*_, **__):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(hand_in, "_put", stop)
        with pytest.raises(SystemExit):
            train_run.train(small(tiny_nih, tmp_path, epochs=EPOCHS))
    (run_id,) = store.runs()["run_id"]
    (path,) = waiting.of_run(store, run_id)
    results = waiting.read(path)
    for method in ("save_threshold_set", "save_calibrator", "save_metrics", "finish_run"):
        with monkeypatch.context() as patch:
            patch.setattr(Store, method, stop)
            with pytest.raises(SystemExit):
                hand_in._put(store, results, path)
    assert store.run(run_id)["status"] != "finished"
    here("export.py", "--store", store.path, "--out", tmp_path / "out")
    assert_as_undisturbed(store, run_id, undisturbed)


def test_a_run_that_is_deleted_while_it_trains_ends_and_leaves_nothing(tiny_nih, tmp_path, monkeypatch):
    store = Store(tmp_path / "store.duckdb")
    monkeypatch.setattr(train_run, "_print_epoch", after_epoch(
        1, lambda: store.delete_run(store.runs()["run_id"][0])))
    with pytest.raises(RunError, match="were deleted while it trained"):
        train_run.train(small(tiny_nih, tmp_path, epochs=EPOCHS))
    assert store.runs().empty and store.epochs([]).empty
    assert [path.name for path in tmp_path.glob("*-*-*/*.pth")] == []


def test_results_of_another_store_and_damaged_ones_are_left_and_named(undisturbed, tmp_path):
    run_id = undisturbed[1]
    store = Store(tmp_path / "store.duckdb")
    own = store.create_run({"name": "own"}, "0123456789ab")
    for name in (run_id, own):
        store.run_folder(name).mkdir(exist_ok=True)
        (store.run_folder(name) / "waiting-training-20200101-000000-abcdef.npz").write_bytes(b"PK damaged")
    assert hand_in.hand_in_waiting(store) == ([], waiting.of_run(store, own))
    checked = here("store.py", "check", "--store", store.path)
    assert f"{run_id} belongs to no run, and holds results that wait to be handed in" in checked.stdout
    assert "cannot be read" in checked.stdout and checked.returncode == 1


def test_scores_that_wait_of_a_run_that_was_interrupted_do_not_end_its_training(tmp_path):
    """As eval.py leaves them of the best epoch so far: they are handed in, and the training can still go on."""
    store = Store(tmp_path / "store.duckdb")
    known = known_data()
    store.add_dataset(known.dataset_id, known.images, known.labels, known.findings, name="tiny", kind="nih",
                      label_source="csv")
    run_id = store.create_run({"name": "stopped"}, known.dataset_id)
    store.finish_run(run_id, "interrupted")
    scores = np.random.default_rng(0).random((40, 14)).astype(np.float32)
    part = waiting.ScoredPart("val", np.array(known.image_ids), scores, "model_best.pth", "0" * 64, 40)
    path = waiting.keep(store, waiting.Results(run_id, known.dataset_id, (part,)))
    held = waiting.read(path)
    assert held.parts[0].prediction_id == part.prediction_id and (held.parts[0].scores == scores).all()
    assert from_store.statuses(store, store.runs()) == {run_id: "interrupted"}
    assert not into_store.has_handed_in(store, run_id) and not path.exists()
    assert list(store.prediction_sets(run_id)["prediction_id"]) == [part.prediction_id]
    assert store.run(run_id)["status"] == "interrupted"


def test_what_was_measured_against_some_labels_alone_is_measured_against_all_by_the_next_script(tmp_path, monkeypatch):
    """Killed after each table of metrics that a measurement saves, of own labels and of two further readings."""
    home = {}
    for name in ("whole", "killed"):
        store = home[name] = Store(tmp_path / name / "store.duckdb")
        known = known_data()
        store.add_dataset(known.dataset_id, known.images, known.labels, known.findings, name="tiny", kind="nih",
                          label_source="csv")
        for reader, films in (("first", slice(None)), ("second", slice(0, 20))):
            store.save_label_set(known.dataset_id, reader, 1 - store.labels(known.dataset_id)[["Mass"]].iloc[films])
        store.create_run({"name": "read"}, known.dataset_id)
    rng = np.random.default_rng(0)
    parts = tuple(waiting.ScoredPart(part, np.array(known.image_ids)[rows],
                                     rng.random((20, 14)).astype(np.float32), "model_best.pth", "0" * 64, 20)
                  for part, rows in (("val", slice(0, 20)), ("test", slice(20, 40))))
    (own,), (killed,) = (one.runs()["run_id"] for one in home.values())
    hand_in.hand_in(home["whole"], waiting.Results(own, known.dataset_id, parts))
    expected, store = measured_by(home["whole"]), home["killed"]
    assert {(part, label_set) for part, label_set, *_ in expected} == {
        ("val", "csv"), ("val", "first"), ("val", "second"), ("test", "csv"), ("test", "first")}
    path = waiting.keep(store, waiting.Results(killed, known.dataset_id, parts))
    for n_saved in (1, 2, 1, 1):  # val; val and test, against their own labels; val against the first, the second
        with monkeypatch.context() as patch:
            stop_after_saving(patch, n_saved)
            with pytest.raises(SystemExit):
                hand_in.hand_in_waiting(store)
        assert path.exists() and measured_by(store) != expected
    assert hand_in.hand_in_waiting(store) == ([path], []) and not path.exists()
    assert measured_by(store) == expected
    rows = store.run_tables(killed)["metrics"].to_pandas()
    assert set(rows.loc[rows["label_set"] != "csv"].groupby(["prediction_id", "label_set"])["measurement"].nunique()
               ) == {1}, "what was there already was not measured again"


def stop_after_saving(patch: pytest.MonkeyPatch, n: int) -> None:
    """The process ends when the n-th table of metrics has been saved."""
    save, left = Store.save_metrics, iter(range(n - 1))

    def saved(*given):
        save(*given)
        if next(left, None) is None:
            raise SystemExit

    patch.setattr(Store, "save_metrics", saved)


def measured_by(store: Store) -> list[tuple]:
    """The newest of every metric of a store."""
    sets = store.prediction_sets().set_index("prediction_id")["split"]
    rows = store.metrics(list(sets.index))
    return sorted((sets[row.prediction_id], row.label_set, row.finding, row.metric, str(row.threshold_set),
                   str(row.value), row.n) for row in rows.itertuples())


def test_what_a_killed_process_left_half_written_is_no_result(tmp_path):
    store = Store(tmp_path / "store.duckdb")
    run_id = store.create_run({"name": "n", "arch": "resnet18"}, "d")
    folder = store.run_folder(run_id)
    folder.mkdir(parents=True)
    (folder / "waiting-training-1.77-12.new.npz").write_bytes(b"half")
    assert not waiting.has_trained(store, run_id) and waiting.of_store(store) == []
    assert hand_in.hand_in_waiting(store) == ([], [])
    (folder / "waiting-training-1.npz").write_bytes(b"whole, and damaged")
    assert waiting.has_trained(store, run_id) and len(hand_in.hand_in_waiting(store)[1]) == 1


def test_who_may_only_look_keeps_nothing_to_be_handed_in_later(tmp_path, monkeypatch):
    store = Store(tmp_path / "store.duckdb")
    run_id = store.create_run({"name": "n", "arch": "resnet18"}, "d")
    monkeypatch.setenv("CXR_READ_ONLY", "1")
    with pytest.raises(StoreReadOnly):
        hand_in.hand_in(store, waiting.Results(run_id, "d", ()))
    assert waiting.of_run(store, run_id) == []
