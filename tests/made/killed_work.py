"""What is killed: each piece of the product's work, done in a home of its own, and what must hold after the kill.

A home is a folder with a store, the files that go in and those that come out. All that is written down as acknowledged
(`Home.acknowledge`) must be there after every kill, to the last digit.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import kills
import numpy as np
import pandas as pd
from kills import Ended, Moment

from cxrcore.config import ExportConfig, ImportConfig
from cxrcore.data import films as film_sets
from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export import export, exported_folder
from cxrcore.store import Store
from cxrcore.store.care import checking

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
        known = self._acknowledged()
        for run_id in self.finished():
            known.setdefault(run_id, digest(self.store, run_id))
        (self.folder / "acknowledged.json").write_text(json.dumps(known))

    def finished(self) -> list[str]:
        """Runs that the store calls finished."""
        runs = self.store.runs()
        return list(runs.loc[runs["status"] == "finished", "run_id"])

    def _acknowledged(self) -> dict[str, str]:
        path = self.folder / "acknowledged.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def assert_kept(self) -> None:
        """Every acknowledged run holds what it held; no run is finished that is not whole; nothing is damaged."""
        store = self.store
        for run_id, was in self._acknowledged().items():
            assert digest(store, run_id) == was, f"run {run_id} has changed"
        for run_id in self.finished():
            sets = store.prediction_sets(run_id)
            measured = set(store.metrics(list(sets["prediction_id"]))["prediction_id"])
            assert len(sets) and set(sets["prediction_id"]) == measured, f"half of run {run_id} is finished"
            assert (sets["n"] > 0).all()
        if store.exists:
            assert [one.in_words for one in checking.check(store) if one.is_fault] == []


def digest(store: Store, run_id: str) -> str:
    """Of every row of a run, whatever their order."""
    found = hashlib.sha256()
    for name, rows in sorted(store.run_tables(run_id).items()):
        found.update("\n".join([name, *sorted(map(repr, rows.to_pylist()))]).encode())
    return found.hexdigest()


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


IMPORTER = Subject("importer", import_one, mend_import)
EXPORTER = Subject("exporter", export_all, mend_export)
