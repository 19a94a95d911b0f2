"""The windows of a DICOM file: which values it wants to see between black and white (PS3.3 C.11.2)."""

from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from cxrcore.data.pixels.dicom_elements import numbers, word

LINEAR, LINEAR_EXACT, SIGMOID = "LINEAR", "LINEAR_EXACT", "SIGMOID"


@dataclass(frozen=True)
class Window:
    """One window.

    Attributes:
        centre, width: in values after the modality LUT or rescale.
        function: 'LINEAR', 'LINEAR_EXACT' or 'SIGMOID'.
    """

    centre: float
    width: float
    function: str

    @property
    def is_usable(self) -> bool:
        """Whether the standard allows it."""
        least = 1 if self.function == LINEAR else 1e-9
        return bool(np.isfinite([self.centre, self.width]).all() and least <= self.width)

    @property
    def title(self) -> str:
        """'window 550/1024': as viewers name it."""
        return f"window {self.centre:.9g}/{self.width:.9g}"

    @property
    def in_words(self) -> str:
        """What it does to a film."""
        if self.function == SIGMOID:
            return (f"contrast as the file sets it, by an S-shaped curve around {self.centre:.9g} "
                    f"({self.title}, sigmoid)")
        low, high = self.centre - self.width / 2, self.centre + self.width / 2
        return f"contrast as the file sets it, black at {low:.9g} and white at {high:.9g} ({self.title})"

    def shown(self, values: np.ndarray) -> np.ndarray:
        """Values through it, as C.11.2.1.2 and C.11.2.1.3 write it: float64 in [0, 1]."""
        if self.function == SIGMOID:
            return 1 / (1 + np.exp(np.clip(-4 * (values - self.centre) / self.width, -700, 700)))
        if self.function == LINEAR_EXACT:
            return np.clip((values - self.centre) / self.width + 0.5, 0, 1)
        if self.width == 1:
            return np.where(values > self.centre - 0.5, 1.0, 0.0)
        return np.clip((values - (self.centre - 0.5)) / (self.width - 1) + 0.5, 0, 1)


def windows(found: Dataset) -> tuple[list[Window], list[str]]:
    """A file's windows in its order, and what was taken in reading them.

    The function is known by its letters: 'sigmoid' and 'SAMPLED_SIGMOID' are SIGMOID. Where windows have centres and
    widths of different number, as many are read as have both.
    """
    centres, comma = numbers(found, "WindowCenter")
    widths, other_comma = numbers(found, "WindowWidth")
    if not centres and not widths:
        return [], []
    notes = ["a comma in its window read as a decimal point"] if comma or other_comma else []
    letters = word(found, "VOILUTFunction")
    function = (SIGMOID if "SIGMOID" in letters else LINEAR_EXACT if letters.startswith("LINEAREXACT") else LINEAR)
    if letters not in ("", "LINEAR", "LINEAREXACT", "SIGMOID", "SAMPLEDSIGMOID"):
        notes.append(f"its window's curve has an unknown name and was taken as {function.lower().replace('_', ' ')}")
    found_windows = [Window(centre, width, function) for centre, width in zip(centres, widths, strict=False)]
    if not found_windows:
        notes.append("its window lacks a centre or a width and was left out")
    return found_windows, notes
