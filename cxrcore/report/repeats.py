"""Repeats in the report: means and spreads over seeds beside the intervals over patients, and differences with both."""

from collections.abc import Iterator, Sequence
from html import escape

import pandas as pd

from cxrcore.glossary import TERMS
from cxrcore.measures.intervals.holm import BETTER, WORSE
from cxrcore.measures.intervals.intervals import MACRO
from cxrcore.measures.number_words import signed, span, value
from cxrcore.queries import comparison
from cxrcore.queries.repeats.measured import (
    MeasuredTraining,
    difference_over_seeds,
    difference_table,
    spread_table,
)
from cxrcore.report.contents import LEADERBOARD, Contents

_WORDS = {BETTER: "better", WORSE: "worse"}
_READ = ("Differences are between means. Over patients: the interval in paired draws, for these very runs, which the "
         "verdict follows (Holm). Over seeds: the interval of the same difference with other seeds, on these very "
         "films. Neither holds the other.")


def repeats_section(contents: Contents) -> str:
    """As HTML; empty where no run is a repeat of another."""
    repeated = contents.repeated
    if not repeated:
        return ""
    means = "" if contents.together else _means(repeated)
    terms = " ".join(TERMS[name].in_words for name in ("seed_mean", "seed_spread", "seed_difference"))
    return (f"<h3>Repeats of one training</h3>{means}{_differences(contents.trainings)}"
            f"<details><summary>What ± and over seeds mean</summary><p>{escape(terms)}</p></details>")


def _means(repeated: Sequence[MeasuredTraining]) -> str:
    """A row a training: mean, spread over seeds and interval over patients of each measure's macro mean."""
    heads = "".join(f'<th scope="col">{title}</th>' for title in LEADERBOARD.values())
    rows = "".join(f"<tr><td>{escape(one.mean.run.label)}<br><small>seeds {escape(', '.join(one.training.seeds))}"
                   f"</small></td>{''.join(_cell(one, name) for name in LEADERBOARD)}</tr>" for one in repeated)
    return (f'<div class="scroll"><table><thead><tr><th scope="col">Training</th>{heads}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div><p class=\"quiet\">Macro means over repeats, ± the standard deviation "
            "over seeds; below, the mean's 95 % interval over patients.</p>")


def _cell(one: MeasuredTraining, name: str) -> str:
    spread, interval = one.spread(name), one.mean.found.interval(name)
    return (f"<td>{value(spread.mean[MACRO])} ± {value(spread.sd[MACRO])}<br><small>"
            f"{span(interval.low[MACRO], interval.high[MACRO])}</small></td>")


def _differences(found: Sequence[MeasuredTraining]) -> str:
    """Macro AUROC of each training against the best; nothing of a single one."""
    if len(found) < 2:
        return ""
    best, rows = found[0], []
    changes, _ = comparison.contrasts([one.mean for one in found], best.mean.run.run_id, "auroc")
    for one, change in zip(found[1:], changes, strict=True):
        seeds = difference_over_seeds(one, best, "auroc")
        over_seeds = span(seeds.low[MACRO], seeds.high[MACRO]) or "one run: none"
        rows.append(f"<tr><td>{escape(one.mean.run.label)}</td><td>{signed(change.change.point[MACRO])}</td>"
                    f"<td>{span(change.change.low[MACRO], change.change.high[MACRO])}</td><td>{over_seeds}"
                    f"{' (paired)' if seeds.paired else ''}</td>"
                    f"<td>{_WORDS.get(change.words[MACRO], change.words[MACRO])}</td></tr>")
    heads = "".join(f'<th scope="col">{title}</th>' for title in (
        f"Macro AUROC minus that of {escape(best.mean.run.label)}", "Difference", "Over patients", "Over seeds",
        "Verdict"))
    return (f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
            f'<p class="quiet">{escape(_READ)}</p>')


def repeats_tables(contents: Contents) -> Iterator[tuple[str, pd.DataFrame]]:
    """(name, frame) for the ZIP; none where no run is a repeat of another."""
    if not contents.repeated:
        return
    yield "repeats", pd.concat([spread_table(contents.repeated, name) for name in LEADERBOARD], ignore_index=True)
    if len(contents.trainings) > 1:
        yield "differences_over_seeds", pd.concat([difference_table(contents.trainings, contents.trainings[0], name)
                                                   for name in LEADERBOARD], ignore_index=True)
