"""Draw synthetic chest films with known findings, in the NIH layout. See --help."""

from collections.abc import Sequence
from dataclasses import asdict

from cxrcore.cli import parser_for, run
from cxrcore.config import PhantomConfig
from cxrcore.data import phantom_folder, phantom_report
from cxrcore.data.phantom import Recipe


def main(argv: Sequence[str] | None = None) -> None:
    """Flags to a folder of phantoms."""
    parser = parser_for(PhantomConfig, "Draw SYNTHETIC chest films with known findings and boxes, in the NIH layout.")
    flags = asdict(PhantomConfig(**vars(parser.parse_args(argv))))
    out, workers = flags.pop("out"), flags.pop("workers")
    print(phantom_report.text(phantom_folder.make(Recipe(**flags), out, workers)))


if __name__ == "__main__":
    run(main)
