"""Make the demo: synthetic films, real trainings, and the dashboard on them; --help."""

from collections.abc import Sequence

from cxrcore.cli import parser_for, run
from cxrcore.config import DemoConfig


def main(argv: Sequence[str] | None = None) -> None:
    """Flags to the demo."""
    parser = parser_for(DemoConfig, "Draw phantoms, train five networks on them, and open the dashboard after the "
                                    "first; started again, it goes on with what is missing.")
    flags = vars(parser.parse_args(argv))
    from cxrcore.demo import demo  # --help need not wait for it

    demo.run_demo(DemoConfig(**flags))


if __name__ == "__main__":
    run(main)
