"""The viewer's script and style as texts: pages and reports run the very same."""

from pathlib import Path

SCRIPTS = ("../elements.js", "heat.js", "film.js", "stage.js", "pointer.js", "panels.js", "rows.js",
           "viewer.js")  # the last has the default export
FILMS = ("../elements.js", "heat.js", "film.js", "stage.js", "pointer.js", "films.js")  # side by side
PEEK = ("heat.js", "peek.js")


def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


STYLE, SCRIPT = _read("viewer.css"), "\n".join(map(_read, SCRIPTS))
PEEK_STYLE, PEEK_SCRIPT = _read("peek.css"), "\n".join(map(_read, PEEK))
FILMS_STYLE, FILMS_SCRIPT = STYLE + _read("films.css"), "\n".join(map(_read, FILMS))
