"""The store deleted, replaced, damaged and restored under an open dashboard: every page says so, and comes back."""

import os

import pytest
from opened_pages import open_page, text_of
from seeded_runs import add_run, make_store

from cxrcore.config import default_store
from cxrcore.store import Store
from cxrcore.store.care import backup, restore

PAGES = ("runs", "curves")


@pytest.fixture
def open_pages():
    """A store with two runs, a backup of when it had one, and every page open on the first."""
    store = make_store(default_store())
    first = add_run(store, "first run", auroc=0.7)
    kept = backup.back_up(store, default_store().parent / "kept").folder
    add_run(store, "second run", auroc=0.8)
    return store, first, kept, {name: open_page(name, run=first) for name in PAGES}


def texts(pages) -> dict[str, str]:
    """What the pages say when they are run again; none may fail."""
    for app in pages.values():
        app.run()
        assert not app.exception, app.exception[0].value
    return {name: text_of(app) for name, app in pages.items()}


def test_pages_outlast_what_becomes_of_their_store(open_pages, tmp_path):
    store, first, kept, pages = open_pages
    was = texts(pages)
    elsewhere = tmp_path / "elsewhere.duckdb"
    os.replace(store.path, elsewhere)
    for name, said in texts(pages).items():
        assert "No runs yet" in said or first in said, name  # a link to a run that is not there is an error, and said
    assert not store.path.exists(), "looking makes no store"
    store.path.write_bytes(b"no store at all, but a text " * 100)
    assert all("cannot be opened" in said or "not a valid" in said for said in texts(pages).values())
    os.replace(elsewhere, store.path)
    assert texts(pages) == was
    restore.restore(store, kept, replace=True)
    assert "second run" in was["runs"] and "second run" not in "".join(texts(pages).values())
    other = make_store(tmp_path / "other" / "store.duckdb")
    add_run(other, "of another store", auroc=0.6)
    os.replace(other.path, store.path)
    assert all(first in said for said in texts(pages).values())
    assert list(Store(store.path).runs()["name"]) == ["of another store"]
    add_run(store, "a third run", auroc=0.9)  # it can be written to, too
