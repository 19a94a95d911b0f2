"""One step of the growth benchmark in a process of its own: synthetic films as tables and scores, no pixels.

    python tests/made/growing_store.py FOLDER N STEP

prints a line of JSON each time that it does its work: seconds by the clock and of the processor, imports and what it is
given left out, and the peak memory of the process so far. `bench_growth.py` runs the steps in their order.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import Any

import numpy as np
import pandas as pd
from scored_runs import SEPARATION

from cxrcore.config import PROJECT_ROOT
from cxrcore.data import film_table, films, splits
from cxrcore.data.phantoms.occurrence import prevalences
from cxrcore.evaluation.measure_predictions import measure
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.intervals.draws import patient_draws
from cxrcore.measures.intervals.intervals import resample
from cxrcore.measures.intervals.resampling import MEASURES
from cxrcore.measures.thresholds import fitting
from cxrcore.store import Predictions, Store
from cxrcore.store.measurements import LOCALIZATION_COLUMNS

FILMS_A_PATIENT = 3.6  # 112,120 films of 30,805 patients
FILMS_A_BOX = 114  # NIH has 984 boxes
RUNS = ("densenet121", "resnet18")
VAL = 10  # every so manyth patient; all others are test, as of an external data set
OF_TWO = ("compare", "curves")  # pages that are opened with both runs
PAGE_PATIENCE = 3600  # seconds
FIRST_RUN = "first_run.txt"  # its id, for whoever exports it
DONE = object()
_PATIENT_EFFECT = 0.5  # of a patient's own shift in the logits, which makes films of a patient alike


# -- what the steps are given


def make_films(folder: Path, n: int) -> None:
    """The table as NIH writes it, and scores of two networks as arrays."""
    rng = np.random.default_rng(n)
    a_patient = rng.geometric(1 / FILMS_A_PATIENT, n)
    patients = np.repeat(np.arange(n), a_patient)[:n]
    follow_up = np.arange(n) - np.searchsorted(patients, patients)
    share, apart = prevalences("nih", NIH_FINDINGS), np.asarray(SEPARATION)
    labels = (rng.random((n, len(share))) < share).astype(np.float32)
    names = np.asarray(NIH_FINDINGS)
    table = pd.DataFrame({
        "Image Index": [f"{p + 1:08d}_{f:03d}.png" for p, f in zip(patients, follow_up, strict=True)],
        "Finding Labels": ["|".join(names[row > 0]) or "No Finding" for row in labels],
        "Follow-up #": follow_up, "Patient ID": patients + 1, "Patient Age": rng.integers(18, 90, n),
        "Patient Gender": np.where(patients % 2, "M", "F"), "View Position": np.where(rng.random(n) < .4, "AP", "PA")})
    table.to_csv(folder / "Data_Entry_2017.csv", index=False)
    own = rng.normal(0, _PATIENT_EFFECT, (n, len(share)))
    for place, arch in enumerate(RUNS):
        logits = np.log(share) - np.log1p(-share) - .5 + rng.normal(0, 1 + place / 10, labels.shape)
        scores = 1 / (1 + np.exp(-(logits + own[patients] + labels * apart)))
        np.save(folder / f"{arch}.npy", scores.astype(np.float32))


def write_predictions(folder: Path, n: int) -> None:
    """Somebody else's file: a row a film, six digits a score."""
    scores = np.load(folder / f"{RUNS[0]}.npy") ** np.float32(1.1)  # not what is in the store already
    images = pd.read_csv(folder / "Data_Entry_2017.csv", usecols=["Image Index"])["Image Index"]
    frame = pd.DataFrame(scores, columns=list(NIH_FINDINGS))
    frame.insert(0, "image_id", images)
    frame.to_csv(folder / "theirs.csv", index=False, float_format="%.6f")


def table_of(folder: Path) -> film_table.FilmTable:
    return films.read_table(folder / "Data_Entry_2017.csv")


def store_of(folder: Path) -> Store:
    return Store(folder / "runs" / "store.duckdb")


def whole(folder: Path) -> Predictions:
    """All films of the first run, both parts."""
    store = store_of(folder)
    val, test = (store.predictions(store.chosen_set(run_of(store), part)) for part in ("val", "test"))
    return Predictions(*(np.concatenate([getattr(val, name), getattr(test, name)]) for name in (
        "image_ids", "patient_ids", "labels", "scores")), val.findings)


def run_of(store: Store, arch: str = RUNS[0]) -> str:
    runs = store.runs()
    return runs.loc[(runs["architecture"] == arch) & (runs["kind"] == "trained"), "run_id"].iloc[0]


# -- the steps: each prepares, then yields; what it does until it yields again is timed


def read_table(folder: Path) -> Iterator[None]:
    yield
    table_of(folder)


def draw_split(folder: Path) -> Iterator[None]:
    table = table_of(folder)
    names, patients = (table.images[name].to_numpy() for name in ("image_id", "patient_id"))
    yield
    splits.draw_split("patient", names, patients, table.labels, 0)


def add_data_set(folder: Path) -> Iterator[None]:
    table, store = table_of(folder), store_of(folder)
    rng, names = np.random.default_rng(1), table.images["image_id"].to_numpy()
    film, finding = np.nonzero(table.labels == 1)
    taken = np.sort(rng.choice(len(film), max(len(names) // FILMS_A_BOX, 1), replace=False))
    boxes = pd.DataFrame({"image_id": names[film[taken]], "finding": np.asarray(NIH_FINDINGS)[finding[taken]],
                          "x": 300.0, "y": 300.0, "width": 200.0, "height": 200.0})
    yield
    store.add_dataset(table.dataset_id, table.images, table.labels, table.findings, name="NIH-like", kind="nih",
                      label_source="csv", boxes=boxes)


def save(folder: Path) -> Iterator[None]:
    """The first run's scores, n in all; then the second's."""
    store = store_of(folder)
    dataset_id = store.datasets()["dataset_id"].iloc[0]
    images = store.images(dataset_id)
    in_table = pd.Index(pd.read_csv(folder / "Data_Entry_2017.csv", usecols=["Image Index"])["Image Index"])
    place, names = in_table.get_indexer(images["image_id"]), images["image_id"].to_numpy(object)
    is_val = (images["patient_id"].astype(int) % VAL == 0).to_numpy()
    run_ids = [store.create_run({"name": arch, "arch": arch}, dataset_id, split=("given", 0, "abc")) for arch in RUNS]
    (folder / FIRST_RUN).write_text(run_ids[0])
    for run_id, arch in zip(run_ids, RUNS, strict=True):
        scores = np.load(folder / f"{arch}.npy")[place]
        yield
        for part, rows in (("val", is_val), ("test", ~is_val)):
            store.save_predictions(run_id, dataset_id, part, names[rows], scores[rows])
        yield


def read(folder: Path) -> Iterator[None]:
    yield
    whole(folder)


def fit(folder: Path) -> Iterator[None]:
    held = whole(folder)
    yield
    fitting.max_f1(held.labels, held.scores, held.findings)


def intervals(folder: Path) -> Iterator[None]:
    """All nine measures in 1,000 draws of patients."""
    held = whole(folder)
    at = fitting.max_f1(held.labels, held.scores, held.findings).thresholds
    yield
    found = resample(held, patient_draws(held.patient_ids, held.image_ids), MEASURES, at)
    assert np.isfinite(found.interval("auroc").low).sum() > 10


def evaluate(folder: Path) -> Iterator[None]:
    """The first run as eval.py measures it: thresholds, calibrators, and intervals of both parts.

    The second run is not measured: it gets rows like the first one's, so that lists show it, and no draws.
    """
    store = store_of(folder)
    first, second = ({part: store.chosen_set(run_of(store, arch), part) for part in ("val", "test")} for arch in RUNS)
    yield
    measure(store, run_of(store), first)
    yield
    for part, prediction_id in second.items():
        rows = store.metrics([first[part]])
        store.save_metrics(prediction_id, rows[rows["set_id"].isna()])
    for arch in RUNS:
        store.finish_run(run_of(store, arch), "finished")
    _localize(store, run_of(store))


def _localize(store: Store, run_id: str) -> None:
    """How well maps would have hit the boxes of the test films, drawn at random."""
    prediction_id = store.chosen_set(run_id, "test")
    boxes = store.boxes(store.datasets()["dataset_id"].iloc[0]).drop_duplicates(["image_id", "finding"])
    test = store.predictions(prediction_id).image_ids
    boxes, rng = boxes[boxes["image_id"].isin(test)], np.random.default_rng(2)
    values = {name: rng.random(len(boxes)) for name in ("iou", "iobb", "energy")}
    rows = boxes[["image_id", "finding"]].assign(method="gradcam", hit=rng.random(len(boxes)) < .5, **values)
    store.save_localization(prediction_id, rows.reindex(columns=list(LOCALIZATION_COLUMNS)))


# -- pages


def page(folder: Path, name: str) -> Iterator[None]:
    """A page in a process that has read nothing yet; then, if it goes on, its script once more in the same session."""
    app, runs = opened(folder)
    app.query_params["run"] = runs if name in OF_TWO else runs[:1]
    app.switch_page(str(PROJECT_ROOT / "pages" / f"{name}.py"))
    for _ in range(2):
        yield
        app.run()
        yield
        require_no_error(app)


def all_pages(folder: Path) -> Iterator[None]:
    """Every page of both runs on one server, which keeps what each of them has read."""
    app, runs = opened(folder)
    yield
    for name in sorted(path.stem for path in (PROJECT_ROOT / "pages").glob("*.py")):
        for own in ([runs] if name in OF_TWO else [[one] for one in runs]):
            app.query_params["run"] = own
            app.switch_page(str(PROJECT_ROOT / "pages" / f"{name}.py")).run()
            require_no_error(app)


def opened(folder: Path) -> tuple[Any, list[str]]:
    """The dashboard on this store, and the ids of both runs."""
    from streamlit.testing.v1 import AppTest  # the other steps need none of it

    store = store_of(folder)
    os.environ["CXR_STORE"] = str(store.path)
    app = AppTest.from_file(str(PROJECT_ROOT / "app.py"), default_timeout=PAGE_PATIENCE)
    return app, [run_of(store, arch) for arch in RUNS]


def require_no_error(app: Any) -> None:
    """An error ends the step; what the page warns of is printed."""
    assert not app.exception, app.exception[0].value
    assert not app.error, app.error[0].value
    for one in app.warning:
        print(f"the page warns: {one.value}", file=sys.stderr, flush=True)


GIVEN = {"films": make_films, "predictions": write_predictions}
STEPS: dict[str, Callable[[Path], Iterator[None]]] = {
    "table": read_table, "split": draw_split, "add": add_data_set, "save": save, "read": read, "fit": fit,
    "intervals": intervals, "evaluate": evaluate, "all pages": all_pages}


def main() -> None:
    """Prepare a step, run it, say what it took."""
    folder, n, step = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    if step in GIVEN:
        GIVEN[step](folder, n)
        return
    kind, _, name = step.partition(" ")
    turns = page(folder, name) if kind == "page" else STEPS[step](folder)
    while next(turns, DONE) is not DONE:
        clock, processor = time.perf_counter(), _processor()
        next(turns, DONE)
        print("\n" + json.dumps({"seconds": time.perf_counter() - clock, "processor": _processor() - processor,
                                 "memory": _memory()}), flush=True)


def _memory() -> int:
    """The peak of this process or, where it is greater, of one that it started, in bytes."""
    return 1024 * max(getrusage(who).ru_maxrss for who in (RUSAGE_SELF, RUSAGE_CHILDREN))


def _processor() -> float:
    children = getrusage(RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


if __name__ == "__main__":
    main()
