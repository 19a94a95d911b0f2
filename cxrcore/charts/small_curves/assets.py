"""The script and style of the small curves as texts."""

from pathlib import Path

SCRIPTS = ("panel.js", "files.js", "curves.js")  # the last has the default export


def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


STYLE, SCRIPT = _read("curves.css"), "\n".join(map(_read, SCRIPTS))
