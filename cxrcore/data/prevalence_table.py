"""Prevalences as people type, paste or load them: a finding and a share a line, or JSON, in any known spelling.

Such as `Effusion 11.9 %`, `Effusion,0.119`, `Effusion: 0,119` or `{"Effusion": 0.119}`.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cxrcore.errors import DataError, FindingError, UsageError
from cxrcore.findings import one_of
from cxrcore.measures.decisions.prevalence import require_prevalence

MAX_SIZE = 100_000  # bytes; a list of forty findings takes one thousand
_SHOWN = 40  # characters of a foreign name or value in an error
_LONGEST = 200  # characters of a line
_LINE = re.compile(r"""["']?(?P<name>.*?[^\s,;:=|"'])["']?[\s,;:=|]+["']?"""
                   r"""(?P<value>[+-]?[\d.,]+(?:[eE][+-]?\d+)?\s*%?)["']?""")


@dataclass(frozen=True)
class PrevalenceTable:
    """Prevalences of some findings of a list.

    Attributes:
        shares: {finding: its share of the films, above 0 and below 1}, in the list's order.
        left_out: names that are no finding of the list.
        missing: findings of the list that have none.
    """

    shares: dict[str, float]
    left_out: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def said(self) -> list[str]:
        """What of the table is not as a whole one has it, a line each."""
        lines = [(self.left_out, "left out, as they are none of the findings"), (self.missing, "without a prevalence")]
        return [f"{words}: {', '.join(_printable(name) for name in names[:8])}" + ", ..." * (len(names) > 8)
                for names, words in lines if names]


def parse_prevalences(text: str | bytes, findings: Sequence[str]) -> PrevalenceTable:
    """The prevalences that a text says.

    Args:
        text: a line a finding, as 'Effusion 11.9 %' or 'Effusion,0.119', a heading before them or none; or JSON.
        findings: that it may be of, and their order.

    Raises:
        DataError: too large, no text, a line of another form, a finding twice, none of the list, or a share that is not
            above 0 and below 1; one line that says which.
    """
    if len(text) > MAX_SIZE:
        raise DataError(f"larger than {MAX_SIZE // 1000} kB: this is no table of prevalences")
    try:
        plain = (text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")).strip()
    except UnicodeDecodeError:
        raise DataError("not UTF-8 text: this is no table of prevalences") from None
    found: dict[str, float] = {}
    left_out = []
    for name, value in _json_pairs(plain) if plain.startswith("{") else _line_pairs(plain):
        finding = _finding(name, findings)
        if finding is None:
            left_out.append(name)
            continue
        if finding in found:
            raise DataError(f"{finding} stands there twice")
        found[finding] = _share(finding, value)
    if not found:
        raise DataError(f"no prevalence of the {len(findings)} findings" + f" ({_printable(', '.join(left_out[:3]))})" *
                        bool(left_out))
    return PrevalenceTable({one: found[one] for one in findings if one in found}, tuple(left_out),
                           tuple(one for one in findings if one not in found))


def _line_pairs(text: str) -> Iterable[tuple[str, Any]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip()) if len(line) <= _LONGEST else None
        if match:
            yield match["name"], match["value"]
        elif number > 1:  # the first line may be a heading
            raise DataError(f"line {number} is no finding with its prevalence: {_printable(line)}")


def _json_pairs(text: str) -> Iterable[tuple[str, Any]]:
    try:
        return json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        raise DataError("broken JSON: expected {\"Effusion\": 0.119, ...}") from None


def _share(finding: str, value: Any) -> float:
    text = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    try:
        number = float(text.rstrip("% ").replace(",", "."))
        if number == number:
            return float(require_prevalence(number / 100 if text.endswith("%") else number))
    except (ValueError, UsageError):
        pass
    raise DataError(f"the prevalence of {finding} is {_printable(str(value))}: write a share above 0 and below 1, such "
                    "as 0.05 or 5 %")


def _finding(name: str, findings: Sequence[str]) -> str | None:
    try:
        return one_of(findings, name)
    except FindingError:
        return None


def _printable(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."
