"""All findings side by side, drawn in the browser (`charts.small_curves`): a click opens one of them large."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from cxrcore.charts.small_curves import payload
from cxrcore.charts.small_curves.assets import SCRIPT, STYLE
from cxrcore.charts.sources import packed
from cxrcore.queries.curves import DrawnRun
from cxrcore.ui.finding_picker import show_finding

KEY = "small_curves"
_COMPONENT = st.components.v2.component(
    "cxr_small_curves", html='<div class="curves" data-testid="small-curves"></div>\n', js=packed(SCRIPT, STYLE))


def draw(measured: Sequence[DrawnRun], words: Callable[[DrawnRun], str], panels: Sequence[Mapping[str, Any]], said: str,
         file: str, axes: str) -> None:
    """The legend, the panels, and below them what the axes are.

    Args:
        words: what is said of a run beside its name.
        panels: as `payload.panel` makes them.
        said: before the names: what is said of the runs, and of each in the panels.
        file: of downloads, without its ending.
    """
    legend = payload.runs([(one.label, one.style, words(one)) for one in measured])
    _COMPONENT(data={"runs": legend, "panels": list(panels), "said": said, "file": file, "axes": axes}, key=KEY,
               on_opened_change=_open)


def _open() -> None:
    show_finding((st.session_state.get(KEY) or {})["opened"])
