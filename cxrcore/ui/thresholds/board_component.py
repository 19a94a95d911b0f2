"""The threshold board: rows of handles that count in the browser, without the server, while they are dragged.

Python gives exact counts of every position once (`payload`) and hears of a threshold on release. The script is plain
JavaScript in the files of `charts.board`, joined there; there is no build step.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st

from cxrcore.charts.board.assets import SCRIPT, STYLE
from cxrcore.charts.sources import packed

KEY = "threshold_board"
_COMPONENT = st.components.v2.component(
    "cxr_threshold_board",
    html='<div id="board" data-testid="threshold-board"\nrole="group" aria-label="Threshold board"></div>',
    js=packed(SCRIPT, STYLE),
)


def board(payload: bytes, on_release: Callable[[], None], on_open: Callable[[], None],
          on_typed: Callable[[], None], on_aim: Callable[[], None] = lambda: None) -> None:
    """Show the board.

    Args:
        payload: as `payload.pack` makes it.
        on_release: called when thresholds have changed; `released()` says how.
        on_open: called when another finding was opened; `opened()` says which.
        on_typed: called when thresholds are wanted that are no positions yet; `typed()` says which.
        on_aim: called when an aim was clicked; `aimed()` says which.
    """
    _COMPONENT(data=payload, key=KEY, on_released_change=on_release, on_opened_change=on_open,
               on_typed_change=on_typed, on_aim_change=on_aim, on_wanted_change=lambda: None)


def released() -> dict[str, Any] | None:
    """The last release: `of` (what it belongs to), `thresholds` (k), `open` and `moved` {finding, before, after}."""
    return _state().get("released")


def opened() -> str | None:
    """The finding that was opened last."""
    return _state().get("opened")


def typed() -> dict[str, float]:
    """{finding: threshold} that is to become a position; only in `on_typed`."""
    return _state().get("typed") or {}


def aimed() -> dict[str, Any] | None:
    """The aim that was clicked, only in `on_aim`.

    `of` is what the board belongs to, `key` the set, `finding` None for all, `shown` whether it stands there already.
    """
    return _state().get("aim")


def wanted() -> dict[str, Any]:
    """What the board's modes ask for besides: `of`, `parts` of 'decide', 'place' and 'films', `finding`; or {}."""
    return _state().get("wanted") or {}


def _state() -> dict[str, Any]:
    return st.session_state.get(KEY) or {}
