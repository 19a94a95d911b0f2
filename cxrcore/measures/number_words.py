"""Numbers as people read them: three decimals, a dash where there is none, and the minus sign for a hyphen.

Files for machines keep the hyphen. Pure: no store, no screen.
"""

import re

import numpy as np

MINUS, DASH = "\N{MINUS SIGN}", "–"

_HYPHEN = re.compile(r"(?<![\w.-])-(?=\.?\d|inf\b)")  # before a number, and not inside a name, a date or a range


def with_minus(text: str) -> str:
    """A text whose negative numbers have the minus sign: '-0.098 to -0.050' as '−0.098 to −0.050'."""
    return _HYPHEN.sub(MINUS, text)


def value(number: float) -> str:
    """Three decimals; a dash where it is undefined."""
    return DASH if np.isnan(number) else with_minus(f"{_rounded(number):.3f}")


def signed(number: float) -> str:
    """The same with its sign."""
    return DASH if np.isnan(number) else with_minus(f"{_rounded(number):+.3f}")


def _rounded(number: float) -> float:
    return round(float(number), 3) + 0.0  # not minus zero


def span(low: float, high: float) -> str:
    """'0.041 to 0.072'; empty where there is no interval."""
    return "" if np.isnan(low) else f"{value(low)} to {value(high)}"
