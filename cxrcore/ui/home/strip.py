"""The numbers beside the line to drag on Home, large; they follow the board in the browser."""

from pathlib import Path

import streamlit as st

from cxrcore.charts.sources import sent

_HERE = Path(__file__).parent
_COMPONENT = st.components.v2.component(
    "cxr_home_strip",
    html='<div id="numbers" data-testid="home-numbers"><span class="large">F1<b data-shows="f1">–</b></span>\n'
         '<span>Recall<b data-shows="recall">–</b></span><span>Precision<b data-shows="precision">–</b></span></div>',
    css=sent(_HERE / "strip.css"), js=sent(_HERE / "strip.js"))


def numbers(finding: str) -> None:
    """Of the board's row of a finding; the board is drawn after them."""
    _COMPONENT(data={"finding": finding}, key="home_strip")
