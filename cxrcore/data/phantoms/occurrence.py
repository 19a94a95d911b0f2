"""The findings that phantoms can show: their order, how often each occurs, and which stand together.

The first fourteen are NIH's, in NIH's order, with NIH's counts. The other six are common signs of other data sets, with
the counts of PadChest's frontal films of adults; a phantom data set takes the first few of the list, or any of it.
Pure numpy and scipy; knows no films.

Sources of the counts: Data_Entry_2017.csv of NIH ChestX-ray14, 112,120 films, all rows; Bustos et al., PadChest: A
large chest x-ray image dataset with multi-label annotated reports, Medical Image Analysis 2020, its table of 160,861
films, of which 110,383 are frontal films of adults.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy.special import ndtr, ndtri

from cxrcore.errors import DataError
from cxrcore.findings import NIH_FINDINGS, checked_list

NIH_FILMS = 112_120
# Films with both findings; the diagonal is the finding's own count. In NIH's order, upper triangle.
_NIH_PAIRS = (
    (11559, 370, 3275, 3264, 739, 590, 262, 774, 1223, 221, 424, 220, 496, 40),
    (2776, 1063, 587, 102, 108, 41, 49, 169, 127, 44, 52, 111, 7),
    (13317, 4000, 1254, 912, 269, 996, 1287, 593, 359, 188, 849, 21),
    (19894, 1159, 1546, 605, 946, 1221, 981, 449, 345, 750, 33),
    (5782, 906, 71, 431, 610, 129, 215, 117, 452, 25),
    (6331, 70, 341, 428, 131, 115, 166, 411, 10),
    (1431, 41, 123, 340, 23, 11, 48, 3),
    (5302, 223, 33, 747, 80, 289, 9),
    (4667, 162, 103, 79, 251, 4),
    (2303, 30, 9, 64, 3),
    (2516, 36, 151, 4),
    (1686, 176, 8),
    (3385, 8),
    (227,),
)
# How much more often a finding stands on an AP film than on a PA film.
_NIH_AP_RATIO = (1.53, 1.17, 1.53, 1.69, 0.93, 0.77, 1.91, 0.84, 3.11, 11.03, 1.02, 0.30, 0.60, 0.27)
PADCHEST_FILMS = 110_383
# Of the findings beside NIH's: films of PadChest with it, and how much more often it stands on an AP film. Aortic
# elongation, hilar enlargement, granuloma and pacemaker take in PadChest's finer names. The 53 films with
# pneumoperitoneum are too few to tell its company or its views.
_MORE = {
    "Aortic_Elongation": (8392, 0.33),
    "Scoliosis": (5570, 0.19),
    "Hilar_Enlargement": (4065, 1.09),
    "Granuloma": (2583, 0.29),
    "Pacemaker": (2326, 1.97),
    "Pneumoperitoneum": (53, 1.0),
}
# Their tetrachoric correlations in PadChest, with NIH's findings and with those above, where they reach 0.1.
_MORE_TOGETHER = {
    "Aortic_Elongation": {"Cardiomegaly": 0.54, "Effusion": -0.16, "Pneumonia": -0.16, "Consolidation": -0.18,
                          "Edema": -0.13, "Pleural_Thickening": 0.11, "Hernia": 0.24},
    "Scoliosis": {"Effusion": -0.21, "Infiltration": -0.17, "Pneumonia": -0.15, "Pneumothorax": -0.13,
                  "Consolidation": -0.17, "Edema": -0.28, "Fibrosis": 0.11, "Pleural_Thickening": 0.11, "Hernia": 0.13,
                  "Aortic_Elongation": 0.18},
    "Hilar_Enlargement": {"Cardiomegaly": 0.38, "Infiltration": 0.17, "Consolidation": -0.17,
                          "Aortic_Elongation": 0.18},
    "Granuloma": {"Effusion": -0.16, "Infiltration": -0.12, "Consolidation": -0.12, "Edema": -0.18, "Emphysema": 0.15,
                  "Fibrosis": 0.35, "Pleural_Thickening": 0.31, "Aortic_Elongation": 0.13},
    "Pacemaker": {"Cardiomegaly": 0.38, "Effusion": 0.22, "Infiltration": 0.17, "Nodule": -0.1, "Pneumothorax": 0.11,
                  "Edema": 0.27, "Aortic_Elongation": 0.12, "Hilar_Enlargement": 0.14},
}

DRAWABLE: tuple[str, ...] = (*NIH_FINDINGS, *_MORE)

RAISED_FLOOR, RAISED_SLOPE = 0.105, 0.62


def first_findings(n: int) -> tuple[str, ...]:
    """The first n findings of the list: of up to fourteen NIH's, of more the others too.

    Raises:
        DataError: n is not from 1 to the length of `DRAWABLE`.
    """
    if not 1 <= n <= len(DRAWABLE):
        raise DataError(f"phantoms: findings is {n}; it has to be from 1 to {len(DRAWABLE)}")
    return DRAWABLE[:n]


def checked_findings(names: Sequence[str]) -> tuple[str, ...]:
    """A list of findings that can all be drawn.

    Raises:
        FindingError: no list of findings.
        DataError: a finding that phantoms do not have.
    """
    findings = checked_list(names)
    if unknown := [name for name in findings if name not in DRAWABLE]:
        raise DataError(f"phantoms: findings holds {', '.join(unknown)}, which cannot be drawn: take some of "
                        f"{', '.join(DRAWABLE)}")
    return findings


def _places(findings: Sequence[str]) -> list[int]:
    return [DRAWABLE.index(finding) for finding in findings]


def prevalences(kind: str, findings: Sequence[str]) -> np.ndarray:
    """Share of films with each finding, float64 (n,): 'nih' as published, or 'raised' so that rare ones are learnt.

    Raised prevalences keep the published order; the rarest is at 10.5 %.
    """
    own = (_counts().diagonal() / NIH_FILMS).tolist() + [films / PADCHEST_FILMS for films, _ in _MORE.values()]
    share = np.array(own)[_places(findings)]
    return share if kind == "nih" else RAISED_FLOOR + RAISED_SLOPE * share


def ap_ratios(findings: Sequence[str]) -> np.ndarray:
    """How much more often each finding stands on an AP film than on a PA film, float64 (n,)."""
    return np.array([*_NIH_AP_RATIO, *(ratio for _, ratio in _MORE.values())])[_places(findings)]


@cache
def _counts() -> np.ndarray:
    """NIH's films with each pair of its findings, (14, 14)."""
    counts = np.zeros((len(NIH_FINDINGS), len(NIH_FINDINGS)))
    for i, row in enumerate(_NIH_PAIRS):
        counts[i, i:] = row
    return np.maximum(counts, counts.T)


def correlations(findings: Sequence[str]) -> np.ndarray:
    """Correlations of the findings' normal variables, (n, n), positive definite."""
    known = _nih_correlations() if set(findings) <= set(NIH_FINDINGS) else _all_correlations()
    return known[np.ix_(_places(findings), _places(findings))]


@cache
def _nih_correlations() -> np.ndarray:
    """Those that give NIH's pairs at NIH's prevalences, (14, 14)."""
    share = _counts() / NIH_FILMS
    limit = -ndtri(share.diagonal())
    low, high = np.full_like(share, -0.95), np.full_like(share, 0.95)
    for _ in range(40):
        middle = (low + high) / 2
        too_rare = both_above(limit[:, None], limit[None, :], middle) < share
        low, high = np.where(too_rare, middle, low), np.where(too_rare, high, middle)
    return _positive_definite((low + high) / 2)


@cache
def _all_correlations() -> np.ndarray:
    """NIH's, and PadChest's for the others, in the order of `DRAWABLE`."""
    found = np.zeros((len(DRAWABLE), len(DRAWABLE)))
    found[:len(NIH_FINDINGS), :len(NIH_FINDINGS)] = _nih_correlations()
    for finding, company in _MORE_TOGETHER.items():
        one, others = DRAWABLE.index(finding), _places(list(company))
        found[one, others] = found[others, one] = list(company.values())
    return _positive_definite(found)


def _positive_definite(found: np.ndarray) -> np.ndarray:
    """The nearest correlation matrix by its eigenvalues; the diagonal becomes 1."""
    np.fill_diagonal(found, 1.0)
    values, vectors = np.linalg.eigh((found + found.T) / 2)
    fixed = vectors * np.clip(values, 1e-3, None) @ vectors.T
    scale = np.sqrt(fixed.diagonal())
    return fixed / np.outer(scale, scale)


def both_above(h: np.ndarray, k: np.ndarray, correlation: np.ndarray) -> np.ndarray:
    """P(X > h, Y > k) of two standard normals.

    Source: Plackett, A reduction formula for normal multivariate integrals, Biometrika 1954: the derivative by the
    correlation is the bivariate density, which is integrated from 0 here by Gauss-Legendre.
    """
    nodes, weights = np.polynomial.legendre.leggauss(24)
    total = ndtr(-h) * ndtr(-k)
    for node, weight in zip(nodes, weights, strict=True):
        r = correlation * (node + 1) / 2
        rest = 1 - r * r
        density = np.exp(-(h * h - 2 * r * h * k + k * k) / (2 * rest)) / (2 * np.pi * np.sqrt(rest))
        total = total + weight * correlation / 2 * density
    return total
