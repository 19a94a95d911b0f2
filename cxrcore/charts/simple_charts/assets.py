"""The script and style of simple charts as texts."""

from pathlib import Path

from cxrcore.charts.sources import script, sent

SCRIPTS = ("../elements.js", "../outlines.js", "../picture_files.js", "texts.js", "rows.js", "columns.js", "reader.js",
           "chart.js")  # the last has the default export
_HERE = Path(__file__).parent

STYLE, SCRIPT = sent(_HERE / "chart.css"), script(_HERE, *SCRIPTS)
