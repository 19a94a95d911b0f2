"""The viewer's script and style as texts: pages and reports run the very same."""

from pathlib import Path

from cxrcore.charts.sources import script, sent

SCRIPTS = ("../elements.js", "heat.js", "film.js", "stage.js", "pointer.js", "panels.js", "rows.js",
           "viewer.js")  # the last has the default export
FILMS = ("../elements.js", "heat.js", "film.js", "stage.js", "pointer.js", "films.js")  # side by side
PEEK = ("heat.js", "peek.js")
_HERE = Path(__file__).parent

STYLE, SCRIPT = sent(_HERE / "viewer.css"), script(_HERE, *SCRIPTS)
PEEK_STYLE, PEEK_SCRIPT = sent(_HERE / "peek.css"), script(_HERE, *PEEK)
FILMS_STYLE, FILMS_SCRIPT = STYLE + sent(_HERE / "films.css"), script(_HERE, *FILMS)
