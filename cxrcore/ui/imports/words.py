"""What the Import page says first: what the files hold, how good it is, and what is kept of it."""

from collections.abc import Sequence
from html import escape

import numpy as np

from cxrcore.data.splits import PART_WORDS
from cxrcore.import_export.examination import Candidate
from cxrcore.measures.number_words import value
from cxrcore.store.audit_marks import WARNED
from cxrcore.ui.imports.examined import Card

BEGIN = ("Scores of any network, with or without its checkpoint: they are matched to the films of a table, audited, "
         "and only then saved as a run.")
WHICH = "Which films are these? Choose the data set, or upload its table."
READING = "Reading the scores, matching them to films, and asking the audit's questions…"
UNREAD = "Nothing of this can be kept, and nothing was: it cannot be read as scores of films."


def answer(found: Sequence[Card], n_saved: int) -> str:
    """The page's one sentence, as HTML.

    Args:
        found: the runs to be, one or more.
        n_saved: how many of them are saved by now.
    """
    if len(found) > 1:
        return _of_several(found, n_saved)
    candidate = found[0].candidate
    return _of_one(candidate, n_saved) if candidate else UNREAD


def _of_one(candidate: Candidate, n_saved: int) -> str:
    films = " and ".join(f"<b>{len(rows):,} {escape(PART_WORDS[part])} films</b>"
                         for part, rows in candidate.parts.items())
    n_findings = f"{len(candidate.file.columns)} of {len(candidate.table.findings)} findings"
    return (f"<b>{escape(candidate.file.name)}</b> has scores of <b>{n_findings}</b> for {films} of "
            f"{escape(candidate.table.name)}{_how_good(candidate)}. {_left_out(candidate)}"
            f"{_what_is_kept(candidate, n_saved)}")


def _how_good(candidate: Candidate) -> str:
    means = {part: areas[~np.isnan(areas)].mean() for part, areas in candidate.aurocs.items()
             if not np.isnan(areas).all()} if not candidate.refused else {}
    said = " and ".join(f"<b>{value(mean)}</b>{f' on {PART_WORDS[part]}' if len(means) > 1 else ''}"
                        for part, mean in means.items())
    return f", macro AUROC {said}" if said else ""


def _left_out(candidate: Candidate) -> str:
    n_out = len(candidate.file.image_ids) - len(candidate.image_ids)
    return f"Of its rows {n_out:,} name no film of the table, or one twice, and are left out. " if n_out > 0 else ""


def _what_is_kept(candidate: Candidate, n_saved: int) -> str:
    if n_saved:
        return "All of it is saved."
    if candidate.refused:
        return "The audit refuses it: nothing can be saved."
    warned = sum(line.state == WARNED for line in candidate.lines)
    return f"The audit warns of {warned} thing{'s' * (warned > 1)}; nothing is saved yet." if warned else \
        "The audit warns of nothing; nothing is saved yet."


def _of_several(found: Sequence[Card], n_saved: int) -> str:
    n_files = sum(len(card.files) for card in found)
    readable = [card.candidate for card in found if card.candidate]
    good = [one for one in readable if not one.refused]
    said = [f"<b>{n_files} files</b> hold the scores of <b>{len(found)} runs</b>"]
    means = [float(areas[~np.isnan(areas)].mean()) for one in good for areas in list(one.aurocs.values())[:1]
             if not np.isnan(areas).all()]
    if means:
        said.append(f", macro AUROC <b>{value(min(means))}</b> to <b>{value(max(means))}</b>")
    said.append(f": {n_saved} of them saved. " if n_saved else ", none of them saved yet. ")
    counts = {"cannot be read": len(found) - len(readable), "refused by the audit": len(readable) - len(good),
              "warned of": sum(any(line.state == WARNED for line in one.lines) for one in good)}
    said.append("; ".join(f"{n} {what}" for what, n in counts.items() if n) or "None is warned of")
    return f"{''.join(said)}."
