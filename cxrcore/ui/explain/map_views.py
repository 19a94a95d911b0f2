"""The maps of one film: a finding large, all of them at once, methods or runs side by side, and how they are drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from cxrcore.charts.film_view import film_view
from cxrcore.explain import overlay as overlays
from cxrcore.findings import display_name
from cxrcore.measures.thresholds.positions import rounded
from cxrcore.queries.chosen_film import ChosenFilm
from cxrcore.queries.explained_films import COLOURS, SMALL, STRONGEST, Explained, Loaded, Look, drawn
from cxrcore.ui import widgets
from cxrcore.ui.explain.score_views import FilmScores
from cxrcore.ui.film_tiles import Tile, wall
from cxrcore.ui.link import in_link

ALL, METHODS_VIEW, RUNS_VIEW = "All findings", "Methods", "Runs"
VIEWS = ("One finding", ALL, METHODS_VIEW, RUNS_VIEW)
OLD_ALL = "All 14"  # `ALL` in links of earlier versions
COLOURS_KEY, CONTOUR_KEY, STRENGTH_KEY = "colours", "contour", "opacity"


@dataclass(frozen=True)
class OneRun:
    """A run beside its scores of the film; `small` is the film at its network's size, uint8 (S, S)."""

    loaded: Loaded
    scores: FilmScores
    small: np.ndarray


def look_popover() -> Look:
    """Opacity, colour map and outline; they stand in the link."""
    with st.popover("Look", icon=":material/palette:", help="How maps are drawn"):
        strength = st.slider("Opacity (%)", 0, 100, STRONGEST, 5, **in_link(STRENGTH_KEY),
                             help="Of the hottest place, where the finding's score reaches its threshold. Below it, "
                                  "maps are fainter, as much as the score is smaller than the threshold.")
        colours = st.segmented_control("Colours", COLOURS, default=COLOURS[0], required=True,
                                       **in_link(COLOURS_KEY), help="All but jet can be read without colour vision.")
        contour = st.toggle("Outline only", **in_link(CONTOUR_KEY),
                            help="A line around the hottest fifth of the map instead of colour")
    return Look(strength / 100, colours, contour)


def opacity_of(one: OneRun, finding: str) -> float:
    """min(1, score / threshold): an unlikely finding does not glow."""
    return overlays.opacity(*one.scores.of(finding))


def large(film: ChosenFilm, one: OneRun, explained: Explained, finding: str, method: str, look: Look) -> np.ndarray:
    """The film and the map beside each other; gives the overlay for the downloads."""
    pixels = film.film.pixels
    over = drawn(pixels, explained, finding, opacity_of(one, finding), look)
    size = over.shape[1::-1]
    widgets.chart(film_view(f"{display_name(finding)} · {method} · {one.scores.run.label}",
                            overlays.resized(pixels, size), over, ("The film", "Where the network looked")),
                  "explained_film", f"The film, and the {method} map of {display_name(finding)} over it")
    st.caption(caption(one, explained, finding) + " Drag over a picture to zoom both; double-click to see all.")
    return over


def caption(one: OneRun, explained: Explained, finding: str) -> str:
    """The numbers behind a map."""
    heat, energy = explained.of(finding)
    score, threshold = one.scores.of(finding)
    logit = explained.logits[one.loaded.findings.index(finding)]
    text = f"Score {score:.4f}, threshold {rounded(threshold)}, logit {logit:+.2f}, energy {energy:.3g}."
    if not heat.any():
        return text + (" The map is empty: nothing speaks for it." if energy == 0 else
                       " The map is flat: no place stands out.")
    shown = opacity_of(one, finding)
    return text if shown == 1 else f"{text} Shown at {shown:.0%} of full colour: the score is below the threshold."


def all_findings(film: ChosenFilm, one: OneRun, explained: Explained, look: Look) -> None:
    """The maps of all findings, those with the highest score for their threshold first."""
    ratio = one.scores.scores / np.maximum(one.scores.thresholds, 1e-6)
    ordered = [one.scores.findings[k] for k in np.argsort(-ratio)]
    wall([_tile(film, explained, finding, one, look, display_name(finding)) for finding in ordered])
    st.caption("Ordered by score over threshold. Maps fade as the score falls below the threshold.")


def side_by_side(film: ChosenFilm, finding: str, look: Look, shown: Sequence[tuple[str, OneRun, Explained]]) -> None:
    """One finding by several methods or runs: (title, run, what it gave)."""
    wall([_tile(film, explained, finding, one, look, title) for title, one, explained in shown])


def _tile(film: ChosenFilm, explained: Explained, finding: str, one: OneRun, look: Look, title: str) -> Tile:
    score, threshold = one.scores.of(finding)
    decision = "alarm" if score >= threshold else "no alarm"
    return Tile(drawn(film.film.pixels, explained, finding, opacity_of(one, finding), look, SMALL), title,
                f"{score:.3f} of {rounded(threshold, '.3f')}, {decision}")


def with_progress(run: Callable[[Callable[[int, int], None]], Explained], method: str) -> Explained:
    """A slow method with a bar; a click on Cancel, or on anything else, stops it.

    Args:
        run: runs it, given what is to be told how many channels are done of how many.
    """
    slot = st.empty()
    with slot.container():
        bar = st.progress(0.0, f"{method}: the network looks at the film once for each of its channels")
        st.button("Cancel", key="explain_cancel")

    def told(done: int, total: int) -> None:
        # Here Streamlit ends a script that another click has made pointless.
        bar.progress(done / total, f"{method}: {done} of {total} channels")

    found = run(told)
    slot.empty()
    return found
