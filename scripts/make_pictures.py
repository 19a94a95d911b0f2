"""Take the README's pictures from the demo; --help."""

from collections.abc import Sequence

from cxrcore.cli import parser_for, run
from cxrcore.config import PicturesConfig


def main(argv: Sequence[str] | None = None) -> None:
    """Flags to pictures."""
    parser = parser_for(PicturesConfig, "Open the dashboard on the demo's store in Chromium and take the pictures of "
                                        "the README.")
    flags = vars(parser.parse_args(argv))
    from cxrcore.demo import pictures  # --help need not wait for it

    pictures.take(PicturesConfig(**flags))


if __name__ == "__main__":
    run(main)
