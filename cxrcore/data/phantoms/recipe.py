"""Phantoms: synthetic chest films in the NIH layout, drawn by this project, with known findings and boxes.

They stand in for real films wherever none may be shown or had. A network that does well on them says nothing about
real films. Every phantom is recognised by its patient's number, which NIH's numbering never reaches, so the mark
travels with the table, its predictions and every export.

Seeded film by film: a film of a recipe has the same pixels in whatever order and on however many processes it is drawn,
for one version of numpy.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from cxrcore.data.phantoms import anatomy
from cxrcore.data.phantoms import film as phantom_film
from cxrcore.data.phantoms import people as phantom_people
from cxrcore.data.phantoms import signs as phantom_signs
from cxrcore.data.phantoms.drawn import Drawn, box
from cxrcore.data.phantoms.occurrence import checked_findings
from cxrcore.data.phantoms.people import People
from cxrcore.data.phantoms.textures import Textures
from cxrcore.errors import DataError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.metrics import auroc, per_finding

FIRST_PATIENT = 90_000_001  # NIH's patients end at 30,805
MILLIMETRES = 358.0  # a film's side, 14 inches
MIN_SIZE, MAX_SIZE = 64, 2048

PREVALENCES = ("raised", "nih")
_MOST_HIDDEN = 0.3  # share of findings that leave no sign at difficulty 1
_FAINTEST = 0.2  # contrast of the faintest sign at difficulty 1
_SHORTCUT_FINDING = "Pneumothorax"
_DRAIN_WITHOUT = 0.02  # films without pneumothorax that carry a drain, as a share of the knob
_LEADS = 0.35  # bedside films with electrodes

_PEOPLE, _LABELS, _BODY, _FILM = range(4)  # streams of random numbers


@dataclass(frozen=True)
class Recipe:
    """What fixes a phantom data set to the last pixel.

    Attributes:
        films: how many.
        size: pixels a side.
        seed: of everything.
        prevalence: 'raised' (each finding in 10 % of the films or more) or 'nih' (as published).
        label_noise: share of each finding's films whose label misses it; as many others carry it wrongly.
        shortcut: share of the films with pneumothorax that show a chest drain, 0 to 1.
        difficulty: 0 (every sign plain) to 1 (faint signs, and 30 % of the findings leave none).
        findings: names of `occurrence.DRAWABLE`, which the tables keep the order of.
    """

    films: int = 6000
    size: int = 256
    seed: int = 0
    prevalence: str = "raised"
    label_noise: float = 0.05
    shortcut: float = 0.0
    difficulty: float = 0.5
    findings: Sequence[str] = NIH_FINDINGS

    def __post_init__(self) -> None:
        bounds = {"films": (1, 10**6), "size": (MIN_SIZE, MAX_SIZE), "seed": (0, 2**31 - 1), "label_noise": (0, 0.4),
                  "shortcut": (0, 1), "difficulty": (0, 1)}
        for name, (low, high) in bounds.items():
            if not low <= getattr(self, name) <= high:
                raise DataError(f"phantoms: {name} is {getattr(self, name)}; it has to be from {low} to {high:,}")
        if self.prevalence not in PREVALENCES:
            raise DataError(f"phantoms: unknown prevalence '{self.prevalence}': one of {', '.join(PREVALENCES)}")
        object.__setattr__(self, "findings", checked_findings(self.findings))
        if self.shortcut and _SHORTCUT_FINDING not in self.findings:
            raise DataError(f"phantoms: shortcut is {self.shortcut}, but {_SHORTCUT_FINDING} is none of the findings")


@dataclass(frozen=True)
class PhantomPlan:
    """All that is decided before a film is drawn.

    Attributes:
        people: patients and what they truly have.
        contrast: float32 (n, findings), how plain each sign is drawn; 0 = not drawn.
        labels: float32 (n, findings), 1 / 0, what the table will say.
        drain: bool (n,), films with a chest drain.
    """

    recipe: Recipe
    people: People
    contrast: np.ndarray
    labels: np.ndarray
    drain: np.ndarray

    def image_id(self, film: int) -> str:
        """NIH's form of a film's name: patient and follow-up."""
        row = self.people.films.iloc[film]
        return f"{FIRST_PATIENT + row['patient']:08d}_{row['follow_up']:03d}.png"

    def oracle(self) -> np.ndarray:
        """Best AUROC that can be had for each finding of the recipe, in its order.

        It is that of a reader who sees every sign with the contrast it was drawn with: what is missing to 1 are
        labels that are wrong and findings without a sign. NaN for a finding without positives or negatives.
        """
        return per_finding(auroc, self.labels, self.contrast)


def plan(recipe: Recipe) -> PhantomPlan:
    """Decide who has what, what is drawn of it, and what the labels say."""
    people = phantom_people.draw_people(recipe.films, recipe.prevalence, np.random.default_rng([recipe.seed, _PEOPLE]),
                                        recipe.findings)
    rng, shape = np.random.default_rng([recipe.seed, _LABELS]), people.present.shape
    plain = 1 - (1 - _FAINTEST) * recipe.difficulty * rng.random(shape)
    hidden = rng.random(shape) < _MOST_HIDDEN * recipe.difficulty
    contrast = np.where(people.present & ~hidden, plain, 0).astype(np.float32)
    share = people.present.mean(axis=0)
    wrong = np.where(people.present, recipe.label_noise, recipe.label_noise * share / np.maximum(1 - share, 0.1))
    labels = (people.present ^ (rng.random(shape) < wrong)).astype(np.float32)
    return PhantomPlan(recipe, people, contrast, labels, _drains(recipe, people, rng))


def _drains(recipe: Recipe, people: People, rng: np.random.Generator) -> np.ndarray:
    """Bool (n,): which films show a chest drain."""
    if not recipe.shortcut:
        return np.zeros(recipe.films, bool)
    collapsed = people.present[:, recipe.findings.index(_SHORTCUT_FINDING)]
    return rng.random(recipe.films) < recipe.shortcut * np.where(collapsed, 1.0, _DRAIN_WITHOUT)


def draw_film(
    plan: PhantomPlan, film: int, textures: Textures
) -> tuple[np.ndarray, dict[str, tuple[int, int, int, int]]]:
    """One film.

    Returns:
        uint8 (size, size), 0 = black; and {finding: x, y, width, height in pixels} of the signs that were drawn.
    """
    row, recipe = plan.people.films.iloc[film], plan.recipe
    body = anatomy.draw_body(np.random.default_rng([recipe.seed, _BODY, row["patient"]]), row["age"], row["sex"])
    rng = np.random.default_rng([recipe.seed, _FILM, film])
    pose = anatomy.draw_pose(rng, row["view"])
    signs = _signs(recipe, plan.contrast[film], film)
    phantom_signs.shape_body(body, signs)
    fields = anatomy.build(body, pose, recipe.size, textures)
    effects = phantom_signs.draw_signs(fields, signs, textures)
    if plan.drain[film]:
        side = signs[_SHORTCUT_FINDING].side if _SHORTCUT_FINDING in signs else int(rng.choice((-1, 1)))
        anatomy.draw_drain(fields, side, rng)
    if row["view"] == "AP" and rng.random() < _LEADS:
        anatomy.draw_leads(fields, rng)
    boxes = {finding: found for finding, effect in effects.items() if (found := box(effect))}
    return phantom_film.expose(fields, body, pose, rng, textures), boxes


def _signs(recipe: Recipe, contrast: np.ndarray, film: int) -> dict[str, Drawn]:
    """The signs of one film; each has its own random numbers."""
    found = {}
    for k in np.flatnonzero(contrast):
        rng = np.random.default_rng([recipe.seed, _FILM, film, int(k)])
        found[recipe.findings[k]] = Drawn(float(contrast[k]), int(rng.choice((-1, 1))), rng)
    return found


def is_phantom(patient_ids: Iterable[str]) -> bool:
    """Whether these patients are phantoms: all of their numbers lie beyond NIH's."""
    numbers = [str(patient) for patient in set(patient_ids)]
    return bool(numbers) and all(number.isdigit() and int(number) >= FIRST_PATIENT for number in numbers)
