"""A small run as a folder, to be damaged by the tests, and what a store holds."""

import hashlib
import json
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from known_data import KnownData, known_data

from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export import export
from cxrcore.store import EpochRecord, Store

OLD = Path(__file__).with_name("exported_run")  # written by the first version that exported runs


def store_with_run(path: Path, seed: int = 3, n: int = 24) -> tuple[Store, str, KnownData]:
    """A store with one evaluated run; another seed gives another data set."""
    known, rng = known_data(n, seed), np.random.default_rng(seed)
    store = Store(path)
    boxes = pd.DataFrame({"image_id": known.image_ids[:2], "finding": ["Effusion", "Mass"], "x": [100.5, 1.0],
                          "y": [10.0, 20.0], "width": [200.0, 100.0], "height": [50.0, 60.0]})
    store.add_dataset(known.dataset_id, known.images, known.labels, known.findings, name="tiny", kind="nih",
                      label_source="Data_Entry CSV", boxes=boxes)
    run_id = store.create_run({"name": f"run {seed}", "arch": "resnet18", "lr": 1e-4}, known.dataset_id,
                              split=("patient", 0, "abc123def456"), versions={"torch": "2"})
    store.log_epoch(run_id, EpochRecord(1, 0.31, 0.29, float("nan"), 0.2, 1e-4, 3.5, 12.5))
    sets = {part: store.save_predictions(run_id, known.dataset_id, part, known.image_ids[rows],
                                         rng.random((n // 2, 14)).astype(np.float32), checkpoint="model_best.pth")
            for part, rows in (("val", slice(0, n // 2)), ("test", slice(n // 2, n)))}
    for part, prediction_id in sets.items():
        if part == "val":
            val_set = store.save_threshold_set(prediction_id, "max F1", "max_f1", rng.random(14))
            store.save_calibrator(prediction_id, "platt", {"Mass": {"scale": 1.5, "bias": -0.5}})
            store.save_calibrator(prediction_id, "isotonic", {"Mass": {"x": [0.1, 0.5], "y": [0.0, 1.0]}})
        store.save_metrics(prediction_id, pd.DataFrame({
            "finding": [*NIH_FINDINGS, "macro", "macro"], "metric": ["auroc"] * 15 + ["f1"],
            "set_id": [None] * 15 + [val_set], "value": [*rng.random(15), 0.25], "low": np.nan, "high": np.nan,
            "n_positive": 3, "n": n // 2, "method": "as made here"}))
    store.save_localization(sets["test"], pd.DataFrame({
        "method": ["gradcam", "random"], "image_id": known.image_ids[13], "finding": "Mass", "hit": [True, None],
        "iou": [0.2, np.nan], "iobb": [0.3, np.nan], "energy": [0.4, 0.1]}))
    store.finish_run(run_id, "finished", best_epoch=1, cost={"training_seconds": 3.5, "peak_device_bytes": None})
    return store, run_id, known


def exported(folder: Path, seed: int = 3, n: int = 24) -> Path:
    """The folder of such a run."""
    store, run_id, _ = store_with_run(folder / f"store-{seed}.duckdb", seed, n)
    return export.export(store, run_id, folder)


def copied(folder: Path, to: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(folder, to / folder.name))


def edit(folder: Path, change) -> None:
    """Change run.json; `change` gets the document and returns it or changes it in place."""
    path = folder / "run.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps(change(document) or document))


def edit_table(folder: Path, name: str, change) -> None:
    """Change a Parquet file; `change` gets a frame and returns one."""
    path = folder / f"{name}.parquet"
    frame = change(pq.read_table(path).to_pandas())
    pq.write_table(frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False), path)


def content_of(store: Store) -> str:
    """A digest of the store's files; only while no connection is open."""
    paths = (store.path, Path(f"{store.path}.wal"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths if path.exists())).hexdigest()


def rows_of(store: Store) -> dict[str, list[tuple]]:
    """Every row of every table."""
    with duckdb.connect(str(store.path), read_only=True) as con:
        tables = [name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {name: sorted(map(repr, con.execute(f"SELECT t::VARCHAR FROM {name} t").fetchall())) for name in tables}
