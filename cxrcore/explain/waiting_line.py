"""Work on films in turns: one film at a time, first come first served, and who waits is told how many are before.

Two networks that run at once on two cores take the processor and its memory from each other, and both answer later than
the second would have in turns. Needs no torch, so that a page can line up before it is imported.
"""

import contextlib
import threading
from collections.abc import Callable, Generator, Hashable

LOOK_EVERY = 0.25  # seconds after which who waits is told again, changed or not, and may leave


def nobody(before: int) -> None:
    """For who need not be told."""


class Turn:
    """One visitor's place in the line."""

    def __init__(self, line: "WaitingLine", film: Hashable, told: Callable[[int], None]) -> None:
        self._line, self.film, self._told = line, film, told

    def let_others(self) -> None:
        """Between two steps of long work: whoever waits comes first, and this visitor goes to the end of the line."""
        if self._line.step_back(self):
            self._line.wait_for(self, self._told)


class WaitingLine:
    """A line of visitors, the first of whom has the turn; any number of threads may use it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._line: list[Turn] = []

    @contextlib.contextmanager
    def turn(self, film: Hashable, told: Callable[[int], None] = nobody) -> Generator[Turn]:
        """Wait for the turn and have it inside; not to be asked for by a thread that has it.

        The place is given up at the end, whatever is raised: inside, or by `told` while this visitor still waits.

        Args:
            film: the same for visitors who want the same, which is worked out once.
            told: called about every `LOOK_EVERY` seconds of waiting with how many other films are before this one, 0
                where only the same one is. What it raises ends the waiting: so a visitor leaves.
        """
        own = Turn(self, film, told)
        with self._changed:
            self._line.append(own)
        try:
            self.wait_for(own, told)
            yield own
        finally:
            self._leave(own)

    @property
    def is_free(self) -> bool:
        """Whether nobody has the turn or waits."""
        with self._changed:
            return not self._line

    def wait_for(self, own: Turn, told: Callable[[int], None]) -> None:
        """Until it is the turn of a visitor who stands in the line; for `Turn`."""
        while (before := self._films_before(own)) is not None:
            told(before)
            with self._changed:
                if self._line[0] is not own:
                    self._changed.wait(LOOK_EVERY)

    def step_back(self, own: Turn) -> bool:
        """To the end of the line; whether anybody stood in it; for `Turn`."""
        with self._changed:
            if len(self._line) == 1:
                return False
            self._line.remove(own)
            self._line.append(own)
            self._changed.notify_all()
            return True

    def _films_before(self, own: Turn) -> int | None:
        """Other films before this visitor's; None where it is the visitor's turn."""
        with self._changed:
            place = self._line.index(own)
            return len({one.film for one in self._line[:place]} - {own.film}) if place else None

    def _leave(self, own: Turn) -> None:
        with self._changed:
            self._line.remove(own)
            self._changed.notify_all()
