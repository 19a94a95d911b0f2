"""Processor seconds of each test file (user and system, ended children included), said at the end of a run.

    PYTHONPATH=.:tests/made python -m pytest -p seconds_by_file
"""

import resource
from collections import Counter
from multiprocessing.forkserver import _forkserver

import psutil
import pytest

_files: Counter[str] = Counter()
_counted = 0.0  # seconds that a file has got


def _spent() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used) + _of_forked()


def _of_forked() -> float:
    """Of processes that `fork_server` started, which are no children of this one."""
    pid = _forkserver._forkserver_pid
    return sum(psutil.Process(pid).cpu_times()[:4]) if pid and psutil.pid_exists(pid) else 0.0


def pytest_collection_finish() -> None:
    global _counted
    _counted = _spent()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    global _counted
    report, spent = (yield), _spent()
    report.processor_seconds, _counted = spent - _counted, spent
    return report


def pytest_runtest_logreport(report) -> None:
    _files[report.nodeid.split("::")[0]] += getattr(report, "processor_seconds", 0)


def pytest_terminal_summary(terminalreporter) -> None:
    terminalreporter.section("processor seconds by file")
    for name, seconds in [*_files.most_common(), ("in all", sum(_files.values()))]:
        terminalreporter.write_line(f"{seconds:7.1f} {name}")
