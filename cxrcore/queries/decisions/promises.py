"""Promises of stored threshold sets: what stands against one, and it beside what other patients show; kept."""

from dataclasses import dataclass
from typing import Any

from cxrcore.evaluation import promised_thresholds
from cxrcore.evaluation.promised_thresholds import PromiseRead, Standing
from cxrcore.measures.decisions.promise_record import KeptPromise, promise_of
from cxrcore.measures.number_words import value
from cxrcore.queries.board_state import BoardState
from cxrcore.queries.kept import kept
from cxrcore.queries.threshold_sets import SourcedSet
from cxrcore.store import Store


def read_promise(store: Store, run_id: str, set_id: str) -> PromiseRead | None:
    """As `promised_thresholds.read_promise`, kept until the store changes: a new evaluation may be what it is read on.

    Raises:
        RunError, DataError: as there.
    """
    return _read(store, store.change_token(), run_id, set_id)


@kept(32)
def _read(store: Store, token: tuple[int, ...], run_id: str, set_id: str) -> PromiseRead | None:
    return promised_thresholds.read_promise(store, run_id, set_id)


def standing(store: Store, run_id: str, part: str) -> Standing:
    """As `promised_thresholds.standing`, kept until the store changes.

    Raises:
        UsageError, RunError: as there.
    """
    return _standing(store, store.change_token(), run_id, part)


@kept(32)
def _standing(store: Store, token: tuple[int, ...], run_id: str, part: str) -> Standing:
    with store.reading():
        return promised_thresholds.standing(store, run_id, part)


@dataclass(frozen=True)
class OnBoard:
    """A promise that stands on the board.

    Attributes:
        made: the stored set.
        kept: its promise.
        findings: whose lines come from it.
    """

    made: SourcedSet
    kept: KeptPromise
    findings: tuple[str, ...]

    @property
    def promised(self) -> list[str]:
        """Findings of which something is promised, whether or not it is void."""
        known = self.kept.findings
        return [one for one in self.findings if one in known and known[one].threshold is not None]

    @property
    def impossible(self) -> list[str]:
        """Findings of which nothing can be promised."""
        known = self.kept.findings
        return [one for one in self.findings if one in known and known[one].threshold is None]


def promises_on_board(state: BoardState) -> list[OnBoard]:
    """The promises behind the lines of a board: the set's own, then those of single findings.

    Raises:
        DataError: a promise that is not as this workbench writes it.
    """
    sets: dict[str, tuple[SourcedSet, list[str]]] = {}
    for finding in state.findings:
        made = state.own.get(finding, None if finding in state.changed else state.base)
        if made is not None:
            sets.setdefault(made.key, (made, []))[1].append(finding)
    return [OnBoard(made, held, tuple(findings)) for made, findings in sets.values()
            if (held := promise_of(made.parameters)) is not None]


# -- on the board itself


def promise_lines(store: Store, run_id: str, state: BoardState, measured: bool) -> dict[str, dict[str, Any]]:
    """{finding: `said`, what its set promises, and `at`, the only threshold that it is promised of}.

    Of the set that a line comes from, or came from before it was moved; `at` is None where nothing is promised.

    Args:
        measured: whether it is read on other films too, which takes time where it was not worked out before.

    Raises:
        RunError, DataError: as `read_promise` and `promises_on_board`.
    """
    found: dict[str, dict[str, Any]] = {}
    for finding in state.findings:
        made = state.own.get(finding, state.base)
        kept = promise_of(made.parameters)
        if kept is None or finding not in kept.findings:
            continue
        read = read_promise(store, run_id, made.key) if measured else None
        at = None if kept.void else kept.findings[finding].threshold
        found[finding] = {"at": at, "said": _said(kept, finding, read)}
    return found


def _said(kept: KeptPromise, finding: str, read: PromiseRead | None) -> str:
    """'Promised: recall ≥ 0.9 for new patients, confidence 0.95. Measured by patients on test: 0.912 (...), kept.'."""
    aim = kept.aim
    promised = f"{aim.measure} ≥ {aim.bound:g} for new patients, confidence {aim.confidence:g}"
    if kept.findings[finding].threshold is None:
        return f"Nothing is promised: {kept.in_words(finding)}."
    if kept.void:
        return f"Void as a promise of {promised}. {kept.void}"
    said = f"Promised: {promised}."
    rows = read.table.set_index("finding") if read is not None else None
    if read is None or rows is None or finding not in rows.index:
        return said
    row, where = rows.loc[finding], read.read_on.partition(",")[0]
    if not row["patients"]:
        return f"{said} Measured on {where}."
    verdict = f", {row['verdict']}" if row["verdict"] else ""
    return (f"{said} Measured by patients on {where}: {value(row['measured'])} ({value(row['low'])} to "
            f"{value(row['high'])}){verdict}.")
