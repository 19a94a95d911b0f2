"""What is killed: each piece of the product's work, done in a home of its own, and what must hold after the kill.

A home is a folder with a store, the files that go in and those that come out. All that is written down as acknowledged
(`Home.acknowledge`) must be there after every kill, to the last digit.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import kills
import numpy as np
import pandas as pd
from kills import Ended, Moment

from cxrcore.config import EvalConfig, ExportConfig, ImportConfig
from cxrcore.data import film_files
from cxrcore.data import films as film_sets
from cxrcore.data.pixels import prepared
from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export import export, exported_folder
from cxrcore.store import Store, waiting
from cxrcore.store.care import checking
from cxrcore.store.run_folder import BEST, LAST

N_IMPORTED = 60  # films of an imported file


@dataclass(frozen=True)
class Home:
    """Where the work is done.

    Attributes:
        folder: of all that is written.
        films: a folder in NIH's layout, read only.
    """

    folder: Path
    films: Path

    @property
    def store(self) -> Store:
        """The home's store."""
        return Store(self.folder / "runs" / "store.duckdb")

    def imported_file(self, number: int) -> Path:
        """Predictions of the first films, other ones for each number."""
        path = self.folder / "predictions" / f"model{number}.csv"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            films = film_sets.read_table(self.films / "Data_Entry_2017.csv").images["image_id"][:N_IMPORTED]
            scores = np.random.default_rng(number).random((N_IMPORTED, len(NIH_FINDINGS))).astype(np.float32)
            pd.DataFrame({"image_id": films} | dict(zip(NIH_FINDINGS, scores.T, strict=True))).to_csv(path, index=False)
        return path

    # -- what may not be lost

    def acknowledge(self) -> None:
        """Write down what every finished run holds."""
        known = {run_id: rows_of(self.store, run_id) for run_id in self.finished()}
        (self.folder / "acknowledged.json").write_text(json.dumps(known))

    def finished(self) -> list[str]:
        """Runs that the store calls finished."""
        runs = self.store.runs()
        return list(runs.loc[runs["status"] == "finished", "run_id"])

    def _acknowledged(self) -> dict[str, dict[str, int]]:
        path = self.folder / "acknowledged.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def assert_kept(self) -> None:
        """Every acknowledged row is there once; no run is finished that is not whole; nothing is damaged.

        Of an evaluation that was killed, what is missing waits to be handed in.
        """
        store = self.store
        for run_id, was in self._acknowledged().items():
            held = rows_of(store, run_id)
            assert all(held.get(row) == n for row, n in was.items()), f"rows of run {run_id} are lost or doubled"
        for run_id in self.finished():
            sets = store.prediction_sets(run_id)
            measured = set(store.metrics(list(sets["prediction_id"]))["prediction_id"])
            waits = {part.prediction_id for path in waiting.of_run(store, run_id) for part in waiting.read(path).parts}
            assert len(sets) and set(sets["prediction_id"]) <= measured | waits, f"half of run {run_id} is finished"
        if store.exists:
            assert [one.in_words for one in checking.check(store) if one.is_fault] == []


def rows_of(store: Store, run_id: str) -> dict[str, int]:
    """{a hash of a row: how often it is there} of all that belongs to a run, but for its name, which people give."""
    return Counter(hashlib.sha256(f"{name}{row | {'name': ''}}".encode()).hexdigest()[:16]
                   for name, rows in store.run_tables(run_id).items() for row in rows.to_pylist())


@dataclass(frozen=True)
class Subject:
    """A piece of work.

    Attributes:
        work: (home, number) -> None, what is killed; what another number makes is other.
        mend: (home, number) -> None, what a person does after the kill; asserts that all is there then, once.
    """

    name: str
    work: Callable[[Home, int], object]
    mend: Callable[[Home, int], object]


def killed(starting: object, subject: Subject, home: Home, number: int, moment: Moment) -> Ended:
    """Kill the work at a moment, look at what is left, mend it and look again; returns how the work ended."""
    ended = kills.run(starting, moment, subject.work, home, number)
    assert not ended.error, ended.error
    home.assert_kept()
    subject.mend(home, number)
    home.assert_kept()
    home.acknowledge()
    return ended


# -- import


def import_one(home: Home, number: int) -> list[str]:
    """As scripts/import_predictions.py does."""
    from cxrcore.import_export import import_run

    config = ImportConfig(csv_path=str(home.films / "Data_Entry_2017.csv"), name=f"import {number}",
                          store=home.store.key)
    return import_run.import_predictions([str(home.imported_file(number))], config)


def mend_import(home: Home, number: int) -> None:
    """What is half there is deleted; the same file is imported again, unless the import had come to its end."""
    store = home.store
    runs = store.runs()
    own = runs[runs["name"] == f"import {number}"]
    for run_id in own.loc[own["status"] != "finished", "run_id"]:
        store.delete_run(run_id)
    if not (own["status"] == "finished").any():
        import_one(home, number)
    runs = store.runs()
    (run_id,) = runs.loc[runs["name"] == f"import {number}", "run_id"]
    (prediction_id,) = store.prediction_sets(run_id)["prediction_id"]
    file = pd.read_csv(home.imported_file(number)).set_index("image_id")[list(NIH_FINDINGS)]
    held = store.predictions(prediction_id)
    assert (held.scores == file.loc[held.image_ids].to_numpy(np.float32)).all() and len(held.scores) == N_IMPORTED


# -- export


def export_all(home: Home, number: int) -> None:
    """As scripts/export.py does, over what was exported before."""
    export.export_all(ExportConfig(out=str(home.folder / "exports"), store=home.store.key))


def mend_export(home: Home, number: int) -> None:
    """What bears a run's name can be read to its end; exported again, every run is there and no half one."""
    out = home.folder / "exports"
    for folder in export.folders(out) if out.is_dir() else ():
        exported_folder.read_run_folder(folder)
    export_all(home, number)
    assert sorted(path.name for path in out.iterdir()) == sorted(home.store.runs()["run_id"])
    for folder in export.folders(out):
        rows = exported_folder.read_run_folder(folder).tables
        held = home.store.run_tables(folder.name)
        assert {name: len(table) for name, table in rows.items()} == {name: len(table) for name, table in held.items()}


# -- prepare


def prepare_films(home: Home, number: int, root: str = "prepared") -> prepared.PreparedPixels:
    """As scripts/prepare.py does, into a folder of the number's own."""
    table = film_sets.read_table(home.films / "Data_Entry_2017.csv")
    films = film_files.find_films(home.films, table.images["image_id"])
    return prepared.prepare(films, 32, home.folder / f"{root}{number}", workers=1, progress=False, at_once=True)


def mend_preparation(home: Home, number: int) -> None:
    """A map that is called finished is whole; prepared again, every film has its pixels and nothing half is left."""
    whole = prepare_films(home, 0, "prepared_unkilled")
    root = home.folder / f"prepared{number}"
    for one in prepared.finished_maps(root) if root.is_dir() else ():
        assert (prepared.open_prepared(one.folder).pixels == whole.pixels).all()
    made = prepare_films(home, number)
    assert made.row_of == whole.row_of and (made.pixels == whole.pixels).all()
    assert not list(root.glob("*.partial"))


# -- train and evaluate


def training(home: Home, number: int, **changed: object) -> object:
    """The flags of a training of two epochs; all numbers' are the same but for their names."""
    from small_trainings import small

    return small(home.films, home.store.folder, **{"arch": "mobilenet_v2", "epochs": 2, "name": f"training {number}"}
                 | changed)


def train(home: Home, number: int) -> str:
    """As scripts/train.py does; returns run_id."""
    from cxrcore.training import train_run

    return train_run.train(training(home, number))


def of_name(home: Home, name: str) -> list[str]:
    """The runs of a name, newest first."""
    runs = home.store.runs()
    return list(runs.loc[runs["name"] == name, "run_id"])


def unkilled(home: Home) -> str:
    """The training that none was killed of, which is made where there is none yet."""
    found = of_name(home, "training 0")
    return found[0] if found else train(home, 0)


def mend_training(home: Home, number: int) -> None:
    """Its checkpoints are whole ones; it goes on to the very weights and scores of the training that was not killed."""
    from small_trainings import resumed, same_weights

    from cxrcore.networks.checkpoint import load_checkpoint

    store, whole = home.store, unkilled(home)
    found = of_name(home, f"training {number}")
    assert len(found) <= 1
    for path in (path for name in (BEST, LAST) if found and (path := store.run_file(found[0], name))):
        load_checkpoint(path)
    if not found:
        run_id = train(home, number)
    elif store.run(found[0])["status"] == "finished":
        (run_id,) = found
    else:
        run_id = resumed(store, found[0])
    assert store.run(run_id)["status"] == "finished" and not waiting.of_run(store, run_id)
    assert store.epochs([run_id])["epoch"].tolist() == [1, 2]
    assert same_weights(store.run_folder(run_id), store.run_folder(whole))
    ours, theirs = (store.prediction_sets(one).set_index("split")["prediction_id"] for one in (run_id, whole))
    assert sorted(ours.index) == ["test", "val"]
    for part in ours.index:
        np.testing.assert_array_equal(store.predictions(ours[part]).scores, store.predictions(theirs[part]).scores)


def evaluate(home: Home, number: int) -> object:
    """As scripts/eval.py does, of a run that is evaluated again and again."""
    from cxrcore.evaluation import evaluate_run

    (run_id,) = of_name(home, "evaluated")
    return evaluate_run.evaluate(EvalConfig(run=run_id, store=home.store.key, subset=8,
                                            results=str(home.folder / "results")))


def begin_evaluations(home: Home) -> None:
    """The run that evaluations are of."""
    if not of_name(home, "evaluated"):
        from small_trainings import small

        from cxrcore.training import train_run

        train_run.train(small(home.films, home.store.folder, arch="mobilenet_v2", name="evaluated"))


def mend_evaluation(home: Home, number: int) -> None:
    """What was scored to the end is handed in by the next script; every evaluation is whole and measured."""
    from cxrcore.evaluation import hand_in

    store = hand_in.opened(home.store.key)
    (run_id,) = of_name(home, "evaluated")
    assert not waiting.of_run(store, run_id)
    before = len(store.prediction_sets(run_id))
    evaluate(home, number)
    sets = store.prediction_sets(run_id)
    assert len(sets) == before + 2 and (sets["split"] == "val").sum() == (sets["split"] == "test").sum()
    assert set(store.metrics(list(sets["prediction_id"]))["prediction_id"]) == set(sets["prediction_id"])


# -- a sweep


def sweep(home: Home, number: int) -> None:
    """As scripts/train.py does for two losses; each number has a learning rate of its own."""
    from cxrcore.training.sweep import start

    start.train(training(home, number, loss="bce,pos_weight", lr=1e-3 * (1 + number / 1000), epochs=1))


def mend_sweep(home: Home, number: int) -> None:
    """The same command makes what is left and none twice, whatever of the killed one's trainings goes on meanwhile."""
    def own() -> list[str]:
        runs = home.store.runs()
        return [status for name, status in zip(runs["name"], runs["status"], strict=True)
                if name.startswith(f"training {number} ·")]

    sweep(home, number)
    assert own() == ["finished", "finished"], own()


IMPORTER = Subject("importer", import_one, mend_import)
EXPORTER = Subject("exporter", export_all, mend_export)
PREPARER = Subject("preparer", prepare_films, mend_preparation)
TRAINER = Subject("trainer", train, mend_training)
EVALUATOR = Subject("evaluator", evaluate, mend_evaluation)
SWEEP = Subject("sweep", sweep, mend_sweep)
