"""A CSV as people have it: separator, decimal sign and encoding are told, and its text is then the same for all."""

import contextlib

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxrcore.data.files.people_csv import Dialect, sniff, utf8, with_points

PLAIN = "film,Mass,site\na.png,0.5,Köln\nb.png,0.25,Paris\n"
EUROPEAN = PLAIN.replace(",", ";").replace("0.", "0,")


@pytest.mark.parametrize(("text", "encoding", "separator", "decimal"), [
    (PLAIN, "utf-8", ",", "."), (PLAIN, "utf-8-sig", ",", "."), (EUROPEAN, "utf-8-sig", ";", ","),
    (EUROPEAN, "cp1252", ";", ","), (PLAIN.replace(",", "\t"), "utf-16", "\t", "."),
    (EUROPEAN.replace(";", "\t"), "utf-16-le", "\t", ","), (PLAIN, "utf-16-be", ",", "."),
    ('film,Mass,site\na.png,"0,5",Köln\n', "utf-8", ",", ","), ('film,Mass\na.png,"1,234"\n', "utf-8", ",", "."),
    ("film;size[w,h];Mass\na.png;2682,2749;0.5\n", "utf-8", ";", "."),  # a comma in brackets, and points beside it
    ("film,labels\na.png,Mass;Nodule;Edema\nb.png,Mass;Hernia;Edema\n", "utf-8", ",", "."),
    ("film,size[w,h],x[a,b],\na.png,3,4,0.5,1\n", "utf-8", ",", "."),  # NIH's header is longer than its rows
    ("film\na.png\n", "utf-8", ",", "."), ("", "utf-8", ",", ".")])
def test_how_a_csv_is_written_is_told_and_its_text_comes_back(text, encoding, separator, decimal):
    data = text.encode(encoding)
    found = sniff(data)
    assert (found.separator, found.decimal) == (separator, decimal)
    assert utf8(data, found).decode() == text
    assert bool(found.notes) == (separator != "," or decimal != "." or "16" in encoding)


def test_excels_own_first_line_is_no_row():
    data = b"\xef\xbb\xbfsep=;\r\nfilm;Mass\r\na.png;0,5\r\n"
    assert sniff(data) == Dialect(";", ",", "utf-8-sig", sep_line=True)
    assert utf8(data, sniff(data)) == b"film;Mass\r\na.png;0,5\r\n"


def test_numbers_get_points_and_all_else_stays():
    cells = pd.Series(["0,5", " 1,0 ", "-1,5e-3", "a,b", "2,3,4", "0.5", "", "Mass,Nodule"])
    assert with_points(cells).tolist() == ["0.5", " 1.0 ", "-1.5e-3", "a,b", "2,3,4", "0.5", "", "Mass,Nodule"]


@given(st.binary(max_size=300))
def test_what_is_no_table_is_told_apart_without_an_error(data):
    with contextlib.suppress(UnicodeDecodeError):
        utf8(data, sniff(data)).decode()
