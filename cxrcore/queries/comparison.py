"""The runs of a comparison measured in the same draws, and their differences to one of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxrcore.charts.dot_rows import Bars, row_names
from cxrcore.charts.look import RunStyle, architecture_label, run_styles
from cxrcore.evaluation import ensemble
from cxrcore.evaluation.shares import Told, untold
from cxrcore.import_export import examination
from cxrcore.measures.intervals.holm import BETTER, TIED, UNTESTED, WORSE, Verdicts, verdicts
from cxrcore.measures.intervals.intervals import MACRO, Difference, Interval, Resampled, difference
from cxrcore.networks.weights_corpora import NONE, start_corpus
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.shared_draws import measured_in_draws
from cxrcore.queries.threshold_sets import SourcedSet, default_key, find_set, parse_key
from cxrcore.settings import deciding, differing_names, settings_of
from cxrcore.store import Store

WORDS = {BETTER: "better", WORSE: "worse", TIED: "tied", UNTESTED: "no test"}
_NO_NETWORK = ("", None, examination.NO_ARCHITECTURE, ensemble.ARCHITECTURE)  # in place of an architecture


@dataclass(frozen=True)
class Compared:
    """One run of the comparison.

    Attributes:
        run: with its predictions.
        architecture: its name, as the store has it.
        style: its look.
        found: its measures in every draw.
        source: the set that F1, recall and precision are read at.
    """

    run: Evaluated
    architecture: str
    style: RunStyle
    found: Resampled
    source: SourcedSet


def compare(store: Store, runs: Sequence[Evaluated], architectures: Mapping[str, str], part: str,
            key: str | None = None, told: Told = untold, places: Mapping[str, int] | None = None) -> list[Compared]:
    """The runs measured in the same draws.

    Args:
        runs: with the findings that all of them have, as `evaluated_runs.on_scored_findings` gives them.
        architectures: {run_id: name}.
        key: of the threshold set; without it, or where a run has no predictions to fit it on, the run's default.
        told: hears how far it is.
        places: as for `look.run_styles`.

    Raises:
        ResamplingError: they cannot be compared; the text says why.
    """
    styles = run_styles((run.run_id for run in runs), places)
    sources = [find_set(store, run, _key_for(run, key)) for run in runs]
    measured = [(run.read(part), source.thresholds) for run, source in zip(runs, sources, strict=True)]
    found = measured_in_draws(store, measured, told)
    return [Compared(run, architectures[run.run_id], styles[run.run_id], one, source)
            for run, one, source in zip(runs, found, sources, strict=True)]


def _key_for(run: Evaluated, key: str | None) -> str:
    fit = parse_key(key) if key else None
    return key if key and fit and (fit.part is None or fit.part in run.parts) else default_key(run)


def values_table(compared: Sequence[Compared], measure: str) -> pd.DataFrame:
    """A row a run and finding, for the download; `n_findings` counts what a value is the mean of."""
    frames = []
    for one in compared:
        found = one.found.interval(measure)
        frames.append(pd.DataFrame({
            "run_id": one.run.run_id, "run": one.run.label, "finding": row_names(one.run.findings), "measure": measure,
            "value": found.point,
            "low": found.low, "high": found.high, "standard_error": found.error, "draws_dropped": found.n_dropped,
            "n_positive": [*one.found.n_positive, np.nan],
            "n_negative": [*one.found.n_negative, np.nan],
            "n_findings": averaged(found), "films": one.found.n_films,
            "patients": one.found.n_patients}))
    return pd.concat(frames, ignore_index=True)


def averaged(found: Interval) -> list[int]:
    """How many findings each value of an interval is the mean of: 1 or 0 for a finding's own, more for the macro's."""
    own = found.point[:MACRO]
    return [*(~np.isnan(own)).astype(int), len(own) - found.n_excluded]


# -- differences to a reference


@dataclass(frozen=True)
class Contrast:
    """One run against the reference.

    Attributes:
        one: the run.
        change: its measure minus the reference's, (k + 1,).
        words: (k + 1,), a verdict each; the macro mean's is of a family of its own.
        p: (k + 1,), corrected.
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


def contrast_table(found: Sequence[Contrast], reference: str, measure: str) -> pd.DataFrame:
    """A row a run and finding, for the download."""
    return pd.concat([pd.DataFrame({
        "run": one.one.run.label, "against": reference, "finding": row_names(one.one.run.findings), "measure": measure,
        "difference": one.change.point, "low": one.change.low, "high": one.change.high, "p_uncorrected": one.change.p,
        "p_holm": one.p, "verdict": one.words}) for one in found], ignore_index=True)


# -- how they were trained


def start_weights_sentence(runs: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Which runs began with weights that had seen what; empty where they do not differ in it, or nothing is recorded.

    Args:
        runs: rows of `Store.runs`.
        labels: {run_id: unique label}.
    """
    seen: dict[str, list[str]] = {}
    for run_id, config in zip(runs["run_id"], runs["config"], strict=True):
        if corpus := start_corpus(json.loads(config or "{}")):
            seen.setdefault("nothing (random weights)" if corpus == NONE else corpus, []).append(labels[run_id])
    if len(seen) < 2:
        return ""
    said = "; ".join(f"{', '.join(names)}: {corpus}" for corpus, names in seen.items())
    return f"Not the same start: what their weights had seen before training differs too: {said}."


def other_settings(compared: Sequence[Compared], runs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Runs of one architecture that are no repeats of its first one: in what settings they differ, a text each."""
    said = []
    for name in dict.fromkeys(one.architecture for one in compared if one.architecture not in _NO_NETWORK):
        own = [(one.run.label, settings_of(runs[one.run.run_id])) for one in compared if one.architecture == name]
        told = [(label, deciding(settings)) for label, settings in own if settings is not None]
        differing: dict[str, list[str]] = {}
        for label, settings in told[1:]:
            if names := [one for one in differing_names([told[0][1], settings]) if one != "seed"]:
                differing.setdefault(", ".join(names), []).append(label)
        said += [f"{', '.join(labels)} (not {told[0][0]}'s {names})" for names, labels in differing.items()]
        if len(own) > 1 and (untold := [label for label, settings in own if settings is None]):
            said.append(f"{', '.join(untold)} (how {architecture_label(name)} was trained there is not recorded)")
    return said


def bars_of(compared: Sequence[Compared], measure: str) -> list[Bars]:
    """Each run's values with intervals."""
    made = []
    for one in compared:
        found = one.found.interval(measure)
        known = one.found.n_positive + one.found.n_negative
        of = [f" of {n:,}" for n in known] if len(set(known.tolist())) > 1 else [""] * len(known)
        notes = [f"{n:,}{every} films with it" + (", few: the interval may be too narrow" if rare else "")
                 for n, every, rare in zip(one.found.n_positive, of, one.found.rare, strict=True)]
        n = len(one.run.findings)
        notes.append(f"mean over {n - found.n_excluded} of {n} findings")
        made.append(Bars(one.run.label, one.style, found.point, found.low, found.high, np.ones(n + 1, bool), notes))
    return made


def difference_bars(found: Sequence[Contrast]) -> list[Bars]:
    """Differences with intervals; a verdict fills the mark."""
    return [Bars(
        one.one.run.label, one.one.style, one.change.point, one.change.low, one.change.high,
        np.isin(one.words, (BETTER, WORSE)),
        [f"{WORDS[word]}, corrected p {p:.2g}" for word, p in zip(one.words, one.p, strict=True)]) for one in found]
