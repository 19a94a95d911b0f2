"""What the Localization page shows: how well maps point at boxes, beside what needs no network."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.charts.dot_rows import Bars, Marks, dot_rows
from cxrcore.charts.look import RunStyle, run_styles
from cxrcore.charts.subgroups import group_styles
from cxrcore.draws import patient_draws
from cxrcore.errors import ResamplingError
from cxrcore.findings import FINDINGS, display_name
from cxrcore.localization import FLOORS, RANDOM, UNTRAINED
from cxrcore.store import Store
from cxrcore.ui import cached, widgets
from cxrcore.ui.explain_page import METHODS
from cxrcore.ui.threshold_state import Evaluated

POINTING, IOU, IOBB, ENERGY = "Pointing game", "IoU", "IoBB", "Energy in box"
MEASURES = {POINTING: "hit", IOU: "iou", IOBB: "iobb", ENERGY: "energy"}
MEANINGS = ("Pointing game: share of films whose hottest place lies in the box. IoU: share of films where the box "
            "around the hottest 5 % of the map and the true box overlap by more than the cut (intersection over union)."
            " IoBB: the same, over the map's own box. Energy in box: mean share of the map that lies in the box.")
CUTS = tuple(f"{cut / 10:.1f}" for cut in range(1, 10))
N_DRAWS = 500
NAMES = {key: label for label, key in METHODS.items()}
ALL = "All methods"


@dataclass(frozen=True)
class Localized:
    """One method of one run on its boxes.

    Attributes:
        name, style: for the chart.
        point, low, high: float64 (15,), the findings and their mean; NaN where there is no box.
        n: int64 (14,), films with boxes.
        floors: {name: (15,)} of what needs no network, and of the same network with random weights.
    """

    name: str
    style: RunStyle
    point: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray
    floors: dict[str, np.ndarray]

    @property
    def greatest(self) -> np.ndarray:
        """The greatest of the floors, (15,)."""
        return np.nanmax(np.vstack([np.zeros(15), *self.floors.values()]), axis=0)

    @property
    def shows_nothing(self) -> np.ndarray:
        """Where the lower bound does not pass the greatest floor: bool (15,)."""
        return ~np.isnan(self.point) & ~(self.low > self.greatest)


def rows_of(store: Store, runs: Sequence[Evaluated]) -> pd.DataFrame:
    """The measured rows of the runs' test predictions, with run_id and patient_id; empty where nobody measured."""
    ids = {prediction_id: run.run_id for run in runs for prediction_id in
           cached.prediction_sets(store, run.run_id).query("split == 'test'").index}
    rows = _rows(str(store.path), store.change_token(), tuple(ids))
    return rows.assign(run_id=rows["prediction_id"].map(ids))


@st.cache_data(max_entries=16, show_spinner=False)
def _rows(path: str, token: tuple[int, ...], prediction_ids: tuple[str, ...]) -> pd.DataFrame:
    store = Store(path)
    rows = store.localization(prediction_ids)
    sets = store.prediction_sets().set_index("prediction_id")
    patients = pd.concat([store.images(one).set_index("image_id")["patient_id"]
                          for one in sets.loc[rows["prediction_id"].unique(), "dataset_id"].unique()] or
                         [pd.Series(dtype=object)])
    return rows.assign(patient_id=rows["image_id"].map(patients[~patients.index.duplicated()]))


def localized(rows: pd.DataFrame, runs: Sequence[Evaluated], architectures: Sequence[str], methods: Sequence[str],
              measure: str, cut: float) -> list[Localized]:
    """Each run by each method.

    Args:
        methods: keys of `cam_methods.METHODS`; several only for a single run.
        measure: a value of `MEASURES`.
        cut: of IoU and IoBB.
    """
    styles = run_styles(dict(zip([run.run_id for run in runs], architectures, strict=True)))
    by_method = group_styles(methods)
    made = []
    for run in runs:
        own = rows[rows["run_id"] == run.run_id]
        for method in methods:
            mine = own[own["method"] == method]
            if mine.empty:
                continue
            name, style = (NAMES.get(method, method), by_method[method]) if len(methods) > 1 else (
                run.label, styles[run.run_id])
            floors = {floor: _shares(own[own["method"] == floor], measure, cut)[0] for floor in FLOORS}
            floors["random weights"] = _shares(own[own["method"] == method + UNTRAINED], measure, cut)[0]
            made.append(Localized(name, style, *_with_intervals(mine, measure, cut), floors))
    return made


def _values(rows: pd.DataFrame, measure: str, cut: float) -> np.ndarray:
    """What each film counts, float64; a random place hits by the share that boxes cover."""
    if measure in ("iou", "iobb"):
        values = rows[measure].to_numpy(float)
        return np.where(np.isnan(values), np.nan, values > cut)
    if measure == "hit":
        hits = pd.to_numeric(rows["hit"], errors="coerce").to_numpy(float, na_value=np.nan)
        return np.where(rows["method"] == RANDOM, rows["energy"].to_numpy(float), hits)
    return rows["energy"].to_numpy(float)


def _shares(rows: pd.DataFrame, measure: str, cut: float) -> tuple[np.ndarray, np.ndarray]:
    """Means of the findings and their mean, (15,), and films, (14,)."""
    values = _values(rows, measure, cut)
    places = rows["finding"].map({finding: k for k, finding in enumerate(FINDINGS)}).to_numpy(int)
    known = ~np.isnan(values)
    n = np.bincount(places[known], minlength=14)
    with np.errstate(invalid="ignore"):
        means = np.bincount(places[known], values[known], 14) / n
    return np.append(means, np.nanmean(means) if n.any() else np.nan), n


def _with_intervals(rows: pd.DataFrame, measure: str, cut: float
                    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Point, low and high, (15,), of draws of patients, and films, (14,)."""
    point, n = _shares(rows, measure, cut)
    values = _values(rows, measure, cut)
    rows, values = rows[~np.isnan(values)], values[~np.isnan(values)]
    try:
        draws = patient_draws(rows["patient_id"].to_numpy(object), rows["image_id"].to_numpy(object), N_DRAWS)
    except ResamplingError:
        return point, np.full(15, np.nan), np.full(15, np.nan), n
    owners = draws.owners(rows["patient_id"].to_numpy(object), rows["image_id"].to_numpy(object))
    places = rows["finding"].map({finding: k for k, finding in enumerate(FINDINGS)}).to_numpy(int)
    sums, films = (np.zeros((14, len(draws.patients))) for _ in range(2))
    np.add.at(sums, (places, owners), values)
    np.add.at(films, (places, owners), 1)
    counts = draws.counts.astype(np.float64)
    with np.errstate(invalid="ignore"):
        drawn = (sums @ counts) / (films @ counts)
    drawn = np.vstack([drawn, np.nanmean(drawn[n > 0], axis=0)])
    low, high = np.full(15, np.nan), np.full(15, np.nan)
    there = np.append(n > 0, True)
    low[there], high[there] = np.nanquantile(drawn[there], (0.025, 0.975), axis=1)
    return point, low, high, n


# -- what the page draws


def draw(found: Sequence[Localized], title: str) -> None:
    """The chart, the badges and the table."""
    floors = np.nanmax([one.greatest for one in found], axis=0)
    floors = np.where(np.isnan(found[0].point), np.nan, floors)
    widgets.legend([(one.name, one.style) for one in found], "**▏** the greatest of the floors")
    widgets.chart(dot_rows(f"{title} with 95 % intervals", f"{title}, 0 to 1", [_bars(one) for one in found],
                           published=[Marks("the greatest of the floors", floors)]),
                  "localization", f"{title} of each finding, with intervals and floors")
    st.caption("Floors: a random place, the film's centre, the median box of the finding's other films, and the same "
               "network with random weights. Filled marks pass all of them, with their whole interval.")
    for one in found:
        beaten = [display_name(FINDINGS[k]) for k in np.flatnonzero(one.shows_nothing[:14])]
        if beaten:
            st.markdown(f":orange-badge[no better than its floors] {widgets.escape(one.name)}: {', '.join(beaten)}.")


def _bars(one: Localized) -> Bars:
    notes = [f"{n:,} films; {_floors_in_words(one, k)}" for k, n in enumerate(one.n)] + [_floors_in_words(one, 14)]
    return Bars(one.name, one.style, one.point, one.low, one.high, ~one.shows_nothing, notes)


def _floors_in_words(one: Localized, k: int) -> str:
    return ", ".join(f"{name} {values[k]:.2f}" for name, values in one.floors.items() if not np.isnan(values[k]))


def table(found: Sequence[Localized], title: str) -> pd.DataFrame:
    """A row a method or run and finding."""
    names = [*map(display_name, FINDINGS), "Mean"]
    return pd.concat([pd.DataFrame({
        "Shown": one.name, "Finding": names, "Films": [*one.n, one.n.sum()], title: one.point, "Low": one.low,
        "High": one.high, **{name.capitalize(): values for name, values in one.floors.items()},
        "Beats its floors": np.where(np.isnan(one.point), "–", np.where(one.shows_nothing, "no", "yes"))})
        for one in found], ignore_index=True).dropna(subset=[title])
