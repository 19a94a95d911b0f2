"""Lints and type checks the JavaScript as a browser gets it: `python tests/structure/javascript.py`; see check.sh.

The board's files are one module, which the report's script goes on with. They are checked joined, as they are sent, and
what is found is told by file and line. Types stand in JSDoc comments; TypeScript reads them where Node is there, and is
kept in the user's cache.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from cxrcore.charts.board import assets
from cxrcore.charts.film_viewer import assets as viewer_assets
from cxrcore.charts.leaderboard import assets as leaderboard
from cxrcore.charts.simple_charts import assets as simple_charts
from cxrcore.charts.small_curves import assets as small_curves
from cxrcore.config import PROJECT_ROOT

TYPESCRIPT = "6.0.3"  # the last one that is written in JavaScript, and so one file for all systems
INSTALLING = 120  # seconds; a network that is not there should not stop a commit for long


def of_chart(folder: str, names: Sequence[str]) -> list[str]:
    """The files of a chart's module, from the project's root; names are from the chart's folder."""
    return [os.path.normpath(f"cxrcore/charts/{folder}/{name}") for name in names]


BOARD = of_chart("board", assets.SCRIPTS)
MODULES = {"board.js": [*BOARD, "cxrcore/report/report.js"],
           "keys.js": ["cxrcore/ui/present/keys.js"],
           "copy_link.js": ["cxrcore/ui/frame/copy_link.js"], "more.js": ["cxrcore/ui/frame/more.js"],
           "waits.js": ["cxrcore/ui/frame/waits.js"],
           "keyboard.js": ["cxrcore/ui/frame/keyboard.js"], "chart_files.js": ["cxrcore/ui/frame/chart_files.js"],
           "terms.js": ["cxrcore/ui/frame/terms.js"],
           "simple_charts.js": of_chart("simple_charts", simple_charts.SCRIPTS),
           "small_curves.js": of_chart("small_curves", small_curves.SCRIPTS),
           "table.js": ["cxrcore/ui/compare/table.js"],
           "copy_text.js": ["cxrcore/ui/compare/copy_text.js"],
           "leaderboard.js": of_chart("leaderboard", leaderboard.SCRIPTS),
           "unpack.js": ["cxrcore/charts/unpack.js"],
           "tour.js": ["cxrcore/ui/frame/tour.js"], "film.js": ["cxrcore/ui/home/film.js"],
           "strip.js": ["cxrcore/ui/home/strip.js"], "teller.js": ["cxrcore/charts/board/teller.js"],
           "viewer.js": of_chart("film_viewer", viewer_assets.SCRIPTS),
           "peek.js": of_chart("film_viewer", viewer_assets.PEEK),
           "films.js": [*of_chart("film_viewer", viewer_assets.FILMS), "cxrcore/report/films.js"]}
GLOBALS = "declare const Plotly: any;\ndeclare const PACKED: string;\n"  # what report.js and unpack.js find
_STRICT = ("--allowJs", "--checkJs", "--strict", "--noEmit", "--noUnusedLocals", "--noUnusedParameters",
           "--noImplicitReturns", "--target", "es2023", "--module", "esnext",
           "--lib", "es2023,dom,dom.iterable", "--pretty", "false")
_LINTED = ("--deny", "correctness", "--deny", "suspicious", "--deny", "perf",
           "--allow", "unicorn/prefer-add-event-listener",  # listeners are properties: set again, nothing changes
           "--allow", "unicorn/require-post-message-target-origin")  # takes a BroadcastChannel for a window
_MESSAGE = re.compile(r"^(?P<module>[\w.]+\.js)[:(](?P<line>\d+)[:,](?P<column>\d+)\)?:\s*(?P<text>.*)")


def joined(files: list[str]) -> str:
    """The text of a module, as `assets.SCRIPT` is made."""
    return "\n".join((PROJECT_ROOT / name).read_text(encoding="utf-8") for name in files)


def place(files: list[str], line: int) -> tuple[str, int]:
    """File and line (both counted from 1) of a line of the joined text."""
    for name in files:
        n = (PROJECT_ROOT / name).read_text(encoding="utf-8").count("\n") + 1  # and the line end that joins
        if line <= n:
            return name, line
        line -= n
    raise ValueError("the module has no such line")


def told(output: str) -> list[str]:
    """A tool's messages with the files that people edit in place of joined modules."""
    lines = []
    for text in filter(None, output.splitlines()):
        if found := _MESSAGE.match(text):
            name, line = place(MODULES[found["module"]], int(found["line"]))
            text = f"{name}:{line}:{found['column']}: {found['text']}"
        lines.append(text)
    return lines


def typescript() -> list[str] | None:
    """The command of the compiler, installed when it is first asked for; None (said) where it cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node:
        print("skipped: the types of the JavaScript, for want of Node")
        return None
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cxr-workbench"
    folder = cache / f"typescript-{TYPESCRIPT}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        made = tempfile.mkdtemp(dir=cache)
        if npm and _install(npm, made):
            with contextlib.suppress(OSError):  # another process was faster
                os.replace(made, folder)
        shutil.rmtree(made, ignore_errors=True)
    if not folder.exists():
        print(f"skipped: the types of the JavaScript, as npm cannot bring TypeScript {TYPESCRIPT}")
        return None
    return [node, str(folder / "node_modules" / "typescript" / "bin" / "tsc")]


def _install(npm: str, folder: str) -> bool:
    command = [npm, "install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", "--silent",
               "--fetch-retries", "0", f"typescript@{TYPESCRIPT}"]
    try:
        return subprocess.run(command, capture_output=True, timeout=INSTALLING).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def findings(command: list[str], folder: Path) -> list[str]:
    """What a tool finds in the modules, which lie in the folder."""
    done = subprocess.run([*command, *MODULES], cwd=folder, capture_output=True, text=True)
    lines = told(done.stdout + done.stderr)
    return lines if done.returncode else []


def main() -> int:
    """Check both ways; 1 where something was found."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for module, files in MODULES.items():
            (folder / module).write_text(joined(files), encoding="utf-8")
        (folder / "globals.d.ts").write_text(GLOBALS, encoding="utf-8")
        linter = shutil.which("oxlint", path=str(Path(sys.executable).parent))
        found = findings([str(linter), "--format", "unix", *_LINTED], folder)
        if compiler := typescript():
            found += findings([*compiler, *_STRICT, "globals.d.ts"], folder)
    print("\n".join(found), end="\n" if found else "")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
