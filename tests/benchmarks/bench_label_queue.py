"""How many of the first labels of the label queue are wrong, where it is known which are; some minutes of training.

    OMP_NUM_THREADS=2 python -m pytest -m benchmark -s tests/benchmarks/bench_label_queue.py

The demo's phantoms, each label of the truth flipped with probability `FLIPPED`; one of the demo's networks learns from
these labels, and ranks those of films that it was not trained on.
"""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from read_runs import read_runs

from cxrcore.config import PROJECT_ROOT
from cxrcore.data.phantoms.folder import TABLE
from cxrcore.data.phantoms.mark import TRUTH
from cxrcore.demo.demo import OTHERS, PHANTOMS, TRAINING
from cxrcore.queries import from_store
from cxrcore.queries.labels import label_queue
from cxrcore.queries.labels.label_queue import BOTH, MISSED, NOT_THERE
from cxrcore.store import Store

pytestmark = pytest.mark.benchmark

FLIPPED, SEED = 0.05, 0
FIRST = 100
GOAL = 0.8


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> tuple[Store, pd.DataFrame]:
    """The trained network, and the truth, bool, indexed by image_id."""
    home = tmp_path_factory.mktemp("flipped")
    run("make_phantoms.py", "--out", home / "phantoms", *PHANTOMS)
    truth = pd.read_csv(home / "phantoms" / TRUTH, index_col=0).astype(bool)
    flipped = truth ^ (np.random.default_rng(SEED).random(truth.shape) < FLIPPED)
    table = pd.read_csv(home / "phantoms" / TABLE, index_col=False).set_index("Image Index", drop=False)
    names = flipped.loc[table.index].apply(lambda row: "|".join(row.index[row]) or "No Finding", axis=1)
    table.assign(**{"Finding Labels": names}).to_csv(home / "phantoms" / TABLE, index=False)
    step = OTHERS[0]
    run("train.py", "--csv_path", home / "phantoms" / TABLE, "--img_root", home / "phantoms", "--name", step.name,
        "--store", home / "store.duckdb", "--results", home / "results", *TRAINING, *step.flags)
    return Store(home / "store.duckdb"), truth


def run(script: str, *flags: object) -> None:
    subprocess.run([sys.executable, PROJECT_ROOT / "scripts" / script, *map(str, flags)], check=True,
                   env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)})


def test_most_of_the_first_labels_are_wrong(store):
    store, truth = store
    [run] = read_runs(store)
    print()
    for part in ("val", "test"):
        films = from_store.predictions(store, run.read_own(part))
        wrong = (films.labels == 1) != truth.loc[films.image_ids, list(films.findings)].to_numpy()
        auroc = store.leaderboard().set_index("split").at[part, "auroc"]
        print(f"{part}: {len(films.image_ids)} films, {wrong.sum():,} of {wrong.size:,} labels are wrong "
              f"({100 * wrong.mean():.1f} %), macro AUROC against these labels {auroc:.3f}")
        _, queue = label_queue._ranked(store, (run.read_own(part),))
        for name, ranked in (("cleanlab", queue), ("|label - score|", queue.by_plain())):
            first = ranked.first(FIRST)
            print(f"    {name}: precision@{FIRST} {wrong[first.films, first.findings].mean():.2f}")
            assert name != "cleanlab" or part != "test" or wrong[first.films, first.findings].mean() >= GOAL
        for side in (BOTH, NOT_THERE, MISSED):
            asked = label_queue.doubtful(store, [run], part, None, side, False, FIRST)
            true = [truth.at[pair] for pair in zip(asked.image_ids, asked.findings, strict=True)]
            print(f"    the page, {side.lower()}: {np.mean(asked.own != np.array(true, float)):.2f}")
