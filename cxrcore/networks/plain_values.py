"""Plain values that training scripts keep beside weights in a pickled form: numbers of NumPy, flags of argparse.

They are read without NumPy's own functions: these take forged descriptions of memory from a file, ours take
numbers.
"""

import argparse
import pickle
import struct
from typing import Any

_FORMATS = {"f2": "e", "f4": "f", "f8": "d", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H",
            "u4": "I", "u8": "Q", "b1": "?"}  # NumPy's code -> struct's


class Kind:
    """Stands for `numpy.dtype` of one number; anything else is refused."""

    def __init__(self, code: str, align: bool = False, copy: bool = False) -> None:
        self.format = _FORMATS.get(str(code).lstrip("<>=|"))
        if self.format is None:
            raise pickle.UnpicklingError(f"GLOBAL numpy.dtype of '{str(code)[:20]}', which is no number")
        self.order = "<"

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, tuple) and len(state) > 1 and state[1] == ">":
            self.order = ">"


def number(kind: Any, raw: Any) -> float | int | bool:
    """Stands for `numpy.core.multiarray.scalar`: the number as Python's own."""
    if not isinstance(kind, Kind):
        raise pickle.UnpicklingError("GLOBAL numpy.core.multiarray.scalar of what is no number")
    data = raw.encode("latin-1") if isinstance(raw, str) else bytes(raw)
    return struct.unpack(f"{kind.order}{kind.format}", data)[0]


PLAIN: list[Any] = [  # for torch.serialization.safe_globals
    argparse.Namespace, (Kind, "numpy.dtype"), (number, "numpy.core.multiarray.scalar"),
    (number, "numpy._core.multiarray.scalar")]
