"""Whether predictions are a run of the store already, so that a second click or call does not save them twice."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cxrcore.store import Store


@dataclass(frozen=True)
class Known:
    """The run that predictions are already.

    Attributes:
        run_id, name: the run's.
        same_file: it came from the very same file, read in the same way; else from another that gives the same scores.
    """

    run_id: str
    name: str
    same_file: bool

    @property
    def in_words(self) -> str:
        """The fact as a clause."""
        how = "" if self.same_file else ", from another file"
        return f"these predictions are already saved as run {self.run_id} ('{self.name}'){how}"


def digest(dataset_id: str, image_ids: np.ndarray, scores: np.ndarray, parts: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of what is saved of predictions, whatever the order of their rows.

    Args:
        image_ids: object (n,). scores: float (n, k), NaN where there is none; saved as float32.
        parts: {part of a split: rows}.
    """
    found = hashlib.sha256(dataset_id.encode())
    for part in sorted(parts):
        rows = parts[part][np.argsort(image_ids[parts[part]], kind="stable")]
        own = scores[rows].astype("<f4")
        own[np.isnan(own)] = np.nan  # one NaN of the many
        found.update("\n".join([part, *map(str, image_ids[rows])]).encode() + own.tobytes())
    return found.hexdigest()


def find_same_import(
    store: Store, dataset_id: str, config: Mapping[str, object], parts: Mapping[str, np.ndarray]
) -> Known | None:
    """The imported run with these predictions; one from the same file first.

    Args:
        config: as the import would save it; runs of before `scores_sha256` are known by their file alone.
        parts: {part of a split: rows}.
    """
    runs = store.runs()
    runs = runs[(runs["kind"] == "imported") & (runs["dataset_id"] == dataset_id) & (runs["status"] == "finished")]
    others = []
    for run in runs.itertuples():
        saved = json.loads(run.config or "{}")
        same_file = all(saved.get(name) == config[name] for name in ("file_sha256", "columns", "logits"))
        if same_file and set(store.prediction_sets(run.run_id)["split"]) == set(parts):
            return Known(run.run_id, run.name, True)
        if saved.get("scores_sha256") == config["scores_sha256"]:
            others.append(Known(run.run_id, run.name, False))
    return others[0] if others else None
