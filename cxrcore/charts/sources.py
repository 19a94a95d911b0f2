"""Scripts and styles as they are sent: the files that people read, without their comments and indentation.

A page sends them with every visit, beside the numbers; a third of their bytes are for readers of the source.
"""

import gzip
import json
from base64 import b64encode
from pathlib import Path

_UNPACK = Path(__file__).with_name("unpack.js")


def script(folder: Path, *names: str) -> str:
    """These modules as one; the last has the default export."""
    return "\n".join(sent(folder / name) for name in names)


def sent(path: Path) -> str:
    """A script or style without comments that begin a line; what stands further inside a line is not touched.

    Lines stay lines, as JavaScript ends statements at some of them.
    """
    kept, inside = [], False
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if inside or text.startswith("/*"):
            _, closed, text = text.partition("*/")
            inside = not closed
        if not inside and text.strip() and not text.startswith("//"):
            kept.append(text.strip())
    return "\n".join(kept) + "\n"


def packed(code: str, style: str) -> str:
    """A module that does what `code` does, with `style` as the component's own, in some 40 % of their bytes.

    A tab gets the code of each component over the socket, where nothing is compressed on the way.

    Args:
        code: a module whose default export is a component's.
    """
    content = gzip.compress(json.dumps({"script": code, "style": style}).encode(), mtime=0)
    return f"const PACKED = {json.dumps(b64encode(content).decode())};\n{sent(_UNPACK)}"
