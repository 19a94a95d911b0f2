"""Repeats on the Compare page: in place of single runs, or in a table of their own below them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.charts.dot_rows import Bars
from cxrcore.measures.intervals.intervals import MACRO
from cxrcore.measures.number_words import span
from cxrcore.queries import comparison
from cxrcore.queries.comparison import Compared
from cxrcore.queries.repeats.measured import (
    MeasuredTraining,
    are_paired,
    bars_together,
    difference_over_seeds,
    difference_table,
    spread_table,
)
from cxrcore.ui import widgets
from cxrcore.ui.compare import table, words
from cxrcore.ui.compare.sections import Tables

EXPLAINED = ("seed_mean", "seed_spread", "seed_difference")
_READ_AS = (" Of each training the run counts whose macro AUROC is nearest to the mean of its repeats.")


@dataclass(frozen=True)
class View:
    """What the page shows.

    Attributes:
        compared: the runs, measured in the same draws.
        trainings: of these.
        together: whether the means of trainings stand in place of runs.
        said: what is folded, in words.
    """

    compared: Sequence[Compared]
    trainings: Sequence[MeasuredTraining]
    together: bool
    said: str = ""

    @property
    def shown(self) -> list[Compared]:
        """The runs, or the means."""
        return [one.mean for one in self.trainings] if self.together else list(self.compared)

    @property
    def repeated(self) -> dict[str, MeasuredTraining] | None:
        """{run id that a training's mean stands under: the training}, where means are shown."""
        return _by_mean(self.trainings) if self.together else None

    @property
    def read_as(self) -> str:
        """Which run stands for a training where films are counted."""
        return _READ_AS if self.together else ""

    def known(self, labels: Mapping[str, str]) -> set[str]:
        """All names that a run or training of this page may have had."""
        return {*labels.values(), *(one.mean.run.label for one in self.trainings)}

    def answer(self, title: str, measure: str) -> str:
        """The page's sentence, as HTML."""
        if not self.together:
            return words.answer(self.compared, title, measure)
        said = words.answer(self.shown, title, measure, partial(_over_seeds_in_words, self.trainings, measure))
        sd = self.trainings[0].spread(measure).sd[MACRO]
        return said if len(self.trainings) > 1 or np.isnan(sd) else (
            f"{said} Its standard deviation over seeds is <b>{sd:.3f}</b>.")

    def starts(self, runs: pd.DataFrame, labels: Mapping[str, str]) -> tuple[pd.DataFrame, Mapping[str, str]]:
        """The rows of `runs` that stand for all, and their names: of each training its first run."""
        if not self.together:
            return runs, labels
        names = {one.training.run_ids[0]: one.mean.run.label for one in self.trainings}
        return runs[runs["run_id"].isin(names)], names

    def bars(self, measure: str) -> list[Bars]:
        """The values for the chart."""
        return bars_together(self.trainings, measure) if self.together else comparison.bars_of(self.compared, measure)

    def say_what_is_what(self, base: str) -> None:
        """What the two spreads tell, where means are shown; `base`: the id that the reference stands under."""
        if self.together:
            _say_what_is_what(self.trainings, _by_mean(self.trainings)[base], self.said)

    def for_paper(self, measure: str) -> str:
        """What a paper says of the repeats; '' where single runs are shown."""
        said = [f"{one.training.name} {one.spread(measure).sd[MACRO]:.4f} (seeds {', '.join(one.training.seeds)})"
                for one in self.trainings if one.training.repeated]
        if not self.together or not said:
            return ""
        return ("Values are means over runs that differ in their seed alone; intervals are those of these means, over "
                f"patients. Standard deviation of the macro mean over seeds: {'; '.join(said)}.")

    def section(self, runs: pd.DataFrame, title: str, measure: str, part: str) -> Tables:
        """Repeats in a table of their own where single runs are shown, and which runs of one architecture are none.

        Args:
            runs: as `Store.runs`.
        """
        rows = dict(zip(runs["run_id"], runs.to_dict("records"), strict=True))
        others = comparison.other_settings(self.compared, rows)
        repeated = [one for one in self.trainings if one.training.repeated]
        if others or (repeated and not self.together):
            st.header("Runs of one architecture", anchor=False)
        if repeated and not self.together:
            _draw_means(repeated, title, measure)
        if others:
            st.caption("No repeats, so not the seed alone makes their difference: "
                       f"{widgets.escape('; '.join(others))}.")
        return _tables(repeated, measure, part)


def _by_mean(found: Sequence[MeasuredTraining]) -> dict[str, MeasuredTraining]:
    return {one.mean.run.run_id: one for one in found}


def _over_seeds_in_words(found: Sequence[MeasuredTraining], measure: str, best: Compared, other: Compared) -> str:
    """', over seeds 0.003 to 0.041', with a 'but' where that holds 0; '' where one of them has a single run."""
    held = _by_mean(found)
    change = difference_over_seeds(held[best.run.run_id], held[other.run.run_id], measure)
    said = span(change.low[MACRO], change.high[MACRO])
    turned = "but " if change.low[MACRO] <= 0 <= change.high[MACRO] else ""
    return f", {turned}over seeds {said}" if said else ""


def _draw_means(repeated: Sequence[MeasuredTraining], title: str, measure: str) -> None:
    """The trainings that have repeats, as they stand in place of runs where repeats are shown as one."""
    means, base = [one.mean for one in repeated], repeated[0]
    found = comparison.contrasts(means, base.mean.run.run_id, measure)[0] if len(means) > 1 else []
    st.caption("Repeats: alike in all recorded settings but the seed. A difference between architectures that is no "
               "larger than their spread may be chance.")
    table.draw(means, found, base.mean.run.run_id, title, measure, _by_mean(repeated), "compare_repeats")
    _say_what_is_what(repeated, base)
    widgets.explain_measures(EXPLAINED)


def _say_what_is_what(found: Sequence[MeasuredTraining], base: MeasuredTraining, said: str = "") -> None:
    """What each of the two spreads tells, and how seeds were held against each other."""
    others = [one for one in found if one is not base]
    text = (f"{said}Values are means over a training's runs; **±** is the standard deviation over its seeds, how far "
            "another seed moves one run. Below stands the mean's 95 % interval over patients, how far other patients "
            "would move it.")
    if others:
        text += (" *Difference* is between means; its interval and the verdict are over patients, for these very "
                 "runs. *Over seeds* is the 95 % interval of the same difference with other seeds, on these very "
                 f"films{_how(others, base)}. Neither holds the other: claim a lead only where both are clear of 0.")
    st.caption(text)


def _how(others: Sequence[MeasuredTraining], base: MeasuredTraining) -> str:
    """By which interval, in brackets."""
    pairs = [are_paired(one, base) for one in others if min(len(one.members), len(base.members)) > 1]
    if not pairs:
        return " (none: it takes two runs of each)"
    if all(pairs):
        return " (Student's of pairs, since one network was trained from the same seeds)"
    return " (Welch's; of pairs where one network was trained from the same seeds)" if any(pairs) else " (Welch's)"


def _tables(repeated: Sequence[MeasuredTraining], measure: str, part: str) -> Tables:
    if not repeated:
        return {}
    tables: Tables = {"Repeats": (f"repeats_{measure}_{part}", partial(spread_table, repeated, measure))}
    if len(repeated) > 1:
        tables["Differences over seeds"] = (f"differences_over_seeds_{measure}_{part}",
                                            partial(difference_table, repeated, repeated[0], measure))
    return tables
