"""The scores of one film: against thresholds, as calibrated probabilities, and among the run's validation films."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrcore.charts.look import RunStyle
from cxrcore.findings import display_name
from cxrcore.measures.calibration import MIN_POSITIVES, in_digits
from cxrcore.measures.metrics import measured
from cxrcore.measures.thresholds.fitting import FALLBACK
from cxrcore.queries import from_store
from cxrcore.queries.board_state import BoardState
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.explained_films import Explained
from cxrcore.queries.from_store import calibrator
from cxrcore.store import Predictions, Store

ALARM, ASK, QUIET = "alarm", "ask", "no alarm"  # ask: a person, between the two lines of a finding
WORDS = {True: "yes", False: "no"}  # of a label
TOO_FEW = f"fewer than {MIN_POSITIVES} validation films with it, or without it"


@dataclass(frozen=True)
class FilmScores:
    """One run's scores of a film.

    Attributes:
        run, style: whose they are.
        findings: k names, of the network's outputs, in whose order all the arrays stand.
        scores: float32 (k,), NaN where there is none.
        thresholds: float64 (k,), and where they come from, in words.
        uppers: float64 (k,), from where on it is an alarm; from the threshold on up to there a person is asked.
        calibrated: probabilities, float64 (k,), NaN for a finding that validation holds too few films of to calibrate;
            None without validation predictions.
        positives: validation films with each finding that the calibration rests on, int64 (k,); None without them.
        percentile: share of the run's validation films that score no higher, 0 to 100, (k,), NaN where they have no
            score; None without them.
    """

    run: Evaluated
    style: RunStyle
    findings: tuple[str, ...]
    scores: np.ndarray
    thresholds: np.ndarray
    source: str
    calibrated: np.ndarray | None
    positives: np.ndarray | None
    percentile: np.ndarray | None
    uppers: np.ndarray | None = None

    def upper_of(self, finding: str) -> float:
        """From where on the finding is an alarm: its upper line, or its threshold where it has none."""
        return float((self.thresholds if self.uppers is None else self.uppers)[self.findings.index(finding)])

    @property
    def asks(self) -> np.ndarray:
        """Findings that a person is asked about on this film: bool (k,)."""
        scores = self.scores.astype(np.float64)
        return (scores >= self.thresholds) & (scores < list(map(self.upper_of, self.findings)))

    @property
    def decisions(self) -> np.ndarray:
        """`ALARM`, `ASK` or `QUIET` for each finding, (k,)."""
        return np.where(self.asks, ASK, np.where(self.scores.astype(np.float64) >= self.thresholds, ALARM, QUIET))

    @property
    def is_empty(self) -> bool:
        """Whether there is no score of any finding yet."""
        return bool(np.isnan(self.scores).all())

    def of(self, finding: str) -> tuple[float, float]:
        """A finding's score and threshold."""
        k = self.findings.index(finding)
        return float(self.scores[k]), float(self.thresholds[k])

    def calibrated_in_digits(self, k: int) -> str | None:
        """A finding's calibrated probability as far as its films bear it; None where there is none."""
        if self.calibrated is None or self.positives is None or np.isnan(self.calibrated[k]):
            return None
        return in_digits(self.calibrated[k], int(self.positives[k]))

    def beside(self, finding: str) -> list[str]:
        """What a finding's score is held against, in words."""
        k, said = self.findings.index(finding), []
        if self.calibrated is not None and self.positives is not None:
            digits = self.calibrated_in_digits(k)
            said.append(f"calibrated {digits}, from {self.positives[k]:,} films with it" if digits
                        else f"not calibrated: {TOO_FEW}")
        if self.percentile is not None and not np.isnan(self.percentile[k]):
            said.append(f"higher than {self.percentile[k]:.1f} % of validation films")
        return said

    @property
    def uncalibrated(self) -> str:
        """Why which findings have no calibrated score, as a sentence; '' where all have one."""
        if self.calibrated is None:
            return "No calibrated scores: the run has no validation predictions to fit a calibrator on."
        names = [display_name(finding) for finding, value in zip(self.findings, self.calibrated, strict=True)
                 if np.isnan(value)]
        return f"No calibrated score of {', '.join(names)}: {TOO_FEW}." if names else ""


def film_scores(store: Store, run: Evaluated, style: RunStyle, findings: tuple[str, ...], scores: np.ndarray,
                state: BoardState) -> FilmScores:
    """Scores with all that they can be held against.

    Args:
        findings, scores: of the network. A finding that the run was not measured on has no threshold but 0.5.
    """
    calibrated = positives = percentile = None
    if "val" in run.parts:
        of = run.read_own("val")
        positives, percentile = _among(from_store.predictions(store, of), findings, scores)
        calibrated = calibrator(store, of, findings)(scores[None])[0]
    known = dict(zip(state.findings, state.thresholds.tolist(), strict=True))
    source = state.base.in_words + (f", {len(state.by_hand)} by hand" if state.by_hand else "")
    if others := [display_name(finding) for finding in findings if finding not in known]:
        source += f"; {FALLBACK} for {', '.join(others)}, which the run was not measured on"
    thresholds = np.array([known.get(finding, FALLBACK) for finding in findings])
    uppers = np.array([state.upper_of(finding) if finding in known else FALLBACK for finding in findings])
    return FilmScores(run, style, findings, scores, thresholds, source, calibrated, positives, percentile, uppers)


def _among(held: Predictions, findings: Sequence[str], scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Films with each finding, and the share in percent of films that score no higher, of some predictions."""
    positives, percentile = np.zeros(len(findings), np.int64), np.full(len(findings), np.nan)
    for k, finding in enumerate(findings):
        if finding not in held.findings:
            continue
        labels, values = held.labels[:, held.place(finding)], held.scores[:, held.place(finding)]
        positives[k] = (measured(labels, values) & (labels == 1)).sum()
        there = values[~np.isnan(values)]
        percentile[k] = 100 * (there <= scores[k]).mean() if len(there) and not np.isnan(scores[k]) else np.nan
    return positives, percentile


def findings_of(found: Sequence[FilmScores]) -> list[str]:
    """The findings of several runs, each once."""
    return list(dict.fromkeys(finding for one in found for finding in one.findings))


def scores_table(found: Sequence[FilmScores], labels: Mapping[str, bool] | None = None,
                 maps: Sequence[Explained | None] = ()) -> pd.DataFrame:
    """A row a finding and run.

    Args:
        labels: {finding: whether the film has it}, where it is one of a data set; unknown ones are left out.
        maps: of each run, for logits and energies; without them these columns are not there.
    """
    frames = []
    for place, one in enumerate(found):
        frame = pd.DataFrame({
            "Finding": list(map(display_name, one.findings)), "Run": one.run.label, "Score": one.scores.astype(float),
            "Threshold": one.thresholds,
            "Decision": one.decisions,
            "Calibrated": pd.array([one.calibrated_in_digits(k) for k in range(len(one.findings))], "string"),
            "Films behind it": pd.array([None] * len(one.findings) if one.positives is None else one.positives,
                                        "Int64"),
            "Percentile": np.nan if one.percentile is None else one.percentile})
        if labels is not None:
            frame["Label"] = [WORDS.get(labels.get(finding)) for finding in one.findings]
        if maps:
            frame = frame.assign(**_raw(one, maps[place]))
        frames.append(frame)
    made = pd.concat(frames, ignore_index=True)
    every = findings_of(found)
    places = [every.index(finding) for one in found for finding in one.findings]
    return made.iloc[np.argsort(places, kind="stable")].reset_index(drop=True)  # a finding's runs under each other


def _raw(one: FilmScores, maps: Explained | None) -> dict[str, list[float]]:
    """Logit and energy of each finding; NaN where there is no map."""
    logits, energies = [np.nan] * len(one.findings), [np.nan] * len(one.findings)
    if maps is not None:
        logits = maps.logits.tolist()
        energies = [maps.of(finding)[1] if not maps.findings or finding in maps.findings else np.nan
                    for finding in one.findings]
    return {"Logit": logits, "Energy": energies}
