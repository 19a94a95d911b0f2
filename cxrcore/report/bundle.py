"""The report's ZIP: tables as CSV and LaTeX, figures as PNG and SVG."""

import io
import math
import zipfile
from collections.abc import Callable, Iterator

import pandas as pd

from cxrcore.data.files import csv_file
from cxrcore.errors import WorkbenchError
from cxrcore.measures.subgroups import gaps, intervals
from cxrcore.queries import comparison, curves, reliability, subgroups
from cxrcore.report import cautions, drawings
from cxrcore.report.contents import LEADERBOARD, Contents
from cxrcore.report.latex import as_latex
from cxrcore.report.repeats import repeats_tables


def pack_report(contents: Contents, step: Callable[[str], None] = lambda name: None) -> bytes:
    """The archive.

    Args:
        step: told the name of each file before it is made.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, frame in report_tables(contents):
            step(name)
            archive.writestr(f"tables/{name}.csv", csv_file.csv_text(frame))
        archive.writestr("tables/leaderboard.tex", as_latex(_for_latex(contents)))
        notes = [*contents.notes, *cautions.of_leaderboard(contents), *cautions.of_curves(contents.curves("roc"))]
        archive.writestr("notes.txt", "".join(f"{line}\n" for line in notes))
        for name, content in drawings.files(contents):
            step(name)
            archive.writestr(name, content)
    return file.getvalue()


def report_tables(contents: Contents) -> Iterator[tuple[str, pd.DataFrame]]:
    """(name, frame) of each table, exact numbers."""
    yield "leaderboard", contents.leaderboard()
    for measure in LEADERBOARD:
        yield f"findings_{measure}", comparison.values_table(contents.measured, measure)
    yield from repeats_tables(contents)
    yield "thresholds", pd.DataFrame([
        {"run_id": one.run.run_id, "run": one.run.label, "set": one.source.in_words, "finding": finding,
         "threshold": value} for one in contents.measured
        for finding, value in zip(one.run.findings, one.source.thresholds.tolist(), strict=True)])
    for view in ("roc", "pr"):
        yield f"curve_points_{view}", curves.points_table(contents.curves(view), None)
    yield "reliability_bins", reliability.bins_table(contents.curves("reliability"), None)
    yield from _subgroups(contents)


def _subgroups(contents: Contents) -> Iterator[tuple[str, pd.DataFrame]]:
    one = contents.compared[0]
    for grouping in subgroups.GROUPING_TITLES.values():
        try:
            found = subgroups.in_groups(contents.store, one.run, contents.part, grouping, one.source)
        except WorkbenchError:
            continue
        if len(found.found) > 1:
            measured = intervals(found.found, "recall")
            parted = gaps(found.found, found.largest, "recall")
            yield f"subgroups_{grouping}", subgroups.values_table(found, measured, "recall")
            yield f"gaps_{grouping}", subgroups.gaps_table(found, parted, found.largest, "recall")


def _for_latex(contents: Contents) -> pd.DataFrame:
    """The leaderboard as a paper prints it: 'value [low, high]', and the count where findings are left out.

    Of trainings 'mean +- standard deviation over seeds [low, high]'.
    """
    table = contents.leaderboard()
    made = pd.DataFrame({"Run": table["run"]})
    for name, title in LEADERBOARD.items():
        columns = [table[column] for column in (name, f"{name}_low", f"{name}_high", f"{name}_findings")]
        spreads = table[f"{name}_sd"] if f"{name}_sd" in table else [math.nan] * len(table)
        made[title] = [_cell(*cell, len(contents.findings), sd)
                       for *cell, sd in zip(*columns, spreads, strict=True)]
    return made


def _cell(value: float, low: float, high: float, n: int, n_findings: int, sd: float) -> str:
    if math.isnan(value):
        return "--"
    interval = "" if math.isnan(low) or math.isnan(high) else f" [{low:.3f}, {high:.3f}]"
    spread = "" if math.isnan(sd) else f" ± {sd:.3f}"
    return f"{value:.3f}{spread}{interval}" + f" ({n} of {n_findings})" * (n < n_findings)
