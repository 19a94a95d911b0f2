"""Which state of the workbench a process runs, so that the trainings of one sweep are all made by the same."""

import hashlib
import os

from cxrcore.config import PROJECT_ROOT
from cxrcore.errors import RunError

VARIABLE = "CXR_PLANNED_BY"  # of the environment: the state that planned the sweep
_DIGITS = 12


def product_version() -> str:
    """A hash of the library's source as it lies on this machine's disk."""
    digest = hashlib.sha256()
    for path in sorted((PROJECT_ROOT / "cxrcore").rglob("*.py")):
        digest.update(str(path.relative_to(PROJECT_ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:_DIGITS]


def require_the_same() -> None:
    """Raises RunError where a sweep that was planned by another state of the workbench started this process."""
    planned = os.environ.get(VARIABLE)
    if planned and planned != (own := product_version()):
        raise RunError(f"another version of the workbench lies here ({own}) than planned this sweep "
                       f"({planned[:_DIGITS]!a}): bring both to one, and give the sweep's command again")
