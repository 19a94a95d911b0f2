"""One function of the product with a few characters of its source changed, for as long as a block runs."""

import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import Any


@dataclass(frozen=True)
class Mutation:
    """A change.

    Attributes:
        name: what is wrong then.
        function: as `module.function` has it, or a property or method of a class.
        old, new: part of its source, which stands there once, and what takes its place.
        groups: of the golden file, where it has to be noticed.
    """

    name: str
    function: Callable[..., Any] | property
    old: str
    new: str
    groups: tuple[str, ...]


@contextmanager
def planted(mutation: Mutation) -> Iterator[None]:
    """The function with the change; whoever imported it by its name gets it too, as its code is changed in place."""
    function = mutation.function.fget if isinstance(mutation.function, property) else mutation.function
    assert isinstance(function, FunctionType)
    source = textwrap.dedent(inspect.getsource(function))
    there = source.count(mutation.old)
    assert there == 1, f"{mutation.name}: {mutation.old!r} stands {there} times"
    made: dict[str, Any] = {}
    exec(compile(source.replace(mutation.old, mutation.new), f"<{mutation.name}>", "exec"), function.__globals__, made)
    changed = made[function.__name__]
    before = function.__code__
    function.__code__ = (changed.fget if isinstance(changed, property) else changed).__code__
    try:
        yield
    finally:
        function.__code__ = before
