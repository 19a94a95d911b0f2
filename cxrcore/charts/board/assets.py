"""The board's script and style as texts: the page and the report run the very same."""

from pathlib import Path

# The last has the default export.
SCRIPTS = ("../elements.js", "counts.js", "draw.js", "totals.js", "aims.js", "panel.js", "input.js", "typing.js",
           "board.js")


def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


STYLE, SCRIPT = _read("board.css"), "\n".join(map(_read, SCRIPTS))
