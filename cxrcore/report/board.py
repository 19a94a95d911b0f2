"""The threshold board of a report: the page's own scripts and counts, with nobody to ask."""

import base64

from cxrcore.charts.board.payload import RunCounts, pack
from cxrcore.queries import from_store
from cxrcore.queries.beside_board import PLACE, beside
from cxrcore.queries.board_state import BoardState, notes, provenance
from cxrcore.queries.comparison import Compared
from cxrcore.report.contents import Contents


def payload(contents: Contents, one: Compared) -> str:
    """A run's counts in base64; its thresholds are those that its page begins with."""
    scores = from_store.sorted_scores(contents.store, one.run.read(contents.part))
    values = one.source.thresholds.tolist()
    header = {"of": one.run.prediction_id(contents.part), "open": one.run.findings[0], "id": 1, "thresholds": values,
              "reference": one.source.in_words, "alone": True}
    counts = RunCounts(one.run.run_id, one.run.label, one.style.colour, one.style.dash, scores, one.source.thresholds)
    warnings = notes(_state(one), one.run, contents.part, [len(found.positives) for found in scores])
    return base64.b64encode(pack(one.run.findings, counts, [], header, [[]] * len(values),
                                 [[value] for value in values], warnings)).decode()


def besides(contents: Contents, one: Compared) -> str:
    """What the board's modes need besides, in base64: presets, calibrators and intervals; no films."""
    of = one.run.prediction_id(contents.part)
    return base64.b64encode(beside(contents.store, one.run, contents.part, of, (PLACE,))).decode()


def source(contents: Contents, one: Compared) -> str:
    """Where a run's thresholds come from and what they are read on, flagged where those are the same films."""
    said, flag = provenance(_state(one), one.run, contents.part)
    return f"Thresholds: {said} · read on {one.run.in_words(contents.part)}" + (f" · {flag}" if flag else "")


def _state(one: Compared) -> BoardState:
    return BoardState(one.source, one.source, {}, one.run.findings, one.source.thresholds, {})
