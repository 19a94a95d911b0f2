"""The leaderboard's script and style as texts."""

from pathlib import Path

from cxrcore.charts.sources import script, sent

SCRIPTS = ("../elements.js", "rows.js", "leaderboard.js")  # the last has the default export
_HERE = Path(__file__).parent

STYLE, SCRIPT = sent(_HERE / "leaderboard.css"), script(_HERE, *SCRIPTS)
