"""Augmentation of whole batches on the device: crop, rotation, shift, mirror, contrast, brightness and gamma.

All random numbers of an epoch are drawn at once, on the CPU, from a generator of its own: every device sees the same
films, a resumed training the same as an unbroken one however films are grouped into batches, and no step waits for a
copy.
"""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

DRAWS = ("area", "aspect", "left", "top", "angle", "right", "down", "brightness", "contrast", "gamma", "mirror")


@dataclass(frozen=True)
class Augmentation:
    """How far it goes; each at 0 (crop at 1) is off.

    Attributes:
        crop: least share of the area that a random resized crop shows (Szegedy et al., CVPR 2015).
        aspect: a crop is up to this share wider or higher than square.
        scale: up to this share larger or smaller besides, as versions before the crop did.
        rotation: degrees.
        shift: share of the side.
        tone: contrast and gamma up to this share more or less, brightness up to half of it.
        flip: mirror every second film.
    """

    crop: float = 1.0
    aspect: float = 0.0
    scale: float = 0.0
    rotation: float = 0.0
    shift: float = 0.0
    tone: float = 0.0
    flip: bool = False

    def draws(self, n: int, generator: torch.Generator) -> torch.Tensor:
        """Uniform numbers in [0, 1) for n films, float32 (n, len(DRAWS)), on the generator's device."""
        return torch.rand((n, len(DRAWS)), generator=generator)

    def apply(self, gray: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        """Films as they are trained on.

        Args:
            gray: uint8 or float (B, 1, S, S) in [0, 255].
            draws: (B, len(DRAWS)), on the same device.

        Returns:
            float32 (B, 1, S, S) in the same range; black beyond the border.
        """
        if self.crop == 1 and not (self.scale or self.rotation or self.shift or self.tone or self.flip):
            return gray.float()  # nothing to do, and nothing to be rounded
        drawn = dict(zip(DRAWS, draws.unbind(1), strict=True))
        toned = self._toned(gray.float(), drawn) if self.tone else gray.float()
        grid = functional.affine_grid(self._places(drawn), list(gray.shape), align_corners=False)
        return functional.grid_sample(toned, grid, mode="bilinear", padding_mode="zeros", align_corners=False)

    def _toned(self, gray: torch.Tensor, drawn: dict[str, torch.Tensor]) -> torch.Tensor:
        """Gamma, then contrast about the film's mean, then brightness."""

        def of(name: str) -> torch.Tensor:
            return (2 * drawn[name] - 1).view(-1, 1, 1, 1)

        powered = gray.div(255).pow_(torch.exp(of("gamma") * math.log1p(self.tone)))
        mean = powered.mean((2, 3), keepdim=True)
        contrast = 1 + self.tone * of("contrast")
        offset = mean * (1 - contrast) + 0.5 * self.tone * of("brightness")
        return powered.mul_(contrast).add_(offset).clamp_(0, 1).mul_(255)

    def _places(self, drawn: dict[str, torch.Tensor]) -> torch.Tensor:
        """Where in the film each place of the result comes from: (B, 2, 3), in coordinates from -1 to 1."""
        signed = {name: 2 * value - 1 for name, value in drawn.items()}
        wide, high, x, y = self._crop(drawn["area"], signed)
        if self.scale:  # of runs of before there were crops
            wide, high = (one / (1 + self.scale * signed["area"]) for one in (wide, high))
        x, y = x + 2 * self.shift * signed["right"], y + 2 * self.shift * signed["down"]
        angle = math.radians(self.rotation) * signed["angle"]
        cos, sin = torch.cos(angle), torch.sin(angle)
        mirror = 1 - 2 * (drawn["mirror"] < 0.5).float() if self.flip else torch.ones_like(cos)
        return torch.stack([torch.stack([mirror * wide * cos, -high * sin, x], 1),
                            torch.stack([mirror * wide * sin, high * cos, y], 1)], 1)

    def _crop(self, share: torch.Tensor, signed: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """Half width, half height and centre, each (B,), of a part of the film that lies inside it."""
        if self.crop == 1:
            return torch.ones_like(share), torch.ones_like(share), torch.zeros_like(share), torch.zeros_like(share)
        side = torch.sqrt(self.crop + (1 - self.crop) * share)
        stretch = torch.exp(0.5 * signed["aspect"] * math.log1p(self.aspect))
        wide, high = (side * stretch).clamp(max=1), (side / stretch).clamp(max=1)
        return wide, high, signed["left"] * (1 - wide), signed["top"] * (1 - high)
