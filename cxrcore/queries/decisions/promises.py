"""Promises of stored threshold sets: what stands against one, and it beside what other patients show; kept."""

from dataclasses import dataclass

from cxrcore.evaluation import promised_thresholds
from cxrcore.evaluation.promised_thresholds import PromiseRead, Standing
from cxrcore.measures.decisions.promise_record import KeptPromise, promise_of
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
