"""Home: the best run's line to drag, a film with its map, the leaderboard, what trains, and where to go from here."""

from cxrcore.queries import from_store
from cxrcore.ui import shell
from cxrcore.ui.home import body
from cxrcore.ui.runs import empty_store, live_training

with shell.open_page("home") as store:
    overview = from_store.overview(store)
    if overview.runs.empty:
        empty_store.offer(store)
        live_training.follow(store, overview, {})
    else:
        body.show(store, overview)
