"""Look at an installation and say what to do about what is broken; --help. Works where packages are broken."""

import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)


def main(argv: "Sequence[str] | None" = None) -> int:
    """Flags to config, and a line for each thing that was looked at; 1 where there is a problem."""
    from cxrcore.cli import parser_for
    from cxrcore.config import DoctorConfig

    parser = parser_for(DoctorConfig, "Look at versions, torch and torchvision, GPU, rights, disk, port, store and "
                                      "films, and say what to do about each problem. Nothing is changed.")
    config = DoctorConfig(**vars(parser.parse_args(argv)))
    from cxrcore.demo.doctor.examine import examine

    problems = 0
    for result in examine(config.store, config.port):
        print(result.in_words)
        problems += result.is_problem
    print(f"{problems} problems" if problems else "no problems")
    return 1 if problems else 0


if __name__ == "__main__":
    if sys.version_info[:2] < OLDEST:  # which could not even read the rest of the project
        print(f"problem: Python {sys.version_info[0]}.{sys.version_info[1]} is too old\n"
              "  install Python 3.11 or newer, then: bash scripts/start.sh --install-only")
        sys.exit(1)
    sys.path.insert(0, str(ROOT))  # the project may not be installed
    from cxrcore.cli import run

    run(main)
