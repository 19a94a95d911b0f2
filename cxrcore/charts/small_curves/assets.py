"""The script and style of the small curves as texts."""

from pathlib import Path

from cxrcore.charts.sources import script, sent

SCRIPTS = ("panel.js", "files.js", "curves.js")  # the last has the default export
_HERE = Path(__file__).parent

STYLE, SCRIPT = sent(_HERE / "curves.css"), script(_HERE, *SCRIPTS)
