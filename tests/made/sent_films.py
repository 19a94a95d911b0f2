"""What a page sent to its film viewer, read as a browser reads it."""

import json
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

VIEWERS = "cxr_film_viewer"


def sent(app: AppTest, which: int = 0) -> dict[str, Any]:
    """The header of one of the page's viewers; its `picture` and each layer's `cells` are there too."""
    return unpacked(viewers(app)[which])


def viewers(app: AppTest) -> list[bytes]:
    """What each film viewer of the page was sent."""
    return [one.proto.bytes for one in app.get("bidi_component") if one.proto.component_name.endswith(VIEWERS)]


def unpacked(data: bytes) -> dict[str, Any]:
    """As heat.js does it."""
    length = int.from_bytes(data[:4], "little")
    header, at = json.loads(data[4 : 4 + length]), 4 + length + 256 * 3
    header["picture"] = data[at : at + header["film"]["bytes"]]
    at += header["film"]["bytes"]
    for layer in header["layers"]:
        shape = layer["n"], layer["rows"], layer["columns"]
        layer["cells"] = np.frombuffer(data, np.uint8, int(np.prod(shape)), at).reshape(shape)
        at += int(np.prod(shape))
    assert at == len(data)
    return header
