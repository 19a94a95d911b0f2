"""Importing as large files as there are, beside reading and ranking them with pandas and scikit-learn alone.

    python -m pytest tests/benchmarks/bench_import.py -m benchmark -s
"""

import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import predictions as made
import pytest
from sklearn.metrics import roc_auc_score

from cxrcore.config import PROJECT_ROOT
from cxrcore.evaluation import data_set_films
from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export import examination
from cxrcore.import_export.examination import Declared
from cxrcore.import_export.prediction_file import read_prediction_file
from cxrcore.store import Store

N_FILMS = 112_120
SECONDS = {"csv": (22_433, 5), "parquet": (N_FILMS, 3)}  # films, bar
MEGABYTES = 500

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    return folder, made.written(made.table(N_FILMS), folder)


@pytest.mark.parametrize("kind", SECONDS)
def test_a_file_gets_onto_the_leaderboard(films, kind, tmp_path):
    folder, csv_path = films
    n, bar = SECONDS[kind]
    path = write(folder, kind, n)
    began = time.perf_counter()
    store, table = Store(tmp_path / "store.duckdb"), data_set_films.of_csv(csv_path)
    examination.save_candidate(
        store, examination.examine(read_prediction_file(path, table.findings), table, Declared(), store), "theirs"
    )
    inside = time.perf_counter() - began
    assert len(store.leaderboard()) == 1
    alone = plain(path, csv_path)
    process = as_script(path, csv_path, tmp_path)
    print(f"\n{kind}, {n:,} x 14: {inside:.2f} s (at most {bar}) = {inside / alone:.1f} x reading both files and "
          f"scikit-learn's AUROC ({alone:.2f} s); as a script with the start of Python {process:.2f} s; peak of all "
          f"scripts {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000:.0f} MB (at most {MEGABYTES})")


def write(folder: Path, kind: str, n: int) -> Path:
    path = folder / f"theirs.{kind}"
    rows = made.frame(made.table(N_FILMS), slice(0, n))
    path.write_bytes({"csv": made.as_csv, "parquet": made.as_parquet}[kind](rows))
    return path


def plain(path: Path, csv_path: Path) -> float:
    """Seconds that pandas and scikit-learn take for no more than the areas."""
    began = time.perf_counter()
    scores = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    rows = scores.merge(pd.read_csv(csv_path), left_on="image_id", right_on="Image Index")
    for finding in NIH_FINDINGS:
        roc_auc_score(rows["Finding Labels"].str.contains(finding), rows[finding].astype(np.float64))
    return time.perf_counter() - began


def as_script(path: Path, csv_path: Path, folder: Path) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "scripts/import_predictions.py", path, "--csv_path", csv_path, "--store",
                    folder / "script.duckdb"], cwd=PROJECT_ROOT, check=True, capture_output=True)
    return time.perf_counter() - began
