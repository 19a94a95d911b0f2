"""Which runs may stand in one table of the official split: trained here, chosen on validation, read on its test films.

All others are left out, each with its reason: a run on other test films, or one whose epoch was not chosen on
validation, is better or worse for reasons that have nothing to do with its network.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from cxrcore.charts.look import architecture_label, run_styles
from cxrcore.errors import RunError
from cxrcore.evaluation.published import OFFICIAL
from cxrcore.evaluation.shares import Told, untold
from cxrcore.networks.architectures import ARCHITECTURES
from cxrcore.queries import comparison, evaluated_runs, from_store, run_groups
from cxrcore.queries.from_store import Overview
from cxrcore.queries.repeats.measured import MeasuredTraining, measured_trainings
from cxrcore.queries.repeats.trainings import Training, settings_in_words, trainings
from cxrcore.settings import Constants, settings_of
from cxrcore.store import Store
from cxrcore.store.run_folder import BEST

PART = "test"
_VALIDATION = "validation"  # what the words for a right choice of the epoch begin with
_KINDS = {"imported": "imported: how its epoch was chosen is not known", "ensemble": "an ensemble, no training"}


@dataclass(frozen=True)
class OfficialTable:
    """The trainings of one data set and draw of validation films.

    Attributes:
        title: the data set. draw: the split's seed and fingerprint.
        label_source: whose labels they are measured on.
        found: the trainings, in the order of the six architectures, under their networks' names.
        missing: names of architectures without such a run.
    """

    title: str
    draw: str
    label_source: str
    found: Sequence[MeasuredTraining]
    missing: Sequence[str]


def read_official(store: Store, run_ids: Sequence[str] = (), told: Told = untold
                  ) -> tuple[list[OfficialTable], dict[str, str]]:
    """The tables, and {name of a run that is left out: why}.

    Args:
        run_ids: only these; all of the store without any.
        told: hears how far measuring is.

    Raises:
        RunError: an unknown run. StoreError: the store cannot be read. ResamplingError: no interval can be made.
    """
    overview = from_store.overview(store)
    runs, labels = overview.runs, run_groups.run_labels(overview.runs)
    if unknown := [run_id for run_id in run_ids if run_id not in labels]:
        raise RunError(f"no run '{unknown[0]}' in {store.key}: the Runs page lists them")
    rows = runs[runs["run_id"].isin(run_ids)] if run_ids else runs
    rows, board = rows.iloc[::-1], overview.board[overview.board["split"] == PART].set_index("run_id")
    statuses = from_store.statuses(store, rows)
    why = {row["run_id"]: reason for row in rows.to_dict("records")
           if (reason := _why_not(row, board, overview, statuses[row["run_id"]]))}
    kept = rows[~rows["run_id"].isin(why)]
    made = [_table(store, overview, own, labels, told) for _, own in kept.groupby(
        ["dataset_id", "split_seed", "split_fingerprint"], sort=False, dropna=False)]
    return made, {labels[run_id]: reason for run_id, reason in why.items()}


def _why_not(run: Mapping[str, object], board: pd.DataFrame, overview: Overview, status: str) -> str:
    """Why a run may not stand in the table; '' where it may."""
    if run["kind"] != "trained":
        return _KINDS.get(str(run["kind"]), "not trained here")
    if run["split_scheme"] != OFFICIAL:
        return f"not on the official split: {run_groups.SPLIT_WORDS.get(str(run['split_scheme']), run['split_scheme'])}"
    if run["dataset_id"] not in overview.datasets.index or overview.datasets.at[run["dataset_id"], "kind"] != "nih":
        return "not on NIH's films"
    if run["architecture"] not in ARCHITECTURES:
        return "not one of the six architectures"
    reasons: tuple[Callable[[], str], ...] = (lambda: "" if status == "finished" else f"its training is {status}",
                                              lambda: _not_chosen_on_validation(run),
                                              lambda: _not_measured(run, board))
    return next((reason for one in reasons if (reason := one())), "archived" if run["archived"] else "")


def _not_chosen_on_validation(run: Mapping[str, object]) -> str:
    constants = (settings_of(run) or {}).get("constants")
    by = constants.get("best_by", Constants.best_by) if isinstance(constants, Mapping) else Constants.best_by
    if not str(by).startswith(_VALIDATION):
        return f"not selected on validation, but by {str(by)[:60]}"
    return "no epoch was selected on validation" if pd.isna(run["best_epoch"]) else ""


def _not_measured(run: Mapping[str, object], board: pd.DataFrame) -> str:
    """What its predictions lack."""
    if run["run_id"] not in board.index:
        return f"not evaluated on test: python scripts/eval.py --run {run['run_id']}"
    row = board.loc[run["run_id"]]
    if row["checkpoint"] != BEST:
        other = row["checkpoint"] if isinstance(row["checkpoint"], str) else "another checkpoint"
        return f"measured with {other}, not the epoch selected on validation"
    if row["dataset_id"] != run["dataset_id"]:
        return "measured on other films"
    return f"measured on a subset of {int(row['n']):,} films" if row["n"] < row["n_expected"] else ""


def _table(store: Store, overview: Overview, rows: pd.DataFrame, labels: Mapping[str, str], told: Told
           ) -> OfficialTable:
    """One table of runs that may stand beside each other."""
    runs, _ = evaluated_runs.on_scored_findings(store, evaluated_runs.evaluated(rows, overview, labels, PART), PART)
    compared = comparison.compare(store, runs, dict(zip(rows["run_id"], rows["architecture"], strict=True)), PART,
                                  told=told)
    found = _by_network(trainings(rows, labels), rows)
    first = rows.iloc[0]
    data = overview.datasets.loc[first["dataset_id"]]
    there = {one.architecture for one in compared}
    return OfficialTable(
        str(data["name"]), run_groups.draw_in_words(OFFICIAL, first["split_seed"], first["split_fingerprint"]),
        str(data["label_source"]), measured_trainings(found, compared, run_styles(rows["run_id"])),
        [one.label for name, one in ARCHITECTURES.items() if name not in there])


def _by_network(found: Sequence[Training], rows: pd.DataFrame) -> list[Training]:
    """In the order of the architectures, called by their networks; several of one by what they differ in, too."""
    by_id, named = rows.set_index("run_id"), []
    for name in ARCHITECTURES:
        alike = [one for one in found if by_id.at[one.run_ids[0], "architecture"] == name]
        configs = [by_id.at[one.run_ids[0], "config"] for one in alike]
        words = settings_in_words(configs) if len(alike) > 1 else [[] for _ in alike]
        for one, own in zip(alike, words, strict=True):
            told = own or ([one.name] if len(alike) > 1 else [])
            named.append(replace(one, name=", ".join([architecture_label(name), *told])))
    return named
