"""How each architecture is trained where no flag says otherwise: one table, and what it gives for a training.

Sources and reasons stand in docs/recipe.md.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cxrcore.config import TrainConfig
from cxrcore.networks.architectures import Architecture

BASE_FILMS = 32  # films a step for which the table's learning rates hold
LR_LAST = 1e-3  # of a last layer alone, as of any that starts anew
PATIENCE = 3  # of --schedule plateau


@dataclass(frozen=True)
class Recipe:
    """Of one architecture.

    Attributes:
        lr: highest learning rate for `BASE_FILMS` films a step, from weights that have been trained before.
        lr_random: the same from random weights.
        weight_decay: of matrices and kernels.
        layer_decay: rate of a block over that of the next deeper one, from trained weights; from random ones it is 1.
        drop_path, dropout: as --drop_path and --dropout.
        epochs: to train.
    """

    lr: float = 1e-4
    lr_random: float = 1e-3
    weight_decay: float = 0.01
    layer_decay: float = 1.0
    drop_path: float = 0.0
    dropout: float = 0.0
    epochs: int = 12


_CONVOLUTIONAL = Recipe()
_TRANSFORMER = Recipe(lr_random=1e-4, weight_decay=0.05, layer_decay=0.75, drop_path=0.1)
RECIPES: dict[str, Recipe] = {
    "efficientnet_b0": Recipe(epochs=8),
    "densenet121": _CONVOLUTIONAL,
    "resnet18": _CONVOLUTIONAL,
    "vgg16": Recipe(lr_random=1e-4, dropout=0.5),
    "mobilenet_v2": _CONVOLUTIONAL,
    "vit_b_16": _TRANSFORMER,
}

_OF_TOKENS = ("beit", "cait", "crossvit", "deit", "eva", "flexivit", "hiera", "mvit", "naflexvit", "pit_", "pvt",
              "swin", "twins", "vit_", "volo", "xcit")  # how the names of timm's transformers begin


def recipe_of(entry: Architecture) -> Recipe:
    """The table's line; for a network that it does not name, that of its kind, by its name in timm."""
    tokens = entry.has_tokens or entry.timm_name.startswith(_OF_TOKENS)
    return RECIPES.get(entry.name) or (_TRANSFORMER if tokens else _CONVOLUTIONAL)


def model_options(config: TrainConfig, entry: Architecture) -> dict[str, float]:
    """What the network is built with: `drop_rate` and `drop_path_rate` of timm, those above 0."""
    recipe = recipe_of(entry)
    asked = {"drop_rate": _or(config.dropout, recipe.dropout),
             "drop_path_rate": _or(config.drop_path, recipe.drop_path)}
    return {name: value for name, value in asked.items() if value > 0}


def settled(config: TrainConfig, entry: Architecture, at_random: bool, batch_size: int,
            options: Mapping[str, Any]) -> tuple[TrainConfig, str]:
    """The flags with a value for everything that the recipe decides, and the learning rate's rule in words.

    The rate grows with the square root of the films a step, as suits Adam (Malladi et al., NeurIPS 2022); a rate that
    was asked for stays as it is.

    Args:
        at_random: the training starts from random weights.
        batch_size: of this device, where none was asked for.
        options: that the network was built with.
    """
    recipe = recipe_of(entry)
    base, films = recipe.lr_random if at_random else recipe.lr, batch_size * config.accumulate
    base = LR_LAST if config.freeze else base
    scaled = float(f"{base * math.sqrt(films / BASE_FILMS):.4g}")
    patience = config.patience or (PATIENCE if config.schedule == "plateau" else None)
    rule = "as asked for" if config.lr is not None else (
        f"{base:g} x sqrt({films} films a step / {BASE_FILMS})" + ", the last layer alone" * config.freeze
        + ", from random weights" * (at_random and not config.freeze))
    return dataclasses.replace(
        config, epochs=config.epochs or recipe.epochs, batch_size=batch_size, lr=_or(config.lr, scaled),
        weight_decay=_or(config.weight_decay, recipe.weight_decay), patience=patience,
        layer_decay=_or(config.layer_decay, 1.0 if at_random else recipe.layer_decay),
        drop_path=float(options.get("drop_path_rate", 0.0)), dropout=float(options.get("drop_rate", 0.0)),
    ), rule


def in_words(config: TrainConfig, rule: str) -> str:
    """One line for people: what this training will do."""
    step = f"{config.batch_size} films at a time" + (f", {config.accumulate} times a step" if config.accumulate > 1
                                                     else "")
    also = [f"{name.replace('_', ' ')} {value:g}" for name, value, off in (
        ("layer_decay", config.layer_decay, 1), ("drop_path", config.drop_path, 0), ("dropout", config.dropout, 0))
        if value != off]
    stop = f", stops after {config.patience} epochs without a better one" if config.patience else ""
    return ", ".join([f"recipe: learning rate {config.lr:g} ({rule})", f"weight decay {config.weight_decay:g}", *also,
                      step, f"{config.epochs} epochs, {config.schedule}{stop}",
                      f"averaged weights {config.ema}"])


def _or(asked: float | None, otherwise: float) -> float:
    return otherwise if asked is None else asked
