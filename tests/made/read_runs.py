"""Runs as the pages read them, from a store: with their predictions and labels."""

import dataclasses
from collections.abc import Sequence

from cxrcore.queries import evaluated_runs, from_store
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.store import Store


def read_runs(store: Store, run_ids: Sequence[str] | None = None, part: str = "test", only: Sequence[str] = ()
              ) -> list[Evaluated]:
    """These runs, or all, the oldest first, by their own names.

    Args:
        part: whose films the labels are of.
        only: the parts that they are to have; all without any.
    """
    overview = from_store.overview(store)
    rows = overview.runs.iloc[::-1].set_index("run_id", drop=False)
    rows = rows if run_ids is None else rows.loc[list(run_ids)]
    if only:
        board = overview.board[overview.board["split"].isin(only)]
        overview = dataclasses.replace(overview, board=board)
    return evaluated_runs.evaluated(rows, overview, dict(zip(rows["run_id"], rows["name"], strict=True)), part)


def architectures(store: Store) -> dict[str, str]:
    """{run_id: its architecture's name}, of all runs."""
    return dict(store.runs()[["run_id", "architecture"]].itertuples(index=False))
