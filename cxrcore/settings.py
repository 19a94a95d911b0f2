"""What decides a training's result besides its flags, and which runs are repeats of each other.

Light on imports: the pages ask which runs are repeats, and start without torch.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, fields
from numbers import Real
from typing import Any, get_args, get_type_hints

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
    warm_up: float = flag(0.05, "share of all steps in which the learning rate rises")
    gradient_norm: float = flag(1.0, "longer gradients are cut to this length")
    plateau_factor: float = flag(0.1, "of the learning rate after an epoch without a better validation",
                                 schedule="plateau")
    ema_decay: float = flag(0.9998, "greatest decay of the averaged weights in one step", ema="on")
    ema_half_life: float = flag(0.05, "share of all steps after which a step counts half in the averaged weights",
                                ema="on")
    crop_aspect: float = flag(0.1, "augmentation: a crop is up to this share wider or higher than square")
    max_scale: float = flag(0.0, "augmentation: besides the crop, up to this share larger or smaller", before=0.08)
    focal_gamma: float = flag(2.0, "exponent of the focal loss", loss="focal")
    max_pos_weight: float = flag(50.0, "greatest weight of positives", loss="pos_weight")
    gamma_negative: float = flag(4.0, "exponent of negatives in the asymmetric loss", loss="asymmetric")
    gamma_positive: float = flag(0.0, "exponent of positives in the asymmetric loss", loss="asymmetric")
    margin: float = flag(0.05, "negatives below this probability do not count in the asymmetric loss",
                         loss="asymmetric")
    best_by: str = flag("validation macro AUROC", "what the best epoch has the greatest of")
    least_positives: float = flag(30.0, "validation positives that a finding needs to take part in that", before=1.0)
    least_findings: float = flag(3.0, "with fewer such findings, all that have a positive take part", before=1.0)

    def record(self, **used: Any) -> dict[str, Any]:
        """As stored with a run; None for what its loss, its schedule or its averaging does not use.

        Args:
            used: the run's loss, schedule and ema.
        """
        return {one.name: getattr(self, one.name) if _is_used(one, used) else None for one in fields(self)}


def _is_used(one: Field, used: Mapping[str, Any]) -> bool:
    return all(one.metadata.get(name, value) == value for name, value in used.items())


def _before(one: Field) -> Any:
    """What a version that did not have this flag or constant did."""
    return one.metadata.get("before", one.default)


# Constants of older versions that are flags now, and a procedure's old words with the flag's value for it.
_NOW_FLAGS = {"weight_decay": "weight_decay", "max_shift": "shift", "max_rotation": "rotation", "schedule": "schedule"}
_OLD_WORDS = {"schedule": {"linear warm-up, cosine to 0": "cosine"}}


def of_record(record: Any) -> Constants:
    """The constants that a run was begun with; for what its version did not store, what that version did.

    Raises:
        RunError: this version has another procedure, or does not know one of them.
    """
    stored, own = _mapping(record), {one.name: one for one in fields(Constants)}
    for name, value in stored.items():
        today = next(iter(_OLD_WORDS[name])) if name in _OLD_WORDS else own[name].default if name in own else 0.0
        same_kind = name in own.keys() | _NOW_FLAGS.keys() and isinstance(value, Real) == isinstance(today, Real)
        if value is not None and (not same_kind or (isinstance(value, str) and value != today)):
            raise RunError(f"the run was begun by another version of the training: its {str(name)[:40]} is "
                           f"{ascii(value)[:60]}, which this version does not have")
    known: dict[str, Any] = {name: _before(one) if name not in stored else one.default if stored[name] is None
                             else stored[name] for name, one in own.items()}
    return Constants(**known)


def flags_of_record(config: Mapping[str, Any]) -> dict[str, Any]:
    """The flags of scripts/train.py as stored with a run, each of its flag's kind.

    A flag that the run's version did not have stands for what that version did.

    Raises:
        RunError: one is not, as in a run folder that was written by hand.
    """
    hints, made, told = get_type_hints(TrainConfig), {}, {**config, **_older_flags(config)}
    for one in fields(TrainConfig):
        if not one.metadata.get("stored", True) or one.name not in told:
            continue
        value, kind, choices = told[one.name], hints[one.name], one.metadata.get("choices")
        kinds = set(get_args(kind) or (kind,))
        fits = type(value) in kinds | ({int} if float in kinds else set())
        if not fits or (choices and value is not None and value not in choices):  # a kind that takes None has it
            raise RunError(f"the run's stored setting {one.name} is {ascii(value)[:60]}, which --{one.name} cannot be")
        made[one.name] = value
    return made


def _older_flags(config: Mapping[str, Any]) -> dict[str, Any]:
    """Of flags that a stored config lacks: what its version did, by its constants where it kept them there."""
    constants = _mapping(config.get("constants"))
    moved = {flag_: _OLD_WORDS.get(name, {}).get(constants[name], constants[name])
             for name, flag_ in _NOW_FLAGS.items() if isinstance(constants.get(name), Real | str)}
    known = {one.name: _before(one) for one in fields(TrainConfig) if "before" in one.metadata}
    return {name: value for name, value in (known | moved).items() if name not in config}


# -- repeats

TRAINING_KEY = "training_key"  # under which a stored config keeps the key of what was asked for
# Where films and results lie, what the run is called, what was measured of it, and what follows from other settings. By
# how many processes it was trained decides nothing: batches are those of one process. Where it does, `batch_statistics`
# is stored, which is not among these: on CPUs, each process's batch normalisation goes by its own films.
_DECIDES_NOTHING = {"name", "note", "csv_path", "img_root", "data", "policy", "store", "results", "resume", "workers",
                    "eval_subset", "device", "precision_speeds", "training_corpus", "start_weights", "init", "assumed",
                    "lr_rule", "maps", "processes", "films_per_process", "processes_changed", "sync_batch_norm",
                    TRAINING_KEY}
_CONSTANTS = {one.name for one in fields(Constants)}
_FLAGS = {one.name: _before(one) for one in fields(TrainConfig) if one.metadata.get("stored", True)}


def deciding(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a stored config that decide a result, the seed among them, as {name: plain value}.

    A name that is not known here counts too: better two repeats held apart than other trainings called repeats. A flag
    that an older version did not have counts as what that version did, constants that it did not store as not recorded.
    """
    weights = _mapping(config.get("start_weights"))
    file, tag = weights.get("file_sha256"), weights.get("tag")
    init = config.get("init", _FLAGS["init"])
    start = {"init": "file", "weights": file} if file else {"init": init, "weights": tag}
    found = _FLAGS | _older_flags(config) | {name: value for name, value in config.items() if name != "constants"}
    kept = {name: value for name, value in found.items() if name not in _DECIDES_NOTHING} | start
    recorded = _mapping(config.get("constants"))
    kept |= {name: value for name, value in recorded.items() if name not in _NOW_FLAGS} or {"constants": "not recorded"}
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
