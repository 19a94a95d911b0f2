"""What the slides are about: one run in focus, the runs beside it, and the finding that serves as the example."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from cxrcore.charts.look import RunStyle, run_styles
from cxrcore.config import TRAIN_COMMAND
from cxrcore.data.splits import PART_WORDS
from cxrcore.measures.metrics import Counts
from cxrcore.measures.thresholds.positions import SortedScores, counts_at
from cxrcore.queries import data_set, evaluated_runs, from_store, run_groups
from cxrcore.queries.evaluated_runs import Evaluated, evaluated
from cxrcore.queries.threshold_sets import SourcedSet, default_key, find_set
from cxrcore.store import Store
from cxrcore.store.audit_marks import Marks

HALF = 0.5  # what a program does that never asks
FEW = 10  # films with a finding, below which it is no example
MAX_RUNS = 6


@dataclass(frozen=True)
class Lesson:
    """What a slide may show.

    Attributes:
        dataset_id: of the run in focus, or of the store's first data set.
        group: the runs that the focus may be compared with; None where no run was measured.
        rows: of `Overview.runs`, the run in focus first, then the best others of its group.
        runs: the same, those that have predictions of `part`.
        part: 'test', or 'val' where that was asked for, or the focus has no test predictions.
        places: {run_id: place} of the runs whose look the link says.
        wanted: the finding that somebody chose as the example; '' for the one that teaches most.
        pictured: (image_id, finding) of the films that somebody chose to be explained.
    """

    store: Store
    overview: from_store.Overview
    dataset_id: str
    group: run_groups.Group | None
    rows: pd.DataFrame
    runs: tuple[Evaluated, ...]
    part: str
    places: Mapping[str, int]
    wanted: str = ""
    pictured: tuple[tuple[str, str], ...] = ()

    @property
    def data(self) -> data_set.Holdings:
        """The data set, counted."""
        return data_set.holdings(self.store, self.dataset_id)

    @property
    def kind(self) -> str:
        """Of the data set: 'nih', 'phantom', ..."""
        return self.overview.datasets.at[self.dataset_id, "kind"]

    @property
    def run(self) -> Evaluated:
        """The run in focus.

        Raises:
            NothingToShow: no run was measured.
        """
        if not self.runs:
            raise NothingToShow("No run of this store has been evaluated yet. A training ends with that:",
                                TRAIN_COMMAND)
        return self.runs[0]

    @property
    def n_films(self) -> int:
        """How many films the focus is read on."""
        return int(self.run.parts[self.part]["n"])

    @property
    def films(self) -> str:
        """'475 test films', those that the focus is read on."""
        return f"{self.n_films:,} {PART_WORDS[self.part]} films"

    def films_of(self, k: int) -> str:
        """'470 test films', those on which a finding (by its place) has a label and a score."""
        return f"{self.scores[k].n:,} {PART_WORDS[self.part]} films"

    @property
    def scores(self) -> tuple[SortedScores, ...]:
        """Of the run in focus, one entry a finding."""
        return from_store.sorted_scores(self.store, self.run.read(self.part))

    @property
    def styles(self) -> dict[str, RunStyle]:
        """{run_id: look}."""
        return run_styles(self.rows["run_id"], self.places)

    @property
    def warned(self) -> dict[str, Marks]:
        """{name: marks} of the runs whose imports were warned of."""
        labels = run_groups.run_labels(self.overview.runs)
        return {labels[run_id]: marks for run_id, marks in run_groups.warned(self.rows).items()}

    def row(self, run: Evaluated) -> pd.Series:
        """What the store says of a run."""
        return self.rows.set_index("run_id", drop=False).loc[run.run_id]

    def tuned(self, run: Evaluated) -> SourcedSet:
        """The run's thresholds as the board begins with: max F1, fitted on validation, where there is one."""
        return find_set(self.store, run, default_key(run))

    @property
    def findings(self) -> tuple[str, ...]:
        """Of the run in focus."""
        return self.run.findings

    @property
    def half(self) -> np.ndarray:
        """`HALF` for every finding."""
        return np.full(len(self.findings), HALF)

    @cached_property
    def at_half(self) -> Counts:
        """Of the run in focus, every finding at 0.5."""
        return counts_at(self.scores, self.half)

    @cached_property
    def at_tuned(self) -> Counts:
        """Of the run in focus, at its own thresholds."""
        return counts_at(self.scores, self.tuned(self.run).thresholds)

    @cached_property
    def example(self) -> int:
        """The chosen finding, or that whose AUROC promises most beyond its F1 at 0.5, by its place in `findings`.

        Raises:
            NothingToShow: no finding has films enough.
        """
        if self.wanted in self.findings:
            return self.findings.index(self.wanted)
        curves = from_store.curves(self.store, self.run.read(self.part), "roc").findings
        promise = np.array([one.auroc for one in curves.values()]) - self.at_half.f1
        enough = np.array([len(one.positives) >= FEW and len(one.negatives) >= FEW for one in self.scores])
        if not enough.any():
            raise NothingToShow(f"No finding stands on {FEW} of the films that the run was measured on.")
        return int(np.argmax(np.where(enough, np.nan_to_num(promise, nan=-1.0), -np.inf)))


def read_lesson(store: Store, overview: from_store.Overview, chosen: list[str], part: str = "test",
                places: Mapping[str, int] | None = None) -> Lesson:
    """The lesson of the runs that the link names, else of the best of the newest data set.

    Args:
        chosen: run ids, the one in focus first.
        part: 'test' (validation where the focus has no test predictions) or 'val', which runs are read on.
        places: as for `look.run_styles`.
    """
    runs, board = overview.runs, overview.board
    pickable = runs[~runs["archived"].astype(bool) | runs["run_id"].isin(chosen)]
    groups = from_store.groups(overview, pickable, from_store.statuses(store, runs), part)
    group = _group_of(groups, chosen)
    ids = [] if group is None else [*chosen[:1], *(one for one in group.table.index[group.table["auroc"].notna()]
                                                   if one not in chosen[:1])][:MAX_RUNS]
    rows = runs.set_index("run_id", drop=False).loc[ids].reset_index(drop=True)
    part = evaluated_runs.part_to_draw(part, ids[:1], board)
    found = tuple(run for run in evaluated(rows, overview, run_groups.run_labels(runs), part) if part in run.parts)
    if found and found[0].run_id != ids[0]:
        found = ()
    dataset_id = rows["dataset_id"].iloc[0] if len(rows) else overview.datasets.index[0]
    return Lesson(store, overview, dataset_id, group, rows, found, part, places or {})


def _group_of(groups: list[run_groups.Group], chosen: list[str]) -> run_groups.Group | None:
    if chosen:
        return next((group for group in groups if chosen[0] in group.table.index), None)
    return next((group for group in groups if group.table["auroc"].notna().any()), None)


class NothingToShow(Exception):
    """What a slide needs is not in the store: what that is, and the command that makes it, if there is one."""

    def __init__(self, text: str, command: str | None = None) -> None:
        super().__init__(text)
        self.command = command
