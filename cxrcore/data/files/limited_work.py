"""The limited process's own half: it answers questions until its standard input ends; see `limited_process`.

A question is a line of JSON and bytes, an answer one or more of the same: nothing that comes back is ever unpickled.
Both halves stand on the standard library alone, so that the process starts fast.
"""

import contextlib
import importlib
import json
import os
import signal
import traceback
from typing import IO, Any

from cxrcore import errors

_GROWN = 300_000_000  # bytes of address space more than at the start: the process is replaced
_inside = False


def inside() -> bool:
    """Whether this very process is a limited one."""
    return _inside


def not_limited() -> tuple[str, ...]:
    """What this system cannot limit."""
    return (("processor time",) if not hasattr(signal, "setitimer") else ()) + (("memory",) if not _held() else ())


# -- messages


def write_message(pipe: IO[bytes], head: dict[str, Any], data: bytes = b"") -> None:
    """A line of JSON with `n`, the length of the data, then the data.

    Raises:
        OSError: nobody reads at the other end.
    """
    pipe.write(json.dumps(head | {"n": len(data)}).encode() + b"\n")
    if len(data):
        pipe.write(data)
    pipe.flush()


def read_message(pipe: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    """The head and the data of the next message; waits for it.

    Raises:
        EOFError: the other end has closed the pipe, or stopped within a message.
    """
    line = pipe.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    head = json.loads(line)
    data = pipe.read(head["n"])
    if len(data) < head["n"]:
        raise EOFError
    return head, data


# -- answering


def main(module: str) -> None:
    """Answer questions.

    Args:
        module: imported before the first one.
    """
    global _inside
    _inside = True
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):  # what a library prints is no answer
        os.dup2(nowhere, stream)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    importlib.import_module(module)
    _no_core()
    at_start, worn = _held(), False
    write_message(answers, {"ready": True})
    while not worn:
        try:
            question, data = read_message(asked)
        except EOFError:
            return
        said = _answer(question, data, answers)
        del data
        worn = _held() - at_start > _GROWN
        write_message(answers, said | {"last": True, "worn": worn})


def _answer(question: dict[str, Any], data: bytes, answers: IO[bytes]) -> dict[str, Any]:
    """Send the answers; returns what is left to say at the end."""
    _limit_memory(question["memory"])
    module, name = question["task"].split(":")
    try:
        task = getattr(importlib.import_module(module), name)
        _limit_time(question["cpu"])
        for answer, payload in task(data, **question["options"]):
            write_message(answers, {"answer": answer}, payload)
            _limit_time(question["cpu"])
    except errors.WorkbenchError as error:
        return {"error": type(error).__name__, "text": str(error)}
    except MemoryError:
        return {"error": "DataError", "text": f"does not fit into {question['memory'] / 1e9:g} GB of memory"}
    except OSError as error:
        return {"errno": error.errno, "text": error.strerror or str(error)}
    except Exception:
        return {"fault": traceback.format_exc()}
    finally:
        _limit_time(0)
    return {}


def _limit_time(seconds: float) -> None:
    """Processor time from now on, of all threads; then SIGPROF ends the process. 0 takes the limit away."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit_memory(more: int) -> None:
    if held := _held():
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        limit = held + more if hard == resource.RLIM_INFINITY else min(held + more, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _no_core() -> None:
    with contextlib.suppress(ImportError):  # Windows
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _held() -> int:
    """Bytes of address space of this process; 0 where the system does not say, and does not limit it either."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
