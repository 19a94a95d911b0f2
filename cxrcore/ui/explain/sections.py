"""The sections of the Explain page, in their order."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.data.pixels import decode_film, film_file, limits
from cxrcore.data.splits import PART_WORDS
from cxrcore.errors import FilmError
from cxrcore.explain.method_names import HIRES, MEANINGS, METHODS, SHARED, SLOW
from cxrcore.findings import display_name
from cxrcore.glossary import NOT_FOR_DIAGNOSIS
from cxrcore.queries import chosen_film, explained_films, film_pixels, from_store, run_groups
from cxrcore.queries.board_state import read_state
from cxrcore.queries.chosen_film import ChosenFilm, RunFilms
from cxrcore.queries.evaluated_runs import evaluated
from cxrcore.queries.explained_films import Explained, Look
from cxrcore.store import Store
from cxrcore.store.lost_file import why_missing
from cxrcore.store.run_folder import BEST
from cxrcore.ui import link, widgets
from cxrcore.ui.explain import map_views, score_views
from cxrcore.ui.explain.map_views import OneRun
from cxrcore.ui.link import in_link
from cxrcore.ui.run_pages import RunsPage
from cxrcore.ui.widgets import escape

MAX_RUNS = 4
EXAMPLE_WIDTH = 150  # pixels
DIFFERENT = 1e-4  # from which a score is not the stored one


# -- controls


def pick_runs(page: RunsPage) -> pd.DataFrame:
    """The runs to ask, the first in focus; ends the page where none has a checkpoint."""
    store, labels, chosen = page.store, page.labels, page.chosen
    page.pick_several("explain_picker", f"Pick up to {MAX_RUNS} runs by name")
    if not chosen:
        ready = [run_id for run_id in page.best() or list(page.pickable["run_id"])
                 if store.run_file(run_id, BEST)]
        chosen = ready[:1] or list(page.pickable["run_id"][:1])
    chosen = page.at_most(MAX_RUNS, chosen, "asked")
    asked = [run_id for run_id in chosen if store.run_file(run_id, BEST)]
    if warned := run_groups.warned(page.rows(chosen)):
        widgets.warned_badge({labels[run_id]: marks for run_id, marks in warned.items()})
    for run_id in chosen:
        if run_id not in asked:
            st.info(f"{escape(labels[run_id])} has no checkpoint ({escape(BEST)}), so it cannot score "
                    f"a film: {escape(why_missing(store, run_id))}.", icon=":material/info:")
    if not asked:
        st.stop()
    return page.rows(asked).set_index("run_id", drop=False).assign(label=[labels[one] for one in asked])


def films_of(store: Store, overview: from_store.Overview, runs: pd.DataFrame) -> RunFilms:
    """The films of the first run's data set."""
    return chosen_film.films_of(store, runs.iloc[0], overview.runs, overview.datasets)


def finding_picker(overview: from_store.Overview, runs: pd.DataFrame) -> str:
    """A finding of the first run's data set, which stands in the link; ends the page at an unknown one."""
    findings = overview.labels_of(runs.iloc[0]["dataset_id"])[0].findings
    return widgets.finding_picker(findings, "The finding whose map is shown.")


def method_picker() -> str:
    """A key of `METHODS`; ends the page at an unknown one."""
    label = widgets.choice_in_link("Method", "method", list(METHODS), MEANINGS)
    if label is None:
        st.stop()
    return label


def view_picker(n_runs: int) -> str:
    """Of `map_views.VIEWS`."""
    link.take_new_word("show", map_views.OLD_ALL, map_views.ALL)
    views = map_views.VIEWS if n_runs > 1 else map_views.VIEWS[:-1]
    return st.segmented_control("Show", views, default=views[0], required=True, **in_link("show"),
                                help="One map large, the maps of all findings, or one finding by all methods or runs.")


# -- the film


def upload() -> list:
    """The uploaded files."""
    decode_film.PROCESSES.warm()
    return st.file_uploader("Film: PNG, JPEG or DICOM", accept_multiple_files=True, key="film_upload",
                            max_upload_size=limits.MAX_BYTES // 1_000_000, on_change=_leave_stored,
                            help="It is scored on this machine, and kept nowhere.")


def choose_film(store: Store, films: RunFilms, runs: pd.DataFrame, finding: str, files: list) -> ChosenFilm | None:
    """An uploaded film, or the stored one that the link names; None until there is one.

    Args:
        files: of `upload`.
    """
    size = chosen_film.size_of(runs.iloc[0])
    asked = st.query_params.get("film")
    if asked:
        return chosen_film.stored(store, films, asked, size)
    if not files:
        _offer_examples(store, runs.iloc[0]["dataset_id"], films, finding, size)
        return None
    names = [f"{place}. {file.name}" if len(files) > 1 else file.name for place, file in enumerate(files, 1)]
    place = 0
    if len(files) > 1:
        place = names.index(st.radio("Uploaded films", names, format_func=escape, horizontal=True, key="film_which"))
    try:
        return chosen_film.uploaded(store, films, files[place].getvalue(), files[place].name, size)
    except FilmError as error:
        st.error(escape(f"{files[place].name}: {error}"), icon=":material/error:")
        return None


def _leave_stored() -> None:
    """An upload takes the place of a stored film."""
    st.query_params.pop("film", None)


def _offer_examples(store: Store, dataset_id: str, films: RunFilms, finding: str, size: int) -> None:
    found = chosen_film.examples(store, films, finding, size)
    if not found:
        st.info("Upload a film to begin.", icon=":material/upload:")
        return
    st.markdown(f"Or take a test film labelled **{display_name(finding)}**:")
    held = film_pixels.films_of(store, dataset_id)
    with st.container(horizontal=True):
        for image_id in found:
            with st.container(width=EXAMPLE_WIDTH, gap="xsmall"):
                if held and (pixels := held.film(image_id)) is not None:
                    st.image(pixels, width="stretch", alt=f"Film {image_id}")
                st.button(escape(image_id), key=f"example_{image_id}", width="stretch", on_click=_take,
                          args=(image_id,))


def _take(image_id: str) -> None:
    st.query_params["film"] = image_id


def say_film(film: ChosenFilm, films: RunFilms) -> None:
    """What was read, and whether the network has seen it in training."""
    height, width = film.film.pixels.shape
    known = f" · film {escape(film.image_id)} of the data set" if film.image_id and film.image_id != film.name else ""
    where = f" · {PART_WORDS[film.part]} split" if film.part else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{escape(film.name)}** · {escape(film.film.kind)}, {width} × {height} pixels{known}{where}",
                    width="content")
        if film.image_id == film.name:
            st.button("Another film", icon=":material/close:", type="tertiary", on_click=_leave_stored)
    if film.film.notes:
        st.caption("Read as: " + escape("; ".join(film.film.notes)) + ".")
    if film.image_id:
        labels, known = films.labels_of(film.image_id), films.known_labels(film.image_id)
        without = "no finding" if len(known) == len(films.findings) else "no known finding"
        st.caption(f"Labelled: {escape(', '.join(labels)) or without}.")
    if film.part == "train":
        st.warning("This film is in the run's training split: the network has seen it with its labels, so its scores "
                   "and maps say little of what it does on new films.", icon=":material/warning:")
    elif film.image_id and film.part is None:
        st.info("Whether this run was trained on this film is not known: its split cannot be drawn again here.",
                icon=":material/info:")


def asked_for(film: ChosenFilm) -> bool:
    """Whether the person has seen enough of the film alone; shows it until then."""
    key = f"guessed_{explained_films.film_key(film.film.pixels)}"
    if st.session_state.get(key):
        return True
    st.markdown("Look first: which findings do you see, and where?")
    st.image(film.film.pixels, width=560)
    st.button("Show what the network says", type="primary", on_click=lambda: st.session_state.update({key: True}))
    return False


# -- what the networks say


def score(store: Store, runs: pd.DataFrame, film: ChosenFilm) -> list[OneRun]:
    """Every run's network asked, with Grad-CAM's maps on the way."""
    overview = from_store.overview(store)
    styles = link.styles(runs.index)
    shown = []
    for run in evaluated(runs.reset_index(drop=True), overview, dict(zip(runs.index, runs["label"], strict=True))):
        loaded = explained_films.load_network(store, run.run_id)
        small = film_file.resize(film.film.pixels, loaded.image_size)
        found = explained_films.explained(loaded, small, METHODS["Grad-CAM"])
        own = link.thresholds_in_link() if run.run_id == runs.index[0] else (None, None, [])
        state = read_state(store, run, *own)
        scores = score_views.film_scores(store, run, styles[run.run_id], loaded.findings, found.scores, state)
        shown.append(OneRun(loaded, scores, small))
    return shown


def say_check(one: OneRun) -> None:
    """Whether the film looks like those that the first run was trained on; asked before any score is shown."""
    if one.loaded.checked is None:
        st.caption("This run has no input check: nothing tells whether this is a film of the kind it was trained on. "
                   "Evaluating it again makes one.")
        return
    checked = one.loaded.checked(one.small)
    if checked.reason:
        st.warning(f"Beware: this image {explained_films.reason(checked.reason)}. It is {checked.distance:.1f} times "
                   "as far from the training films as the limit. The scores below may mean nothing.",
                   icon=":material/warning:")
    with st.popover("Input check", icon=":material/rule:"):
        st.markdown(f"Distance to the run's training films, in the network's own features: **{checked.distance:.2f}** "
                    f"of the limit; {checked.percentile:.0f} % of such films are nearer.")
        st.caption(f"How good the check is, measured on films that took no part in it: {escape(one.loaded.measured)}")


def draw_scores(store: Store, films: RunFilms, film: ChosenFilm, shown: Sequence[OneRun]) -> None:
    """Scores of all findings, and whether they are those that were stored."""
    st.header("Scores", anchor=False)
    labels = films.known_labels(film.image_id) if film.image_id else None
    score_views.draw_scores([one.scores for one in shown], labels)
    if film.image_id is None:
        return
    for one in shown:
        run = one.scores.run
        kept = chosen_film.stored_scores(store, [run.read_own(part) for part in run.parts], film.image_id)
        apart = max((abs(kept[finding] - one.scores.of(finding)[0]) for finding in one.scores.findings
                     if finding in kept and not np.isnan(kept[finding])), default=None)
        if apart is not None:
            same = "the same as" if apart <= DIFFERENT else f"up to {apart:.2g} away from"
            st.caption(f"{escape(run.label)}: these scores are {same} those that its evaluation stored for this film "
                       f"(largest difference {apart:.1e}).")


def draw_maps(film: ChosenFilm, shown: Sequence[OneRun], finding: str, method: str, view: str,
              look: Look) -> Callable[[], np.ndarray]:
    """The maps; gives what draws the first run's for a download."""
    st.header("Where the network looked", anchor=False)
    _say_method(shown[0], method)
    first = _explained(shown[0], finding, method)
    if view == map_views.ALL and method == SLOW:
        st.info("Score-CAM explains one finding at a time; the maps of all findings are there by the other methods.",
                icon=":material/info:")
    elif first is None:
        pass
    elif view == map_views.ALL and method != SHARED:
        map_views.all_findings(film, shown[0], first, look)
    elif view == map_views.METHODS_VIEW:
        quick = [name for name in METHODS if name != SLOW]
        map_views.side_by_side(film, finding, look, [
            (name, shown[0], found) for name in quick if (found := _explained(shown[0], finding, name))])
    elif view == map_views.RUNS_VIEW and len(shown) > 1:
        asked = [one for one in shown if _knows(one, finding)]
        map_views.side_by_side(film, finding, look, [
            (one.scores.run.label, one, found) for one in asked if (found := _explained(one, finding, method))])
    else:
        map_views.large(film, shown[0], first, finding, method, look)
    st.caption(NOT_FOR_DIAGNOSIS)
    used = first or explained_films.explained(shown[0].loaded, shown[0].small, METHODS["Grad-CAM"])
    return lambda: explained_films.drawn(film.film.pixels, used, finding, map_views.opacity_of(shown[0], finding), look)


def stop_where_unknown(one: OneRun, finding: str) -> None:
    """End the page where the first run's network has no output for the finding."""
    if not _knows(one, finding):
        st.stop()


def _knows(one: OneRun, finding: str) -> bool:
    """Whether the network has an output for the finding; says so where it has none."""
    there = finding in one.loaded.findings
    if not there:
        st.info(f"The network of {escape(one.scores.run.label)} does not know {display_name(finding)}, so it has no "
                "map of it.", icon=":material/info:")
    return there


def _explained(one: OneRun, finding: str, method: str) -> Explained | None:
    """The maps by this method; None while a slow one has not been asked for."""
    if method != SLOW:
        return explained_films.explained(one.loaded, one.small, METHODS[method])
    key = f"scorecam {one.loaded.key} {explained_films.film_key(one.small)} {finding}"
    if key not in st.session_state:
        if not st.button(f"Run Score-CAM for {display_name(finding)} on {escape(one.scores.run.label)}",
                         key=f"slow_{one.scores.run.run_id}"):
            return None
        st.session_state[key] = map_views.with_progress(
            lambda told: explained_films.explained_slowly(one.loaded, one.small, METHODS[SLOW], finding, told), SLOW)
    return st.session_state[key]


def _say_method(one: OneRun, method: str) -> None:
    if method == SHARED:
        st.caption("EigenCAM does not depend on the finding: one map for all of them.")
    elif method == HIRES and explained_films.pooled_head(one.loaded.architecture):
        st.caption("On this network HiResCAM equals Grad-CAM: what follows the layer is a mean and one linear layer.")


def say_where(overview: from_store.Overview, runs: pd.DataFrame, statuses: Mapping[str, str]) -> None:
    """Badges of the data that the first run was trained on."""
    group = run_groups.groups(runs.iloc[:1].drop(columns=["label"]).reset_index(drop=True), overview.board,
                              overview.datasets, statuses, "test")[0]
    widgets.badges(group)

