"""The slide on maps: two films that the network raises an alarm for, and where it looked."""

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw

from cxrcore import overlay as overlays
from cxrcore.charts.look import ARCHITECTURE_COLOURS
from cxrcore.findings import FINDINGS, display_name
from cxrcore.ui import cached, explain_film, explain_maps, explain_model, explain_page, prepared_films, widgets
from cxrcore.ui.explain_film import ChosenFilm
from cxrcore.ui.explain_maps import COLOURS, STRONGEST, Look, OneRun
from cxrcore.ui.present_reading import Lesson
from cxrcore.ui.present_stage import NothingToShow, headline

N_FILMS = 2
BOX = ARCHITECTURE_COLOURS["vit_b_16"]  # a blue that shows on grey and beside a warm map


def maps(lesson: Lesson) -> None:
    """The films with the highest scores among those that have the finding, with boxes where they are known.

    Raises:
        NothingToShow: no checkpoint, or no film on disk.
    """
    run, cases = lesson.run, _cases(lesson)
    if not (lesson.store.run_folder(run.run_id) / explain_model.BEST).exists():
        raise NothingToShow(f"{run.label} has no checkpoint to ask: it was imported, or made on another machine.")
    if not cases:
        raise NothingToShow("No film that this run raises an alarm for is on this machine, neither as a file nor "
                            "prepared.")
    headline("Where did the network look?")
    row = lesson.row(run)
    films = explain_film.films_of(lesson.store, row, lesson.overview.runs, lesson.overview.datasets)
    asked = lesson.rows.set_index("run_id", drop=False).loc[[run.run_id]].assign(label=[run.label])
    for column, (image_id, k) in zip(st.columns(N_FILMS, gap="medium"), cases, strict=False):
        with column, st.skeleton(height=420):
            film = explain_film.stored(lesson.store, films, image_id, explain_film.size_of(row))
            one = explain_page.score(lesson.store, asked, film)[0]
            _pair(lesson, film, one, k)
    st.markdown("Warm: what raised the score most (Grad-CAM). Blue: a box of the data set. A map in the right place is "
                "no reason, and one in the wrong place can still go with the right answer.")


def _cases(lesson: Lesson) -> list[tuple[str, int]]:
    """(film, finding) of the right alarms furthest over their threshold, each finding once, boxed ones first."""
    found = cached.predictions(lesson.store, lesson.run.prediction_id(lesson.part))
    held = prepared_films.films_of(lesson.store, lesson.dataset_id)
    if held is None:
        return []
    here = held.holds(lesson.data.images["image_id"])
    known = set(lesson.data.images["image_id"][here])
    over = found.scores / np.maximum(lesson.tuned(lesson.run).thresholds, 1e-6)
    margin = np.where(found.labels == 1, over, -1.0)
    boxed = set(zip(lesson.data.boxes["image_id"], lesson.data.boxes["finding"], strict=True))
    best = []
    for k, finding in enumerate(FINDINGS):
        order = [row for row in np.argsort(-margin[:, k], kind="stable") if margin[row, k] >= 1]
        rows = [row for row in order if found.image_ids[row] in known]
        rows.sort(key=lambda row, finding=finding: (found.image_ids[row], finding) not in boxed)
        if rows:
            row = rows[0]
            best.append(((found.image_ids[row], finding) not in boxed, -margin[row, k], str(found.image_ids[row]), k))
    return [(image_id, k) for _, _, image_id, k in sorted(best)[:N_FILMS]]


def _pair(lesson: Lesson, film: ChosenFilm, one: OneRun, k: int) -> None:
    finding = FINDINGS[k]
    explained = explain_model.explained(one.loaded, one.small, explain_page.METHODS["Grad-CAM"])
    over = explain_maps.drawn(film.film.pixels, explained, finding, explain_maps.opacity_of(one, finding),
                              Look(STRONGEST / 100, COLOURS[0], False))
    plain = np.repeat(overlays.resized(film.film.pixels, over.shape[1::-1])[..., None], 3, axis=2)
    both = np.concatenate([_boxed(lesson, film, finding, picture) for picture in (plain, over)], axis=1)
    st.image(both, width="stretch", alt=f"A film with {display_name(finding)}, and the map of it")
    st.markdown(f"**{display_name(finding)}** · score {one.scores.scores[k]:.2f}, threshold "
                f"{one.scores.thresholds[k]:.2f} · {widgets.escape(film.name)}")


def _boxed(lesson: Lesson, film: ChosenFilm, finding: str, picture: np.ndarray) -> np.ndarray:
    """The picture with the boxes that people drew of this finding."""
    held = prepared_films.films_of(lesson.store, lesson.dataset_id)
    boxes = lesson.data.boxes
    own = boxes[(boxes["image_id"] == film.image_id) & (boxes["finding"] == finding)]
    if held is None or held.box_side is None or own.empty:
        return picture
    drawn = Image.fromarray(picture)
    scale = drawn.width / held.box_side
    for box in own.itertuples():
        corners = [scale * value for value in (box.x, box.y, box.x + box.width, box.y + box.height)]
        ImageDraw.Draw(drawn).rectangle(corners, outline=BOX, width=max(3, drawn.width // 160))
    return np.asarray(drawn)
