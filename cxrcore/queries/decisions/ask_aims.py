"""The aims of two lines, solved over every score of the films that a board is read on."""

import math
from collections.abc import Callable

import numpy as np

from cxrcore.errors import UsageError
from cxrcore.measures.decisions.abstention import Bands, miss_at_most, refer_at_most
from cxrcore.queries import from_store
from cxrcore.queries.board_state import BoardState, hand, make_state
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.store import Store

REFER, MISS = "refer", "miss"
_SOLVED: dict[str, Callable[[np.ndarray, np.ndarray, float], Bands]] = {
    REFER: refer_at_most, MISS: lambda labels, scores, films: miss_at_most(labels, scores, math.floor(films))}


def is_ask_aim(key: str) -> bool:
    """Whether a key is of an aim of two lines, such as 'refer:0.2' (share) or 'miss:10' (films)."""
    return key.partition(":")[0] in _SOLVED


def with_bands(store: Store, run: Evaluated, part: str, state: BoardState, key: str, finding: str | None) -> BoardState:
    """The board with the two lines that an aim sets; a finding without a film that has it stays as it is.

    Args:
        part: what the board is read on, and the aim is solved on.
        key: of `is_ask_aim`.
        finding: whose lines are set; None for all.

    Raises:
        UsageError: a number out of its range.
    """
    name, _, text = key.partition(":")
    try:
        wanted = float(text)
    except ValueError:
        wanted = math.nan
    if not math.isfinite(wanted):
        raise UsageError(f"'{text}' is no number to ask for")
    found = from_store.predictions(store, run.read(part))
    chosen = [one for one in state.findings if finding in (None, one)]
    places = [found.place(one) for one in chosen]
    bands = _SOLVED[name](found.labels[:, places], found.scores[:, places], wanted)
    changed, uppers = {**state.changed, **state.elsewhere}, dict(state.uppers)
    for one, lower, upper in zip(chosen, bands.lower.tolist(), bands.upper.tolist(), strict=True):
        if math.isnan(lower):
            continue
        changed[one] = hand(lower, part)
        uppers.pop(one, None)
        if upper > lower:
            uppers[one] = upper
    return make_state(store, run, state.base, state.reference, changed, uppers)
