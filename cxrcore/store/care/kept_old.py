"""Where a restore puts what it takes away: `<store>.before-restore-<time>/` beside the store."""

import re
import time
from pathlib import Path

_FORM = r"\.before-restore-\d{8}-\d{6}"


def new_folder(store: Path) -> Path:
    """A folder beside a store that is not there yet."""
    return store.with_name(f"{store.stem}.before-restore-{time.strftime('%Y%m%d-%H%M%S')}")


def folders(store: Path) -> list[Path]:
    """Those that lie beside a store, the oldest first."""
    form = re.compile(re.escape(store.stem) + _FORM, re.ASCII)
    return sorted(path for path in store.parent.glob("*.before-restore-*") if form.fullmatch(path.name))
