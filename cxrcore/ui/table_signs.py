"""Negative numbers of a table with the minus sign, while its cells stay numbers: sorted and copied as such."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from pandas.io.formats.style import Styler

from cxrcore.measures.number_words import with_minus

MOST_CELLS = 20_000  # of a table; a larger one keeps its hyphens, since every cell is written out here

Config = Mapping[str, Any] | None


def with_minus_signs(frame: pd.DataFrame, config: Config = None) -> tuple[pd.DataFrame | Styler, Config]:
    """What `st.dataframe` is given: the table, or how its cells are written, and the columns' configuration.

    Args:
        config: {column: st.column_config.Column}; a format of a written column is used here, since Streamlit's own
            would go over it.
    """
    written = {name: _writer(frame[name], _format(config, name)) for name in frame.columns
               if frame.columns.is_unique and _has_negative(frame[name])}
    if not written or frame.size > MOST_CELLS or not frame.index.is_unique:
        return frame, config
    other = {name: copy.deepcopy(one) for name, one in (config or {}).items()}
    for name in written:
        if _format(config, name):
            other[name]["type_config"]["format"] = None
    styled = frame.style
    styled.format(written)
    return styled, other


def _has_negative(column: pd.Series) -> bool:
    if is_numeric_dtype(column):
        return bool((column < 0).any())
    return any(isinstance(one, str) and with_minus(one) != one for one in column)


def _format(config: Config, name: str) -> str | None:
    column = (config or {}).get(name)
    return (column.get("type_config") or {}).get("format") if isinstance(column, Mapping) else None


def _writer(column: pd.Series, form: str | None) -> Callable[[Any], str]:
    """How a cell is written; an empty one is Streamlit's own placeholder, whatever stands here."""
    if not is_numeric_dtype(column):
        return lambda cell: with_minus(cell) if isinstance(cell, str) else ""
    if form and "%" in form:
        return lambda cell: "" if pd.isna(cell) else with_minus(form % cell)
    return lambda cell: "" if pd.isna(cell) else with_minus(np.format_float_positional(cell, 4, trim="-"))
