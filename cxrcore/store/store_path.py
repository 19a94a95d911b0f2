"""Where a store lies, and whether what lies there can be one: asked of the file system before anything is opened.

Opening a named pipe waits for ever, and a gate beside a link would not be the gate of what the link leads to.
"""

import os
import stat
from pathlib import Path

from cxrcore.errors import StoreError

WAL, GATE, HOLDER = ".wal", ".gate", ".holder"  # what lies beside a store, added to its whole name
_ELSE = "(--store or CXR_STORE names another)"
_SHOWN = 160  # characters of a path in an error
_KINDS = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"),
          (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"), (stat.S_ISLNK, "a link"))


def resolved(url: str | Path) -> Path:
    """The one path of a store: absolute, `~` and links followed, whether there is a file or not.

    Raises:
        StoreError: a path that no file can have.
    """
    try:
        path = Path(os.path.realpath(Path(url).expanduser()))
        str(path).encode()
    except RuntimeError:  # ~name of nobody
        raise refusal(url, "there is no such home folder") from None
    except ValueError:  # a zero byte; or a name in another encoding than the system's
        raise refusal(url, "no file can be called so") from None
    return path


def beside(path: Path, suffix: str) -> Path:
    """A file that belongs to the store: `WAL`, `GATE` or `HOLDER`."""
    return path.with_name(path.name + suffix)


def exists(path: Path) -> bool:
    """Whether there is a file that may be a store; nothing is opened.

    Args:
        path: as `resolved` gives it.

    Raises:
        StoreError: what is there, or beside it, is no plain file, or cannot be reached.
    """
    for suffix in (WAL, GATE, HOLDER):
        own = beside(path, suffix)
        mode = _mode(own, path)
        if mode is not None and not stat.S_ISREG(mode):
            raise refusal(path, f"{own.name} beside it is {_kind(mode)}")
    mode = _mode(path, path)
    if mode is not None and not stat.S_ISREG(mode):
        raise refusal(path, f"it is {_kind(mode)}")
    return mode is not None


def refusal(path: str | Path, why: str) -> StoreError:
    """The error of a store that cannot be used, in one line of bounded length."""
    text = " ".join(str(path).encode("utf-8", "replace").decode().replace("\0", "?").split())
    if len(text) > _SHOWN:
        text = f"{text[:_SHOWN // 2]}...{text[-_SHOWN // 4:]}"
    return StoreError(f"the store {text} cannot be used: {why} {_ELSE}")


def _mode(path: Path, store: Path) -> int | None:
    """Kind of a file itself, links not followed; None where there is none."""
    try:
        return os.lstat(path).st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refusal(store, error.strerror or str(error)) from None


def _kind(mode: int) -> str:
    return next((words for test, words in _KINDS if test(mode)), "no plain file")
