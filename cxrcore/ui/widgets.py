"""Small pieces that several pages draw alike: charts, legends, the download menu, commands to copy."""

import shlex
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import streamlit as st

from cxrcore.charts.look import Figure, RunStyle, plot_config
from cxrcore.config import PROJECT_ROOT
from cxrcore.store import Store


def chart(figure: Figure, key: str, alt: str) -> None:
    """A Plotly figure with the page's theme, a vector download and a text for screen readers.

    Args:
        key: unique on the page and stable, so that new data moves the lines instead of drawing anew; names the file.
    """
    st.plotly_chart(figure, key=key, config=plot_config(key), alt=alt)


def legend(lines: Sequence[tuple[str, RunStyle]], mark: str = "") -> None:
    """One legend for several charts: (name, look) of each run; wraps on a narrow screen."""
    with st.container(horizontal=True, gap="medium"):
        for name, style in lines:
            st.markdown(f"![]({style.swatch()}) {escape(name)}", width="content")
        if mark:
            st.markdown(mark, width="content")


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


def command(text: str, store: Store) -> None:
    """A script's command line with a button that copies it; names the store where it is not the project's own."""
    flag = "" if store.path == PROJECT_ROOT / "runs" / "store.duckdb" else f" --store {shlex.quote(str(store.path))}"
    st.code(text + flag, language="bash", wrap_lines=True)


def escape(text: str) -> str:
    """A free text (a run's name, a note) inside Markdown, shown as it was typed."""
    for sign in "\\`*_{}[]()<>#+-.!|~:$":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
