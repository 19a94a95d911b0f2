"""A log of one JSON object a line, which several processes may write to; it rotates by size.

    {"time": "2026-01-01T12:00:00.123+00:00", "level": "error", "entry": "a1b2c3d4", "program": "app.py", "pid": 7,
     "logger": "cxrcore.ui", "message": "...", "page": "runs", "session": "...", "runs": ["..."], "trace": "..."}

`entry` names a line; page, session and runs stand where they are known, trace where there is one. The file is
`logs/workbench.jsonl` beside the store, or what CXR_LOG names; older lines lie in `workbench.1.jsonl` to
`workbench.4.jsonl`.
"""

import contextlib
import json
import logging
import os
import secrets
import sys
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from filelock import FileLock, Timeout

from cxrcore.config import PROJECT_ROOT, default_store

MAX_BYTES, KEPT = 5_000_000, 4  # of a file; older files
LONGEST = 4_000  # characters of a message
_LONGEST_TRACE = 20_000

_NOTHING: Mapping[str, Any] = MappingProxyType({})
context: ContextVar[Mapping[str, Any]] = ContextVar("log_context", default=_NOTHING)  # page, session and runs


def default_path() -> Path:
    """Where the log is written: beside the store; of a team's, whose folder many servers share, in this project."""
    store = default_store()
    beside = PROJECT_ROOT / "runs" if isinstance(store, str) else store.expanduser().absolute().parent
    return Path(os.environ.get("CXR_LOG") or beside / "logs" / "workbench.jsonl")


def new_entry() -> str:
    """A name for a line."""
    return secrets.token_hex(4)


class JsonLog(logging.Handler):
    """Writes records as lines. A line that cannot be written, as on a full disk, is left out."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line at once, so that lines of several processes do not mix."""
        with contextlib.suppress(OSError, ValueError):
            line = json.dumps(_said(record), ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n"
            path = default_path()
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            try:
                os.write(handle, line)
                size = os.fstat(handle).st_size
            finally:
                os.close(handle)
            if size > MAX_BYTES:
                _rotate(path)


def _said(record: logging.LogRecord) -> dict[str, Any]:
    said: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(), "entry": getattr(record, "entry", None) or new_entry(),
        "program": Path(sys.argv[0] or "python").name, "pid": record.process, "logger": record.name,
        "message": record.getMessage()[:LONGEST], **context.get(), **getattr(record, "more", {})}
    if record.exc_info:
        said["trace"] = "".join(traceback.format_exception(*record.exc_info))[-_LONGEST_TRACE:]
    return said


def _rotate(path: Path) -> None:
    """Each file takes the next one's name; the oldest goes. Another process that does it already is left alone."""
    with contextlib.suppress(Timeout), FileLock(path.with_name(f"{path.name}.lock"), timeout=0):
        if path.stat().st_size <= MAX_BYTES:
            return
        names = [path, *(path.with_name(f"{path.stem}.{k}{path.suffix}") for k in range(1, KEPT + 1))]
        for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
            with contextlib.suppress(FileNotFoundError):
                os.replace(newer, older)


def begin(*loggers: str, level: int = logging.INFO) -> None:
    """From now on, what these loggers say is in the log."""
    for name in loggers:
        logger = logging.getLogger(name)
        if not any(isinstance(handler, JsonLog) for handler in logger.handlers):
            handler = JsonLog()
            handler.setLevel(level)
            logger.addHandler(handler)
        if logger.getEffectiveLevel() > level:
            logger.setLevel(level)
