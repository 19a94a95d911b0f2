"""Evaluate a checkpoint: predictions, thresholds and metrics into the results store, tables into results/; --help."""

from collections.abc import Sequence

from cxrcore.cli import parser_for, run
from cxrcore.config import EvalConfig


def main(argv: Sequence[str] | None = None) -> None:
    """Flags to config, config to tables."""
    parser = parser_for(EvalConfig, "Evaluate a checkpoint on val and test of its split (or, where the split cannot be "
                                    "rebuilt, as an external model on all films).")
    flags = vars(parser.parse_args(argv))
    # Imported here: torch takes seconds, which --help and the processes that prepare films need not wait for.
    from cxrcore.data.data_folders import with_data
    from cxrcore.evaluation.evaluate_run import evaluate

    evaluate(with_data(EvalConfig(**flags), flags))


if __name__ == "__main__":
    run(main)
