"""How long the Results pages take on the server, with twenty runs of the official test list's size in the store.

Cold: a session on a process that has read nothing yet, the draws in their files as an evaluation leaves them, or not.
Run with `pytest -m benchmark -s`.
"""

import os
import shutil
import statistics
import subprocess
import sys

import pytest
import scored_runs

from cxrcore.config import PROJECT_ROOT

pytestmark = pytest.mark.benchmark

N_VAL, N_TEST, N_RUNS = 11_212, 25_596, 20
REPEATS = 9
VISIT = """
import sys, time
from streamlit.testing.v1 import AppTest
import cxrcore.ui.compare.sections, cxrcore.ui.curves.words, cxrcore.ui.subgroups.sections  # a server imports them once
root, page, repeats, *runs = sys.argv[1:]
app = AppTest.from_file(f"{root}/app.py", default_timeout=120).run()
app.query_params["run"] = runs
took = []
for visit in range(1 + int(repeats)):
    began = time.perf_counter()
    (app if visit else app.switch_page(f"{root}/pages/{page}.py")).run()
    took.append(time.perf_counter() - began)
    assert not app.exception, app.exception[0].value
print(*took)
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return scored_runs.make(tmp_path_factory.mktemp("twenty") / "store.duckdb", N_VAL, N_TEST, N_RUNS)


def visit(store, page: str, n_runs: int) -> str:
    script = store.path.parent / "visit.py"
    script.write_text(VISIT)
    done = subprocess.run([sys.executable, str(script), str(PROJECT_ROOT), page, str(REPEATS),
                           *store.runs()["run_id"][:n_runs]], check=True, text=True, capture_output=True,
                          cwd=PROJECT_ROOT, env=os.environ | {"CXR_STORE": str(store.path),
                                                              "PYTHONPATH": str(PROJECT_ROOT)})
    cold, *warm = map(float, done.stdout.split())
    return f"cold {cold:.2f} s, warm {1000 * statistics.median(warm):.0f} ms"


@pytest.mark.parametrize(("page", "n_runs"), [("compare", 2), ("compare", 6), ("subgroups", 1), ("curves", 6)])
def test_a_page(store, page, n_runs):
    print(f"\n{page}, {n_runs} of {N_RUNS} runs: {visit(store, page, n_runs)}")
    if page == "compare":
        aside = (store.path.parent / "cache").rename(store.path.parent / "aside")
        print(f"  without kept draws: {visit(store, page, n_runs)}")
        shutil.rmtree(store.path.parent / "cache")
        aside.rename(store.path.parent / "cache")
