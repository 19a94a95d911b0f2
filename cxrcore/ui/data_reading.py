"""What the Data page reads: a data set's films and labels, counted once; its splits, drawn again; its prepared maps.

A data set never changes under its id, so all of it is kept by the id.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore import census
from cxrcore.data import nih, prepared, splits
from cxrcore.data.splits import Split
from cxrcore.errors import DataError
from cxrcore.store import Store

MARK = "phantoms.json"  # as `data.phantom_folder` writes it; importing that would load what draws phantoms


@dataclass(frozen=True)
class Holdings:
    """A data set as the page needs it.

    Attributes:
        images: as `Store.images`.
        labels: float32 (n, 14), in the images' order.
        figures, prevalence, company, per_film, per_patient, ages, without_alarms: of `census`.
        by_view: prevalence on PA and on AP films.
        ages_unknown: films without an age.
    """

    images: pd.DataFrame
    labels: np.ndarray
    figures: census.KeyFigures
    prevalence: pd.DataFrame
    company: pd.DataFrame
    per_film: pd.DataFrame
    per_patient: pd.DataFrame
    ages: pd.DataFrame
    without_alarms: pd.DataFrame
    by_view: pd.DataFrame
    ages_unknown: int


def holdings(store: Store, dataset_id: str) -> Holdings:
    """Read and count a data set."""
    return _holdings(str(store.path), dataset_id)


@st.cache_resource(max_entries=4, show_spinner=False)  # not copied: a hundred thousand rows; nobody changes them
def _holdings(path: str, dataset_id: str) -> Holdings:
    store = Store(path)
    images = store.images(dataset_id)
    frame = store.labels(dataset_id)
    if not np.array_equal(frame.index.to_numpy(), images["image_id"].to_numpy()):
        frame = frame.reindex(images["image_id"])
    labels = frame.to_numpy(np.float32)
    groups = {view: (images["view"] == view).fillna(False).to_numpy(bool) for view in ("PA", "AP")}
    return Holdings(
        images, labels, census.key_figures(images, labels),
        census.prevalence(labels, {"all": np.ones(len(images), bool)}), census.company(labels),
        census.findings_per_film(labels), census.films_per_patient(images), census.ages(images),
        census.without_alarms(labels), census.prevalence(labels, groups), int(images["age"].isna().sum()),
    )


# -- splits: the store keeps how a split was drawn, not who is where


@dataclass(frozen=True)
class SplitKey:
    """One split that runs of a data set use, and how many do."""

    scheme: str
    seed: int
    fingerprint: str
    runs: int


def split_keys(runs: pd.DataFrame) -> list[SplitKey]:
    """The splits of a data set's runs, the most used first; a given split has none that could be drawn."""
    own = runs[runs["split_scheme"].isin(splits.SCHEMES)]
    counts = own.groupby(["split_scheme", "split_seed", "split_fingerprint"], sort=False).size()
    ordered = counts.sort_values(ascending=False, kind="stable")
    return [SplitKey(scheme, int(seed), fingerprint, int(n)) for (scheme, seed, fingerprint), n in ordered.items()]


def assignment(store: Store, dataset_id: str, key: SplitKey, runs: pd.DataFrame) -> np.ndarray:
    """Index into `splits.SPLITS` of each film, drawn again and checked against the runs' fingerprint.

    Args:
        runs: of the data set.

    Raises:
        DataError: the split cannot be drawn again; the text says why.
    """
    kept = store.path.parent / "cache" / f"split-{_digest(dataset_id, key)}.npy"
    try:
        return np.load(kept)
    except (OSError, ValueError):
        pass
    found = holdings(store, dataset_id)
    test_list = _test_list(runs) if key.scheme == "official" else None
    drawn = splits.draw(key.scheme, found.images["image_id"], found.images["patient_id"], found.labels, key.seed,
                        test_list)
    _check(drawn, key)
    _keep(drawn.assignment, kept)
    return drawn.assignment


def _digest(dataset_id: str, key: SplitKey) -> str:
    text = f"{dataset_id}|{key.scheme}|{key.seed}|{key.fingerprint}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _check(drawn: Split, key: SplitKey) -> None:
    if drawn.fingerprint != key.fingerprint:
        raise DataError(f"The split's fingerprint is {key.fingerprint}, but drawing it again gives "
                        f"{drawn.fingerprint}: it was drawn by other rules, so its parts are not shown.")


def _keep(drawn: np.ndarray, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new.npy")
        np.save(temporary, drawn)
        temporary.replace(path)
    except OSError:
        pass  # a store on a read-only disk: the split is drawn again the next time


def _test_list(runs: pd.DataFrame) -> set[str]:
    """The official list, from beside a table or films that a run was trained on."""
    for folder in _folders(runs):
        if (folder / nih.TEST_LIST).exists():
            return nih.read_list(folder / nih.TEST_LIST)
    raise DataError(f"The official split needs {nih.TEST_LIST} beside the table, and the folder that the runs were trained "
                    "from is not there any more.")


def _folders(runs: pd.DataFrame) -> list[Path]:
    """Where the tables and films of these runs were when they were trained, the newest first."""
    found: dict[Path, None] = {}
    for text in runs["config"]:
        own = json.loads(text or "{}")
        for path in (Path(own["csv_path"]).parent if own.get("csv_path") else None, own.get("img_root")):
            if path:
                found[Path(path)] = None
    return list(found)


# -- films


def drawn_size(runs: pd.DataFrame) -> int | None:
    """Pixels a side that phantoms were drawn with, which their boxes are counted in; None where it is not known."""
    for folder in _folders(runs):
        try:
            return int(json.loads((folder / MARK).read_text(encoding="utf-8"))["recipe"]["size"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


def largest_map(store: Store, image_ids: pd.Series) -> prepared.PreparedPixels | None:
    """The prepared map with the most pixels a side (then the most films) that holds films of this data set."""
    found = []
    for manifest in (store.path.parent / "prepared").glob("*/manifest.json"):
        try:
            meta = json.loads(manifest.read_text())
            found.append((meta["size"], meta["n_films"], str(manifest.parent)))
        except (ValueError, KeyError, OSError):
            continue
    for *_, folder in sorted(found, reverse=True):
        try:
            pixels = _open(folder)
        except DataError:
            continue
        if image_ids.isin(pixels.row_of.keys()).any():
            return pixels
    return None


@st.cache_resource(max_entries=8, show_spinner=False)
def _open(folder: str) -> prepared.PreparedPixels:
    return prepared.open_prepared(Path(folder))


def unique_names(datasets: pd.DataFrame) -> dict[str, str]:
    """{name as shown: dataset_id}; where data sets share a name, the id tells them apart."""
    twice = datasets["name"].duplicated(keep=False)
    return {f"{name} · {dataset_id}" if double else name: dataset_id
            for dataset_id, name, double in zip(datasets.index, datasets["name"], twice, strict=True)}
