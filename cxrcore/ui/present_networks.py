"""Slides on networks: how good, ROC beside precision and recall, and what weighting does to probabilities."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.architectures import ARCHITECTURES
from cxrcore.charts import curves as curve_charts
from cxrcore.charts.look import architecture_label
from cxrcore.charts.reliability import Shown as Reliable
from cxrcore.charts.reliability import in_figures, reliability_chart
from cxrcore.charts.stage import Rated, rating_chart
from cxrcore.findings import FINDINGS, display_name
from cxrcore.intervals import MACRO
from cxrcore.metrics import macro
from cxrcore.operating_points import counts_at
from cxrcore.ui import cached, compare_reading, curves_reliability, oracle, widgets
from cxrcore.ui.present_reading import HALF, Lesson
from cxrcore.ui.present_stage import NothingToShow, chart, headline
from cxrcore.ui.threshold_state import Evaluated

PLAIN = "bce"
LOSS_WORDS = {PLAIN: "plain loss", "pos_weight": "weighted positives", "focal": "focal loss"}


def networks(lesson: Lesson) -> None:
    """The runs of the group, with intervals."""
    runs = [lesson.run, *lesson.runs[1:]]
    architectures = dict(zip(lesson.rows["run_id"], lesson.rows["architecture"], strict=True))
    found = compare_reading.load(lesson.store, runs, architectures, lesson.part)
    rated = []
    for one in found:
        interval = one.found.interval("auroc")
        rated.append(Rated(one.run.label, one.style, *(float(side[MACRO]) for side in
                                                       (interval.point, interval.low, interval.high))))
    rated.sort(key=lambda one: -np.nan_to_num(one.value))
    best, others = rated[0], rated[1:]
    close = [one.name for one in others if one.high >= best.low]
    rest = f", but {len(close)} more may be as good" if close else ", clear of the rest" if others else ""
    headline(f"{widgets.escape(best.name)} ranks best{rest}")
    alt = "; ".join(f"{one.name} {one.value:.3f} ({one.low:.3f} to {one.high:.3f})" for one in rated)
    chart(rating_chart("Macro AUROC with 95 % interval (0.5 is guessing, 1 is perfect)", rated), "networks", alt, 12.2,
          title=False)
    st.markdown(oracle.in_words(lesson.rows) or (
        f"Mean over the findings, {lesson.films}; intervals from draws of patients. Which run is *really* better takes "
        "a paired test: the Compare page makes it."))


def curves(lesson: Lesson) -> None:
    """A fine ROC curve beside the precision that goes with it."""
    run, k = lesson.run, lesson.example
    finding, counts = FINDINGS[k], lesson.at_half
    shown = {view: curve_charts.Shown(run.label, lesson.styles[run.run_id],
                                      cached.curves(lesson.store, run.prediction_id(lesson.part), view).findings[k])
             for view in ("roc", "pr")}
    auroc, f1 = shown["roc"].curves.auroc, float(counts.f1[k])
    n = len(lesson.scores[k].positives)
    headline(f"{display_name(finding)}: AUROC {auroc:.2f}, and yet F1 {f1:.2f} at a threshold of 0.5")
    left, right = st.columns(2, gap="medium")
    with left:
        chart(curve_charts.roc_chart(finding, [shown["roc"]], True), "roc",
              curve_charts.curves_alt(finding, "roc", [shown["roc"]]), 12.6, title=False)
    with right:
        chart(curve_charts.pr_chart(finding, [shown["pr"]], True), "pr",
              curve_charts.curves_alt(finding, "pr", [shown["pr"]]), 12.6, title=False)
    st.markdown(
        f"{n:,} of {lesson.films} have it ({100 * n / lesson.scores[k].n:.1f} %). ROC divides false alarms by the many "
        f"films without it; precision divides by the alarms. At 0.5: **{int(counts.tp[k]):,} found, "
        f"{int(counts.fn[k]):,} missed, {int(counts.fp[k]):,} false alarms**.")


def weights(lesson: Lesson) -> None:
    """One architecture trained with the plain loss and with others: recall at 0.5 against calibration."""
    runs = _by_loss(lesson)
    rows, reliable = [], []
    read = curves_reliability.reader(lesson.store, runs, None)
    k = int(np.argmax([len(one.positives) for one in lesson.scores]))  # where the bins hold most
    for run in runs:
        loss = lesson.row(run)["loss"]
        at = counts_at(cached.sorted_scores(lesson.store, run.prediction_id(lesson.part)), HALF)
        measured = read(run.run_id, run.prediction_id(lesson.part))
        ece = macro(np.array([one.ece for one in measured.findings]))[0]
        rows.append((LOSS_WORDS.get(loss, loss), macro(at.recall)[0], macro(at.precision)[0], macro(at.f1)[0], ece))
        reliable.append(Reliable(LOSS_WORDS.get(loss, loss), lesson.styles[run.run_id], measured.findings[k]))
    plain, other = rows[0], max(rows[1:], key=lambda row: row[1])
    headline(f"{other[0].capitalize()}: recall {plain[1]:.2f} → {other[1]:.2f}, calibration error "
             f"{plain[4]:.2f} → {other[4]:.2f}")
    left, right = st.columns([1, 1], gap="medium")
    with left:
        st.subheader(f"{architecture_label(lesson.row(runs[0])['architecture'])}, at 0.5, macro means", anchor=False)
        st.markdown(_table(rows))
        st.markdown("ECE, expected calibration error: how far scores lie from the share of films that have the "
                    "finding; 0 is best. A weighted loss shifts all scores up. **Moving the threshold raises recall "
                    "too, and keeps the probabilities.**")
    with right:
        chart(reliability_chart(FINDINGS[k], reliable, True), "weights",
              f"Reliability of {display_name(FINDINGS[k])}: on the dotted line, scores are probabilities", 11.6,
              title=False)
        widgets.legend([(one.name, one.style) for one in reliable])


def _by_loss(lesson: Lesson) -> list[Evaluated]:
    """The best run of each loss, the plain one first, of an architecture that has several losses.

    Raises:
        NothingToShow: there is none.
    """
    table = pd.DataFrame([{"run": run, "loss": lesson.row(run)["loss"], "arch": lesson.row(run)["architecture"]}
                          for run in [lesson.run, *lesson.runs[1:]]])
    for _, own in table.groupby("arch", sort=False):
        kinds = own.drop_duplicates("loss")
        if PLAIN in set(kinds["loss"]) and len(kinds) > 1:
            return list(kinds.sort_values("loss", key=lambda loss: loss != PLAIN, kind="stable")["run"])
    arch = lesson.row(lesson.run)["architecture"]
    flags = f"--arch {arch} --loss pos_weight" if arch in ARCHITECTURES else "--loss pos_weight"
    raise NothingToShow("This takes two runs of one architecture on the same split, one with the plain loss (bce) and "
                        "one with another. A second run of this one:",
                        f"python scripts/train.py --data chestmnist {flags}" if lesson.kind == "chestmnist" else
                        f"{widgets.TRAIN_COMMAND} {flags}")


def _table(rows: Sequence[tuple[str, float, float, float, float]]) -> str:
    lines = ["| Loss | Recall | Precision | F1 | ECE |", "|---|--:|--:|--:|--:|"]
    return "\n".join(lines + [f"| {name} | {recall:.2f} | {precision:.2f} | {f1:.2f} | {in_figures(ece)} |"
                              for name, recall, precision, f1, ece in rows])
