"""The one table of the Compare page: each finding's value of each run, its difference to the reference, the verdict.

Drawn and sorted in the browser (`table.js`), so that a click on a column's head asks nothing of the server.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from cxrcore.charts.dot_rows import row_names
from cxrcore.charts.sources import sent
from cxrcore.measures.intervals.holm import LOWER_IS_BETTER, UNTESTED
from cxrcore.measures.number_words import signed, span, value
from cxrcore.queries.comparison import WORDS, Compared, Contrast
from cxrcore.queries.repeats.measured import MeasuredTraining, difference_over_seeds

ONE_LINE, TWO_LINES = 2, 46  # runs whose intervals stand beside their values; pixels of a row where they stand below
ROW, HEAD = 32, 60  # pixels


def _read(name: str) -> str:
    return sent(Path(__file__).with_name(name))


_TABLE = st.components.v2.component("cxr_compare_table", html='<div class="holder"></div>\n<p hidden></p>',
                                    css=_read("table.css"), js=_read("table.js"))


def draw(compared: Sequence[Compared], found: Sequence[Contrast], reference: str, title: str, measure: str,
         repeated: Mapping[str, MeasuredTraining] | None = None, key: str = "compare_table") -> None:
    """The table.

    Args:
        found: the other runs against the reference; none of a single run.
        reference: its run id.
        repeated: {run id of its mean: a training}, where means of repeats stand in place of runs.
        key: the component's.
    """
    given = payload(compared, found, reference, title, measure, repeated)
    _TABLE(data=given, key=key, height=HEAD + len(given["rows"]) * (TWO_LINES if given["tall"] else ROW))


def payload(compared: Sequence[Compared], found: Sequence[Contrast], reference: str, title: str,
            measure: str, repeated: Mapping[str, MeasuredTraining] | None = None) -> dict[str, Any]:
    """What the script is given; arguments as `draw`.

    Returns:
        title: of the measure. tall: whether intervals stand below values. columns: name, mark and kind of each column
        behind the finding's. rows: the macro mean, which stays on top, then the findings: their name, and a cell a
        column: text, interval, what it is sorted by, whether it is the best of its kind, why it is empty; of a mean of
        repeats the spread, too.
    """
    repeated = repeated or {}
    base = next(one for one in compared if one.run.run_id == reference)
    columns: list[dict[str, Any]] = [{"kind": "films", "name": "Films with it"}]
    columns += [{"kind": "value", "name": one.run.label, "mark": one.style.mark()} for one in compared]
    for one in found:
        pair = {"name": one.one.run.label, "mark": one.one.style.mark(), "minus": base.run.label,
                "minusMark": base.style.mark()}
        columns += [{"kind": "difference"} | pair, *([{"kind": "seeds"} | pair] if repeated else []),
                    {"kind": "verdict"} | pair]
    cells = [_films(base), *_values(compared, measure)]
    for place, one in enumerate(compared, 1):
        if one.run.run_id in repeated:
            _add_spread(cells[place], repeated[one.run.run_id], measure)
    for one in found:
        cells += [_differences(one), *([_over_seeds(repeated[one.one.run.run_id], repeated[reference], measure)]
                                       if repeated else []), _verdicts(one)]
    names = row_names(base.run.findings)
    order = [len(names) - 1, *range(len(names) - 1)]
    return {"title": title, "tall": bool(repeated) or len(compared) > ONE_LINE, "columns": columns,
            "rows": [{"finding": names[k], "cells": [column[k] for column in cells]} for k in order]}


def _films(base: Compared) -> list[dict[str, Any]]:
    counts = base.found.n_positive.tolist()
    return [*({"text": f"{n:,}", "by": n} for n in counts), {"text": ""}]


def _values(compared: Sequence[Compared], measure: str) -> list[list[dict[str, Any]]]:
    held = [one.found.interval(measure) for one in compared]
    shown = np.round([one.point for one in held], 3)
    sign = -1 if measure in LOWER_IS_BETTER else 1
    with np.errstate(invalid="ignore"):
        best = (sign * shown == np.fmax.reduce(sign * shown)) & (len(compared) > 1)
    return [[_cell(value(point), span(low, high), point) | {"best": bool(best[run, k])} | _empty(one, measure, k)
             for k, (point, low, high) in enumerate(zip(found.point, found.low, found.high, strict=True))]
            for run, (one, found) in enumerate(zip(compared, held, strict=True))]


def _empty(one: Compared, measure: str, k: int) -> dict[str, str]:
    """Why a finding has no value, for who asks."""
    why = one.found.undefined(measure).get(k)
    return {"why": why} if why else {}


def _differences(one: Contrast) -> list[dict[str, Any]]:
    change = one.change
    return [_cell(signed(point), span(low, high), point)
            for point, low, high in zip(change.point, change.low, change.high, strict=True)]


def _add_spread(cells: list[dict[str, Any]], one: MeasuredTraining, measure: str) -> None:
    """How far the repeats lie from their mean, beside it."""
    for cell, sd in zip(cells, one.spread(measure).sd.tolist(), strict=True):
        if not np.isnan(sd):
            cell["spread"] = f"± {sd:.3f}"


def _over_seeds(one: MeasuredTraining, base: MeasuredTraining, measure: str) -> list[dict[str, Any]]:
    change = difference_over_seeds(one, base, measure)
    why = f"{min(one, base, key=lambda own: len(own.members)).training.name} has one run: no spread over seeds"
    alone = min(len(one.members), len(base.members)) < 2
    return [_cell(span(low, high) or value(np.nan), "", low) | ({"why": why} if alone else {})
            for low, high in zip(change.low.tolist(), change.high.tolist(), strict=True)]


def _verdicts(one: Contrast) -> list[dict[str, Any]]:
    return [{"text": WORDS[word], "word": word, "by": None if word == UNTESTED else float(p),
             "why": "" if np.isnan(p) else f"corrected p {'below 0.0001' if p < 1e-4 else f'{p:.2g}'}"}
            for word, p in zip(one.words.tolist(), one.p.tolist(), strict=True)]


def _cell(text: str, interval: str, by: float) -> dict[str, Any]:
    return {"text": text, "interval": interval, "by": None if np.isnan(by) else float(by)}
