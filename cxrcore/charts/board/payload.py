"""What the board is sent: exact counts of every position, in a form whose size does not depend on the films. Pure.

A length (uint32), a header in JSON padded to 8 bytes, then numbers without gaps: the positions of all findings
(float64), for each finding its TP and FP (int32), and for each other run and finding TP and FP at these positions and
along its own curve. A finding takes 722 positions x 16 bytes = 12 kB of the run in focus, and 8 kB of each other:
of NIH's 14 findings 162 kB and 107 kB.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxrcore.findings import display_name
from cxrcore.glossary import TERMS
from cxrcore.measures.thresholds.positions import NEVER, UNREACHED, SortedScores, positions, written

EXPLAINED = ("f1", "recall", "precision", "delta", "specificity", "tp", "fp", "fn", "tn", "threshold", "prevalence",
             "macro", "micro", "ppv", "npv", "alarms_per_1000", "misses_per_1000", "harm_ratio", "net_benefit",
             "worth_range", "interval", "referred", "decided_recall", "decided_precision", "decided_f1", "misses_left")
CURVE_POINTS = 240  # positions of another run's ROC and PR


@dataclass(frozen=True)
class RunCounts:
    """One run on the board.

    Attributes:
        run_id, name, colour, dash: of the run; colour #RRGGBB, dash one of `charts.look.DASHES`.
        scores: one entry a finding.
        thresholds: float64 (k,), of the set that is its own; of the run in focus, the reference set.
    """

    run_id: str
    name: str
    colour: str
    dash: str
    scores: Sequence[SortedScores]
    thresholds: np.ndarray

    @property
    def look(self) -> dict[str, str]:
        """What tells the run from others on the board: run_id, name, colour, dash."""
        return {"run_id": self.run_id, "name": self.name, "colour": self.colour, "dash": self.dash}


def pack(findings: Sequence[str], focus: RunCounts, others: Sequence[RunCounts], header: Mapping[str, Any],
         typed: Sequence[Sequence[float]], fitted: Sequence[Sequence[float]], notes: Mapping[str, str]) -> bytes:
    """The board's bytes.

    Args:
        findings: k names, in the order of the runs' scores and thresholds.
        header: `of` (what the thresholds belong to: a new one starts the history anew), `open` (a finding), `id` and
            `thresholds` (a new id puts them on the board), `reference` (its name), `rows` (findings, where a slide
            shows only these, large), `alone` (true where there is no other page to lead to).
        typed, fitted: for each finding thresholds that are to be positions, besides those of the reference set; typed
            ones are shown as they are, fitted ones as the shortest number that decides alike.
        notes: {finding: what to beware of}.
    """
    fitted = [[*more, own] for more, own in zip(fitted, focus.thresholds.tolist(), strict=True)]
    ladders = [positions(found, [*as_is, *more]) for found, as_is, more in
               zip(focus.scores, typed, fitted, strict=True)]
    counts = [found.alarms(ladder) for found, ladder in zip(focus.scores, ladders, strict=True)]
    numbers = [np.concatenate(ladders), *(part.astype(np.int32) for pair in counts for part in pair)]
    told = []
    for run in others:
        counted, arrays = _other(run, ladders)
        told.append(run.look | {"findings": counted})
        numbers += arrays
    head = dict(header) | {
        "meanings": {name: TERMS[name].in_words for name in EXPLAINED},
        "run": focus.look, "others": told, "sizes": [len(ladder) for ladder in ladders],
        "reference": {"name": header["reference"], "thresholds": focus.thresholds.tolist()},
        "texts": [_texts(ladder, set(more) - set(as_is), found) for ladder, more, as_is, found in
                  zip(ladders, fitted, typed, focus.scores, strict=True)],
        "findings": [{"name": name, "title": display_name(name), "positives": len(found.positives),
                      "negatives": len(found.negatives), "note": notes.get(name)}
                     for name, found in zip(findings, focus.scores, strict=True)],
    }
    body = b"".join(part.tobytes() for part in numbers)
    head["version"] = hashlib.sha256(json.dumps(head).encode() + body).hexdigest()[:16]
    text = json.dumps(head).encode()
    text += b" " * (-(4 + len(text)) % 8)
    return len(text).to_bytes(4, "little") + text + body


def _other(run: RunCounts, ladders: Sequence[np.ndarray]) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    findings, arrays = [], []
    for found, ladder, own in zip(run.scores, ladders, run.thresholds.tolist(), strict=True):
        curve = positions(found, n=CURVE_POINTS)
        tp, fp = found.alarms(np.array([own]))
        findings.append({"positives": len(found.positives), "negatives": len(found.negatives), "points": len(curve),
                         "own": {"tp": int(tp[0]), "fp": int(fp[0]), "text": written(own, found)}})
        arrays += [part.astype(np.int32) for at in (ladder, curve) for part in found.alarms(at)]
    return findings, arrays


def _texts(ladder: np.ndarray, fitted: Iterable[float], found: SortedScores) -> dict[str, str]:
    """{position: how it is written}, where that is not the number itself."""
    never = {UNREACHED} & set(ladder[-1:].tolist())
    texts = {value: written(value, found) for value in sorted({*fitted} | never)}
    return {str(int(np.searchsorted(ladder, value))): text for value, text in texts.items()
            if text == NEVER or float(text) != value}
