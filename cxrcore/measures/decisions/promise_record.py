"""A promise as it is kept with its threshold set: part of the set's parameters, as plain JSON values, and back.

    "promise": {"measure": "recall", "bound": 0.9, "confidence": 0.95, "rule": "drawn", "seed": 0, "first_alarms": 30,
                "choices": 1, "assumes": "...", "void": "", "findings": {"Hernia": {"threshold": 0.01, "patients": 41,
                "right": 40, "needed": 0}, ...}}

A finding without a promise has no threshold there (null), and how many patients would do. Each threshold stands in the
record too: where the set has another one, changed by hand, nothing is promised of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from numbers import Real
from typing import Any

import numpy as np

from cxrcore.errors import DataError, UsageError
from cxrcore.measures.decisions.promises import MEASURES, RULES, Aim, Promises
from cxrcore.measures.thresholds.fitting import FALLBACK, STABLE_POSITIVES, ThresholdSet
from cxrcore.measures.thresholds.positions import UNREACHED

KEY = OBJECTIVE = "promise"  # in a set's parameters; and the set's objective
ASSUMES = ("New patients come as these did: of the same place, neither sicker nor healthier, read alike "
           "(exchangeable). Nothing about the network was chosen by its numbers on these patients, other than what is "
           "counted here. Each finding's promise holds by itself, not all of them together.")
_COUNTS = ("patients", "right", "needed")
_WHO = {"recall": "patients who have it", "specificity": "patients who do not have it",
        "precision": "patients with an alarm"}
_MOST = 10**10  # patients, seeds; more can be counted on


@dataclass(frozen=True)
class OnePromise:
    """What is promised of one finding; attributes as of `Promises`, threshold None where nothing is."""

    threshold: float | None
    patients: int
    right: int
    needed: int


@dataclass(frozen=True)
class KeptPromise:
    """A promise as it is stored.

    Attributes:
        findings: {finding: what is promised}.
        void: why it does not hold, in a sentence; '' where nothing is known against it.
        assumes: what it takes for granted, for people.
    """

    aim: Aim
    findings: Mapping[str, OnePromise]
    void: str = ""
    assumes: str = ASSUMES

    def holds_at(self, finding: str, threshold: float) -> bool:
        """Whether something is promised of a finding at this very threshold."""
        one = self.findings.get(finding)
        return not self.void and one is not None and one.threshold == threshold

    def in_words(self, finding: str) -> str:
        """'at least 0.9 recall for new patients, ...', or why not, with how many patients would do; KeyError."""
        one, aim = self.findings[finding], self.aim
        what, who = f"{aim.measure} {aim.bound:g}, confidence {aim.confidence:g}", _WHO[aim.measure]
        if one.threshold is not None:
            return f"{what}: promised by {one.right:,} of {one.patients:,} {who}"
        if aim.measure == "precision" and one.patients >= aim.beginning:
            return (f"impossible with {one.right:,} right of the first {one.patients:,} {who}; {one.needed:,} would do "
                    f"({what})")
        return f"impossible with {one.patients:,} {who}; {one.needed:,} would do ({what})"


def promised_set(found: Promises, findings: Sequence[str], void: str = "", **parameters: Any) -> ThresholdSet:
    """The threshold set of a promise; findings of which nothing can be promised keep 0.5, and are marked.

    Args:
        findings: k names, in the order of `found`.
        void: why it does not hold.
        parameters: of the set, besides the promise.
    """
    aim, missing = found.aim, np.isnan(found.thresholds)
    columns = (found.thresholds, found.patients, found.right, found.needed)
    kept = {finding: OnePromise(None if np.isnan(threshold) else threshold, *counts) for finding, threshold, *counts
            in zip(findings, *(column.tolist() for column in columns), strict=True)}
    few = missing if aim.measure != "precision" else missing & (found.patients < aim.beginning)
    notes = {"not_fitted": few, "not_met": missing & ~few,
             "unstable": ~missing & (found.patients < STABLE_POSITIVES)}
    marked = {name: [finding for finding, so in zip(findings, places, strict=True) if so]
              for name, places in notes.items() if places.any() or name != "not_met"}
    return ThresholdSet(f"{aim.measure} ≥ {aim.bound:g} for new patients", OBJECTIVE,
                        np.where(missing, FALLBACK, found.thresholds), tuple(findings),
                        {**parameters, **marked, KEY: as_plain(KeptPromise(aim, kept, void))})


def as_plain(kept: KeptPromise) -> dict[str, Any]:
    """As JSON holds it; `promise_of` reads it back."""
    return {**asdict(kept.aim), "assumes": kept.assumes, "void": kept.void,
            "findings": {finding: asdict(one) for finding, one in kept.findings.items()}}


def promise_of(parameters: Mapping[str, Any]) -> KeptPromise | None:
    """The promise in a set's parameters; None where there is none.

    Raises:
        DataError: there is something else in its place.
    """
    if KEY not in parameters:
        return None
    plain = parameters[KEY]
    try:
        aim = Aim(_one_of(plain["measure"], MEASURES), _number(plain["bound"]), _number(plain["confidence"]),
                  _one_of(plain["rule"], RULES), *(_count(plain[name]) for name in ("seed", "first_alarms", "choices")))
        found = {_text(finding): OnePromise(_threshold(one["threshold"]), *(_count(one[name]) for name in _COUNTS))
                 for finding, one in plain["findings"].items()}
        return KeptPromise(aim, found, _text(plain["void"]), _text(plain["assumes"]))
    except (KeyError, TypeError, AttributeError, ValueError, UsageError) as error:
        raise DataError(f"the promise of a threshold set is not as this workbench writes it: {error!s:.80}") from None


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"{value!a:.40} is no number")
    return float(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST:
        raise ValueError(f"{value!a:.40} is no count")
    return value


def _threshold(value: Any) -> float | None:
    if value is not None and not 0 <= _number(value) <= UNREACHED:
        raise ValueError(f"threshold {value!a:.40}")
    return None if value is None else float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError(f"{value!a:.40} is no text on one line")
    return value


def _one_of(value: Any, known: Sequence[str]) -> str:
    if value not in known:
        raise ValueError(f"{value!a:.40} is none of {', '.join(known)}")
    return value
