"""Where a training starts: ImageNet weights, random ones, or a file.

Each way gives a network with 14 outputs, the normalisation it expects, and a line that says what was done.
"""

import contextlib
import math
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch
from torch import nn

from cxrcore import boundedfile
from cxrcore.architectures import build
from cxrcore.batches import InputSpec
from cxrcore.checkpoint import is_triple, load_state, read_plain
from cxrcore.errors import CheckpointError, WeightsUnavailable
from cxrcore.findings import FINDINGS

IMAGENET = InputSpec((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
GREY = InputSpec((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))  # for random weights: mid-grey films come out near 0 +- 1
LOOSE_OPTIONS = ("pad_type", "bn_eps", "global_pool")  # model options that a JSON may also name at its top level
_REACHABLE_WITHIN = 5.0  # seconds


@dataclass(frozen=True)
class Start:
    """A network before training.

    Attributes:
        init: 'imagenet', 'random' or the file's path: what was done, where 'auto' was asked for.
        options: further arguments of timm's builder.
        corpus: what the weights have seen, for the checkpoint.
        notice: what a person should know, or empty.
    """

    model: nn.Module
    spec: InputSpec
    init: str
    options: dict[str, Any]
    corpus: str
    notice: str = ""


def start(arch: str, image_size: int, init: str, seed: int) -> Start:
    """Make the network that a training starts from.

    Args:
        init: 'imagenet', 'random', 'auto' (ImageNet where it can be had, else random with a notice), or a PATH.
        seed: of random weights and of the new head.

    Raises:
        WeightsUnavailable: 'imagenet' without network and without a local copy.
        CheckpointError: a file that does not fit the architecture.
    """
    torch.manual_seed(seed)
    if init == "random":
        return Start(build(arch, image_size), GREY, "random", {}, "none")
    if init in ("imagenet", "auto"):
        try:
            return _imagenet(arch, image_size)
        except WeightsUnavailable as error:
            if init == "imagenet":
                raise
            torch.manual_seed(seed)
            return Start(build(arch, image_size), GREY, "random", {}, "none", f"{error}; going on with --init random")
    return _from_file(arch, image_size, Path(init))


def _imagenet(arch: str, image_size: int) -> Start:
    try:
        with _quick_refusal():
            model = build(arch, image_size, pretrained=True)
    except Exception as error:  # the hub's client raises many kinds, by version
        raise WeightsUnavailable(
            f"ImageNet weights of {arch} are neither in the local cache nor to be had from the network "
            f"({type(error).__name__}): use --init random, or --init PATH with a weights file"
        ) from None
    config = model.pretrained_cfg
    return Start(model, InputSpec(tuple(config["mean"]), tuple(config["std"])), "imagenet", {}, "ImageNet-1k")


@contextlib.contextmanager
def _quick_refusal() -> Iterator[None]:
    """Without network the hub's client retries for most of a minute: look first, and then ask its cache only."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or not _reachable(constants.ENDPOINT)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _reachable(url: str) -> bool:
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return True  # a proxy resolves names itself; only the client can tell
    address = urlsplit(url)
    try:
        with socket.create_connection((address.hostname, address.port or 443), timeout=_REACHABLE_WITHIN):
            return True
    except OSError:
        return False


def _from_file(arch: str, image_size: int, path: Path) -> Start:
    """A plain state dict, or a checkpoint of the workbench; a head of other than 14 outputs is replaced."""
    content = read_plain(path)
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds no state dict")
    sidecar, told = _sidecar(path)
    state = content.get("state", content.get("state_dict", content))
    if not isinstance(state, dict) or not state or not all(map(torch.is_tensor, state.values())):
        raise CheckpointError(f"{path} holds no state dict")
    if content.get("findings", list(FINDINGS)) != list(FINDINGS):
        raise CheckpointError(f"{path} has other findings or another order than this workbench")
    options = dict(sidecar.get("model_options") or content.get("model_options") or {})
    try:
        model = build(arch, image_size, options)
    except (TypeError, ValueError, AttributeError, AssertionError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise CheckpointError(f"{path}: model options {options} do not suit {arch} ({reason})") from None
    head = model.pretrained_cfg["classifier"] + ".weight"
    own_head = head in state and state[head].shape == model.state_dict()[head].shape
    load_state(model, state, str(path), new_head=not own_head)
    mean = tuple(sidecar.get("mean") or content.get("mean") or IMAGENET.mean)
    std = tuple(sidecar.get("std") or content.get("std") or IMAGENET.std)
    if not is_triple(std, above=0.0):
        raise CheckpointError(f"{path}: std {_short(std)} is not above 0")
    assumed = [f"mean {_short(mean)}, std {_short(std)}", f"options {options or 'none'}",
               "its own head" if own_head else "a new head for the 14 findings"]
    corpus = sidecar.get("training_corpus") or content.get("training_corpus") or f"unknown ({path.name})"
    notice = f"weights from {path} ({told}): {'; '.join(assumed)}"
    return Start(model, InputSpec(mean, std), str(path), options, corpus, notice)


def _sidecar(path: Path) -> tuple[dict[str, Any], str]:
    """NAME.json or NAME.pth.json beside the file: mean, std, model_options {pad_type, ...}, training_corpus."""
    for candidate in (path.with_suffix(".json"), Path(f"{path}.json")):
        if not candidate.exists():
            continue
        try:
            content = boundedfile.settings(candidate)
            if not isinstance(content, dict):
                raise ValueError("not an object")
        except (ValueError, OSError) as error:
            raise CheckpointError(f"{candidate} is no JSON object: {error}") from None
        if not isinstance(content.get("model_options") or {}, dict):
            raise CheckpointError(f"{candidate}: model_options is no object")
        loose = {key: content[key] for key in LOOSE_OPTIONS if key in content}
        settings = {key: _three(content[key]) for key in ("mean", "std") if key in content}
        settings |= {"model_options": (content.get("model_options") or {}) | loose}
        return settings | {"training_corpus": content.get("training_corpus")}, f"settings from {candidate.name}"
    return {}, "no JSON beside it, so assumed"


def _three(value: float | list[float]) -> tuple[float, ...]:
    """One number for all channels, or one a channel."""
    values = [value] * 3 if isinstance(value, int | float) else value
    if not is_triple(values, above=-math.inf):
        raise CheckpointError(f"mean and std need one number or three, got {value}")
    return tuple(map(float, values))


def _short(values: tuple[float, ...]) -> str:
    return f"{values[0]:g}" if len(set(values)) == 1 else "/".join(f"{v:g}" for v in values)
