"""Where runs agree: how many raise an alarm on a film, and how often that is right."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxrcore.findings import display_name
from cxrcore.measures.intervals.scored_films import shared_films
from cxrcore.measures.metrics import measured
from cxrcore.queries import from_store
from cxrcore.queries.comparison import Compared
from cxrcore.queries.from_store import Labelled
from cxrcore.queries.kept import kept
from cxrcore.store import Store


def votes(store: Store, compared: Sequence[Compared], part: str) -> tuple[np.ndarray, np.ndarray]:
    """Films by the number of runs that say yes.

    Returns:
        films, with_it: int64 (k, runs + 1), of each finding all films and those with it, where its label is known and
            every run has a score.
    """
    return _votes(store, tuple(one.run.read(part) for one in compared),
                  tuple(tuple(one.source.thresholds.tolist()) for one in compared))


@kept(64)
def _votes(
    store: Store, read: tuple[Labelled, ...], at: tuple[tuple[float, ...], ...]
) -> tuple[np.ndarray, np.ndarray]:
    films = shared_films([from_store.predictions(store, one) for one in read])
    yes = np.count_nonzero([held.scores.astype(np.float64) >= thresholds
                            for held, thresholds in zip(films, at, strict=True)], axis=0)
    labels, n = films[0].labels, len(films) + 1
    known = np.all([measured(labels, held.scores) for held in films], axis=0)
    counted = [np.stack([np.bincount(yes[chosen[:, k], k], minlength=n) for k in range(labels.shape[1])])
               for chosen in (known, known & (labels == 1))]
    return counted[0], counted[1]


def shown(findings: Sequence[str], films: np.ndarray, with_it: np.ndarray) -> pd.DataFrame:
    """A row a finding, a column a number of runs that say yes: films, and the share of them with the label.

    Where no run says yes to any film there is no share of films on which all agree: silence is no agreement.
    """
    n = films.shape[1] - 1
    all_films = films.sum(axis=1)
    alike = np.where(films[:, 1:].any(axis=1), 100 * (films[:, 0] + films[:, n]) / np.maximum(all_films, 1), np.nan)
    table = {"Finding": list(map(display_name, findings)), "All agree": alike}
    for k in range(n, -1, -1):
        table[f"{k} of {n}"] = [f"{voted:,} · {100 * own / voted:.1f} %" if voted else "–"
                                for voted, own in zip(films[:, k], with_it[:, k], strict=True)]
    return pd.DataFrame(table)


def as_table(findings: Sequence[str], films: np.ndarray, with_it: np.ndarray) -> pd.DataFrame:
    """A row a finding and number of runs that say yes, for the download."""
    k, n = films.shape
    return pd.DataFrame({"finding": np.repeat(findings, n), "runs_that_say_yes": np.tile(np.arange(n), k),
                         "runs": n - 1, "films": films.ravel(), "films_with_it": with_it.ravel()})
