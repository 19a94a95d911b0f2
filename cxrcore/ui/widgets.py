"""Small pieces that several pages draw alike: charts, legends, the download menu, commands to copy."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from cxrcore.charts import RunStyle, plot_config


def chart(figure: go.Figure, key: str, alt: str) -> None:
    """A Plotly figure with the page's theme, a vector download and a text for screen readers.

    Args:
        key: unique on the page and stable, so that new data moves the lines instead of drawing anew; names the file.
    """
    st.plotly_chart(figure, key=key, config=plot_config(key), alt=alt)


def legend(lines: Sequence[tuple[str, RunStyle]], mark: str = "") -> None:
    """One legend for several charts: (name, look) of each run; wraps on a narrow screen."""
    entries = [f"![]({style.swatch()}) {escape(name)}" for name, style in lines]
    st.markdown(" &emsp; ".join([*entries, mark] if mark else entries))


def download_menu(tables: Mapping[str, tuple[str, Callable[[], pd.DataFrame]]]) -> None:
    """The page's one menu of downloads.

    Args:
        tables: {label: (file name without ending, function that gives the frame when it is asked for)}.
    """
    with st.popover("Download", icon=":material/download:", help="The data of this page's tables and charts as CSV"):
        for label, (name, frame) in tables.items():
            st.download_button(
                label, lambda frame=frame: frame().to_csv(index=False), f"{name}.csv", "text/csv", key=f"csv_{name}",
                on_click="ignore", type="tertiary", icon=":material/table:",
            )


def command(text: str) -> None:
    """A command for the terminal, with a button that copies it."""
    st.code(text, language="bash", wrap_lines=True)


def escape(text: str) -> str:
    """A free text (a run's name, a note) inside Markdown, shown as it was typed."""
    for sign in "\\`*_{}[]()<>#+-.!|~:$":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
