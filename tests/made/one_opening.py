"""Seeding a store in one opening of its file: the store itself opens and closes it at each step, 0.1 s a time."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from cxrcore.store import store_path, turns


@contextlib.contextmanager
def one_opening(path: Path) -> Iterator[None]:
    """What is inside goes through the store's own methods, on a file that stays open and that nobody else may want."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own, resolved = turns._open, store_path.resolved(path)
    with turns.turn(path, write=True) as first:  # a served page may be reading
        held = own(first)
    with contextlib.closing(held), pytest.MonkeyPatch.context() as patch:
        patch.setattr(turns, "_open", lambda turn: held.cursor() if turn.path == resolved else own(turn))
        yield
