"""Which three films with boxes show how well maps point: one that is hit, the typical one, one that is missed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

MEASURES = ["hit", "iou", "energy"]


@dataclass(frozen=True)
class TellingFilm:
    """A film with a box of the finding.

    Attributes:
        title, said: what it is an example of, and how it was chosen.
        hits: bool (m,), of each network or method that is shown.
        iou, energy: (m,), in [0, 1].
    """

    image_id: str
    title: str
    said: str
    hits: np.ndarray
    iou: np.ndarray
    energy: np.ndarray


def films_of_findings(measured: Sequence[pd.DataFrame]) -> dict[str, int]:
    """{finding: films that all of these measured}, most films first.

    Args:
        measured: rows of `Store.localization`, of one network and method each.
    """
    if not measured:
        return {}
    pairs = [set(zip(rows["finding"], rows["image_id"], strict=True)) for rows in measured]
    counted = pd.Series([finding for finding, _ in sorted(set.intersection(*pairs))], dtype=object).value_counts()
    return {str(finding): int(n) for finding, n in counted.items()}


def choose(measured: Sequence[pd.DataFrame], finding: str, at_hand: Callable[[pd.Series], np.ndarray],
           surest: Callable[[Sequence[str]], Sequence[float]]) -> list[TellingFilm]:
    """At most three films that all of these measured, each another one; ranked by hits, then by energy in the box.

    Args:
        measured: as for `films_of_findings`.
        at_hand: which of some films have pixels here.
        surest: how sure the networks were of the finding on some films; the surest of the missed ones is shown.
    """
    there = _measured_by_all(measured, finding)
    if len(there):
        there = there[at_hand(there.index.to_series()).astype(bool)]
    if there.empty:
        return []
    means = there.T.groupby(level=1).mean().T
    order = means.assign(name=means.index).sort_values(["hit", "energy", "name"], kind="stable")
    best, n = order.index[-1], len(order)
    fewest = list(order.index[order["hit"] == order["hit"].iloc[0]])
    missed = fewest[int(np.argmax(list(surest(fewest))))]
    rest = [place for place, name in enumerate(order.index) if name not in (best, missed)]
    typical = [order.index[min(rest, key=lambda place: abs(place - (n - 1) / 2))]] if rest else []
    words = {best: ("Best hit", f"most of the map in the box, of {n:,} films") if order["hit"].iloc[-1] else (
        "Nearest to a hit", f"none of {n:,} films is hit; here most of the map is in the box")}
    words |= dict.fromkeys(typical, ("Typical", f"the median of {n:,} films, by hits and energy in the box"))
    if missed != best:
        words[missed] = ("Weakest hit", "none is missed; here a score is highest") if order["hit"].iloc[0] == 1 else (
            "Surest miss", "the highest score of those that fewest maps hit" if len(measured) > 1 else
            "the highest score of those that are missed")
    return [TellingFilm(str(name), *said, *(there.loc[name].unstack()[measure].to_numpy() for measure in MEASURES))
            for name, said in words.items()]


def _measured_by_all(measured: Sequence[pd.DataFrame], finding: str) -> pd.DataFrame:
    """A row a film, columns (place among `measured`, one of MEASURES)."""
    own = [rows[rows["finding"] == finding].set_index("image_id")[MEASURES]
           for rows in measured]
    return pd.concat(own, axis=1, join="inner", keys=range(len(own))).astype(float) if own else pd.DataFrame()
