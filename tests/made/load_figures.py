"""What a load on a server is told by: seconds of each kind of action, errors, memory, and who took the processor."""

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from threading import Event

import numpy as np
import psutil

LOOK_EVERY = 2.0  # seconds
SETTLED = 0.4  # share of the time after which memory has to stay
_LONGEST_TEXT = 400


class Figures:
    """What all visitors saw; each adds to it from a thread of its own.

    Attributes:
        seconds: {kind of action: how long each took}.
        errors: what went wrong, in words.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.errors: list[str] = []
        self._began = time.monotonic()
        self._ended: dict[str, list[float]] = defaultdict(list)  # as `seconds`: when

    def took(self, kind: str, seconds: float) -> None:
        """An action of this kind is over."""
        self.seconds[kind].append(seconds)
        self._ended[kind].append(time.monotonic() - self._began)

    @contextlib.contextmanager
    def told(self, what: str) -> Iterator[None]:
        """Whatever is raised inside is an error of this action."""
        try:
            yield
        except Exception as error:
            self.errors.append(f"{what}: {type(error).__name__}: {str(error)[:_LONGEST_TEXT]}")

    def p95(self, *kinds: str) -> float:
        """Seconds that 95 % of the actions of these kinds together took at most."""
        return float(np.percentile(np.concatenate([self.seconds[kind] for kind in kinds]), 95))

    def in_words(self, kinds: Sequence[str], called: str) -> str:
        """Percentiles of some kinds together, as a row of a table."""
        taken = np.concatenate([self.seconds[kind] for kind in kinds])
        if not len(taken):
            return f"| {called} | 0 | | | |"
        p50, p95, most = np.percentile(taken, [50, 95, 100])
        return f"| {called} | {len(taken)} | {p50:.2f} s | {p95:.2f} s | {most:.2f} s |"

    def minute_by_minute(self, kinds: Sequence[str]) -> str:
        """The p95 of some kinds together in each minute: the first ones work out what the others find."""
        taken, ended = (np.concatenate([own[kind] for kind in kinds]) for own in (self.seconds, self._ended))
        minutes = (ended // 60).astype(int)
        return "p95 in each minute: " + " ".join(
            f"{np.percentile(taken[minutes == minute], 95):.2f}" for minute in np.unique(minutes))


class Watch:
    """Memory and processor time of a server, of this process and of what else it started.

    Attributes:
        memory: (seconds since the beginning, bytes of the server with the processes that it started).
    """

    def __init__(self, server: psutil.Process) -> None:
        self._server, self._began = server, time.monotonic()
        self.memory: list[tuple[float, int]] = []
        self._taken: dict[str, dict[int, tuple[float, float]]] = defaultdict(dict)  # who: {process: first, last}

    def until(self, ended: Event) -> None:
        """Look every so often."""
        while not ended.wait(LOOK_EVERY):
            self.look()

    def look(self) -> None:
        """What there is now. Shared pages of the server's processes count in each: an upper bound."""
        own, me = [self._server, *self._server.children(recursive=True)], psutil.Process()
        others = [one for one in me.children(recursive=True) if one not in own]
        self.memory.append((time.monotonic() - self._began, sum(_resident(one) for one in own)))
        for who, processes in (("server", own), ("visitors", [me]), ("browsers", others)):
            for one in processes:
                with contextlib.suppress(psutil.Error):
                    times = one.cpu_times()
                    now = times.user + times.system
                    first, _ = self._taken[who].get(one.pid, (now, now))
                    self._taken[who][one.pid] = first, now

    def processor(self) -> dict[str, float]:
        """{who: processors taken on average}."""
        seconds = self.memory[-1][0] - self.memory[0][0]
        return {who: sum(last - first for first, last in own.values()) / seconds for who, own in self._taken.items()}

    def slope(self) -> float:
        """MB a minute that memory grew by once it had settled: of the straight line of least squares."""
        times, sizes = np.array(self.memory).T
        late = times >= SETTLED * times[-1]
        return float(np.polyfit(times[late] / 60, sizes[late] / 1e6, 1)[0])

    def in_words(self) -> str:
        """Memory and processors, in a few lines."""
        times, sizes = np.array(self.memory).T / [[60], [1e6]]
        each = " ".join(f"{sizes[np.searchsorted(times, minute)]:.0f}" for minute in range(1, int(times[-1]) + 1))
        taken = ", ".join(f"{who} {share:.2f}" for who, share in self.processor().items())
        return (f"memory: at most {sizes.max():.0f} MB, {self.slope():+.2f} MB a minute "
                f"after {SETTLED:.0%} of the time; after each minute {each}\nprocessors: {taken}")


def _resident(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return process.memory_info().rss
    return 0
