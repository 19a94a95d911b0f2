"""Numbers as people read them."""

import numpy as np
import pytest

from cxrcore.measures.number_words import signed, span, value, with_minus


@pytest.mark.parametrize(("text", "said"), [
    ("-0.098 to -0.050", "−0.098 to −0.050"), ("(-.5)", "(−.5)"), ("-inf", "−inf"), ("+0.1", "+0.1"),
    ("2026-11-28", "2026-11-28"), ("resnet-18", "resnet-18"), ("1e-05", "1e-05"),
    ("00000001_-1.png", "00000001_-1.png"), ("-", "-"), ("a - b", "a - b"), ("run --seed", "run --seed")])
def test_only_the_hyphen_of_a_number_is_a_minus(text, said):
    assert with_minus(text) == said


def test_three_decimals_a_dash_and_no_minus_zero():
    assert [value(one) for one in (0.1234, -0.5, -0.0001, np.nan)] == ["0.123", "−0.500", "0.000", "–"]
    assert [signed(one) for one in (0.1234, -0.5, -0.0001, np.nan)] == ["+0.123", "−0.500", "+0.000", "–"]
    assert (span(-0.1, 0.2), span(np.nan, np.nan)) == ("−0.100 to 0.200", "")
