"""What the Subgroups page says first: in which findings groups differ, by the corrected tests."""

from collections.abc import Sequence
from html import escape

import numpy as np

from cxrcore.findings import display_name
from cxrcore.measures.intervals.intervals import MACRO
from cxrcore.measures.subgroups import HIGHER, LOWER, UNTESTED, Gap
from cxrcore.queries.subgroups import Subgroups

PEOPLE = {"F": "women", "M": "men", "PA": "PA films", "AP": "AP films", "first": "first films", "later": "later films"}
MOST_NAMED = 4
_DIRECTIONS = {"is": {LOWER: "lower", HIGHER: "higher"}, "are": {LOWER: "fewer", HIGHER: "more"}}


def people(name: str, grouping: str) -> str:
    """A group as a sentence says it."""
    return f"ages {name}" if grouping == "age" else PEOPLE.get(name, name)


def answer(found: Subgroups, gaps: Sequence[Gap], reference: str, title: str) -> str:
    """The page's sentence, as HTML.

    Args:
        gaps: of every other measured group to the reference.
        title: of the measure, 'Recall' and the like.
    """
    others = [people(gap.name, found.grouping) for gap in gaps]
    base, what = people(reference, found.grouping), title if title.isupper() else title.lower()
    said = [text for gap in gaps for text in _differences(found, gap, base, title)]
    tested = [int((gap.words[:MACRO] != UNTESTED).sum()) for gap in gaps]
    if not any(tested):
        return f"No finding is on enough films of two groups for a test of {escape(what)}."
    if said:
        return f"{'; '.join(said)}. {_rest(len(said) < 2 * len(gaps))}".strip()
    pair = f"{base} and {others[0]}" if len(others) == 1 else f"{base} and any other group"
    return (f"No difference in {escape(what)} shown between <b>{escape(pair)}</b>, in "
            f"{_counts(tested, len(found.findings))}.")


def _counts(tested: Sequence[int], n: int) -> str:
    most = max(tested)
    if min(tested) == n:
        return f"{n} of {n} findings"
    up_to = "" if min(tested) == most else "up to "
    return f"{up_to}{most} of {n} findings, those with enough films to test"


def _rest(some: bool) -> str:
    return "In the other findings no difference is shown." if some else ""


def _differences(found: Subgroups, gap: Gap, base: str, title: str) -> list[str]:
    tested, texts = int((gap.words[:MACRO] != UNTESTED).sum()), []
    are = "are" if title.endswith("s") else "is"
    for word in (LOWER, HIGHER):
        names = [display_name(found.findings[k]) for k in np.flatnonzero(gap.words[:MACRO] == word)]
        if names:
            listed = ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more"
                                                      if len(names) > MOST_NAMED else "")
            direction = _DIRECTIONS[are][word]
            who = escape(people(gap.name, found.grouping))
            texts.append(f"{escape(title)} {are} {direction} for <b>{who}</b> than for {escape(base)} in "
                         f"<b>{len(names)} of {tested}</b> findings ({escape(listed)})")
    return texts
