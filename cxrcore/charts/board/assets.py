"""The board's script and style as texts: the page and the report run the very same."""

from pathlib import Path

# The last has the default export.
SCRIPTS = ("counts.js", "decide.js", "draw.js", "totals.js", "aims.js", "panel.js", "input.js", "typing.js", "band.js",
           "modes.js", "mode_lines.js", "modes_rows.js", "modes_panel.js", "beside.js", "strip.js", "board.js")
STYLES = ("board.css", "modes.css")


def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


STYLE, SCRIPT = ("\n".join(map(_read, names)) for names in (STYLES, SCRIPTS))
TELLER = _read("teller.js")  # of a component beside the board's own
