"""The state dict in what a file holds: trainers put it under many names, with an optimizer and counters beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from cxrcore.errors import CheckpointError

OUTER_KEYS = ("state", "state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights", "module",
              "params", "ema", "state_dict_ema", "model_ema", "ema_model", "ema_state_dict", "params_ema")
_DEEPEST = 4
_SHOWN = 6  # keys in an error


@dataclass(frozen=True)
class FoundState:
    """A state dict, and where it was.

    Attributes:
        tensors: name -> tensor, as the file has them.
        said: what a person should know, one text a matter.
        calls_itself: the architecture that the file names, or "".
    """

    tensors: Mapping[str, torch.Tensor]
    said: tuple[str, ...] = ()
    calls_itself: str = ""


def find_state(content: Any, name: str) -> FoundState:
    """The state dict in a file's content.

    Args:
        content: as `weights_file.read_plain` gives it.
        name: of the file, for errors.

    Raises:
        CheckpointError: there is none; the text says what there is.
    """
    said: list[str] = []
    called = content.get("arch", content.get("architecture")) if isinstance(content, dict) else None
    for _ in range(_DEEPEST):
        if not isinstance(content, Mapping):
            raise CheckpointError(f"{name} holds no state dict but {_in_words(content)}: save that of the model, "
                                  "torch.save(model.state_dict(), PATH)")
        inner = [key for key in OUTER_KEYS if isinstance(content.get(key), Mapping) and content[key]]
        inner = inner or _only_other(content)
        if not inner:
            break
        if inner[0] not in ("state", "state_dict"):
            said.append(f"taken from '{inner[0]}'")
        others = [key for key in inner[1:] if _tensors(content[key])]
        if others:
            said.append(f"{', '.join(map(repr, others))} beside '{inner[0]}' left out")
        content = content[inner[0]]
    tensors = _tensors(content)
    if not tensors:
        keys = ", ".join(ascii(key)[:40] for key in list(content)[:_SHOWN])
        raise CheckpointError(f"{name} holds no state dict: its keys are {keys or 'none'}")
    return FoundState(tensors, tuple(said), called if isinstance(called, str) and called.isprintable() else "")


def _tensors(content: Mapping[Any, Any]) -> dict[str, torch.Tensor]:
    return {key: value for key, value in content.items() if isinstance(key, str) and torch.is_tensor(value)}


def _only_other(content: Mapping[Any, Any]) -> list[str]:
    """The one key, of any name, under which nothing but tensors lie; none where tensors lie beside it."""
    if _tensors(content):
        return []
    found = [key for key, value in content.items() if isinstance(key, str) and isinstance(value, Mapping) and value
             and all(torch.is_tensor(one) for one in value.values())]
    return found if len(found) == 1 else []


def _in_words(content: Any) -> str:
    if torch.is_tensor(content):
        return "one tensor"
    if isinstance(content, list | tuple):
        tensors = bool(content) and all(torch.is_tensor(one) for one in content)
        return f"a {type(content).__name__} of {len(content)} {'tensors without names' if tensors else 'things'}"
    return f"a {type(content).__name__}"
