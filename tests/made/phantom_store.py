"""A store with real trainings on phantoms, for pages, pictures and Grad-CAM: all six architectures, small.

Made as the project's own scripts make them and kept between test runs, in the user's cache, under a hash of the
source that makes them. Read-only by agreement.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from source_tree import MODULES, reached

from cxrcore.config import PROJECT_ROOT
from cxrcore.store import Store

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cxr-workbench"
MAKERS = ("cxrcore.training.train_run", "cxrcore.data.phantoms.folder")  # what the two scripts call
TRAININGS = Path(__file__).with_name("phantom_trainings.py")
KEPT = 4  # stores of other states of the source
PHANTOMS = ["--films", "500", "--size", "128", "--seed", "1"]


@dataclass(frozen=True)
class PhantomStore:
    """Where everything lies.

    Attributes:
        path: of the store.
        films: folder of the phantoms, in the NIH layout.
    """

    path: Path
    films: Path

    @property
    def store(self) -> Store:
        return Store(self.path)

    @property
    def run_ids(self) -> dict[str, str]:
        """{architecture: run_id}."""
        runs = self.store.runs()
        return dict(zip(runs["architecture"], runs["run_id"], strict=True))


def get() -> PhantomStore:
    """The store of this state of the source; made now where there is none."""
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = CACHE / f"test-store-{_key()}"
    with FileLock(f"{folder}.lock"):
        if not (folder / "finished").exists():
            _make(folder)
        os.utime(folder)
    return PhantomStore(folder / "runs" / "store.duckdb", folder / "phantoms")


def _key() -> str:
    digest = hashlib.sha256(repr(PHANTOMS).encode() + TRAININGS.read_bytes())
    used = set(MAKERS).union(*map(reached, MAKERS))
    for name in sorted(used & MODULES.keys()):
        digest.update(MODULES[name].read_bytes())
    return digest.hexdigest()[:16]


def _make(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _forget_old_ones()
    films, runs = folder / "phantoms", folder / "runs"
    runs.mkdir(parents=True)
    _run(PROJECT_ROOT / "scripts" / "make_phantoms.py", "--out", films, *PHANTOMS)
    _run(TRAININGS, films, runs / "store.duckdb")
    (folder / "finished").touch()


def _run(script: Path, *flags: object) -> None:
    done = subprocess.run([sys.executable, str(script), *map(str, flags)], capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)})
    assert done.returncode == 0, done.stderr[-3000:]


def _forget_old_ones() -> None:
    old = sorted(CACHE.glob("test-store-*/"), key=lambda path: path.stat().st_mtime, reverse=True)
    for folder in old[KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)
        Path(f"{folder}.lock").unlink(missing_ok=True)
