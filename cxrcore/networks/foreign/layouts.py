"""How the six networks' tensors are named elsewhere, and their names here, which are timm's.

A layout is known by anchors: names that stand in it under one prefix. What stands before them is the prefix, whatever
wrapper put it there (`module.`, `_orig_mod.`, `model.backbone.`, `densenet121.`, ...). Names are turned by a rule a
layout; that the network stays the same is tested by its outputs against torchvision's own.

Sources: torchvision.models (resnet, densenet, vgg, mobilenetv2, efficientnet, vision_transformer) and the names that
its files of before version 0.4 have; timm.models.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch

from cxrcore.errors import CheckpointError

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Layout:
    """A way of naming the tensors of one architecture.

    Attributes:
        maker: whose names they are, for people.
        architecture: of the six.
        anchors: names that all stand in it, under one prefix.
        rename: a name, without prefix, as the network here calls it; a name of no rule stays.
    """

    maker: str
    architecture: str
    anchors: tuple[str, ...]
    rename: Callable[[str], str]


@dataclass(frozen=True)
class Recognised:
    """A state dict in the names of the network here.

    Attributes:
        raw: what stood under the prefix, in the file's names without it.
        inside: the same, renamed.
        beside: what stood elsewhere, such as a head of its own or a loss's weights, as the file names it.
    """

    layout: Layout
    prefix: str
    raw: dict[str, torch.Tensor]
    inside: dict[str, torch.Tensor]
    beside: dict[str, torch.Tensor]


def _same(name: str) -> str:
    return name


def _densenet(name: str) -> str:
    """Of DenseNets before torchvision 0.2.1, which had dots: norm.1, conv.2."""
    return re.sub(r"(denselayer\d+\.(?:norm|conv))\.(\d)\.", r"\1\2.", name)


def _bare_densenet(name: str) -> str:
    return name if name.startswith("classifier") else f"features.{_densenet(name)}"


def _resnet_by_place(name: str) -> str:
    """Of nn.Sequential(*resnet.children())."""
    place, _, rest = name.partition(".")
    own = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4", "9": "fc"}
    return f"{own.get(place, place)}.{rest}"


def _vgg(name: str) -> str:
    return re.sub(r"^classifier\.(0|3)\.", lambda found: f"pre_logits.fc{1 if found[1] == '0' else 2}.", name)


def _vit(name: str) -> str:
    """The two halves of torchvision's attention, and mlp.linear_1 of its files of before 0.13."""
    for old, new in ((r"^class_token$", "cls_token"), (r"^encoder\.pos_embedding$", "pos_embed"),
                     (r"^conv_proj\.", "patch_embed.proj."), (r"^encoder\.ln\.", "norm."),
                     (r"^encoder\.layers\.encoder_layer_(\d+)\.", r"blocks.\1."),
                     (r"^(blocks\.\d+)\.ln_([12])\.", r"\1.norm\2."),
                     (r"^(blocks\.\d+)\.self_attention\.in_proj_", r"\1.attn.qkv."),
                     (r"^(blocks\.\d+)\.self_attention\.out_proj\.", r"\1.attn.proj."),
                     (r"^(blocks\.\d+\.mlp)\.(?:0|linear_1)\.", r"\1.fc1."),
                     (r"^(blocks\.\d+\.mlp)\.(?:3|linear_2)\.", r"\1.fc2.")):
        name = re.sub(old, new, name)
    return name


_CONV_NORM = {"0": "conv_stem", "1": "bn1"}
_LAST = {"0": "conv_head", "1": "bn2"}
_SEPARABLE = ("conv_dw", "bn1", "conv_pw", "bn2")  # the block without expansion
_INVERTED = ("conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3")
_MOBILENET_REPEATS = (1, 2, 3, 4, 3, 3, 1)


def _mobilenet_place(number: int) -> str:
    """Stage and place of torchvision's block 1 to 17."""
    stages = [(stage, place) for stage, n in enumerate(_MOBILENET_REPEATS) for place in range(n)]
    stage, place = stages[number - 1]
    return f"blocks.{stage}.{place}"


def _mobilenet(name: str) -> str:
    found = re.fullmatch(r"features\.(\d+)\.(?:conv\.)?([\d.]+)\.(\w+)", name)
    if not found or int(found[1]) > 18:
        return name
    number, place, rest = int(found[1]), found[2], found[3]
    if number in (0, 18):
        own = (_CONV_NORM if number == 0 else _LAST).get(place)
        return f"{own}.{rest}" if own else name
    parts = _SEPARABLE if number == 1 else _INVERTED
    nested = [f"{step}.{half}" for step in range(len(parts) // 2 - 1) for half in (0, 1)]
    nested += [str(len(parts) // 2 - 1), str(len(parts) // 2)]
    return f"{_mobilenet_place(number)}.{parts[nested.index(place)]}.{rest}" if place in nested else name


def _old_mobilenet(name: str) -> str:
    """Of files before torchvision 0.4, whose blocks were one sequence: conv, norm, activation, conv, ..."""
    found = re.fullmatch(r"features\.(\d+)\.conv\.(\d+)\.(\w+)", name)
    if not found or not 1 <= int(found[1]) <= 17:
        return _mobilenet(name)
    parts = _SEPARABLE if found[1] == "1" else _INVERTED
    flat = [str(3 * step + half) for step in range(len(parts) // 2) for half in (0, 1)]
    return (f"{_mobilenet_place(int(found[1]))}.{parts[flat.index(found[2])]}.{found[3]}" if found[2] in flat else name)


def _efficientnet(name: str) -> str:
    found = re.fullmatch(r"features\.(\d)\.(\d+)\.(\w+)", name)
    if found and found[1] in "08":
        own = (_CONV_NORM if found[1] == "0" else _LAST).get(found[2])
        return f"{own}.{found[3]}" if own else name
    found = re.fullmatch(r"features\.(\d)\.(\d+)\.block\.(\d)\.(\w+)\.(\w+)", name)
    if not found:
        return name
    stage, place, step, part, rest = int(found[1]) - 1, found[2], int(found[3]), found[4], found[5]
    steps = [_SEPARABLE[:2], ("se.conv_reduce", "se.conv_expand"), _SEPARABLE[2:]] if stage == 0 else [
        _INVERTED[:2], _INVERTED[2:4], ("se.conv_reduce", "se.conv_expand"), _INVERTED[4:]]
    half = {"0": 0, "1": 1, "fc1": 0, "fc2": 1}.get(part)
    if half is None or step >= len(steps):
        return name
    return f"blocks.{stage}.{place}.{steps[step][half]}.{rest}"


TORCHVISION, TIMM, BOTH = "torchvision", "timm", "torchvision and timm"
LAYOUTS = (
    Layout(BOTH, "resnet18", ("conv1.weight", "bn1.weight", "layer1.0.conv1.weight"), _same),
    Layout("a sequence of torchvision's or timm's parts", "resnet18",
           ("0.weight", "1.running_mean", "4.0.conv1.weight", "7.0.conv1.weight"), _resnet_by_place),
    Layout(BOTH, "densenet121", ("features.conv0.weight", "features.denseblock1.denselayer1.conv1.weight"), _same),
    Layout("torchvision before 0.2.1 (norm.1, conv.1)", "densenet121",
           ("features.conv0.weight", "features.denseblock1.denselayer1.conv.1.weight"), _densenet),
    Layout("torchvision's features alone", "densenet121", ("conv0.weight", "norm0.weight", "denseblock1.denselayer1."),
           _bare_densenet),
    Layout(TIMM, "vgg16", ("features.0.weight", "features.2.weight", "pre_logits.fc1.weight"), _same),
    Layout(TORCHVISION, "vgg16", ("features.0.weight", "features.2.weight", "features.5.weight"), _vgg),
    Layout(TORCHVISION, "mobilenet_v2", ("features.0.0.weight", "features.1.conv.0.0.weight"), _mobilenet),
    Layout("torchvision before 0.4", "mobilenet_v2", ("features.0.0.weight", "features.1.conv.0.weight"),
           _old_mobilenet),
    Layout(TORCHVISION, "efficientnet_b0", ("features.0.0.weight", "features.1.0.block.0.0.weight"), _efficientnet),
    Layout(TIMM, "efficientnet_b0", ("conv_stem.weight", "blocks.0.0.se.conv_reduce.weight"), _same),
    Layout(TIMM, "mobilenet_v2", ("conv_stem.weight", "blocks.0.0.conv_dw.weight", "blocks.1.0.conv_pwl.weight"),
           _same),
    Layout(TORCHVISION, "vit_b_16", ("conv_proj.weight", "encoder.pos_embedding"), _vit),
    Layout(TIMM, "vit_b_16", ("patch_embed.proj.weight", "blocks.0.attn.qkv.weight"), _same),
)


def recognise(tensors: Tensors, name: str) -> Recognised | None:
    """The layout of a state dict, and its tensors in the names of the network here; None where none is known.

    Raises:
        CheckpointError: it holds two networks.
    """
    found: list[Recognised] = []
    for layout in LAYOUTS:  # the first one that knows a place counts: later ones ask for less
        known = {one.prefix for one in found}
        found += [_renamed(tensors, layout, prefix) for prefix in _prefixes(tensors, layout) if prefix not in known]
    outer = [one for one in found if not any(_within(one, other) for other in found)]
    if len(outer) > 1 and not all(_equal(outer[0], one) for one in outer[1:]):
        places = " and ".join(f"'{one.prefix}'" for one in outer[:2])
        raise CheckpointError(f"{name} holds {len(outer)} networks, under {places}: save the state dict of the one "
                              "that is meant")
    return outer[0] if outer else None


def _prefixes(tensors: Tensors, layout: Layout) -> Iterator[str]:
    first, *others = layout.anchors
    for key in tensors:
        prefix = key[: len(key) - len(first)]
        if key.endswith(first) and (not prefix or prefix.endswith(".")) and all(
                _stands(tensors, prefix + other) for other in others):
            yield prefix


def _stands(tensors: Tensors, name: str) -> bool:
    return any(key.startswith(name) for key in tensors) if name.endswith(".") else name in tensors


def _renamed(tensors: Tensors, layout: Layout, prefix: str) -> Recognised:
    raw = {key[len(prefix):]: value for key, value in tensors.items() if key.startswith(prefix)}
    beside = {key: value for key, value in tensors.items() if not key.startswith(prefix)}
    return Recognised(layout, prefix, raw, {layout.rename(key): value for key, value in raw.items()}, beside)


def _within(one: Recognised, other: Recognised) -> bool:
    """Whether one is but a part of the other: the features of a DenseNet, say."""
    return one is not other and one.prefix.startswith(other.prefix) and one.prefix != other.prefix


def _equal(one: Recognised, other: Recognised) -> bool:
    """Whether it is one network that is registered twice."""
    return one.layout is other.layout and one.inside.keys() == other.inside.keys() and all(
        value.shape == other.inside[key].shape and value.dtype == other.inside[key].dtype
        and torch.equal(value, other.inside[key]) for key, value in one.inside.items())
