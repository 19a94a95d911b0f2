"""scripts/report.py: from its flags to files."""

import logging
from pathlib import Path

from cxrcore.config import PROJECT_ROOT, ReportConfig
from cxrcore.data.files.replace_file import replacing
from cxrcore.errors import DataError
from cxrcore.evaluation import hand_in
from cxrcore.report import bundle, cautions, contents, official, page

_LOG = logging.getLogger(__name__)  # scripts print what it says

LARGE = 10e6  # bytes, what many mail servers take


def write_report(config: ReportConfig) -> None:
    """Write the page, and the ZIP if it is asked for; or print a table.

    Raises:
        RunError, StoreError: nothing to report on. DataError: the file cannot be written there.
    """
    if config.table:
        official.write_table(config)
        return
    out = _out(config.out)
    store = hand_in.opened(config.store)
    found = contents.read_contents(store, config.run or (), config.split, config.labels)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{out.parent} cannot be made: {error.strerror}") from None
    told = page.render_report(found, config.cams, lambda name: _LOG.info(f"  {name}"))
    try:
        with replacing(out) as partial:
            partial.write_text(told, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror}") from None
    for line in cautions.of_imports(found):
        _LOG.info(line)
    size = out.stat().st_size
    _LOG.info(f"written: {out} ({size / 1e6:.1f} MB, {len(found.measured)} runs)")
    if size > LARGE:
        _LOG.warning(f"{out} is larger than {LARGE / 1e6:.0f} MB: fewer runs (--run) or films (--cams) make it smaller")
    if config.zip:
        archive = out.with_suffix(".zip")
        archive.write_bytes(bundle.pack_report(found))
        _LOG.info(f"written: {archive} ({archive.stat().st_size / 1e6:.1f} MB)")


def _out(wanted: str) -> Path:
    """The HTML file: the default lies in the project, any other is taken from the current folder."""
    out = PROJECT_ROOT / wanted if wanted == ReportConfig.out else Path(wanted)
    if out.is_dir():
        raise DataError(f"{out} is a folder: --out names the file")
    if any(path.exists() and not path.is_file() for path in (out, out.with_suffix(".zip"))):
        raise DataError(f"{out} is no plain file, or {out.with_suffix('.zip').name} beside it is none: a pipe or a "
                        "device would be waited for")
    if out.suffix.lower() == ".zip":
        raise DataError(f"--out {wanted} names the HTML file, not the ZIP, which lies beside it under the same name: "
                        f"--out {out.with_suffix('.html')} --zip writes both")
    return out
