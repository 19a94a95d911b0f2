"""Write runs as Parquet, JSON and CSV; scripts/import_predictions.py reads them back; --help."""

from collections.abc import Sequence

from cxrcore.cli import parser_for, run
from cxrcore.config import ExportConfig


def main(argv: Sequence[str] | None = None) -> None:
    """Flags to config, runs to folders."""
    parser = parser_for(ExportConfig, "Export a run or all runs: a folder each, with all but the checkpoints.")
    flags = vars(parser.parse_args(argv))
    from cxrcore.import_export import export  # --help need not wait for it

    export.export_all(ExportConfig(**flags))


if __name__ == "__main__":
    run(main)
