"""The label queue on the Cases page: doubtful labels are read again, blind, one film at a time, and saved as a set.

The reader sees the film and the question; no score, no label. Y, N and U answer, B goes back.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from cxrcore import ids
from cxrcore.data.splits import PART_WORDS
from cxrcore.errors import WorkbenchError
from cxrcore.evaluation import label_metrics
from cxrcore.evaluation.measure_predictions import RESAMPLING
from cxrcore.findings import display_name
from cxrcore.queries import chosen_film
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.labels import label_queue
from cxrcore.queries.labels.label_queue import NO, RANKINGS, SIDES, UNSURE, YES, Doubtful
from cxrcore.store import Store
from cxrcore.ui import shell, widgets
from cxrcore.ui.finding_picker import ALL
from cxrcore.ui.run_pages import RunsPage

SIZES = (25, 50, 100, 200)
FILM_WIDTH, PANEL_WIDTH, ANSWER_WIDTH = 600, 340, 100  # pixels: film, question and answers all on a desk's screen
_ASKED, _ANSWERS, _AT, _READER, _DONE = (f"queue_{name}" for name in ("asked", "answers", "at", "reader", "done"))
_WORDS = {"Yes": YES, "No": NO, "Unsure": UNSURE}
_KEYS = {"Yes": "y", "No": "n", "Unsure": "u"}
WHAT_IT_IS = ("Films whose label most likely errs, by scores of films that no chosen run was trained on. You see the "
              "film and one question; neither label nor score. What you say becomes a label set with your initials.")


def show_queue(page: RunsPage, runs: Sequence[Evaluated], part: str) -> None:
    """The whole of it: begin, read, save, and what it changed."""
    asked = st.session_state.get(_ASKED)
    if asked is None or asked[0] != _of(runs, part):
        _begin(page.store, runs, part)
        return
    _read(page, runs, part, asked[1])


def _of(runs: Sequence[Evaluated], part: str) -> tuple[str, ...]:
    return tuple(run.prediction_id(part) for run in runs)


# -- begin


def _begin(store: Store, runs: Sequence[Evaluated], part: str) -> None:
    st.markdown(WHAT_IT_IS)
    with st.form("queue_begin", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        reader = st.text_input("Your initials", st.session_state.get(_READER, ""), max_chars=12, width=130,
                               placeholder="such as AB", key="queue_initials")
        titles = {ALL: None} | {display_name(finding): finding for finding in runs[0].read_own(part).findings}
        finding = titles[st.selectbox("Finding", list(titles), width=200, key="queue_finding")]
        side = st.selectbox("Which labels", SIDES, width=200, key="queue_side", help=(
            "Most doubtful: the labels most likely wrong, whatever they say; most of them say yes. Half and half: as "
            "many that say no, mixed, so that the order gives no label away. Or only those that say yes and probably "
            "should not, or that say no and probably miss something."))
        most = st.selectbox("How many", SIZES, 1, width=100, key="queue_most")
        ranking = st.selectbox("Ranked by", list(RANKINGS), width=200, key="queue_ranking", help=(
            "cleanlab: how probable the label is by scores that were made probabilities first. The other: the plain "
            "difference of label and score."))
        go = st.form_submit_button("Begin", type="primary")
    if not go:
        return
    name = reader.strip()
    if not ids.is_one(ids.LABELS, name):
        st.warning("Type your initials first: letters and digits, such as AB.", icon=":material/edit:")
        return
    with shell.errors_shown():
        label_queue.require_reader(store, runs[0].read_own(part).labels.dataset_id, name)
        found = label_queue.doubtful(store, runs, part, finding, side, RANKINGS[ranking], most, name)
        _open(runs, part, name, found)


def _open(runs: Sequence[Evaluated], part: str, reader: str, found: Doubtful) -> None:
    if not len(found):
        st.info(f"You have read all {found.n_read:,} labels of this kind." if found.n_read else
                "No label of this kind can be doubted: too few films with the finding, or none without.",
                icon=":material/info:")
        return
    st.session_state.update({_ASKED: (_of(runs, part), found), _ANSWERS: {}, _AT: 0, _READER: reader, _DONE: None})
    st.rerun()


# -- read


@st.fragment
def _read(page: RunsPage, runs: Sequence[Evaluated], part: str, asked: Doubtful) -> None:
    slot = st.empty()
    if not st.session_state[_DONE]:
        with slot.container(horizontal=True):
            save = _panel(asked)
            _show_film(page, runs[0], asked)
        if save:
            _save(page, runs, part, asked)
    if st.session_state[_DONE]:
        with slot.container():
            _show_done(st.session_state[_DONE], asked)


def _panel(asked: Doubtful) -> bool:
    """The question and the answers, beside the film or, on a phone, above it; whether to save."""
    at, answers = st.session_state[_AT], st.session_state[_ANSWERS]
    with st.container(width=PANEL_WIDTH):
        before = f"; {asked.n_read:,} read before" if asked.n_read else ""
        st.progress(at / len(asked), f"{min(at + 1, len(asked))} of {len(asked)}, read by "
                                     f"{widgets.escape(st.session_state[_READER])}{before}")
        if at < len(asked):
            _ask(asked, at)
        else:
            st.success("That was the last one. Save what you said.", icon=":material/check:")
        with st.container(horizontal=True, gap="small"):
            st.button("Back", key="queue_back", shortcut="b", on_click=_back, disabled=at == 0, width=ANSWER_WIDTH)
            save = st.button(f"Save {len(answers)}", key="queue_save", disabled=not answers, icon=":material/save:")
            if st.button("End", key="queue_end", help="Leave the queue; what was not saved is lost"):
                _end()
    return save


def _ask(asked: Doubtful, at: int) -> None:
    image_id, finding = str(asked.image_ids[at]), str(asked.findings[at])
    st.markdown(f"### {display_name(finding)}?")
    with st.container(horizontal=True, gap="small"):
        for word, key in _KEYS.items():
            st.button(word, key=f"queue_{key}", shortcut=key, on_click=_answer, args=(asked, at, _WORDS[word]),
                      width=ANSWER_WIDTH, type="primary" if _given(image_id, finding, word) else "secondary")


def _show_film(page: RunsPage, run: Evaluated, asked: Doubtful) -> None:
    at = st.session_state[_AT]
    if at >= len(asked):
        return
    with st.container(width=FILM_WIDTH):
        pixels = _film(page, run, str(asked.image_ids[at]))
        if pixels is None:
            st.info("This film lies neither on this disk nor among the prepared ones: say “Unsure”, or end the queue.",
                    icon=":material/image_not_supported:")
        else:
            st.image(pixels, width="stretch", alt=f"Film {at + 1} of the queue")


def _given(image_id: str, finding: str, word: str) -> bool:
    said = st.session_state[_ANSWERS].get((image_id, finding))
    return said is not None and str(said) == str(_WORDS[word])


def _film(page: RunsPage, run: Evaluated, image_id: str) -> Any:
    """uint8 (H, W): the file itself where it is on disk, else its prepared pixels; None where neither is there."""
    row = page.rows([run.run_id]).iloc[0]
    films = chosen_film.films_of(page.store, row, page.overview.runs, page.overview.datasets)
    try:
        return chosen_film.stored(page.store, films, image_id, chosen_film.size_of(row)).film.pixels
    except WorkbenchError:
        return None


def _answer(asked: Doubtful, at: int, value: float) -> None:
    """A key that is pressed twice in a breath answers one film, not the next unseen."""
    st.session_state[_ANSWERS][str(asked.image_ids[at]), str(asked.findings[at])] = value
    st.session_state[_AT] = at + 1


def _back() -> None:
    st.session_state[_AT] = max(st.session_state[_AT] - 1, 0)
    st.session_state[_DONE] = None


# -- save, and what it changed


def _save(page: RunsPage, runs: Sequence[Evaluated], part: str, asked: Doubtful) -> None:
    reader, answers = st.session_state[_READER], dict(st.session_state[_ANSWERS])
    dataset_id = runs[0].read_own(part).labels.dataset_id

    with shell.errors_shown():
        labels = label_queue.save_reading(page.store, dataset_id, reader, answers)
        with widgets.slow_share(RESAMPLING) as told:
            label_metrics.measure_runs(page.store, labels, told)
        st.session_state[_DONE] = {
            "agreement": label_queue.agreement_in_words(asked, answers),
            "effect": label_queue.effect(page.store, runs, part, answers),
            "where": f"{len(answers):,} answer{'s' * (len(answers) != 1)}, on the {PART_WORDS[part]} films of each run",
            "of": (page.store.key, dataset_id, answers)}


def _show_done(done: dict[str, Any], asked: Doubtful) -> None:
    reader = st.session_state[_READER]
    st.success(f"Saved as the label set “{widgets.escape(reader)}”. {done['agreement']}", icon=":material/check:")
    st.markdown(f"**What it changes** ({done['where']}): every measure with the label as it was, and as it was read. "
                "Thresholds stay.")
    shown = label_queue.shown_effect(done["effect"])
    widgets.show_table(shown, hide_index=True, alt="Measures before and after", height=min(len(shown), 12) * 35 + 38)
    if asked.left_out:
        st.caption(f"Not asked for, since too few films have them or their scores do not rise with them: "
                   f"{', '.join(map(display_name, asked.left_out))}.")
    key, dataset_id, answers = done["of"]
    with st.container(horizontal=True):
        if st.button("Save the corrected labels too", key="queue_corrected", help=(
                "The data set's own labels with your answers in their place, as a label set of all films: the switch "
                "Labels then measures everything on it.")):
            _correct(Store(key), dataset_id, reader, answers)
        st.button("Read on", key="queue_on", on_click=_read_on)
        if st.button("End", key="queue_leave"):
            _end()
        widgets.download_menu({"Answers": (f"label_queue_{reader}".replace(" ", "_"),
                                           lambda: answers_table(asked, answers))})


def _correct(store: Store, dataset_id: str, reader: str, answers: label_queue.Answers) -> None:
    with shell.errors_shown():
        labels = label_queue.save_corrected(store, dataset_id, reader, answers)
        with widgets.slow_share(RESAMPLING) as told:
            label_metrics.measure_runs(store, labels, told)
        st.success(f"Saved as the label set “{widgets.escape(labels.name)}”.", icon=":material/check:")


def _read_on() -> None:
    st.session_state[_DONE] = None


def _end() -> None:
    st.session_state[_ASKED] = None
    st.rerun()


def answers_table(asked: Doubtful, answers: label_queue.Answers) -> pd.DataFrame:
    """A row an answer, for the download; the label only now."""
    rows = [{"image_id": image_id, "finding": finding, "said": answers[image_id, finding], "label": own,
             "label_quality": quality} for image_id, finding, own, quality in zip(
                 asked.image_ids, asked.findings, asked.own, asked.quality, strict=True)
            if (image_id, finding) in answers]
    return pd.DataFrame(rows)
