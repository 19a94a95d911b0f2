"""How often a method's maps find the boxes, how sure that is, and what it has to beat. Pure numpy and pandas.

Rows are as the store keeps them, one a method, film and finding, with patient_id beside. Films of one patient are not
independent, so intervals are of draws of patients. Draws cannot show how unsure a share of few films is: where all of
three films are hit, they are in every draw. So the interval of a share also holds Wilson's for as many films as there
are patients, and that of a mean energy is Student's, with the draws' standard error.

Sources: Efron, Annals of Statistics 1979; Field and Welsh, J R Stat Soc B 2007 (the cluster bootstrap); Wilson, J Am
Stat Assoc 1927.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from cxrcore.errors import ResamplingError
from cxrcore.measures.intervals.draws import patient_draws
from cxrcore.measures.localization import FLOORS, RANDOM, UNTRAINED
from cxrcore.measures.reliability import wilson

HIT, IOU, IOBB, ENERGY = "hit", "iou", "iobb", "energy"  # measures, as the rows' columns
RANDOM_WEIGHTS = "random weights"  # the control's name among the floors
LEVEL = 0.95


@dataclass(frozen=True)
class BoxScore:
    """One method on its boxes; arrays (k + 1,) are of the findings and their mean, NaN where there is no box.

    Attributes:
        point: share of films, or mean energy.
        low, high: its interval; NaN where all films are of one patient.
        n: int64 (k,), films.
        n_patients: int64 (k,).
        floors: {name: (k + 1,)} of what needs no network, and of the same network with random weights.
    """

    point: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray
    n_patients: np.ndarray
    floors: Mapping[str, np.ndarray]

    @property
    def greatest(self) -> np.ndarray:
        """The greatest of the floors, (k + 1,); NaN where there is none."""
        return np.fmax.reduce(list(self.floors.values()))

    @property
    def beats(self) -> np.ndarray:
        """Where the whole interval lies above every floor: bool (k + 1,)."""
        return self.low > self.greatest


def score(rows: pd.DataFrame, method: str, measure: str, findings: Sequence[str], cut: float = 0.0) -> BoxScore:
    """A method of one run beside its floors.

    Args:
        rows: of one run, all methods and floors.
        method: as in the rows.
        measure: `HIT`, `IOU` and `IOBB` (share of films above the cut) or `ENERGY`.
        findings: k names; rows of others do not count.
        cut: of IoU and IoBB.
    """
    placed, k = _placed(rows, findings), len(findings)
    floors = {name: _means(*_known(placed[placed["method"] == name], measure, cut), k) for name in FLOORS}
    floors[RANDOM_WEIGHTS] = _means(*_known(placed[placed["method"] == method + UNTRAINED], measure, cut), k)
    own, values = _known(placed[placed["method"] == method], measure, cut)
    point, n = _means(own, values, k), np.bincount(_places(own), minlength=k)
    drawn, n_patients = _draw(own, values, k)
    low, high = _interval(point, drawn, n_patients, share=measure != ENERGY)
    return BoxScore(point, low, high, n, n_patients, floors)


def _placed(rows: pd.DataFrame, findings: Sequence[str]) -> pd.DataFrame:
    """The rows of these findings, with the place of each among them."""
    of = {finding: place for place, finding in enumerate(findings)}
    own = rows[rows["finding"].isin(of)]
    return own.assign(place=own["finding"].map(of).astype(np.int64))


def _known(rows: pd.DataFrame, measure: str, cut: float) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows where the measure is defined, and what each counts, float64 in [0, 1]."""
    values = pd.to_numeric(rows[measure].astype(object), errors="coerce").to_numpy(np.float64)
    if measure in (IOU, IOBB):
        values = np.where(np.isnan(values), np.nan, values > cut)
    if measure == HIT:  # a random place has no hit of its own: it hits as often as boxes cover the film
        values = np.where(rows["method"] == RANDOM, rows["energy"].to_numpy(np.float64), values)
    known = ~np.isnan(values)
    return rows[known], values[known]


def _places(rows: pd.DataFrame) -> np.ndarray:
    return rows["place"].to_numpy(np.int64)


def _means(rows: pd.DataFrame, values: np.ndarray, k: int) -> np.ndarray:
    """Of each finding, and the mean of these, (k + 1,)."""
    places = _places(rows)
    n = np.bincount(places, minlength=k)
    means = np.divide(np.bincount(places, values, k), n, out=np.full(k, np.nan), where=n > 0)
    return np.append(means, means[n > 0].mean() if len(rows) else np.nan)


def _draw(rows: pd.DataFrame, values: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Each draw's means, (k + 1, draws), no draws where all films are of one patient; and patients, int64 (k,)."""
    patients, images = rows["patient_id"].to_numpy(object), rows["image_id"].to_numpy(object)
    places = _places(rows)
    try:
        draws = patient_draws(patients, images)
    except ResamplingError:
        return np.empty((k + 1, 0)), np.bincount(np.unique(places), minlength=k)
    sums, films = np.zeros((2, k, len(draws.patients)))
    owners = draws.owners(patients, images)
    np.add.at(sums, (places, owners), values)
    np.add.at(films, (places, owners), 1)
    counts = draws.counts.astype(np.float64)
    n = films @ counts
    drawn = np.divide(sums @ counts, n, out=np.full(n.shape, np.nan), where=n > 0)
    n_patients = np.count_nonzero(films, axis=1)
    return np.vstack([drawn, np.nanmean(drawn[n_patients > 0], axis=0)]), n_patients


def _interval(point: np.ndarray, drawn: np.ndarray, n_patients: np.ndarray, share: bool
              ) -> tuple[np.ndarray, np.ndarray]:
    """Low and high, (k + 1,); NaN for a finding of one patient."""
    low, high = np.full((2, len(point)), np.nan)
    if not drawn.size:
        return low, high
    ends = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    low[-1], high[-1] = np.quantile(drawn[-1], ends)
    single = np.flatnonzero(n_patients > 1)
    n, own, at = n_patients[single], drawn[single], point[single]
    if share:
        low[single], high[single] = np.nanquantile(own, ends, axis=1)
        least, most = wilson(at, n, LEVEL)
        low[single], high[single] = np.minimum(low[single], least), np.maximum(high[single], most)
    else:  # the spread of draws of n patients is too small by (n - 1) / n
        reach = stdtrit(n - 1, ends[1]) * np.nanstd(own, axis=1) * np.sqrt(n / (n - 1))
        low[single], high[single] = np.clip([at - reach, at + reach], 0, 1)
    return low, high
