"""Write a report on runs: one HTML file that needs neither server nor network, and a ZIP; --help."""

from collections.abc import Sequence

from cxrcore.cli import parser_for, run
from cxrcore.config import ReportConfig


def main(argv: Sequence[str] | None = None) -> None:
    """Flags to files."""
    parser = parser_for(ReportConfig, "Write leaderboard, curves, subgroups, maps and the live threshold board of runs "
                                      "into one HTML file.")
    flags = vars(parser.parse_args(argv))
    from cxrcore.report.write_files import write_report  # --help need not wait for it

    write_report(ReportConfig(**flags))


if __name__ == "__main__":
    run(main)
