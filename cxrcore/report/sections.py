"""The report's sections as HTML, each from what the pages read."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from cxrcore.charts import curves as curve_charts
from cxrcore.charts import reliability as reliability_charts
from cxrcore.charts.alone import as_plain
from cxrcore.charts.curve_axes import level
from cxrcore.charts.dot_rows import dot_rows, row_names
from cxrcore.charts.film_viewer.payload import pack_films
from cxrcore.charts.look import Figure, RunStyle, architecture_label
from cxrcore.errors import WorkbenchError
from cxrcore.findings import display_name
from cxrcore.glossary import TERMS
from cxrcore.measures.subgroups import gaps, intervals
from cxrcore.queries import comparison, reliability, subgroups
from cxrcore.queries.class_lesson import NothingToShow
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.lesson_examples import READ, cases_of, example
from cxrcore.queries.repeats.measured import bars_together
from cxrcore.report import cautions
from cxrcore.report.contents import LEADERBOARD, Contents
from cxrcore.report.repeats import repeats_section
from cxrcore.store.audit_marks import BADGE, in_words

FILM_SIDE = 640  # pixels, at most: twelve films of 1,024 would add 3 MB

@dataclass
class Figures:
    """The charts of the page, by number, as Plotly's own JSON."""

    made: list[dict[str, Any]] = field(default_factory=list)

    def add(self, figure: Figure, alt: str) -> str:
        """Its place on the page; it is drawn when it comes into sight."""
        self.made.append(as_plain(figure))
        height = figure.layout.height or 400
        return (f'<div class="chart" data-figure="{len(self.made) - 1}" role="figure" aria-label="{escape(alt)}" '
                f'style="min-height:{height}px"></div>')


def leaderboard_section(contents: Contents, figures: Figures) -> str:
    """Macro means with intervals, a row a run, and AUROC of each finding."""
    table, rows = contents.leaderboard(), []
    for (_, row), one in zip(table.iterrows(), contents.means, strict=True):
        cells = "".join(_mean(row, name, len(contents.findings)) for name in LEADERBOARD)
        rows.append(f"<tr><td>{_swatch(one.style)}{named(contents, one.run)}<br><small>"
                    f"{escape(architecture_label(row['architecture']))}</small></td>{cells}</tr>")
    heads = "".join(f'<th scope="col" title="{escape(TERMS[name].in_words)}">{title}</th>'
                    for name, title in LEADERBOARD.items())
    meant = " ".join(TERMS[name].in_words for name in LEADERBOARD)
    sources = "; ".join(sorted({one.source.in_words for one in contents.compared}))
    first = contents.compared[0].found
    bars = dot_rows("AUROC with 95 % intervals", "AUROC, 0 to 1", bars_together(contents.trainings, "auroc") if
                    contents.together else comparison.bars_of(contents.compared, "auroc"), row_names(contents.findings))
    drawn = "patients" if first.patients_known else "films (patients unknown: too narrow)"
    return (
        f'<div class="scroll"><table><thead><tr><th scope="col">Run</th>{heads}</tr></thead><tbody>{"".join(rows)}'
        '</tbody></table></div><p class="quiet">Means over the findings that are defined, with 95 % intervals from '
        f"draws of {drawn}, on {first.n_films:,} films that all runs share. F1, recall and precision at: "
        f"{escape(sources)}. </p>{_lines(cautions.of_leaderboard(contents))}"
        f"<details><summary>What the numbers mean</summary><p>{escape(meant)}</p></details>"
        + _legend_of([(named(contents, one.run), one.style) for one in contents.means])
        + figures.add(bars, "AUROC of each finding and run") + repeats_section(contents))


def curves_section(contents: Contents, figures: Figures) -> str:
    """ROC, precision-recall and reliability curves of all findings."""
    parts = [_legend(contents), _lines(cautions.of_curves(contents.curves("roc")))]
    draw: dict[str, Callable] = {"roc": curve_charts.roc_chart, "pr": curve_charts.pr_chart}
    for view, title in (("roc", "ROC"), ("pr", "Precision and recall")):
        measured, drawn = contents.curves(view), {}
        for finding in contents.findings:
            shown = [curve_charts.ShownCurves(one.label, one.style, one.data.findings[finding]) for one in measured]
            drawn[finding] = curve_charts.undefined(shown, view) or (
                draw[view](finding, shown, False), curve_charts.curves_alt(finding, view, shown))
        parts.append(f"<h3>{title}</h3>{_grid(figures, drawn)}")
    return "".join(parts) + _reliability(contents, figures)


def _reliability(contents: Contents, figures: Figures) -> str:
    """Whether scores are probabilities, and in words where they are far from it."""
    measured = contents.curves("reliability")
    losses = dict(zip(contents.rows["run_id"], contents.rows["loss"], strict=True))
    said = {one.label: reliability.off_in_words(off, len(contents.findings), losses[one.run_id])
            for one in measured if (off := one.data.off)}
    warned = "".join(f"<p><b>{escape(label)}</b>: {escape(words)}.</p>" for label, words in said.items())
    drawn = {}
    for finding in contents.findings:
        shown = [
            reliability_charts.ShownReliability(one.label, one.style, one.data.findings[finding]) for one in measured
        ]
        drawn[finding] = (reliability_charts.reliability_chart(finding, shown, False),
                          reliability_charts.reliability_alt(finding, shown))
    return f"<h3>Reliability</h3><p>{escape(reliability.READ)}</p>{warned}{_grid(figures, drawn)}"


def _grid(figures: Figures, drawn: Mapping[str, tuple[Figure, str] | str]) -> str:
    """Small charts side by side, or why there is none of a finding."""
    level([one[0] for one in drawn.values() if not isinstance(one, str)])
    made = [f"<p><b>{escape(display_name(finding))}</b><br>{escape(one)}</p>" if isinstance(one, str) else
            figures.add(*one) for finding, one in drawn.items()]
    return f'<div class="grid">{"".join(made)}</div>'


def subgroups_section(contents: Contents, figures: Figures) -> str:
    """Recall of the first run in groups of patients, with gaps in words."""
    one = contents.compared[0]
    parts = [f"<p>{named(contents, one.run)}, recall on {escape(one.run.in_words(contents.part))} at "
             f"{escape(one.source.in_words)}, the same thresholds for all. Groups with fewer than 10 films that carry "
             "a finding are not shown for it.</p>", _lines([cautions.SAME_FILMS] * (one.source.part == contents.part))]
    for title, grouping in subgroups.GROUPING_TITLES.items():
        parts.append(f"<h3>{escape(title)}</h3>")
        try:
            found = subgroups.in_groups(contents.store, one.run, contents.part, grouping, one.source)
        except WorkbenchError as error:
            parts.append(f"<p>{escape(str(error))}</p>")
            continue
        if len(found.found) < 2:
            parts.append("<p>The films do not form two groups of this kind that can be measured.</p>")
            continue
        measured = intervals(found.found, "recall")
        bars = subgroups.bars(found, measured)
        parted = gaps(found.found, found.largest, "recall")
        words = "".join(f"<li>{escape(before)}<b>{escape(name)}</b>{escape(said)}</li>" for before, name, said in
                        subgroups.in_words(found, parted, found.largest, "recall"))
        parts.append(_legend_of([(escape(bar.name), bar.style) for bar in bars]) + figures.add(
            dot_rows("Recall with 95 % intervals", "Recall, 0 to 1", bars, found.names), f"Recall by {title.lower()}")
            + f"<ul>{words}</ul>")
    return "".join(parts)


def films_section(contents: Contents, n: int) -> str:
    """Examples of maps of the first run that can make them."""
    if not n:
        return ""
    said = []
    for one in contents.compared:
        lesson = contents.lesson_of(one.run)
        try:
            shown = [example(lesson, *case, FILM_SIDE) for case in cases_of(lesson, n)]
        except (NothingToShow, WorkbenchError) as missing:
            said.append(f"<p>{escape(str(missing))}</p>")
            continue
        packed = base64.b64encode(pack_films(shown)).decode()
        return f'<p>{named(contents, one.run)}. {escape(READ)}</p><div id="films-host" data-films="{packed}"></div>'
    return "".join(said)


def values_section(contents: Contents) -> str:
    """AUROC and F1 of every finding as a table."""
    heads = "".join(f'<th scope="col">{named(contents, one.run)}<br>AUROC</th><th scope="col">F1</th>'
                    for one in contents.means)
    found = [(one.found.interval("auroc").point, one.found.interval("f1").point) for one in contents.means]
    rows = "".join(f"<tr><td>{escape(name)}</td>" + "".join(f"<td>{_number(auroc[k])}</td><td>{_number(f1[k])}</td>"
                                                    for auroc, f1 in found) + "</tr>"
                   for k, name in enumerate(row_names(contents.findings)))
    return (f'<details><summary>AUROC and F1 of every finding</summary><div class="scroll"><table><thead><tr>'
            f'<th scope="col">Finding</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div></details>')


# -- small pieces


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}"


def _mean(row: pd.Series, name: str, n_findings: int) -> str:
    """A cell: the macro mean of a measure, its interval, and how many findings it holds where some are undefined."""
    n = row[f"{name}_findings"]
    inside = f"<br><small>over {n} of {n_findings} findings</small>" if n < n_findings else ""
    sd = row.get(f"{name}_sd", np.nan)
    spread = "" if np.isnan(sd) else f" ± {_number(sd)}"
    return (f"<td>{_number(row[name])}{spread}<br><small>{_number(row[f'{name}_low'])} to "
            f"{_number(row[f'{name}_high'])}</small>{inside}</td>")


def _lines(said: Sequence[str]) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in said)


def _swatch(style: RunStyle) -> str:
    return f'<img class="swatch" alt="" src="{style.swatch()}">'


def named(contents: Contents, run: Evaluated) -> str:
    """A run's name, with a mark where its import was warned of."""
    marks = contents.group.warned.get(run.run_id)
    badge = f' <span class="badge" title="{escape(in_words(marks))}">{BADGE}</span>' if marks else ""
    return escape(run.label) + badge


def _legend(contents: Contents) -> str:
    return _legend_of([(named(contents, one.run), one.style) for one in contents.compared])


def _legend_of(lines: Sequence[tuple[str, RunStyle]]) -> str:
    """Args: (name as HTML, look) of each line."""
    entries = "".join(f"<span>{_swatch(style)}{name}</span>" for name, style in lines)
    return f'<div class="legend">{entries}</div>'
