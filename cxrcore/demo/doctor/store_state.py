"""Whether the store is whole and the films of its runs are where they were, asked of a process of its own."""

import json
from collections.abc import Iterator
from pathlib import Path

from cxrcore.demo.doctor.result import Result, ask, problem

_FILMS = """
import json, sys
from cxrcore.store import Store
from cxrcore.store.care import film_folders
print(json.dumps(film_folders.missing(Store(sys.argv[1]))))
"""


def store(path: Path) -> Iterator[Result]:
    """What `scripts/store.py check` says."""
    if not path.exists():
        yield Result(f"there is no store {path} yet", "the first training or import makes it, or CXR_STORE names one")
        return
    answer = ask(["scripts/store.py", "check", "--store", str(path)])
    found = [(answer.out[k], answer.out[k + 1].strip()) for k, line in enumerate(answer.out[:-1])
             if line.startswith(("fault: ", "note: "))]
    for what, do in found:
        kind, _, text = what.partition(": ")
        yield Result(f"store: {text}", do, is_problem=kind == "fault")
    if answer.code not in (0, 1):
        yield problem(f"the store {path} cannot be looked at: {answer.reason.removeprefix('error: ')}",
                      "try python scripts/store.py check once the other problems are gone")
    elif not found:
        yield Result(f"the store {path} is whole")


def films(path: Path) -> Iterator[Result]:
    """The folders of films and tables that runs were trained from."""
    if not path.exists():
        return
    answer = ask(["-c", _FILMS, str(path)])
    if answer.code != 0 or not answer.out:
        return  # said by `store`
    told = json.loads(answer.out[-1])
    for what in told:
        yield Result(f"films: {what}", "put them back, or mount the disk: scores and measures stay, but Cases, Explain "
                                       "and --resume need the films")
    if not told:
        yield Result("the films of all trained runs are where they were")
