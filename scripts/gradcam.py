"""Draw where a network looked into results/gradcam/, or measure it on boxes with --boxes; --help."""

from collections.abc import Sequence

from cxrcore.cli import parser_for, run
from cxrcore.config import GradcamConfig


def main(argv: Sequence[str] | None = None) -> None:
    """Flags to config, config to figures."""
    parser = parser_for(GradcamConfig, "Draw Grad-CAM overlays of sampled films with findings, and a contact sheet.")
    flags = vars(parser.parse_args(argv))
    # Imported here: torch takes seconds, which --help need not wait for.
    from cxrcore.data.data_folders import with_data
    from cxrcore.evaluation import hand_in
    from cxrcore.explain import draw_figures, measure_boxes

    config = with_data(GradcamConfig(**flags), flags)
    hand_in.opened(config.store)
    (measure_boxes.measure_boxes_of_run if config.boxes else draw_figures.draw_figures_of_run)(config)


if __name__ == "__main__":
    run(main)
