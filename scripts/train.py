"""Train a network on chest films and evaluate it; see --help."""

from collections.abc import Sequence

from cxrcore.cli import parser_for, run
from cxrcore.config import TrainConfig


def main(argv: Sequence[str] | None = None) -> None:
    """Flags to config, config to run."""
    parser = parser_for(TrainConfig, "Train one network or several (--arch all, --seeds, --loss), write the runs to "
                                     "the results store and evaluate them on val and test.")
    flags = vars(parser.parse_args(argv))
    # Imported here: torch takes seconds, which --help and the processes that prepare films need not wait for.
    from cxrcore.data.data_folders import with_data
    from cxrcore.training.sweep.start import train

    train(with_data(TrainConfig(**flags), flags), frozenset(flags) - {"data"})


if __name__ == "__main__":
    run(main)
