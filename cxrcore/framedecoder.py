"""One compressed frame of a DICOM file, decoded in a process of its own.

The only library that reads JPEG Lossless and JPEG-LS (GDCM) ends the whole process on some damaged frames, with signals
that Python cannot catch; RLE frames may unpack to sixty times what they should. Here neither harms the caller: the
process has a bounded time and memory, and whatever happens to it is an error like any other.
"""

import contextlib
import io
import json
import os
import subprocess
import sys

import numpy as np

from cxrcore.config import PROJECT_ROOT

TIME_LIMIT = 60  # seconds
MEMORY_LIMIT = 1_000_000_000  # bytes of address space


def decode(frame: bytes, syntax: str, plugin: str, options: dict[str, str | int]) -> np.ndarray:
    """Decode one frame.

    Args:
        frame: compressed, as it stands in the file.
        syntax: UID of the transfer syntax.
        plugin: pydicom's name of the library that is to decode it.
        options: pydicom's decoding options: rows, columns, bits_stored, ...

    Returns:
        (rows, columns) or (rows, columns, samples), integers.

    Raises:
        ValueError: it cannot be decoded, within the limits.
    """
    order = json.dumps({"syntax": syntax, "plugin": plugin, "options": options}).encode() + b"\n"
    quiet = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # threads reserve memory
    command = [sys.executable, "-c", f"from {__name__} import main; main()"]
    try:
        done = subprocess.run(command, input=order + frame, capture_output=True, timeout=TIME_LIMIT, cwd=PROJECT_ROOT,
                              env=quiet, check=True)
        return np.load(io.BytesIO(done.stdout), allow_pickle=False)
    except (subprocess.SubprocessError, OSError, ValueError, EOFError):
        pass
    raise ValueError("the frame cannot be decoded")


def main() -> None:
    """The other process: an order and a frame on stdin, the pixels as .npy on stdout; its end says the rest."""
    with contextlib.suppress(ImportError):  # Windows knows no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from pydicom.encaps import encapsulate
    from pydicom.pixels import get_decoder

    order = json.loads(sys.stdin.buffer.readline())
    frame = encapsulate([sys.stdin.buffer.read()])
    pixels, _ = get_decoder(order["syntax"]).as_array(frame, index=0, raw=True, decoding_plugin=order["plugin"],
                                                      **order["options"])
    np.save(sys.stdout.buffer, pixels, allow_pickle=False)
