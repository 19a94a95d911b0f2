"""How many bytes all that is kept takes together, and what goes first when that is too many; for `kept` alone."""

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock

import numpy as np
import pandas as pd

MOST_BYTES = 4_000_000_000  # some twenty prediction sets of a million films; of 112,120 films the counts suffice
_TEXT = 64  # bytes of a text of some ten letters
_MOST_LOOKED_AT = 1_000  # entries of a list: longer ones hold plain values, of which nothing here has many


def size_of(value: object) -> int:
    """Bytes of the arrays and frames in a value, texts by estimate; arrays that two values share count in both."""
    if isinstance(value, np.ndarray):
        return value.nbytes + (_TEXT * value.size if value.dtype == object else 0)
    if isinstance(value, pd.DataFrame | pd.Series):
        texts = value.select_dtypes(object).size if isinstance(value, pd.DataFrame) else 0
        return int(np.sum(value.memory_usage(index=True))) + _TEXT * texts
    if isinstance(value, bytes):
        return len(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return sum(size_of(getattr(value, one.name)) for one in dataclasses.fields(value))
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, tuple | list) and len(value) <= _MOST_LOOKED_AT:
        return sum(map(size_of, value))
    return 0


class Ledger:
    """Who asked last for which place, and what lies there; a place is any object that is held by identity."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: OrderedDict[object, tuple[int, Callable[[], None]]] = OrderedDict()
        self.total = 0

    def used(self, place: object, value: object, forget: Callable[[], None]) -> None:
        """A value was asked for; those that were not for the longest time are forgotten where all take too much.

        Args:
            forget: takes the value out of the memory that keeps it. The one just asked for stays, however large.
        """
        with self._lock:
            if place in self._held:
                self._held.move_to_end(place)
                return
        n, gone = size_of(value), []
        with self._lock:
            if place not in self._held:
                self._held[place] = n, forget
                self.total += n
            while self.total > MOST_BYTES and len(self._held) > 1:
                _, (freed, forget_it) = self._held.popitem(last=False)
                self.total -= freed
                gone.append(forget_it)
        for forget_it in gone:  # outside the lock: each takes that of its own memory
            forget_it()

    def gone(self, place: object) -> None:
        """A place was given up."""
        with self._lock:
            self.total -= self._held.pop(place, (0, None))[0]
