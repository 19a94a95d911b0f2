"""The promise of a stored threshold set beside what other patients show, worked out once."""

from cxrcore.evaluation import promised_thresholds
from cxrcore.evaluation.promised_thresholds import PromiseRead
from cxrcore.queries.kept import kept
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
