"""Trainings of a second or two on the tiny NIH, and what tells whether two of them gave the same."""

from pathlib import Path

import torch

from cxrcore.config import TrainConfig
from cxrcore.networks.checkpoint import load_checkpoint
from cxrcore.store import Store
from cxrcore.store.run_folder import BEST, LAST
from cxrcore.training import train_run


def small(films: Path, home: Path, **changed) -> TrainConfig:
    """The flags of a training whose store lies in `home`."""
    return TrainConfig(**{
        "csv_path": str(films / "Data_Entry_2017.csv"), "img_root": str(films), "store": str(home / "store.duckdb"),
        "arch": "resnet18", "epochs": 1, "train_subset": 16, "val_subset": 8, "img_size": 32, "init": "random",
        "precision": "fp32", "eval_subset": 8, "results": str(home / "results"), "batch_size": 8} | changed)


def resumed(store: Store, run_id: str, **changed) -> str:
    """Go on with a run; returns its id."""
    return train_run.train(TrainConfig(resume=run_id, store=str(store.path), **changed),
                           frozenset({"resume", "store", *changed}))


def same_weights(one: Path, other: Path) -> bool:
    """Whether two run folders hold the very same weights, of the best epoch and of the last."""
    for name in (BEST, LAST):
        ours, theirs = (load_checkpoint(folder / name) for folder in (one, other))
        if (ours.epoch, ours.state.keys()) != (theirs.epoch, theirs.state.keys()) or not all(
                torch.equal(ours.state[key], theirs.state[key]) for key in ours.state):
            return False
    return True
