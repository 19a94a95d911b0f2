"""What a sweep says while it runs: a line a change, a table that moves in a terminal, and queue.json for Runs."""

import logging
import shutil
import sys
import time
from collections.abc import Sequence

from cxrcore.errors import StoreBusy
from cxrcore.store import Store, progress, queued
from cxrcore.store.queued import RUNNING, Queue, Queued
from cxrcore.training.sweep import kept_runs
from cxrcore.training.sweep.planned import Training

_LOG = logging.getLogger(__name__)  # scripts print what it says

DRAW_EVERY = 2.0  # seconds, in a terminal
_WIDEST = 60  # letters of a name
_UP, _CLEAR = "\x1b[{}A", "\x1b[J"


def table(trainings: Sequence[Queued], of: Sequence[Queued] = ()) -> list[str]:
    """A line for each: name, state, what is said of it.

    Args:
        of: the whole table that these lines stand in, for its width.
    """
    width = min(_WIDEST, max((len(one.name) for one in of or trainings), default=0))
    return [f"{one.name[:_WIDEST]:{width}}  {one.state:7}  {one.said}".rstrip() for one in trainings]


class Told:
    """Tells a sweep's state on.

    `now` is called again and again, `end` at last.
    """

    def __init__(self, store: Store, trainings: Sequence[Training]):
        self._store, self._trainings = store, trainings
        self._before: list[Queued] = [Queued(one.plan.name) for one in trainings]
        self._moves, self._drawn, self._when = sys.stderr.isatty(), 0, 0.0
        _LOG.info(f"{len(trainings)} trainings")
        queued.tell(store, self._queue())

    def now(self) -> None:
        """What has changed is said."""
        states = self._states()
        changed = [now for now, before in zip(states, self._before, strict=True) if now != before]
        if changed:
            self._before = states
            queued.tell(self._store, self._queue())
        if not self._moves:
            for line in table(changed, states):
                _LOG.info(line)
        elif changed or time.monotonic() - self._when > DRAW_EVERY:
            self._draw([*table(self._with_progress(states)), self._queue().in_words()])

    def end(self, said: str) -> None:
        """The whole table, once more, and that nobody trains now.

        Args:
            said: of a sweep that is not through.
        """
        self._erase()
        queued.tell(self._store, Queue())
        for line in table(self._states()):
            _LOG.info(line)
        _LOG.info("; ".join(one for one in (self._queue().in_words(), said) if one))

    def _states(self) -> list[Queued]:
        return [Queued(one.plan.name, one.state, one.said) for one in self._trainings]

    def _queue(self) -> Queue:
        return Queue(tuple(self._states()), whole=True)

    def _with_progress(self, states: Sequence[Queued]) -> list[Queued]:
        """With the epoch of those that run; what a person may wait for comes first."""
        running = {one.plan.key for one in self._trainings if one.state == RUNNING}
        try:
            kept = kept_runs.kept_runs(self._store, running) if running else {}
            epochs = {key: progress.of_run(self._store, found.run_id) for key, found in kept.items()}
        except StoreBusy:
            epochs = {}
        told = []
        for one, state in zip(self._trainings, states, strict=True):
            now = epochs.get(one.plan.key, {}) if one.state == RUNNING else {}
            epoch = f", epoch {now['epoch']} of {now.get('epochs')}" if now.get("epoch") else ""
            told.append(Queued(state.name, state.state, state.said + epoch))
        return Queue(tuple(told)).first_things_first()

    def _draw(self, lines: Sequence[str]) -> None:
        """In place of the table before; the last line is kept where not all fit."""
        self._erase()
        columns, rows = shutil.get_terminal_size()
        shown = [line[:columns - 1] for line in [*lines[:-1][:max(1, rows - 3)], lines[-1]]]
        sys.stderr.write("\n".join(shown) + "\n")
        sys.stderr.flush()
        self._drawn, self._when = len(shown), time.monotonic()

    def _erase(self) -> None:
        if self._drawn:
            sys.stderr.write(_UP.format(self._drawn) + _CLEAR)
        self._drawn = 0
