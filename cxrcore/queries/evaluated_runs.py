"""Runs with the predictions that pages read them on, and which of them are chosen while nothing is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from cxrcore.data.splits import PART_WORDS
from cxrcore.queries import run_groups

MAX_RUNS = 6


@dataclass(frozen=True)
class Evaluated:
    """A run with its predictions.

    Attributes:
        parts: {'val' or 'test': row of the leaderboard with prediction_id, n, n_expected, checkpoint}.
    """

    run_id: str
    label: str
    dataset_id: str
    parts: Mapping[str, pd.Series]

    def prediction_id(self, part: str) -> str:
        """Names the scores of a part, 'val' or 'test'; KeyError where the run has none."""
        return self.parts[part]["prediction_id"]

    def in_words(self, part: str) -> str:
        """'test, 22,433 films' or 'validation, a subset of 500 of 11,296 films'."""
        row = self.parts[part]
        films = f"{int(row['n']):,} films"
        if row["n"] < row["n_expected"]:
            films = f"a subset of {int(row['n']):,} of {int(row['n_expected']):,} films"
        return f"{PART_WORDS.get(part, part)}, {films}"


def evaluated(rows: pd.DataFrame, board: pd.DataFrame, labels: Mapping[str, str]) -> list[Evaluated]:
    """Runs with the newest of their predictions, of rows of `Store.runs` and of its leaderboard."""
    return [Evaluated(run_id, labels[run_id], dataset_id,
                      {part["split"]: part for _, part in board[board["run_id"] == run_id].iterrows()})
            for run_id, dataset_id in zip(rows["run_id"], rows["dataset_id"], strict=True)]


def default_runs(groups: Sequence[run_groups.Group]) -> list[str]:
    """What to draw while nothing is chosen: the best measured runs of the first group that has any."""
    for group in groups:
        table = group.table[group.table["auroc"].notna()]
        if len(table):
            part = table["measured"].iloc[0].split(",")[0]  # runs without it cannot be drawn beside the best
            return list(table.index[table["measured"].str.startswith(part)][: run_groups.MAX_DEFAULT_FOCUS])
    return []


def part_to_draw(wanted: str, run_ids: Sequence[str], board: pd.DataFrame) -> str:
    """'test' or 'val': the wanted part, or validation where none of the runs was measured on a test part."""
    there = set(board[board["run_id"].isin(run_ids)]["split"])
    return "val" if wanted == "test" and "test" not in there and "val" in there else wanted
