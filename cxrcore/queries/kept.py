"""One bounded memory for what is read from a store or worked out from it: by whom it was asked, for all who ask again.

A key names a store by its `key`, and what may change by its change token or by the id of predictions, which never
change; so no time limit is needed and nothing kept is ever stale.
"""

import dataclasses
import functools
import inspect
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from threading import Lock
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np
import pandas as pd

from cxrcore.store import Store

Value = TypeVar("Value")
Asked = ParamSpec("Asked")

MOST_BYTES = 4_000_000_000  # some twenty prediction sets of a million films; of 112,120 films the counts suffice
_TEXT = 64  # bytes of a text of some ten letters
_MOST_LOOKED_AT = 1_000  # entries of a list: longer ones hold plain values, of which nothing here has many


def size_of(value: object) -> int:
    """Bytes of the arrays and frames in a value, texts by estimate; arrays that two values share count in both."""
    if isinstance(value, np.ndarray):
        return value.nbytes + (_TEXT * value.size if value.dtype == object else 0)
    if isinstance(value, pd.DataFrame | pd.Series):
        kinds = value.dtypes if isinstance(value, pd.DataFrame) else ()
        texts = len(value) * sum(kind.kind == "O" for kind in kinds)
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


class _Ledger:
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


class _Place(Generic[Value]):
    """Where one value lies; whoever comes first fills it while others wait for it."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.values: list[Value] = []  # none or one: None is a value too


class Kept(Generic[Value]):
    """The values that were asked for last, at most so many, and all memories together at most `MOST_BYTES`.

    Args:
        most: values that are kept; the one that was asked for the longest time ago goes first, before another is made.
        weigh: what the value of a key will take, of a share that all of them have.
        share: the most that they may take together, else the heaviest goes; one alone may take more.
    """

    def __init__(self, most: int, weigh: Callable[[Any], int] = lambda key: 0, share: int = 0):
        self._most, self._weigh, self._share = most, weigh, share
        self._lock = Lock()
        self._places: OrderedDict[Hashable, _Place[Value]] = OrderedDict()
        _ALL.append(self)

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of a key, made now where there is none; what `make` raises leaves the place empty."""
        place = self._place_of(key)
        with place.lock:
            if not place.values:
                place.values.append(make())
            value = place.values[0]
        _LEDGER.used(place, value, lambda: self._forget(key, place))
        with self._lock:
            gone = self._places.get(key) is not place
        if gone:  # had to give way while it was made: nobody else would take it out of the ledger
            _LEDGER.gone(place)
        return value

    def _place_of(self, key: Hashable) -> "_Place[Value]":
        """The place of a key, now the last one to go; those that give way for it are empty when this returns."""
        with self._lock:
            place = self._places.setdefault(key, _Place())
            self._places.move_to_end(key)
            gone = []
            while len(self._places) > self._most:
                gone.append(self._places.popitem(last=False)[1])
            while sum(map(self._weigh, self._places)) > self._share and len(self._places) > 1:
                *others, _ = self._places
                gone.append(self._places.pop(max(others, key=self._weigh)))
        for one in gone:
            _LEDGER.gone(one)
        return place

    def _forget(self, key: Hashable, place: _Place[Value]) -> None:
        with self._lock:
            if self._places.get(key) is place:
                del self._places[key]

    def holds(self, key: Hashable) -> bool:
        """Whether the value of a key is there."""
        with self._lock:
            place = self._places.get(key)
        return place is not None and bool(place.values)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            gone = list(self._places.values())
            self._places.clear()
        for one in gone:
            _LEDGER.gone(one)


_LEDGER = _Ledger()
_ALL: list[Kept[Any]] = []


def clear() -> None:
    """Forget everything that is kept anywhere, as a new process would."""
    for own in _ALL:
        own.clear()


def kept(most: int) -> Callable[[Callable[Asked, Value]], Callable[Asked, Value]]:
    """Keep what a function returned for its last `most` questions.

    Arguments have to be hashable; those whose name begins with '_' do not belong to the question. Frames come back as
    copies, which callers may change; arrays are shared by all readers and never written to.
    """
    def keeping(function: Callable[Asked, Value]) -> Callable[Asked, Value]:
        memory: Kept[Value] = Kept(most)
        signature = inspect.signature(function)

        @functools.wraps(function)
        def asked(*args: Asked.args, **kwargs: Asked.kwargs) -> Value:
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            key = tuple(_named(value) for name, value in given.arguments.items() if not name.startswith("_"))
            return _own(memory.get(key, lambda: function(*args, **kwargs)))

        return asked

    return keeping


def _named(value: object) -> object:
    return value.key if isinstance(value, Store) else value


def _own(value: Value) -> Value:
    """The same with frames of its own; pandas copies what is in them once somebody writes."""
    if isinstance(value, pd.DataFrame):
        return value.copy(deep=False)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        frames = {one.name: own.copy(deep=False) for one in dataclasses.fields(value)
                  if one.init and isinstance(own := getattr(value, one.name), pd.DataFrame)}
        return dataclasses.replace(value, **frames) if frames else value
    return value
