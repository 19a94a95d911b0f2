"""The tables of the Subgroups page: exact numbers for CSV, one row a finding for the page and for LaTeX."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cxrcore.charts.dot_rows import NAMES
from cxrcore.measures.intervals.intervals import Interval, Resampled
from cxrcore.measures.subgroups import Gap, suppressed
from cxrcore.queries.comparison import averaged
from cxrcore.queries.subgroups import Subgroups
from cxrcore.ui.subgroups.sections import SHORT, WORDS

ROW_HEIGHT, MOST_ROWS = 35, 15  # pixels; rows without scrolling


def height(table: pd.DataFrame) -> int:
    """Pixels that a table takes on the page: all of a short one."""
    return (min(len(table), MOST_ROWS) + 1) * ROW_HEIGHT + 3


def values_table(found: Subgroups, measured: Mapping[str, Interval], measure: str) -> pd.DataFrame:
    """A row a group and finding, exactly; suppressed findings without a value."""
    return pd.concat([pd.DataFrame({
        "grouping": found.grouping, "group": found.called(name), "finding": NAMES, "measure": measure,
        "value": one.point, "low": one.low, "high": one.high, "standard_error": one.error,
        "draws_dropped": one.n_dropped, "suppressed": [*suppressed(found.found[name]), False],
        "n_positive": [*found.found[name].n_positive, np.nan], "n_negative": [*found.found[name].n_negative, np.nan],
        "n_findings": averaged(one), "films": found.found[name].n_films, "patients": found.found[name].n_patients})
        for name, one in measured.items()], ignore_index=True)


def gaps_table(found: Subgroups, gaps: Sequence[Gap], reference: str, measure: str) -> pd.DataFrame:
    """A row a group and finding, exactly."""
    return pd.concat([pd.DataFrame({
        "grouping": found.grouping, "group": found.called(gap.name), "minus": found.called(reference),
        "finding": NAMES, "measure": measure, "gap": gap.change.point, "low": gap.change.low, "high": gap.change.high,
        "p_uncorrected": gap.change.p, "p_holm": gap.p, "verdict": gap.words}) for gap in gaps], ignore_index=True)


def shown_gaps(found: Subgroups, gaps: Sequence[Gap], measured: Mapping[str, Interval], reference: str,
               measure: str) -> pd.DataFrame:
    """A row a finding and group as the page shows it; findings that were not tested are left out."""
    rows = pd.concat([pd.DataFrame({
        "Finding": NAMES, "Group": found.called(gap.name), SHORT[measure]: measured[gap.name].point,
        f"{SHORT[measure]} of {found.called(reference)}": measured[reference].point, "Gap": gap.change.point,
        "95 % interval": [f"{low:+.3f} to {high:+.3f}" for low, high in zip(gap.change.low, gap.change.high,
                                                                          strict=True)],
        "p": gap.p, "Verdict": [WORDS[word] for word in gap.words], "place": range(len(NAMES))}) for gap in gaps])
    rows = rows[rows["Gap"].notna()].sort_values("place", kind="stable").drop(columns="place")
    return rows.reset_index(drop=True)


def shortcut_table(pair: tuple[Resampled, Resampled], run: str) -> pd.DataFrame:
    """A row a finding: AUROC of the view alone and of the run, with intervals."""
    columns: dict[str, object] = {"finding": NAMES[:-1], "n_positive": pair[0].n_positive,
                                  "n_negative": pair[0].n_negative, "run": run}
    for name, one in zip(("view_alone", "run"), pair, strict=True):
        found = one.interval("auroc")
        columns |= {f"auroc_{name}": found.point[:-1], f"low_{name}": found.low[:-1], f"high_{name}": found.high[:-1]}
    return pd.DataFrame(columns)


def summary_table(found: Subgroups, measured: Mapping[str, Interval], gaps: Sequence[Gap],
                  reference: str) -> pd.DataFrame:
    """A row a finding as a paper prints it, '0.712 (0.690 to 0.734)': a column a group, then a column a gap."""
    return pd.DataFrame({"Finding": NAMES} | {found.called(name): _cells(one) for name, one in measured.items()} | {
        f"{found.called(gap.name)} minus {found.called(reference)}": _cells(gap.change, "+") for gap in gaps})


def _cells(one: Interval, sign: str = "") -> list[str]:
    return [_cell(*cell, sign) for cell in zip(one.point, one.low, one.high, strict=True)]


def _cell(point: float, low: float, high: float, sign: str) -> str:
    if np.isnan(point):
        return "--"
    return f"{point:{sign}.3f}" + ("" if np.isnan(low) else f" ({low:{sign}.3f} to {high:{sign}.3f})")
