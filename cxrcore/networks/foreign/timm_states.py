"""Weights of any network of timm, in timm's own names, fitted to it; of the six in every layout that is known.

timm's modules know how older files of theirs were named, and how position embeddings and tables of relative positions
are resampled to another size of film; that is used here, on plain tensors.
"""

import sys
from collections.abc import Mapping

import torch
from torch import nn

from cxrcore.errors import CheckpointError
from cxrcore.networks import timm_names
from cxrcore.networks.checkpoint import head_prefixes
from cxrcore.networks.foreign.fitting import Fitted, check_numbers, fit, recognised
from cxrcore.networks.foreign.heads import find_head, is_counter, is_harmless
from cxrcore.networks.foreign.state_dicts import FoundState
from cxrcore.networks.state_shapes import first_difference

_FILTERS = ("checkpoint_filter_fn", "_checkpoint_filter_fn", "_filter_fn")
_FAULTS = (RuntimeError, TypeError, ValueError, AttributeError, LookupError, AssertionError)


def fitted_to(found: FoundState, model: nn.Module, architecture: str, name: str) -> Fitted:
    """Weights brought into the names and shapes of a network.

    Args:
        model: of `architectures.build`.
        name: of the file, for errors.

    Raises:
        CheckpointError: they are another network's; the text names it, or the first layer that differs.
    """
    if not timm_names.is_timm(architecture):
        return fit(recognised(found, name), model, architecture, name)
    own, heads = model.state_dict(), head_prefixes(model)
    bare, prefix = _without_prefix(found.tensors, own)
    given = _resampled(bare, model)
    wanted = {key: value for key, value in own.items() if not key.startswith(heads)}
    body = {key: value for key, value in given.items()
            if not key.startswith(heads) and (key in wanted or not is_harmless(key))}
    counters = {key: value for key, value in wanted.items() if is_counter(key)}
    if difference := first_difference(wanted, counters | body):
        raise CheckpointError(f"{name} does not fit {architecture}: {difference}")
    check_numbers(body, name)
    rows = {key: value for key, value in given.items() if key.startswith(heads)}
    features = [own[f"{head}weight"].shape[1] for head in heads if f"{head}weight" in own]
    head, no_head = find_head(rows, features[0]) if len(features) == 1 else (None, "it has several last layers")
    said = ["the layout of timm", *([f"prefix '{prefix}' taken off"] if prefix else []), *_moved(bare, given)]
    whole = counters | body
    return Fitted({key: whole[key] for key in wanted}, head, no_head, (), tuple(said), one_channel=False)


def _without_prefix(given: Mapping[str, torch.Tensor], own: Mapping[str, torch.Tensor]
                    ) -> tuple[dict[str, torch.Tensor], str]:
    """Tensors under the prefix at which most of the network's own names stand, without it; and the prefix."""
    counts: dict[str, int] = {"": 0}
    for key in given:
        parts = key.split(".")
        for place in range(min(len(parts), 5)):
            if ".".join(parts[place:]) in own:
                prefix = "".join(f"{part}." for part in parts[:place])
                counts[prefix] = counts.get(prefix, 0) + 1
                break
    prefix = max(counts, key=lambda one: counts[one])
    return {key.removeprefix(prefix): value for key, value in given.items() if key.startswith(prefix)}, prefix


def _resampled(given: Mapping[str, torch.Tensor], model: nn.Module) -> dict[str, torch.Tensor]:
    """As timm reads its own files for this network; as they are where it says nothing of them, or cannot read them."""
    module = sys.modules[type(model).__module__]
    read = next((getattr(module, name) for name in _FILTERS if hasattr(module, name)), None)
    if read is None:
        return dict(given)
    try:
        made = read(dict(given), model)
    except _FAULTS:  # of another network: the difference is told by its shapes
        return dict(given)
    sound = isinstance(made, dict) and all(
        isinstance(key, str) and torch.is_tensor(value) for key, value in made.items())
    return made if sound else dict(given)


def _moved(before: Mapping[str, torch.Tensor], after: Mapping[str, torch.Tensor]) -> list[str]:
    """What was resampled, in words."""
    changed = [key for key, value in after.items() if key in before and before[key].shape != value.shape]
    return [f"{changed[0]}{f' and {len(changed) - 1} more' if len(changed) > 1 else ''} resampled"] if changed else []
