"""What lies on or in a patient and is no finding: drains, electrodes, wires. Pure numpy."""

import numpy as np

from cxrcore.data.phantoms.anatomy import Fields, step


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
