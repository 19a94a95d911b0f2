"""Which thresholds stand on the board: a set, what was changed by hand, and where each of them comes from.

The link is the truth (`shell.thresholds_in_link`); everything here is worked out from it and from the store. A set is
named by a key: the id of a stored set, or how to fit it anew, such as 'max_f1@val', 'recall:0.9@val' or 'fixed:0.5'.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cxrcore.data.splits import EXTERNAL, PART_WORDS
from cxrcore.errors import FindingError, UsageError
from cxrcore.findings import display_name, one_of
from cxrcore.measures.thresholds.fitting import STABLE_POSITIVES
from cxrcore.measures.thresholds.positions import UNREACHED
from cxrcore.queries import from_store
from cxrcore.queries.evaluated_runs import Evaluated, on_other_half
from cxrcore.queries.threshold_sets import (
    _WARNINGS,
    HALF,
    SourcedSet,
    default_key,
    find_set,
    find_set_name,
    parse_key,
    warnings_of,
)
from cxrcore.store import Store

UPPER = "upper"  # in a set's parameters: {finding: upper line}
UPPER_LINE = "^"  # before the NAME:VALUE pair of an upper line
NO_LINE = "none"  # as its value: the set has an upper line, the board has not
STORED = "set:"  # before the id of a stored set, and @ and its part, as a finding's value

# -- the board's state


@dataclass(frozen=True)
class BoardState:
    """What stands on the board.

    Attributes:
        base: the set that was put there.
        reference: the set that changes are shown against.
        changed: {finding: value} where it differs from the base. The value is '0.31@test' where it was set by hand
            while looking at test ('0.31' where that is not known), the key that it was fitted with, or
            'set:<id>@<part>' where it was taken from a stored set.
        findings: k names, that the run is shown with.
        thresholds: float64 (k,), all of them.
        own: {finding: the set that its threshold was taken from} where it was fitted by itself.
        elsewhere: as `changed`, of findings that are not shown now, since the labels do not have them.
        uppers: {finding: upper line} of the findings, shown or not, whose films between the two lines a person is asked
            about; in [0, 1] or `UNREACHED`. One below its finding's threshold asks nobody.
    """

    base: SourcedSet
    reference: SourcedSet
    changed: Mapping[str, str]
    findings: tuple[str, ...]
    thresholds: np.ndarray
    own: Mapping[str, SourcedSet]
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    uppers: Mapping[str, float] = field(default_factory=dict)

    def upper_of(self, finding: str) -> float:
        """Where a yes begins: the upper line, or the threshold itself where nobody is asked."""
        own = float(self.thresholds[self.findings.index(finding)])
        return max(own, self.uppers.get(finding, own))

    @property
    def asks(self) -> bool:
        """Whether a finding that is shown has two lines apart."""
        return any(self.upper_of(finding) > own for finding, own in zip(
            self.findings, self.thresholds.tolist(), strict=True))

    @property
    def by_hand(self) -> list[str]:
        """Findings whose threshold was dragged, typed or read from a file."""
        return [finding for finding, value in self.changed.items() if set_key(value) is None]

    @property
    def on_half(self) -> bool:
        """Whether anything here was fitted on half of the patients, so that the others are read alone."""
        return any(one.part == HALF for one in (self.base, self.reference, *self.own.values()))

    @property
    def pairs(self) -> list[str]:
        """The changes as a link has them; upper lines where they differ from the set's own."""
        own = uppers_of(self.base)
        changed = {finding: repr(value) for finding, value in self.uppers.items() if own.get(finding) != value}
        changed |= {finding: NO_LINE for finding in own if finding not in self.uppers}
        return [*(f"{finding}:{value}" for finding, value in (*self.changed.items(), *self.elsewhere.items())),
                *(f"{UPPER_LINE}{finding}:{value}" for finding, value in changed.items())]


def uppers_of(made: SourcedSet) -> dict[str, float]:
    """The upper lines that a set was saved with."""
    return uppers_in(made.parameters)


def uppers_in(parameters: Mapping[str, Any]) -> dict[str, float]:
    """{finding: upper line} as a set's parameters hold them; what is no threshold is left out."""
    held = parameters.get(UPPER)
    return {str(finding): float(value) for finding, value in held.items() if isinstance(value, int | float)
            and not isinstance(value, bool) and 0 <= value <= UNREACHED} if isinstance(held, Mapping) else {}


def set_key(value: str) -> str | None:
    """The key of the set that a finding's threshold was taken from, for `find_set`; None where it was set by hand."""
    if value.startswith(STORED):
        return value.removeprefix(STORED).partition("@")[0]
    return value if parse_key(value) else None


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
    lines = [pair for pair in pairs if not pair.startswith(UPPER_LINE)]
    upper = [pair.removeprefix(UPPER_LINE) for pair in pairs if pair.startswith(UPPER_LINE)]
    uppers: dict[str, float] = uppers_of(base)
    for finding, text in _changed(store, run, upper).items():
        uppers.pop(finding, None)
        uppers |= {} if text == NO_LINE else {finding: _threshold(text)}
    return make_state(store, run, base, find_set(store, run, reference or default_key(run)),
                      _changed(store, run, lines), uppers)


def make_state(store: Store, run: Evaluated, base: SourcedSet, reference: SourcedSet,
               changed: Mapping[str, str], uppers: Mapping[str, float] | None = None) -> BoardState:
    """A state from its parts; a change that changes nothing is left out.

    Args:
        changed: of findings that are shown, and of others, which are carried along.
        uppers: as `BoardState.uppers`; None for those of the base set.

    Raises:
        UsageError, RunError: a value that cannot be read or fitted.
    """
    values, kept, own = base.thresholds.copy(), {}, {}
    shown = {finding: text for finding, text in changed.items() if finding in run.findings}
    for finding, text in shown.items():
        key = set_key(text)
        k, fitted = run.findings.index(finding), find_set(store, run, key) if key else None
        new = fitted.thresholds[k] if fitted else _threshold(text)
        if new != base.thresholds[k] or text.startswith(STORED):
            values[k], kept[finding] = new, fitted.key if fitted and parse_key(text) else text
            own |= {finding: fitted} if fitted else {}
    rest = {finding: text for finding, text in changed.items() if finding not in shown}
    return BoardState(base, reference, kept, run.findings, values, own, rest,
                      uppers_of(base) if uppers is None else dict(uppers))


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
                  earlier: Sequence[BoardState], uppers: Sequence[float | None] | None = None) -> BoardState:
    """The state after lines were moved in the browser.

    Args:
        part: what the measures were read on meanwhile.
        values: float (k,), all thresholds as they are now.
        earlier: states that stood on the board before; undo leads back to them, provenance included.
        uppers: (k,), the upper lines as they are now, None where there is none; None for those that there were.
    """
    now = np.array(values, np.float64)
    lines = state.uppers if uppers is None else {
        **{finding: value for finding, value in state.uppers.items() if finding not in state.findings},
        **{finding: float(value) for finding, value in zip(state.findings, uppers, strict=True) if value is not None}}
    for known in (state, *earlier):
        if np.array_equal(known.thresholds, now):
            return replace(known, reference=state.reference, uppers=lines)
    moved = {finding: hand(now[k], part) for k, finding in enumerate(state.findings) if now[k] != state.thresholds[k]}
    return make_state(store, run, state.base, state.reference, {**state.changed, **state.elsewhere, **moved}, lines)


def read_as_fitted(store: Store, runs: Sequence[Evaluated], state: BoardState, part: str) -> list[Evaluated]:
    """The runs as a part is to be read: where thresholds were fitted on half of its patients, on the others alone."""
    if not state.on_half or part != runs[0].part_to_halve:
        return list(runs)
    return [on_other_half(store, run, part) if part in run.parts else run for run in runs]


# -- what to say about it


def notes(state: BoardState, run: Evaluated, part: str, positives: Sequence[int]) -> dict[str, str]:
    """{finding: what to beware of}: fitted on few positives, on none, or an aim that cannot be met.

    Where most thresholds were fitted on few positives, `common_note` says that once, and it is no finding's own note.
    """
    made, common = _made(state), _unstable(state)
    common = common if common_note(state) else []
    found = {finding: f"The threshold of {one.in_words} {_WARNINGS[name]}" for finding, one in made.items()
             for name in warnings_of(one, finding) if name != "unstable" or finding not in common}
    for finding, n in zip(state.findings, positives, strict=True):
        if not n:
            found[finding] = f"No film of {run.in_words(part)} has it: F1 and recall are undefined"
    return found


def common_note(state: BoardState) -> str:
    """What to beware of in most thresholds: '13 of 14 thresholds were fitted on fewer than 50 films'; '' if few."""
    n, k = len(_unstable(state)), len(state.findings)
    return (f"{n} of {k} thresholds were fitted on fewer than {STABLE_POSITIVES} films with the finding: with other "
            "patients they would stand elsewhere.") if n > 1 and 2 * n > k else ""


def _made(state: BoardState) -> dict[str, SourcedSet]:
    return {finding: state.own.get(finding, state.base) for finding in state.findings}


def _unstable(state: BoardState) -> list[str]:
    return [finding for finding, one in _made(state).items() if "unstable" in warnings_of(one, finding)]


def provenance(state: BoardState, run: Evaluated, part: str) -> tuple[str, str]:
    """Where the thresholds come from, and a warning where it is the films that they are read on."""
    said, flags = [state.base.in_words], []
    if state.base.is_read_on_own_films(run, part) and len(state.changed) < len(state.findings):
        these = "half of these films" if state.base.part == HALF else "these very films"
        flags.append(f"fitted on {these}, which flatters")
    for finding, text in state.changed.items():
        if finding in state.own:
            fit = parse_key(text)
            said.append(f"{display_name(finding)}: {find_set_name(fit) if fit else state.own[finding].in_words}")
            if state.own[finding].is_read_on_own_films(run, part):
                flags.append(f"{display_name(finding)} was fitted on these very films")
    where = Counter(state.changed[finding].partition("@")[2] for finding in state.by_hand)
    for seen, n in where.items():
        said.append(f"{n} by hand on {PART_WORDS[seen]}" if seen in ("val", "test", EXTERNAL) else f"{n} by hand")
        if seen == part:
            flags.append(f"{n} set by hand while looking at these films")
    if asked := sum(state.upper_of(finding) > own for finding, own in zip(
            state.findings, state.thresholds.tolist(), strict=True)):
        said.append(f"{asked} with an upper line")
    return "; ".join(said), "; ".join(flags)


