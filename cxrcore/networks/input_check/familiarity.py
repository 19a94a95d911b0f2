"""Whether a film looks like those that a run was trained on: asked before any score is believed.

A network scores anything, a photograph or a film upside down too. Its own features (`features`) tell: they are compared
with those of films that it was trained on, upright and turned on purpose, and of noise, pages and photographs. Each
of these states has a centre; all share one set of axes (principal components) and one spread, that of films within a
state. How unlike a state an image is, its distance to the centre says (Mahalanobis, with what the axes leave out as a
second distance). Warned of is what lies farther from the upright films than 99 % of films do that took no part in the
fit, or nearer to another state. Knows nothing of networks or stores.

Source: Lee et al., A simple unified framework for detecting out-of-distribution samples, NeurIPS 2018.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.utils.extmath import randomized_svd

from cxrcore.data.files.replace_file import replacing
from cxrcore.errors import DataError

UPRIGHT, OTHER = "upright", "other"
REASONS = {
    "left": "looks turned by 90° to the left",
    "down": "looks turned by 180°, upside down",
    "right": "looks turned by 90° to the right",
    "inverted": "looks inverted: black and white are swapped",
    OTHER: "does not look like the frontal chest films that this run was trained on",
}
TURNED = tuple(REASONS)[:-1]
LEAST = 150  # training films; the limit is a quantile that fewer cannot show

_QUANTILE = 0.99  # and as much again above it as the number of films leaves it uncertain
_STILL = 1.05  # of the limit: as far from a turned state's centre as its own films are
_AXES = 48
_FOLDS = 5
_SHRINKAGE = 0.01  # of the spread towards a sphere
_FLOOR = 0.05  # of the mean variance, added to each feature's: nearly constant ones would dominate
_CLIP = 8.0  # standard deviations; an outlier in one feature is no more than that
_FORMAT = 1


@dataclass(frozen=True)
class Checked:
    """What the check says of one film.

    Attributes:
        reason: a key of `REASONS`, or None where the film looks as it should.
        distance: from the training films, 1 = the limit above which films are warned of, > 0.
        percentile: share of upright films that are nearer, 0 to 100.
    """

    reason: str | None
    distance: float
    percentile: float


@dataclass(frozen=True)
class Rates:
    """How the check did on images of one kind that it was not made from.

    Attributes:
        kind: 'upright' (warned = false alarms), a turned state, or another name such as 'noise'.
        n: images.
        warned: of these.
        named: of these with the reason that is right for the kind.
    """

    kind: str
    n: int
    warned: int
    named: int


@dataclass(frozen=True)
class InputCheck:
    """A fitted check. Arrays are as `_Fit` writes them.

    Attributes:
        checkpoint_sha256: of the weights whose features these are.
        reference: float64 (n,), sorted distances of upright films, in units of the limit.
        margin: how much nearer to another state than to the upright one is warned of, >= 0.
        measured: rates, one entry a kind; empty before `measure`.
    """

    fit_: "_Fit"
    scale: np.ndarray
    margin: float
    reference: np.ndarray
    checkpoint_sha256: str = ""
    measured: tuple[Rates, ...] = ()

    @classmethod
    def fit(
        cls, train: np.ndarray, turned: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray],
        held_out: np.ndarray, checkpoint_sha256: str = "",
    ) -> "InputCheck":
        """Make a check from features.

        Args:
            train: (n, D) of training films, those of one patient next to each other.
            turned: state -> (m, D) of training films in each of `TURNED`, in the same order of patients.
            others: kind -> (o, D) of images that are no films.
            held_out: (h, D) of films that the network was not trained on, to settle the limit; may be empty.

        Raises:
            DataError: fewer than 150 training films.
        """
        if len(train) < LEAST:
            raise DataError(f"an input check needs {LEAST} training films, not {len(train)}")
        states = {UPRIGHT: train, **{state: turned[state] for state in TURNED}}
        # Each film as seen by a fit that it took no part in.
        apart = [_apart(states, others, fold) for fold in range(_FOLDS)]
        fitted = _fit(states, others)
        distances = [np.concatenate(parts) for parts in zip(*apart, strict=True)]
        new = fitted.distances(held_out)
        scale = np.quantile(np.stack([distances[0][:, 0], distances[1]], 1), 0.95, axis=0)
        scale *= (1 + len(train) ** -0.5) * max(np.quantile(_unlike(d[:, 0], rest, scale), _QUANTILE)
                                                for d, rest in (distances, new) if len(d))
        margin = max(np.quantile(_nearer_elsewhere(d), _QUANTILE) for d, _ in (distances, new) if len(d))
        reference = np.sort(np.concatenate([_unlike(d[:, 0], rest, scale) for d, rest in (distances, new)]))
        return cls(fitted, scale, max(0.0, float(margin)), reference, checkpoint_sha256)

    def check(self, features: np.ndarray) -> Checked:
        """What to say of one film.

        Args:
            features: (D,), of the network and image size that the check was made for.
        """
        return self.check_all(np.asarray(features)[None])[0]

    def check_all(self, features: np.ndarray) -> list[Checked]:
        """`check` for many films, features (N, D)."""
        by_state, left_out = self.fit_.distances(features)
        unlike = np.stack([_unlike(d, left_out, self.scale) for d in by_state.T], 1)  # (N, states)
        nearest = by_state.argmin(axis=1)
        warned = (unlike[:, 0] > 1) | (_nearer_elsewhere(by_state) > self.margin)
        # Only what lies as near to turned films as they do themselves is called one.
        states = np.array([OTHER, *TURNED, *[OTHER] * (by_state.shape[1] - 1 - len(TURNED))])
        names = np.where(unlike[np.arange(len(nearest)), nearest] <= _STILL, states[nearest], OTHER)
        percentiles = 100 * np.searchsorted(self.reference, unlike[:, 0]) / len(self.reference)
        return [Checked(str(name) if w else None, float(u), float(p))
                for name, w, u, p in zip(names, warned, unlike[:, 0], percentiles, strict=True)]

    def measure(self, images: Mapping[str, np.ndarray]) -> "InputCheck":
        """The check with its rates on images that it was not made from: kind -> features (n, D)."""
        rates = []
        for kind, features in images.items():
            reasons = [found.reason for found in self.check_all(features)] if len(features) else []
            right = kind if kind in (*TURNED, UPRIGHT) else OTHER
            rates.append(Rates(kind, len(reasons), sum(r is not None for r in reasons), reasons.count(right)))
        return replace(self, measured=tuple(rates))

    def describe(self) -> str:
        """One line: false alarms and misses with their numbers of images."""
        alarms = [f"{m.warned} of {m.n} held-out films warned of" for m in self.measured if m.kind == UPRIGHT]
        others = [m for m in self.measured if m.kind != UPRIGHT]
        missed = ", ".join(f"{m.kind} {m.n - m.warned}" for m in others if m.warned < m.n)
        n, misses = sum(m.n for m in others), sum(m.n - m.warned for m in others)
        return "; ".join([*alarms, f"{misses} of {n} other images missed{f' ({missed})' if missed else ''}"])

    def save(self, path: Path) -> None:
        """Some hundred kB."""
        rates = self.measured
        with replacing(path, alone=True) as partial, open(partial, "wb") as file:
            np.savez_compressed(
                file, format=_FORMAT, **{name: getattr(self.fit_, name) for name in _Fit.__dataclass_fields__},
                scale=self.scale, margin=self.margin, reference=self.reference.astype(np.float32),
                checkpoint_sha256=self.checkpoint_sha256, kinds=np.array([m.kind for m in rates], dtype=str),
                rates=np.array([(m.n, m.warned, m.named) for m in rates], dtype=np.int64).reshape(-1, 3))

    @classmethod
    def load(cls, path: Path) -> "InputCheck":
        """Read a check.

        Raises:
            DataError: none there, or not one that this version can read.
        """
        try:
            with np.load(path, allow_pickle=False) as held:
                if int(held["format"]) != _FORMAT:
                    raise ValueError
                fitted = _Fit(**{name: held[name] for name in _Fit.__dataclass_fields__})
                rates = tuple(Rates(str(kind), *map(int, row))
                              for kind, row in zip(held["kinds"], held["rates"], strict=True))
                return cls(fitted, held["scale"], float(held["margin"]), held["reference"].astype(np.float64),
                           str(held["checkpoint_sha256"]), rates)
        except FileNotFoundError:
            raise DataError(f"this run has no input check ({path.name}): evaluate it with scripts/eval.py") from None
        except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile):
            raise DataError(f"{path} is no input check of this version: delete it and evaluate the run again") from None


@dataclass(frozen=True)
class _Fit:
    """Axes, centres and spread.

    Attributes:
        mean, deviation: float32 (D,), of upright films.
        centre: float32 (D,), of all images after standardising.
        axes: float16 (k, D), orthonormal.
        centres: float32 (states, k): upright, `TURNED`, and the kinds that are no films.
        whitening: float32 (k, k), makes the spread of films within a state a unit sphere.
    """

    mean: np.ndarray
    deviation: np.ndarray
    centre: np.ndarray
    axes: np.ndarray
    centres: np.ndarray
    whitening: np.ndarray

    def standardised(self, features: np.ndarray) -> np.ndarray:
        scaled = (np.asarray(features, np.float32) - self.mean) / self.deviation
        return np.clip(np.nan_to_num(scaled, nan=_CLIP, posinf=_CLIP, neginf=-_CLIP), -_CLIP, _CLIP) - self.centre

    def distances(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """To each state's centre along the axes, (N, states), and what the axes leave out, (N,); root mean squares."""
        z = self.standardised(features)
        along = z @ self.axes.astype(np.float32).T
        left_out = np.sqrt(np.maximum((z**2).sum(1) - (along**2).sum(1), 0) / z.shape[1])
        white = (along[:, None] - self.centres) @ self.whitening
        return np.sqrt((white**2).mean(axis=2)), left_out


def _fit(states: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray]) -> _Fit:
    """From features of films in each state, upright first, and of what is no film."""
    upright = states[UPRIGHT]
    variance = upright.var(axis=0, dtype=np.float64)
    deviation = np.sqrt(variance + _FLOOR * variance.mean() + 1e-12).astype(np.float32)
    mean = upright.mean(axis=0, dtype=np.float64).astype(np.float32)
    start = _Fit(mean, deviation, np.zeros((), np.float32), *[np.empty(0)] * 3)
    scaled = {state: start.standardised(features) for state, features in [*states.items(), *others.items()]}
    everything = np.concatenate(list(scaled.values()))
    centre = everything.mean(axis=0)
    k = min(_AXES, len(upright) // 2, upright.shape[1])
    _, _, axes = randomized_svd(everything - centre, k, random_state=0)
    axes = axes.astype(np.float16)
    along = {state: (z - centre) @ axes.astype(np.float32).T for state, z in scaled.items()}
    centres = np.stack([z.mean(axis=0) for z in along.values()])
    spread = sum(np.cov(along[state].T, bias=True) for state in states) / len(states)
    spread = (1 - _SHRINKAGE) * spread + _SHRINKAGE * np.trace(spread) / k * np.eye(k) + 1e-12 * np.eye(k)
    values, vectors = np.linalg.eigh(spread)
    return _Fit(mean, deviation, centre, axes, centres, (vectors / np.sqrt(values)).astype(np.float32))


def _apart(
    states: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray], fold: int
) -> tuple[np.ndarray, np.ndarray]:
    """Distances of one fold's upright films from a fit on the others.

    Folds are stretches, so that a patient's films, next to each other, are on one side.
    """
    inside = {state: np.arange(len(f)) * _FOLDS // len(f) == fold for state, f in states.items()}
    fitted = _fit({state: features[~inside[state]] for state, features in states.items()}, others)
    return fitted.distances(states[UPRIGHT][inside[UPRIGHT]])


def _unlike(along: np.ndarray, left_out: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The two distances as one, the worse of them."""
    return np.maximum(along / scale[0], left_out / scale[1])


def _nearer_elsewhere(by_state: np.ndarray) -> np.ndarray:
    """How much nearer the nearest of the other states is than the upright one; negative where it is farther."""
    return by_state[:, 0] - by_state[:, 1:].min(axis=1)
