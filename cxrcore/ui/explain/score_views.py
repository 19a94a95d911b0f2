"""The scores of one film: against thresholds, as calibrated probabilities, and among the run's validation films."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.charts.look import RunStyle
from cxrcore.charts.score_bars import Scored, score_bars
from cxrcore.findings import FINDINGS, display_name
from cxrcore.glossary import meaning
from cxrcore.measures.calibration import MIN_POSITIVES, in_digits
from cxrcore.measures.metrics import measured
from cxrcore.queries import from_store
from cxrcore.queries.board_state import BoardState
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.from_store import calibrator
from cxrcore.store import Store
from cxrcore.ui import widgets

ALARM, QUIET = "alarm", "no alarm"
TOO_FEW = f"fewer than {MIN_POSITIVES} validation films with it, or without it"


@dataclass(frozen=True)
class FilmScores:
    """One run's scores of a film.

    Attributes:
        run, style: whose they are.
        scores: float32 (14,).
        thresholds: float64 (14,), and where they come from, in words.
        calibrated: probabilities, float64 (14,), NaN for a finding that validation holds too few films of to calibrate;
            None without validation predictions.
        positives: validation films with each finding that the calibration rests on, int64 (14,); None without them.
        percentile: share of the run's validation films that score no higher, 0 to 100, (14,); None without them.
    """

    run: Evaluated
    style: RunStyle
    scores: np.ndarray
    thresholds: np.ndarray
    source: str
    calibrated: np.ndarray | None
    positives: np.ndarray | None
    percentile: np.ndarray | None

    def calibrated_in_digits(self, k: int) -> str | None:
        """A finding's calibrated probability as far as its films bear it; None where there is none."""
        if self.calibrated is None or self.positives is None or np.isnan(self.calibrated[k]):
            return None
        return in_digits(self.calibrated[k], int(self.positives[k]))

    @property
    def uncalibrated(self) -> str:
        """Why which findings have no calibrated score, as a sentence; '' where all have one."""
        if self.calibrated is None:
            return "No calibrated scores: the run has no validation predictions to fit a calibrator on."
        names = [display_name(finding) for finding, value in zip(FINDINGS, self.calibrated, strict=True)
                 if np.isnan(value)]
        return f"No calibrated score of {', '.join(names)}: {TOO_FEW}." if names else ""


def film_scores(store: Store, run: Evaluated, style: RunStyle, scores: np.ndarray, state: BoardState) -> FilmScores:
    """Scores with all that they can be held against."""
    calibrated = positives = percentile = None
    if "val" in run.parts:
        prediction_id = run.prediction_id("val")
        held = from_store.predictions(store, prediction_id)
        val, positives = held.scores, (measured(held.labels, held.scores) & (held.labels == 1)).sum(axis=0)
        percentile = 100 * np.nanmean(np.where(np.isnan(val), np.nan, val <= scores), axis=0)
        calibrated = calibrator(store, prediction_id)(scores[None])[0]
    by_hand = f", {len(state.by_hand)} by hand" if state.by_hand else ""
    return FilmScores(run, style, scores, state.thresholds, state.base.in_words + by_hand, calibrated, positives,
                      percentile)


def scores_table(found: Sequence[FilmScores], labels: Sequence[str] | None = None) -> pd.DataFrame:
    """A row a finding and run.

    Args:
        labels: findings that the film is labelled with, where they are known.
    """
    frames = []
    for one in found:
        frame = pd.DataFrame({
            "Finding": list(map(display_name, FINDINGS)), "Run": one.run.label, "Score": one.scores.astype(float),
            "Threshold": one.thresholds,
            "Decision": np.where(one.scores.astype(np.float64) >= one.thresholds, ALARM, QUIET),
            "Calibrated": pd.array([one.calibrated_in_digits(k) for k in range(len(FINDINGS))], "string"),
            "Films behind it": pd.array([None] * len(FINDINGS) if one.positives is None else one.positives, "Int64"),
            "Percentile": np.nan if one.percentile is None else one.percentile})
        if labels is not None:
            frame["Label"] = ["yes" if name in labels else "no" for name in frame["Finding"]]
        frames.append(frame)
    made = pd.concat(frames, ignore_index=True)
    order = np.arange(len(made)).reshape(len(found), -1).T.ravel()  # the runs of a finding under each other
    return made.iloc[order].reset_index(drop=True)


def draw_scores(found: Sequence[FilmScores], labels: Sequence[str] | None) -> None:
    """Bars, and the table below them."""
    if len(found) > 1:
        widgets.legend([(one.run.label, one.style) for one in found])
    widgets.chart(score_bars("Scores; the upright marks are thresholds", [_bars(one) for one in found]),
                  "film_scores", "Score of each finding with its threshold")
    st.caption("A strong bar reaches its threshold and raises an alarm. " + " ".join(
        f"{widgets.escape(one.run.label)}: thresholds {widgets.escape(one.source)}." for one in found))
    for text in dict.fromkeys(one.uncalibrated for one in found):
        who = [widgets.escape(one.run.label) for one in found if one.uncalibrated == text]
        if text:
            st.caption(f"{', '.join(who)}: {text}" if len(found) > 1 else text)
    shown = scores_table(found, labels)
    with st.expander("As a table"):
        widgets.show_table(shown.drop(columns=["Run"]) if len(found) == 1 else shown, hide_index=True, placeholder="–",
                           height=(min(len(shown), 28) + 1) * 35 + 3, alt="Scores of the film", column_config={
            "Score": widgets.number("score", format="%.4f"), "Threshold": widgets.number("threshold", format="%.4g"),
            "Calibrated": st.column_config.TextColumn(help=meaning("calibrated")),
            "Films behind it": widgets.number("calibrated_on"),
            "Percentile": widgets.number("percentile", format="%.1f")})


def _bars(one: FilmScores) -> Scored:
    notes = []
    for k in range(len(FINDINGS)):
        digits = one.calibrated_in_digits(k)
        parts = [] if one.calibrated is None or one.positives is None else [
            f"calibrated {digits}, from {one.positives[k]:,} films with it" if digits else f"not calibrated: {TOO_FEW}"]
        parts += [] if one.percentile is None else [f"higher than {one.percentile[k]:.1f} % of validation films"]
        notes.append(", ".join(parts))
    return Scored(one.run.label, one.style, one.scores, one.thresholds, notes)
