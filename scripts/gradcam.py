"""Draw where a network looked: Grad-CAM overlays and a contact sheet of sampled films into results/gradcam/; --help."""

from collections.abc import Sequence

from cxrcore.cli import parser_for, run
from cxrcore.config import GradcamConfig


def main(argv: Sequence[str] | None = None) -> None:
    """Flags to config, config to figures."""
    parser = parser_for(GradcamConfig, "Draw Grad-CAM overlays of sampled films with findings, and a contact sheet.")
    flags = vars(parser.parse_args(argv))
    # Imported here: torch takes seconds, which --help need not wait for.
    from cxrcore.camrun import draw

    draw(GradcamConfig(**flags))


if __name__ == "__main__":
    run(main)
