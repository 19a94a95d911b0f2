"""Stores whose findings are not NIH's fourteen: a list of twenty, some in no list that is shipped, or one of five."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import scored_runs
from one_opening import one_opening

from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.localization import RANDOM
from cxrcore.store import Store

LONG = "Hilar_calcified_granuloma_of_the_left_side"
TWENTY = (*NIH_FINDINGS[:12], "Azygos_lobe", "Cervical_rib", LONG, "Lobar_signs", "Old_fracture", "Port_catheter",
          "Scoliosis", "Tracheal_shift")
FIVE = ("Effusion", "Lobar_signs", "Mass", "Old_fracture", "Rib_notching")  # four of them among the twenty


def make(path: Path, findings: Sequence[str] = TWENTY, n_val: int = 200, n_test: int = 320) -> Store:
    """Two runs with scores on val and test of one data set of these findings; what is there stays."""
    return scored_runs.make(path, n_val, n_test, 2, findings=findings, dataset_id=dataset_of(findings))


def make_both(path: Path) -> Store:
    """Two runs of `TWENTY` and two of `FIVE`, of a data set each."""
    with one_opening(path):
        make(path)
        return make(path, FIVE)


def dataset_of(findings: Sequence[str]) -> str:
    """The id of the data set."""
    return f"list_of_{len(findings)}"


def run_ids(store: Store, findings: Sequence[str]) -> list[str]:
    """The runs of a data set, the oldest first."""
    runs = store.runs()
    return list(runs[runs["dataset_id"] == dataset_of(findings)]["run_id"][::-1])


def add_partial(store: Store, findings: Sequence[str], known: Sequence[str], name: str = "of another list") -> str:
    """A run of the data set whose network knows some of the findings only."""
    with one_opening(store.path):
        return _add_partial(store, findings, known, name)


def _add_partial(store: Store, findings: Sequence[str], known: Sequence[str], name: str) -> str:
    board = store.leaderboard()
    first = board[board["run_id"] == run_ids(store, findings)[0]].set_index("split")["prediction_id"]
    run_id = store.create_run({"name": name, "arch": "vgg16"}, dataset_of(findings), split=("official", 0, "abc"))
    for part, prediction_id in first.items():
        found = store.predictions(prediction_id)
        scores = np.where(np.isin(found.findings, known), found.scores, np.nan)
        store.save_predictions(run_id, dataset_of(findings), part, list(found.image_ids), scores)
    store.finish_run(run_id, "finished")
    return run_id


def measure_boxes(store: Store, run_id: str, findings: Sequence[str], n_films: int = 3) -> None:
    """Measurements of Grad-CAM on boxes of these findings, on the run's first test films."""
    board = store.leaderboard().set_index(["run_id", "split"])
    prediction_id = board.at[(run_id, "test"), "prediction_id"]
    films = store.predictions(prediction_id).image_ids[:: scored_runs.FILMS_A_PATIENT][:n_films]
    rows = [{"method": method, "image_id": image_id, "finding": finding, "hit": hit, "iou": np.nan, "iobb": np.nan,
             "energy": 0.1} for finding in findings for image_id in films
            for method, hit in (("gradcam", True), (RANDOM, None))]
    store.save_localization(prediction_id, pd.DataFrame(rows))
