"""Runs for the tests of the pages, made through the store's own interface; no network is trained."""

import json
import os
import socket
import tempfile
import time
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from one_opening import one_opening

from cxrcore.findings import NIH_FINDINGS
from cxrcore.store import EpochRecord, Store

DATASET = "films"


def make_store(path: Path, n: int = 12, name: str = "NIH ChestX-ray14", kind: str = "nih") -> Store:
    """A store with one data set of n films; what `path` holds besides stays."""
    if path.exists():
        return _add_films(Store(path), n, name, kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_new(n, name, kind))
    return Store(path)


@cache
def _new(n: int, name: str, kind: str) -> bytes:
    """The file of a store with these films alone, made once a process."""
    with tempfile.TemporaryDirectory() as folder:
        return _add_films(Store(Path(folder) / "store.duckdb"), n, name, kind).path.read_bytes()


def _add_films(store: Store, n: int, name: str, kind: str) -> Store:
    images = pd.DataFrame({"image_id": film_ids(n), "patient_id": [str(i // 2) for i in range(n)], "follow_up": 0,
                           "age": 50.0, "sex": "F", "view": "PA"})
    labels = (np.arange(n)[:, None] % 3 == np.arange(len(NIH_FINDINGS)) % 3).astype(np.float32)
    store.add_dataset(DATASET, images, labels, NIH_FINDINGS, name=name, kind=kind, label_source="test")
    return store


def film_ids(n: int = 12) -> list[str]:
    return [f"{i:08d}_000.png" for i in range(n)]


def add_run(store: Store, name: str, arch: str = "resnet18", *, scheme: str = "patient", fingerprint: str = "aaa111",
            epochs: int = 3, auroc: float | None = 0.8, parts: tuple[str, ...] = ("val", "test"), n: int = 12,
            status: str = "finished", **config) -> str:
    """A run with its curves; measured on `parts` where auroc is given."""
    with one_opening(store.path):
        return _add_run(store, name, arch, scheme, fingerprint, epochs, auroc, parts, n, status, config)


def _add_run(store, name, arch, scheme, fingerprint, epochs, auroc, parts, n, status, config) -> str:
    settings = {"arch": arch, "name": name, "epochs": 8, "lr": 1e-4, "loss": "bce", "init": "imagenet"} | config
    run_id = store.create_run(settings, DATASET, split=(scheme, 0, fingerprint), versions={"torch": "2.12"},
                              n_parameters=11_000_000)
    for epoch in range(1, epochs + 1):
        log_epoch(store, run_id, epoch)
    if auroc is not None:
        _measure(store, run_id, parts, n, auroc)
    if status != "running":
        store.finish_run(run_id, status, best_epoch=min(2, epochs) or None)
    return run_id


def log_epoch(store: Store, run_id: str, epoch: int) -> None:
    better = 0.01 * epoch
    store.log_epoch(run_id, EpochRecord(epoch, 0.3 / epoch, 0.25 + better, 0.7 + better, 0.2, 1e-4, 60, 200))


def _measure(store: Store, run_id: str, parts: tuple[str, ...], n: int, auroc: float) -> None:
    set_id = None
    for part in sorted(parts, reverse=True):  # val before test
        scores = np.random.default_rng(0).random((n, len(NIH_FINDINGS)))
        prediction_id = store.save_predictions(run_id, DATASET, part, film_ids(n), scores, n_expected=12)
        if set_id is None:
            set_id = store.save_threshold_set(prediction_id, "max F1", "max_f1", np.full(len(NIH_FINDINGS), 0.5))
        rows = [(finding, "auroc", None, auroc) for finding in NIH_FINDINGS[:13]]
        rows += [("macro", "auroc", None, auroc), ("macro", "ap", None, auroc / 3), ("macro", "f1", set_id, auroc / 2)]
        frame = pd.DataFrame(rows, columns=["finding", "metric", "set_id", "value"])
        store.save_metrics(prediction_id, frame.assign(low=np.nan, high=np.nan, n_positive=4, n=n, method="test"))


def beat(store: Store, run_id: str, **state) -> None:
    """What a training that lives in this process would say of itself now."""
    folder = store.run_folder(run_id)
    folder.mkdir(parents=True, exist_ok=True)
    alive = {"pid": os.getpid(), "host": socket.gethostname(), "heartbeat": time.time() + 600}  # outlives the test
    temporary = folder / "progress.new"
    temporary.write_text(json.dumps(alive | state))
    os.replace(temporary, folder / "progress.json")
