"""Charts that the browser draws without Plotly (`charts.simple_charts`), on a page."""

from dataclasses import replace

import streamlit as st

from cxrcore.charts.simple_charts.assets import SCRIPT, STYLE
from cxrcore.charts.simple_charts.payload import Chart
from cxrcore.charts.sources import packed
from cxrcore.ui import widgets

_COMPONENT = st.components.v2.component(
    "cxr_simple_chart", html='<div class="chart" data-testid="simple-chart"></div>\n', js=packed(SCRIPT, STYLE))
ANSWER_TURN = 0.25  # seconds in which a browser draws the answer, before all else comes at once


def draw(chart: Chart, key: str, alt: str) -> None:
    """Draw it in the room that it is known to take, so that nothing moves when it is there.

    Args:
        key: unique on the page; names the files that it can be taken along as.
        alt: for who cannot see it.
    """
    widgets.leave_the_answer_its_turn(ANSWER_TURN)
    _COMPONENT(data=chart.payload(key, alt), key=f"drawn_{key}", height=chart.height)


def fill(chart: Chart, key: str, alt: str) -> None:
    """Draw rows alone, without title, legend and files, as high as what they stand in; else as `draw`."""
    bare = replace(chart, title="", keys=())
    _COMPONENT(data=bare.payload(key, alt) | {"height": None}, key=f"drawn_{key}", height="stretch")
