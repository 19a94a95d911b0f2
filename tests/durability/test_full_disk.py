"""No room, or a folder that nobody may write to, while the product works: one line, nothing half, and it goes on."""

import subprocess
from pathlib import Path

import fork_server
import killed_work
import kills
import pytest
from killed_work import Home
from kills import Moment
from small_trainings import small

from cxrcore.errors import WorkbenchError
from cxrcore.store.care import checking

context = fork_server.context("killed_work", "small_trainings", "cxrcore.training.train_run",
                              "cxrcore.import_export.import_run")


@pytest.fixture
def home(small_disk, tiny_nih) -> Home:
    """A home on a small disk of its own, with room for the work."""
    remount(small_disk, "size=300m")
    return Home(small_disk, tiny_nih)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Not a byte is left."""
    with (folder / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 20))
        except OSError:
            pass


def read_only(folder: Path) -> None:
    remount(folder, "ro")


def mend(folder: Path) -> None:
    remount(folder, "rw")
    (folder / "filler").unlink(missing_ok=True)


def train_into(home: Home, trouble) -> None:
    """A training whose disk gets into trouble after its first epoch; it has to end with one line."""
    from cxrcore.training import train_run

    printed = train_run._print_epoch
    train_run._print_epoch = lambda record, *rest: (printed(record, *rest), record.epoch == 1 and trouble(home.folder))
    try:
        killed_work.train(home, 1)
    except WorkbenchError as error:
        assert len(str(error).splitlines()) == 1
        return
    raise AssertionError("the training ended as if nothing had happened")


@pytest.mark.parametrize("trouble", [fill, pytest.param(read_only, marks=pytest.mark.long)])
def test_a_training_keeps_its_checkpoints_and_goes_on_to_the_same_weights(trouble, home):
    killed_work.train(home, 0)
    home.acknowledge()
    ended = kills.run(context, Moment(), train_into, home, trouble)
    assert not ended.error, ended.error
    mend(home.folder)
    home.assert_kept()
    (run_id,) = killed_work.of_name(home, "training 1")
    assert home.store.run(run_id)["status"] != "finished" and home.store.epochs([run_id])["epoch"].tolist() == [1]
    killed_work.mend_training(home, 1)
    home.assert_kept()


@pytest.mark.long
@pytest.mark.parametrize("trouble", [fill, read_only])
def test_an_import_an_evaluation_and_an_export_change_nothing_and_can_be_repeated(trouble, home):
    from cxrcore.training import train_run

    killed_work.import_one(home, 0)
    train_run.train(small(home.films, home.store.folder, arch="mobilenet_v2", name="evaluated"))
    home.imported_file(1)
    home.acknowledge()
    before = list(home.store.prediction_sets()["prediction_id"])
    trouble(home.folder)
    for work in (killed_work.import_one, killed_work.evaluate, killed_work.export_all):
        with pytest.raises((WorkbenchError, OSError)) as error:  # scripts say both in one line
            work(home, 1)
        assert len(str(error.value).splitlines()) == 1
    mend(home.folder)
    home.assert_kept()
    assert [one.in_words for one in checking.check(home.store) if one.is_fault] == []
    assert list(home.store.prediction_sets()["prediction_id"]) == before
    killed_work.mend_import(home, 1)
    killed_work.mend_evaluation(home, 1)
    killed_work.mend_export(home, 1)
    home.assert_kept()
