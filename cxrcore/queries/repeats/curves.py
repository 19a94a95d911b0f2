"""Trainings in place of runs on the Curves page: mean curves, or the run that is nearest to the mean of its repeats."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from cxrcore.charts.look import RunStyle
from cxrcore.errors import ResamplingError
from cxrcore.evaluation.shares import Told, untold
from cxrcore.measures.intervals.curve_bands import CURVES
from cxrcore.measures.macro_curves import mean_of_repeats
from cxrcore.queries import comparison
from cxrcore.queries.curves import DrawnRun
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.from_store import RunCurves
from cxrcore.queries.repeats.measured import MeasuredTraining, measured_trainings
from cxrcore.queries.repeats.trainings import Training
from cxrcore.store import Store


def drawn_together(store: Store, measured: Sequence[DrawnRun], runs: Sequence[Evaluated], part: str,
                   trainings: Sequence[Training], styles: Mapping[str, RunStyle], view: str, told: Told = untold
                   ) -> list[DrawnRun]:
    """A curve a training: of ROC and precision-recall the mean of its repeats, else that of one of them.

    Args:
        measured: the runs, as `curves.read_drawn_runs` gives them.
        styles: {run_id: look of its training}.
        view: that is drawn.
        told: hears how far it is.
    """
    by_id, known, made = {one.run_id: one for one in measured}, {run.run_id: run for run in runs}, []
    for place, training in enumerate(trainings):
        members = [by_id[run_id] for run_id in training.run_ids if run_id in by_id]
        if len(members) == 1:
            made.append(replace(members[0], style=styles[members[0].run_id]))
        elif members:
            found = _measured(store, training, [known[one.run_id] for one in members], part, styles)
            made.append(_mean(members, training, found, view, styles) if view in CURVES else
                        replace(_nearest(members, found), style=styles[members[0].run_id]))
        told((place + 1) / len(trainings))
    return made


def _measured(store: Store, training: Training, runs: Sequence[Evaluated], part: str,
              styles: Mapping[str, RunStyle]) -> MeasuredTraining | None:
    """The training in draws of patients; None where none can be made."""
    try:
        compared = comparison.compare(store, runs, dict.fromkeys((run.run_id for run in runs), ""), part)
    except ResamplingError:
        return None
    return measured_trainings([training], compared, styles)[0]


def _nearest(members: Sequence[DrawnRun], found: MeasuredTraining | None) -> DrawnRun:
    return members[0] if found is None else next(one for one in members if one.run_id == found.nearest.run.run_id)


def _mean(members: Sequence[DrawnRun], training: Training, found: MeasuredTraining | None, view: str,
          styles: Mapping[str, RunStyle]) -> DrawnRun:
    first = members[0]
    curves = {finding: mean_of_repeats([one.data.findings[finding] for one in members], view)
              for finding in first.data.findings}
    own = replace(training, run_ids=tuple(one.run_id for one in members))
    return replace(first, label=own.in_words, style=styles[first.run_id], data=RunCurves(curves, first.data.films),
                   repeats=tuple(members), training=found)


def mean_points_table(measured: Sequence[DrawnRun], finding: str | None) -> pd.DataFrame:
    """The points of mean curves, of one finding or of all, for the download."""
    frames = [pd.DataFrame({"training": one.label, "run_ids": ", ".join(own.run_id for own in one.repeats),
                            "finding": name, "line": line, "x": drawn.x, "mean_y": drawn.y})
              for one in measured if one.repeats for name, curves in one.data.findings.items()
              if finding in (None, name) for line, drawn in curves.lines.items()]
    return pd.concat(frames) if frames else pd.DataFrame()
