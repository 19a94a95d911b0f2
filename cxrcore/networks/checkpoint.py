"""The checkpoint contract: what a weights file of the workbench holds, and the refusal of files that break it.

A checkpoint is a dictionary of plain tensors and plain Python values, so that it loads with `weights_only=True`:

    format, state, architecture, model_options, findings, image_size, mean, std, output ('logits'), training_corpus,
    start_weights, split {scheme, seed, fingerprint}, dataset_id, run_id, epoch

`model_best.pth` holds averaged weights where the training kept an average. `model_last.pth` holds those of the last
step as `state` and their average as `average`, and until its run finishes `training` (optimizer, schedule, generator
states).
"""

import hashlib
import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cxrcore.data.files.replace_file import replacing
from cxrcore.errors import CheckpointError, DiskFullError, FindingError, RunError
from cxrcore.findings import checked_list
from cxrcore.networks.architectures import build, of_timm, require_known
from cxrcore.networks.batches import InputSpec
from cxrcore.networks.model_options import check_options
from cxrcore.networks.state_shapes import first_difference
from cxrcore.networks.weights_file import read_plain
from cxrcore.networks.whole_input import laid_out

FORMAT = 1
MAX_SIZE = 4096  # pixels a side of a network's input
MAX_TEXT = 1000  # characters


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint's content; field by field as in the module's text.

    Attributes:
        start_weights: what the training began with, as `initial_weights.Start.source`; empty in older files.
        split: scheme, seed and fingerprint of the split it was trained on.
        epoch: counted from 1.
        findings: of its outputs, in their order.
        average: averaged weights beside `state`, in the same form; empty in a model_best and where none were kept.
        training: state for resuming; empty in a model_best.
    """

    state: Mapping[str, torch.Tensor]
    architecture: str
    image_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    training_corpus: str
    split: Mapping[str, Any]
    dataset_id: str
    run_id: str
    epoch: int
    findings: tuple[str, ...]
    model_options: Mapping[str, Any] = field(default_factory=dict)
    start_weights: Mapping[str, str | int | None] = field(default_factory=dict)
    output: str = "logits"
    average: Mapping[str, torch.Tensor] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def spec(self) -> InputSpec:
        """The network's normalisation."""
        return InputSpec(self.mean, self.std)

    def model(self) -> nn.Module:
        """The network with these weights, in evaluation mode, on the CPU.

        Raises:
            CheckpointError: the weights do not fit the architecture.
        """
        try:
            model = build(self.architecture, self.image_size, len(self.findings), self.model_options)
        except (TypeError, ValueError, AttributeError, AssertionError, RuntimeError) as error:
            raise CheckpointError(f"the checkpoint's model options {dict(self.model_options)} do not suit "
                                  f"{self.architecture}: {' '.join(str(error).split())[:120]}") from None
        load_state(model, self.state, f"checkpoint of {self.architecture}")
        return model.eval()

    def model_over_state(self) -> nn.Module:
        """As `model`, over the very tensors of `state`, for who changes neither and asks about a film at a time.

        Takes neither the memory of a second set of weights nor the time of random ones that the first replaces. Some
        networks have to be built with weights; of these it is `model`.

        Raises:
            CheckpointError: as `model`.
        """
        try:
            with torch.device("meta"):
                model = build(self.architecture, self.image_size, len(self.findings), self.model_options)
            own = model.state_dict()
            alike = all(given.dtype == own[key].dtype and given.layout is torch.strided
                        for key, given in self.state.items() if key in own)
            if alike and not first_difference(own, self.state):
                model.load_state_dict(self.state, assign=True)
            if any(one.is_meta for one in (*model.parameters(), *model.buffers())):  # some that no state holds
                model = self.model()
            return laid_out(model).eval()
        except (TypeError, ValueError, AttributeError, AssertionError, RuntimeError):
            return self.model()


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint file; a reader never sees half of it.

    Raises:
        DiskFullError: it cannot be written; the file before stays.
        CheckpointError: its folder is gone.
    """
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in _shallow(checkpoint).items()}
    try:
        with replacing(path, alone=True) as partial:
            torch.save(plain, partial)
        return
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        reason = " ".join(str(error).split())[:120]
    if not path.parent.is_dir():
        raise CheckpointError(f"cannot write {path.name}: its folder {path.parent} is gone; was the run deleted?")
    # Raised out here: until the first error is forgotten, its frames keep the removed file open and the disk full.
    free, weights = shutil.disk_usage(path.parent).free, sum(t.nbytes for t in checkpoint.state.values())
    raise DiskFullError(f"cannot write {path}: {free / 1e6:.0f} MB are free on its disk, the weights alone take "
                        f"{weights / 1e6:.0f} MB ({reason})")


def _shallow(checkpoint: Checkpoint) -> dict[str, Any]:
    return {name: getattr(checkpoint, name) for name in Checkpoint.__dataclass_fields__}


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint and hold it to the contract.

    Raises:
        CheckpointError: what breaks it, in one line.
    """
    return checked(path, read_plain(path))


def is_own(content: Any) -> bool:
    """Whether a weights file's content means to be a checkpoint of this workbench, sound or not."""
    return isinstance(content, dict) and "format" in content and "state" in content


def checked(path: Path, content: Any) -> Checkpoint:
    """A weights file's content, held to the contract; as `load_checkpoint`."""
    if not isinstance(content, dict) or not _is_whole(content.get("format"), FORMAT, FORMAT):
        hint = (" (weights of another program? train.py --init PATH starts from them, eval.py --weights PATH with "
                "--findings, --mean and --std evaluates them)" if isinstance(content, dict) else "")
        raise CheckpointError(f"{path} is no checkpoint of this workbench{hint}")
    required = {"state", "architecture", "findings", "image_size", "mean", "std", "output", "split", "dataset_id"}
    missing = sorted(required - content.keys())
    if missing:
        raise CheckpointError(f"{path} lacks {', '.join(missing)}")
    _check_types(path, content)
    try:
        checked_list(content["findings"])
    except FindingError as error:
        raise CheckpointError(f"{path}: {error}") from None
    if content["output"] != "logits":
        raise CheckpointError(f"{path} gives '{content['output']}', not logits")
    try:
        require_known(content["architecture"])
    except RunError as error:
        raise CheckpointError(f"{path} is of an unknown architecture: {error}") from None
    check_options(content.get("model_options", {}), str(path))
    known = {key: content[key] for key in Checkpoint.__dataclass_fields__ if key in content}
    for key in ("mean", "std", "findings"):
        known[key] = tuple(known[key])
    try:
        return Checkpoint(**known)
    except TypeError:
        lacking = sorted({"training_corpus", "run_id", "epoch"} - content.keys())
        raise CheckpointError(f"{path} lacks {', '.join(lacking)}") from None


def _check_types(path: Path, content: Mapping[str, Any]) -> None:
    """Values of another kind than the contract's would fail far from here, or normalise films wrongly."""
    wrong = [key for key in ("mean", "std") if not is_triple(content[key], above=-math.inf if key == "mean" else 0.0)]
    if not is_state(content["state"]):
        wrong.append("state")
    if content.get("average", {}) != {} and not is_state(content["average"]):
        wrong.append("average")
    if not isinstance(content["findings"], list):
        wrong.append("findings")
    if not _is_whole(content["image_size"], 32, MAX_SIZE):
        wrong.append("image_size")
    wrong += [key for key in ("architecture", "output", "dataset_id", "run_id", "training_corpus")
              if not is_text(content.get(key, ""))]
    if not _is_whole(content.get("epoch", 0), 0, 2**31):
        wrong.append("epoch")
    wrong += [key for key in ("split", "start_weights") if not _is_record(content.get(key, {}))]
    wrong += [key for key in ("model_options", "training") if not isinstance(content.get(key, {}), dict)]
    if wrong:
        raise CheckpointError(f"{path} breaks the contract: {', '.join(wrong)} of another kind than expected")


def is_text(value: Any) -> bool:
    """Whether a value is one short line, as names and descriptions in weights files have to be."""
    return isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable()


def _is_whole(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _is_record(value: Any) -> bool:
    """Names to one-line texts, whole numbers or nothing."""
    return isinstance(value, dict) and all(
        is_text(key) and (one is None or is_text(one) or _is_whole(one, 0, 2**31)) for key, one in value.items())


def is_triple(value: Any, above: float) -> bool:
    """Whether a value is three finite numbers over a bound and below a million, as mean and std have to be."""
    return (isinstance(value, list | tuple) and len(value) == 3
            and all(type(v) in (int, float) and abs(v) < 1e6 and v > above for v in value))


def is_state(content: Any) -> bool:
    """Whether a value is a state dict: names to tensors."""
    return isinstance(content, dict) and bool(content) and all(
        isinstance(key, str) and torch.is_tensor(value) for key, value in content.items())


def load_state(model: nn.Module, state: Mapping[str, torch.Tensor], name: str) -> None:
    """Load weights strictly.

    Args:
        name: of the weights, for errors.

    Raises:
        CheckpointError: another number of outputs, missing, foreign or misshapen tensors.
    """
    own = model.state_dict()
    head = sorted(key for key in own if key.startswith(head_prefixes(model)))
    outputs = next((len(state[key]) for key in head if key in state), None)
    wanted = len(own[head[0]]) if head else None
    if outputs not in (None, wanted):
        raise CheckpointError(f"{name} has {outputs} outputs, not the {wanted} findings")
    if difference := first_difference(own, state):
        raise CheckpointError(f"{name} does not fit: {difference}")
    try:
        model.load_state_dict(state)
    except RuntimeError as error:  # tensors of a kind that cannot be copied: sparse, quantised, without content
        raise CheckpointError(f"{name} does not fit: {' '.join(str(error).split())[:160]}") from None


def head_prefixes(model: nn.Module) -> tuple[str, ...]:
    """How the names of the tensors of a network's last layer begin; distilled networks have two."""
    named = of_timm(model).pretrained_cfg.get("classifier") or ()
    return tuple(f"{one}." for one in ((named,) if isinstance(named, str) else named))


def sha256(path: Path) -> str:
    """Hash of a weights file, hex.

    Raises:
        CheckpointError: it cannot be read, such as one that was deleted meanwhile.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from None
