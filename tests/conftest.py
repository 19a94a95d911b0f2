"""Fixtures of the whole suite: a tiny data set in the NIH layout, stores, and the guard of the user's own runs/."""

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import phantom_store
import pytest
from known_data import KnownData, known_data, nih_rows
from PIL import Image

from cxrcore import cli
from cxrcore.config import PROJECT_ROOT
from cxrcore.data import film_files
from cxrcore.data.film_table import FilmTable
from cxrcore.data.films import read_table
from cxrcore.data.pixels import decode_film, dicom_frame
from cxrcore.findings import NIH_FINDINGS
from cxrcore.store import Store

MAIN = sys.modules["__main__"]
os.environ["CXR_TRACE"] = "1"  # a fault of a page fails its test
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
NIH_HEADER = ("Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
              "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],")
BOX_HEADER = "Image Index,Finding Label,Bbox [x,y,w,h],,,"

N_FILMS, N_PATIENTS = 160, 60
VISIBLE = NIH_FINDINGS.index("Effusion")  # the one finding that can be seen: a bright blob in a lower corner


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Of several processes one begins with a file that needs `phantoms`, and so trains them where there are none.

    The other such files come last: meanwhile the others have tests that need not wait.
    """
    files = Counter(item.path for item in items if "phantoms" in item.fixturenames)
    if hasattr(config, "workerinput") and files:
        first = min(files, key=files.__getitem__)
        items.sort(key=lambda item: (item.path != first, item.path in files))


@pytest.fixture(scope="session", autouse=True)
def _never_the_users_runs(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXR_STORE", str(tmp_path_factory.mktemp("default_runs") / "store.duckdb"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _the_library_is_heard():
    """As in every script, also where a test calls what a script calls."""
    cli.print_what_is_said()


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard():
    """A shell without job control has what it starts with `&` ignore Ctrl-C, and so all that such a process starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_main(monkeypatch):
    """Streamlit's AppTest leaves its script as `__main__`, which processes that a later test starts would run."""
    monkeypatch.setitem(sys.modules, "__main__", MAIN)


@pytest.fixture(autouse=True)
def _own_store(tmp_path, monkeypatch):
    """Each test's default store is its own; set again in case a test changed it for good."""
    monkeypatch.setenv("CXR_STORE", str(tmp_path / "runs" / "store.duckdb"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real material beside the project."""
    folder = PROJECT_ROOT.parent / "shared"
    if not (folder / "nih" / "Data_Entry_2017.csv").exists():
        pytest.skip("no ../shared beside the project: the real NIH material is not here")
    return folder


@pytest.fixture(scope="session")
def real_table(shared) -> FilmTable:
    """The published table, all 112,120 rows."""
    return read_table(shared / "nih" / "Data_Entry_2017.csv")


@pytest.fixture
def limits(monkeypatch):
    """A way to give films other limits than a user has, so that what is over them is over them fast."""

    def of(**other: float) -> None:
        for module in (decode_film, dicom_frame):
            monkeypatch.setattr(module.PROCESSES, "limits", replace(module.LIMITS, **other))

    return of


# -- a tiny NIH


def draw_film(rng: np.random.Generator, labels: np.ndarray, size: int = 64) -> np.ndarray:
    """A textured grey square, uint8; the finding `VISIBLE` adds a bright blob low on one side."""
    y, x = np.mgrid[0:size, 0:size] / size
    coarse = Image.fromarray(rng.integers(0, 255, (8, 8), np.uint8)).resize((size, size), Image.Resampling.BICUBIC)
    film = 90 + 60 * np.exp(-((x - 0.5) ** 2) * 40) + (np.asarray(coarse) - 127.0) * 0.2 + rng.normal(0, 6, x.shape)
    if labels[VISIBLE] > 0:
        left = 0.25 if rng.random() < 0.5 else 0.75
        film += 110 * np.exp(-((x - left) ** 2 + (y - 0.8) ** 2) * 60)
    return np.clip(film, 0, 255).astype(np.uint8)


def label_text(labels: np.ndarray) -> str:
    """A row of labels as NIH writes it."""
    return "|".join(np.asarray(NIH_FINDINGS)[labels > 0]) or "No Finding"


def write_table(path: Path, rows: Sequence[tuple], labels: np.ndarray) -> None:
    """A table as the original is: a header of 12 fields over rows of 11."""
    lines = [f"{image_id},{label_text(row)},{follow_up},{patient},{age},{sex},{view},1024,1024,0.143,0.143"
             for (image_id, patient, follow_up, age, sex, view), row in zip(rows, labels, strict=True)]
    path.write_text("\n".join([NIH_HEADER, *lines]) + "\n")


def make_nih(folder: Path, n_films: int = N_FILMS, n_patients: int = N_PATIENTS, seed: int = 7) -> Path:
    """The NIH layout in small, with the quirks of the original; returns the folder."""
    rng = np.random.default_rng(seed)
    rows, labels = nih_rows(rng, n_films, n_patients)
    for i, (row, label) in enumerate(zip(rows, labels, strict=True)):
        films = folder / ("images_001" if i < n_films // 2 else "images_002") / "images"
        films.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw_film(rng, label)).save(films / row[0])
    write_table(folder / "Data_Entry_2017.csv", rows, labels)
    is_test = [patient > 0.8 * n_patients for _, patient, *_ in rows]
    for name, wanted in (("test_list.txt", True), ("train_val_list.txt", False)):
        (folder / name).write_text("\n".join(row[0] for row, test in zip(rows, is_test, strict=True) if test == wanted))
    boxes = [f"{rows[i][0]},{'Infiltrate' if NIH_FINDINGS[f] == 'Infiltration' else NIH_FINDINGS[f]},"
             f"{rng.uniform(100, 500):.6f},{rng.uniform(100, 500):.6f},{rng.uniform(80, 300):.6f},180.5"
             for f in (VISIBLE, 0, 3) for i in np.flatnonzero(labels[:, f])[:3]]
    (folder / "BBox_List_2017.csv").write_text("\n".join([BOX_HEADER, *boxes]) + "\n")
    return folder


@pytest.fixture(scope="session")
def tiny_nih(tmp_path_factory) -> Path:
    """A folder in NIH's layout: 160 films of 60 patients, 64 px, table, lists and boxes. Read-only by agreement."""
    return make_nih(tmp_path_factory.mktemp("tiny_nih"))


@pytest.fixture
def tiny_nih_copy(tiny_nih, tmp_path) -> Path:
    """A copy of `tiny_nih` that a test may damage."""
    return Path(shutil.copytree(tiny_nih, tmp_path / "nih"))


@pytest.fixture
def tiny_films(tiny_nih) -> dict[str, Path]:
    """image_id -> path of the tiny data set, in the table's order."""
    return film_files.find_films(tiny_nih, read_table(tiny_nih / "Data_Entry_2017.csv").images["image_id"])


@pytest.fixture
def nih_csv(tmp_path) -> Callable[..., Path]:
    """Writes a table from lines under the original's header (or another)."""

    def write(*lines: str, header: str = NIH_HEADER, name: str = "table.csv", newline: str = "\n") -> Path:
        path = tmp_path / name
        path.write_bytes(newline.join([header, *lines, ""]).encode())
        return path

    return write


# -- stores


@pytest.fixture
def store(tmp_path) -> Store:
    """An empty store (its file does not exist yet)."""
    return Store(tmp_path / "runs" / "store.duckdb")


@pytest.fixture
def data(store) -> KnownData:
    """A data set of 40 films that is in `store`."""
    known = known_data()
    store.add_dataset(
        known.dataset_id, known.images, known.labels, known.findings, name="tiny", kind="nih", label_source="csv"
    )
    return known


@pytest.fixture
def run_id(store, data) -> str:
    """A run in `store`."""
    return store.create_run({"name": "first", "arch": "resnet18"}, data.dataset_id, split=("patient", 0, "abc"))


@pytest.fixture(scope="session")
def phantoms() -> phantom_store.PhantomStore:
    """Six real trainings on phantoms; made once and kept between test runs. Read-only by agreement."""
    return phantom_store.get()


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system of its own with room for a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if not sys.platform.startswith("linux") or os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root on Linux")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def make_films(tmp_path) -> Callable[..., dict[str, Path]]:
    """Writes n small grey PNG films; returns image_id -> path."""

    def make(n: int, size: int = 48, folder: str = "films", seed: int = 0) -> dict[str, Path]:
        rng = np.random.default_rng(seed)
        (tmp_path / folder).mkdir(exist_ok=True)
        films = {f"{i:08d}_000.png": tmp_path / folder / f"{i:08d}_000.png" for i in range(n)}
        for path in films.values():
            Image.fromarray(rng.integers(0, 255, (size, size), np.uint8)).save(path, compress_level=1)
        return films

    return make


# -- a real Chromium


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("no Chromium on this machine")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()
