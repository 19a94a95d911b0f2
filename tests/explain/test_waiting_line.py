"""Turns on the networks: first come first served, one at a time, and nobody who leaves or fails holds up the others."""

import threading
import time

import pytest

from cxrcore.explain.waiting_line import WaitingLine

PATIENCE = 20  # seconds, on a busy machine


class Visitor(threading.Thread):
    """Takes a turn with a film, and has it until `done`; what it was told stands in `told`."""

    def __init__(self, line: WaitingLine, film: str, order: list[str], leaves: bool = False) -> None:
        super().__init__(daemon=True)
        self.line, self.film, self.order, self.leaves = line, film, order, leaves
        self.told, self.done, self.waits = [], threading.Event(), threading.Event()
        self.start()

    def run(self) -> None:
        def hear(before: int) -> None:
            self.told.append(before)
            self.waits.set()
            if self.leaves:
                raise KeyboardInterrupt

        try:
            with self.line.turn(self.film, hear):
                self.order.append(self.film)
                assert self.done.wait(PATIENCE)
        except KeyboardInterrupt:
            self.order.append(f"{self.film} left")


def stand(line: WaitingLine, films: str, order: list[str]) -> list[Visitor]:
    """Visitors one behind the other; the first of them has its turn."""
    first = Visitor(line, films[0], order)
    wait_until(lambda: order == [films[0]])
    others = []
    for film in films[1:]:
        others.append(Visitor(line, film, order))
        assert others[-1].waits.wait(PATIENCE)
    return [first, *others]


def wait_until(true) -> None:
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_who_comes_first_is_served_first_and_alone():
    line, order = WaitingLine(), []
    assert line.is_free
    visitors = stand(line, "abcd", order)
    assert [one.told[0] for one in visitors[1:]] == [1, 2, 3] and not line.is_free
    for n, one in enumerate(visitors, 1):
        assert order == list("abcd"[:n])
        one.done.set()
        one.join(PATIENCE)
        wait_until(lambda n=n: len(order) == min(n + 1, 4))
        for before, other in enumerate(visitors[n + 1:], 1):  # each hears of it before the next one leaves
            wait_until(lambda before=before, other=other: other.told[-1] == before)
    assert sorted(set(visitors[3].told)) == [1, 2, 3] and line.is_free


def test_visitors_of_the_same_film_are_one_film_before_another():
    line, order = WaitingLine(), []
    visitors = stand(line, "aaba", order)
    assert [one.told[0] for one in visitors[1:]] == [0, 1, 1]
    for one in visitors:
        one.done.set()
    for one in visitors:
        one.join(PATIENCE)
    assert order == ["a", "a", "b", "a"]


def test_who_leaves_gives_the_place_up():
    line, order = WaitingLine(), []
    first, last = stand(line, "ab", order)
    gone = Visitor(line, "c", order, leaves=True)
    gone.join(PATIENCE)
    assert order == ["a", "c left"] and not gone.is_alive()
    after = Visitor(line, "d", order)
    assert after.waits.wait(PATIENCE) and after.told[0] == 2  # a and b
    for one in (first, last, after):
        one.done.set()
        one.join(PATIENCE)
    assert order == ["a", "c left", "b", "d"] and line.is_free


def test_a_failure_frees_the_line():
    line = WaitingLine()
    with pytest.raises(ValueError, match="broken"), line.turn("a"):
        raise ValueError("broken")
    assert line.is_free
    with line.turn("b"):
        pass


def test_long_work_lets_others_go_first_between_its_steps():
    line, order = WaitingLine(), []
    told: list[int] = []
    with line.turn("slow", told.append) as turn:
        turn.let_others()  # nobody is there
        assert told == []
        others = [Visitor(line, film, order) for film in "ab"]
        for one in others:
            assert one.waits.wait(PATIENCE)
            one.done.set()
        turn.let_others()
        assert sorted(order) == ["a", "b"] and told and max(told) <= 2
    assert line.is_free
