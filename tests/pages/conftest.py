"""Stores and pages for the tests of all pages.

A module says which page it opens, `PAGE`, and how its store is made, `MAKE`: once a module, read by all its tests, and
copied for those that write.
"""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import opened_pages
import pytest
from streamlit.testing.v1 import AppTest

from cxrcore.config import default_store
from cxrcore.store import Store


@pytest.fixture(scope="module")
def made(request, tmp_path_factory) -> Path:
    """Where the module's store was made."""
    path = tmp_path_factory.mktemp("made") / "runs" / "store.duckdb"
    request.module.MAKE(path)
    return path


@pytest.fixture
def store(made, monkeypatch) -> Store:
    """The default store of this test; shared, so not to be written to."""
    monkeypatch.setenv("CXR_STORE", str(made))
    return Store(made)


@pytest.fixture
def own_store(made) -> Store:
    """As `store`, to write to; what was worked out for the shared one does not lie beside it."""
    default_store().parent.mkdir(parents=True, exist_ok=True)
    return Store(Path(shutil.copyfile(made, default_store())))


@pytest.fixture
def open_page(request) -> Callable[..., AppTest]:
    """Opens the module's page with query parameters; every run must end without an exception."""
    return partial(opened_pages.open_page, request.module.PAGE)
