"""A checkpoint of another program, made one of ours with what a person says of it, so that it can be evaluated.

Its outputs have no names and its normalisation is not written in it: both must be said, and what is assumed besides is
recorded. Which films it was trained on stays unknown. A sigmoid at its end has no weights, so whether it had one does
not show and does not matter: its scores are the sigmoid of its last linear layer either way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cxrcore.errors import CheckpointError, UsageError
from cxrcore.networks import timm_names
from cxrcore.networks.checkpoint import Checkpoint, checked, is_own
from cxrcore.networks.foreign import declared
from cxrcore.networks.foreign.fitting import Fitted, built, positions_size, recognised, whole_state
from cxrcore.networks.foreign.state_dicts import find_state
from cxrcore.networks.foreign.timm_states import fitted_to
from cxrcore.networks.weights_file import read_plain

IMAGE_SIZE = 224  # where nobody says another: what the six networks' ImageNet weights take
_VGG_POOLED = 224  # pixels up to which torchvision's VGG and ours pool alike before the hidden layers


@dataclass(frozen=True)
class Loaded:
    """A checkpoint to evaluate.

    Attributes:
        record: what was said and assumed of a foreign one, for its run's config; empty for one of ours.
        notice: the same in a line.
    """

    checkpoint: Checkpoint
    record: Mapping[str, Any]
    notice: str = ""


def load_any(path: Path, flags: Mapping[str, Any]) -> Loaded:
    """A checkpoint of the workbench, or one of another program.

    Args:
        flags: as `declared.from_flags` gives them; they count before the JSON beside the file.

    Raises:
        UsageError: flags for a checkpoint that says all of it itself.
        CheckpointError: what cannot be evaluated, and what to say or do.
    """
    content = read_plain(path)
    if is_own(content):
        if flags:
            raise UsageError(f"{path} is a checkpoint of the workbench, which names its findings, normalisation, "
                             "architecture and image size itself: leave those flags out")
        return Loaded(checked(path, content), {})
    return _foreign(path, content, flags)


def _foreign(path: Path, content: Any, flags: Mapping[str, Any]) -> Loaded:
    found = find_state(content, str(path))
    beside, told = declared.beside(path)
    said = declared.of_content(content, path) | beside | dict(flags)
    arch, size, options = said.get("architecture", ""), said.get("image_size"), said.get("model_options", {})
    if not timm_names.is_timm(arch):
        known = recognised(found, str(path))
        arch, size = arch or known.layout.architecture, size or positions_size(known)
    size = size or IMAGE_SIZE
    fitted = fitted_to(found, built(arch, size, 1, options, str(path)), arch, str(path))
    _require_whole(path, fitted, arch)
    kept = _kept_outputs(path, said, fitted, f"{arch} in {fitted.said[0]}")
    names = said["findings"]
    model = built(arch, size, len(kept), options, str(path))
    checkpoint = Checkpoint(
        whole_state(fitted, model, kept), arch, size, said["mean"], said["std"],
        said.get("training_corpus", f"unknown ({path.name})"), {}, "", "", _epoch(content),
        tuple(names[place] for place in kept), options)
    record = {"layout": "; ".join((*found.said, *fitted.said)), "outputs": [name or "-" for name in names],
              "mean": list(said["mean"]), "std": list(said["std"]), "model_options": options,
              "assumed": _assumed(arch, size, said)}
    sources = (["flags"] if flags else []) + ([told.removeprefix("settings from ")] if beside else [])
    notice = (f"{path.name} is {arch} of another program ({record['layout']}); said in "
              f"{' and '.join(sources) or 'the file'}: outputs {', '.join(record['outputs'])}; mean {said['mean']}; "
              f"std {said['std']}; assumed: {record['assumed']}")
    return Loaded(checkpoint, record, notice)


def _require_whole(path: Path, fitted: Fitted, arch: str) -> None:
    """CheckpointError where what the file's network makes of the features is not known."""
    start = "(a training can start from it: train.py --init PATH)"
    if fitted.left_out:
        raise CheckpointError(f"{path} holds more than a {arch}: {', '.join(fitted.left_out[:3])}; what that does to "
                              f"its outputs is not known, so it cannot be evaluated {start}")
    if fitted.head is None:
        raise CheckpointError(f"{path} looks like {arch} but cannot be evaluated: {fitted.no_head} {start}")


def _kept_outputs(path: Path, said: Mapping[str, Any], fitted: Fitted, looks: str) -> list[int]:
    """The outputs that are findings, by their place in the file's head.

    Raises:
        CheckpointError: what has to be said is missing, or says something else than the file.
    """
    n = 0 if fitted.head is None else len(fitted.head.weight)
    if missing := [f"--{name}" for name in ("findings", "mean", "std") if name not in said]:
        raise CheckpointError(
            f"{path} is no checkpoint of this workbench: it looks like {looks}, with {n} outputs. To evaluate it, say "
            f"{', '.join(missing)} (findings in the order of its outputs; mean and std of pixels from 0 to 1), or the "
            f"same keys in {path.with_suffix('.json').name}; to start a training from it: train.py --init PATH")
    names = said["findings"]
    if len(names) != n:
        raise CheckpointError(f"{path} has {n} outputs, and {len(names)} findings are named ('-' stands for an output "
                              "that is no finding)")
    if fitted.one_channel and max(len(set(said["mean"])), len(set(said["std"]))) > 1:
        raise CheckpointError(f"{path} takes one channel: give one number for mean and one for std")
    return [place for place, name in enumerate(names) if name]


def _assumed(arch: str, size: int, said: Mapping[str, Any]) -> str:
    """What nobody said."""
    texts = [] if said.get("image_size") else [f"image size {size}"]
    texts += [] if said.get("model_options") else ["no model options"]
    texts += ["whole films, not cropped", "scores are the sigmoid of its last layer"]
    if arch == "vgg16" and size > _VGG_POOLED:
        texts.append("films are pooled after the hidden layers, not before as torchvision does with large ones")
    return ", ".join(texts)


def _epoch(content: Any) -> int:
    epoch = content.get("epoch") if isinstance(content, dict) else None
    return epoch if type(epoch) is int and 0 <= epoch < 2**31 else 0
