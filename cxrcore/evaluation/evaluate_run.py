"""One evaluation from the command line to the store: which checkpoint, which films, and what may be said of them.

The upper half of scripts/eval.py; `train_run` calls `evaluate_run` at the end of a training.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from cxrcore.cli import results_folder
from cxrcore.config import EvalConfig
from cxrcore.data import films as film_sets
from cxrcore.data.films import FilmSet
from cxrcore.data.pixels.prepared import PreparedPixels
from cxrcore.data.splits import EXTERNAL
from cxrcore.errors import CheckpointError, DiskFullError, RunError, UsageError
from cxrcore.evaluation import hand_in, measure_predictions, score, shares, tables
from cxrcore.evaluation.data_set_films import add_dataset
from cxrcore.evaluation.measure_predictions import MeasuredParts
from cxrcore.evaluation.split_parts import assumed, chosen_rows, evaluated_parts, prepare_parts
from cxrcore.explain import home_maps, map_check
from cxrcore.findings import display_name
from cxrcore.interrupts import raise_again
from cxrcore.networks import checkpoint as checkpoints
from cxrcore.networks.architectures import find_architecture
from cxrcore.networks.checkpoint import Checkpoint
from cxrcore.networks.checkpoint_source import Source, find_checkpoint, is_known, load_films, same_split
from cxrcore.networks.foreign import declared
from cxrcore.networks.foreign.foreign_checkpoint import Loaded, load_any
from cxrcore.networks.input_check import make_check
from cxrcore.networks.prediction import use_device
from cxrcore.store import Predictions, Store, threshold_file
from cxrcore.store.run_folder import BEST
from cxrcore.store.threshold_file import ThresholdFile
from cxrcore.store.waiting import Results, ScoredPart, TrainingEnd

_LOG = logging.getLogger(__name__)  # scripts print what it says

UNKNOWN_FILMS = "training films unknown: evaluated as an external model"


def evaluate(config: EvalConfig) -> pd.DataFrame:
    """Evaluate a checkpoint as scripts/eval.py does; returns the wide table of metrics.

    Raises:
        RunError, CheckpointError, DataError: one line that says what is missing.
    """
    if config.thresholds is not None:
        threshold_file.require_form(config.thresholds)
    use_device(config.device)
    store = hand_in.opened(config.store)
    store.require_writable()
    path = find_checkpoint(store, config.run, config.weights)
    said = declared.from_flags(config.findings, config.mean, config.std, config.arch, config.img_size)
    read = load_any(path, said)
    loaded = read.checkpoint
    given = _given_set(config, loaded.findings)
    model = loaded.model()
    if read.notice:
        _LOG.warning(f"{read.notice}")
    films = load_films(store, loaded, config.csv_path, config.img_root, config.data, config.policy)
    _LOG.info(films.describe())
    _say_findings(loaded.findings, films.table.findings)
    rebuilt = same_split(films, loaded)
    if not rebuilt:
        _LOG.warning(f"{UNKNOWN_FILMS}")
    parts = _parts(films, rebuilt)
    folder = results_folder(config.results)
    chosen = chosen_rows(films, parts, config.subset)
    pixels = prepare_parts(store, films, chosen, loaded.image_size)
    add_dataset(store, films)
    run_id = loaded.run_id if is_known(store, loaded) else _external_run(store, read, films, path,
                                                                         assumed(films, pixels, chosen))
    kept = path if run_id == loaded.run_id else store.run_file(run_id, BEST) or path  # whose maps are measured later
    source = Source(run_id, loaded, model, kept.name, checkpoints.sha256(kept))
    table = evaluate_run(store, source, films, pixels, parts, config.subset, folder, batch_size=config.batch_size,
                         given=given, views=config.views)
    if rebuilt and run_id == loaded.run_id:
        make_check.make_if_missing(store, source, films)
    return table


def _given_set(config: EvalConfig, findings: Sequence[str]) -> ThresholdFile | None:
    if config.thresholds is None:
        return None
    given = threshold_file.read_threshold_file(config.thresholds, findings)
    threshold_file.require_whole(given)
    return given


def evaluate_run(
    store: Store,
    source: Source,
    films: FilmSet,
    pixels: PreparedPixels,
    parts: dict[str, np.ndarray],
    at_most: int | None,
    folder: Path,
    on_batch: Callable[[int], None] = lambda n: None,
    batch_size: int = 64,
    given: ThresholdFile | None = None,
    views: int = 1,
    ended: TrainingEnd | None = None,
) -> pd.DataFrame:
    """Predict, save, measure, print and write the tables.

    Args:
        given: a threshold set to read besides.
        views: of each film, whose scores are averaged; pages go on showing the scores of the film alone.
        ended: of the training that this is the end of; its run is finished then.

    Raises:
        ResultsWait: the store did not take the results; they are kept and wait to be handed in.
    """
    for note in _notes(store, source, given) if given else []:
        _LOG.warning(f"{note}")
    chosen = chosen_rows(films, parts, at_most)
    with tqdm(total=sum(map(len, chosen.values())), unit=" films", desc="Evaluating") as bar:

        def told(n: int) -> None:
            raise_again()
            bar.update(n)
            on_batch(n)

        scored = score.score_splits(source, films, pixels, parts, at_most, told, batch_size, views)
    if views == 1:
        home_maps.keep(store, source, pixels, _tested(films, scored))
    with shares.bar(measure_predictions.RESAMPLING) as share:
        measured = hand_in.hand_in(store, Results(source.run_id, films.table.dataset_id, scored, ended), given, share)
    if measured is None:
        return pd.DataFrame()
    table = tables.wide(measured.rows, films.table.findings)
    text = tables.as_text(table, _title(source, films, EXTERNAL in parts, measured, given, views),
                           measured.fitted_on)
    _put(table, text, folder)
    return table


def _tested(films: FilmSet, scored: Sequence[ScoredPart]) -> Predictions | None:
    """The test films with their labels and scores, as the store will give them; it is not asked for them."""
    part = next((one for one in scored if one.split == "test"), None)
    if part is None:
        return None
    order = np.argsort(part.image_ids, kind="stable")
    image_ids = part.image_ids[order].astype(object)
    rows = pd.Index(films.table.images["image_id"]).get_indexer(image_ids)
    return Predictions(image_ids, films.table.images["patient_id"].to_numpy(object)[rows],
                       films.table.labels[rows].astype(np.float32), part.scores[order], films.table.findings)


def _put(table: pd.DataFrame, text: str, folder: Path) -> None:
    _LOG.info(f"\n{text}")
    tables.write_tables(table, text, folder)
    _LOG.info(f"written: {folder / 'metrics.txt'} and metrics.csv")


def _title(source: Source, films: FilmSet, external: bool, measured: MeasuredParts, given: ThresholdFile | None,
           views: int) -> str:
    where = UNKNOWN_FILMS if external else (f"split {films.split.scheme} {films.split.fingerprint}; "
                                            "max F1 and classic thresholds fitted on val")
    epoch = f" (epoch {source.checkpoint.epoch})" if source.checkpoint.epoch else ""
    scored = f", mean of {views} views a film" if views > 1 else ""
    title = f"run {source.run_id}, {source.name}{epoch} on {films.name}{scored}; {where}"
    if given is None or measured.given is None:
        return title
    origin = [given.fitted_on, given.run_id and f"run {given.run_id}"]
    fitted = " of ".join(part for part in origin if part) or "films that it does not name"
    return f"{title}\nthresholds '{measured.given.chosen.name}' from a file, fitted on {fitted}"


def _notes(store: Store, source: Source, given: ThresholdFile) -> list[str]:
    """What to know of a given set before it is read on this checkpoint's predictions."""
    notes = [f"'{given.title}': {line}" for line in given.said]
    if measure_predictions.home_run(store, given) is None:
        notes.append(f"the predictions that '{given.title}' was fitted on are not in this store: its metrics are "
                     "printed and written, but not kept there")
    if given.run_id and given.run_id not in (source.run_id, source.checkpoint.run_id):
        notes.append(f"'{given.title}' was fitted on another run, {given.run_id}")
    elif given.checkpoint_sha256 and given.checkpoint_sha256 != source.sha256:
        notes.append(f"'{given.title}' was fitted on another checkpoint, sha256 {given.checkpoint_sha256[:12]}...")
    return notes


def _say_findings(network: Sequence[str], data_set: Sequence[str]) -> None:
    """What is measured where the lists differ, and what is left.

    Raises:
        UsageError: they share none.
    """
    if tuple(network) == tuple(data_set):
        return
    both = [finding for finding in network if finding in data_set]
    if not both:
        raise UsageError(f"the network knows {', '.join(network)}, the data set has {', '.join(data_set)}: they share "
                         "no finding")
    alone = [("the network knows besides", network, data_set), ("the data set has besides", data_set, network)]
    rest = [f"{words}: {', '.join(map(display_name, left))}" for words, one, other in alone
            if (left := [finding for finding in one if finding not in other])]
    _LOG.warning(f"measured on the {len(both)} findings that network and data set share: "
                 f"{', '.join(map(display_name, both))}" + "".join(f"; {text}" for text in rest))


def _parts(films: FilmSet, rebuilt: bool) -> dict[str, np.ndarray]:
    if not rebuilt:
        everything = np.concatenate([films.on_disk(part) for part in film_sets.SPLITS])
        return {EXTERNAL: np.sort(everything)}
    parts = evaluated_parts(films)
    if not parts:
        raise RunError("none of the films on disk is in val or test of this split")
    return parts


def _external_run(store: Store, read: Loaded, films: FilmSet, path: Path, taken: Sequence[str]) -> str:
    """A run for a checkpoint that this store does not know; `taken` is what its films and their table did not say."""
    loaded = read.checkpoint
    note = "checkpoint from elsewhere" if same_split(films, loaded) else UNKNOWN_FILMS
    config = {"name": path.stem, "arch": loaded.architecture, "img_size": loaded.image_size, "weights": str(path),
              "training_corpus": loaded.training_corpus, "start_weights": dict(loaded.start_weights), **read.record}
    if said := "; ".join([*([read.record["assumed"]] if read.record.get("assumed") else []), *taken]):
        config["assumed"] = said
    if not find_architecture(loaded.architecture).cam_layer:
        config["maps"] = map_check.of_checkpoint(loaded.model(), loaded).in_words()
    split = ("given", 0, "") if read.record else (
        str(loaded.split.get("scheme")), int(loaded.split.get("seed") or 0), str(loaded.split.get("fingerprint")))
    run_id = store.create_run(config, films.table.dataset_id, "imported", split=split, note=note)
    store.finish_run(run_id, "finished", best_epoch=loaded.epoch or None)
    _LOG.info(f"this store does not know the checkpoint's run: kept as imported run {run_id}")
    _keep_weights(store, loaded, run_id)
    return run_id


def _keep_weights(store: Store, loaded: Checkpoint, run_id: str) -> None:
    """A copy in the run's folder, so that a film can be explained as of any other run; none where the disk is full."""
    folder = store.run_folder(run_id)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        checkpoints.save_checkpoint(folder / BEST, replace(loaded, run_id=run_id, average={}, training={}))
    except (OSError, DiskFullError, CheckpointError) as error:
        _LOG.warning(f"no copy of the weights is kept, so that the page Explain cannot ask this run: {error}")
