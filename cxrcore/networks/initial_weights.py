"""Where a training starts: ImageNet weights, random ones, or a file.

Each way gives a network with an output a finding, the normalisation it expects, and a line that says what was done.
"""

import contextlib
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

from cxrcore.errors import WeightsUnavailable
from cxrcore.networks import timm_dry_run, timm_hub, timm_names
from cxrcore.networks.architectures import build, find_architecture, of_timm, require_known
from cxrcore.networks.batches import InputSpec
from cxrcore.networks.checkpoint import is_own, load_state, sha256
from cxrcore.networks.foreign import declared
from cxrcore.networks.foreign.fitting import built, whole_state
from cxrcore.networks.foreign.state_dicts import find_state
from cxrcore.networks.foreign.timm_states import fitted_to
from cxrcore.networks.timm_hub import HubNetwork
from cxrcore.networks.weights_corpora import corpus_of_tag
from cxrcore.networks.weights_file import read_plain

IMAGENET = InputSpec((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
GREY = InputSpec((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))  # for random weights: mid-grey films come out near 0 +- 1
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
            Of timm's networks also size and interpolation of the pictures that its configuration names.
        notice: what a person should know, or empty.
        architecture: its name here, where it was started; of one from the hub that of timm's network which it is.
    """

    model: nn.Module
    spec: InputSpec
    init: str
    options: dict[str, Any]
    corpus: str
    source: Mapping[str, str | int | None]
    notice: str = ""
    architecture: str = ""


def start(arch: str, image_size: int, findings: Sequence[str], init: str, seed: int,
          options: Mapping[str, Any] | None = None) -> Start:
    """Make the network that a training starts from.

    Args:
        findings: of its outputs, in their order.
        options: of `model_options.MODEL_OPTIONS`; of a file that names an option itself, the file's counts.
        init: 'imagenet', 'random', 'auto' (ImageNet where it can be had, else random with a notice), or a PATH.
        seed: of random weights and of the new head.
        options: of `model_options.MODEL_OPTIONS`; of a file that names an option itself, the file's counts.

    Raises:
        WeightsUnavailable: 'imagenet' without network and without a local copy.
        CheckpointError: a file that does not fit the architecture.
        RunError: a network of timm that is not there, or does not take such films.
    """
    if not timm_names.is_timm(arch):
        return _start(arch, image_size, findings, init, seed, dict(options or {}))
    with timm_dry_run.in_one_line(arch, image_size):
        asked, hub = dict(options or {}), None
        if timm_hub.is_hub(arch):
            with _quick_refusal():
                hub = timm_hub.read(arch)
            arch, asked = hub.architecture, asked | hub.options
        require_known(arch)
        made = _start(arch, image_size, findings, init, seed, asked, hub)
        timm_dry_run.require_takes(made.model, image_size, len(findings))
    return made


def _start(arch: str, image_size: int, findings: Sequence[str], init: str, seed: int, asked: dict[str, Any],
           hub: HubNetwork | None = None) -> Start:
    """As `start`, of a name that is known; hub: whose weights stand for ImageNet's."""
    torch.manual_seed(seed)
    if init == "random":
        return _at_random(arch, image_size, len(findings), asked)
    if init in ("imagenet", "auto"):
        try:
            return _imagenet(arch, image_size, len(findings), asked, hub)
        except WeightsUnavailable as error:
            if init == "imagenet":
                raise
            torch.manual_seed(seed)
            return _at_random(arch, image_size, len(findings), asked, f"{error}; going on with --init random")
    return _from_file(arch, image_size, findings, Path(init), asked)


def _at_random(arch: str, image_size: int, n_findings: int, options: dict[str, Any], notice: str = "") -> Start:
    model = build(arch, image_size, n_findings, options)
    spec, seen = GREY, {}
    if timm_names.is_timm(arch):
        spec, seen = _input_of(model)
    return Start(model, spec, "random", options, "none", _source("none", **seen), notice, arch)


def _input_of(model: nn.Module) -> tuple[InputSpec, dict[str, Any]]:
    """What timm's configuration of a network says of its input: mean and std, and what is stored besides."""
    config = of_timm(model).pretrained_cfg
    return (InputSpec(tuple(config["mean"]), tuple(config["std"])),
            {"size": int(config["input_size"][-1]), "interpolation": str(config.get("interpolation") or "")})


def _imagenet(arch: str, image_size: int, n_findings: int, options: dict[str, Any], hub: HubNetwork | None = None
              ) -> Start:
    name = require_known(arch).timm_name
    if hub is None and not timm_names.has_weights(name):
        raise WeightsUnavailable(f"timm has no weights of {name}: use --init random, or --init PATH with a weights "
                                 "file")
    try:
        with _quick_refusal():
            model = build(arch, image_size, n_findings, options, pretrained=True, config=hub.config if hub else None)
    except Exception as error:  # the hub's client raises many kinds, by version
        raise WeightsUnavailable(
            f"ImageNet weights of {arch} are neither in the local cache nor to be had from the network "
            f"({type(error).__name__}): use --init random, or --init PATH with a weights file"
        ) from None
    config, entry = of_timm(model).pretrained_cfg, find_architecture(arch)
    tag = entry.tag or str(config.get("tag") or "")
    corpus = corpus_of_tag(tag) if hub is None else f"unknown ({hub.hub_id})"
    spec, seen = _input_of(model)
    source = _source(corpus, tag=f"{entry.timm_name}.{tag}" if tag else entry.timm_name, hub_id=config["hf_hub_id"],
                     timm=version("timm"), **(seen if timm_names.is_timm(arch) else {}))
    return Start(model, spec, "imagenet", options, corpus, source, architecture=arch)


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


def _from_file(arch: str, image_size: int, findings: Sequence[str], path: Path, asked: dict[str, Any]) -> Start:
    """Weights of torchvision, timm, a trainer or the workbench; the head of other findings is made anew."""
    content = read_plain(path)
    found = find_state(content, str(path))
    beside, told = declared.beside(path)
    given = declared.of_content(content, path) | beside
    options = asked | given.get("model_options", {})
    named = given.get("findings") or (content.get("findings") if is_own(content) else None)
    model = built(arch, image_size, len(findings), options, str(path))
    fitted = fitted_to(found, model, arch, str(path))
    n = 0 if fitted.head is None else len(fitted.head.weight)
    own_head = list(named or findings) == list(findings) and n == len(findings)
    load_state(model, whole_state(fitted, model, range(n) if own_head else None), str(path))
    usual, seen = _input_of(model) if timm_names.is_timm(arch) else (IMAGENET, {})
    spec = InputSpec(given.get("mean", usual.mean), given.get("std", usual.std))
    if own_head:
        head = "its own head" + ("" if named else ", whose outputs are taken to be these findings in their order")
    else:
        why = fitted.no_head or f"the file's has {n} outputs" + " of other findings" * (n == len(findings))
        head = f"a new head for the {len(findings)} findings ({why})"
    assumed = [f"mean {_short(spec.mean)}, std {_short(spec.std)}", f"options {options or 'none'}", head, *found.said,
               *fitted.said]
    corpus = given.get("training_corpus", f"unknown ({path.name})")
    notice = f"weights from {path} ({told}): {'; '.join(assumed)}"
    source = _source(corpus, file_sha256=sha256(path), **seen)
    return Start(model, spec, str(path), options, corpus, source, notice, arch)


def _source(corpus: str, **known: str | int | None) -> dict[str, str | int | None]:
    """As `Start.source`."""
    return {"corpus": corpus} | dict.fromkeys(("tag", "hub_id", "timm", "file_sha256")) | known


def _short(values: tuple[float, ...]) -> str:
    return f"{values[0]:g}" if len(set(values)) == 1 else "/".join(f"{v:g}" for v in values)
