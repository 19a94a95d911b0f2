"""Prevalences as people type them, and every text that is none."""

import pytest

from cxrcore.data.prevalence_table import parse_prevalences
from cxrcore.errors import DataError
from cxrcore.findings import NIH_FINDINGS


@pytest.mark.parametrize("text", [
    "Effusion 11.9 %\nPleural Thickening 3%", "Effusion,0.119\nPleural_Thickening,0.03",
    "effusion: 0,119\npleural = 3 %",
    "finding\tprevalence\nEffusion\t0.119\n\nPleural_Thickening\t0.03\n", '{"Effusion": 0.119, "pleural": "3 %"}',
    '"Effusion";"0,119"\r\n"Pleural Thickening";"0,03"', b"\xef\xbb\xbfEffusion 1.19e-1\nPleural_Thickening 3e-2"])
def test_all_spellings_say_the_same(text):
    found = parse_prevalences(text, NIH_FINDINGS)
    assert found.shares == pytest.approx({"Effusion": 0.119, "Pleural_Thickening": 0.03}) and not found.left_out
    assert len(found.missing) == 12 and "without a prevalence" in found.said[0]


def test_unknown_names_are_left_out_and_said():
    found = parse_prevalences("Effusion 0.1\nGout 0.2\nHernia 0.002", NIH_FINDINGS)
    assert found.left_out == ("Gout",) and "left out" in found.said[0] and list(found.shares) == ["Effusion", "Hernia"]


@pytest.mark.parametrize(("text", "said"), [
    ("Effusion 0", "prevalence of Effusion is 0"), ("Effusion 1", "write a share"), ("Effusion 5", "5 %"),
    ("Effusion 100 %", "above 0 and below 1"), ("Effusion -0.1", "Effusion is -0.1"),
    ("Effusion 0.1\neffusion 0.2", "twice"),
    ("Gout 0.1", "no prevalence of the 14"), ("", "no prevalence"), ("Effusion 0.1\nnonsense", "line 2"),
    ("{", "broken JSON"), ("{\"Effusion\": true}", "Effusion is True"), ("{\"Effusion\": [1]}", "write a share"),
    ('{"Effusion": 0.1, "effusion": 0.1}', "twice"), ("Effusion" + "," * 50_000 + "a", "no prevalence"),
    ("[1]", "no prevalence"), (b"\xff\xfe\x00", "not UTF-8"), ("x" * 200_000, "larger than"),
    ("Effusion 0.1.2", "write a share"), ("{\"Effusion\": NaN}", "write a share")])
def test_what_is_none_is_refused_in_one_line(text, said):
    with pytest.raises(DataError, match=said) as error:
        parse_prevalences(text, NIH_FINDINGS)
    assert "\n" not in str(error.value)
