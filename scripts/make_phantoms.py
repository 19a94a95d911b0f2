"""Draw synthetic chest films with known findings, in the NIH layout. See --help."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from cxrcore.cli import parser_for, run
from cxrcore.config import PhantomConfig
from cxrcore.data.phantoms import folder
from cxrcore.data.phantoms import sheet as phantom_sheet
from cxrcore.data.phantoms.occurrence import first_findings
from cxrcore.data.phantoms.recipe import Recipe


def main(argv: Sequence[str] | None = None) -> None:
    """Flags to a folder of phantoms."""
    parser = parser_for(PhantomConfig, "Draw SYNTHETIC chest films with known findings and boxes, in the NIH layout.")
    flags = asdict(PhantomConfig(**vars(parser.parse_args(argv))))
    out, workers, sheet = (flags.pop(name) for name in ("out", "workers", "sheet"))
    flags["findings"] = first_findings(flags["findings"])
    phantoms = folder.make_phantoms(Recipe(**flags), out, workers)
    print(phantom_sheet.phantoms_in_words(phantoms))
    if sheet:
        phantom_sheet.write_sheet(phantoms, Path(sheet))
        print(f"written: {sheet}")


if __name__ == "__main__":
    run(main)
