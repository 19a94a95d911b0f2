"""Bands around the curves of one finding: worked out in draws of patients, kept in memory, and what they mean."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.measures.intervals.curve_bands import Band, summed_up
from cxrcore.measures.intervals.draws import Draws, patient_draws
from cxrcore.measures.macro_curves import mean_curve, mean_in_draws
from cxrcore.queries import from_store
from cxrcore.queries.curves import DrawnRun, single_runs
from cxrcore.queries.from_store import Labelled
from cxrcore.queries.kept import kept
from cxrcore.store import Predictions, Store
from cxrcore.ui import widgets
from cxrcore.ui.link import in_link

CHEAP = 150_000  # films times findings and runs, whose bands are drawn without being asked for
N_DRAWS = 500  # the ends of a 95 % band stand on a dozen of them each, which a picture can do with
SEED = 0
HELP = ("How far each curve would move with other patients: the middle 95 % of draws of patients, at each place of the "
        "curve by itself.")


def bands_picker() -> bool:
    """Choose whether bands are drawn."""
    return st.toggle("95 % band", **in_link("band"), help=HELP)


def add_bands(store: Store, measured: Sequence[DrawnRun], finding: str, curve: str) -> list[DrawnRun]:
    """The runs with the band of this finding; `curve` is 'roc' or 'pr'.

    Raises:
        ResamplingError: fewer than two patients. StoreError: predictions that are gone.
    """
    found = []
    with widgets.slow_steps("Resampling patients", len(measured)) as step:
        for one in measured:
            found.append(replace(one, bands={finding: _band(store, _behind(one), (finding,), curve)}))
            step()
    return found


def _behind(one: DrawnRun) -> tuple[Labelled, ...]:
    """The scores behind a curve: of one run, or of the repeats that it is the mean of."""
    return tuple(own.of for own in single_runs([one]))


@kept(256)  # 6 kB each; never written to
def _band(store: Store, of: tuple[Labelled, ...], findings: tuple[str, ...], curve: str) -> Band:
    """The band of the mean over findings and over runs on the same films, in the same draws of patients."""
    total, x = 0.0, np.zeros(0)
    for one in of:
        films, drawn = from_store.predictions(store, one), _patients(store, one)
        places = [films.place(finding) for finding in findings]
        x, values = mean_in_draws(films.labels[:, places], films.scores[:, places], drawn.owners, drawn.draws, curve)
        total = total + values
    return summed_up(x, np.asarray(total) / len(of))


@dataclass(frozen=True)
class MeanCurve:
    """One run's mean over the findings that have the curve.

    Attributes:
        run: whose.
        x, y: as `macro_curves.mean_curve`.
        value: macro AUROC or AP of these findings.
        n_findings: that it is the mean of.
        band: around it, where it was asked for.
    """

    run: DrawnRun
    x: np.ndarray
    y: np.ndarray
    value: float
    n_findings: int
    band: Band | None


def mean_curves(store: Store, measured: Sequence[DrawnRun], curve: str, bands: bool) -> list[MeanCurve]:
    """The mean curves of those runs that have one; `curve` is 'roc' or 'pr'.

    Raises:
        ResamplingError: with bands, fewer than two patients. StoreError: predictions that are gone.
    """
    found = []
    with widgets.slow_steps("Resampling patients", len(measured)) as step:
        for one in measured:
            there = {name: curves for name, curves in one.data.findings.items() if curve in curves.lines}
            if there:
                x, y = mean_curve([curves.lines[curve] for curves in there.values()], curve)
                value = np.mean([curves.auroc if curve == "roc" else curves.ap for curves in there.values()])
                around = _band(store, _behind(one), tuple(there), curve) if bands else None
                found.append(MeanCurve(one, x, y, float(value), len(there), around))
            step()
    return found


def are_cheap(measured: Sequence[DrawnRun]) -> bool:
    """Whether the bands of all mean curves are there at once."""
    return sum(curves.positives + curves.negatives for one in single_runs(measured)
               for curves in one.data.findings.values()) < CHEAP


@dataclass(frozen=True)
class _Drawn:
    """Draws with each film's place among their patients."""

    draws: Draws
    owners: np.ndarray


@kept(24)  # of 112,120 films 1 MB
def _patients(store: Store, of: Labelled) -> _Drawn:
    films = from_store.predictions(store, of)
    names = "\n".join([*films.image_ids, *map(str, films.patient_ids)])
    draws = _draws(hashlib.sha256(names.encode()).hexdigest(), films)
    return _Drawn(draws, draws.owners(films.patient_ids, films.image_ids))


@kept(3)  # of 30,805 patients 15 MB; shared by runs on the same films
def _draws(names: str, _films: Predictions) -> Draws:
    return patient_draws(_films.patient_ids, _films.image_ids, N_DRAWS, SEED)


def band_notes(store: Store, measured: Sequence[DrawnRun], finding: str | None) -> list[str]:
    """What the bands are, how many draws they hold, and whether they are too narrow.

    Args:
        finding: whose; None for the mean curves.
    """
    left_out = max((one.bands[finding].undefined for one in measured), default=0) if finding else 0
    undefined = f" Up to {left_out:,} draws are left out: they hold no film with the finding, or none without it." \
        if left_out else ""
    unknown = any(not _patients(store, one.of).draws.patients_known for one in measured)
    narrow = " **Patients unknown: too narrow**, since films were drawn one by one." if unknown else ""
    return [f"Bands: pointwise, 95 % of {N_DRAWS} draws of patients with all their films; a whole curve leaves its "
            f"band more often.{undefined}{narrow}"]


def band_downloads(
    measured: Sequence[DrawnRun], curve: str, part: str
) -> dict[str, tuple[str, Callable[[], pd.DataFrame]]]:
    """For the menu of downloads."""
    return {"Bands": (f"bands_{curve}_{part}", lambda: bands_table(measured, curve))}


def bands_table(measured: Sequence[DrawnRun], curve: str) -> pd.DataFrame:
    """The bands that are drawn, for the download."""
    names = ("false_positive_rate", "recall") if curve == "roc" else ("recall", "precision")
    frames = [pd.DataFrame({"run_id": one.run_id, "run": one.label, "finding": finding, names[0]: held.x,
                            f"{names[1]}_low": held.low, f"{names[1]}_high": held.high, "draws": held.draws})
              for one in measured for finding, held in one.bands.items()]
    return pd.concat(frames) if frames else pd.DataFrame()
