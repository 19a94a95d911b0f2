"""What decides a training's result besides its flags, and which runs are repeats of each other.

Light on imports: the pages ask which runs are repeats, and start without torch.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from numbers import Real
from typing import Any, get_type_hints

from cxrcore.config import TrainConfig, flag
from cxrcore.errors import RunError

# -- constants


@dataclass(frozen=True)
class Constants:
    """What the training code settles itself, stored with every run so that two versions never look alike by mistake."""

    optimizer: str = flag("AdamW", "what changes the weights after each batch")
    beta1: float = flag(0.9, "AdamW's decay of the mean gradient")
    beta2: float = flag(0.999, "AdamW's decay of the mean squared gradient")
    epsilon: float = flag(1e-8, "AdamW's least divisor")
    weight_decay: float = flag(0.01, "of matrices and kernels; none for biases and normalisation")
    schedule: str = flag("linear warm-up, cosine to 0", "the learning rate over the steps")
    warm_up: float = flag(0.05, "share of all steps in which the learning rate rises")
    gradient_norm: float = flag(1.0, "longer gradients are cut to this length")
    max_shift: float = flag(0.05, "augmentation: shift up to this share of the side")
    max_scale: float = flag(0.08, "augmentation: up to this share larger or smaller")
    max_rotation: float = flag(6.0, "augmentation: rotation of up to so many degrees")
    focal_gamma: float = flag(2.0, "exponent of the focal loss", loss="focal")
    max_pos_weight: float = flag(50.0, "greatest weight of positives", loss="pos_weight")
    best_by: str = flag("validation macro AUROC", "what the best epoch has the greatest of")

    def record(self, loss: str) -> dict[str, Any]:
        """As stored with a run; None for what its loss does not use."""
        return {one.name: getattr(self, one.name) if one.metadata.get("loss", loss) == loss else None
                for one in fields(self)}


def of_record(record: Any) -> Constants:
    """The constants that a run was begun with; today's for a run of a version that stored none.

    Raises:
        RunError: this version has another procedure, or does not know one of them.
    """
    today = asdict(Constants())
    given = {name: value for name, value in _mapping(record).items() if value is not None}
    for name, value in given.items():
        same_kind = name in today and isinstance(value, Real) == isinstance(today[name], Real)
        if not same_kind or (isinstance(value, str) and value != today[name]):
            raise RunError(f"the run was begun by another version of the training: its {str(name)[:40]} is "
                           f"{ascii(value)[:60]}, which this version does not have")
    return Constants(**given)


def flags_of_record(config: Mapping[str, Any]) -> dict[str, Any]:
    """The flags of scripts/train.py as stored with a run, each of its flag's kind.

    Raises:
        RunError: one is not, as in a run folder that was written by hand.
    """
    hints, made = get_type_hints(TrainConfig), {}
    for one in fields(TrainConfig):
        if one.name not in config:
            continue
        value, kind, choices = config[one.name], hints[one.name], one.metadata.get("choices")
        fits = type(value) in (int, float) if kind is float else isinstance(value, kind) and (
            type(value) is not bool or kind is bool)
        if not fits or (choices and value is not None and value not in choices):  # a kind that takes None has it
            raise RunError(f"the run's stored setting {one.name} is {ascii(value)[:60]}, which --{one.name} cannot be")
        made[one.name] = value
    return made


# -- repeats

# Where films and results lie, what the run is called, what was measured of it, and what follows from other settings.
_DECIDES_NOTHING = {"name", "note", "csv_path", "img_root", "data", "policy", "store", "results", "resume", "workers",
                    "eval_subset", "device", "precision_speeds", "training_corpus", "start_weights", "init", "assumed",
                    "maps"}
_CONSTANTS = {one.name for one in fields(Constants)}
_FLAGS = {one.name: one.default for one in fields(TrainConfig)}


def deciding(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a stored config that decide a result, the seed among them, as {name: plain value}.

    A name that is not known here counts too: better two repeats held apart than other trainings called repeats. A flag
    that an older version did not have counts as its default, a constant that it did not store as not recorded.
    """
    weights = _mapping(config.get("start_weights"))
    file, tag = weights.get("file_sha256"), weights.get("tag")
    init = config.get("init", _FLAGS["init"])
    start = {"init": "file", "weights": file} if file else {"init": init, "weights": tag}
    found = _FLAGS | {name: value for name, value in config.items() if name != "constants"}
    kept = {name: value for name, value in found.items() if name not in _DECIDES_NOTHING} | start
    kept |= _mapping(config.get("constants")) or {"constants": "not recorded"}
    return _plain(kept)


def settings_key(config: Mapping[str, Any], with_seed: bool = False) -> str:
    """A hash of what decides a result: runs with the same one are repeats of each other.

    Args:
        config: as stored with a run; `dataset_id` and `split_fingerprint`, where given, count as settings.
        with_seed: tell runs of another seed apart too. The split's seed always counts.
    """
    found = deciding(config)
    if not with_seed:
        found.pop("seed", None)
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:16]


def differing_names(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of settings, each as `deciding` gives them, in which not all agree.

    Where some recorded their constants and some did not, that alone is named, as 'constants'.
    """
    names = list(dict.fromkeys(name for one in found for name in one))
    names = [name for name in names if any(one.get(name) != found[0].get(name) for one in found)]
    return names if "constants" not in names else [name for name in names if name not in _CONSTANTS]


def settings_of(run: Mapping[str, Any]) -> dict[str, Any] | None:
    """The stored config of a row of the runs, with its films; None where the run was not trained here.

    Of imported runs, ensembles and runs without an architecture it is not known how they were trained.
    """
    config = run["config"] if isinstance(run["config"], Mapping) else json.loads(run["config"] or "{}")
    if run["kind"] != "trained" or not config.get("arch"):
        return None
    return {**config, "dataset_id": run["dataset_id"], "split_fingerprint": run["split_fingerprint"]}


def _plain(value: Any) -> Any:
    """One spelling: numbers as floats, sequences as lists, names in order; what says nothing is left out."""
    if isinstance(value, Mapping):
        made = {str(name): _plain(one) for name, one in value.items()}
        return {name: made[name] for name in sorted(made) if made[name] not in (None, "", [], {})}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    number = isinstance(value, Real) and not isinstance(value, bool)
    small = number and abs(value) < 2**53  # ty: ignore[unsupported-operator]  (numbers.Real tells no comparison)
    return float(value) if small else value


def _mapping(value: Any) -> Mapping[str, Any]:
    """A part of a stored config, which a foreign run folder may have filled with anything."""
    return value if isinstance(value, Mapping) else {}
