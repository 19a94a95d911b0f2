"""The chest of a phantom: the body of a patient, the pose of a film, and the fields that a film is rendered from.

Everything is a path length in arbitrary units of soft tissue, as an X-ray sees it: a film is the sum of what a ray
passes through. Pure numpy; knows no findings, labels or files.

Coordinates of the patient: u is 0 at the midline and 1 at the widest inner chest wall, negative on the left of the
film (the patient's right); v is 0 at the apex of the lungs and 1 at the top of the diaphragm. Sizes of organs are in
units of u (`Fields.across` and `Fields.down` are distances in it).
"""

from dataclasses import dataclass

import numpy as np

from cxrcore.data.phantoms.textures import Textures

# Outlines as knots over v. The lung leaves the apex as a dome and reaches the wall about the middle of the chest.
_LUNG_V = (-0.2, 0.0, 0.02, 0.06, 0.13, 0.25, 0.45, 0.7, 0.95, 1.2, 1.7)
_LUNG_LATERAL = (0.42, 0.42, 0.53, 0.62, 0.72, 0.83, 0.92, 0.98, 1.0, 0.98, 0.9)
_LUNG_MEDIAL = (0.42, 0.42, 0.31, 0.22, 0.15, 0.11, 0.1, 0.1, 0.1, 0.1, 0.1)
_BODY_V = (-0.7, -0.3, -0.19, -0.13, -0.06, 0.06, 0.2, 0.5, 1.0, 1.7)
_BODY_WIDTH = (0.3, 0.31, 0.42, 0.66, 1.0, 1.28, 1.33, 1.22, 1.17, 1.2)
_HILUM = (0.26, 0.5)  # |u|, v

RIB_PITCH = 0.118  # in v
VERTEBRA = 0.112  # in v


@dataclass
class Body:
    """What stays the same over the films of one patient; lengths in u, levels in v.

    Attributes:
        width, height: half of the inner chest's width and the height of the lungs, as shares of the film.
        depth: front to back, 1 for an adult of average build.
        heart: half of the heart's width.
        diaphragm: level of the right and left dome, relative to v = 1 (negative is higher).
        curve: how far the diaphragm's sides fall, 1 for a usual dome, 0 for a flat one.
        air: how much of the lungs' depth is air.
        markings: contrast of the vessels.
        bones: contrast of the skeleton.
        breasts: 0, or the thickness of the breasts' shadow.
        arms: whether they are on the film.
        rib_shift: which part of a rib lies at the apex, 0 to 1.
        gas: size of the stomach's gas bubble.
        tree: which vessels of the bank.
        bend: how far the spine's thoracic curve lies off the midline, in u; negative on the left of the film.
    """

    width: float
    height: float
    depth: float
    heart: float
    diaphragm: tuple[float, float]
    curve: float
    air: float
    markings: float
    bones: float
    breasts: float
    arms: bool
    rib_shift: float
    gas: float
    tree: int
    bend: float = 0.0


def draw_body(rng: np.random.Generator, age: float, sex: str) -> Body:
    """A patient's chest."""
    growth = float(np.clip(0.78 + 0.22 * age / 16, 0.78, 1.0))
    return Body(
        width=growth * rng.normal(0.405, 0.015),
        height=growth * rng.normal(0.565, 0.028),
        depth=rng.normal(1.0, 0.07),
        heart=rng.normal(0.43, 0.022),
        diaphragm=(rng.normal(-0.01, 0.015), rng.normal(0.03, 0.015)),
        curve=rng.normal(1.0, 0.1),
        air=rng.normal(0.7, 0.02),
        markings=rng.uniform(0.75, 1.1),
        bones=rng.uniform(0.8, 1.15) * (0.8 if age > 70 else 1.0),
        breasts=rng.uniform(0.05, 0.2) if sex == "F" and age > 13 else 0.0,
        arms=rng.random() < 0.6,
        rib_shift=rng.random(),
        gas=rng.uniform(0.0, 0.16),
        tree=int(rng.integers(2**16)),
    )


@dataclass(frozen=True)
class Pose:
    """How one film was taken.

    Attributes:
        view: 'PA' or 'AP'. On an AP film the heart looks larger, the lungs shorter, the shoulder blades lie inside.
        middle, top: where the midline and the apex lie, shares of the film.
        lean: sideways shift of the midline over the film's height, a share of its width.
        scale: of the chest on the film.
    """

    view: str
    middle: float
    top: float
    lean: float
    scale: float


def draw_pose(rng: np.random.Generator, view: str) -> Pose:
    """A film's geometry; AP films are taken in bed and sit less well."""
    loose = 2.0 if view == "AP" else 1.0
    return Pose(view, rng.normal(0.5, 0.012 * loose), rng.normal(0.145 if view == "PA" else 0.18, 0.016 * loose),
                rng.normal(0.0, 0.012 * loose), rng.normal(1.0, 0.02))


@dataclass
class Fields:
    """The planes a film is rendered from; all float32 (S, S) unless said otherwise.

    Attributes:
        u, v: patient coordinates; v is (S, 1).
        side: |u|.
        aspect: v to u: a length of 1 in v is this many u.
        lateral, medial: the lungs' outlines, (S, 1).
        dome: the level of the diaphragm.
        air: air in the lungs, 0 to 1.
        vessels: vessels and bronchial walls inside the lungs.
        tissue: everything else.
        heart_box: u and v bounds of the heart: left, top, right, bottom.
        spine: u of the spine's middle, (S, 1).
    """

    u: np.ndarray
    v: np.ndarray
    side: np.ndarray
    aspect: float
    lateral: np.ndarray
    medial: np.ndarray
    dome: np.ndarray
    air: np.ndarray
    vessels: np.ndarray
    tissue: np.ndarray
    heart_box: tuple[float, float, float, float]
    spine: np.ndarray

    def ellipse(self, u: float, v: float, across: float, down: float, tilt: float = 0.0) -> np.ndarray:
        """Squared distance from a centre in units of an ellipse's radii (lengths in u): 1 on its outline."""
        x, y = self.u - np.float32(u), (self.v - np.float32(v)) * np.float32(self.aspect)
        c, s = np.float32(np.cos(tilt)), np.float32(np.sin(tilt))
        return ((x * c + y * s) / np.float32(across)) ** 2 + ((y * c - x * s) / np.float32(down)) ** 2


def step(distance: np.ndarray, width: float) -> np.ndarray:
    """0 below -width, 1 above width, smooth between (a cubic)."""
    t = np.clip(distance * np.float32(0.5 / width) + np.float32(0.5), 0, 1)
    return t * t * (3 - 2 * t)


def ball(rho2: np.ndarray) -> np.ndarray:
    """Path length through an ellipsoid of unit depth, from `Fields.ellipse`."""
    return np.sqrt(np.clip(1 - rho2, 0, 1))


def build(body: Body, pose: Pose, size: int, textures: Textures) -> Fields:
    """All planes of a healthy chest at `size` pixels a side."""
    x = ((np.arange(size, dtype=np.float32) + 0.5) / size)[None, :]
    y = ((np.arange(size, dtype=np.float32) + 0.5) / size)[:, None]
    width, height = body.width * pose.scale, body.height * pose.scale
    if pose.view == "AP":
        height *= 0.93
    u = (x - np.float32(pose.middle) - np.float32(pose.lean) * (y - np.float32(0.5))) / np.float32(width)
    v = (y - np.float32(pose.top)) / np.float32(height)
    side = np.abs(u)
    lateral, medial = _knots(v, _LUNG_V, _LUNG_LATERAL), _knots(v, _LUNG_V, _LUNG_MEDIAL)
    dome = _dome(u, side, body)
    fields = Fields(u, v, side, height / width, lateral, medial, dome, _air(side, v, lateral, medial, dome),
                    np.empty(0), np.empty(0), (0, 0, 0, 0), _spine(v, body.bend))
    fields.vessels = _vessels(fields, body, textures) * fields.air
    fields.tissue = _soft_tissue(fields, body) + np.float32(body.bones) * _bones(fields, body, pose)
    _add_mediastinum(fields, body, pose)
    return fields


def _spine(v: np.ndarray, bend: float) -> np.ndarray:
    """A thoracic curve with its apex at v = 0.55, and a weaker lumbar one to the other side."""
    curve = np.sin(np.clip(v / 1.1, -0.2, 1.5) * np.float32(np.pi))
    return np.float32(bend) * np.where(curve < 0, np.float32(0.6) * curve, curve)


def _knots(v: np.ndarray, at: tuple[float, ...], values: tuple[float, ...]) -> np.ndarray:
    return np.interp(v, at, values).astype(np.float32)


def _dome(u: np.ndarray, side: np.ndarray, body: Body) -> np.ndarray:
    """The level of the diaphragm: highest at |u| = 0.42, low at the wall (the costophrenic angle) and at the heart."""
    right, left = body.diaphragm
    outer, inner = np.clip(side - 0.42, 0, None) / 0.58, np.clip(0.42 - side, 0, None) / 0.42
    return np.where(u < 0, np.float32(1 + right), np.float32(1 + left)) + np.float32(body.curve) * (
        0.2 * outer**2 + 0.1 * inner**2)


def _air(side: np.ndarray, v: np.ndarray, lateral: np.ndarray, medial: np.ndarray, dome: np.ndarray) -> np.ndarray:
    """Depth of air along the ray: full inside, falling to the walls, cut by the diaphragm."""
    half = np.maximum((lateral - medial) / 2, np.float32(1e-3))
    r = (side - (lateral + medial) / 2) / half
    across = np.sqrt(np.clip(1 - (r * r) ** 2, 0, 1))
    return across * np.sqrt(np.clip(half / 0.42, 0, 1)) * step(dome - v, 0.012)


def _vessels(fields: Fields, body: Body, textures: Textures) -> np.ndarray:
    """A tree of vessels in each lung, looked up in the bank, with the hila they start from."""
    right = textures.tree(body.tree, fields.side, fields.v)
    left = textures.tree(body.tree + 1, fields.side, fields.v)
    trees = np.where(fields.u < 0, right, left)
    hila = np.exp(-fields.ellipse(-_HILUM[0], _HILUM[1], 0.13, 0.2)) + np.exp(
        -fields.ellipse(_HILUM[0], _HILUM[1] - 0.04, 0.12, 0.18))
    outside = 0.45 + 0.55 * step(fields.side - 0.26, 0.12)  # fainter in front of the heart
    return np.float32(body.markings) * (0.3 * trees * outside + 0.12 * hila)


def _soft_tissue(fields: Fields, body: Body) -> np.ndarray:
    """Trunk, neck and arms as elliptical cylinders, the mediastinum, breasts, airway and gas below the diaphragm."""
    u, v, side = fields.u, fields.v, fields.side
    trunk = _knots(v, _BODY_V, _BODY_WIDTH)
    tissue = np.float32(body.depth) * np.sqrt(np.clip(1 - (side / trunk) ** 2, 0, 1))
    tissue *= 0.74 + 0.26 * step(v + 0.1, 0.16)  # the neck is thinner than the chest
    if body.arms:
        tissue += 0.55 * np.sqrt(np.clip(1 - ((side - 1.52) / 0.24) ** 2, 0, 1)) * step(v - 0.1, 0.2)
    if body.breasts:
        breast = ball(((side - 0.52) / 0.47) ** 2 + ((v - 0.83) * np.float32(fields.aspect) / 0.36) ** 2)
        tissue += np.float32(body.breasts) * breast
    tissue += 0.2 * step(v - fields.dome, 0.04) * step(1.05 - side, 0.1)  # liver, spleen, bowel
    tissue += 0.08 * step(0.07 - np.abs(u - 0.1), 0.03) * step(v - 0.32, 0.06)  # descending aorta
    tissue -= 0.13 * np.exp(-((u + 0.012) / 0.042) ** 2) * step(0.42 - v, 0.05)  # trachea
    for sign in (-1, 1):
        tissue -= 0.1 * np.exp(-((sign * u - 0.55 * (v - 0.4)) / 0.03) ** 2) * step(0.08 - np.abs(v - 0.46), 0.03)
    if body.gas > 0.03:
        gas = ball(fields.ellipse(0.42, 1.16 + body.diaphragm[1], 0.1 + body.gas, 0.05 + body.gas * 0.6))
        tissue -= 0.42 * gas * step(1.2 - v + body.diaphragm[1], 0.01)
    return tissue


def _bones(fields: Fields, body: Body, pose: Pose) -> np.ndarray:
    v, side = fields.v, fields.side
    bones = _ribs(fields, body.rib_shift)
    _add_vertebrae(bones, fields, body)
    # Clavicles: shallow S from the sternum to the shoulder.
    level = 0.2 - 0.23 * (side - 0.1) + 0.03 * np.sin(side * np.float32(6.0))
    across = (v - level) * np.float32(fields.aspect) / 0.042
    tube = np.clip(1 - across * across, 0, 1)
    bones += (0.24 * tube - 0.11 * tube * tube) * step(side - 0.1, 0.02) * step(1.08 - side, 0.05)
    bones += _shoulders(fields, inside=0.2 if pose.view == "AP" else 0.0)
    return bones


def _add_vertebrae(bones: np.ndarray, fields: Fields, body: Body) -> None:
    """The spine: bodies with discs between, square to its course, and the pedicles beside the middle."""
    off, level = fields.u - fields.spine, fields.v
    if body.bend:
        slope = np.gradient(fields.spine[:, 0], fields.v[:, 0])[:, None]
        level = level + off * slope / (slope**2 + np.float32(fields.aspect) ** 2)
    phase = np.cos((level / VERTEBRA + np.float32(body.rib_shift)) * np.float32(2 * np.pi))
    column = np.sqrt(np.clip(1 - (off / 0.11) ** 2, 0, 1))
    bones += 0.17 * column * (0.72 + 0.28 * step(phase + 0.75, 0.3))
    bones += 0.07 * np.exp(-((np.abs(off) - 0.055) / 0.02) ** 2) * step(phase - 0.55, 0.3)


def _ribs(fields: Fields, shift: float) -> np.ndarray:
    """Twelve pairs at once: a band where the phase of a bent ladder is near a rung, brighter at its edges."""
    v, side = fields.v, fields.side
    behind = v + 0.12 * side - 0.42 * side**3
    front = v - 0.42 * (1 - side) ** 1.0 - 0.1 * side**2
    inside = step(fields.lateral + 0.035 - side, 0.015) * step(1.5 - v, 0.2) * step(v - 0.0, 0.03)
    wall = np.exp(-((side - fields.lateral - 0.015) / 0.03) ** 2)  # seen edge-on at the wall
    posterior = _rungs(behind / np.float32(RIB_PITCH) + np.float32(shift), 0.5) * step(side - 0.09, 0.03)
    anterior = _rungs(front / np.float32(RIB_PITCH * 1.06) + np.float32(shift + 0.3), 0.45) * step(side - 0.4, 0.12)
    return inside * (0.125 * posterior * (1 + wall) * (0.45 + 0.55 * step(fields.dome - v, 0.03))
                     + 0.075 * anterior * step(v - 0.16, 0.05) * step(fields.dome - v, 0.03) + 0.05 * wall)


def _rungs(phase: np.ndarray, share: float) -> np.ndarray:
    """Bands of width `share` at whole numbers of the phase: 0.6 in their middle, 1 near their edges."""
    away = np.abs(phase - np.round(phase)) * np.float32(2 / share)  # 0 in the middle, 1 at the edge
    return step(1 - away, 0.16) * (0.6 + 0.4 * np.clip(away, 0, 1) ** 2)


def _shoulders(fields: Fields, inside: float) -> np.ndarray:
    """Heads of the humeri and the shoulder blades, which an AP film shows over the lungs."""
    side, v, aspect = fields.side, fields.v, np.float32(fields.aspect)
    head = ((side - 1.3) / 0.15) ** 2 + ((v - 0.06) * aspect / 0.16) ** 2
    shaft = np.clip(1 - ((side - 1.36 - 0.16 * v) / 0.085) ** 2, 0, 1) * step(v - 0.1, 0.06)
    border = 0.98 - np.float32(inside) + 0.1 * (v - 0.2)
    blade = step(side - border, 0.012) * step(1.25 - np.float32(inside) - side, 0.1)
    blade *= step(0.24 - np.abs(v - 0.25), 0.05)
    edge = np.exp(-((side - border - 0.015) / 0.014) ** 2) * step(0.24 - np.abs(v - 0.27), 0.06)
    return 0.14 * ball(head) + 0.15 * np.sqrt(shaft) + 0.05 * blade + 0.06 * edge


def _add_mediastinum(fields: Fields, body: Body, pose: Pose) -> None:
    """Vessels and heart as one silhouette: the heart lies on the diaphragm, two thirds of it on the film's right.

    Depths add as squares, so that no outline shows inside the shadow. The heart's outline also bounds a box.
    """
    u, v = fields.u, fields.v
    half = body.heart * (1.1 if pose.view == "AP" else 1.0)
    tilt, centre, level = 0.5, 0.1 + 0.22 * (half - 0.3), 0.8
    wide, down = half * 1.06, 0.33 + 0.25 * (half - 0.43)
    heart = np.clip(1 - fields.ellipse(centre, level, wide, down, tilt), 0, 1) ** np.float32(0.8)
    vessels = np.clip(1 - ((u - 0.02) / (0.19 + 0.06 * v)) ** 2, 0, 1) * step(v + 0.05, 0.12)
    vessels += 0.7 * ball(fields.ellipse(0.17, 0.31, 0.115, 0.13)) ** 2  # aortic knob
    vessels += 0.55 * ball(fields.ellipse(0.17, 0.52, 0.19, 0.27)) ** 2  # pulmonary trunk
    fields.tissue += 0.44 * np.sqrt(heart + 0.42 * vessels) * step(fields.dome + 0.12 - v, 0.05)
    reach_u = float(np.hypot(wide * np.cos(tilt), down * np.sin(tilt)))
    reach_v = float(np.hypot(wide * np.sin(tilt), down * np.cos(tilt))) / fields.aspect
    fields.heart_box = (centre - reach_u, level - reach_v, centre + reach_u, min(level + reach_v, 1.06))


def draw_drain(fields: Fields, side: int, rng: np.random.Generator) -> None:
    """A chest tube from the lateral wall up to the apex: two fine parallel lines."""
    entry, bend = rng.uniform(0.6, 0.75), rng.uniform(0.35, 0.5)
    way = (fields.v - 0.12) / np.float32(entry - 0.12)
    path = 0.5 + (1.12 - 0.5) * np.clip(way, 0, 1) ** 2 * np.float32(1 + 0.2 * bend)
    across = (np.float32(side) * fields.u - path) / 0.022
    along = step(way, 0.03) * step(1 - way, 0.03)
    fields.tissue += along * (0.16 * np.exp(-((np.abs(across) - 1) / 0.4) ** 2) + 0.06 * (np.abs(across) < 1))


def draw_leads(fields: Fields, rng: np.random.Generator) -> None:
    """Electrodes and their wires on a bedside film."""
    for _ in range(int(rng.integers(1, 4))):
        u, v, lean = rng.uniform(-0.8, 0.8), rng.uniform(0.1, 0.9), rng.uniform(-0.6, 0.6)
        curve = u + lean * (fields.v - v) + rng.uniform(-0.4, 0.4) * (fields.v - v) ** 2
        wire = np.exp(-(((fields.u - curve) / 0.011) ** 2)) * step(v - fields.v, 0.01)
        fields.tissue += 0.12 * wire + 0.3 * np.exp(-((np.sqrt(fields.ellipse(u, v, 0.03, 0.03)) - 1) / 0.5) ** 2)
