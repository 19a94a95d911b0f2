"""What the Localization page reads from the store: a run's measurements on boxes, with the films behind them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from cxrcore.data.splits import SPLITS
from cxrcore.errors import WorkbenchError
from cxrcore.measures.localization import RANDOM
from cxrcore.queries import data_set, from_store
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.kept import kept
from cxrcore.store import Store


@dataclass(frozen=True)
class Boxed:
    """The films with boxes of a run's data set.

    Attributes:
        boxes: as the store has them; none where it knows none.
        parts: {'train', 'val', 'test': films with boxes}; None where the run's split cannot be drawn again.
    """

    boxes: pd.DataFrame
    parts: dict[str, int] | None


@dataclass(frozen=True)
class MeasuredOnBoxes:
    """A run that was measured on boxes.

    Attributes:
        rows: of all methods and floors, each film, finding and method once, with patient_id.
        n_films, n_patients, n_boxes: measured; no boxes where the store does not know the data set's.
        boxed: all films with boxes.
    """

    run: Evaluated
    architecture: str
    rows: pd.DataFrame
    n_films: int
    n_patients: int
    n_boxes: int
    boxed: Boxed


def boxed(store: Store, run: pd.Series, runs: pd.DataFrame) -> Boxed:
    """The films with boxes of a run's data set.

    Args:
        run: a row of `runs`, which are all of `from_store.Overview`.
    """
    found = data_set.holdings(store, run["dataset_id"])
    try:
        key = data_set.SplitKey(run["split_scheme"], int(run["split_seed"]), run["split_fingerprint"])
        own = runs[runs["dataset_id"] == run["dataset_id"]]
        parts = data_set.assignment(store, found, key, own)
    except (WorkbenchError, KeyError, ValueError):  # a split that was given, or lists that are gone
        return Boxed(found.boxes, None)
    with_boxes = parts[found.images["image_id"].isin(found.boxes["image_id"]).to_numpy()]
    return Boxed(found.boxes, {part: int((with_boxes == place).sum()) for place, part in enumerate(SPLITS)})


def read_localization(
    store: Store, evaluated: Sequence[Evaluated], rows: pd.DataFrame, runs: pd.DataFrame
) -> list[MeasuredOnBoxes]:
    """Those of the runs that have measurements on their test films.

    Args:
        rows: of `runs`, one an evaluated run.
        runs: all of `from_store.Overview`.
    """
    made = []
    for run, (_, row) in zip(evaluated, rows.iterrows(), strict=True):
        if "test" not in run.parts:
            continue
        own = _rows(store, store.change_token(), run.run_id, run.prediction_id("test"))
        if not run.labels.is_shipped:  # on the films and findings that these have read
            read = from_store.labels(store, run.labels).index
            own = own[own["image_id"].isin(read) & own["finding"].isin(run.labels.findings)]
        if own.empty:
            continue
        known = boxed(store, row, runs)
        films = own[own["method"] == RANDOM][["image_id", "finding"]]
        made.append(
            MeasuredOnBoxes(
                run,
                row["architecture"],
                own,
                films["image_id"].nunique(),
                own["patient_id"].nunique(),
                len(known.boxes.merge(films)),
                known,
            )
        )
    return made


@kept(16)  # of NIH's boxes by six methods 15 MB
def _rows(store: Store, token: tuple[int, ...], run_id: str, prediction_id: str) -> pd.DataFrame:
    """The run's rows, of all test predictions of these films by this checkpoint; the newest count."""
    sets = store.prediction_sets(run_id)  # newest first
    own = sets[sets["prediction_id"] == prediction_id].iloc[0]
    alike = sets[(sets["split"] == own["split"]) & (sets["dataset_id"] == own["dataset_id"])
                 & (sets["checkpoint_sha256"] == own["checkpoint_sha256"])]["prediction_id"]
    rows = store.localization(list(alike))
    age = rows["prediction_id"].map({one: place for place, one in enumerate(alike)})
    rows = rows.assign(age=age).sort_values(["method", "image_id", "finding", "age"], kind="stable")
    rows = rows.drop_duplicates(["method", "image_id", "finding"]).drop(columns="age")
    patients = store.images(own["dataset_id"]).set_index("image_id")["patient_id"]
    return rows.assign(patient_id=rows["image_id"].map(patients))
