"""The report as one HTML file: no server, no network, the board still dragged."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from cxrcore.charts.alone import plotting_code
from cxrcore.charts.board import assets
from cxrcore.charts.film_viewer.assets import FILMS_SCRIPT, FILMS_STYLE
from cxrcore.data.splits import PART_WORDS
from cxrcore.glossary import NOT_FOR_DIAGNOSIS
from cxrcore.queries.comparison import Compared
from cxrcore.queries.run_groups import LEAKY_NOTE, SYNTHETIC_NOTE
from cxrcore.report import board, cautions, sections
from cxrcore.report.contents import Contents
from cxrcore.store.audit_marks import BADGE

N_FILMS = 3


def render_report(contents: Contents, n_films: int = N_FILMS, step: Callable[[str], None] = lambda name: None) -> str:
    """The whole page.

    Args:
        n_films: examples of maps, 0 for none.
        step: told the name of each part before it is made.
    """
    figures, parts = sections.Figures(), {}
    makers: dict[str, Callable[[], str]] = {
        "Leaderboard": lambda: sections.leaderboard_section(contents, figures) + sections.values_section(contents),
        "Thresholds": lambda: _board_section(contents),
        "Curves": lambda: sections.curves_section(contents, figures),
        "Subgroups": lambda: sections.subgroups_section(contents, figures),
        "Maps": lambda: sections.films_section(contents, n_films),
    }
    for title, make in makers.items():
        step(title)
        if made := make():
            parts[title] = made
    told = {"figures": figures.made, "boards": [
        {"payload": board.payload(contents, one), "besides": board.besides(contents, one),
         "source": board.source(contents, one)}
        for one in contents.compared]}
    return _page(contents, parts, told)


def _page(contents: Contents, parts: dict[str, str], told: dict[str, Any]) -> str:
    title = f"Chest X-ray results: {contents.group.title}"
    menu = "".join(f'<a href="#{name.lower()}">{name}</a>' for name in parts)
    body = "".join(f'<section id="{name.lower()}"><h2>{name}</h2>{text}</section>' for name, text in parts.items())
    return f"""<!doctype html>
<html lang="en" data-theme="light">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_read("report.css")}</style>
</head>
<body>
<div class="head"><h1>{escape(title)}</h1><button id="theme" type="button">Light / dark</button></div>
{_about(contents)}
<nav aria-label="Contents">{menu}</nav>
{body}
<script type="text/plain" id="board-style">{assets.STYLE}</script>
<script type="application/json" id="told">{_json(told)}</script>
<script>{plotting_code()}</script>
<script type="module">
{assets.SCRIPT}
{_read("report.js")}
</script>
{_films_code() if "Maps" in parts else ""}
</body>
</html>
"""


def _films_code() -> str:
    """The film viewer, whose words must not meet the board's: a module of its own."""
    return f"""<script type="text/plain" id="films-style">{FILMS_STYLE}</script>
<script type="module">
{FILMS_SCRIPT}
{_read("films.js")}
</script>"""


def _about(contents: Contents) -> str:
    """What was measured, when and on what, and what to beware of."""
    group = contents.group
    marks = [("SYNTHETIC", SYNTHETIC_NOTE)] if group.synthetic else []
    marks += [("leaky split", LEAKY_NOTE)] if group.leaky else []
    badges = "".join(f'<p><span class="badge">{name}</span> {escape(text)}.</p>' for name, text in marks)
    notes = "".join(f"<p>{escape(note)}</p>" for note in contents.notes)
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    n = len(contents.measured)
    source = contents.runs[0].labels.whose or str(contents.dataset["label_source"])
    return (f'<p>{n} run{"s" * (n > 1)}, measured on {PART_WORDS[contents.part]} · {escape(group.split)} · '
            f"{escape(group.draw)} · labels: {escape(source)} · made {made} from "
            f"{escape(contents.store.title)}</p>{badges}{notes}<p><b>{escape(NOT_FOR_DIAGNOSIS)}</b></p>")


def _board_section(contents: Contents) -> str:
    options = "".join(f'<option value="{place}">{escape(one.run.label + _mark(contents, one))}</option>'
                      for place, one in enumerate(contents.compared))
    picker = f'<label>Run <select id="board-run">{options}</select></label> ' if len(contents.compared) > 1 else ""
    return (f"<p>Drag a line, or type a number: F1, recall and all counts follow, counted from all films. {picker}"
            '<span id="moved" class="quiet" role="status"></span></p><div id="board-host"></div>'
            f'<p class="quiet">{escape(cautions.of_board(contents))}</p>')


def _mark(contents: Contents, one: Compared) -> str:
    """Where no badge can stand."""
    return f" · {BADGE}" if one.run.run_id in contents.group.warned else ""


def _json(value: Any) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(value).replace("<", "\\u003c")


def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
