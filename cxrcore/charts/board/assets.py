"""The board's script and style as texts: the page and the report run the very same."""

from pathlib import Path

from cxrcore.charts.sources import script, sent

# The last has the default export.
SCRIPTS = ("../elements.js", "counts.js", "decide.js", "draw.js", "totals.js", "aims.js", "panel.js", "scores.js",
           "input.js", "typing.js", "band.js", "modes.js", "mode_lines.js", "modes_rows.js",
           "modes_panel.js", "beside.js", "strip.js", "board.js")
_HERE = Path(__file__).parent

STYLE, SCRIPT = "\n".join(sent(_HERE / name) for name in ("board.css", "modes.css")), script(_HERE, *SCRIPTS)
TELLER = script(_HERE, "teller.js")  # of a component beside the board's own
