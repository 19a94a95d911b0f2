"""Whether the films that runs were trained from are still where they were."""

import json
from pathlib import Path

import pandas as pd

from cxrcore.data import film_files
from cxrcore.errors import WorkbenchError
from cxrcore.store.store import Store

_SAMPLE = 500  # films of a data set that are looked for


def missing(store: Store) -> list[str]:
    """What is no longer there, a line a folder or table; an empty list where all is."""
    found: dict[str, None] = {}
    with store.reading():
        runs = store.runs()
        trained = runs[(runs["kind"] == "trained") & ~runs["archived"].astype(bool)]
        for dataset_id, text in dict.fromkeys(zip(trained["dataset_id"].tolist(), trained["config"].tolist(),
                                                  strict=True)):
            settings = json.loads(text or "{}")
            table, root = settings.get("csv_path"), settings.get("img_root")
            if isinstance(table, str) and not _is_there(table):
                found[f"the table {table} is missing"] = None
            if isinstance(root, str) and not _is_there(root):
                found[f"the folder {root} is missing"] = None
            elif isinstance(root, str) and not settings.get("data"):  # others lie as their description says
                found |= dict.fromkeys(_of_folder(store, dataset_id, root))
    return list(found)


def _is_there(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def _of_folder(store: Store, dataset_id: str, root: str) -> list[str]:
    names = store.images(dataset_id)["image_id"]
    if names.empty:
        return []
    some = pd.Series(names.iloc[:: max(1, len(names) // _SAMPLE)].to_numpy())
    try:
        lost = len(some) - len(film_files.find_films(root, some))
    except WorkbenchError:
        lost = len(some)
    return [f"{lost} of {len(some)} films that were looked for are not in {root}"] if lost else []
