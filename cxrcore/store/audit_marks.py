"""What the audit of imported predictions warned of, to stand wherever their run does. Pure: no store, no screen.

A run keeps the audit's lines in its config; an ensemble carries those of its members.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

PASSED, NOTED, WARNED, REFUSED, NOT_DECLARED = "passed", "noted", "warned", "refused", "not declared"

BADGE = "warned import"
# Questions whose warning leaves films and their order what they are; any other may make the numbers another thing.
_SMALL = frozenset(("Duplicate films", "Unknown films", "Sigmoid twice", "Ties"))

_TELLING = ('"audit"', '"members"')  # settings of a config that may tell


@dataclass(frozen=True)
class Mark:
    """One warned question.

    Attributes:
        name: what was asked.
        text: what was found.
        member: name of the ensemble's member that it is of; "" for the run's own.
    """

    name: str
    text: str
    member: str = ""

    @property
    def grave(self) -> bool:
        """Whether the numbers may not be what they seem, as where patients were seen in training."""
        return self.name not in _SMALL

    def __str__(self) -> str:
        return f"{self.name}{f' (member {self.member})' if self.member else ''}: {self.text}"


Marks = tuple[Mark, ...]


def of_config(config: Mapping[str, Any], configs: Mapping[str, Mapping[str, Any]] | None = None) -> Marks:
    """The warned questions of a run, the grave ones first.

    Args:
        config: the run's.
        configs: {run_id: config} of the store, where an ensemble's members may stand.
    """
    found = dict.fromkeys(_warned(config, configs or {}))
    return tuple(sorted(found, key=lambda mark: not mark.grave))


def of_runs(runs: pd.DataFrame) -> dict[str, Marks]:
    """{run_id: its marks} of rows of `Store.runs`, those without any left out; members are looked up among these."""
    told = zip(runs["run_id"].tolist(), runs["config"].tolist(), strict=True)
    # of most runs nothing is told, which needs no reading
    configs = {run_id: json.loads(text) for run_id, text in told if text and any(one in text for one in _TELLING)}
    found = {run_id: of_config(config, configs) for run_id, config in configs.items()}
    return {run_id: marks for run_id, marks in found.items() if marks}


def _warned(config: Mapping[str, Any], configs: Mapping[str, Mapping[str, Any]], seen: set[str] | None = None
            ) -> Iterator[Mark]:
    """Args: runs that stood below the same member already; means of means may name each other in any number."""
    for line in _dicts(config.get("audit")):
        if line.get("state") == WARNED:
            yield Mark(str(line.get("name")), str(line.get("text")))
    for member in _dicts(config.get("members")):
        run_id = str(member.get("run_id"))
        below = set() if seen is None else seen
        if run_id in below:
            continue
        below.add(run_id)
        # as it was when the mean was made, which outlives the member; older ensembles kept no lines
        own = {"audit": member["audit"]} if "audit" in member else configs.get(run_id, {})
        for mark in _warned(own, configs, below):
            yield Mark(mark.name, mark.text, mark.member or str(member.get("name") or run_id))


def _dicts(value: Any) -> list[dict[str, Any]]:
    """Lines of a config; it may come from a folder that somebody changed."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def as_lines(marks: Sequence[Mark]) -> list[dict[str, str]]:
    """Lines as a config keeps them."""
    return [{"name": mark.name, "state": WARNED, "text": f"of {mark.member}, {mark.text}" if mark.member else mark.text}
            for mark in marks]


def questions(marks: Sequence[Mark]) -> str:
    """'Patient overlap, Coverage'."""
    return ", ".join(dict.fromkeys(mark.name for mark in marks))


def told_once(warned: Mapping[str, Marks]) -> dict[str, list[str]]:
    """{run's name: what was found, a text a question}; of runs that stand together, a mean does not repeat a member.

    Args:
        warned: {run's name: its marks}.
    """
    own = {(name, mark.name, mark.text) for name, marks in warned.items() for mark in marks if not mark.member}
    found = {name: [str(mark) for mark in marks if (mark.member, mark.name, mark.text) not in own]
             for name, marks in warned.items()}
    return {name: lines + ["as its members here"] * (len(lines) < len(warned[name])) for name, lines in found.items()}


def in_words(marks: Sequence[Mark]) -> str:
    """All of them on one line."""
    return "; ".join(map(str, marks))
