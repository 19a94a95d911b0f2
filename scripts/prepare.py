"""Decode every film once into a memory map for training; train.py does it when needed. See --help."""

from collections.abc import Sequence

from cxrcore.cli import parser_for, run
from cxrcore.config import PrepareConfig, default_store
from cxrcore.data import films
from cxrcore.data.data_folders import with_data
from cxrcore.data.pixels.prepared import prepare
from cxrcore.store import Store


def main(argv: Sequence[str] | None = None) -> None:
    """Flags to a finished map."""
    parser = parser_for(PrepareConfig, "Decode all films on disk once, on all cores; goes on where it was stopped.")
    flags = vars(parser.parse_args(argv))
    config = with_data(PrepareConfig(**flags), flags)
    found = films.load_film_set(config.csv_path, config.img_root, None, 0, config.data, config.policy)
    root = Store(config.store or default_store()).folder / "prepared"
    pixels = prepare(found.paths, config.img_size, root, workers=config.workers, at_once=True)
    print(f"{len(pixels.row_of):,} films at {pixels.size} px in {pixels.folder}")
    for image_id, reason in pixels.skipped.items():
        print(f"skipped {image_id}: {reason}")


if __name__ == "__main__":
    run(main)
