"""Save the mean of several runs' scores as a run of its own; --help."""

from collections.abc import Sequence

from cxrcore.cli import parser_for, run
from cxrcore.config import EnsembleConfig


def main(argv: Sequence[str] | None = None) -> None:
    """Flags to config, runs to a run."""
    parser = parser_for(EnsembleConfig, "Average the scores of runs over the films that they share.")
    flags = vars(parser.parse_args(argv))
    from cxrcore.evaluation import ensemble  # --help need not wait for it

    ensemble.run_ensemble(EnsembleConfig(**flags))


if __name__ == "__main__":
    run(main)
