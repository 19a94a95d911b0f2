"""What the recipe gives on phantoms: trainings with and without its parts, paired on the same test films.

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_recipe.py FOLDER [--arch mobilenet_v2 --which whole] [--films 6000]

Hours long; started again with the same folder it goes on with what is missing. The whole recipe comes before its parts,
and each comparison is printed as soon as its trainings are there. No test: it is run by hand.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np

from cxrcore import cli
from cxrcore.config import PROJECT_ROOT, TrainConfig
from cxrcore.measures.metrics import auroc, macro, per_finding
from cxrcore.store import Store
from cxrcore.training.train_run import train as train_one

SEEDS = (0, 1, 2)
OLD = {"ema": "off", "crop": 1.0, "tone": 0.0, "lr": 1e-4, "patience": 3}
RATE = OLD | {"lr": 1e-3}  # the parts are measured at one learning rate
STOPS, RUNS_ON = "old, lr 1e-3", "+ no early stop"
VARIANTS = {  # in this order, the first one against each of the others
    "old": OLD,
    "recipe": {},
    STOPS: RATE,
    "+ crop and tone": RATE | {"crop": 0.7, "tone": 0.2},
    "+ averaged weights": RATE | {"ema": "on"},
    RUNS_ON: {name: value for name, value in RATE.items() if name != "patience"},
}
_WHOLE, _PARTS = [("recipe", "old")], [(name, STOPS) for name in VARIANTS if name.startswith("+")]
PAIRS = {"all": [*_WHOLE, (STOPS, "old"), *_PARTS], "whole": _WHOLE, "parts": _PARTS}
DRAWS = 1000


def main() -> None:
    """Train what is missing, then compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--which", choices=PAIRS, default="all", help="the whole recipe against the old one, or each "
                                                                      "of its parts against none, at its rate")
    parser.add_argument("--films", type=int, default=6000)
    parser.add_argument("--train_subset", type=int, help="of their training films")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--precision", default="fp32", help="of all trainings: a choice each would unpair them")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    films = asked.folder / "phantoms"
    subprocess.run([sys.executable, str(PROJECT_ROOT / "scripts" / "make_phantoms.py"), "--out", str(films), "--films",
                    str(asked.films)], check=True)
    cli.print_what_is_said()
    store = Store(asked.folder / "store.duckdb")
    for one, other in PAIRS[asked.which]:
        for name in (other, one):
            for seed in SEEDS:
                train(store, films, asked, name, seed)
        print(f"{one} - {other}: {compared(store, asked, one, other)}", flush=True)


def train(store: Store, films: Path, asked: argparse.Namespace, name: str, seed: int) -> None:
    """One training, unless it is there, or is the same as one that is there."""
    if found(store, asked, name, seed) is None:
        train_one(TrainConfig(
            csv_path=str(films / "Data_Entry_2017.csv"), img_root=str(films), store=str(store.path), arch=asked.arch,
            img_size=96, init="random", epochs=asked.epochs, seed=seed, name=titled(asked.arch, name, seed),
            train_subset=asked.train_subset, precision=asked.precision, results=str(asked.folder / "results"),
            **VARIANTS[name]))


def titled(arch: str, name: str, seed: int) -> str:
    return f"{arch} · {name} · seed {seed}"


def found(store: Store, asked: argparse.Namespace, name: str, seed: int) -> str | None:
    """The finished run; of a training that was not stopped early, the one that could not have been is the same."""
    runs = store.runs()
    ids = runs.loc[(runs["name"] == titled(asked.arch, name, seed)) & (runs["status"] == "finished"), "run_id"]
    if len(ids):
        return ids.iloc[0]
    same = found(store, asked, STOPS, seed) if name == RUNS_ON else None
    return same if same and len(store.epochs([same])) == asked.epochs else None


def compared(store: Store, asked: argparse.Namespace, one: str, other: str) -> str:
    """The mean difference of macro AUROC over the seeds, with an interval over patients that all share."""
    ids = [(found(store, asked, one, seed), found(store, asked, other, seed)) for seed in SEEDS]
    if all(first == second for first, second in ids):
        return "the same trainings: none was stopped early"
    pairs = [tuple(store.predictions(store.chosen_set(run_id, "test")) for run_id in pair) for pair in ids]
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


if __name__ == "__main__":
    main()
