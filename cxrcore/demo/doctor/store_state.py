"""Whether the store is whole and the films of its runs are where they were, asked of a process of its own."""

import json
from collections.abc import Iterator

from cxrcore.demo.doctor.result import Result, ask, problem

_FILMS = """
import json, sys
from cxrcore.store import Store
from cxrcore.store.care import film_folders
print(json.dumps(film_folders.missing(Store(sys.argv[1]))))
"""


def store(place: str, title: str) -> Iterator[Result]:
    """What `scripts/store.py check` says.

    Args:
        place: a file that is there, or the address of a team's store.
        title: as it is told; an address may hold a password.
    """
    answer = ask(["scripts/store.py", "check", "--store", place])
    found = [(answer.out[k], answer.out[k + 1].strip()) for k, line in enumerate(answer.out[:-1])
             if line.startswith(("fault: ", "note: "))]
    for what, do in found:
        kind, _, text = what.partition(": ")
        yield Result(f"store: {text}", do, is_problem=kind == "fault")
    if answer.code not in (0, 1):
        yield problem(f"the store {title} cannot be looked at: {answer.reason.removeprefix('error: ')}",
                      "try python scripts/store.py check once the other problems are gone")
    elif not found:
        yield Result(f"the store {title} is whole")


def films(place: str) -> Iterator[Result]:
    """The folders of films and tables that runs were trained from."""
    answer = ask(["-c", _FILMS, place])
    if answer.code != 0 or not answer.out:
        return  # said by `store`
    told = json.loads(answer.out[-1])
    for what in told:
        yield Result(f"films: {what}", "put them back, or mount the disk: scores and measures stay, but Cases, Explain "
                                       "and --resume need the films")
    if not told:
        yield Result("the films of all trained runs are where they were")
