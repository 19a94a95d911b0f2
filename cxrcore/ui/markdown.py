"""Free texts (names, notes, films) inside Streamlit's Markdown: shown as they were typed, and nothing else.

A backslash takes a sign's meaning, but not all: after it has read the signs, Streamlit looks through the plain text for
addresses, which it makes links, for :names: of emoji and icons, and for arrows. It looks through each stretch of text
by itself, so a stretch is parted there by a directive without content, which shows nothing and is not copied.
"""

import re

_NOTHING = ":small[]"
# https://, mailto:, :smile: and :material/check: · www. · a@b.c · -> and its like
_PARTED = re.compile(r"(?<=:)(?=\S)|(?<=www)(?=\.|$)|(?=@)|(?<=[<>~-])(?=[->=])", re.IGNORECASE)
_MEANT = re.compile(r"[\\`*\[\]{$~|<]|:(?!\s)|(?<!\w)_|_(?!\w)|&(?=#?\w+;)")  # elsewhere signs mean themselves
_BEGINS = re.compile(r"^(\d{0,9})([-+#=>.)])")  # a list, a heading, a quotation


def escape(text: str) -> str:
    """A free text, on one line, to stand in Markdown."""
    parts = (_MEANT.sub(r"\\\g<0>", part) for part in _PARTED.split(" ".join(text.split())))
    return _BEGINS.sub(r"\1\\\2", _NOTHING.join(parts))


def bold(text: object) -> str:
    """A path, an id, a name as it was typed, to stand out in a sentence; inline code would be too small to read."""
    return f"**{escape(str(text))}**"
