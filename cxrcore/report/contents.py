"""What a report is about: runs of one data set and split, measured on the same part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from cxrcore.charts.look import run_styles
from cxrcore.errors import RunError
from cxrcore.measures.intervals.intervals import MACRO, Resampled
from cxrcore.queries import class_lesson, comparison, curves, evaluated_runs, from_store, reliability, run_groups
from cxrcore.queries.comparison import Compared
from cxrcore.queries.evaluated_runs import MAX_RUNS, Evaluated, evaluated
from cxrcore.queries.labels.label_set_in_words import label_set_in_words
from cxrcore.queries.repeats.measured import MeasuredTraining, measured_trainings
from cxrcore.queries.repeats.trainings import any_repeated, places_of, trainings
from cxrcore.store import OWN, Store
from cxrcore.store.audit_marks import questions

MOST = 60  # runs
_TOGETHER = ("{} runs of {} trainings, whose repeats differ in their seed alone: leaderboard and values are means over "
             "repeats, ± is their standard deviation, how far another seed moves one run. Curves, boards, subgroups "
             "and maps show of each training the run that is nearest to its mean.")
LEADERBOARD = {"auroc": "AUROC", "ap": "AP", "f1": "F1", "recall": "Recall", "precision": "Precision", "ece": "ECE"}


@dataclass(frozen=True)
class Contents:
    """The runs of a report.

    Attributes:
        overview: of the store.
        group: data set and split.
        part: 'test' or 'val'.
        rows: of `Overview.runs`, in the order of the runs.
        compared: the runs with their measures in every draw, the best macro AUROC first. Of more than six runs that
            repeat trainings, one of each training, the nearest to the mean of its repeats.
        notes: what was left out, and why, and where the runs did not start alike.
        measured: all runs, in the order of the trainings.
        trainings: of all runs; in the order of `compared` where these stand for trainings.
        together: whether they do.
    """

    store: Store
    overview: from_store.Overview
    group: run_groups.Group
    part: str
    rows: pd.DataFrame
    compared: Sequence[Compared]
    notes: Sequence[str]
    measured: Sequence[Compared]
    trainings: Sequence[MeasuredTraining]
    together: bool

    @property
    def means(self) -> list[Compared]:
        """What the leaderboard shows: the runs, or the means of trainings."""
        return [one.mean for one in self.trainings] if self.together else list(self.compared)

    @property
    def repeated(self) -> list[MeasuredTraining]:
        """The trainings with more than one run."""
        return [one for one in self.trainings if one.training.repeated]

    @property
    def runs(self) -> list[Evaluated]:
        """The runs of the report, in its order."""
        return [one.run for one in self.compared]

    @property
    def findings(self) -> tuple[str, ...]:
        """Of the runs, the same for all."""
        return self.compared[0].run.findings

    @property
    def dataset(self) -> pd.Series:
        """Of `Store.datasets`."""
        return self.overview.datasets.loc[self.rows.iloc[0]["dataset_id"]]

    @property
    def labels(self) -> Mapping[str, str]:
        """{run_id: name}."""
        return {run.run_id: run.label for run in self.runs}

    def lesson_of(self, run: Evaluated) -> class_lesson.Lesson:
        """One of the runs, for what class mode reads too."""
        lesson = class_lesson.read_lesson(self.store, self.overview, [run.run_id], self.part)
        return replace(lesson, runs=(run,))  # read against the labels of the report

    def curves(self, view: str) -> list[curves.DrawnRun]:
        """The runs' curves of a view of `curves.VIEWS`, or 'reliability' of the scores as predicted."""
        read = (reliability.reliability_reader(self.store, None) if view == "reliability" else
                curves.curves_reader(self.store, view))
        measured = curves.read_drawn_runs(self.store, self.runs, self.part, read)
        looks = {one.run.run_id: one.style for one in self.compared}
        return [replace(one, style=looks[one.run_id]) for one in measured]

    def leaderboard(self) -> pd.DataFrame:
        """A row a run: run_id, run, ..., and of each measure the macro mean, its 95 % interval and its findings.

        Of trainings a row each: the mean of its runs with its interval, and the standard deviation over seeds.
        """
        made = []
        for place, one in enumerate(self.means):
            row: dict[str, object] = {"run_id": one.run.run_id, "run": one.run.label, "architecture": one.architecture,
                                      "loss": self._row(one.run)["loss"], "thresholds": one.source.in_words,
                                      "films": one.found.n_films,
                                      "audit": questions(self.group.warned.get(one.run.run_id, ()))}
            for name in LEADERBOARD:
                found = one.found.interval(name)
                row |= {name: float(found.point[MACRO]), f"{name}_low": float(found.low[MACRO]),
                        f"{name}_high": float(found.high[MACRO]),
                        f"{name}_findings": len(self.findings) - found.n_excluded}
            if self.together:
                training = self.trainings[place]
                row |= {"runs": len(training.members), "seeds": ", ".join(training.training.seeds)} | {
                    f"{name}_sd": float(training.spread(name).sd[MACRO]) for name in LEADERBOARD}
            made.append(row)
        return pd.DataFrame(made)

    def _row(self, run: Evaluated) -> pd.Series:
        return self.rows.set_index("run_id").loc[run.run_id]


def read_contents(store: Store, run_ids: Sequence[str], wanted: str = "test", label_set: str = OWN,
                  places: Mapping[str, int] | None = None) -> Contents:
    """The named runs, or the best of the first data set and split that has measured ones.

    Args:
        run_ids: of several data sets or splits, those of the first run's. More than six are shown by trainings where
            some are repeats, else the first six.
        wanted: 'test' (validation stands in where none of the runs was measured on test) or 'val'.
        label_set: title of the one that everything is measured on.
        places: as for `look.run_styles`.

    Raises:
        RunError: an unknown run or label set, or none that was evaluated. StoreError: the store cannot be read.
    """
    chosen = _chosen(store, run_ids, wanted, label_set)
    rows, labels = chosen.rows, chosen.labels
    architectures = dict(zip(rows["run_id"], rows["architecture"], strict=True))
    compared = comparison.compare(store, chosen.measured, architectures, chosen.part, places=places)
    found = _by_trainings(rows, labels, compared, places)
    notes = [*chosen.notes, label_set_in_words(store, chosen.measured, chosen.part)]
    if not chosen.together:
        notes.append(comparison.start_weights_sentence(rows, labels))
        shown = measured = tuple(sorted(compared, key=lambda one: _rank(one.found)))
    else:
        named = {one.training.run_ids[0]: one.mean.run.label for one in found}
        notes += [comparison.start_weights_sentence(rows[rows["run_id"].isin(named)], named),
                  _TOGETHER.format(len(compared), len(found))]
        shown = tuple(replace(one.nearest, style=one.mean.style) for one in found)
        measured = tuple(own for one in found for own in one.members)
    return Contents(store, chosen.overview, chosen.group, chosen.part, rows, shown, tuple(filter(None, notes)),
                    measured, tuple(found), chosen.together)


@dataclass(frozen=True)
class _Chosen:
    """The runs that can be reported together.

    Attributes:
        rows: of them, of `Overview.runs`.
        measured: the same runs, on the findings that all have.
        labels: {run_id: name}, of all runs of the store.
        together: whether they stand for trainings, being more than a report shows one by one.
        notes: what was left out, and why; some are ''.
    """

    overview: from_store.Overview
    group: run_groups.Group
    part: str
    rows: pd.DataFrame
    measured: Sequence[Evaluated]
    labels: Mapping[str, str]
    together: bool
    notes: Sequence[str]


def _chosen(store: Store, run_ids: Sequence[str], wanted: str, label_set: str) -> _Chosen:
    """The named runs or the best, as far as they were measured and belong together; as `read_contents`."""
    overview = from_store.overview(store)
    runs, board = overview.runs, overview.board
    _require_known(store, runs, run_ids)
    statuses, labels = from_store.statuses(store, runs), run_groups.run_labels(runs)
    run_ids, notes = _first(runs, labels, list(dict.fromkeys(run_ids))) if run_ids else _best(from_store.groups(
        overview, runs[~runs["archived"].astype(bool)], statuses, wanted), labels)
    rows = _rows(runs, run_ids)
    part = evaluated_runs.part_to_draw(wanted, list(rows["run_id"]), board)
    measured = [run for run in evaluated(rows, overview, labels, part, label_set) if part in run.parts]
    _require_measured(store, measured, label_set)
    notes += [f"{labels[run_id]} has no predictions of this part and is left out." for run_id in rows["run_id"]
              if run_id not in {run.run_id for run in measured}]
    rows = rows[rows["run_id"].isin([run.run_id for run in measured])]
    group, measured, strangers = _of_one_group(from_store.groups(overview, rows, statuses, part), measured)
    rows = rows[rows["run_id"].isin(group.table.index)].reset_index(drop=True)
    measured, others = evaluated_runs.on_scored_findings(store, measured, part)
    if others and not measured[0].findings:
        raise RunError("these runs have no finding in common: a report compares them on those that all have")
    notes += [*strangers, evaluated_runs.others_in_words(len(measured[0].findings), others)]
    return _Chosen(overview, group, part, rows, measured, labels, len(run_ids) > MAX_RUNS, notes)


def _rank(found: Resampled) -> float:
    return -float(found.interval("auroc").point[MACRO])


def _rows(runs: pd.DataFrame, run_ids: Sequence[str]) -> pd.DataFrame:
    return runs.set_index("run_id", drop=False).loc[list(run_ids)].reset_index(drop=True)


def _by_trainings(rows: pd.DataFrame, labels: Mapping[str, str], compared: Sequence[Compared],
                  places: Mapping[str, int] | None) -> list[MeasuredTraining]:
    """The trainings of these runs, the best macro AUROC first."""
    found = trainings(rows, labels)
    own = places_of(found, places or {run_id: place for place, run_id in enumerate(rows["run_id"])})
    return sorted(measured_trainings(found, compared, run_styles(own, own)), key=lambda one: _rank(one.mean.found))


def _of_one_group(groups: Sequence[run_groups.Group], measured: Sequence[Evaluated]
                  ) -> tuple[run_groups.Group, list[Evaluated], list[str]]:
    """The first run's data set and split, the runs of it, and a line on each other one."""
    group = next(one for one in groups if measured[0].run_id in one.table.index)
    notes = [f"{run.label} belongs to another data set or split and is left out." for run in measured
             if run.run_id not in group.table.index]
    return group, [run for run in measured if run.run_id in group.table.index], notes


def _require_known(store: Store, runs: pd.DataFrame, run_ids: Sequence[str]) -> None:
    """RunError where there are no runs, or not these."""
    if runs.empty:
        raise RunError(f"there are no runs in {store.key}: the demo (bash scripts/start.sh --demo) makes some")
    if unknown := [run_id for run_id in run_ids if run_id not in set(runs["run_id"])]:
        raise RunError(f"no run '{unknown[0]}' in {store.key}: the Runs page lists them")


def _require_measured(store: Store, measured: Sequence[Evaluated], label_set: str) -> None:
    """RunError where no run has predictions, or their films no such label set."""
    if not measured:
        raise RunError(f"none of these runs has been evaluated: there is nothing to report. python scripts/eval.py "
                       f"--run RUN_ID evaluates one of {store.key}")
    if measured[0].labels.title != label_set:
        raise RunError(f"the films of these runs have no label set '{label_set}': python scripts/labels.py list")


def _first(runs: pd.DataFrame, labels: Mapping[str, str], run_ids: list[str]) -> tuple[list[str], list[str]]:
    """As many as a report takes, and what to say of the others: six runs, or the runs of six trainings."""
    if len(run_ids) <= MAX_RUNS:
        return run_ids, []
    found = trainings(_rows(runs, run_ids[:MOST]), labels)
    if not any_repeated(found):
        return run_ids[:MAX_RUNS], [f"The first {MAX_RUNS} of {len(run_ids)} runs."]
    kept = [run_id for one in found[:MAX_RUNS] for run_id in one.run_ids]
    left = len(run_ids) - len(kept)
    return kept, [f"Of {len(run_ids)} runs {left} are left out: a report takes the first {MAX_RUNS} trainings, at most "
                  f"{MOST} runs, and of each training one run a seed."] * bool(left)


def _best(groups: Sequence[run_groups.Group], labels: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """As many as a report takes of the group that the pages begin with, and what to say of those left out.

    A run on a subset would shrink the leaderboard of all to its films.
    """
    first = evaluated_runs.default_runs(groups)
    if not first:
        return [], []
    table = next(group.table for group in groups if first[0] in group.table.index)
    measured = table["measured"].where(table["auroc"].notna(), "")
    part = measured[first[0]].split(",")[0]
    own = list(table.index[measured.str.startswith(part)])
    whole = [run_id for run_id in own if measured[run_id] == part]
    left = ", ".join(labels[run_id] for run_id in own if run_id not in whole)
    if not whole or not left:
        return own[:MAX_RUNS], []
    return whole[:MAX_RUNS], [f"Measured on a subset of the films, and so left out unless named: {left}."]
