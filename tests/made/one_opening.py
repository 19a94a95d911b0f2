"""Seeding a store in one opening of its file: the store itself opens and closes it at each step, 0.1 s a time."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from cxrcore.store import store_path, turns


@contextlib.contextmanager
def one_opening(path: Path) -> Iterator[None]:
    """What is inside goes through the store's own methods, on a file that stays open; a served page waits meanwhile.

    It waits at the gate, which is held all the time: whoever got it with the file still open here would keep it, in
    vain, from the steps inside. Nor may a step be taken inside another, which would wait for itself elsewhere.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    other, resolved = turns._turn, store_path.resolved(path)
    with (turns.turn(path, write=True) as first, first.connect() as held, pytest.MonkeyPatch.context() as patch):
        @contextlib.contextmanager
        def connect() -> Iterator[duckdb.DuckDBPyConnection]:
            with contextlib.closing(held.cursor()) as cursor:
                yield cursor

        alone = threading.Lock()

        @contextlib.contextmanager
        def step(asked: Path, *how: object) -> Iterator[object]:
            if store_path.resolved(asked) == resolved:
                assert alone.acquire(timeout=turns.READER_WAIT), "a step is taken inside another"
                with contextlib.closing(SimpleNamespace(close=alone.release)):
                    yield SimpleNamespace(path=resolved, connect=connect, let_others_in=lambda: None,
                                          signals=first.signals)
            else:
                with other(asked, *how) as own:
                    yield own

        patch.setattr(turns, "_turn", step)
        yield
