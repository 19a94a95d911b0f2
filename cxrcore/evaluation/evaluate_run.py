"""One evaluation from the command line to the store: which checkpoint, which films, and what may be said of them.

The upper half of scripts/eval.py; `trainrun` calls `evaluate_run` at the end of a training.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from cxrcore.config import PROJECT_ROOT, EvalConfig, default_store
from cxrcore.data import films as film_sets
from cxrcore.data.films import FilmSet
from cxrcore.data.pixels.prepared import PreparedPixels, prepare
from cxrcore.errors import RunError, UsageError
from cxrcore.evaluation import measure_predictions, score, shares, tables
from cxrcore.evaluation.measure_predictions import EXTERNAL, Measured
from cxrcore.evaluation.score import Source
from cxrcore.interrupts import raise_again
from cxrcore.networks import checkpoint as checkpoints
from cxrcore.networks.checkpoint import Checkpoint
from cxrcore.networks.checkpoint_source import find_checkpoint, is_known, load_films, same_split
from cxrcore.networks.input_check import make_check
from cxrcore.store import Store, threshold_file
from cxrcore.store.threshold_file import ThresholdFile

EVALUATED = ("val", "test")
UNKNOWN_FILMS = "training films unknown: evaluated as an external model"


def evaluate(config: EvalConfig) -> pd.DataFrame:
    """Evaluate a checkpoint as scripts/eval.py does; returns the wide table of metrics.

    Raises:
        RunError, CheckpointError, DataError: one line that says what is missing.
    """
    given = None if config.thresholds is None else threshold_file.read(config.thresholds)
    store = Store(config.store or default_store())
    path = find_checkpoint(store, config.run, config.weights)
    loaded = checkpoints.load(path)
    model = loaded.model()
    films = load_films(store, loaded, config.csv_path, config.img_root)
    print(films.describe())
    rebuilt = same_split(films, loaded)
    if not rebuilt:
        print(f"note: {UNKNOWN_FILMS}")
    parts = _parts(films, rebuilt)
    folder = results_folder(config.results)
    pixels = prepare_parts(store, films, score.chosen_rows(films, parts, config.subset), loaded.image_size)
    add_dataset(store, films)
    run_id = loaded.run_id if is_known(store, loaded) else _external_run(store, loaded, films, path)
    source = Source(run_id, loaded, model, path.name, checkpoints.sha256(path))
    table = evaluate_run(store, source, films, pixels, parts, config.subset, folder, batch_size=config.batch_size,
                         given=given)
    if rebuilt and run_id == loaded.run_id:
        make_check.make_if_missing(store, source, films)
    return table


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
) -> pd.DataFrame:
    """Predict, save, measure, print and write the tables; `given` is a threshold set to read besides."""
    for note in _notes(store, source, given) if given else []:
        print(f"note: {note}")
    chosen = score.chosen_rows(films, parts, at_most)
    with tqdm(total=sum(map(len, chosen.values())), unit=" films", desc="Evaluating") as bar:

        def told(n: int) -> None:
            raise_again()
            bar.update(n)
            on_batch(n)

        saved = score.score_splits(store, source, films, pixels, parts, at_most, told, batch_size)
    with shares.bar(measure_predictions.RESAMPLING) as told:
        measured = measure_predictions.measure(store, source.run_id, saved, given, told)
    table = tables.wide(measured.rows)
    text = tables.as_text(table, _title(source, films, EXTERNAL in parts, measured, given), measured.fitted_on)
    print(f"\n{text}")
    tables.write(table, text, folder)
    print(f"written: {folder / 'metrics.txt'} and metrics.csv")
    return table


def _title(source: Source, films: FilmSet, external: bool, measured: Measured, given: ThresholdFile | None) -> str:
    where = UNKNOWN_FILMS if external else (f"split {films.split.scheme} {films.split.fingerprint}; "
                                            "max F1 and classic thresholds fitted on val")
    title = f"run {source.run_id}, {source.name} (epoch {source.checkpoint.epoch}) on {films.name}; {where}"
    if given is None:
        return title
    origin = [given.fitted_on, given.run_id and f"run {given.run_id}"]
    fitted = " of ".join(part for part in origin if part) or "films that it does not name"
    return f"{title}\nthresholds '{measured.given.chosen.name}' from a file, fitted on {fitted}"


def _notes(store: Store, source: Source, given: ThresholdFile) -> list[str]:
    """What to know of a given set before it is read on this checkpoint's predictions."""
    notes = []
    if measure_predictions.home_run(store, given) is None:
        notes.append(f"the predictions that '{given.title}' was fitted on are not in this store: its metrics are "
                     "printed and written, but not kept there")
    if given.run_id and given.run_id not in (source.run_id, source.checkpoint.run_id):
        notes.append(f"'{given.title}' was fitted on another run, {given.run_id}")
    elif given.checkpoint_sha256 and given.checkpoint_sha256 != source.sha256:
        notes.append(f"'{given.title}' was fitted on another checkpoint, sha256 {given.checkpoint_sha256[:12]}...")
    return notes


def results_folder(results: str | None, inside: str = "tables") -> Path:
    """Where tables (or figures) go; made now, so that a place that cannot be written to shows before hours of work.

    Args:
        results: the folder of all results; default the project's own.
        inside: the folder in it.

    Raises:
        UsageError: it cannot be made.
    """
    folder = Path(results or PROJECT_ROOT / "results") / inside
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder for results {folder} cannot be made: {error.strerror}") from None
    return folder


def evaluated_parts(films: FilmSet) -> dict[str, np.ndarray]:
    """val and test of the split, as far as there are films on disk."""
    return {part: rows for part in EVALUATED if len(rows := films.on_disk(part))}


def prepare_parts(store: Store, films: FilmSet, parts: dict[str, np.ndarray], image_size: int) -> PreparedPixels:
    """The prepared map that holds all films of these parts."""
    wanted = films.image_ids(np.unique(np.concatenate(list(parts.values()))))
    pixels = prepare({i: films.paths[i] for i in wanted}, image_size, store.path.parent / "prepared")
    skipped = [pixels.skipped[i] for i in wanted if i in pixels.skipped]
    if skipped:
        print(f"{len(skipped)} films cannot be read and are skipped: {'; '.join(skipped)}")
    return pixels


def _parts(films: FilmSet, rebuilt: bool) -> dict[str, np.ndarray]:
    if not rebuilt:
        everything = np.concatenate([films.on_disk(part) for part in film_sets.SPLITS])
        return {EXTERNAL: np.sort(everything)}
    parts = evaluated_parts(films)
    if not parts:
        raise RunError("none of the films on disk is in val or test of this split")
    return parts


def _external_run(store: Store, loaded: Checkpoint, films: FilmSet, path: Path) -> str:
    """A run for a checkpoint that this store does not know."""
    note = "checkpoint from elsewhere" if same_split(films, loaded) else UNKNOWN_FILMS
    config = {"name": path.stem, "arch": loaded.architecture, "img_size": loaded.image_size, "weights": str(path),
              "training_corpus": loaded.training_corpus, "start_weights": dict(loaded.start_weights)}
    split = (str(loaded.split.get("scheme")), int(loaded.split.get("seed") or 0), str(loaded.split.get("fingerprint")))
    run_id = store.create_run(config, films.table.dataset_id, "imported", split=split, note=note)
    store.finish_run(run_id, "finished", best_epoch=loaded.epoch)
    print(f"this store does not know the checkpoint's run: kept as imported run {run_id}")
    return run_id


def add_dataset(store: Store, films: FilmSet) -> None:
    """Make the films known to the store."""
    kind, source = film_sets.kind_of(films.table)
    store.add_dataset(films.table.dataset_id, films.table.images, films.table.labels, name=films.name, kind=kind,
                      label_source=source, boxes=films.boxes)
