"""What repeats of a training tell: how far another seed moves its macro AUROC, beside how far other patients do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxrcore.measures.decisions.planner import SeedPlan, error_of_interval, seeds_or_patients
from cxrcore.queries.from_store import Overview
from cxrcore.queries.repeats.trainings import repeat_key


@dataclass(frozen=True)
class Repeats:
    """Runs of one training on the same films, which differ by the seed.

    Attributes:
        run_ids: the newest run of each seed, in the order of the seeds.
        seeds: int, ascending.
        values: float64, the macro AUROC of each.
        spread: their standard deviation; NaN of a single one.
        error: mean standard error of one by draws of patients, as its interval tells; NaN where it has none.
    """

    run_ids: tuple[str, ...]
    seeds: tuple[int, ...]
    values: np.ndarray
    spread: float
    error: float

    @property
    def plan(self) -> SeedPlan | None:
        """What another seed would tell against more patients; None where repeats or intervals are missing."""
        defined = np.isfinite(self.spread) and self.error > 0
        return seeds_or_patients(self.spread, len(self.seeds), self.error) if defined else None


def repeats_of(overview: Overview, run_id: str, part: str = "test") -> Repeats | None:
    """The repeats of a run's training, itself among them, that were measured on as many films of the part.

    Returns:
        None where it is not known how the run was trained, or it was not measured there.
    """
    runs = {row["run_id"]: row for row in overview.runs.to_dict("records")}  # newest first
    board = {row["run_id"]: row for row in overview.board[overview.board["split"] == part].to_dict("records")}
    key = _key(runs[run_id]) if run_id in runs else None
    if key is None or not _is_measured(board.get(run_id)):
        return None
    found: dict[int, str] = {int(key[1]): run_id}
    for other, row in runs.items():
        alike = _is_measured(board.get(other)) and all(board[other][name] == board[run_id][name] for name in (
            "dataset_id", "n"))
        own = _key(row) if alike else None
        if own and own[0] == key[0]:
            found.setdefault(int(own[1]), other)
    seeds = sorted(found)
    own = [board[found[seed]] for seed in seeds]
    values = np.array([row["auroc"] for row in own], np.float64)
    errors = [error_of_interval(row["auroc_low"], row["auroc_high"]) for row in own]
    return Repeats(tuple(found[seed] for seed in seeds), tuple(seeds), values,
                   float(values.std(ddof=1)) if len(values) > 1 else np.nan,
                   float(np.mean(errors)))


def _is_measured(row: Mapping[str, Any] | None) -> bool:
    return row is not None and bool(np.isfinite(row["auroc"]))


def _key(run: Mapping[str, Any]) -> tuple[str, str] | None:
    return repeat_key(*(run[name] for name in ("config", "kind", "dataset_id", "split_fingerprint")))
