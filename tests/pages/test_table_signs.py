"""Negative numbers in tables: a minus sign on the screen, a number or a hyphen in what is copied and downloaded."""

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.data.files import csv_file
from cxrcore.ui.table_signs import MOST_CELLS, with_minus_signs

FRAME = pd.DataFrame({"gap": [-0.1234, 0.5, np.nan], "span": ["-0.1 to -0.05", "0.1 to 0.2", None], "n": [1, 2, 3],
                      "plain": [-1.5, 2.0, np.nan]})


def test_negative_cells_are_written_with_a_minus_and_stay_what_they_are():
    given = {"gap": st.column_config.NumberColumn(format="%+.3f", help="why"), "n": st.column_config.NumberColumn()}
    styled, config = with_minus_signs(FRAME, given)
    html = styled.to_html()
    for said in ("−0.123", "+0.500", "−0.1 to −0.05", "−1.5"):
        assert f">{said}<" in html
    assert styled.data.equals(FRAME) and config["gap"]["help"] == "why"
    assert config["gap"]["type_config"]["format"] is None and given["gap"]["type_config"]["format"] == "%+.3f"
    assert "-0.1 to -0.05" in csv_file.csv_text(FRAME) and "−" not in csv_file.csv_text(FRAME)


def test_a_table_without_negative_numbers_or_a_very_large_one_stays_as_it_is():
    assert with_minus_signs(FRAME[["n"]], None)[0].equals(FRAME[["n"]])
    large = pd.DataFrame({"gap": np.full(MOST_CELLS + 1, -1.0)})
    assert with_minus_signs(large)[0] is large
