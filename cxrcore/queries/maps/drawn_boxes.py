"""The boxes of a data set as the film viewer draws them."""

from collections.abc import Sequence

from cxrcore.charts.film_viewer.payload import Box
from cxrcore.queries.film_pixels import FilmBox


def in_pixels(boxes: Sequence[FilmBox], shape: tuple[int, ...]) -> list[Box]:
    """Boxes in a film's own pixels; shape: (H, W) of the film."""
    height, width = shape
    return [Box(box.finding, box.left * width, box.top * height, box.width * width, box.height * height)
            for box in boxes]
