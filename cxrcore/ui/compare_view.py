"""What the Compare page shows: runs of one group with intervals, verdicts against one of them, cost, agreement."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.charts import compare as charts
from cxrcore.charts.look import RunStyle, architecture_label, run_styles
from cxrcore.findings import FINDINGS, display_name
from cxrcore.intervals import MACRO, PATIENTS_UNKNOWN, Difference, Resampled, difference
from cxrcore.multiple import BETTER, TIED, UNTESTED, WORSE, Verdicts, verdicts
from cxrcore.scored_films import shared_films
from cxrcore.store import Store
from cxrcore.ui import cached, runs_view, widgets
from cxrcore.ui.resampled import AT_THRESHOLDS, N_DRAWS, Measured, measured_in_draws
from cxrcore.ui.threshold_state import PART_WORDS, Evaluated, SourcedSet, default_key, find_set
from cxrcore.ui.widgets import escape

MEASURES = {"AUROC": "auroc", "AP": "ap", "F1": "f1", "Recall": "recall", "Precision": "precision", "Brier": "brier",
            "ECE": "ece"}
MEANINGS = ("AUROC: how well scores order films. AP: average precision. F1, recall and precision: at each run's own "
            "thresholds. Brier score and ECE (expected calibration error): whether scores are probabilities; lower is "
            "better.")
COSTS = {"parameters": "Parameters", "checkpoint_bytes": "Checkpoint (bytes)", "training_seconds": "Training (seconds)",
         "images_per_second": "Training speed (images/s)"}
NAMES = (*map(display_name, FINDINGS), "Macro mean")
WORDS = {BETTER: "better", WORSE: "worse", TIED: "tied", UNTESTED: "no test"}


@dataclass(frozen=True)
class Compared:
    """One run of the comparison.

    Attributes:
        run: with its predictions.
        style: its look.
        found: its measures in every draw.
        source: the set that F1, recall and precision are read at.
    """

    run: Evaluated
    style: RunStyle
    found: Resampled
    source: SourcedSet


def load(store: Store, runs: Sequence[Evaluated], architectures: Mapping[str, str], part: str) -> list[Compared]:
    """The runs measured in the same draws.

    Raises:
        ResamplingError: they cannot be compared; the text says why.
    """
    styles = run_styles({run.run_id: architectures[run.run_id] for run in runs})
    sources = [find_set(store, run, default_key(run)) for run in runs]
    measured = [Measured(run.prediction_id(part), tuple(source.thresholds.tolist()))
                for run, source in zip(runs, sources, strict=True)]
    found = measured_in_draws(store, measured)
    return [Compared(run, styles[run.run_id], one, source)
            for run, one, source in zip(runs, found, sources, strict=True)]


def say_where(compared: Sequence[Compared], groups: Sequence[runs_view.Group], part: str, measure: str) -> None:
    """Films, patients, intervals and thresholds behind every number of the page."""
    for group in groups:
        widgets.badges(group)
        st.caption(f"{escape(group.title)} · {escape(group.split)} · {group.draw}")
    first = compared[0].found
    films = f"{first.n_films:,} {PART_WORDS[part]} films"
    text = (f"Measured on **{films}** of {first.n_patients:,} patients, shared by all runs. Intervals: the central "
            f"95 % of {N_DRAWS:,} draws of patients.")
    if measure in AT_THRESHOLDS:
        sets = {one.source.in_words for one in compared}
        text += f" Thresholds: {escape('; '.join(sorted(sets)))}."
    st.markdown(text)
    if not first.patients_known:
        st.warning(f"{PATIENTS_UNKNOWN.capitalize()}. Films were drawn one by one.", icon=":material/warning:")
    short = [one.run.label for one in compared if one.run.parts[part]["n"] > first.n_films]
    if short:
        st.info(f"Measured on more films, of which only the shared ones count here: {escape(', '.join(short))}.",
                icon=":material/info:")
    if measure in AT_THRESHOLDS and any(one.source.part == part for one in compared):
        st.markdown(":orange-badge[:material/warning: same films] Thresholds were fitted on the films that they are "
                    "read on, which flatters.")


# -- measures with intervals


def bars_of(compared: Sequence[Compared], measure: str) -> list[charts.Bars]:
    """Each run's values with intervals."""
    made = []
    for one in compared:
        found = one.found.interval(measure)
        notes = [f"{n:,} films with it" + (", few: the interval may be too narrow" if rare else "")
                 for n, rare in zip(one.found.n_positive, one.found.rare, strict=True)]
        notes.append(f"mean over {len(FINDINGS) - found.n_excluded} of {len(FINDINGS)} findings")
        made.append(charts.Bars(one.run.label, one.style, found.point, found.low, found.high,
                                np.ones(len(NAMES), bool), notes))
    return made


def values_table(compared: Sequence[Compared], measure: str) -> pd.DataFrame:
    """A row a run and finding, for the download."""
    frames = []
    for one in compared:
        found = one.found.interval(measure)
        frames.append(pd.DataFrame({
            "run_id": one.run.run_id, "run": one.run.label, "finding": NAMES, "measure": measure, "value": found.point,
            "low": found.low, "high": found.high, "standard_error": found.error, "draws_dropped": found.n_dropped,
            "n_positive": [*one.found.n_positive, np.nan], "films": one.found.n_films,
            "patients": one.found.n_patients}))
    return pd.concat(frames, ignore_index=True)


# -- differences to a reference


@dataclass(frozen=True)
class Contrast:
    """One run against the reference.

    Attributes:
        one: the run.
        change: its measure minus the reference's, (15,).
        words: (15,), a verdict each; the macro mean's is of a family of its own.
        p: (15,), corrected.
    """

    one: Compared
    change: Difference
    words: np.ndarray
    p: np.ndarray


def contrasts(compared: Sequence[Compared], reference: str, measure: str) -> tuple[list[Contrast], int]:
    """Each other run against the reference, and how many tests of findings the family has."""
    base = next(one for one in compared if one.run.run_id == reference)
    others = [one for one in compared if one is not base]
    changes = [difference(one.found, base.found, measure) for one in others]
    single, macro = (_family(changes, places, measure) for places in (slice(None, MACRO), slice(MACRO, None)))
    return [Contrast(one, change, np.concatenate([single.words[i], macro.words[i]]),
                     np.concatenate([single.p[i], macro.p[i]]))
            for i, (one, change) in enumerate(zip(others, changes, strict=True))], single.n_tests


def _family(changes: Sequence[Difference], places: slice, measure: str) -> Verdicts:
    return verdicts(np.array([change.point[places] for change in changes]),
                    np.array([change.p[places] for change in changes]), measure)


def difference_bars(found: Sequence[Contrast]) -> list[charts.Bars]:
    """Differences with intervals; a verdict fills the mark."""
    return [charts.Bars(
        one.one.run.label, one.one.style, one.change.point, one.change.low, one.change.high,
        np.isin(one.words, (BETTER, WORSE)),
        [f"{WORDS[word]}, corrected p {p:.2g}" for word, p in zip(one.words, one.p, strict=True)]) for one in found]


def verdict_table(found: Sequence[Contrast]) -> pd.DataFrame:
    """A row a run: how the macro mean differs, and how many findings are better, tied and worse."""
    rows = []
    for one in found:
        change, counts = one.change, {word: int((one.words[:MACRO] == word).sum()) for word in WORDS}
        rows.append({
            "Run": one.one.run.label, "Macro difference": change.point[MACRO],
            "95 % interval": f"{change.low[MACRO]:+.4f} to {change.high[MACRO]:+.4f}", "p": one.p[MACRO],
            "Verdict": WORDS[one.words[MACRO]], "Better in": counts[BETTER], "Tied in": counts[TIED],
            "Worse in": counts[WORSE], "No test": counts[UNTESTED]})
    return pd.DataFrame(rows)


def contrast_table(found: Sequence[Contrast], reference: str, measure: str) -> pd.DataFrame:
    """A row a run and finding, for the download."""
    return pd.concat([pd.DataFrame({
        "run": one.one.run.label, "against": reference, "finding": NAMES, "measure": measure,
        "difference": one.change.point, "low": one.change.low, "high": one.change.high, "p_uncorrected": one.change.p,
        "p_holm": one.p, "verdict": one.words}) for one in found], ignore_index=True)


# -- cost


def cost_rows(compared: Sequence[Compared], runs: pd.DataFrame, cost: str, measure: str) -> list[tuple]:
    """What `charts.quality_against_cost` draws; runs whose cost is not recorded are left out."""
    rows, by_id = [], runs.set_index("run_id")
    for one in compared:
        price, found = cost_of(by_id.loc[one.run.run_id], cost), one.found.interval(measure)
        if price and not np.isnan(found.point[MACRO]):
            rows.append((one.run.label, one.style, price, found.point[MACRO], found.low[MACRO], found.high[MACRO]))
    return rows


def cost_of(run: pd.Series, cost: str) -> float | None:
    """One recorded cost of a run; None where it is not recorded."""
    value = run["n_parameters"] if cost == "parameters" else json.loads(run["cost"] or "{}").get(cost)
    return None if value is None or pd.isna(value) or value <= 0 else float(value)


# -- seeds


def seeds_table(compared: Sequence[Compared], architectures: Mapping[str, str], measure: str) -> pd.DataFrame:
    """A row an architecture of which several runs are compared: mean and spread of their macro means."""
    rows = []
    for name in dict.fromkeys(architectures[one.run.run_id] for one in compared):
        own = [one.found.interval(measure).point[MACRO] for one in compared if architectures[one.run.run_id] == name]
        if len(own) > 1:
            rows.append({"Architecture": architecture_label(name), "Runs": len(own), "Mean": float(np.mean(own)),
                         "Standard deviation": float(np.std(own, ddof=1)), "Least": min(own), "Most": max(own)})
    return pd.DataFrame(rows)


# -- agreement


def agreement_table(store: Store, compared: Sequence[Compared], part: str) -> pd.DataFrame:
    """A row a finding: where all runs say the same at their own thresholds, and how often their common yes is right."""
    films = shared_films([cached.predictions(store, one.run.prediction_id(part)) for one in compared])
    votes = sum((held.scores.astype(np.float64) >= one.source.thresholds).astype(int)
                for held, one in zip(films, compared, strict=True))
    labels, n = films[0].labels, len(compared)
    rows = []
    for k, finding in enumerate(FINDINGS):
        known = ~np.isnan(labels[:, k])
        vote, label = votes[known, k], labels[known, k]
        yes, most = vote == n, (vote < n) & (vote > n / 2)
        rows.append({"Finding": display_name(finding), "All agree": 100 * float(np.mean((vote == 0) | yes)),
                     "All say yes": int(yes.sum()), "right": _share(label, yes),
                     "Most say yes": int(most.sum()), "right of most": _share(label, most),
                     "Missed by all": int(((vote == 0) & (label == 1)).sum())})
    return pd.DataFrame(rows)


def _share(label: np.ndarray, chosen: np.ndarray) -> float:
    return 100 * float(label[chosen].mean()) if chosen.any() else float("nan")
