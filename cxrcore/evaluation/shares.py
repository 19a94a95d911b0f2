"""How far slow work is, told as shares from 0 to 1: parts of a whole, and the bar that scripts show."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from tqdm import tqdm

from cxrcore.interrupts import raise_again

Told = Callable[[float], None]  # hears the share of the work that is done
PATIENCE = 1.0  # seconds that may pass without a bar


def untold(share: float) -> None:
    """For work whose share nobody hears."""


def within(told: Told, place: int, n: int) -> Told:
    """What hears the share of one of n equal parts, whose place counts from 0, and tells that of the whole."""
    return lambda share: told((place + share) / n)


@contextmanager
def bar(text: str, patience: float = PATIENCE) -> Generator[Told]:
    """A bar on the screen of a script, which comes only where the work takes long."""
    with tqdm(total=100, desc=text, delay=patience, bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}") as shown:
        def told(share: float) -> None:
            raise_again()
            shown.update(round(100 * share) - shown.n)

        yield told
