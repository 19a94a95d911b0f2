"""CSV for people: what a spreadsheet would run is a text there, and comes back as it was."""

import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxrcore.data import film_files
from cxrcore.data.files import csv_file
from cxrcore.evaluation.tables import write_tables
from cxrcore.import_export.training_films import train_list

SIGNS = "=+-@\t\r"


@pytest.mark.parametrize("text", ["=1+1", "+49 30", "-x", "@a", "\t=x", "\rx", "-1+cmd|' /C calc'!A0", "＝1",
                                  "-0.1 to x", "'=quoted", "''-x"])
def test_a_text_that_begins_as_a_formula_is_marked(text):
    assert csv_file.protected(text) == f"'{text}" and csv_file.bare(f"'{text}") == text


@pytest.mark.parametrize("value", ["-0.0978 to -0.0497", "+0.0123 to +0.0456", "-3", "+1,234.5", "-1.2e-05",
                                   "+nan to +nan", "-3.5 %", "'quoted'", "a=b", "", " =x", None, -1, 0.5,
                                   float("inf"), ["=x"]])
def test_own_numbers_and_harmless_texts_stay(value):
    assert csv_file.protected(value) is value and csv_file.bare(value) is value


@given(st.text(alphabet=f"'{SIGNS}a1. to", max_size=8))
def test_every_text_comes_back(text):
    assert csv_file.bare(csv_file.protected(text)) == text
    assert not csv_file.protected(text).startswith(tuple("=@\t\r"))


def test_tables_are_marked_in_cells_of_every_kind_and_in_their_heads():
    frame = pd.DataFrame({"=run": ["@a", None], "n": [-1, 2], "kind": pd.Categorical(["-b", "c"]),
                          "text": pd.array(["+d", pd.NA], "string"), "interval": ["-0.1 to -0.2", "+1"]})
    before = frame.copy()
    read = pd.read_csv(io.StringIO(csv_file.csv_text(frame)), dtype=str, keep_default_na=False)
    assert list(read.columns) == ["'=run", "n", "kind", "text", "interval"]
    assert read.to_numpy().tolist() == [["'@a", "-1", "'-b", "'+d", "-0.1 to -0.2"], ["", "2", "c", "", "+1"]]
    pd.testing.assert_frame_equal(frame, before)
    twins = pd.DataFrame([["=x", "=y"]], columns=["a", "a"], index=["=z"])
    assert csv_file.for_people(twins).to_numpy().tolist() == [["'=x", "'=y"]]
    assert list(csv_file.for_people(twins).index) == ["'=z"]


def test_files_of_scripts_and_lists_go_the_same_way(tmp_path):
    write_tables(pd.DataFrame({"finding": ["Mass"], "f1@=set": [0.5], "=set": ["=x"]}), "text", tmp_path)
    assert (tmp_path / "metrics.csv").read_text() == "finding,f1@=set,'=set\nMass,0.5,'=x\n"
    (tmp_path / "list.txt").write_text("'=a.png\n'b.png\n-c.png\n")
    assert film_files.read_list(tmp_path / "list.txt") == {"=a.png", "'b.png", "-c.png"}
    assert train_list(b"'=a.png,1\n'b.png\nx/-c.png\n", "list") == {"=a.png", "'b.png", "-c.png"}
