"""The dashboard for a server that others look at: `streamlit run cxrcore/ui/serve.py`.

The same app with one address more, /health, which says in JSON whether the store can be read: 200 where it can, 503
where it cannot. Streamlit's own /_stcore/health says that the server answers.
"""

import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from cxrcore import __version__
from cxrcore.config import PROJECT_ROOT, default_store, is_read_only
from cxrcore.store import Store


def health(request: Request) -> JSONResponse:
    """No path and no error text goes out: anybody may ask."""
    trouble = Store(default_store()).trouble()
    return JSONResponse({"server": "ok", "store": "cannot be read" if trouble else "ok", "version": __version__,
                         "read_only": is_read_only()}, 503 if trouble else 200)


app = st.App(PROJECT_ROOT / "app.py", routes=[Route("/health", health)])
