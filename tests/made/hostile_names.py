"""A store whose every name comes from somebody who means harm, and what must not be left of them on a page."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from one_opening import one_opening

from cxrcore.evaluation.measure_predictions import measure
from cxrcore.findings import NIH_FINDINGS
from cxrcore.store import Store

FORMULA = '=HYPERLINK("http://evil.example","x")'
NAMES = (FORMULA, "@www.evil.example me@evil.example :smile: :material/bolt: :red[x] $x$ `x` a->b &lt;i>",
         "-1+[x](https://evil.example) **x** <b>x</b><a href='https://evil.example'>x</a> %{x} \\textbf{x}")
# What Markdown, after a backslash too, makes more of than it says; names that were escaped do not hold them.
LIVE = re.compile(r"://evil|www\.|me@|:smile:|:material/bolt|:red\[|(?<!\\)\$x|(?<!\\)`x|->b|(?<!\\)&lt;|x\]\(|1\+\[x"
                  r"|(?<!\\)\*\*x|(?<!\\)<(?:b|a|i)\b")
HTML = re.compile(r"<(?:b>x|a href='https:)")
_FORMULA_SIGNS = tuple("=+-@\t\r")
_AUDIT = [{"name": "Patient overlap", "state": "warned", "text": "LEAK: 82 of these patients, www.evil.example"},
          {"name": "Ties", "state": "warned", "text": "rounded?"},
          {"name": "Coverage", "state": "passed", "text": "all"}]
_READ_AS_MARKDOWN = {"body", "label", "help", "text", "caption", "delta", "content"}


def make(path: Path, n: int = 120) -> Store:
    """Two imported runs with warned audits, on val and test, and one without predictions."""
    with one_opening(path):
        return _made(Store(path), n)


def _made(store: Store, n: int) -> Store:
    rng = np.random.default_rng(0)
    ids = [f"=film{i:04d}www.evil.example" for i in range(n)]
    images = pd.DataFrame({"image_id": ids, "patient_id": [f"@{i // 2}" for i in range(n)], "follow_up": 0,
                           "age": 50.0, "sex": ["F", "M"] * (n // 2), "view": "PA"})
    labels = (rng.random((n, len(NIH_FINDINGS))) < 0.3).astype(np.float32)
    store.add_dataset("d", images, labels, NIH_FINDINGS, name=NAMES[2], kind="nih", label_source=NAMES[1])
    half = n // 2
    for place, name in enumerate((NAMES[0], NAMES[1] + NAMES[2])):
        run_id = store.create_run({"name": name, "arch": NAMES[1 - place % 2], "audit": _AUDIT, "file": FORMULA,
                                   "columns": {"Mass": FORMULA}}, "d", "imported", split=("given", 0, NAMES[1]))
        scores = np.clip(rng.normal(0.3, 0.1, labels.shape) + 0.3 * labels, 0, 1).astype(np.float32)
        sets = {part: store.save_predictions(run_id, "d", part, ids[rows], scores[rows])
                for part, rows in (("val", slice(half)), ("test", slice(half, n)))}
        measure(store, run_id, sets)
        store.save_threshold_set(sets["val"], NAMES[place], "max_f1", np.full(len(NIH_FINDINGS), 0.4), author=FORMULA,
                                 note=NAMES[1])
        store.finish_run(run_id, "finished")
        store.edit_run(run_id, note=NAMES[2])
    store.finish_run(store.create_run({"name": "+none www.evil.example"}, "d", split=("given", 0, NAMES[1])), "failed")
    return store


def formulas(frame: pd.DataFrame) -> list[str]:
    """Cells and column names that a spreadsheet would run; the workbench's own intervals and numbers are none."""
    texts = [*frame.columns, *(cell for name in range(frame.shape[1]) for cell in frame.iloc[:, name])]
    return [text for text in texts if isinstance(text, str) and text.startswith(_FORMULA_SIGNS)
            and not re.fullmatch(r"[-+]\S+( to [-+]?\S+)?", text)]


def live_texts(app: Any) -> list[str]:
    """Texts of the page in which something of a name is alive: Markdown, charts, HTML."""
    found = []
    for proto in _protos(app._tree):
        for kind, name, text in _texts(proto):
            is_html = (kind, name) in (("Html", "body"), ("PlotlyChart", "spec"))
            is_markdown = (name in _READ_AS_MARKDOWN and kind not in ("Html", "Code")) or kind == "Radio"
            if (is_html and HTML.search(text)) or (is_markdown and LIVE.search(text)):
                found.append(f"{kind}.{name}: {text}")
    return found


def _protos(block: Any) -> Iterator[Any]:
    if getattr(block, "proto", None) is not None:
        yield block.proto
    for child in getattr(block, "children", {}).values():
        yield from _protos(child)


def _texts(proto: Any) -> Iterator[tuple[str, str, str]]:
    for field, value in proto.ListFields():
        for one in value if field.is_repeated else [value]:
            if isinstance(one, str):
                yield type(proto).__name__, field.name, one
            elif hasattr(one, "ListFields"):
                yield from _texts(one)
