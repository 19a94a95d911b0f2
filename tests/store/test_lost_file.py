"""A store that was copied without the folders of its runs says which one is missing, and where it belongs."""

import pytest

from cxrcore.errors import CheckpointError, RunError
from cxrcore.networks.checkpoint_source import find_checkpoint
from cxrcore.queries.explained_films import checkpoint_of
from cxrcore.store import EpochRecord, Store
from cxrcore.store.lost_file import why_missing
from cxrcore.store.run_folder import BEST, LAST

DATASET = "0123456789ab"


def run(store: Store, kind: str = "trained", epochs: int = 1, status: str = "finished") -> str:
    run_id = store.create_run({"name": "one", "arch": "resnet18"}, DATASET, kind)
    for epoch in range(1, epochs + 1):
        store.log_epoch(run_id, EpochRecord(epoch, 0.5, 0.5, 0.7, 0.3, 1e-3, 1.0, 9.0))
    store.finish_run(run_id, status)
    return run_id


def test_a_folder_that_stayed_behind_is_told_from_one_that_never_was(tmp_path):
    store = Store(tmp_path / "elsewhere" / "store.duckdb")
    lost, imported, averaged, stopped = (run(store), run(store, "imported", 0), run(store, "ensemble", 0),
                                         run(store, epochs=0, status="interrupted"))
    said = f"{store.run_folder(lost)}/ is missing; it belongs beside the store"
    assert why_missing(store, lost).startswith(said)
    assert why_missing(store, run(store, status="interrupted"), LAST).endswith("where the run was trained")
    assert why_missing(store, imported) == "it was imported"
    assert why_missing(store, averaged) == "it is a mean of other runs' scores"
    assert why_missing(store, stopped) == "it stopped before its first epoch ended"
    for ask in (lambda: find_checkpoint(store, lost, None), lambda: checkpoint_of(store, lost)):
        with pytest.raises(CheckpointError) as error:
            ask()
        assert said in str(error.value) and len(str(error.value).splitlines()) == 1
    store.run_folder(lost).mkdir()
    assert "does not hold the file" in why_missing(store, lost)
    (store.run_folder(lost) / BEST).touch()
    assert find_checkpoint(store, lost, None) == store.run_folder(lost) / BEST
    with pytest.raises(RunError):
        why_missing(store, "20170927-120000-abc123")
