"""Whether the films, labels, boxes and scores of a foreign run belong together; the long half of `run_checks`.

Nobody else imports it. A data set's id is worked out anew from its films and labels: under a known id nobody can bring
other ones in.
"""

import functools
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cxrcore import ids
from cxrcore.data.film_table import dataset_hash
from cxrcore.errors import DataError, FindingError
from cxrcore.findings import checked_list
from cxrcore.store.records import CSV, is_taken

OLDEST = 150  # years
POLICIES = ("", "unknown", "positive", "negative")


def findings_of(what: str, names: object) -> tuple[str, ...]:
    """A foreign list of findings.

    Raises:
        DataError: it is none.
    """
    try:
        return checked_list(names if isinstance(names, list) else ())
    except FindingError as error:
        raise DataError(f"{what}: {error}") from None


def check_data_set(row: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> None:
    """One data set with its films, labels and boxes.

    Args:
        row: of `datasets`.

    Raises:
        DataError: what does not fit.
    """
    dataset_id, findings = row["dataset_id"], findings_of("the data set", row["findings"])
    images, label_sets, infos, boxes = (tables[name].filter(pc.equal(tables[name]["dataset_id"], dataset_id))
                                        for name in ("images", "label_sets", "label_set_info", "boxes"))
    _check_films(images)
    _check_boxes(boxes, images, findings)
    patients = set(images["patient_id"].unique().to_pylist()) - {""}
    if (row["n_images"], row["n_patients"]) != (len(images), len(patients)):
        raise DataError(f"data set {dataset_id} counts {row['n_images']} films of {row['n_patients']} patients; its "
                        f"rows are {len(images)} of {len(patients)}")
    labels = {}
    for info in infos.to_pylist():
        name = _checked_info(info, findings, labels)
        of_set = label_sets.filter(pc.equal(label_sets["label_set"], name))
        labels[name] = _labels(name, of_set, images, len(info["findings"]))
    if CSV not in labels:
        raise DataError(f"the data set {dataset_id} has no labels '{CSV}'")
    if others := set(label_sets["label_set"].unique().to_pylist()) - labels.keys():
        raise DataError(f"nothing says what the labels {min(others)!a:.60} are of")
    frame = pd.DataFrame({column: images[column].to_numpy() for column in ("image_id", "patient_id")}, dtype=object)
    if dataset_hash(frame, labels[CSV], findings) != dataset_id:
        raise DataError(f"films and labels are not those of data set {dataset_id}: they were changed")


def _checked_info(info: Mapping[str, Any], findings: Sequence[str], seen: Collection[str]) -> str:
    """The name of a label set whose findings are the data set's, or follow from them."""
    name = ids.checked(ids.LABELS, info["label_set"])
    own = findings_of(f"the labels '{name}'", info["findings"])
    try:
        parts = json.loads(info["derived"] or "{}")
    except (ValueError, RecursionError):
        parts = None
    if not isinstance(parts, dict) or not all(map(functools.partial(_is_made_of, set(findings)), parts.values())):
        raise DataError(f"what the labels '{name}' derive is no mapping of findings to findings of the data set")
    if further := [one for one in parts if one not in own or one in findings]:
        raise DataError(f"the labels '{name}' derive {further[0]!a:.60}, which they do not have or need not derive")
    if strange := [one for one in own if one not in findings and one not in parts]:
        raise DataError(f"the labels '{name}' have {strange[0]}, which is no finding of their data set")
    is_other = own != tuple(findings) if name == CSV else is_taken(name)
    if is_other or name in seen or (info["policy"] or "") not in POLICIES:
        raise DataError(f"the labels '{name}' stand twice, or are not of their data set")
    return name


def _is_made_of(findings: Collection[str], parts: object) -> bool:
    """Whether these are some of the findings, each once."""
    return isinstance(parts, list) and all(isinstance(one, str) for one in parts) and 0 < len(parts) == len(
        set(parts) & set(findings))


def _check_films(images: pa.Table) -> None:
    names = images["image_id"].to_pylist()
    for name in names:
        ids.checked(ids.FILE, name)
    if not names or len(set(names)) < len(names):
        raise DataError("a data set without films, or one with a film twice")
    if (pc.min(images["age"]).as_py() or 0) < 0 or (pc.max(images["age"]).as_py() or 0) > OLDEST:
        raise DataError(f"an age is not between 0 and {OLDEST} years")


def _check_boxes(boxes: pa.Table, images: pa.Table, findings: Sequence[str]) -> None:
    if others := set(boxes["finding"].unique().to_pylist()) - set(findings):
        raise DataError(f"boxes name an unknown finding: {min(others)!a:.60}")
    require_films("boxes", boxes["image_id"], images["image_id"])
    for side in ("x", "y", "width", "height"):
        if (pc.min(boxes[side]).as_py() or 0) < 0:
            raise DataError(f"a box has a {side} below 0")


def _labels(name: str, rows: pa.Table, images: pa.Table, k: int) -> np.ndarray:
    """Labels of one reading, in the order of the films; NaN for films that it does not name."""
    values = vectors("labels", rows["labels"], k)
    if not np.isin(values[~np.isnan(values)], (0, 1)).all():
        raise DataError("a label is neither 1 nor 0 nor unknown")
    require_films("labels", rows["image_id"], images["image_id"])
    if len(rows["image_id"].unique()) < len(rows):
        raise DataError(f"a film has two rows among the labels '{name}'")
    if name == CSV and len(rows) < len(images):
        raise DataError(f"{len(images) - len(rows)} films have no labels")
    place = pc.index_in(images["image_id"], value_set=rows["image_id"].combine_chunks())
    found = np.full((len(images), k), np.nan, np.float32)
    named = place.is_valid().to_numpy()
    found[named] = values[place.drop_null().to_numpy()]
    return found


def sorted_predictions(
    rows: pa.Table, sets: Mapping[str, Mapping[str, Any]], images: pa.Table, widths: Mapping[str, int]
) -> pa.Table:
    """The scores, each set sorted by film as the store keeps them.

    Args:
        sets: {prediction_id: row of `prediction_sets`}.
        images: of all data sets.
        widths: {dataset_id: number of its findings}.

    Raises:
        DataError: scores outside [0, 1], a film twice, unknown films, or another number of films than a set says.
    """
    for prediction_id in sets:
        own = rows.filter(pc.equal(rows["prediction_id"], prediction_id))
        scores = vectors("scores", own["scores"], widths[sets[prediction_id]["dataset_id"]])
        if ((scores < 0) | (scores > 1)).any():
            raise DataError("a score is outside [0, 1]")
    counted = {one["values"]: one["counts"] for one in rows["prediction_id"].value_counts().to_pylist()}
    for prediction_id, row in sets.items():
        if counted.get(prediction_id, 0) != row["n"] or not 1 <= row["n"] <= row["n_expected"]:
            raise DataError(f"prediction set {prediction_id} says {row['n']} of {row['n_expected']} films and has "
                            f"{counted.get(prediction_id, 0)}")
    for dataset_id in {row["dataset_id"] for row in sets.values()}:
        own = pa.array([one for one, row in sets.items() if row["dataset_id"] == dataset_id], pa.string())
        require_films("predictions", rows.filter(pc.is_in(rows["prediction_id"], value_set=own))["image_id"],
                      images.filter(pc.equal(images["dataset_id"], dataset_id))["image_id"])
    place = pc.index_in(rows["prediction_id"], value_set=pa.array(list(counted), pa.string()))
    order = pc.sort_indices(pa.table({"set": place, "film": rows["image_id"]}),
                            sort_keys=[("set", "ascending"), ("film", "ascending")])
    if not np.array_equal(order.to_numpy(), np.arange(len(rows))):
        rows = rows.take(order)
    films, of_set = rows["image_id"].to_numpy(), rows["prediction_id"].to_numpy()
    if ((films[1:] == films[:-1]) & (of_set[1:] == of_set[:-1])).any():
        raise DataError("a film stands twice in one prediction set")
    return rows


def require_films(what: str, named: pa.ChunkedArray, known: pa.ChunkedArray) -> None:
    """DataError where a film is named that is not of the data set."""
    found = pc.index_in(named, value_set=known.combine_chunks())
    if found.null_count:
        raise DataError(f"{what} name {found.null_count} films that are not of the data set")


def vectors(what: str, column: pa.ChunkedArray, k: int) -> np.ndarray:
    """A column of lists as (n, k); unknown values are NaN.

    Raises:
        DataError: lists of another length.
    """
    column = column.combine_chunks()
    if set(pc.list_value_length(column).unique().to_pylist()) - {k}:
        raise DataError(f"{what} are not {k} a row")
    return column.flatten().to_numpy(zero_copy_only=False).reshape(-1, k)
