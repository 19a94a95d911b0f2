"""Scripts' common frame: flags from a config dataclass, and errors as one line with exit code 2."""

import argparse
import errno
import io
import logging
import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import Field, fields
from pathlib import Path
from types import UnionType
from typing import Any, NoReturn, get_args, get_type_hints

from cxrcore.config import PROJECT_ROOT
from cxrcore.errors import UsageError, WorkbenchError
from cxrcore.interrupts import is_interruption, remembered

INTERRUPTED = 130  # what a shell reports for Ctrl-C
_OF_PATHS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP)  # a user's matter
_SHOWN = 300  # characters of a path in an error


class _Parser(argparse.ArgumentParser):
    """Mistakes in flags look like every other mistake: one line, code 2. `--csv-path` is `--csv_path`."""

    def parse_known_args(  # ty: ignore[incompatible-method-override]  (argparse spells out each kind of namespace)
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        given = list(sys.argv[1:] if args is None else args)
        for text in given:
            if not text.isascii() and text != text.encode("utf-8", "replace").decode():
                self.error(f"{ascii(text)[:_SHOWN]} is no text in UTF-8: no name in a store can be so")
        end = given.index("--") if "--" in given else len(given)
        return super().parse_known_args([*map(self._spelled, given[:end]), *given[end:]], namespace)

    def _spelled(self, text: str) -> str:
        """A flag as it is declared, where it was written with hyphens in place of underscores."""
        name, equals, value = text.partition("=")
        other = name[:2] + name[2:].replace("-", "_")
        flags = self._option_string_actions
        return other + equals + value if name.startswith("--") and name not in flags and other in flags else text

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


def parser_for(config: type[Any], description: str) -> argparse.ArgumentParser:
    """A parser with one `--flag` for each field of a config dataclass; flags that are not given are left out."""
    parser = _Parser(description=description, argument_default=argparse.SUPPRESS,
                     allow_abbrev=False)
    types = get_type_hints(config)
    for field in fields(config):
        if types[field.name] is bool:
            parser.add_argument(f"--{field.name}", action="store_true", help=field.metadata["help"])
            continue
        if field.metadata.get("repeated"):
            parser.add_argument(f"--{field.name}", action="append", metavar=field.name.upper(),
                                help=field.metadata["help"])
            continue
        shown = "" if field.default is None else f" (default: {field.default})"
        choices = None if field.metadata.get("listed") else field.metadata.get("choices")
        parser.add_argument(f"--{field.name}", type=_checked(field, types[field.name]), metavar=field.name.upper(),
                            choices=choices, help=(field.metadata["help"] + shown))
    return parser


def _checked(field: Field, hint: Any) -> Callable[[str], Any]:
    """The field's type with its bounds, as argparse wants it."""
    base = next(t for t in get_args(hint) if t is not type(None)) if isinstance(hint, UnionType) else hint
    at_least, at_most, above = (field.metadata.get(bound) for bound in ("at_least", "at_most", "above"))
    choices = field.metadata.get("choices") if field.metadata.get("listed") else None

    def convert(text: str) -> Any:
        value = base(text)
        if choices and (unknown := [one for one in text.split(",") if one not in choices]):
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(choices)}")
        if at_least is not None and value < at_least:
            raise argparse.ArgumentTypeError(f"{text} is below {at_least}")
        if at_most is not None and value > at_most:
            raise argparse.ArgumentTypeError(f"{text} is over {at_most}")
        if above is not None and not above < value < math.inf:
            raise argparse.ArgumentTypeError(f"{text} is not a number above {above}")
        return value

    convert.__name__ = base.__name__  # argparse names it: "invalid int value: 'x'"
    return convert


def run(main: Callable[[Sequence[str] | None], int | None]) -> None:
    """Run a script's `main` and exit: errors that a user can mend are one line on stderr, code 2."""
    # A log file shows lines as they come, in step with stderr's; signs that a terminal lacks are replaced.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True, errors="replace")
    print_what_is_said()
    try:
        with remembered():
            code = main(None) or 0
        sys.exit(code)
    except WorkbenchError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:  # the reader of our output has gone, as in `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the final flush fails once more
    except OSError as error:
        if error.errno not in _OF_PATHS:
            raise
        name = str(error.filename or "")
        _fail(f"{error.strerror}: {name if len(name) <= _SHOWN else f'{name[:_SHOWN]}...'}")
    except (KeyboardInterrupt, RuntimeError) as error:
        if not is_interruption(error):
            raise
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)


class _Printer(logging.Handler):
    """What the library says: plain lines, what is to be beware of as notes, and what went wrong on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if record.levelno >= logging.ERROR:
            print(said, file=sys.stderr, flush=True)
        else:
            print(f"note: {said}" if record.levelno >= logging.WARNING else said, flush=True)


def print_what_is_said() -> None:
    """From now on, what the library's modules say through `logging` is printed: only scripts print."""
    ours = logging.getLogger("cxrcore")
    if not any(isinstance(handler, _Printer) for handler in ours.handlers):
        ours.addHandler(_Printer())
    ours.setLevel(logging.INFO)
    ours.propagate = False


def _fail(text: str, code: int = WorkbenchError.exit_code) -> None:
    print(f"error: {' '.join(text.split())}", file=sys.stderr)
    sys.exit(code)


def results_folder(results: str | None, inside: str = "tables") -> Path:
    """Where tables (or figures) go; made now, so that a place that cannot be written to shows before hours of work.

    Args:
        results: the folder of all results; default the project's own.
        inside: the folder in it.

    Raises:
        UsageError: it cannot be made.
    """
    folder = Path(results or PROJECT_ROOT / "results") / inside
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder for results {folder} cannot be made: {error.strerror}") from None
    return folder
