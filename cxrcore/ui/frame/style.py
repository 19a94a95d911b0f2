"""What every page's HTML brings along: the frame's style, what it waits for, and what of Streamlit's comes first."""

from pathlib import Path

import streamlit

_HERE = Path(__file__).parent
_SCRIPTS = Path(streamlit.__file__).parent / "static" / "static" / "js"
_WANTED = ("Html", "BidiComponent")  # asked for with a page's first content, which waits for them otherwise

STYLE = f"<style>{''.join((_HERE / name).read_text(encoding='utf-8') for name in ('frame.css', 'rooms.css'))}</style>"
_PRELOADED = "".join(f'<link rel="modulepreload" crossorigin href="./static/js/{path.name}">'
                    for name in _WANTED for path in sorted(_SCRIPTS.glob(f"{name}.*.js")))
IN_HEAD = _PRELOADED + f"<script>{(_HERE / 'waits.js').read_text(encoding='utf-8')}</script>"
