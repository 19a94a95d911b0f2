"""Which runs show what a loss does: alike in all settings but the loss. Pure: no store, no Streamlit."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from cxrcore.config import TrainConfig
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.settings import Constants, deciding, differing_names

PLAIN = "bce"
LOSS_WORDS = {PLAIN: "plain loss", "pos_weight": "weighted positives", "focal": "focal loss",
              "asymmetric": "asymmetric loss"}
FILMS = "films"  # among the settings: how many films the run was measured on
SETTING_WORDS = {"epochs": "epochs", "batch_size": "batch size", "lr": "learning rate",
                 "train_subset": "training films", "n_train": "training films", "val_subset": "validation films",
                 "n_val": "validation films", "img_size": "image size", "init": "starting weights",
                 "weights": "starting weights", "mean": "pixel normalisation", "std": "pixel normalisation",
                 "precision": "number format", "constants": "constants of the training", FILMS: "films measured"}
_OF_A_LOSS = [one.name for one in fields(Constants) if one.metadata.get("loss")]
_TOLD_ELSEWHERE = ("arch", "loss", "name", "csv_path", "img_root")


@dataclass(frozen=True)
class Trained:
    """A run that was trained here.

    Attributes:
        loss: of `LOSS_WORDS`.
        settings: as stored with the run, and `FILMS`.
    """

    run: Evaluated
    architecture: str
    loss: str
    settings: Mapping[str, Any]


def alike(trained: Sequence[Trained]) -> list[Trained]:
    """A plain run and, of each other loss, the run of its architecture that is most like it; the plain one first.

    Only those that are as much like it as the closest: one that differs in nothing but the loss does not stand beside
    one that differs in more. Empty where no architecture has several losses.

    Args:
        trained: those to be preferred first.
    """
    pairs = [(plain, other) for plain in trained if plain.loss == PLAIN
             for other in trained if other.loss != PLAIN and other.architecture == plain.architecture]
    if not pairs:
        return []
    plain, closest = min(pairs, key=_distance)
    beside: dict[str, Trained] = {}
    for pair in sorted((pair for pair in pairs if pair[0] is plain), key=_distance):
        if len(differing(pair)) == len(differing((plain, closest))):
            beside.setdefault(pair[1].loss, pair[1])
    return [plain, *beside.values()]


def _distance(pair: tuple[Trained, Trained]) -> tuple[int, bool]:
    """In how many settings two runs differ; the seed parts those that differ in equally many."""
    return len(differing(pair)), pair[0].settings.get("seed") != pair[1].settings.get("seed")


def differing(runs: Sequence[Trained]) -> list[str]:
    """In words, the settings besides loss and seed in which not all of the runs agree."""
    found = [deciding(run.settings) for run in runs]
    names = [name for name in differing_names(found) if name not in ("arch", "loss", "seed", *_OF_A_LOSS)]
    return list(dict.fromkeys(SETTING_WORDS.get(name, name.replace("_", " ")) for name in names))


def flags(settings: Mapping[str, Any]) -> str:
    """The flags of scripts/train.py that a run's settings stand for, without architecture, loss and films."""
    given = {one.name: settings.get(one.name) for one in fields(TrainConfig) if one.metadata.get("stored", True)
             and one.name not in _TOLD_ELSEWHERE and settings.get(one.name) not in (None, one.default)}
    return " ".join(f"--{name}" if value is True else f"--{name} {shlex.quote(str(value))}"
                    for name, value in given.items())
