"""Foreign weights brought into a network of ours: its body tensor by tensor, and its head apart.

What is done besides renaming is said: position embeddings of another grid are resampled as timm does, and a first layer
for one channel is spread over the three equal ones of a grey film. Anything else that does not fit is refused by the
first layer that differs.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from timm.layers import resample_abs_pos_embed
from torch import nn

from cxrcore.errors import CheckpointError
from cxrcore.networks.architectures import ARCHITECTURES, PATCH, build, of_timm
from cxrcore.networks.checkpoint import head_prefixes
from cxrcore.networks.foreign.heads import Head, find_head, is_counter, is_harmless, is_head
from cxrcore.networks.foreign.layouts import Recognised, recognise
from cxrcore.networks.foreign.other_networks import first_names, name_of, without_shared_prefix
from cxrcore.networks.foreign.state_dicts import FoundState
from cxrcore.networks.state_shapes import first_difference

_POSITIONS = "pos_embed"
_VGG_HIDDEN = "pre_logits."
_SHOWN = 3  # names in a line


@dataclass(frozen=True)
class Fitted:
    """Foreign weights in the names and shapes of a network of ours.

    Attributes:
        body: all tensors of the network but those of its head.
        head: its one linear layer, or None.
        no_head: why there is none, or "".
        left_out: names in the file that the network has no place for and that its outputs may depend on.
        said: what a person should know, one text a matter.
        one_channel: the file's network takes one channel.
    """

    body: dict[str, torch.Tensor]
    head: Head | None
    no_head: str
    left_out: tuple[str, ...]
    said: tuple[str, ...]
    one_channel: bool


def recognised(found: FoundState, name: str) -> Recognised:
    """The layout of weights from elsewhere.

    Args:
        name: of the file, for errors.

    Raises:
        CheckpointError: none that is known; the text says what they look like.
    """
    known = recognise(found.tensors, name)
    if known is not None:
        return known
    other = name_of(without_shared_prefix(found.tensors))
    if other:
        raise CheckpointError(f"{name} looks like {other}: not one of the six, {', '.join(ARCHITECTURES)}, in "
                              "torchvision's or timm's layout")
    called = f"; it calls itself {found.calls_itself[:40]!a}" if found.calls_itself else ""
    raise CheckpointError(f"{name} is of no layout that is known here (torchvision's and timm's of the six networks; "
                          f"weights of another network of timm: --arch timm:NAME): it begins with "
                          f"{first_names(found.tensors)}{called}")


def built(architecture: str, image_size: int, n_outputs: int, options: Mapping[str, Any], name: str) -> nn.Module:
    """`architectures.build` with options from outside.

    Raises:
        CheckpointError: they do not suit the architecture.
    """
    try:
        return build(architecture, image_size, n_outputs, options)
    except (TypeError, ValueError, AttributeError, AssertionError, RuntimeError) as error:
        raise CheckpointError(f"{name}: model options {dict(options)} do not suit {architecture} "
                              f"({' '.join(str(error).split())[:120]})") from None


def fit(known: Recognised, model: nn.Module, architecture: str, name: str) -> Fitted:
    """Bring weights into the names and shapes of a network.

    Args:
        model: of `architectures.build`.
        name: of the weights, for errors.

    Raises:
        CheckpointError: they are another network's; the text names it, or the first layer that differs.
    """
    own, classifier = model.state_dict(), _classifier(model)
    wanted = {key: value for key, value in own.items() if not key.startswith(classifier)}
    adapted, said = _adapted(_own_part(known, wanted), wanted, _first_layer(model))
    hidden = _vgg_without_hidden(adapted, wanted) if architecture == "vgg16" else set()
    new = {key: value for key, value in wanted.items() if key in hidden or (is_counter(key) and key not in adapted)}
    body = adapted | new
    difference = "" if known.layout.architecture != architecture else first_difference(wanted, body)
    if difference or known.layout.architecture != architecture:
        where = f": {difference}" if difference else ""
        raise CheckpointError(f"{name} does not fit {architecture}{where}; {_looks(known)}")
    check_numbers({key: value for key, value in body.items() if key not in new}, name)
    heads, left, dropped = _rest(known, wanted)
    head, no_head = find_head(heads, own[f"{classifier}weight"].shape[1])
    if hidden:
        head, no_head = None, "its hidden layers are other ones"
    if head is not None:
        check_numbers({f"{head.name}.weight": head.weight, f"{head.name}.bias": head.bias}, name)
    said = [f"the layout of {known.layout.maker}", *([f"prefix '{known.prefix}' taken off"] if known.prefix else []),
            *said,
            *(["new hidden layers"] if hidden else []), *([f"left out: {_few(dropped)}"] if dropped else [])]
    first = known.inside[_first_layer(model)]
    return Fitted({key: body[key] for key in wanted}, head, no_head, left, tuple(said), first.shape[1:2] == (1,))


def _own_part(known: Recognised, wanted: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What stands under the prefix, without heads and without what no output depends on."""
    return {key: value for key, value in known.inside.items()
            if key in wanted or not (is_harmless(key) or is_counter(key) or is_head(key))}


def _rest(known: Recognised, wanted: Mapping[str, torch.Tensor]
          ) -> tuple[dict[str, torch.Tensor], tuple[str, ...], list[str]]:
    """What is no part of the body: the head's tensors, names that outputs may depend on, and all that is left out."""
    inside = {known.prefix + key: value for key, value in known.inside.items() if key not in wanted and is_head(key)}
    beside = {key: value for key, value in known.beside.items() if not is_harmless(key) and not is_counter(key)}
    heads = inside | {key: value for key, value in beside.items() if is_head(_last_parts(key))}
    left = tuple(key for key in beside if key not in heads)
    harmless = [key for key in (*known.beside, *(known.prefix + key for key in known.inside if key not in wanted))
                if is_harmless(key)]
    return heads, left, [*left, *harmless]


def _classifier(model: nn.Module) -> str:
    """Of one of the six, which have one last layer; of others the first of theirs."""
    return next(iter(head_prefixes(model)), "no last layer")


def _last_parts(key: str) -> str:
    """A name from the part on that people call heads: 'module.fc.weight' -> 'fc.weight'."""
    parts = key.split(".")
    return next((".".join(parts[place:]) for place in range(len(parts)) if is_head(".".join(parts[place:]))), key)


def _adapted(given: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor], first: str
             ) -> tuple[dict[str, torch.Tensor], list[str]]:
    made, said = dict(given), []
    for key, value in given.items():
        own = wanted.get(key)
        if own is None or value.shape == own.shape:
            continue
        if value.ndim == 2 and own.ndim == 4 and own.numel() == value.numel() and len(own) == len(value):
            made[key] = value.reshape(own.shape)  # VGG's hidden layers: linear there, convolutions here
        elif key == first and value.ndim == 4 and value.shape[1] == 1 and value.shape[2:] == own.shape[2:]:
            made[key] = value.repeat(1, own.shape[1], 1, 1) / own.shape[1]
            said.append("its one channel spread over three equal ones")
        elif key == _POSITIONS and value.ndim == 3 and value.shape[::2] == own.shape[::2]:
            old, new = (math.isqrt(one.shape[1] - 1) for one in (value, own))
            if old > 0 and old**2 + 1 == value.shape[1]:
                made[key] = resample_abs_pos_embed(value, new_size=[new, new], num_prefix_tokens=1)
                said.append(f"position embeddings resampled from {old} x {old} to {new} x {new}")
    return made, said


def positions_size(known: Recognised) -> int | None:
    """Pixels a side of the films that position embeddings were trained with; None where a network has none."""
    value = known.inside.get(_POSITIONS)
    if value is None or value.ndim != 3:
        return None
    side = math.isqrt(value.shape[1] - 1) if value.shape[1] > 1 else 0
    return side * PATCH if side % 2 == 0 and side > 0 else None  # image sizes are multiples of 32


def _vgg_without_hidden(given: dict[str, torch.Tensor], wanted: Mapping[str, torch.Tensor]) -> set[str]:
    """The hidden layers of VGG's classifier, where the file has others or none; they are taken out of `given`."""
    own = {key for key in wanted if key.startswith(_VGG_HIDDEN)}
    if all(key in given and given[key].shape == wanted[key].shape for key in own):
        return set()
    for key in [key for key in given if key.startswith(_VGG_HIDDEN)]:
        del given[key]
    return own


def check_numbers(tensors: Mapping[str, torch.Tensor], name: str) -> None:
    """CheckpointError where a tensor holds no numbers that a network can be made of."""
    for key, value in tensors.items():
        if value.layout != torch.strided or value.device.type != "cpu" or value.is_quantized:
            raise CheckpointError(f"{name}: {key} is no plain tensor but sparse, quantised or without content")
        if is_counter(key):
            continue
        if not value.is_floating_point():
            raise CheckpointError(f"{name}: {key} holds {str(value.dtype).removeprefix('torch.')} and no real numbers")
        summed = value if value.element_size() > 1 else value.float()  # numbers of one byte cannot be summed
        if not summed.sum(dtype=torch.float64).isfinite():  # quick, and no sum of finite numbers gets that large
            raise CheckpointError(f"{name}: {key} holds NaN or infinite numbers: a training that failed?")


def _looks(known: Recognised) -> str:
    """What weights look like, for an error."""
    kind = known.layout.architecture
    with torch.device("meta"):
        model = build(kind, positions_size(known) or 224, 1)
    wanted = {key: value for key, value in model.state_dict().items() if not key.startswith(_classifier(model))}
    body = _adapted(_own_part(known, wanted), wanted, _first_layer(model))[0]
    counters = {key: value for key, value in wanted.items() if is_counter(key)}
    if not first_difference(wanted, counters | body):
        return f"it looks like {kind}, in the layout of {known.layout.maker}: give --arch {kind}"
    other = name_of(known.raw)
    return f"it looks like {other}, which is not one of the six" if other else (
        f"it looks like a relative of {kind}, in the layout of {known.layout.maker}")


def _first_layer(model: nn.Module) -> str:
    return of_timm(model).pretrained_cfg["first_conv"] + ".weight"


def _few(names: Sequence[str]) -> str:
    return f"{', '.join(names[:_SHOWN])}{f' and {len(names) - _SHOWN} more' if len(names) > _SHOWN else ''}"


def whole_state(fitted: Fitted, model: nn.Module, rows: Sequence[int] | None) -> dict[str, torch.Tensor]:
    """The network's state: the body, and these outputs of the file's head; None leaves the network's own head."""
    own, classifier = model.state_dict(), _classifier(model)
    if rows is None or fitted.head is None:
        return fitted.body | {key: own[key] for key in own if key.startswith(head_prefixes(model))}
    chosen = {"weight": fitted.head.weight[list(rows)], "bias": fitted.head.bias[list(rows)]}
    names = {f"{classifier}{part}": value for part, value in chosen.items()}
    return fitted.body | {key: value.reshape(own[key].shape) for key, value in names.items() if key in own}
