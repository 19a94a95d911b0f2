"""How time, memory and bytes grow with the films: everything a user does, at 1,000 to a million synthetic films.

    OMP_NUM_THREADS=1 nice -n 19 python tests/benchmarks/bench_growth.py FOLDER [--sizes 1000,10000,112120,1000000]

Each step runs in a process of its own. An hour long on a busy machine; started again with the same folder it goes on
with what is missing, and without anything missing prints the table. No test: it is run by hand. This process imports
nothing large, since a child's peak memory is at least that of its parent when it was started.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIZES = "1000,10000,112120,1000000"
PAGES = tuple(sorted(path.stem for path in (ROOT / "pages").glob("*.py")))
OWN = ("table", "split", "add", "save", "read", "fit", "intervals", "evaluate")
STEPS = (*OWN, *(f"page {name}" for name in PAGES), "report", "export", "restore", "import", "all pages")
AGAIN = "page {} again"


def main() -> None:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", default=SIZES)
    parser.add_argument("--steps", default=",".join(STEPS), help="of the steps; earlier ones have to be there already")
    asked = parser.parse_args()
    sizes = [int(size) for size in asked.sizes.split(",")]
    for n in sizes:
        folder = asked.folder / str(n)
        folder.mkdir(parents=True, exist_ok=True)
        for step in ("films", "predictions", *asked.steps.split(",")):
            if step not in known(folder):
                one_step(folder, n, step)
    print_table(asked.folder, sizes)


def known(folder: Path) -> dict[str, dict[str, float]]:
    """{step: what it took}, as far as this size has come."""
    path = folder / "took.json"
    return json.loads(path.read_text()) if path.exists() else {}


def one_step(folder: Path, n: int, step: str) -> None:
    """Run a step in a process of its own and write down what it took; one that fails is said, and comes again."""
    before, began = bytes_in(folder), time.perf_counter()
    child = subprocess.Popen(command(folder, n, step), stdout=subprocess.PIPE, text=True, cwd=ROOT,
                             env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'made'}"})
    said = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        print(f"{step} of {n:,} films ended with {child.returncode}: {said[-2000:]}", flush=True)
        return
    own = [json.loads(line) for line in said.splitlines() if line.startswith('{"seconds"')]
    first = own[0] if own else {"seconds": time.perf_counter() - began, "processor": used.ru_utime + used.ru_stime,
                                "memory": 1024 * used.ru_maxrss}
    found = known(folder) | {step: first | {"disk": bytes_in(folder) - before, "load": os.getloadavg()[0]}}
    if step.startswith("page"):
        found[AGAIN.format(step.removeprefix("page "))] = own[1] | {"disk": 0, "load": os.getloadavg()[0]}
    (folder / "took.json").write_text(json.dumps(found, indent=1))
    print(f"{n:>9,} {step:20} {in_words(found[step])}", flush=True)


def command(folder: Path, n: int, step: str) -> list[str]:
    """What a step is started with; of the scripts as a user starts them."""
    store = ["--store", str(folder / "runs" / "store.duckdb")]
    scripts = {
        "report": ["report.py", "--out", str(folder / "report.html"), "--zip", "--cams", "0"],
        "export": ["export.py", "--run", first_run(folder), "--out", str(folder / "exported")],
        "restore": ["import_predictions.py", str(folder / "exported"), "--as_copy"],
        "import": ["import_predictions.py", str(folder / "theirs.csv"), "--split", "test"]}
    if step in scripts:
        name, *flags = scripts[step]
        return [sys.executable, str(ROOT / "scripts" / name), *flags, *store]
    return [sys.executable, str(ROOT / "tests" / "made" / "growing_store.py"), str(folder), str(n), step]


def first_run(folder: Path) -> str:
    """The id of the run that is exported; none yet before there are runs."""
    path = folder / "first_run.txt"
    return path.read_text() if path.exists() else ""


def bytes_in(folder: Path) -> int:
    """What lies below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def print_table(folder: Path, sizes: list[int]) -> None:
    """Every step: what it took at each size, and how it grows between the two largest."""
    took = [known(folder / str(n)) for n in sizes]
    steps = [step for step in took[-1] if step not in ("films", "predictions")]
    print(f"\n| step | {' | '.join(f'{n:,} films' for n in sizes)} | exponents: processor, memory, bytes |")
    print("|---" * (len(sizes) + 2) + "|")
    for step in steps:
        cells = [in_words(one[step]) if step in one else "" for one in took]
        print(f"| {step} | {' | '.join(cells)} | {exponents(sizes, took, step)} |")


def exponents(sizes: list[int], took: list[dict], step: str) -> str:
    """The slopes of log(what it took) over log(films) between the two largest sizes."""
    if len(sizes) < 2 or step not in took[-2]:
        return ""
    before, last = took[-2][step], took[-1][step]
    apart = math.log(sizes[-1] / sizes[-2])
    return ", ".join(f"{math.log(last[name] / before[name]) / apart:.2f}" if before[name] > 0 < last[name] else "-"
                     for name in ("processor", "memory", "disk"))


def in_words(took: dict[str, float]) -> str:
    """Seconds of the processor (by the clock), peak memory, bytes that came."""
    disk = f", {took['disk'] / 1e6:.1f} MB" if took["disk"] > 1e5 else ""
    return f"{took['processor']:.2f} s ({took['seconds']:.2f}), {took['memory'] / 1e9:.2f} GB{disk}"


if __name__ == "__main__":
    main()
