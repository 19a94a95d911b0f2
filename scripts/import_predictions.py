"""Put somebody else's predictions, audited, into the results store; --help."""

from collections.abc import Sequence

from cxrcore.cli import parser_for, run
from cxrcore.config import ImportConfig


def main(argv: Sequence[str] | None = None) -> None:
    """Flags to config, files to runs."""
    parser = parser_for(ImportConfig, "Import CSV, Parquet or npz files of predictions, or what scripts/export.py "
                                      "wrote. An audit is printed before anything is saved.")
    parser.add_argument("files", metavar="FILE", nargs="+", help="predictions, a row a film, each file a run; or a "
                                                                 "folder of scripts/export.py")
    flags = vars(parser.parse_args(argv))
    from cxrcore.import_export import import_run  # --help need not wait for it

    import_run.import_predictions(flags.pop("files"), ImportConfig(**flags))


if __name__ == "__main__":
    run(main)
