"""Stores whose findings are not NIH's fourteen: a list of twenty, some of them in no list that is shipped, or of five."""

from pathlib import Path

import scored_runs

from cxrcore.findings import NIH_FINDINGS
from cxrcore.store import Store

TWENTY = (*NIH_FINDINGS[:12], "Azygos_lobe", "Cervical_rib", "Hilar_calcified_granuloma_of_the_left_side", "Lobar_signs",
          "Old_fracture", "Port_catheter", "Scoliosis", "Tracheal_shift")
FIVE = ("Effusion", "Lobar_signs", "Mass", "Old_fracture", "Tracheal_shift")
DATASET = "other_list"


def make(path: Path, findings: tuple[str, ...] = TWENTY, n_val: int = 240, n_test: int = 400, n_runs: int = 2) -> Store:
    """Runs with scores on val and test of one data set of these findings; what is there stays."""
    return scored_runs.make(path, n_val, n_test, n_runs, findings=findings, dataset_id=f"{DATASET}_{len(findings)}")
