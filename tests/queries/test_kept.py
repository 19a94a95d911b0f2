"""What is kept of large data sets takes a bounded number of bytes, whoever keeps it."""

import weakref
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from cxrcore.queries import kept
from cxrcore.queries.kept import size_of


@dataclass(frozen=True)
class Held:
    names: np.ndarray
    numbers: tuple[np.ndarray, ...]
    frame: pd.DataFrame


@pytest.fixture
def bounded(monkeypatch):
    """Room for three values of 1,000 bytes; what else is kept is forgotten before and after."""
    kept.clear()
    monkeypatch.setattr(kept, "MOST_BYTES", 3_500)
    yield
    kept.clear()


def value() -> np.ndarray:
    return np.zeros(1_000, np.uint8)


def test_the_value_that_was_asked_for_the_longest_time_ago_goes_from_whatever_memory(bounded):
    one, other = kept.Kept(9), kept.Kept(9)
    for memory, key in ((one, "a"), (other, "b"), (one, "c"), (one, "a")):  # a once more
        memory.get(key, value)
    other.get("d", value)
    assert [one.holds("a"), other.holds("b"), one.holds("c"), other.holds("d")] == [True, False, True, True]
    made = []
    other.get("b", lambda: made.append(1) or value())
    assert made == [1] and not one.holds("c")


def test_a_value_that_is_larger_than_all_may_be_stays_until_the_next(bounded):
    memory = kept.Kept(9)
    memory.get("large", lambda: np.zeros(9_000, np.uint8))
    assert memory.holds("large")
    memory.get("small", value)
    assert memory.holds("small") and not memory.holds("large")


def test_bytes_of_what_went_by_number_or_was_forgotten_are_free_again(bounded):
    few = kept.Kept(2)
    for key in range(50):
        few.get(key, value)
    assert kept._LEDGER.total == 2_000 and few.holds(49) and few.holds(48)
    kept.clear()
    assert kept._LEDGER.total == 0 and not few.holds(49)


def test_arrays_in_whatever_they_stand_are_counted_and_texts_by_estimate():
    numbers = np.zeros((100, 14), np.float32)
    assert size_of(numbers) == size_of({"a": [numbers]}) == 5_600
    frame = pd.DataFrame({"x": np.arange(1_000.0)})
    names = np.array([f"{k:08d}_000.png" for k in range(1_000)], object)
    assert 8_000 <= size_of(frame) < 9_000 and 60_000 < size_of(names) < 90_000
    assert size_of(Held(names, (numbers, numbers), frame)) == size_of(names) + 11_200 + size_of(frame)
    assert size_of("a text") == size_of(None) == 0


def test_what_gave_way_while_it_was_made_is_held_by_nobody(bounded):
    memory, held = kept.Kept(1), []

    def slow() -> np.ndarray:
        memory.get("another", value)  # as another thread does meanwhile
        made = np.zeros(2_000, np.uint8)
        held.append(weakref.ref(made))
        return made

    assert len(memory.get("slow", slow)) == 2_000
    assert held[0]() is None and kept._LEDGER.total == 1_000
    memory.get("new", lambda: held.append(memory.holds("another")) or value())
    assert held[1] is False and kept._LEDGER.total == 1_000


def test_the_heaviest_makes_room_before_another_is_made():
    memory = kept.Kept(9, weigh=len, share=6)
    held = []
    for key in ("a", "bbb", "cc"):
        memory.get(key, value)
    assert all(map(memory.holds, ("a", "bbb", "cc")))
    memory.get("ddd", lambda: held.append([*map(memory.holds, ("a", "bbb", "cc"))]) or value())
    assert held == [[True, False, True]]
    memory.get("larger than all", lambda: held.append([*map(memory.holds, ("a", "ddd", "cc"))]) or value())
    assert held[1] == [False] * 3 and memory.holds("larger than all")
