"""What the recipe gives on phantoms: trainings with and without its parts, paired on the same test films.

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_recipe.py FOLDER [--arch mobilenet_v2 --whole] [--films 6000]

Hours long; started again with the same folder it goes on with what is missing. No test: it is run by hand.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np

from cxrcore.config import PROJECT_ROOT
from cxrcore.measures.metrics import auroc, macro, per_finding
from cxrcore.store import Store

SEEDS = (0, 1, 2)
OLD = {"ema": "off", "crop": "1", "tone": "0", "lr": "1e-4", "patience": "3"}
RATE = OLD | {"lr": "1e-3"}  # the parts are measured at one learning rate
VARIANTS = {
    "old": OLD,
    "old, lr 1e-3": RATE,
    "+ crop and tone": RATE | {"crop": "0.7", "tone": "0.2"},
    "+ averaged weights": RATE | {"ema": "on"},
    "+ no early stop": {name: value for name, value in RATE.items() if name != "patience"},
    "recipe": {},
}
DRAWS = 1000


def main() -> None:
    """Train what is missing, then compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--whole", action="store_true", help="the whole recipe against the old one only")
    parser.add_argument("--films", default="6000")
    parser.add_argument("--epochs", default="12")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    films = asked.folder / "phantoms"
    run("make_phantoms.py", "--out", films, "--films", asked.films)
    store = Store(asked.folder / "store.duckdb")
    variants = [name for name in VARIANTS if not asked.whole or name in ("old", "recipe")]
    for seed in SEEDS:
        for name in variants:
            train(store, films, asked, name, seed)
    for name in variants[1:]:
        print(f"{name} - old: {compared(store, asked.arch, name)}", flush=True)


def train(store: Store, films: Path, asked: argparse.Namespace, name: str, seed: int) -> None:
    title, runs = titled(asked.arch, name, seed), store.runs()
    if title in set(runs.loc[runs["status"] == "finished", "name"]):
        return
    flags = [text for flag, value in VARIANTS[name].items() for text in (f"--{flag}", value)]
    run("train.py", "--csv_path", films / "Data_Entry_2017.csv", "--img_root", films, "--store", store.path, "--arch",
        asked.arch, "--img_size", 96, "--init", "random", "--epochs", asked.epochs, "--seed", seed, "--name", title,
        "--results", asked.folder / "results", *flags)


def titled(arch: str, name: str, seed: int) -> str:
    return f"{arch} · {name} · seed {seed}"


def compared(store: Store, arch: str, name: str) -> str:
    """The mean difference of macro AUROC over the seeds, with an interval over patients that all share."""
    pairs = [(held(store, titled(arch, name, seed)), held(store, titled(arch, "old", seed))) for seed in SEEDS]
    first = pairs[0][0]
    patients, of_patient = np.unique(first.patient_ids, return_inverse=True)
    rows_of = [np.flatnonzero(of_patient == place) for place in range(len(patients))]
    rng = np.random.default_rng(0)

    def difference(rows: np.ndarray) -> float:
        return float(np.mean([macro_auroc(one, rows) - macro_auroc(other, rows) for one, other in pairs]))

    point = difference(np.arange(len(first.labels)))
    drawn = [difference(np.concatenate([rows_of[place] for place in rng.integers(0, len(patients), len(patients))]))
             for _ in range(DRAWS)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    by_seed = ", ".join(f"{macro_auroc(one) - macro_auroc(other):+.4f}" for one, other in pairs)
    means = [np.mean([macro_auroc(pair[side]) for pair in pairs]) for side in (0, 1)]
    return f"{means[0]:.4f} - {means[1]:.4f} = {point:+.4f} [{low:+.4f}, {high:+.4f}]; by seed {by_seed}"


def macro_auroc(predictions, rows=slice(None)) -> float:
    return macro(per_finding(auroc, predictions.labels[rows], predictions.scores[rows]))[0]


def held(store: Store, title: str):
    runs = store.runs()
    [run_id] = runs.loc[(runs["name"] == title) & (runs["status"] == "finished"), "run_id"]
    return store.predictions(store.chosen_set(run_id, "test"))


def run(script: str, *flags: object) -> None:
    subprocess.run([sys.executable, str(PROJECT_ROOT / "scripts" / script), *map(str, flags)], check=True)


if __name__ == "__main__":
    main()
