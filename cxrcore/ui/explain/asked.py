"""What the networks say of a film: scores, maps by one method or by several, and the same with a patch over it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.charts.film_viewer import payload
from cxrcore.charts.film_viewer.payload import Layer, awaited_maps, no_maps
from cxrcore.data.pixels import film_file
from cxrcore.explain import overlay as overlays
from cxrcore.explain.method_names import METHODS, SLOW
from cxrcore.findings import display_name
from cxrcore.queries import chosen_film, explained_films, from_store
from cxrcore.queries.board_state import BoardState, read_state
from cxrcore.queries.chosen_film import ChosenFilm
from cxrcore.queries.evaluated_runs import Evaluated, evaluated
from cxrcore.queries.explained_films import Explained, Loaded, Question
from cxrcore.queries.maps import kept_maps
from cxrcore.queries.maps.kept_maps import FilmMaps
from cxrcore.store import Store
from cxrcore.ui import link
from cxrcore.ui.explain import score_views, waiting
from cxrcore.ui.explain.score_views import FilmScores

QUICK = [name for name in METHODS if name != SLOW]
BASE = "Grad-CAM"  # scores come with its maps


@dataclass(frozen=True)
class OneRun:
    """A run beside its scores of the film.

    Attributes:
        loaded: its network; None until that has been asked, where `scores` are those that an evaluation stored, or NaN.
        small: the film at the network's size, uint8 (S, S).
        kept: {method: maps of this film that were made before}, where `loaded` is None.
    """

    loaded: Loaded | None
    scores: FilmScores
    small: np.ndarray
    kept: Mapping[str, FilmMaps] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The run's name."""
        return self.scores.run.label

    @property
    def why_off(self) -> str:
        """Why its maps are off; '' where they are shown, or it is not known yet."""
        return self.loaded.maps.why_off if self.loaded else ""

    def opacity(self, finding: str) -> float:
        """min(1, score / threshold): an unlikely finding does not glow."""
        return overlays.opacity(*self.scores.of(finding))

    def over(self, pixels: np.ndarray, told: Callable[[int], None]) -> "OneRun":
        """The same run, asked of another film, uint8 (H, W); calibrated values and percentiles stay those of before.

        Args:
            told: as for `explained_films.explained`.
        """
        if self.loaded is None:
            return self
        small = film_file.resize(pixels, self.loaded.image_size)
        found = explained_films.explained(self.loaded, small, METHODS[BASE], told)
        return OneRun(self.loaded, replace(self.scores, scores=found.scores), small)


def runs_to_ask(store: Store, runs: pd.DataFrame) -> list[Evaluated]:
    """The runs with what was measured of them."""
    overview = from_store.overview(store)
    return evaluated(runs.reset_index(drop=True), overview, dict(zip(runs.index, runs["label"], strict=True)))


def methods_for(view: str, method: str) -> tuple[str, ...]:
    """The methods, not slow, whose maps a view of the film viewer needs."""
    wanted = QUICK if view == payload.METHODS else [BASE, *[method] * (method in QUICK)]
    return tuple(dict.fromkeys(METHODS[one] for one in wanted))


def questions(store: Store, runs: Sequence[Evaluated], pixels: np.ndarray, methods: Sequence[str]) -> list[Question]:
    """What has to be asked of a film, uint8 (H, W), for a page; loads the networks."""
    made = []
    for place, run in enumerate(runs):
        loaded = explained_films.load_network(store, run.run_id)
        # Of a network whose maps are off they are empty, and by all methods the same.
        wanted = (METHODS[BASE],) if loaded.maps.why_off else tuple(methods)
        made.append(Question(loaded, film_file.resize(pixels, loaded.image_size), wanted, checks=place == 0))
    return made


def answers_at_once(store: Store, runs: Sequence[Evaluated], pixels: np.ndarray, methods: Sequence[str]) -> bool:
    """Whether nothing has to be asked of networks that are known; else that they are in memory, and nobody asks."""
    if not all(explained_films.is_loaded(store, run.run_id) for run in runs):
        return False
    left = [one.loaded for one in questions(store, runs, pixels, methods) if not one.is_at_hand]
    return not left or (explained_films.LINE.is_free and all(loaded.is_held for loaded in left))


def ask(store: Store, runs: Sequence[Evaluated], pixels: np.ndarray, methods: Sequence[str],
        told: Callable[[int], None]) -> list[OneRun]:
    """Every run's network asked, the first in focus, whose thresholds are those of the link.

    Args:
        pixels: of the film, uint8 (H, W).
        methods: of `methods_for`.
        told: as for `explained_films.ask`.
    """
    asked = questions(store, runs, pixels, methods)
    explained_films.ask(asked, told)
    styles = link.styles(run.run_id for run in runs)
    shown = []
    for place, (run, one) in enumerate(zip(runs, asked, strict=True)):
        found = explained_films.explained(one.loaded, one.film, METHODS[BASE], told)
        scores = score_views.film_scores(store, run, styles[run.run_id], one.loaded.findings, found.scores,
                                         _state(store, run, place))
        shown.append(OneRun(one.loaded, scores, one.film))
    return shown


def _state(store: Store, run: Evaluated, place: int) -> BoardState:
    """The thresholds of the link for the first run, of others their own."""
    return read_state(store, run, *(link.thresholds_in_link() if place == 0 else (None, None, [])))


def before_asking(store: Store, runs: Sequence[Evaluated], film: ChosenFilm, findings: Sequence[str],
                  methods: Sequence[str]) -> list[OneRun]:
    """What is known of a film before any network is loaded: stored scores, and maps that were kept.

    Args:
        findings: of the data set, for a run that was never evaluated.
        methods: of `methods_for`.
    """
    styles = link.styles(run.run_id for run in runs)
    shown = []
    for place, run in enumerate(runs):
        names = run.findings or tuple(findings)
        values, kept = np.full(len(names), np.nan, np.float32), {}
        if film.image_id is not None:
            stored = chosen_film.stored_scores(store, [run.read_own(part) for part in run.parts], film.image_id)
            if stored:
                names, values = tuple(stored), np.array(list(stored.values()), np.float32)
            kept = {one: found for one in methods
                    if (found := kept_maps.read(store, run.run_id, one, film.image_id)) is not None}
        scores = score_views.film_scores(store, run, styles[run.run_id], names, values, _state(store, run, place))
        shown.append(OneRun(None, scores, film.film.pixels, kept))
    return shown


def keep_maps(store: Store, film: ChosenFilm, shown: Sequence[OneRun], methods: Sequence[str]) -> None:
    """Leave a stored film's maps beside the store, so that a new server shows them before it has loaded networks."""
    if film.image_id is None:
        return
    for one in shown:
        if one.loaded is None or one.why_off:
            continue
        for method in methods:
            found = explained_films.explained(one.loaded, one.small, method)
            kept_maps.keep(store, one.scores.run.run_id, method, film.image_id, found)


def nearest_to_alarm(scores: FilmScores) -> list[str]:
    """The findings, the one with the greatest score for its threshold first."""
    ratio = scores.scores / np.maximum(scores.thresholds, 1e-6)  # NaN goes last
    return [scores.findings[k] for k in np.argsort(-ratio, kind="stable")]


def maps_of(one: OneRun, method: str) -> Explained | None:
    """All its maps by a method; of the slow one those that were asked for, None where none was.

    Of a network whose maps are off they are empty, and by all methods the same; of one that is still to be asked there
    are none.
    """
    if one.loaded is None:
        return None
    if method != SLOW or one.why_off:
        method = BASE if one.why_off else method
        return explained_films.explained(one.loaded, one.small, METHODS[method])
    made = [found for finding in one.loaded.findings
            if (found := st.session_state.get(_slow_key(one.loaded, one.small, finding)))]
    if not made:
        return None
    cells, low, high = (np.concatenate([getattr(found.small, name) for found in made])
                        for name in ("cells", "low", "high"))
    return Explained(tuple(found.findings[0] for found in made), np.concatenate([found.maps for found in made]),
                     replace(made[0].small, cells=cells, low=low, high=high),
                     np.concatenate([found.energy for found in made]), made[0].logits, made[0].scores)


def layer_of(one: OneRun, place: int, title: str, method: str) -> Layer:
    """A network's maps by a method for the viewer; place: the network's among those shown."""
    found = maps_of(one, method) if one.loaded else one.kept.get(METHODS[method])
    if found is None:
        return no_maps(title, place) if one.loaded else awaited_maps(title, place, one.scores.findings)
    small = found.small
    return Layer(title, place, found.findings, small.cells, small.low, small.high, small.size, small.offset,
                 isinstance(found, Explained) and bool(found.off))


def offer_slow(one: OneRun, finding: str) -> None:
    """A button for the slow method where it has not been asked for this finding; its bar can be left."""
    loaded = one.loaded
    if loaded is None or one.why_off:
        return
    key = _slow_key(loaded, one.small, finding)
    if finding not in loaded.findings or key in st.session_state:
        return
    if st.button(f"Run Score-CAM for {display_name(finding)} on {one.label}", key=f"slow_{one.scores.run.run_id}"):
        st.session_state[key] = _with_progress(
            lambda told, waits: explained_films.explained_slowly(loaded, one.small, METHODS[SLOW], finding, told,
                                                                 waits))
        st.rerun()


def _slow_key(loaded: Loaded, film: np.ndarray, finding: str) -> str:
    return f"scorecam {loaded.key} {explained_films.film_key(film)} {finding}"


def _with_progress(run: Callable[[Callable[[int, int], None], Callable[[int], None]], Explained]) -> Explained:
    """A click on Cancel, or on anything else, stops it."""
    slot = st.empty()
    with slot.container():
        bar = st.progress(0.0, f"{SLOW}: the network looks at the film once for each of its channels")
        st.button("Cancel", key="explain_cancel")

    def told(done: int, total: int) -> None:
        # Here Streamlit ends a script that another click has made pointless.
        bar.progress(done / total, f"{SLOW}: {done} of {total} channels")

    def waits(before: int) -> None:
        bar.progress(0.0, f"{SLOW}: {waiting.in_words(before)}")

    found = run(told, waits)
    slot.empty()
    return found
