"""What the Compare page says in words: the answer in one sentence."""

from collections.abc import Callable, Sequence
from functools import partial
from html import escape

import numpy as np

from cxrcore.findings import display_name
from cxrcore.measures.intervals.holm import BETTER, LOWER_IS_BETTER, TIED
from cxrcore.measures.intervals.intervals import MACRO
from cxrcore.measures.number_words import signed, span, value
from cxrcore.queries.compared.best_run import Lead, best_run, leads
from cxrcore.queries.comparison import Compared


def within(text: str, low: float, high: float) -> str:
    """A value with its interval in brackets, where it has one."""
    return f"{text} ({span(low, high)})" if span(low, high) else text


def answer(compared: Sequence[Compared], title: str, measure: str,
           over_seeds: Callable[[Compared, Compared], str] = lambda best, other: "") -> str:
    """The page's one sentence, as HTML.

    Args:
        title: of the measure, 'AUROC' and the like.
        over_seeds: says how far the best one's lead on another moves with other seeds; '' where that is not known.
    """
    best = best_run(compared, measure)
    if best is None:
        return f"{title} is not defined on these films: no finding has what it needs."
    if len(compared) == 1:
        return _alone(best, title, measure)
    found = leads(compared, best, measure)
    own = partial(_each, over_seeds=lambda other: over_seeds(best, other))
    ahead = [one for one in found if one.word == BETTER]
    level = [one for one in found if one.word == TIED]
    untested = [one for one in found if one.word not in (BETTER, TIED)]
    name, said = f"<b>{escape(best.run.label)}</b>", []
    if ahead:
        said.append(f"{name} is better than {own(ahead, f'macro {title}', ' and than ')}.")
    if level:
        between = f"between {name} and " if not ahead else "to "
        said.append(f"No difference shown {between}{own(level, f'macro {title}', ' and ')}.")
    if untested:
        names = ", ".join(f"<b>{escape(one.other.run.label)}</b>" for one in untested)
        said.append(f"{name} against {names}: no test is possible on these films.")
    if measure in LOWER_IS_BETTER:
        said.append(f"Of {title} less is better.")
    return " ".join(said)


def _each(found: Sequence[Lead], what: str, joint: str, over_seeds: Callable[[Compared], str]) -> str:
    """The other runs with their numbers; the first says what is measured."""
    texts = []
    for place, one in enumerate(found):
        number = f"<b>{within(signed(one.point), one.low, one.high)}</b>{over_seeds(one.other)}"
        counts = f"better in {one.better or 'none'} of {one.tested}, worse in {one.worse or 'none'}"
        if not one.better and not one.worse and one.word == TIED:
            counts = f"nor in any of {one.tested} findings"
        texts.append(f"<b>{escape(one.other.run.label)}</b>: {what if place == 0 else ''} {number}, {counts}")
    return joint.join(f"{text};" for text in texts[:-1]) + (joint if texts[:-1] else "") + texts[-1]


def _alone(one: Compared, title: str, measure: str) -> str:
    found, findings = one.found.interval(measure), one.run.findings
    own = found.point[:MACRO] * (-1 if measure in LOWER_IS_BETTER else 1)
    mean = within(value(found.point[MACRO]), found.low[MACRO], found.high[MACRO])
    text = f"<b>{escape(one.run.label)}</b> has macro {title} <b>{mean}</b>"
    if (~np.isnan(own)).sum() > 1:
        high, low = int(np.nanargmax(own)), int(np.nanargmin(own))
        text += (f": best for {escape(display_name(findings[high]))} ({value(found.point[high])}), worst for "
                 f"{escape(display_name(findings[low]))} ({value(found.point[low])})")
    return f"{text}."
