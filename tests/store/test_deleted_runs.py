"""A run, its folder or its store that goes away while it trains: one line, code 2, and no advice that cannot work."""

import re
import shutil

import pytest

from cxrcore import cli
from cxrcore.config import TrainConfig
from cxrcore.data.pixels.prepared import PreparedPixels
from cxrcore.errors import DataError
from cxrcore.store import Store
from cxrcore.store.run_folder import BEST, LAST
from cxrcore.training import train_run


def _run(store, run_id):
    store.delete_run(run_id)


def _folder(store, run_id):
    shutil.rmtree(store.run_folder(run_id))


def _folder_for_a_file(store, run_id):
    _folder(store, run_id)
    store.run_folder(run_id).write_text("in its place")


def _checkpoints(store, run_id):
    for name in (BEST, LAST):
        (store.run_folder(run_id) / name).unlink()


def _store(store, run_id):
    shutil.rmtree(store.path.parent)


def small(tiny_nih, tmp_path, store, epochs: int) -> TrainConfig:
    """A training of a second or two."""
    return TrainConfig(str(tiny_nih / "Data_Entry_2017.csv"), str(tiny_nih), store=str(store.path), arch="resnet18",
                       epochs=epochs, batch_size=8, train_subset=16, val_subset=8, img_size=32, init="random",
                       precision="fp32", eval_subset=8, results=str(tmp_path / "results"))


def _case(lose, epochs, says, goes_on, **more):
    where = "at the end" if epochs == 1 else "on the way"
    return pytest.param(lose, epochs, says, goes_on, id=f"{lose.__name__.strip('_')} {where}", **more)


@pytest.mark.parametrize(("lose", "epochs", "says", "goes_on"), [
    _case(_run, 2, "were deleted while it trained", False),
    _case(_folder, 2, "were deleted while it trained", True),
    _case(_checkpoints, 1, "were deleted while it trained", True),
    _case(_run, 1, "deleted", False, marks=pytest.mark.long),
    _case(_folder, 1, "were deleted while it trained", True, marks=pytest.mark.long),
    _case(_folder_for_a_file, 1, "were deleted while it trained", True, marks=pytest.mark.long),
    _case(_folder_for_a_file, 2, "were deleted while it trained", True, marks=pytest.mark.long),
    _case(_store, 2, "gone|deleted", False, marks=pytest.mark.long),
])
def test_what_goes_away_while_it_trains_is_one_line(tiny_nih, tmp_path, monkeypatch, capsys, lose, epochs, says,
                                                    goes_on):
    store = Store(tmp_path / "runs" / "store.duckdb")
    monkeypatch.setattr(train_run, "_print_epoch", lambda record, *_: record.epoch > 1 or lose(
        store, store.runs()["run_id"][0]))
    config = small(tiny_nih, tmp_path, store, epochs)
    with pytest.raises(SystemExit) as end:
        cli.run(lambda _: train_run.train(config) and None)
    err = capsys.readouterr().err
    assert end.value.code == 2 and "Traceback" not in err
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and re.search(says, lines[0]), err
    assert ("--resume" in err) == goes_on
    if goes_on:
        assert store.runs()["status"].tolist() == ["failed"]


@pytest.mark.parametrize("asked", [1, 2], ids=["before the checkpoint", "before the predictions"])
def test_nothing_is_kept_of_films_that_changed_since_they_were_prepared(tiny_nih, tmp_path, monkeypatch, asked):
    store, times = Store(tmp_path / "runs" / "store.duckdb"), []

    def confirm(_pixels):
        times.append(1)
        if len(times) == asked:
            raise DataError("film a.png has changed")

    monkeypatch.setattr(PreparedPixels, "confirm", confirm)
    with pytest.raises(DataError, match="has changed"):
        train_run.train(small(tiny_nih, tmp_path, store, 1))
    assert store.runs()["status"].tolist() == ["failed"] and store.prediction_sets().empty
    saved = [path.name for path in store.path.parent.rglob("*.pth")]
    assert bool(saved) == (asked == 2) and len(store.epochs(store.runs()["run_id"])) == asked - 1
