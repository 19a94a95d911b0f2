"""All of it, in an order in which what is broken first explains what is broken later."""

import os
from collections.abc import Iterator
from pathlib import Path

from cxrcore.demo.doctor import machine, packages, store_state
from cxrcore.demo.doctor.result import ROOT, Result


def examine(store: str | None, port: int) -> Iterator[Result]:
    """Look at the installation, the machine and the store; nothing is changed.

    Args:
        store: its file (default: as `config.default_store`, which may not be importable here).
        port: that the dashboard is to have.
    """
    path = Path(os.path.realpath(Path(store or os.environ.get("CXR_STORE") or ROOT / "runs" / "store.duckdb")
                                 .expanduser()))
    yield packages.python()
    needed = packages.wanted()
    yield from packages.installed(needed)
    loaded = packages.loadable(needed)
    yield from packages.broken(loaded)
    if not loaded.get("torch") and not loaded.get("torchvision"):
        yield from packages.torch_pair()
    yield from machine.rights(path)
    yield from machine.disk(path)
    yield machine.port(port)
    yield from store_state.store(path)
    yield from store_state.films(path)
