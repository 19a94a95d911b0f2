"""Where a training starts: ImageNet weights, random ones, or a file.

Each way gives a network with an output a finding, the normalisation it expects, and a line that says what was done.
"""

import contextlib
import math
import os
import socket
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch
from torch import nn

from cxrcore.data.files import bounded_file
from cxrcore.errors import CheckpointError, WeightsUnavailable
from cxrcore.networks.architectures import build, find_architecture, of_timm
from cxrcore.networks.batches import InputSpec
from cxrcore.networks.checkpoint import is_state, is_text, is_triple, load_state, read_plain, sha256
from cxrcore.networks.model_options import check_options
from cxrcore.networks.weights_corpora import corpus_of_tag, recorded_before_tags

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
        source: which weights they are, for the run and its checkpoints: corpus (what they had seen before training),
            tag, hub_id and timm (version) of ImageNet weights, file_sha256 of a file's; None for what does not apply.
        notice: what a person should know, or empty.
    """

    model: nn.Module
    spec: InputSpec
    init: str
    options: dict[str, Any]
    corpus: str
    source: Mapping[str, str | None]
    notice: str = ""


def start(arch: str, image_size: int, findings: Sequence[str], init: str, seed: int) -> Start:
    """Make the network that a training starts from.

    Args:
        findings: of its outputs, in their order.
        init: 'imagenet', 'random', 'auto' (ImageNet where it can be had, else random with a notice), or a PATH.
        seed: of random weights and of the new head.

    Raises:
        WeightsUnavailable: 'imagenet' without network and without a local copy.
        CheckpointError: a file that does not fit the architecture.
    """
    torch.manual_seed(seed)
    if init == "random":
        return Start(build(arch, image_size, len(findings)), GREY, "random", {}, "none", _source("none"))
    if init in ("imagenet", "auto"):
        try:
            return _imagenet(arch, image_size, len(findings))
        except WeightsUnavailable as error:
            if init == "imagenet":
                raise
            torch.manual_seed(seed)
            return Start(build(arch, image_size, len(findings)), GREY, "random", {}, "none", _source("none"),
                         f"{error}; going on with --init random")
    return _from_file(arch, image_size, findings, Path(init))


def _imagenet(arch: str, image_size: int, n_findings: int) -> Start:
    try:
        with _quick_refusal():
            model = build(arch, image_size, n_findings, pretrained=True)
    except Exception as error:  # the hub's client raises many kinds, by version
        raise WeightsUnavailable(
            f"ImageNet weights of {arch} are neither in the local cache nor to be had from the network "
            f"({type(error).__name__}): use --init random, or --init PATH with a weights file"
        ) from None
    config, entry = of_timm(model).pretrained_cfg, find_architecture(arch)
    corpus = corpus_of_tag(entry.tag)
    source = _source(corpus, tag=entry.weights_name, hub_id=config["hf_hub_id"], timm=version("timm"))
    return Start(model, InputSpec(tuple(config["mean"]), tuple(config["std"])), "imagenet", {}, corpus, source)


@contextlib.contextmanager
def _quick_refusal() -> Generator[None]:
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


def _from_file(arch: str, image_size: int, findings: Sequence[str], path: Path) -> Start:
    """A plain state dict, or a checkpoint of the workbench; the head of other findings is replaced."""
    content = read_plain(path)
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds no state dict")
    state = content.get("state", content.get("state_dict", content))
    if not is_state(state):
        raise CheckpointError(f"{path} holds no state dict")
    own = {} if state is content else content
    same_findings = own.get("findings", list(findings)) == list(findings)
    sidecar, told = _sidecar(path)
    given = _settings(own, path) | sidecar
    options = given.get("model_options", {})
    try:
        model = build(arch, image_size, len(findings), options)
    except (TypeError, ValueError, AttributeError, AssertionError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise CheckpointError(f"{path}: model options {options} do not suit {arch} ({reason})") from None
    head = of_timm(model).pretrained_cfg["classifier"] + ".weight"
    own_head = same_findings and head in state and state[head].shape == model.state_dict()[head].shape
    load_state(model, state, str(path), new_head=not own_head)
    spec = InputSpec(given.get("mean", IMAGENET.mean), given.get("std", IMAGENET.std))
    assumed = [f"mean {_short(spec.mean)}, std {_short(spec.std)}", f"options {options or 'none'}",
               "its own head" if own_head else f"a new head for the {len(findings)} findings"]
    corpus = given.get("training_corpus", f"unknown ({path.name})")
    notice = f"weights from {path} ({told}): {'; '.join(assumed)}"
    return Start(model, spec, str(path), options, corpus, _source(corpus, file_sha256=sha256(path)), notice)


def _sidecar(path: Path) -> tuple[dict[str, Any], str]:
    """NAME.json or NAME.pth.json beside the file: mean, std, model_options {pad_type, ...}, training_corpus."""
    for candidate in (path.with_suffix(".json"), Path(f"{path}.json")):
        if not candidate.is_file():
            continue
        try:
            content = bounded_file.settings(candidate)
            if not isinstance(content, dict):
                raise ValueError("not an object")
        except (ValueError, OSError) as error:
            raise CheckpointError(f"{candidate} is no JSON object: {error}") from None
        loose = {key: content[key] for key in LOOSE_OPTIONS if key in content}
        options = content.get("model_options") or {}
        given = content | {"model_options": options | loose if isinstance(options, dict) else options}
        return _settings(given, candidate), f"settings from {candidate.name}"
    return {}, "no JSON beside it, so assumed"


def _settings(given: dict[str, Any], source: Path) -> dict[str, Any]:
    """What a weights file or its JSON says of mean, std, model_options and training_corpus, each held to its form.

    Raises:
        CheckpointError: a value of another form.
    """
    made: dict[str, Any] = {key: _three(given[key], key, source) for key in ("mean", "std")
                            if given.get(key) is not None}
    if given.get("model_options") is not None:
        made["model_options"] = check_options(given["model_options"], str(source))
    corpus = given.get("training_corpus")
    if corpus is not None and not is_text(corpus):
        raise CheckpointError(f"{source}: training_corpus is not one line of text")
    if corpus and "format" in given and not given.get("start_weights"):
        corpus = recorded_before_tags(given.get("architecture"), corpus)
    return made | ({"training_corpus": corpus} if corpus else {})


def _three(value: Any, key: str, source: Path) -> tuple[float, ...]:
    """One number for all channels, or one a channel."""
    values = [value] * 3 if type(value) in (int, float) else value
    if not is_triple(values, above=0.0 if key == "std" else -math.inf):
        shown = ascii(value)[:60] if type(value) in (int, float, str) else f"a {type(value).__name__}"
        bound = ", above 0" if key == "std" else ""
        raise CheckpointError(f"{source}: {key} needs one number or three{bound}, got {shown}")
    return tuple(map(float, values))


def _source(corpus: str, **known: str | None) -> dict[str, str | None]:
    """As `Start.source`."""
    return {"corpus": corpus} | dict.fromkeys(("tag", "hub_id", "timm", "file_sha256")) | known


def _short(values: tuple[float, ...]) -> str:
    return f"{values[0]:g}" if len(set(values)) == 1 else "/".join(f"{v:g}" for v in values)
