"""What a page sent to its film viewer, read as a browser reads it."""

import json
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

VIEWERS, SEVERAL = "cxr_film_viewer", "cxr_films"


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


def side_by_side(app: AppTest) -> list[dict[str, Any]]:
    """The films of the page's only viewer for several; as `films`."""
    [one] = [one.proto.bytes for one in app.get("bidi_component") if one.proto.component_name.endswith(SEVERAL)]
    return films(one)


def films(data: bytes) -> list[dict[str, Any]]:
    """As films.js does it: each film's header with its title and what is said over it."""
    length = int.from_bytes(data[:4], "little")
    header, at, made = json.loads(data[4 : 4 + length]), 4 + length, []
    for one in header["films"]:
        made.append(unpacked(data[at : at + one["bytes"]]) | {"title": one["title"], "over": one["said"]})
        at += one["bytes"]
    assert at == len(data)
    return made
