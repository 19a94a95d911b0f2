"""Every test of a store runs on both kinds, a file and a team's database, unless it is marked as `embedded`."""

import importlib
from collections.abc import Iterator

import own_postgres
import pytest

from cxrcore.store import Store


def pytest_generate_tests(metafunc):
    if "store" in metafunc.fixturenames and "store_kind" in metafunc.fixturenames:
        only = next(metafunc.definition.iter_markers("embedded"), None) is not None
        metafunc.parametrize("store_kind", ["file"] if only else ["file", "team"], scope="session")


@pytest.fixture(scope="session")
def postgres():
    """A server of this process's own; 3 s."""
    with own_postgres.running() as server:
        yield server


@pytest.fixture
def store_kind():
    """'file' or 'team'."""
    raise NotImplementedError  # given by `pytest_generate_tests`


@pytest.fixture
def store(store_kind, tmp_path, request) -> Iterator[Store]:
    """An empty store of each kind."""
    if store_kind == "file":
        yield Store(tmp_path / "runs" / "store.duckdb")
        return
    yield request.getfixturevalue("postgres").store(tmp_path / "runs")
    importlib.import_module("cxrcore.store.team.connections").close_all()  # each test has a database address of its own
