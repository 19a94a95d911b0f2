"""Propose a description of a table, so that its films can be trained on and evaluated; --help."""

from collections.abc import Sequence

from cxrcore.cli import parser_for, run
from cxrcore.config import DescribeConfig


def main(argv: Sequence[str] | None = None) -> None:
    """Flags to config, a table to TOML."""
    parser = parser_for(DescribeConfig, "Propose how a table of films and labels is to be read, as the TOML that "
                                        "--data takes. Lines that begin with # say what was guessed.")
    parser.add_argument("table", metavar="TABLE", help="CSV, packed or not")
    flags = vars(parser.parse_args(argv))
    from cxrcore.data import describe_table  # --help need not wait for it

    config = DescribeConfig(**{name: value for name, value in flags.items() if name != "table"})
    text = describe_table.describe(flags["table"], config.out, config.name)
    if config.out is None:
        print(text, end="")
        return
    print("".join(line[2:] for line in text.splitlines(keepends=True) if line.startswith("# ")), end="")
    print(f"written: {config.out}")


if __name__ == "__main__":
    run(main)
