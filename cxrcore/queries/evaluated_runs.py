"""Runs with the predictions and labels that pages read them on, and which of them are chosen while nothing is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cxrcore.data.splits import PART_WORDS
from cxrcore.findings import display_name, shared
from cxrcore.measures.thresholds import cross_fitting
from cxrcore.queries import from_store, run_groups
from cxrcore.queries.from_store import Labelled, Overview
from cxrcore.queries.kept import kept
from cxrcore.store import OWN, LabelSet, Store

MAX_RUNS = 6


@dataclass(frozen=True)
class Evaluated:
    """A run with its predictions, as they are read.

    Attributes:
        dataset_id: of the run.
        parts: {'val', 'test' or 'external': row of the leaderboard with prediction_id, n, n_expected, checkpoint}.
        own: {dataset_id: the labels that it came with}, of the parts' data sets.
        labels: what the pages measure the run on.
        findings: that the pages show, some or all of the labels'.
        halved: the part that is read on the other half of its patients alone, since thresholds were fitted on the
            first; '' where every part is read whole.
    """

    run_id: str
    label: str
    dataset_id: str
    parts: Mapping[str, Mapping[str, Any]]
    own: Mapping[str, LabelSet]
    labels: LabelSet
    findings: tuple[str, ...]
    halved: str = ""

    def prediction_id(self, part: str) -> str:
        """Names the scores of a part; KeyError where the run has none."""
        return self.parts[part]["prediction_id"]

    def read(self, part: str) -> Labelled:
        """The scores of a part against the labels, where these are of its films, else against its own; KeyError."""
        row = self.parts[part]
        own = row["dataset_id"] != self.labels.dataset_id
        of = self.read_own(part) if own else Labelled(row["prediction_id"], self.labels, self.findings)
        return replace(of, half=cross_fitting.OTHER_HALF) if part == self.halved else of

    @property
    def part_to_halve(self) -> str:
        """The part whose patients are halved where thresholds are fitted on one half and read on the other."""
        return next((part for part in ("test", *self.parts) if part in self.parts), "")

    def read_own(self, part: str) -> Labelled:
        """The scores of a part against the labels that its films came with, as thresholds are fitted; KeyError."""
        row = self.parts[part]
        labels = self.own[row["dataset_id"]]
        return Labelled(row["prediction_id"], labels, labels.findings)

    def thresholds(self, values: Mapping[str, float]) -> np.ndarray:
        """One threshold for each finding that is shown, float64 (k,), as `LabelSet.thresholds`."""
        return self.labels.thresholds(values, self.findings)

    def is_elsewhere(self, part: str) -> bool:
        """Whether the films of a part are of another data set than the run; KeyError."""
        return self.parts[part]["dataset_id"] != self.dataset_id

    def with_own_labels(self, part: str) -> "Evaluated":
        """The run measured on the labels that the films of a part came with, with all their findings; KeyError.

        So threshold sets are saved: they hold a threshold for every finding of the data set.
        """
        labels = self.own[self.parts[part]["dataset_id"]]
        return replace(self, labels=labels, findings=labels.findings)

    def of(self, findings: Sequence[str]) -> "Evaluated":
        """The run with some of its findings."""
        return self if tuple(findings) == self.findings else replace(self, findings=tuple(findings))

    def in_words(self, part: str) -> str:
        """'test, 22,433 films', 'validation, a subset of 500 of 11,296 films' or 'test, films that experts read'."""
        row = self.parts[part]
        if row["dataset_id"] == self.labels.dataset_id and not self.labels.is_shipped:
            own = " with their own labels" if self.labels.films_of else ""
            own += ", of the other half of its patients" if part == self.halved else ""
            return f"{PART_WORDS.get(part, part)}, the films that {self.labels.films_of or self.labels.name} read{own}"
        films = f"{int(row['n']):,} films"
        if part == self.halved:
            films += " of the other half of its patients"
        elif row["n"] < row["n_expected"]:
            films = f"a subset of {int(row['n']):,} of {int(row['n_expected']):,} films"
        return f"{PART_WORDS.get(part, part)}, {films}"

    def fitted_in_words(self, part: str) -> str:
        """As `in_words`, of films that something was fitted on: that is done on all of them and their own labels.

        Args:
            part: one of the run's, or `cross_fitting.FITTED_HALF`.
        """
        if part == cross_fitting.FITTED_HALF:
            return f"half of the patients of {PART_WORDS.get(self.part_to_halve, self.part_to_halve)}"
        words = self.with_own_labels(part).in_words(part)
        return words if self.labels.is_shipped else f"{words} with their own labels"


def evaluated(
    rows: pd.DataFrame, overview: Overview, names: Mapping[str, str], part: str = "test", label_set: str = OWN
) -> list[Evaluated]:
    """Runs with the newest of their predictions.

    Args:
        rows: of `Store.runs`.
        names: {run_id: unique label}.
        part: whose films the labels are of.
        label_set: title of the one that they are read against, where their data set has it, else its own.
    """
    measured: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in overview.board[overview.board["run_id"].isin(rows["run_id"])].to_dict("records"):
        measured.setdefault(row["run_id"], {})[row["split"]] = row
    made = []
    for run_id, dataset_id in zip(rows["run_id"], rows["dataset_id"], strict=True):
        parts = measured.get(run_id, {})
        sets = {one: overview.labels_of(one) for one in {dataset_id, *(row["dataset_id"] for row in parts.values())}}
        own = {one: found[0] for one, found in sets.items()}
        of_part = parts[part]["dataset_id"] if part in parts else dataset_id
        labels = next((one for one in readable(sets[of_part]) if one.title == label_set), own[of_part])
        run = Evaluated(run_id, names[run_id], dataset_id, parts, own, labels, labels.findings)
        made.append(run.of(_known_findings(labels, own[dataset_id])) if of_part != dataset_id else run)
    return made


def _known_findings(labels: LabelSet, network: LabelSet) -> tuple[str, ...]:
    """Those of the labels' findings that a network of other findings has scores of, or of all their parts."""
    parts = dict(labels.derived)
    return tuple(one for one in labels.findings if set(parts.get(one, (one,))) <= set(network.findings))


def on_other_half(store: Store, run: Evaluated, part: str) -> Evaluated:
    """The run with a part read on the other half of its patients alone.

    Raises:
        StoreError: the predictions are gone.
    """
    halved = replace(run, halved=part)
    n = len(from_store.predictions(store, replace(run.read_own(part), half=cross_fitting.OTHER_HALF)).image_ids)
    return replace(halved, parts={**run.parts, part: {**run.parts[part], "n": n, "n_expected": n}})


def elsewhere_in_words(runs: Sequence[Evaluated], part: str, data_set: str) -> str:
    """That runs are measured on films of another data set than theirs, and on which findings; '' where none is.

    Args:
        runs: all with this part, with all findings that they can be measured on.
        data_set: its name.
    """
    others = [run for run in runs if run.is_elsewhere(part)]
    if not others:
        return ""
    there = dict.fromkeys(finding for run in others for finding in run.labels.findings)
    unlabelled = dict.fromkeys(finding for run in others for finding in run.own[run.dataset_id].findings
                               if finding not in there and finding not in
                               {part for run in others for _, parts in run.labels.derived for part in parts})
    unscored = [finding for finding in there if any(finding not in run.findings for run in others)]
    common = shared([run.findings for run in others])
    said = [f"Measured on another data set, {data_set}, on the {len(common)} finding{'s' if len(common) != 1 else ''} "
            "that it shares with the networks."]
    said += [f"{what}: {', '.join(map(display_name, names))}." for what, names in
             (("Without labels there", unlabelled), ("Without scores", unscored)) if names]
    return " ".join([*said, "Thresholds stay those of the runs' own validation films."])


def readable(label_sets: Sequence[LabelSet]) -> list[LabelSet]:
    """What runs can be read against: a data set's own labels, each other set, and the own ones on its films."""
    own, *others = label_sets
    return [own, *(one for other in others for one in (other, own.on_films_of(other)))]


def known_in_words(findings: Sequence[str], known: Sequence[int]) -> str:
    """Between how many films findings are measured on, where they differ in it; '' where they do not.

    Args:
        known: films with a known label and a score, of each finding.
    """
    if len(set(known)) < 2:
        return ""
    least, most = int(np.argmin(known)), int(np.argmax(known))
    return (f"Unknown labels do not count: findings are measured on {known[least]:,} ({display_name(findings[least])}) "
            f"to {known[most]:,} films ({display_name(findings[most])}).")


def on_shared_findings(runs: Sequence[Evaluated]) -> tuple[list[Evaluated], tuple[str, ...]]:
    """The runs with the findings that all of them have, and those that some have besides, each once."""
    if not runs:
        return [], ()
    common = shared([run.findings for run in runs])
    rest = dict.fromkeys(finding for run in runs for finding in run.findings if finding not in common)
    return [run.of(common) for run in runs], tuple(rest)


def on_scored_findings(store: Store, runs: Sequence[Evaluated], part: str) -> tuple[list[Evaluated], tuple[str, ...]]:
    """The runs with the findings that all of them have scores of, and those that only some have.

    A finding of which none has a score stays, as one that cannot be measured.

    Args:
        runs: all with predictions of this part.

    Raises:
        StoreError: predictions that are gone.
    """
    runs, others = on_shared_findings(runs)
    scored = [_scored(store, run.read(part)) for run in runs]
    anywhere, everywhere = frozenset().union(*scored), scored[0].intersection(*scored)
    left = [finding for finding in runs[0].findings if finding in anywhere - everywhere]
    return [run.of([one for one in run.findings if one not in left]) for run in runs], (*others, *left)


@kept(64)
def _scored(store: Store, of: Labelled) -> frozenset[str]:
    found = from_store.predictions(store, of)
    return frozenset(found.findings[k] for k in np.flatnonzero((~np.isnan(found.scores)).any(axis=0)))


def others_in_words(n_shared: int, others: Sequence[str]) -> str:
    """What is left out where runs know different findings; '' where nothing is.

    Args:
        n_shared: findings that are left.
        others: as `on_shared_findings` and `on_scored_findings` give them.
    """
    if not others:
        return ""
    return (f"These runs know different findings. Shown: the {n_shared} that all of them have; means are over these. "
            f"Left out: {', '.join(map(display_name, others))}.")


def default_runs(groups: Sequence[run_groups.Group]) -> list[str]:
    """What to draw while nothing is chosen: the best measured runs of the first group that has any."""
    for group in groups:
        table = group.table[group.table["auroc"].notna()]
        if len(table):
            part = table["measured"].iloc[0].split(",")[0]  # runs without it cannot be drawn beside the best
            return list(table.index[table["measured"].str.startswith(part)][: run_groups.MAX_DEFAULT_FOCUS])
    return []


def part_to_draw(wanted: str, run_ids: Sequence[str], board: pd.DataFrame) -> str:
    """The wanted part, or validation where none of the runs was measured on a test part."""
    there = set(board[board["run_id"].isin(run_ids)]["split"])
    return "val" if wanted == "test" and "test" not in there and "val" in there else wanted
