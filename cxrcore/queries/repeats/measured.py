"""Trainings measured: the mean of their repeats in every draw of patients, the spread over seeds, and differences.

The mean of repeats is taken draw by draw, so its interval over patients is that of the very number that is shown. It
says how far other patients would move that mean; the spread over seeds says how far another seed would move one run.
Neither holds the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxrcore.charts.dot_rows import Bars, row_names
from cxrcore.charts.look import RunStyle
from cxrcore.measures.intervals.intervals import MACRO, Resampled
from cxrcore.measures.intervals.seed_spread import SeedDifference, SeedSpread, seed_difference, seed_spread
from cxrcore.queries.comparison import Compared, bars_of
from cxrcore.queries.repeats.trainings import Training


@dataclass(frozen=True)
class MeasuredTraining:
    """One training as it was measured.

    Attributes:
        training: which runs it is.
        members: its runs, in their order; all in the same draws.
        mean: their mean as if it were a run: under the training's name, with the predictions and thresholds of
            `nearest` where films are read.
    """

    training: Training
    members: tuple[Compared, ...]
    mean: Compared

    @property
    def nearest(self) -> Compared:
        """The run whose macro AUROC is nearest to the mean of all; the first of several."""
        values = self.values("auroc")[:, MACRO]
        return self.members[0 if np.isnan(values).any() else int(np.abs(values - values.mean()).argmin())]

    def values(self, measure: str) -> np.ndarray:
        """Of each run, float64 (n, k + 1): the findings and, last, the mean over those that all runs have."""
        own = np.stack([one.found.values[measure][:, 0] for one in self.members])
        inside = self.mean.found.in_macro(measure)
        macro = own[:, inside].mean(axis=1) if inside.any() else np.full(len(own), np.nan)
        return np.column_stack([own, macro])

    def spread(self, measure: str) -> SeedSpread:
        """Mean and standard deviation over the runs, (k + 1,)."""
        return seed_spread(self.values(measure))


def measured_trainings(found: Sequence[Training], compared: Sequence[Compared], styles: Mapping[str, RunStyle]
                       ) -> list[MeasuredTraining]:
    """The trainings of which at least one run was measured, with those that were.

    Args:
        compared: runs measured in the same draws.
        styles: {run_id: look}; a training takes that of its first run.
    """
    by_id, made = {one.run.run_id: one for one in compared}, []
    for training in found:
        members = [by_id[run_id] for run_id in training.run_ids if run_id in by_id]
        if members:
            seeds = [seed for run_id, seed in zip(training.run_ids, training.seeds, strict=True) if run_id in by_id]
            own = replace(training, run_ids=tuple(one.run.run_id for one in members), seeds=tuple(seeds))
            made.append(_measured(own, tuple(members), styles[members[0].run.run_id]))
    return made


def _measured(training: Training, members: tuple[Compared, ...], style: RunStyle) -> MeasuredTraining:
    mean = replace(members[0], style=style, found=mean_in_draws([one.found for one in members]))
    near = MeasuredTraining(training, members, mean).nearest
    label = training.in_words
    return MeasuredTraining(training, members, replace(mean, run=replace(near.run, label=label), source=near.source))


def mean_in_draws(found: Sequence[Resampled]) -> Resampled:
    """The mean of runs that were measured in the same draws of the same films, draw by draw.

    Where one of them has no value, as precision without an alarm, the mean has none.
    """
    first = found[0]
    return first if len(found) == 1 else replace(first, values={
        name: np.mean([one.values[name] for one in found], axis=0) for name in first.values})


# -- differences


def are_paired(first: MeasuredTraining, second: MeasuredTraining) -> bool:
    """Whether repeats are subtracted seed by seed: one network trained from the same seeds, twice or more.

    A seed settles the random weights and the order of the films. Of two networks it settles nothing that they share.
    """
    return (first.members[0].architecture == second.members[0].architecture and len(first.members) > 1
            and sorted(first.training.seeds) == sorted(second.training.seeds))


def difference_over_seeds(first: MeasuredTraining, second: MeasuredTraining, measure: str) -> SeedDifference:
    """The first's mean minus the second's with the interval of their seeds, (k + 1,).

    The macro difference holds the findings that all runs of both have.
    """
    paired = are_paired(first, second)
    inside = first.mean.found.in_macro(measure) & second.mean.found.in_macro(measure)
    own = [_in_order(one, paired, measure, inside) for one in (first, second)]
    return seed_difference(own[0], own[1], paired)


def _in_order(one: MeasuredTraining, paired: bool, measure: str, inside: np.ndarray) -> np.ndarray:
    values = one.values(measure)[:, :MACRO]
    macro = values[:, inside].mean(axis=1) if inside.any() else np.full(len(values), np.nan)
    order = np.argsort(np.array(one.training.seeds), kind="stable") if paired else np.arange(len(values))
    return np.column_stack([values, macro])[order]


# -- as tables and charts


def spread_table(found: Sequence[MeasuredTraining], measure: str) -> pd.DataFrame:
    """A row a training and finding, for the download: mean and spread over seeds, and the interval over patients."""
    frames = []
    for one in found:
        over_seeds, over_patients = one.spread(measure), one.mean.found.interval(measure)
        frames.append(pd.DataFrame({
            "training": one.training.name, "architecture": one.members[0].architecture, "runs": len(one.members),
            "seeds": ", ".join(one.training.seeds), "run_ids": ", ".join(one.training.run_ids),
            "finding": row_names(one.mean.run.findings), "measure": measure, "mean": over_seeds.mean,
            "sd_over_seeds": over_seeds.sd, "low_over_patients": over_patients.low,
            "high_over_patients": over_patients.high, "films": one.mean.found.n_films,
            "patients": one.mean.found.n_patients}))
    return pd.concat(frames, ignore_index=True)


def difference_table(found: Sequence[MeasuredTraining], base: MeasuredTraining, measure: str) -> pd.DataFrame:
    """A row a training and finding, for the download: each against the base, as far as seeds go."""
    frames = [pd.DataFrame({
        "training": one.training.name, "against": base.training.name,
        "finding": row_names(one.mean.run.findings), "measure": measure, "difference": change.point,
        "low_over_seeds": change.low, "high_over_seeds": change.high, "p_over_seeds_uncorrected": change.p,
        "paired_by_seed": change.paired})
        for one in found if one is not base for change in (difference_over_seeds(one, base, measure),)]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def bars_together(found: Sequence[MeasuredTraining], measure: str) -> list[Bars]:
    """Each training's mean with its interval over patients; its runs as small marks, their spread in the hover."""
    made = []
    for one, bars in zip(found, bars_of([one.mean for one in found], measure), strict=True):
        spread, n = one.spread(measure), len(one.members)
        notes = [f"{note}; mean of {n} runs, standard deviation {sd:.3f}" if n > 1 and sd == sd else note
                 for note, sd in zip(bars.notes, spread.sd.tolist(), strict=True)]
        made.append(replace(bars, notes=notes, repeats=one.values(measure) if n > 1 else None))
    return made
