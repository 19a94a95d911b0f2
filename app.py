"""The entry of the workbench: `streamlit run app.py`. Serves the pages and routes to them; shows nothing itself."""

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route

if __name__ == "__main__":  # each run of a visitor's page
    from cxrcore.ui import shell

    shell.navigation().run()
else:  # the server, which has to listen before it imports what pages need
    from cxrcore.explain import freed_memory
    from cxrcore.ui.frame import served, visitor_limits

    freed_memory.give_back()
    app = st.App(__file__, middleware=[Middleware(visitor_limits.VisitorLimits), Middleware(served.StyleInPage)],
                 routes=[Route("/health", served.health)],
                 lifespan=served.importing(("cxrcore.ui.run_pages", "cxrcore.ui.shell")))
