"""All of it, in an order in which what is broken first explains what is broken later."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from cxrcore.demo.doctor import machine, packages, store_state
from cxrcore.demo.doctor.result import ROOT, Result


def examine(store: str | None, port: int) -> Iterator[Result]:
    """Look at the installation, the machine and the store; nothing is changed.

    Args:
        store: its file, or the address of a team's (default: as `config.default_store`, which may not be importable
            here).
        port: that the dashboard is to have.
    """
    named = store or os.environ.get("CXR_STORE") or str(ROOT / "runs" / "store.duckdb")
    is_team = "://" in named
    films = dict(parse_qsl(urlsplit(named).query)).get("films") or "/"
    path = Path(films) / "team" if is_team else Path(os.path.realpath(Path(named).expanduser()))
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
    if is_team or path.exists():
        place = named if is_team else str(path)
        yield from store_state.store(place, "of the team" if is_team else place)
        yield from store_state.films(place)
    else:
        yield Result(f"there is no store {path} yet", "the first training or import makes it, or CXR_STORE names one")
