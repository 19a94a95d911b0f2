"""The script and style of the small curves as texts."""

from pathlib import Path

from cxrcore.charts.sources import script, sent

# The last has the default export.
SCRIPTS = ("../outlines.js", "../picture_files.js", "panel.js", "files.js", "curves.js")
_HERE = Path(__file__).parent

STYLE, SCRIPT = sent(_HERE / "curves.css"), script(_HERE, *SCRIPTS)
