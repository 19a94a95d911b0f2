"""What stands behind the scores of a film: where it comes from, the input check, thresholds, and all numbers."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from cxrcore.data.splits import PART_WORDS
from cxrcore.explain.method_names import HIRES
from cxrcore.glossary import NOT_FOR_DIAGNOSIS, meaning
from cxrcore.queries import chosen_film, explained_films
from cxrcore.queries.chosen_film import ChosenFilm, RunFilms
from cxrcore.queries.explained_films import Loaded
from cxrcore.store import Store
from cxrcore.ui import widgets
from cxrcore.ui.explain import asked, score_views
from cxrcore.ui.explain.asked import OneRun
from cxrcore.ui.frame import frame
from cxrcore.ui.widgets import escape

DIFFERENT = 1e-4  # from which a score is not the stored one


def say_film(film: ChosenFilm, films: RunFilms) -> None:
    """What was read, in a line."""
    height, width = film.film.pixels.shape
    parts = [f"**{escape(film.name)}**", f"{escape(film.film.kind)}, {width} × {height} pixels"]
    if film.image_id and film.image_id != film.name:
        parts.append(f"film {escape(film.image_id)} of the data set")
    if film.part:
        parts.append(f"{PART_WORDS[film.part]} split")
    if film.image_id:
        labels, known = films.labels_of(film.image_id), films.known_labels(film.image_id)
        without = "no finding" if len(known) == len(films.findings) else "no known finding"
        parts.append(f"Labelled: {escape(', '.join(labels)) or without}")
    if film.film.notes:
        parts.append("Read as: " + escape("; ".join(film.film.notes)))
    st.caption(f"{NOT_FOR_DIAGNOSIS} " + " · ".join(parts) + ".")


def warnings_of(store: Store, film: ChosenFilm, shown: Sequence[OneRun]) -> list[str]:
    """What must be known before any score is believed, and where no map is shown."""
    said = [f"{one.label}: the scores that its evaluation stored for this film are others, up to {apart:.2g} away. "
            "Shown is what the network says now." for one in shown
            if (apart := _apart(store, film, one) if one.loaded else None) is not None and apart > DIFFERENT]
    one = shown[0]
    if film.part == "train":
        said.append("This film is in the run's training split: the network has seen it with its labels, so its scores "
                    "and maps say little of what it does on new films.")
    checked = explained_films.checked(one.loaded, one.small) if one.loaded else None
    if checked and checked.reason:
        said.append(f"This image {explained_films.reason(checked.reason)}: the scores may mean nothing.")
    return [*said, *maps_off(shown)]


def maps_off(shown: Sequence[OneRun], on_screen: bool = True) -> list[str]:
    """Of each network whose maps are switched off, that they are and why."""
    alone = " Show and Map above change nothing." if on_screen and len(shown) == 1 else ""
    return [f"Where {one.label} looked is not shown, since its maps did not pass their check: "
            f"{one.why_off}. Its scores do not depend on maps.{alone}"
            for one in shown if one.why_off]


def _say_maps(one: OneRun) -> None:
    """That maps were checked; the six networks' are known to lie right, so nothing is said of them."""
    if one.loaded and one.loaded.maps.is_checked:
        st.caption(f"{escape(one.label)}: {escape(one.loaded.maps.in_words())}.")


def put_numbers(store: Store, film: ChosenFilm, shown: Sequence[OneRun], method: str) -> None:
    """Thresholds, the input check and stored scores, behind *Numbers*."""
    one = shown[0]
    with frame.numbers():
        for each in shown:
            st.caption(f"{escape(each.label)}: thresholds {escape(each.scores.source)}.")
            _say_maps(each)
            _say_stored(store, film, each)
        for text in dict.fromkeys(each.scores.uncalibrated for each in shown):
            if text:
                st.caption(text)
        if film.image_id and film.part is None:
            st.caption("Whether this run was trained on this film is not known: its split cannot be drawn again here.")
        if method == HIRES and one.loaded and one.loaded.maps.pooled:
            st.caption("On this network HiResCAM equals Grad-CAM: what follows the layer is a mean and one linear "
                       "layer.")
        if one.loaded:
            _say_check(one.loaded, one.small)


def _say_check(loaded: Loaded, film: np.ndarray) -> None:
    """Whether a film, uint8 (S, S), looks like those that the first run was trained on."""
    checked = explained_films.checked(loaded, film)
    if checked is None:
        st.caption("This run has no input check: nothing tells whether this is a film of the kind it was trained on. "
                   "Evaluating it again makes one.")
        return
    st.caption(f"Input check: the film's distance to the run's training films, in the network's own features, is "
               f"{checked.distance:.2f} of the limit; {checked.percentile:.0f} % of such films are nearer. "
               f"How good the check is, measured on films that took no part in it: {escape(loaded.measured)}")


def _say_stored(store: Store, film: ChosenFilm, one: OneRun) -> None:
    """Whether the scores of a film of the data set are those that were stored."""
    if one.loaded is None:
        if not one.scores.is_empty:
            st.caption(f"{escape(one.label)}: these scores are those that its evaluation stored for this film; the "
                       "network is being asked.")
        return
    apart = _apart(store, film, one)
    if apart is not None:
        same = "the same as" if apart <= DIFFERENT else f"up to {apart:.2g} away from"
        st.caption(f"{escape(one.label)}: these scores are {same} those that its evaluation stored for this film "
                   f"(largest difference {apart:.1e}).")


def _apart(store: Store, film: ChosenFilm, one: OneRun) -> float | None:
    """How far the scores of a film of the data set are from those that were stored; None where none were."""
    if film.image_id is None:
        return None
    run = one.scores.run
    kept = chosen_film.stored_scores(store, [run.read_own(part) for part in run.parts], film.image_id)
    return max((abs(kept[finding] - one.scores.of(finding)[0]) for finding in one.scores.findings
                if finding in kept and not np.isnan(kept[finding])), default=None)


def draw_table(films: RunFilms, film: ChosenFilm, shown: Sequence[OneRun], method: str) -> None:
    """All numbers of all findings."""
    labels = films.known_labels(film.image_id) if film.image_id else None
    found = [asked.maps_of(one, method) or asked.maps_of(one, asked.BASE) for one in shown]
    table = score_views.scores_table([one.scores for one in shown], labels, found)
    with st.expander("All numbers of this film"):
        widgets.show_table(table.drop(columns=["Run"]) if len(shown) == 1 else table, hide_index=True, placeholder="–",
                           height=(min(len(table), 28) + 1) * 35 + 3, alt="Scores of the film", column_config={
            "Score": widgets.number("score", format="%.4f"), "Threshold": widgets.number("threshold", format="%.4g"),
            "Calibrated": st.column_config.TextColumn(help=meaning("calibrated")),
            "Films behind it": widgets.number("calibrated_on"),
            "Percentile": widgets.number("percentile", format="%.1f"),
            "Logit": st.column_config.NumberColumn(format="%.3f", help="The network's output before the sigmoid."),
            "Energy": st.column_config.NumberColumn(format="%.3g", help="The sum of the map's cells before it is "
                                                                        "scaled: what speaks for the finding.")})
