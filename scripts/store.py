"""Look after a results store: init, copy, check, backup, restore, vacuum; --help."""

from collections.abc import Sequence

from cxrcore.cli import parser_for, run
from cxrcore.config import STORE_COMMANDS, StoreConfig


def main(argv: Sequence[str] | None = None) -> int:
    """Flags to config, a command to what it does; 1 where a check finds faults."""
    parser = parser_for(StoreConfig, "Look after a results store. init: make it, as a team's has to be; copy FROM TO: "
                                     "all of a store into another one, a file or a team's; check: is it whole, and "
                                     "what to do; hand-in: take in results of trainings that found the store busy or "
                                     "away; backup: a copy of one moment while others write; restore: bring a backup "
                                     "back; vacuum: give disk back after runs were deleted.")
    parser.add_argument("command", choices=STORE_COMMANDS, help="what to do")
    parser.add_argument("places", metavar="PLACE", nargs="*", help="with restore: the folder of the backup; with copy: "
                                                                    "the store to copy from, and the one to copy to")
    flags = vars(parser.parse_args(argv))
    from cxrcore.evaluation import hand_in  # --help need not wait for it
    from cxrcore.store.care import commands

    command, places = flags.pop("command"), flags.pop("places", [])
    if command == "hand-in" and not places:
        return hand_in.command(StoreConfig(**flags))
    return commands.run_command(command, places, StoreConfig(**flags))


if __name__ == "__main__":
    run(main)
