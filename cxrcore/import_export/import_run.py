"""One import from the command line to the store: the upper half of scripts/import_predictions.py."""

import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cxrcore.config import ImportConfig
from cxrcore.data import films
from cxrcore.errors import DataError, UsageError
from cxrcore.evaluation import data_set_films, hand_in, measure_predictions, shares
from cxrcore.evaluation.data_set_films import DataSetFilms
from cxrcore.findings import display_name
from cxrcore.import_export import examination, export, prediction_file, read_together, training_films
from cxrcore.import_export.audit.questions import Line
from cxrcore.import_export.examination import Candidate, Declared
from cxrcore.import_export.medmnist_results import ROW_NUMBER
from cxrcore.import_export.read_together import ToBe
from cxrcore.interrupts import raise_again
from cxrcore.store import CSV, Store, threshold_file
from cxrcore.store.audit_marks import REFUSED

_LOG = logging.getLogger(__name__)  # scripts print what it says

_NAME, _STATE = 19, 13  # characters


def import_predictions(files: Sequence[str], config: ImportConfig) -> list[str]:
    """Import files of predictions, or folders that scripts/export.py wrote; says what is found, returns run ids.

    Each file becomes a run, but parts of one network (`x_val.csv`, `x_test.csv`) become one together. All are checked
    before the first is saved.

    Raises:
        WorkbenchError: one line that says what is wrong; nothing is saved then.
    """
    store = hand_in.opened(config.store)
    exported = [file for file in files if export.is_export(Path(file))]
    if exported:
        if len(exported) < len(files):
            raise UsageError(f"{exported[0]} is a folder of scripts/export.py: import it by itself")
        return _restore_all(store, [one for file in files for one in export.folders(Path(file))], config.as_copy)
    if config.as_copy:
        raise UsageError("--as_copy is for folders that scripts/export.py wrote")
    found = _examined(files, config, store)
    run_ids = []
    for one in found:
        raise_again()
        with shares.bar(measure_predictions.RESAMPLING) as told:
            run_ids.append(examination.save_candidate(store, one.candidate, config.name or one.name,
                                                      config.architecture or one.architecture, told,
                                                      again=config.again))
        _LOG.info(f"\n{_scores(store, run_ids[-1])}\nsaved as imported run {run_ids[-1]}: the dashboard shows it")
    return run_ids


def _examined(files: Sequence[str], config: ImportConfig, store: Store) -> list[ToBe]:
    """The runs to be, all of which can be saved; what was found is said.

    Raises:
        WorkbenchError: of the first that cannot be.
    """
    mapping = prediction_file.parse_mapping(",".join(config.map or ()))
    table = _table(store, config)
    for note in table.notes:
        _LOG.info(f"table: {note}")
    films = table.images["image_id"].tolist()
    found = read_together.examined(
        files, lambda place: prediction_file.read_prediction_file(files[place], table.findings, mapping, films), table,
        _declared(config, table.findings), store)
    for flag in ("name", "thresholds"):
        if getattr(config, flag) and len(found) > 1:
            raise UsageError(f"--{flag} is for one run, and these files make {len(found)}: import them one by one")
    for place, one in enumerate(found):
        _LOG.info(("\n" if place else "") + in_words(one.candidate))
        if one.architecture and not config.architecture:
            _LOG.info(f"architecture: {one.architecture}, by the file's name (--architecture says another)")
    _require_new(found, config.again, store)
    return found


def _require_new(found: Sequence[ToBe], again: bool, store: Store) -> None:
    """Raises: UsageError: the audit refused one, or one is a run already and is not to be saved again."""
    for one in found:
        candidate, of = one.candidate, f" of {one.candidate.file.name}" if len(found) > 1 else ""
        if candidate.refused:
            names = ", ".join(line.name.lower() for line in candidate.lines if line.state == REFUSED)
            raise UsageError(f"nothing was saved: the audit refused these predictions{of} ({names})")
        if same := examination.known(store, candidate):
            if same.same_file and not again:
                raise UsageError(f"{same.in_words}{of}: --again saves them once more")
            if not same.same_file:
                _LOG.info(f"\nwarning: {same.in_words}")


def _restore_all(store: Store, folders: Sequence[Path], as_copy: bool) -> list[str]:
    """All of them or none: of several folders each is checked before the first is saved."""
    if len(folders) > 1:
        export.require_restorable(store, folders, as_copy=as_copy)
    run_ids = []
    for folder in folders:
        raise_again()
        run_ids.append(export.restore(store, folder, as_copy=as_copy, say=_LOG.info))
        _LOG.info(f"restored run {run_ids[-1]} from {folder}")
    return run_ids


def _declared(config: ImportConfig, findings: Sequence[str]) -> Declared:
    return Declared(
        config.split,
        config.logits,
        training_films.train_list_of(config.train_list) if config.train_list else None,
        threshold_file.read_threshold_file(config.thresholds, findings) if config.thresholds else None,
        config.weights_name,
    )


def _table(store: Store, config: ImportConfig) -> DataSetFilms:
    csv_path, _ = films.places_of(config.data, config.csv_path, None)
    if csv_path:
        return data_set_films.of_csv(csv_path, config.data, config.policy)
    known = store.datasets() if store.exists else pd.DataFrame()
    if config.dataset:
        return data_set_films.of_store(store, config.dataset)
    if len(known) != 1:
        raise DataError("--csv_path is needed: the table of these films, such as Data_Entry_2017.csv"
                        + (f" (the store knows {len(known)} data sets: --dataset ID takes one)" if len(known) else ""))
    return data_set_films.of_store(store, known["dataset_id"].iloc[0])


def in_words(candidate: Candidate) -> str:
    """What was read, and the audit, as lines of text."""
    file = candidate.file
    parts = ", ".join(f"{part} {len(rows):,}" for part, rows in candidate.parts.items())
    rows = "1 row" if len(file.image_ids) == 1 else f"{len(file.image_ids):,} rows"
    films = "without names of films" if file.image_column == ROW_NUMBER else f"films from '{file.image_column}'"
    head = [f"{file.name}: {rows}, {films}, {len(file.columns)} of "
            f"{len(file.findings)} findings; of {candidate.table.name}: {parts}"]
    if renamed := [f"{column} as {finding}" for finding, column in file.columns.items() if finding not in column]:
        head.append(f"read: {', '.join(renamed)}")
    if file.ignored:
        head.append(f"left alone: {', '.join(map(str, file.ignored))}")
    return "\n".join([*head, "", "Audit", *map(_row, candidate.lines)])


def _row(line: Line) -> str:
    state = line.state.upper() if line.state == REFUSED else line.state
    return f"  {line.name:{_NAME}} {state:{_STATE}} {line.text}"


def _scores(store: Store, run_id: str) -> str:
    """AUROC of the findings and their mean, a line a part."""
    sets = store.prediction_sets(run_id)
    rows = store.metrics(list(sets["prediction_id"]))
    rows = rows[rows["label_set"] == CSV]  # they were measured on what others read in these films too
    lines = []
    for part, rows_of in rows[rows["metric"] == "auroc"].merge(sets[["prediction_id", "split"]]).groupby("split"):
        values = rows_of.set_index("finding")["value"]
        own = ", ".join(
            f"{display_name(finding)} {values[finding]:.4f}"
            for finding in store.findings(sets["dataset_id"].iloc[0])
            if values[finding] == values[finding]
        )
        lines.append(f"AUROC on {part}: macro {values['macro']:.4f} ({own})")
    return "\n".join(lines)
