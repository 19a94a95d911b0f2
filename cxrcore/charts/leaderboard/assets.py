"""The leaderboard's script and style as texts."""

from pathlib import Path

SCRIPTS = ("../elements.js", "rows.js", "leaderboard.js")  # the last has the default export


def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


STYLE, SCRIPT = _read("leaderboard.css"), "\n".join(map(_read, SCRIPTS))
