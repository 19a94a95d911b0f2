"""The films that class mode and reports explain: right alarms of the run in focus, each beside its map."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from cxrcore.charts.look import RUN_COLOURS
from cxrcore.data.pixels import film_file
from cxrcore.explain import method_names
from cxrcore.explain import overlay as overlays
from cxrcore.findings import display_name
from cxrcore.queries import chosen_film, explained_films, film_pixels, from_store
from cxrcore.queries.chosen_film import ChosenFilm
from cxrcore.queries.class_lesson import Lesson, NothingToShow
from cxrcore.queries.explained_films import COLOURS, STRONGEST, Look, drawn
from cxrcore.store import lost_file
from cxrcore.store.run_folder import BEST

LOOK = Look(STRONGEST / 100, COLOURS[0], False)
READ = ("Right alarms only, films with a box first, then the highest scores. Warm: what raised the score most "
        "(Grad-CAM). Blue: a box of the data set. A map in the right place is no reason, and one in the wrong place "
        "can still go with the right answer.")
BOX = RUN_COLOURS[5]  # a blue that shows on grey and beside a warm map


@dataclass(frozen=True)
class Example:
    """One film beside its map.

    Attributes:
        picture: uint8 (h, w, 3), the film and the film under its map, side by side, boxes drawn.
        caption: its finding, score and threshold.
    """

    finding: str
    picture: np.ndarray
    caption: str


def cases_of(lesson: Lesson, n: int) -> list[tuple[str, str]]:
    """(film, finding) of the right alarms with the highest scores, each finding once, boxed ones first.

    Raises:
        NothingToShow: no checkpoint, or no film among the prepared pixels.
    """
    run = lesson.run
    if not lesson.store.run_file(run.run_id, BEST):
        why = lost_file.why_missing(lesson.store, run.run_id)
        raise NothingToShow(f"{run.label} has no checkpoint to ask: {why}.")
    found = from_store.predictions(lesson.store, run.read(lesson.part))
    held = film_pixels.films_of(lesson.store, lesson.dataset_id)
    names = lesson.data.images["image_id"]
    known = set() if held is None else set(names[held.holds(names)])
    here = np.array([image_id in known for image_id in found.image_ids])
    right = (found.labels == 1) & here[:, None] & (found.scores >= lesson.tuned(run).thresholds)
    sure = np.where(right, found.scores, -1.0)
    boxed = set(zip(lesson.data.boxes["image_id"], lesson.data.boxes["finding"], strict=True))
    made = dict(run.labels.derived)  # no output of the network, so there is no map
    best = []
    for k, finding in enumerate(found.findings):
        if finding in made:
            continue
        rows = [row for row in np.argsort(-sure[:, k], kind="stable") if right[row, k]]
        if rows:
            row = min(rows, key=lambda row, finding=finding: (found.image_ids[row], finding) not in boxed)
            image_id = str(found.image_ids[row])
            best.append(((image_id, finding) not in boxed, -sure[row, k], image_id, finding))
    if not best:
        raise NothingToShow("None of the films that this run rightly raises an alarm for has prepared pixels on this "
                            "machine.")
    return [(image_id, finding) for _, _, image_id, finding in sorted(best)[:n]]


def example(lesson: Lesson, image_id: str, finding: str) -> Example:
    """The film scored and explained by the run in focus, as the Explain page does it.

    Raises:
        NothingToShow: the network's maps are off.
    """
    row = lesson.row(lesson.run)
    films = chosen_film.films_of(lesson.store, row, lesson.overview.runs, lesson.overview.datasets)
    film = chosen_film.stored(lesson.store, films, image_id, chosen_film.size_of(row))
    loaded = explained_films.load_network(lesson.store, lesson.run.run_id)
    if loaded.maps.why_off:
        raise NothingToShow(f"Maps of {lesson.run.label} are off: {loaded.maps.why_off}.")
    small = film_file.resize(film.film.pixels, loaded.image_size)
    explained = explained_films.explained(loaded, small, method_names.METHODS["Grad-CAM"])
    score = float(explained.scores[loaded.findings.index(finding)])
    threshold = float(lesson.tuned(lesson.run).thresholds[lesson.findings.index(finding)])
    over = drawn(film.film.pixels, explained, finding, overlays.opacity(score, threshold), LOOK)
    plain = np.repeat(overlays.resized(film.film.pixels, over.shape[1::-1])[..., None], 3, axis=2)
    return Example(finding, np.concatenate([_boxed(lesson, film, finding, one) for one in (plain, over)], axis=1),
                   f"{display_name(finding)} · score {score:.2f}, threshold {threshold:.2f} · {film.name}")


def _boxed(lesson: Lesson, film: ChosenFilm, finding: str, picture: np.ndarray) -> np.ndarray:
    """The picture with the boxes that people drew of this finding."""
    held = film_pixels.films_of(lesson.store, lesson.dataset_id)
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
