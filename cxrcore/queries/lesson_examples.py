"""The films that class mode and reports explain: right alarms of the run in focus, each beside its map."""

import numpy as np

from cxrcore.charts.film_viewer import payload
from cxrcore.charts.film_viewer.payload import Captioned, Layer, Network, Shown
from cxrcore.data.pixels import film_file
from cxrcore.explain import overlay as overlays
from cxrcore.explain.method_names import METHODS
from cxrcore.findings import display_name
from cxrcore.measures.thresholds.fitting import FALLBACK
from cxrcore.queries import chosen_film, explained_films, film_pixels, from_store
from cxrcore.queries.class_lesson import Lesson, NothingToShow
from cxrcore.queries.explained_films import COLOURS, LARGEST, STRONGEST, Look
from cxrcore.queries.maps.drawn_boxes import in_pixels
from cxrcore.store import lost_file
from cxrcore.store.run_folder import BEST

LOOK = Look(STRONGEST / 100, COLOURS[0], False)
READ = ("Right alarms only, films with a box first, then the highest scores. Warm: what raised the score most "
        "(Grad-CAM); the cross is its hottest place. Yellow: a box of the data set. A map in the right place is no "
        "reason, and one in the wrong place can still go with the right answer.")
WORDS: dict[bool | None, str] = {True: "labelled with it", False: "not labelled with it"}


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


def example(lesson: Lesson, image_id: str, finding: str, longest: int = LARGEST) -> Captioned:
    """The film scored and explained by the run in focus, as the Explain page does it, with the maps of all findings.

    Args:
        finding: whose map is shown first.
        longest: pixels of the picture's long side, at most.

    Raises:
        NothingToShow: the network's maps are off.
    """
    row, run = lesson.row(lesson.run), lesson.run
    films = chosen_film.films_of(lesson.store, row, lesson.overview.runs, lesson.overview.datasets)
    film = chosen_film.stored(lesson.store, films, image_id, chosen_film.size_of(row))
    loaded = explained_films.load_network(lesson.store, run.run_id)
    if loaded.maps.why_off:
        raise NothingToShow(f"Maps of {run.label} are off: {loaded.maps.why_off}.")
    pixels = film.film.pixels
    found = explained_films.explained(loaded, film_file.resize(pixels, loaded.image_size), METHODS["Grad-CAM"])
    known = dict(zip(lesson.findings, lesson.tuned(run).thresholds.tolist(), strict=True))
    thresholds = np.array([known.get(name, FALLBACK) for name in loaded.findings])
    labels = films.known_labels(image_id)
    style, small = lesson.styles[run.run_id], found.small
    network = Network(run.label, style.colour, style.mark(), found.scores, thresholds,
                      [_note(labels.get(name), flat) for name, flat in
                       zip(loaded.findings, small.low >= small.high, strict=True)])
    layer = Layer(run.label, 0, found.findings, small.cells, small.low, small.high, small.size, small.offset)
    shown = Shown(payload.ONE, finding, LOOK.strength, LOOK.contour, overlays.colour_table(LOOK.colours),
                  f"Film {film.name}", keys=False)
    return Captioned(display_name(finding), film.name,
                     payload.pack(pixels, loaded.findings, [network], [layer], shown, None, in_pixels(
                         film_pixels.boxes_on(lesson.store, lesson.dataset_id, image_id), pixels.shape), longest))


def _note(label: bool | None, flat: bool) -> str:
    """'labelled with it · the map is empty'."""
    return " · ".join(filter(None, (WORDS.get(label), "the map is empty" if flat else "")))
