"""Add, list or remove label sets: other people's readings of a data set's films; --help."""

from collections.abc import Sequence

from cxrcore.cli import parser_for, run
from cxrcore.config import LABEL_ACTIONS, LabelsConfig


def main(argv: Sequence[str] | None = None) -> None:
    """Flags to config, a file to a label set on which every run is measured."""
    parser = parser_for(LabelsConfig, "Add another reading of a data set's films and measure every run on it; or list "
                                      "the readings that there are, or remove one.")
    parser.add_argument("action", choices=LABEL_ACTIONS, help="what to do")
    parser.add_argument("file", metavar="FILE", nargs="?", help="with add: a table of labels, a row a film (or a film "
                                                                "and reader)")
    flags = vars(parser.parse_args(argv))
    from cxrcore.evaluation import add_labels  # --help need not wait for it

    add_labels.run_labels(flags.pop("action"), flags.pop("file", None), LabelsConfig(**flags))


if __name__ == "__main__":
    run(main)
