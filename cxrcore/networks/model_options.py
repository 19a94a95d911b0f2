"""Which arguments of timm's builder a weights file, or the JSON beside it, may set.

Nothing else gets through: other arguments of `timm.create_model` name files to load, code to run or another network.
"""

from collections.abc import Callable, Mapping
from typing import Any

from cxrcore.errors import CheckpointError


def _number(low: float, high: float, low_too: bool = False) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        return type(value) in (int, float) and (low < value < high or (low_too and value == low))

    return fits


def _one_of(*names: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in names


MODEL_OPTIONS: dict[str, tuple[str, Callable[[Any], bool]]] = {  # what the value may be, in words and as a test
    "pad_type": ("'same', 'valid' or ''", _one_of("same", "valid", "")),
    "bn_eps": ("a number above 0 and below 1", _number(0, 1)),
    "bn_momentum": ("a number above 0 and below 1", _number(0, 1)),
    "global_pool": ("'avg', 'max', 'avgmax', 'catavgmax' or 'token'",
                    _one_of("avg", "max", "avgmax", "catavgmax", "token")),
    "drop_rate": ("a number from 0 to below 1", _number(0, 1, low_too=True)),
    "drop_path_rate": ("a number from 0 to below 1", _number(0, 1, low_too=True)),
}


def check_options(options: Any, source: str) -> dict[str, Any]:
    """Model options from outside, held to `MODEL_OPTIONS`.

    Args:
        source: of the options, for the error.

    Raises:
        CheckpointError: no dictionary, or another key or value; the text names the first.
    """
    if not isinstance(options, Mapping):
        raise CheckpointError(f"{source}: model_options is no object")
    for key, value in options.items():
        if not isinstance(key, str) or key not in MODEL_OPTIONS:
            raise CheckpointError(f"{source}: the model option {_short(key)} is refused: known are "
                                  f"{', '.join(MODEL_OPTIONS)}")
        words, fits = MODEL_OPTIONS[key]
        if not fits(value):
            raise CheckpointError(f"{source}: the model option {key} is {_short(value)}: expected {words}")
    return dict(options)


def _short(value: Any) -> str:
    """A foreign value in an error's line, without asking a foreign object for its words."""
    return ascii(value)[:60] if type(value) in (str, int, float, bool, type(None)) else f"a {type(value).__name__}"
