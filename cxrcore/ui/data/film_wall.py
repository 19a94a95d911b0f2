"""The Data page's films: some of those with a finding, from the prepared map."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.config import PREPARE_COMMAND
from cxrcore.findings import NO_FINDING, display_name
from cxrcore.queries import film_sources
from cxrcore.queries.data_set import Holdings
from cxrcore.queries.film_pixels import FilmMap, film_map
from cxrcore.store import Store
from cxrcore.ui import shell, widgets
from cxrcore.ui.film_tiles import Tile, labels_in_words, wall

FINDING = "finding"  # the picker's key, and so its name in the link
N_TILES = 12
# Smaller than elsewhere, so that many stand beside the chart.
_STYLE = """<style>.st-key-data_films .films { grid-template-columns: repeat(auto-fill, minmax(128px, 1fr)); gap: 8px; }
</style>"""


@st.fragment  # other films do not draw the rest of the page again
def films(store: Store, found: Holdings, kind: str, runs: pd.DataFrame) -> None:
    """Choose a finding, and see films with it.

    Args:
        kind: of the data set.
        runs: of the data set.
    """
    with shell.errors_shown():
        st.html(_STYLE)
        with st.container(horizontal=True, vertical_alignment="center"):
            finding = _finding_picker(found.findings)
            if finding is None:
                return
            turn = st.session_state.setdefault("films_turn", 0)
            st.button("Show others", icon=":material/shuffle:",
                      on_click=lambda: st.session_state.update(films_turn=turn + 1))
        shown = film_map(store, found.dataset_id, kind, found.images, film_sources.sources(runs))
        if shown is None:
            st.info("No films of this data set lie prepared beside this store, so none can be shown. This prepares "
                    "them:", icon=":material/image_not_supported:")
            widgets.command(PREPARE_COMMAND, store)
            return
        _draw(found, shown, finding, turn)


def _finding_picker(findings: Sequence[str]) -> str | None:
    """Choose a finding, or NO_FINDING; None where the link names none that there is."""
    titles = {display_name(finding): finding for finding in (*findings, NO_FINDING)}
    title = widgets.choice_in_link("Finding", FINDING, list(titles), "The label of the films below.",
                                   widgets.finding_title((*findings, NO_FINDING)))
    return None if title is None else titles[title]


def _draw(found: Holdings, shown: FilmMap, finding: str, turn: int) -> None:
    has = ((found.labels == 0).all(axis=1) if finding == NO_FINDING else
           found.labels[:, found.findings.index(finding)] == 1)
    held = shown.holds(found.images["image_id"])
    there = np.flatnonzero(has & held)
    if not len(there):
        st.info(f"None of the {held.sum():,} prepared films has the label {display_name(finding)}.",
                icon=":material/info:")
        return
    drawn = np.sort(np.random.default_rng([turn, len(there)]).permutation(there)[:N_TILES])
    tiles = [_tile(found, shown, row, finding) for row in drawn]
    with st.container(key="data_films"):
        wall(tiles)
    boxed = " Outlined: where the data set says the finding is." if any(tile.boxes for tile in tiles) else ""
    st.caption(f"{len(drawn)} of {len(there):,} prepared films with this label, at {shown.size} pixels a side, "
               f"as networks see them.{boxed}")


def _tile(found: Holdings, shown: FilmMap, row: int, finding: str) -> Tile:
    film = found.images.iloc[row]
    age = "age unknown" if pd.isna(film["age"]) else f"{film['age']:.0f} years"
    known = [age, *(str(film[name]) for name in ("sex", "view") if not pd.isna(film[name]))]
    return Tile(shown.film(film["image_id"]), labels_in_words(found.labels[row], found.findings),
                f"patient {film['patient_id'] or 'unknown'}, " + ", ".join(known),
                _box_shares(found.boxes, film["image_id"], finding, shown.box_side))


def _box_shares(boxes: pd.DataFrame, image_id: str, finding: str, side: int | None
                ) -> list[tuple[float, float, float, float]]:
    """Boxes of a finding on a film as shares of its sides; none where the film's own size is not known."""
    if side is None:
        return []
    own = boxes[(boxes["image_id"] == image_id) & (boxes["finding"] == finding)]
    return [(x, y, width, height) for x, y, width, height in own[["x", "y", "width", "height"]].to_numpy(float) / side]
