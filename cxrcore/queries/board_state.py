"""Which thresholds stand on the board: a set, what was changed by hand, and where each of them comes from.

The link is the truth (`shell.thresholds_in_link`); everything here is worked out from it and from the store. A set is
named by a key: the id of a stored set, or how to fit it anew, such as 'max_f1@val', 'recall:0.9@val' or 'fixed:0.5'.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from cxrcore.data.splits import EXTERNAL, PART_WORDS
from cxrcore.errors import FindingError, UsageError
from cxrcore.findings import display_name, one_of
from cxrcore.measures.thresholds.positions import UNREACHED
from cxrcore.queries import from_store
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.threshold_sets import (
    _WARNINGS,
    SourcedSet,
    default_key,
    find_set,
    find_set_name,
    parse_key,
    warnings_of,
)
from cxrcore.store import Store

# -- the board's state


@dataclass(frozen=True)
class BoardState:
    """What stands on the board.

    Attributes:
        base: the set that was put there.
        reference: the set that changes are shown against.
        changed: {finding: value} where it differs from the base. The value is '0.31@test' where it was set by hand
            while looking at test ('0.31' where that is not known), or the key that it was fitted with.
        findings: k names, that the run is shown with.
        thresholds: float64 (k,), all of them.
        own: {finding: the set that its threshold was taken from} where it was fitted by itself.
        elsewhere: as `changed`, of findings that are not shown now, since the labels do not have them.
    """

    base: SourcedSet
    reference: SourcedSet
    changed: Mapping[str, str]
    findings: tuple[str, ...]
    thresholds: np.ndarray
    own: Mapping[str, SourcedSet]
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    @property
    def by_hand(self) -> list[str]:
        """Findings whose threshold was dragged, typed or read from a file."""
        return [finding for finding, value in self.changed.items() if parse_key(value) is None]

    @property
    def pairs(self) -> list[str]:
        """The changes as a link has them."""
        return [f"{finding}:{value}" for finding, value in (*self.changed.items(), *self.elsewhere.items())]


def hand(value: float, part: str | None) -> str:
    """A threshold that was set by hand, as `BoardState.changed` holds it."""
    return f"{float(value)!r}@{part}" if part else repr(float(value))


def read_state(store: Store, run: Evaluated, key: str | None, reference: str | None,
               pairs: Sequence[str]) -> BoardState:
    """The state that a link describes.

    Raises:
        UsageError, RunError: what cannot be read or found.
    """
    base = find_set(store, run, key or default_key(run))
    return make_state(store, run, base, find_set(store, run, reference or default_key(run)),
                      _changed(store, run, pairs))


def make_state(store: Store, run: Evaluated, base: SourcedSet, reference: SourcedSet,
               changed: Mapping[str, str]) -> BoardState:
    """A state from its parts; a change that changes nothing is left out.

    Args:
        changed: of findings that are shown, and of others, which are carried along.

    Raises:
        UsageError, RunError: a value that cannot be read or fitted.
    """
    values, kept, own = base.thresholds.copy(), {}, {}
    shown = {finding: text for finding, text in changed.items() if finding in run.findings}
    for finding, text in shown.items():
        k, fitted = run.findings.index(finding), find_set(store, run, text) if parse_key(text) else None
        new = fitted.thresholds[k] if fitted else _threshold(text)
        if new != base.thresholds[k]:
            values[k], kept[finding] = new, fitted.key if fitted else text
            own |= {finding: fitted} if fitted else {}
    rest = {finding: text for finding, text in changed.items() if finding not in shown}
    return BoardState(base, reference, kept, run.findings, values, own, rest)


def _changed(store: Store, run: Evaluated, pairs: Sequence[str]) -> dict[str, str]:
    """The NAME:VALUE pairs of a link, of findings that the run knows or that a label set derives from them."""
    sets = [one for one in from_store.overview(store).label_sets if one.dataset_id in run.own] if pairs else []
    known = tuple(dict.fromkeys([*run.findings, *(name for own in (*run.own.values(), *sets)
                                                  for name in own.findings)]))
    try:
        return {one_of(known, name): text for name, _, text in (pair.partition(":") for pair in pairs)}
    except FindingError as error:
        raise UsageError(f"the link's thresholds cannot be read: {error}") from None


def _threshold(text: str) -> float:
    try:
        value = float(text.partition("@")[0])
    except ValueError:
        value = np.nan
    if not 0 <= value <= UNREACHED:
        raise UsageError(f"the link's threshold '{text}' is not a number from 0 to 1")
    return value


def after_release(store: Store, run: Evaluated, part: str, state: BoardState, values: Sequence[float],
                  earlier: Sequence[BoardState]) -> BoardState:
    """The state after thresholds were moved in the browser.

    Args:
        part: what the measures were read on meanwhile.
        values: float (k,), all of them as they are now.
        earlier: states that stood on the board before; undo leads back to them, provenance included.
    """
    now = np.array(values, np.float64)
    for known in (state, *earlier):
        if np.array_equal(known.thresholds, now):
            return replace(known, reference=state.reference)
    moved = {finding: hand(now[k], part) for k, finding in enumerate(state.findings) if now[k] != state.thresholds[k]}
    return make_state(store, run, state.base, state.reference, {**state.changed, **state.elsewhere, **moved})


# -- what to say about it


def notes(state: BoardState, run: Evaluated, part: str, positives: Sequence[int]) -> dict[str, str]:
    """{finding: what to beware of}: fitted on few positives, on none, or an aim that cannot be met."""
    made = {finding: state.own.get(finding, state.base) for finding in state.findings}
    found = {finding: f"The threshold of {one.in_words} {_WARNINGS[name]}"
             for finding, one in made.items() for name in warnings_of(one, finding)}
    for finding, n in zip(state.findings, positives, strict=True):
        if not n:
            found[finding] = f"No film of {run.in_words(part)} has it: F1 and recall are undefined"
    return found


def provenance(state: BoardState, run: Evaluated, part: str) -> tuple[str, str]:
    """Where the thresholds come from, and a warning where it is the films that they are read on."""
    said, flags = [state.base.in_words], []
    if state.base.part == part and len(state.changed) < len(state.findings):
        flags.append("fitted on these very films, which flatters")
    for finding, text in state.changed.items():
        fit = parse_key(text)
        if fit is not None:
            said.append(f"{display_name(finding)}: {find_set_name(fit)}")
            if fit.part == part:
                flags.append(f"{display_name(finding)} was fitted on these very films")
    where = Counter(state.changed[finding].partition("@")[2] for finding in state.by_hand)
    for seen, n in where.items():
        said.append(f"{n} by hand on {PART_WORDS[seen]}" if seen in ("val", "test", EXTERNAL) else f"{n} by hand")
        if seen == part:
            flags.append(f"{n} set by hand while looking at these films")
    return "; ".join(said), "; ".join(flags)


