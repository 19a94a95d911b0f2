"""The board's script and style as texts: the page and the report run the very same."""

from pathlib import Path

from cxrcore.charts.sources import script, sent

# The last has the default export.
SCRIPTS = ("../elements.js", "counts.js", "draw.js", "totals.js", "aims.js", "panel.js", "input.js", "typing.js",
           "board.js")
_HERE = Path(__file__).parent

STYLE, SCRIPT = sent(_HERE / "board.css"), script(_HERE, *SCRIPTS)
