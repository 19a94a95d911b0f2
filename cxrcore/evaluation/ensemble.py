"""The mean of several runs' scores as a run of its own, on the films that they share."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrcore.config import EnsembleConfig
from cxrcore.data.splits import EXTERNAL, own_split
from cxrcore.errors import UsageError
from cxrcore.evaluation import hand_in, measure_predictions, shares
from cxrcore.evaluation.shares import Told, untold
from cxrcore.measures.intervals.draws import N_DRAWS, patient_draws
from cxrcore.measures.intervals.intervals import difference, resample
from cxrcore.measures.intervals.scored_films import shared_films
from cxrcore.measures.number_words import with_minus
from cxrcore.store import Predictions, Store, audit_marks
from cxrcore.store.records import rows_of

_LOG = logging.getLogger(__name__)  # scripts print what it says

PARTS = ("val", "test", EXTERNAL)
ARCHITECTURE = "ensemble"


@dataclass(frozen=True)
class AgainstBest:
    """An ensemble beside its best member, on the films that all share.

    Attributes:
        best: name of the member with the greatest macro AUROC.
        ensemble, member: macro AUROC.
        low, high: the 95 % interval of their difference, drawn by patients.
    """

    best: str
    ensemble: float
    member: float
    low: float
    high: float


def run_ensemble(config: EnsembleConfig) -> str:
    """Make an ensemble as scripts/ensemble.py does; says how it stands against its best member, returns run_id.

    Raises:
        WorkbenchError: one line that says what is wrong.
    """
    store = hand_in.opened(config.store)
    run_ids = [name.strip() for name in (config.runs or "").split(",") if name.strip()]
    with shares.bar(measure_predictions.RESAMPLING) as told:
        run_id = make_ensemble(store, run_ids, config.name or "", told, again=config.again)
    sets = store.prediction_sets(run_id)
    _LOG.info(f"ensemble {run_id} of {len(run_ids)} runs: "
              + ", ".join(f"{row.split} {row.n:,} films" for row in rows_of(sets)))
    if marks := audit_marks.of_config(store.run(run_id)["config"]):
        _LOG.info(f"warned at import: {audit_marks.in_words(marks)}")
    for part in sets["split"]:
        _LOG.info(in_words(against_best(store, run_id, part), part))
    return run_id


def make_ensemble(
    store: Store, run_ids: Sequence[str], name: str = "", told: Told = untold, again: bool = False
) -> str:
    """Save the mean of these runs' scores, on every part that all of them were measured on; returns run_id.

    Where a member has no score of a film and finding, the mean has none either. `told` as in `measure`.

    Args:
        again: make it once more, where the mean of these very predictions is a run already.

    Raises:
        UsageError: fewer than two runs, one twice, runs of different data sets, no part in common, or a run already.
        RunError: no such run.
        ResamplingError: no film in common.
    """
    if len(run_ids) < 2 or len(set(run_ids)) < len(run_ids):
        raise UsageError("an ensemble needs two different runs or more: --runs RUN_ID,RUN_ID")
    members = [store.run(run_id) for run_id in run_ids]
    if len({member["dataset_id"] for member in members}) > 1:
        raise UsageError("these runs belong to different data sets: their films cannot be shared")
    board = _board(store, run_ids)
    parts = [part for part in PARTS if (board["split"] == part).sum() == len(run_ids)]
    if not parts:
        raise UsageError(f"there is no part of a split on which all {len(run_ids)} runs were measured")
    shared = {part: _of_members(store, board, run_ids, part) for part in parts}
    if not again and (same := known(store, run_ids)):
        raise UsageError(f"the mean of these runs is already run {same}: --again saves it once more")
    warned = audit_marks.of_runs(store.runs())
    run_id = store.create_run(_config(members, board, name, warned), members[0]["dataset_id"], ARCHITECTURE,
                              split=_split(members, parts[-1], shared[parts[-1]][0]))
    try:
        _save(store, run_id, members[0]["dataset_id"], board, shared, told)
        store.finish_run(run_id, "finished")
    except BaseException:  # half a run would stand on the leaderboard
        store.delete_run(run_id)
        raise
    return run_id


def known(store: Store, run_ids: Sequence[str]) -> str | None:
    """The run that is the mean of these runs as they are measured now; None where there is none."""
    wanted, runs = _measured_on(_board(store, run_ids)), store.runs()
    for run in rows_of(runs[runs["kind"] == ARCHITECTURE]):
        members = json.loads(run.config or "{}").get("members", [])
        own = {member["run_id"]: member.get("predictions") for member in members}  # a run folder may lack them
        if own == wanted and set(wanted) == set(run_ids):
            return run.run_id
    return None


def mean_scores(members: Sequence[Predictions]) -> np.ndarray:
    """float32 (n, k) of films in one order: the mean in double precision, NaN where any member has none."""
    return np.mean([films.scores.astype(np.float64) for films in members], axis=0).astype(np.float32)


def against_best(store: Store, run_id: str, part: str) -> AgainstBest:
    """How an ensemble's macro AUROC stands against that of its best member."""
    members = [one["run_id"] for one in store.run(run_id)["config"]["members"]]
    run_ids = [run_id, *members]
    films = _of_members(store, _board(store, run_ids), run_ids, part)
    draws = patient_draws(films[0].patient_ids, films[0].image_ids, N_DRAWS)
    found = [resample(one, draws, ["auroc"]) for one in films]
    macro = [float(one.interval("auroc").point[-1]) for one in found]
    best = 1 + int(np.argmax(macro[1:]))
    change = difference(found[0], found[best], "auroc")
    return AgainstBest(store.run(run_ids[best])["name"] or run_ids[best], macro[0], macro[best],
                       float(change.low[-1]), float(change.high[-1]))


def in_words(one: AgainstBest, part: str) -> str:
    """One line for the terminal and the page."""
    change = with_minus(f"{one.ensemble - one.member:+.4f} (95 % interval {one.low:+.4f} to {one.high:+.4f})")
    return (f"{part}: macro AUROC {one.ensemble:.4f}, best member {one.best} {one.member:.4f}; difference {change}")


def _board(store: Store, run_ids: Sequence[str]) -> pd.DataFrame:
    board = store.leaderboard()
    return board[board["run_id"].isin(run_ids)]


def _of_members(store: Store, board: pd.DataFrame, run_ids: Sequence[str], part: str) -> list[Predictions]:
    of_part = board[board["split"] == part].set_index("run_id")["prediction_id"]
    return shared_films([store.predictions(of_part[run_id]) for run_id in run_ids])


def _measured_on(board: pd.DataFrame) -> dict[str, dict[str, str]]:
    """{run_id: {part: prediction_id}}."""
    return {str(run_id): dict(zip(own["split"], own["prediction_id"], strict=True))
            for run_id, own in board.groupby("run_id")}


def _config(members: Sequence[dict], board: pd.DataFrame, name: str, warned: Mapping[str, audit_marks.Marks]) -> dict:
    names = [member["name"] or member["run_id"] for member in members]
    sets = _measured_on(board)
    return {"name": name.strip() or f"Mean of {', '.join(names)}", "arch": ARCHITECTURE,
            "combined_by": "mean of scores", "members": [
                {"run_id": member["run_id"], "name": own, "architecture": member["architecture"],
                 "predictions": sets[member["run_id"]],
                 "audit": audit_marks.as_lines(warned.get(member["run_id"], ()))}
                for member, own in zip(members, names, strict=True)]}


def _split(members: Sequence[dict], part: str, films: Predictions) -> tuple[str, int, str]:
    """The members' split; one of the shared films' own where they differ."""
    theirs = {(member["split_scheme"], member["split_seed"], member["split_fingerprint"]) for member in members}
    return theirs.pop() if len(theirs) == 1 else own_split(part, films.image_ids)


def _save(store: Store, run_id: str, dataset_id: str, board: pd.DataFrame,
          shared: dict[str, list[Predictions]], told: Told) -> None:
    saved = {}
    for part, members in shared.items():
        n_expected = int(board.loc[board["split"] == part, "n_expected"].max())
        saved[part] = store.save_predictions(run_id, dataset_id, part, members[0].image_ids, mean_scores(members),
                                             n_expected=n_expected)
    measure_predictions.measure(store, run_id, saved, told=told)
