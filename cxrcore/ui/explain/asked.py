"""What the networks say of a film: scores, maps by one method or by several, and the same with a patch over it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.charts.film_viewer.payload import Layer, no_maps
from cxrcore.data.pixels import film_file
from cxrcore.explain import overlay as overlays
from cxrcore.explain.method_names import METHODS, SLOW
from cxrcore.findings import display_name
from cxrcore.queries import explained_films, from_store
from cxrcore.queries.board_state import read_state
from cxrcore.queries.evaluated_runs import Evaluated, evaluated
from cxrcore.queries.explained_films import Explained, Loaded
from cxrcore.store import Store
from cxrcore.ui import link
from cxrcore.ui.explain import score_views
from cxrcore.ui.explain.score_views import FilmScores

QUICK = [name for name in METHODS if name != SLOW]
BASE = "Grad-CAM"  # scores come with its maps


@dataclass(frozen=True)
class OneRun:
    """A run beside its scores of the film; `small` is the film at its network's size, uint8 (S, S)."""

    loaded: Loaded
    scores: FilmScores
    small: np.ndarray

    @property
    def label(self) -> str:
        """The run's name."""
        return self.scores.run.label

    def opacity(self, finding: str) -> float:
        """min(1, score / threshold): an unlikely finding does not glow."""
        return overlays.opacity(*self.scores.of(finding))

    def over(self, pixels: np.ndarray) -> "OneRun":
        """The same run, asked of another film, uint8 (H, W); calibrated values and percentiles stay those of before."""
        small = film_file.resize(pixels, self.loaded.image_size)
        found = explained_films.explained(self.loaded, small, METHODS[BASE])
        return OneRun(self.loaded, replace(self.scores, scores=found.scores), small)


def runs_to_ask(store: Store, runs: pd.DataFrame) -> list[Evaluated]:
    """The runs with what was measured of them."""
    overview = from_store.overview(store)
    return evaluated(runs.reset_index(drop=True), overview, dict(zip(runs.index, runs["label"], strict=True)))


def ask(store: Store, runs: Sequence[Evaluated], pixels: np.ndarray, told: Callable[[str], None]) -> list[OneRun]:
    """Every run's network asked, the first in focus, whose thresholds are those of the link.

    Args:
        pixels: of the film, uint8 (H, W).
        told: which run is asked next.
    """
    styles = link.styles(run.run_id for run in runs)
    shown = []
    for place, run in enumerate(runs):
        told(run.label)
        loaded = explained_films.load_network(store, run.run_id)
        small = film_file.resize(pixels, loaded.image_size)
        found = explained_films.explained(loaded, small, METHODS[BASE])
        state = read_state(store, run, *(link.thresholds_in_link() if place == 0 else (None, None, [])))
        scores = score_views.film_scores(store, run, styles[run.run_id], loaded.findings, found.scores, state)
        shown.append(OneRun(loaded, scores, small))
    return shown


def nearest_to_alarm(scores: FilmScores) -> list[str]:
    """The findings, the one with the greatest score for its threshold first."""
    ratio = scores.scores / np.maximum(scores.thresholds, 1e-6)
    return [scores.findings[k] for k in np.argsort(-ratio, kind="stable")]


def maps_of(one: OneRun, method: str) -> Explained | None:
    """All its maps by a method; of the slow one those that were asked for, None where none was.

    Of a network whose maps are off they are empty, and by all methods the same.
    """
    if method != SLOW or one.loaded.maps.why_off:
        method = BASE if one.loaded.maps.why_off else method
        return explained_films.explained(one.loaded, one.small, METHODS[method])
    made = [found for finding in one.loaded.findings if (found := st.session_state.get(_slow_key(one, finding)))]
    if not made:
        return None
    cells, low, high = (np.concatenate([getattr(found.small, name) for found in made])
                        for name in ("cells", "low", "high"))
    return Explained(tuple(found.findings[0] for found in made), np.concatenate([found.maps for found in made]),
                     replace(made[0].small, cells=cells, low=low, high=high),
                     np.concatenate([found.energy for found in made]), made[0].logits, made[0].scores)


def layer_of(one: OneRun, place: int, title: str, found: Explained | None) -> Layer:
    """A network's maps for the viewer; place: the network's among those shown."""
    if found is None:
        return no_maps(title, place)
    small = found.small
    return Layer(title, place, found.findings, small.cells, small.low, small.high, small.size, small.offset,
                 bool(found.off))


def offer_slow(one: OneRun, finding: str) -> None:
    """A button for the slow method where it has not been asked for this finding; its bar can be left."""
    key = _slow_key(one, finding)
    if finding not in one.loaded.findings or key in st.session_state or one.loaded.maps.why_off:
        return
    if st.button(f"Run Score-CAM for {display_name(finding)} on {one.label}", key=f"slow_{one.scores.run.run_id}"):
        st.session_state[key] = _with_progress(
            lambda told: explained_films.explained_slowly(one.loaded, one.small, METHODS[SLOW], finding, told))
        st.rerun()


def _slow_key(one: OneRun, finding: str) -> str:
    return f"scorecam {one.loaded.key} {explained_films.film_key(one.small)} {finding}"


def _with_progress(run: Callable[[Callable[[int, int], None]], Explained]) -> Explained:
    """A click on Cancel, or on anything else, stops it."""
    slot = st.empty()
    with slot.container():
        bar = st.progress(0.0, f"{SLOW}: the network looks at the film once for each of its channels")
        st.button("Cancel", key="explain_cancel")

    def told(done: int, total: int) -> None:
        # Here Streamlit ends a script that another click has made pointless.
        bar.progress(done / total, f"{SLOW}: {done} of {total} channels")

    found = run(told)
    slot.empty()
    return found
