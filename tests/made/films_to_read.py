"""A store of one run with scores whose films lie on disk, so that people can read them: for the label queue."""

from pathlib import Path

import numpy as np
import scored_runs
from PIL import Image
from scored_runs import DATASET

from cxrcore.evaluation.measure_predictions import measure
from cxrcore.store import Store

N_VAL, N_TEST, SIZE = 60, 200, 96


def make(path: Path) -> Store:
    """The store; its films are squares of one grey each, in a folder beside it."""
    store = scored_runs.make(path, N_VAL, N_TEST, 0)
    films = path.parent / "films"
    films.mkdir()
    ids = store.images(DATASET)["image_id"].tolist()
    rng = np.random.default_rng(3)
    for image_id in ids:
        Image.fromarray(rng.integers(40, 220, (SIZE, SIZE), np.uint8)).save(films / image_id)
    run_id = store.create_run({"name": "network", "arch": "resnet18", "csv_path": str(path.parent / "table.csv"),
                               "img_root": str(films), "img_size": SIZE}, DATASET, split=("official", 0, "abc"))
    store.finish_run(run_id, "finished")
    labels = store.labels(DATASET).loc[ids].to_numpy()
    scores = (0.2 + 0.5 * labels + rng.normal(0, 0.12, labels.shape)).clip(0.01, 0.99).astype(np.float32)
    parts = {"val": slice(0, N_VAL), "test": slice(N_VAL, None)}
    measure(store, run_id, {part: store.save_predictions(run_id, DATASET, part, ids[rows], scores[rows])
                            for part, rows in parts.items()})
    return store
