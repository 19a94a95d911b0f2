"""The project's errors: what went wrong, with which name, and what to do next.

Each text is one line that a person can act on. Scripts print it on stderr and exit with code 2, pages show it in
place of their content. Anything that is not a `WorkbenchError` is a fault of the program and keeps its traceback.

Texts quote what was found in files and links, so the line is made one here, whatever they quote.
"""

import re

LONGEST = 2_000  # characters of an error
_BREAKS = re.compile(r"\s*[\t-\r\x1c-\x1f\x85\u2028\u2029]\s*")
_HIDDEN = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


class WorkbenchError(Exception):
    """Base of every error that a user can cause and mend.

    Attributes:
        exit_code: of the script that ends with it.
    """

    exit_code = 2

    def __str__(self) -> str:
        """One line of at most `LONGEST` characters: breaks are spaces, signs that nobody sees are written out."""
        text = _HIDDEN.sub(lambda sign: ascii(sign[0])[1:-1], _BREAKS.sub(" ", super().__str__()))
        return text if len(text) <= LONGEST else f"{text[:LONGEST // 2]} ... {text[5 - LONGEST // 2:]}"


class UsageError(WorkbenchError):
    """A flag that does not exist, or a value that it cannot take."""


class DataError(WorkbenchError):
    """A table, a folder or a split that cannot be used as it is."""


class FindingError(DataError):
    """A name that is no finding, or none of the list that is asked for."""


class ThresholdFileError(DataError):
    """A file that holds no threshold set, or one that cannot be used."""


class FilmError(DataError):
    """One image file that cannot be read as a film."""


class ResamplingError(DataError):
    """Films, labels or scores of which no interval and no comparison can be worked out."""


class DiskFullError(WorkbenchError):
    """No room for what was about to be written; nothing half-written is left."""


class CheckpointError(WorkbenchError):
    """A weights file that breaks the checkpoint contract."""


class WeightsUnavailable(WorkbenchError):
    """Pretrained weights that can be had neither from the network nor from the local cache."""


class NetworkError(WorkbenchError):
    """Data that can only be had from the network, which cannot be reached."""


class RunError(WorkbenchError):
    """A run that does not exist, or is not in a state that allows what was asked."""


class DeviceMemoryError(RunError):
    """A training that does not fit into its device's memory."""


class BeingTrained(RunError):
    """Another process is at this training; to try again later is all that can be done."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h


class StoreError(WorkbenchError):
    """A results store that cannot be read or written."""


class StoreReadOnly(StoreError):
    """Something was to be changed where CXR_READ_ONLY is set; nothing was."""


class StoreBusy(StoreError):
    """The store stayed locked for longer than the bounded wait; the text says by whom."""


class ResultsWait(StoreError):
    """Results that the store did not take; they are kept beside their run until it does."""
