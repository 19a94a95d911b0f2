"""Scripts and styles as they are sent: the files that people read, without their comments and indentation.

A page sends them with every visit, beside the numbers; a third of their bytes are for readers of the source.
"""

from pathlib import Path


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
