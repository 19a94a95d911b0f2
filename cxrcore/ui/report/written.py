"""scripts/report.py: from its flags to files."""

from pathlib import Path

from cxrcore.config import PROJECT_ROOT, ReportConfig, default_store
from cxrcore.errors import DataError
from cxrcore.store import Store
from cxrcore.ui.report import bundle, contents, page


def write(config: ReportConfig) -> None:
    """Write the page, and the ZIP if it is asked for.

    Raises:
        RunError, StoreError: nothing to report on. DataError: the folder cannot be written to.
    """
    store = Store(config.store or default_store())
    found = contents.read(store, config.run or (), config.split)
    out = Path(config.out) if Path(config.out).is_absolute() else PROJECT_ROOT / config.out
    if out.is_dir():
        raise DataError(f"{out} is a folder: --out names the file")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{out.parent} cannot be made: {error.strerror}") from None
    out.write_text(page.render(found, config.cams, lambda name: print(f"  {name}", flush=True)), encoding="utf-8")
    print(f"written: {out} ({out.stat().st_size / 1e6:.1f} MB, {len(found.compared)} runs)")
    if config.zip:
        archive = out.with_suffix(".zip")
        archive.write_bytes(bundle.pack(found))
        print(f"written: {archive} ({archive.stat().st_size / 1e6:.1f} MB)")
