"""The checks of the source stay as strict as they are, and the same everywhere."""

import re
import tomllib

import javascript
import pytest

from cxrcore.charts.board import assets
from cxrcore.charts.sources import sent
from cxrcore.config import PROJECT_ROOT

SETTINGS = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
REQUIRED = (PROJECT_ROOT / "requirements.txt").read_text(encoding="utf-8")
RULES = {"E", "F", "B", "UP", "C90", "RUF", "D", "ANN", "SIM", "C4", "RET", "PIE", "PERF", "I", "TID", "ICN"}
STRICT = {"cxrcore/measures", "cxrcore/store", "cxrcore/queries"}
MOST_IGNORES = {"noqa": 0, "ty: ignore": 8}  # in the product


def source_of(name: str) -> str:
    return (PROJECT_ROOT / name).read_text(encoding="utf-8")


def test_ruff_asks_for_what_was_agreed():
    lint = SETTINGS["ruff"]["lint"]
    assert set(lint["select"]) >= RULES and len(lint["ignore"]) <= 8
    assert set(lint["per-file-ignores"]) == {"tests/**"}


def test_the_type_checker_reads_everything_and_is_strict_where_others_build():
    assert set(SETTINGS["ty"]["src"]["include"]) == {"app.py", "cxrcore", "pages", "scripts"}
    assert "rules" not in SETTINGS["ty"]  # nothing is switched off everywhere
    [strict] = SETTINGS["ty"]["overrides"]
    assert set(strict["include"]) == STRICT and all((PROJECT_ROOT / room).is_dir() for room in STRICT)
    assert strict["rules"]["all"] == "error" and len(strict["rules"]) <= 4


@pytest.mark.parametrize("mark", MOST_IGNORES)
def test_few_places_are_excepted(mark):
    files = [path for folder in SETTINGS["ty"]["src"]["include"] for path in (PROJECT_ROOT / folder).rglob("*.py")]
    found = [path.name for path in files for _ in re.findall(rf"# {mark}\b", path.read_text(encoding="utf-8"))]
    assert len(files) > 200 and len(found) <= MOST_IGNORES[mark], found


def test_checkers_are_pinned():
    assert {name for name in ("ruff", "ty", "oxlint") if re.search(rf"^{name}==[\d.]+$", REQUIRED, re.M)} == {
        "ruff", "ty", "oxlint"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", javascript.TYPESCRIPT)


def test_commits_and_test_runs_are_checked_by_the_same_script():
    hooks = source_of(".pre-commit-config.yaml")
    parts = re.findall(r"entry: bash scripts/check\.sh (\w+)$", hooks, re.M)
    assert sorted(parts) == ["javascript", "ruff", "types"] and re.findall(r"repo: (\S+)", hooks) == ["local"]
    assert "set -- ruff types javascript" in source_of("scripts/check.sh")
    assert "bash scripts/check.sh\n" in source_of("scripts/test.sh")


def test_the_javascript_is_checked_as_browsers_get_it():
    there = {path.relative_to(PROJECT_ROOT).as_posix() for path in (PROJECT_ROOT / "cxrcore").rglob("*.js")}
    assert {name for files in javascript.MODULES.values() for name in files} == there
    files = javascript.MODULES["board.js"]
    text = javascript.joined(files)
    board = files[:len(assets.SCRIPTS)]
    assert "\n".join(sent(PROJECT_ROOT / name) for name in board) == assets.SCRIPT
    for number, line in enumerate(text.splitlines(), 1):
        name, own = javascript.place(files, number)
        assert [*source_of(name).splitlines(), ""][own - 1] == line


def test_messages_name_the_file_that_people_edit():
    board = javascript.MODULES["board.js"]
    first = len(source_of(board[0]).splitlines())
    assert javascript.told(f"board.js({first + 4},7): error TS2322: wrong") == [
        f"{board[1]}:3:7: error TS2322: wrong"]
    assert javascript.told("keys.js:5:1: odd") == ["cxrcore/ui/present/keys.js:5:1: odd"]
