"""Which known split a set of films is a part of: one that trained runs of the store have, or the official one.

What an import brought is no known split: it could be any part of one, and would prove the next import whole that lacks
the same films. Films that are those of an import stay in its group all the same, so that both are compared.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxrcore.data import splits
from cxrcore.data.splits import GIVEN, own_split
from cxrcore.evaluation.data_set_films import OFFICIAL, DataSetFilms
from cxrcore.store import Store

MOST_READ = 8  # splits of the store that are compared
MOSTLY = 0.95  # share of the films that has to lie in a split's part


@dataclass(frozen=True)
class SplitId:
    """A split, and the films of the part in question.

    Attributes:
        films: all of the part; None where no split has them.
        name: of the part, for people.
        proven: whether it was drawn or published, rather than brought by an import.
    """

    scheme: str
    seed: int
    fingerprint: str
    films: frozenset[str] | None = field(default=None, repr=False)
    name: str = ""
    proven: bool = True


def find_split(store: Store | None, table: DataSetFilms, part: str, image_ids: np.ndarray) -> SplitId:
    """The smallest known part that has these films or nearly all of them; a split of their own where there is none.

    A proven split goes before the films of an import.

    Args:
        part: 'train', 'val', 'test' or another name.
    """
    held = frozenset(image_ids)
    candidates = [(one, one.films) for one in (*_official(table, part, held), *_of_runs(store, table, part, len(held)))
                  if one.films is not None and _holds_most(one.films, held)]
    if candidates:
        best, films = min(candidates, key=lambda one: (not one[0].proven, one[1] != held, len(one[1] ^ held)))
        if held <= films:
            return best
        return SplitId(*own_split(part, held), films, best.name, best.proven)
    return SplitId(*own_split(part, held))


def _holds_most(films: frozenset[str], held: frozenset[str]) -> bool:
    return len(held & films) >= MOSTLY * len(held)


def _official(table: DataSetFilms, part: str, held: frozenset[str]) -> list[SplitId]:
    if part != "test" or not table.official_test:
        return []
    films = frozenset(table.images["image_id"]) & table.official_test
    if not _holds_most(films, held) or len(films) == len(table.images):
        return []
    drawn = splits.draw_split(
        "official", table.images["image_id"], table.images["patient_id"], table.labels, 0, set(films)
    )
    return [SplitId("official", 0, drawn.fingerprint, films, OFFICIAL)]


def _of_runs(store: Store | None, table: DataSetFilms, part: str, n: int) -> Iterator[SplitId]:
    if store is None:
        return
    runs = store.runs().set_index("run_id")
    sets = store.prediction_sets()
    sets = sets[(sets["dataset_id"] == table.dataset_id) & (sets["split"] == part) & (sets["n"] == sets["n_expected"])
                & (sets["n"] >= MOSTLY * n)]
    proven = _proven(runs)
    sets = sets.assign(proven=proven.loc[sets["run_id"]].to_numpy(bool)).sort_values(
        "proven", ascending=False, kind="stable", ignore_index=True)
    keys = runs.loc[sets["run_id"], ["split_scheme", "split_seed", "split_fingerprint"]].reset_index(drop=True)
    for row in sets[~keys.duplicated()].head(MOST_READ).to_dict("records"):
        run, films = runs.loc[row["run_id"]], frozenset(store.predictions(row["prediction_id"]).image_ids)
        name = f"{run['kind']} run '{run['name']}'"
        if row["proven"]:
            name = f"the {part} part that run '{run['name']}' has"
        yield SplitId(run["split_scheme"], int(run["split_seed"]), run["split_fingerprint"], films, name, row["proven"])


def _proven(runs: pd.DataFrame) -> pd.Series:
    """Whether each run's split was drawn or published: an import has one only where it was found to be such a split."""
    return (runs["kind"] == "trained") | (runs["split_scheme"] != GIVEN)


