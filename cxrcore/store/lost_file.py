"""Why a file of a run is not there: it never was, or the store was brought here without the folders of its runs."""

from cxrcore.store.run_folder import BEST
from cxrcore.store.store import Store

_NEVER_HAD = {"imported": "it was imported", "ensemble": "it is a mean of other runs' scores"}


def why_missing(store: Store, run_id: str, name: str = BEST) -> str:
    """Why a run has no such checkpoint, for a person: 'it was imported', or which folder is missing and belongs where.

    Args:
        name: `BEST` or `LAST` of `run_folder`.

    Raises:
        RunError: no such run.
    """
    row = store.run(run_id)
    if row["kind"] in _NEVER_HAD:
        return _NEVER_HAD[row["kind"]]
    if row["status"] != "finished" and store.epochs([run_id]).empty:
        return "it stopped before its first epoch ended"
    folder = store.run_folder(run_id)
    if folder.is_dir():
        return f"it was trained, but {folder}/ does not hold the file"
    return f"{folder}/ is missing; it belongs beside the store, as where the run was trained"
