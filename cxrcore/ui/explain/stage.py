"""The film under its maps, beside its scores. A fragment: a patch on the film asks the networks again, and no more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import streamlit as st

from cxrcore.charts.film_viewer import payload
from cxrcore.charts.film_viewer.payload import Layer, Network, Shown
from cxrcore.errors import FindingError
from cxrcore.explain import overlay as overlays
from cxrcore.explain.method_names import SHARED, SLOW
from cxrcore.findings import display_name, one_of
from cxrcore.measures.number_words import with_minus
from cxrcore.measures.thresholds.positions import rounded
from cxrcore.measures.thresholds.told_apart import compared, told_apart
from cxrcore.queries import explained_films
from cxrcore.queries.chosen_film import ChosenFilm
from cxrcore.queries.explained_films import Explained, Look
from cxrcore.queries.film_pixels import FilmBox
from cxrcore.queries.maps.drawn_boxes import in_pixels
from cxrcore.ui import film_viewer, link, widgets
from cxrcore.ui.explain import asked, score_views
from cxrcore.ui.explain.asked import OneRun
from cxrcore.ui.explain.score_views import ALARM
from cxrcore.ui.explain.waiting import Note

KEY = "explain_viewer"
MOST_NAMED = 2  # alarms that all networks raise and the answer names


@dataclass(frozen=True)
class Stage:
    """All that is shown of a film.

    Attributes:
        film: the film.
        shown: the networks, the first in focus.
        method, view, look: how maps are made and drawn; view of the film viewer.
        labels: {finding: whether the film has it}; None of a film that is not the data set's.
        boxes: of the film.
        warnings: what must be known before any score is believed.
        chosen: what is chosen on the page by now, shared with downloads: `finding`.
        note: says what is being done.
    """

    film: ChosenFilm
    shown: Sequence[OneRun]
    method: str
    view: str
    look: Look
    labels: Mapping[str, bool] | None
    boxes: Sequence[FilmBox]
    warnings: Sequence[str]
    chosen: dict[str, str]
    note: Note

    @property
    def waits(self) -> bool:
        """Whether networks are still to be asked; what is shown was known before."""
        return any(one.loaded is None for one in self.shown)


def open_finding(shown: Sequence[OneRun], others: Sequence[str]) -> str:
    """The finding that the link names, else the one that is nearest to an alarm, or beyond it most.

    Ends the page where the link names none of these.

    Args:
        others: findings that no network knows, such as those made of others.
    """
    first = asked.nearest_to_alarm(shown[0].scores)[0]
    said = link.finding_in_link()
    if said is None:
        return first
    every = score_views.findings_of([one.scores for one in shown])
    try:
        finding = one_of([*every, *others], said)
    except FindingError:
        st.error(f"The link asks for finding “{widgets.escape(said)}”, which is not here.", icon=":material/link_off:")
        st.button("Show what is here", key="leave_finding", on_click=link.forget, args=("finding",))
        st.stop()
    return finding if finding in every else first


def unknown_to(shown: Sequence[OneRun]) -> list[str]:
    """Which networks do not know the finding that the link names, where some film of the data set may have it."""
    said = link.finding_in_link()
    if said is None:
        return []
    return [f"The network of {one.label} does not know {display_name(said)}, so it has no map of it." for one in shown
            if not _knows(one, said)]


def _knows(one: OneRun, finding: str) -> bool:
    try:
        return bool(one_of(one.scores.findings, finding))
    except FindingError:
        return False


def answer(shown: Sequence[OneRun]) -> str:
    """What the networks say, as a sentence of HTML."""
    alarms = [_alarms(one) for one in shown]
    names = [f"<b>{escape(one.label)}</b>" for one in shown]
    if len(shown) > 1:
        counted = ", ".join(f"{name} {len(own)}" for name, own in zip(names, alarms, strict=True))
        common = [finding for finding in alarms[0] if all(finding in own for own in alarms[1:])]
        return f"Alarms: {counted}. {'All of them for ' + _listed(common) if common else 'None is raised by all'}."
    if not alarms[0]:
        if about := _asked(shown[0]):
            return f"{names[0]} raises no alarm.{about}"
        nearest = asked.nearest_to_alarm(shown[0].scores)[0]
        return f"{names[0]} raises no alarm; nearest to one is {_beside_threshold(shown[0], nearest)}."
    more = f" and {len(alarms[0]) - 1} more" if len(alarms[0]) > 1 else ""
    return f"{names[0]} raises an alarm for {_beside_threshold(shown[0], alarms[0][0])}{more}.{_asked(shown[0])}"


def _alarms(one: OneRun) -> list[str]:
    """Surest first."""
    return [finding for finding in asked.nearest_to_alarm(one.scores)
            if one.scores.decisions[one.scores.findings.index(finding)] == ALARM]


def _asked(one: OneRun) -> str:
    """'Asks a person about Mass and Nodule.', with a blank before it; '' where nothing is asked."""
    found = [finding for finding, asks in zip(one.scores.findings, one.scores.asks, strict=True) if asks]
    return f" A person is asked about {_listed(found)}." if found else ""


def _listed(findings: Sequence[str]) -> str:
    named = " and ".join(f"<b>{escape(display_name(finding))}</b>" for finding in findings[:MOST_NAMED])
    return named + (f" and {len(findings) - MOST_NAMED} more" if len(findings) > MOST_NAMED else "")


def _beside_threshold(one: OneRun, finding: str) -> str:
    return f"<b>{escape(display_name(finding))}</b> ({escape(compared(*one.scores.of(finding)))})"


# -- the viewer


@st.fragment
def draw_stage(stage: Stage) -> None:
    """The viewer; with a patch on the film, what the networks say of it then, beside what they said before."""
    pixels = stage.film.film.pixels
    stage.note.begin()
    patch = None if stage.waits else film_viewer.painted(KEY, payload.film_id(pixels))
    now = ([one.over(explained_films.occluded(pixels, patch.strokes), stage.note.tell) for one in stage.shown] if patch
           else list(stage.shown))
    stage.note.clear()
    found, layers = _layers(stage, now)
    all_findings = stage.view == payload.ALL and not layers[0].off
    shown = Shown(stage.view if len(layers) > 1 or all_findings else payload.ONE, stage.chosen["finding"],
                  stage.look.strength, stage.look.contour, overlays.colour_table(stage.look.colours),
                  f"Film {stage.film.name}", patch.name if patch else None, patch.strokes if patch else (), True,
                  warnings=stage.warnings)
    findings = score_views.findings_of([one.scores for one in stage.shown])
    networks = [_network(one, before, findings, found if place == 0 else None, bool(patch))
                for place, (one, before) in enumerate(zip(now, stage.shown, strict=True))]
    boxes = in_pixels(stage.boxes, pixels.shape)

    def keep() -> None:
        finding = film_viewer.kept(KEY)
        if finding in findings:
            stage.chosen["finding"] = finding
            link.put_finding_in_link(finding)

    film_viewer.film_viewer(payload.pack(pixels, findings, networks, layers, shown, stage.labels, boxes), KEY, keep)
    if stage.method == SHARED and not all(layer.off for layer in layers):
        st.caption("EigenCAM does not depend on the finding: one map for all of them.")
    if stage.method == SLOW:
        for one in now if stage.view == payload.RUNS else now[:1]:
            asked.offer_slow(one, stage.chosen["finding"])


def _layers(stage: Stage, shown: Sequence[OneRun]) -> tuple[Explained | None, list[Layer]]:
    """The first network's maps by the chosen method, and all that are shown."""
    first = asked.maps_of(shown[0], stage.method)
    if stage.view == payload.METHODS and not stage.shown[0].why_off:
        return first, [asked.layer_of(shown[0], 0, name, name) for name in asked.QUICK]
    of = shown if stage.view == payload.RUNS else shown[:1]
    return first, [asked.layer_of(one, place, one.label, stage.method) for place, one in enumerate(of)]


def _network(one: OneRun, before: OneRun, findings: Sequence[str], found: Explained | None, patched: bool) -> Network:
    """One network's rows; of a film with a patch beside those of the film itself."""
    values = np.full((4, len(findings)), np.nan)
    notes = [f"{one.label} does not know it."] * len(findings)
    for place, finding in enumerate(findings):
        if finding in one.scores.findings:
            values[:2, place] = one.scores.of(finding)
            values[2, place] = before.scores.of(finding)[0]
            values[3, place] = one.scores.upper_of(finding)
            notes[place] = note(one, before if patched else None, finding, found)
    style = one.scores.style
    return Network(one.label, style.colour, style.mark(), values[0], values[1], notes,
                   values[2] if patched else None, values[3])


def note(one: OneRun, before: OneRun | None, finding: str, found: Explained | None) -> str:
    """The numbers behind a row and its map.

    Args:
        before: the run as it was asked of the film without a patch.
        found: its maps, where they are shown.
    """
    score, threshold = one.scores.of(finding)
    if np.isnan(score):
        return f"No score yet, threshold {rounded(threshold, '.3g')}."
    parts = [f"Score {told_apart(score, threshold)[0]}, threshold {told_apart(score, threshold)[1]}"]
    parts += one.scores.beside(finding) if before is None else [
        f"without the grey {before.scores.of(finding)[0]:.3g}"]
    ends = []
    if found is not None and (not found.findings or finding in found.findings):
        heat, energy = found.of(finding)
        logit = with_minus(f"{found.logits[one.scores.findings.index(finding)]:+.2f}")
        parts.append(f"logit {logit}" if found.off else f"logit {logit}, energy {energy:.3g}")
        if found.off:
            ends.append("No map is shown, as said above.")
        elif not heat.any():
            ends.append("The map is empty: nothing speaks for it." if energy == 0 else
                        "The map is flat: no place stands out.")
        elif (strength := one.opacity(finding)) < 1:
            ends.append(f"The map is drawn at {strength:.0%} of full colour: the score is below the threshold.")
    return " ".join([" · ".join(parts) + ".", *ends])


def overlay(stage: Stage) -> np.ndarray:
    """The film with the map of the chosen finding, uint8 (h, w, 3), for downloads."""
    one, finding = stage.shown[0], stage.chosen["finding"]
    found = asked.maps_of(one, stage.method)
    if found is None or (found.findings and finding not in found.findings):
        found = asked.maps_of(one, asked.BASE)
    if found is None or finding not in one.scores.findings:
        return np.repeat(stage.film.film.pixels[..., None], 3, axis=2)
    return explained_films.drawn(stage.film.film.pixels, found, finding, one.opacity(finding), stage.look)

