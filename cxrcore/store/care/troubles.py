"""What a look at a store found, each with what to do about it."""

from dataclasses import dataclass

RESTORE = "restore a backup: python scripts/store.py restore BACKUP --replace"
DELETE_RUN = "delete the run on the Runs page (Manage), or " + RESTORE


@dataclass(frozen=True)
class Trouble:
    """One thing that is not as it should be, or that a person may want to know.

    Attributes:
        what: one line.
        do: what to do about it, one line.
        is_fault: something is lost, damaged or half-written; otherwise all is well, and it is only told.
    """

    what: str
    do: str
    is_fault: bool = True

    @property
    def in_words(self) -> str:
        """Two lines: what it is, and what to do."""
        return f"{'fault' if self.is_fault else 'note'}: {self.what}\n  {self.do}"
