"""What the Data page reads: a data set's films, labels and boxes, counted once; its splits, drawn again.

A data set never changes under its id, nor a split under its fingerprint, so all of it is kept by these.
"""

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cxrcore.config import SPLIT_SCHEMES
from cxrcore.data import census, film_files, splits
from cxrcore.data.files import bounded_file
from cxrcore.data.files.replace_file import replacing
from cxrcore.data.phantoms.mark import MARK
from cxrcore.data.splits import Split
from cxrcore.errors import DataError, WorkbenchError
from cxrcore.queries.film_sources import sources
from cxrcore.queries.kept import kept
from cxrcore.store import Store

VIEWS = ("PA", "AP")


@dataclass(frozen=True)
class Holdings:
    """A data set as the page needs it.

    Attributes:
        images, boxes: as in the store.
        labels: float32 (n, k), in the images' order.
        findings: k names, in the labels' order.
        figures, prevalence, company, per_film, per_patient, follow_ups, ages, without_alarms: of `census`.
        by_view: prevalence on PA and on AP films.
        ages_unknown: films without an age.
    """

    dataset_id: str
    images: pd.DataFrame
    labels: np.ndarray
    findings: tuple[str, ...]
    boxes: pd.DataFrame
    figures: census.KeyFigures
    prevalence: pd.DataFrame
    company: pd.DataFrame
    per_film: pd.DataFrame
    per_patient: pd.DataFrame
    follow_ups: pd.DataFrame
    ages: pd.DataFrame
    without_alarms: pd.DataFrame
    by_view: pd.DataFrame
    ages_unknown: int


@kept(4)
def holdings(store: Store, dataset_id: str) -> Holdings:
    """Read and count a data set."""
    images = store.images(dataset_id)
    frame = store.labels(dataset_id)
    if not np.array_equal(frame.index.to_numpy(), images["image_id"].to_numpy()):
        frame = frame.reindex(images["image_id"])
    labels, findings = frame.to_numpy(np.float32), tuple(map(str, frame.columns))
    groups = {view: (images["view"] == view).fillna(False).to_numpy(bool) for view in VIEWS}
    return Holdings(
        dataset_id, images, labels, findings, store.boxes(dataset_id), census.key_figures(images, labels),
        census.prevalence(labels, {"all": np.ones(len(images), bool)}, findings), census.company(labels, findings),
        census.findings_per_film(labels), census.films_per_patient(images), census.follow_ups(images),
        census.ages(images), census.without_alarms(labels, findings), census.prevalence(labels, groups, findings),
        int(images["age"].isna().sum()),
    )


def labelled_names(datasets: pd.DataFrame) -> dict[str, str]:
    """{dataset_id: name as shown}; where data sets share a name, the id tells them apart."""
    twice = datasets["name"].duplicated(keep=False)
    return {dataset_id: f"{name} · {dataset_id}" if double else name
            for dataset_id, name, double in zip(datasets.index, datasets["name"], twice, strict=True)}


# -- splits: the store keeps how a split was drawn, not who is where


@dataclass(frozen=True)
class SplitKey:
    """One split that runs of a data set use."""

    scheme: str
    seed: int
    fingerprint: str


@dataclass(frozen=True)
class SplitCounts:
    """A split, counted.

    Attributes:
        leaks, composition: of `census`.
        by_part: prevalence in each part that has films.
    """

    leaks: pd.DataFrame
    composition: pd.DataFrame
    by_part: pd.DataFrame


def split_keys(runs: pd.DataFrame) -> list[SplitKey]:
    """The splits of a data set's runs, the most used first; an import's given split is the file's films and no more."""
    own = runs[runs["split_scheme"].isin(SPLIT_SCHEMES) & ((runs["split_scheme"] != "given")
                                                           | (runs["kind"] == "trained"))]
    counts = own.groupby(["split_scheme", "split_seed", "split_fingerprint"], sort=False).size()
    ordered = counts.sort_values(ascending=False, kind="stable")
    return [SplitKey(scheme, int(seed), fingerprint) for scheme, seed, fingerprint in ordered.index]


def split_counts(store: Store, found: Holdings, key: SplitKey, runs: pd.DataFrame) -> SplitCounts:
    """Draw a split again and count it.

    Args:
        runs: of the data set; an official list is looked for where they were trained from.

    Raises:
        DataError: the split cannot be drawn again; the text says why.
    """
    return _split_counts(store, found.dataset_id, key, found, runs)


@kept(16)
def _split_counts(store: Store, dataset_id: str, key: SplitKey, _found: Holdings, _runs: pd.DataFrame) -> SplitCounts:
    drawn = assignment(store, _found, key, _runs)
    parts = {name: drawn == k for k, name in enumerate(splits.SPLITS) if (drawn == k).any()}
    return SplitCounts(census.leaks(drawn, _found.images["patient_id"], splits.SPLITS),
                       census.composition(_found.images, _found.labels, drawn, splits.SPLITS),
                       census.prevalence(_found.labels, parts, _found.findings))


def assignment(store: Store, found: Holdings, key: SplitKey, runs: pd.DataFrame) -> np.ndarray:
    """Index into `splits.SPLITS` of each film, drawn again and checked against the runs' fingerprint.

    Args:
        store: beside it the parts are kept for the next time.
        runs: as for `split_counts`.

    Raises:
        DataError: as `split_counts`.
    """
    file = store.folder / "cache" / f"split-{_digest(found.dataset_id, key)}.npy"
    try:
        return np.load(file)
    except (OSError, ValueError, EOFError):  # not there yet, or damaged
        pass
    drawn = splits.draw_split(key.scheme, found.images["image_id"], found.images["patient_id"], found.labels, key.seed,
                              _test_list(runs) if key.scheme == "official" else None,
                              _given_split(found, runs) if key.scheme == "given" else None)
    _check(drawn, key)
    _keep(drawn.assignment, file)
    return drawn.assignment


def _digest(dataset_id: str, key: SplitKey) -> str:
    text = f"by name|{dataset_id}|{key.scheme}|{key.seed}|{key.fingerprint}"  # not in another order of the films
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _check(drawn: Split, key: SplitKey) -> None:
    if drawn.fingerprint != key.fingerprint:
        raise DataError(f"The split's fingerprint is {key.fingerprint or 'unknown'}, but drawing it again gives "
                        f"{drawn.fingerprint}: it was drawn over other films, from another list or by other rules, so "
                        "its parts are not shown.")


def _keep(drawn: np.ndarray, path: Path) -> None:
    with contextlib.suppress(OSError):  # a store on a read-only disk: the split is drawn again the next time
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            np.save(partial, drawn)


def _given_split(found: Holdings, runs: pd.DataFrame) -> np.ndarray:
    """The column Split of a table that a run was trained from, for these films in their order."""
    for source in sources(runs):
        with contextlib.suppress(WorkbenchError, OSError):  # a table that has changed is as good as gone
            if (table := source.table()).given is None:
                continue
            parts = pd.Series(table.given, index=table.images["image_id"]).reindex(found.images["image_id"])
            if parts.notna().all():
                return parts.to_numpy(str)
    raise DataError("The split is the table's own, and the table that the runs were trained from is gone.")


def _test_list(runs: pd.DataFrame) -> set[str]:
    """The official list, from beside a table or the films that a run was trained on."""
    names = [film_files.TEST_LIST]
    for source in sources(runs):
        names.insert(0, source.test_list)
        for folder in (source.csv_path.parent, source.img_root):
            if (folder / names[0]).exists():
                return film_files.read_list(folder / names[0])
    raise DataError(f"The official split needs {names[0]}, which is not there any more: put the official list back "
                    "beside the table that the runs were trained from.")


def oracle_in_words(runs: pd.DataFrame) -> str:
    """The line itself; empty where the films are no phantoms, or their folder is gone.

    Args:
        runs: of one data set, as `Store.runs`.
    """
    for source in sources(runs):
        mark = source.img_root / MARK
        if mark.exists():
            best = _ceiling(str(mark), mark.stat().st_mtime_ns)
            return "" if best is None else (
                f"On these phantoms nobody can do better than the oracle's macro AUROC of {best:.3f} (over all films): "
                "some labels are wrong, and some findings leave no sign. What a network lacks to it is its own.")
    return ""


@kept(8)
def _ceiling(mark: str, changed: int) -> float | None:
    from cxrcore.data.phantoms.recipe import Recipe, plan  # loads what draws phantoms
    from cxrcore.measures.metrics import macro

    try:
        recipe = bounded_file.settings(mark)["recipe"]
        return macro(plan(Recipe(**recipe)).oracle())[0]
    except (ValueError, KeyError, TypeError, OSError, WorkbenchError):  # no mark of ours
        return None
