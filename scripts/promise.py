"""Fit thresholds that keep a recall, specificity or precision for new patients, with a confidence; --help."""

from collections.abc import Sequence

from cxrcore.cli import parser_for, run
from cxrcore.config import PromiseConfig


def main(argv: Sequence[str] | None = None) -> None:
    """Flags to config, config to a stored threshold set."""
    parser = parser_for(PromiseConfig, "Fit thresholds that keep a recall, specificity or precision for new patients, "
                                       "with a confidence; save them, and read them on other films.")
    config = PromiseConfig(**vars(parser.parse_args(argv)))
    from cxrcore.evaluation import promised_thresholds  # --help need not wait for it

    promised_thresholds.run_promise(config)


if __name__ == "__main__":
    run(main)
