"""Bring real films, or check a folder of them; --help."""

from collections.abc import Sequence

from cxrcore.cli import parser_for, run
from cxrcore.config import DATA_SETS, DownloadConfig


def main(argv: Sequence[str] | None = None) -> int:
    """Flags to a folder; 1 where a check finds something wrong."""
    parser = parser_for(DownloadConfig, "Bring ChestMNIST (small films, real labels) or the NIH release (45 GB), or "
                                        "check what is there.")
    parser.add_argument("data_set", choices=DATA_SETS, help="what to bring")
    flags = vars(parser.parse_args(argv))
    what = flags.pop("data_set")
    from cxrcore.data import downloads  # --help need not wait for it

    config = DownloadConfig(**flags)
    if config.check:
        wrong = downloads.check_download(what, config)
        print("\n".join(f"WRONG: {line}" for line in wrong) or "nothing is wrong")
        return int(bool(wrong))
    folder = downloads.fetch(what, config)
    print(f"In {folder}. Now: python scripts/train.py {downloads.training_flags(what, config)}")
    return 0


if __name__ == "__main__":
    run(main)
