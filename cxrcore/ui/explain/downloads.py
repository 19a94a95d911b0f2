"""What the Explain page gives away: the overlay as PNG, a page that prints well, the scores as CSV."""

import numpy as np
import streamlit as st

from cxrcore.data.files import csv_file
from cxrcore.explain.overlay import drawn_size, resized
from cxrcore.findings import display_name
from cxrcore.measures.thresholds.positions import rounded
from cxrcore.queries.chosen_film import ChosenFilm
from cxrcore.queries.explained_films import LARGEST, SMALL
from cxrcore.report.explanation_page import ScoreLine, as_png, explanation_page
from cxrcore.store.records import rows_of
from cxrcore.ui.explain import score_views
from cxrcore.ui.explain.asked import OneRun
from cxrcore.ui.explain.behind_numbers import maps_off
from cxrcore.ui.explain.stage import Stage, overlay
from cxrcore.ui.frame import frame

TRAINED_ON = "The network was trained on this film: its scores and map say little of what it does on new films."


def explain_downloads(stage: Stage) -> None:
    """The page's menu of downloads; made when asked for, of the finding that is chosen then."""
    # The file's own name may be a patient's, so it is in no download.
    picture = "Film as PNG" if stage.shown[0].why_off else "Overlay as PNG"
    with frame.tools(), st.popover("Download", icon=":material/download:", help="What this page shows"):
        for label, data, ending, kind, icon in (
            (picture, lambda: as_png(overlay(stage)), "png", "image/png", ":material/image:"),
            ("Page to print (HTML)", lambda: _page(stage.film, stage.shown[0], stage.chosen["finding"], stage.method,
                                                   overlay(stage)), "html", "text/html", ":material/print:"),
            ("Scores as CSV", lambda: csv_file.csv_text(score_views.scores_table([one.scores for one in stage.shown])),
             "csv", "text/csv", ":material/table:"),
        ):
            st.download_button(label, data, f"explained_film.{ending}", kind, key=f"explain_{ending}",
                               on_click="ignore", type="tertiary", icon=icon)


def _page(film: ChosenFilm, one: OneRun, finding: str, method: str, overlay: np.ndarray) -> str:
    scores, has_maps = one.scores, not one.why_off
    score, threshold = scores.of(finding)
    lines = []
    for place, row in enumerate(rows_of(score_views.scores_table([scores]))):
        rests_on = "–" if scores.positives is None else f"{scores.positives[place]:,}"
        lines.append(ScoreLine(row.Finding, f"{row.Score:.4f}", rounded(row.Threshold), row.Decision,
                               scores.calibrated_in_digits(place) or "–", rests_on,
                               row.Decision == score_views.ALARM))
    known = [f"Film {film.image_id} of the data set."] if film.image_id else []
    size = f", {one.loaded.image_size} pixels a side" if one.loaded else ""
    about = [f"Run {scores.run.label} ({scores.run.run_id}){size}.",
             f"{f'Method: {method}. ' if has_maps else ''}Thresholds: {scores.source}.", *known]
    notes = [*[TRAINED_ON] * (film.part == "train"), *maps_off([one], on_screen=False),
             *[scores.uncalibrated] * bool(scores.uncalibrated)]
    pixels = resized(film.film.pixels, drawn_size(film.film.pixels, SMALL, LARGEST))
    by = f" by {method}" if has_maps else ""
    caption = f"{display_name(finding)}{by}: score {score:.4f}, threshold {rounded(threshold)}"
    return explanation_page(f"{display_name(finding)} on one film", about, notes, pixels, overlay if has_maps else None,
                            caption, lines)
