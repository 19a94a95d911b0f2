"""What the curve views draw of runs: their predictions, read for one view, with what they are measured on in words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from cxrcore.charts.curve_marks import OperatingPoint
from cxrcore.charts.look import RunStyle, run_styles
from cxrcore.data.splits import PART_WORDS
from cxrcore.measures.intervals.curve_bands import Band
from cxrcore.measures.thresholds.fitting import STABLE_POSITIVES
from cxrcore.queries import from_store
from cxrcore.queries.evaluated_runs import Evaluated, known_in_words
from cxrcore.queries.from_store import Labelled
from cxrcore.queries.repeats.measured import MeasuredTraining
from cxrcore.store import Store


@dataclass(frozen=True)
class DrawnRun:
    """One run's predictions with the curves of a view.

    Attributes:
        run_id, label, style: of the run.
        of: the scores and the labels that they are read against.
        source: the predictions in words: part, films (or how many of them), checkpoint.
        data: `from_store.RunCurves`, or what another view has in its place, with `findings` and `films` as there.
        points: where a threshold set stands, of each finding; None without one.
        bands: {finding: the band around its curve}.
        repeats: of a mean of repeats the runs behind it.
        training: of a mean of repeats its numbers, over seeds and over patients.
    """

    run_id: str
    label: str
    style: RunStyle
    of: Labelled
    source: str
    data: Any
    points: Sequence[OperatingPoint] | None = None
    bands: Mapping[str, Band] = field(default_factory=dict)
    repeats: Sequence["DrawnRun"] = ()
    training: MeasuredTraining | None = None


def curves_reader(store: Store, view: str) -> Callable[[Evaluated, str], from_store.RunCurves]:
    """What `read_drawn_runs` reads for a view of `curves.VIEWS`: (run, part) -> its curves."""
    return lambda run, part: from_store.curves(store, run.read(part), view)


def read_drawn_runs(store: Store, runs: Sequence[Evaluated], part: str, read: Callable[[Evaluated, str], Any],
                    step: Callable[[], None] = lambda: None, places: Mapping[str, int] | None = None
                    ) -> list[DrawnRun]:
    """Those of the runs that have predictions of this part, in the order of the runs.

    Args:
        read: (run, part) -> what the view draws; None leaves the run out.
        step: called after each run.
        places: as for `look.run_styles`.
    """
    styles = run_styles((run.run_id for run in runs), places)
    loaded = []
    for run in runs:
        data = read(run, part) if part in run.parts else None
        if data is not None:
            of = run.read(part)
            loaded.append(DrawnRun(run.run_id, run.label, styles[run.run_id], of, _source(store, run, part), data))
        step()
    return loaded


def _source(store: Store, run: Evaluated, part: str) -> str:
    row, of = run.parts[part], run.read(part)
    films = f"{int(row['n']):,} films" if row["n"] >= row["n_expected"] else (
        f"subset of {int(row['n']):,} of {int(row['n_expected']):,} films")
    if not of.labels.is_shipped:
        films = f"{len(from_store.predictions(store, of).image_ids):,} films ({of.labels.title})"
    return ", ".join([PART_WORDS.get(part, part), films,
                      *([row["checkpoint"]] if isinstance(row["checkpoint"], str) else [])])


def sources_in_words(measured: Sequence[DrawnRun], finding: str | None) -> str:
    """'Measured on test, 22,433 films, 582 of them with the finding (2.59 %)', for each run where they differ."""
    sources = {}
    for one in measured:
        words = one.source
        if finding is not None:
            curves = one.data.findings[finding]
            known = curves.positives + curves.negatives
            words += f", {curves.positives:,} of them with the finding ({100 * curves.positives / max(known, 1):.2f} %)"
            if 0 < curves.positives < STABLE_POSITIVES:
                words += ", too few for a stable curve"
        elif known := known_in_words(one.of.findings, [c.positives + c.negatives for c in one.data.findings.values()]):
            words += f". {known.removesuffix('.')}"
        sources[one.label] = words
    if len(set(sources.values())) == 1:
        return f"Measured on {next(iter(sources.values()))}."
    return "Measured on: " + "; ".join(f"{name}: {words}" for name, words in sources.items()) + "."


def number(value: float) -> str:
    """Three decimals; a dash where it is undefined."""
    return f"{value:.3f}" if value == value else "–"


def single_runs(measured: Sequence[DrawnRun]) -> list[DrawnRun]:
    """The runs themselves, those behind a mean of repeats one by one."""
    return [own for one in measured for own in (one.repeats or (one,))]


def values_table(measured: Sequence[DrawnRun]) -> pd.DataFrame:
    """AUROC, AP and greatest F1 of every finding, run by run, for the download."""
    return pd.DataFrame([
        {"run_id": one.run_id, "run": one.label, "measured_on": one.source, "finding": finding,
         "auroc": curves.auroc, "ap": curves.ap, "greatest_f1_on_these_films": curves.best[1],
         "at_threshold": curves.best[0], "n_positive": curves.positives, "n": curves.positives + curves.negatives}
        for one in measured for finding, curves in one.data.findings.items()])


def points_table(measured: Sequence[DrawnRun], finding: str | None) -> pd.DataFrame:
    """The points of the drawn lines, of one finding or of all, for the download."""
    frames = [
        pd.DataFrame({"run_id": one.run_id, "run": one.label, "finding": name, "line": line, "x": drawn.x,
                      "y": drawn.y, "threshold": drawn.thresholds, "tp": drawn.tp.astype(int),
                      "fp": drawn.fp.astype(int), "fn": curves.positives - drawn.tp.astype(int)})
        for one in measured for name, curves in one.data.findings.items()
        if finding in (None, name) for line, drawn in curves.lines.items()]
    return pd.concat(frames) if frames else pd.DataFrame()
