"""The popover *For a paper*: the table in LaTeX and the methods paragraph, each with a preview and a button."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from cxrcore.charts.sources import sent
from cxrcore.queries.comparison import Compared, Contrast
from cxrcore.report.paper import Setting, latex_table, methods_paragraph
from cxrcore.ui.frame import frame

_COPY = st.components.v2.component(
    "cxr_copy_text", html='<button type="button"></button>\n', css=frame.BUTTONS,
    js=sent(Path(__file__).with_name("copy_text.js")))


def popover(compared: Sequence[Compared], found: Sequence[Contrast], reference: str, setting: Setting) -> None:
    """Both texts; arguments as for `latex_table`."""
    with st.popover("For a paper", icon=":material/article:", width="content",
                    help="The table in LaTeX, and a paragraph for the methods section"):
        table = latex_table(compared, found, reference, setting)
        text = methods_paragraph(compared, found, reference, setting)
        with st.container(horizontal=True, gap="small"):
            _COPY(data={"label": "Copy as LaTeX", "text": table}, key="copy_latex", width="content", height="content")
            _COPY(data={"label": "Copy methods", "text": text}, key="copy_methods", width="content", height="content")
        st.code(table, language=None, wrap_lines=True)
        st.code(text, language=None, wrap_lines=True)
