"""The six trainings of `phantom_store`, in a process of their own: python phantom_trainings.py FILMS STORE.

What scripts/train.py runs, less what no test reads and what costs most of it: the checkpoint to resume from (with the
optimizer's state it is three times as large as the network), and all input checks but one (each scores more films
than a training and its evaluation).
"""

import sys
import tempfile
from pathlib import Path

from cxrcore import cli
from cxrcore.config import TrainConfig
from cxrcore.data.phantoms.folder import TABLE
from cxrcore.networks import checkpoint as checkpoints
from cxrcore.networks.architectures import ARCHITECTURES
from cxrcore.networks.input_check import make_check
from cxrcore.store.run_folder import LAST
from cxrcore.training import train_run

WITH_CHECK = "mobilenet_v2"  # the network that tests show films of their own to
SETTINGS = {"epochs": 1, "batch_size": 32, "lr": 1e-3, "img_size": 64, "init": "random",
            "precision": "fp32", "train_subset": 96,
            # In three steps there is nothing to average or to learn from crops.
            "ema": "off", "crop": 1.0, "tone": 0.0, "dropout": 0.0, "drop_path": 0.0, "weight_decay": 0.01}


def train_all(films: Path, store: Path) -> None:
    save, make = checkpoints.save_checkpoint, make_check.make_if_missing
    checkpoints.save_checkpoint = lambda path, made: None if path.name == LAST else save(path, made)
    make_check.make_if_missing = lambda store, source, films: make(
        store, source, films) if source.checkpoint.architecture == WITH_CHECK else None
    with tempfile.TemporaryDirectory() as tables:
        for arch in ARCHITECTURES:
            train_run.train(TrainConfig(arch=arch, csv_path=str(films / TABLE), img_root=str(films), store=str(store),
                                        results=tables, **SETTINGS))


if __name__ == "__main__":
    cli.run(lambda _: train_all(*map(Path, sys.argv[1:])))
