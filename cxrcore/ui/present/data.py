"""Slides on the data: how rare findings are, why accuracy misleads, and what all of this cannot tell."""

import pandas as pd
import streamlit as st

from cxrcore.charts.dataset import prevalence_chart
from cxrcore.evaluation import published
from cxrcore.findings import display_name
from cxrcore.glossary import NOT_FOR_DIAGNOSIS, meaning
from cxrcore.measures.thresholds.fitting import STABLE_POSITIVES
from cxrcore.queries.class_lesson import Lesson, NothingToShow
from cxrcore.queries.run_groups import LEAKY_NOTE, SYNTHETIC_NOTE
from cxrcore.store import audit_marks
from cxrcore.ui import widgets
from cxrcore.ui.data.counts import LABEL_NOTES, percent
from cxrcore.ui.present.stage import headline, inside, rows

REAL = "NIH's real films (Wang et al. 2017)"
MOST_ROWS = 24  # findings that large type leaves room for


def imbalance(lesson: Lesson) -> None:
    """The data, and how unevenly findings stand in it."""
    found = lesson.data
    occurring = found.prevalence[found.prevalence["positives"] > 0].sort_values("share")
    if occurring.empty:
        raise NothingToShow("No film of this data set is known to have a finding.")
    rarest, commonest = occurring.iloc[0], occurring.iloc[-1]
    headline(f"Of all films, {inside(rarest['finding'])} is on 1 in {round(1 / rarest['share']):,}, "
             f"{inside(commonest['finding'])} on 1 in {round(1 / commonest['share']):,}")
    left, right = st.columns([3, 1.1], gap="medium")
    with left:
        drawn = at_both_ends(found.prevalence)
        real = published.nih_prevalence() if lesson.kind == "phantom" else None
        rows(prevalence_chart(drawn, real), "imbalance", "Share of films with each finding, the most common on top"
             + (f"; open dots: {REAL}" if real else ""), 9.6 if real else 8)
    with right:
        figures = found.figures
        st.metric("Films", f"{figures.films:,}", help=meaning("films"))
        st.metric("Patients", f"{figures.patients:,}" if figures.patients else "unknown", help=meaning("patients"))
        st.metric("Without any finding", percent(figures.without_finding), help=meaning("without_finding"))
        if len(drawn) < len(found.prevalence):
            st.markdown(f"Drawn: {len(drawn)} of {len(found.prevalence)} findings, the most common and the rarest.")
    if real:
        rare = min(real, key=real.__getitem__)
        st.markdown(f"Bars: these phantoms. **Open dots: {REAL}**, where {inside(rare)} is on 1 film in "
                    f"{round(1 / real[rare]):,}.")


def at_both_ends(prevalence: pd.DataFrame) -> pd.DataFrame:
    """A table of `census.prevalence`; where it is too long for a slide, its most common and rarest findings.

    Findings that no film has are left out first.
    """
    if len(prevalence) <= MOST_ROWS:
        return prevalence
    rows = prevalence[prevalence["positives"] > 0].sort_values("share", kind="stable")
    return rows if len(rows) <= MOST_ROWS else pd.concat([rows[:MOST_ROWS // 2], rows[-MOST_ROWS // 2:]])


def accuracy(lesson: Lesson) -> None:
    """Accuracy rewards saying no."""
    counts = lesson.at_half.total()
    known = int(counts.tp + counts.fp + counts.fn + counts.tn)
    present = int(counts.tp + counts.fn)
    if not present:
        raise NothingToShow("None of the films that the run was measured on is known to have a finding.")
    never, network = (known - present) / known, int(counts.tp + counts.tn) / known
    headline(f"Saying “no” to everything is right {percent(never)} of the time on {lesson.films}")
    left, right = st.columns(2, gap="large")
    with left, st.container(border=True, height="stretch"):
        st.subheader("A program that always says no", anchor=False)
        st.metric("Accuracy", percent(never), help=meaning("accuracy"))
        st.metric("Findings that it finds", f"0 of {present:,}", help=meaning("tp"))
    with right, st.container(border=True, height="stretch"):
        st.subheader(f"{widgets.escape(lesson.run.label)} at 0.5", anchor=False)
        gain = round(100 * (network - never), 1)
        st.metric("Accuracy", percent(network), f"{gain:+.1f} points" if gain else "no gain", help=meaning("accuracy"),
                  delta_color="normal" if gain else "off", delta_arrow="auto" if gain else "off")
        st.metric("Findings that it finds", f"{int(counts.tp):,} of {present:,}", help=meaning("tp"))
    n = len(lesson.findings)
    every = known == lesson.n_films * n
    asked = f"{n} questions each" if every else f"{known:,} questions whose answer and score are known"
    if lesson.kind == "phantom":
        shares = published.nih_prevalence()
        asked += f"; on {REAL} “no” is right {percent(1 - sum(shares.values()) / len(shares))} of the time"
    st.markdown(f"{lesson.films}, {asked}: most answers are “no”, so accuracy hardly moves, whatever a network can "
                "do. **Recall, precision, F1, AP and AUROC say more.**")


def limits(lesson: Lesson) -> None:
    """What these numbers do not say."""
    headline("What these numbers do not say")
    points = []
    if lesson.kind == "phantom":
        points.append(f"**Synthetic.** These {SYNTHETIC_NOTE}.")
    if lesson.group is not None and lesson.group.leaky:
        points.append(f"**Leaky split.** {LEAKY_NOTE.capitalize()}.")
    if lesson.warned:
        (name, marks), *others = lesson.warned.items()
        more = f", and {len(others)} more" if others else ""
        points.append(f"**Warned imports.** The audit warned of {widgets.escape(name)} "
                      f"({widgets.escape(audit_marks.questions(marks))}){more}.")
    if lesson.kind in LABEL_NOTES:
        note = LABEL_NOTES[lesson.kind]
        said = note.split(". ", 1)[1] if lesson.kind == "phantom" else f"{note.rsplit('. ', 1)[0]}."
        points.append(f"**Labels err.** {said}")
    if lesson.runs:
        few = [display_name(finding) for finding, one in zip(lesson.findings, lesson.scores, strict=True)
               if len(one.positives) < STABLE_POSITIVES]
        if few:
            points.append(f"**{len(few)} of {len(lesson.findings)} findings** stand on fewer than {STABLE_POSITIVES} "
                          f"of the {lesson.films}: their numbers move with every patient.")
    points += [
        "**One data set, one time.** Elsewhere films, patients and prevalence differ, and thresholds with them.",
        "**A map shows what raised a score**, not what is ill, and not why.",
        f"**{NOT_FOR_DIAGNOSIS}**"]
    with st.container(key="stage_points"):
        st.markdown("\n\n".join(points))
