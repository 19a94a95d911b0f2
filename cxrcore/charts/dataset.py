"""Charts of the Data page: how common findings are, patients, ages, views and splits."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from cxrcore.charts.simple_charts.payload import NARROW_ROW, Bar, Category, Chart, Key, Mark, round_ticks
from cxrcore.findings import display_name

FILMS = "#4E79A7"  # none of these is a run's
GROUP_COLOURS = {"PA": "#2A9D8F", "AP": "#CC6644", "F": "#2A9D8F", "M": "#CC6644", "train": "#3B82C4",
                 "val": "#C8559B", "test": "#2A9D8F"}
GROUP_MARKS = {"PA": "circle", "AP": "diamond", "train": "circle", "val": "diamond", "test": "square"}
GROUP_WORDS = {"PA": "PA (standing)", "AP": "AP (mostly bedside)", "F": "female", "M": "male", "val": "validation"}
REAL = Key("NIH’s real films", "#FFFFFF", "circle", "#333333")
TICKS = 6  # on an axis, about


class Prevalent(NamedTuple):
    """A row of `census.prevalence`."""

    finding: str
    group: str
    positives: int
    films: int
    share: float


def _rows(table: pd.DataFrame) -> list[Prevalent]:
    return [Prevalent(*row) for row in table[list(Prevalent._fields)].itertuples(index=False)]


def prevalence_chart(table: pd.DataFrame, elsewhere: Mapping[str, float] | None = None) -> Chart:
    """Horizontal bars, the most common finding on top.

    Args:
        table: of `census.prevalence`, one group.
        elsewhere: {finding: share of NIH's films, 0 to 1}, as open dots on the bars; those without one have none.
    """
    real = elsewhere or {}
    ordered = table.sort_values("share", ascending=False, na_position="last", kind="stable")
    highest = max([0.0, *(100 * ordered["share"].dropna()), *(100 * share for share in real.values())])
    return Chart("Films with each finding", "% of films, and count",
                 [_prevalent(row, real.get(row.finding)) for row in _rows(ordered)], _percents(highest),
                 high=highest or 1.0, keys=[Key("these films", FILMS), REAL] if real else [])


def _prevalent(row: Prevalent, real: float | None) -> Category:
    """A finding of `prevalence_chart`."""
    beside = [f"NIH’s real films: {100 * real:.2f} %"] if real is not None else []
    marks = [Mark(100 * real, REAL.colour, REAL.symbol, REAL.rim)] if real is not None else []
    if np.isnan(row.share):
        return Category(display_name(row.finding), ["labels unknown", *beside], marks=marks, text="labels unknown")
    share = 100 * row.share
    said = [f"{share:.2f} %: {row.positives:,} of {row.films:,} films", *beside,
            f"“no” to every film is right on {100 - share:.2f} %"]
    return Category(display_name(row.finding), said, [Bar(0.0, share, FILMS)], marks, text=f"{share:.1f} %",
                    more=f"{row.positives:,}")


def count_chart(title: str, unit: str, axis: str, names: Sequence[str], counts: Sequence[int]) -> Chart:
    """Columns of counts.

    Args:
        unit: what is counted ('films').
        axis: what the names are.
        names, counts: categories in order, and how many each has.
    """
    total = sum(counts) or 1
    return Chart(title, unit, [
        Category(str(name), [f"{count:,} {unit}", f"{100 * count / total:.1f} % of all {total:,}"],
                 [Bar(0.0, float(count), FILMS)], text=f"{count:,}", short=_short(count))
        for name, count in zip(names, counts, strict=True)], high=float(max(counts, default=1)) or 1.0, upright=True,
        axis=axis)


def age_chart(table: pd.DataFrame, band: int, oldest: int) -> Chart:
    """Films by age and sex: women to the left, men to the right, the oldest on top; of unknown sex, to the right.

    Args:
        table: of `census.ages`.
        band: years of a band.
        oldest: from which age on all are one band.
    """
    sides = {"F": -1, "M": 1} if table["sex"].isin(("F", "M")).any() else {"unknown": 1}
    counts = table[table["sex"].isin(list(sides))].pivot(index="band", columns="sex", values="films")
    counts = counts.reindex(index=range(0, int(counts.index.max()) + band, band) if len(counts) else [],
                            columns=list(sides)).fillna(0).astype(int)
    counts = counts.loc[counts.index >= table["band"].min()]
    rows = []
    for low, films in reversed(list(zip(counts.index, counts.to_numpy(), strict=True))):
        name = f"{low}+" if low == oldest else f"{low}–{low + band - 1}"
        said = [f"{GROUP_WORDS.get(sex, 'sex unknown')}: {count:,} films"
                for sex, count in zip(sides, films, strict=True)]
        bars = [Bar(0.0, float(sign * count), GROUP_COLOURS.get(sex, FILMS))
                for (sex, sign), count in zip(sides.items(), films, strict=True)]
        rows.append(Category(name, said, bars))
    most = float(counts.to_numpy().max(initial=1))
    right = [(value, _short(int(value))) for value in round_ticks(most, 2) if value <= most]
    left = [(-value, text) for value, text in right[:0:-1]] if len(sides) > 1 else []
    keys = [Key(GROUP_WORDS[sex], GROUP_COLOURS[sex]) for sex in sides if sex in GROUP_WORDS]
    return Chart("Films by age and sex" if keys else "Films by age", "films; age in years", rows,
                 [*left, *right], low=-most if keys else 0.0, high=most, keys=keys,
                 axis="Age (years)", row=NARROW_ROW)


def group_chart(title: str, unit: str, table: pd.DataFrame, ratio: tuple[str, str] | None = None,
                enough: int = 1) -> Chart:
    """Prevalence of each finding in several groups as marks on one line a finding, the most common on top.

    Args:
        table: of `census.prevalence`.
        ratio: two groups whose ratio is written behind the marks, as how many times as common it is where it is more.
        enough: films with the finding that each of the two needs for it.
    """
    order = table.groupby("finding", sort=False)["share"].mean().sort_values(ascending=False, na_position="last",
                                                                             kind="stable").index
    groups = list(table["group"].unique())
    by_finding = {finding: {row.group: row for row in _rows(own)} for finding, own in table.groupby("finding")}
    highest = 100 * float(table["share"].max()) if table["share"].notna().any() else 0.0
    rows = [_grouped(finding, by_finding[finding], ratio, enough) for finding in order]
    return Chart(title, unit, rows, _percents(highest), high=highest or 1.0,
                 keys=[Key(GROUP_WORDS.get(name, name), GROUP_COLOURS[name], GROUP_MARKS[name]) for name in groups])


def _grouped(finding: str, groups: Mapping[str, Prevalent], ratio: tuple[str, str] | None, enough: int) -> Category:
    """A finding of `group_chart`."""
    known = {name: row for name, row in groups.items() if not np.isnan(row.share)}
    said = [f"{GROUP_WORDS.get(name, name)}: {100 * row.share:.2f} %, {row.positives:,} of {row.films:,} films"
            for name, row in known.items()]
    marks = [Mark(100 * row.share, GROUP_COLOURS[name], GROUP_MARKS[name]) for name, row in known.items()]
    ends = [mark.at for mark in marks]
    text = more = ""
    if ratio and min(groups[name].positives for name in ratio) >= max(enough, 1):
        less, greater = sorted(ratio, key=lambda name: groups[name].share)
        text = f"{groups[greater].share / groups[less].share:.1f}×"
        text, more = ("", "") if text == "1.0×" else (text, f"on {greater}")
    return Category(display_name(finding), said or ["labels unknown"], marks=marks,
                    line=(min(ends), max(ends)) if ends else None, text=text, more=more)


def _percents(highest: float) -> list[tuple[float, str]]:
    return [(value, f"{value:g} %") for value in round_ticks(highest, TICKS)]


def _short(count: int) -> str:
    return f"{count / 1000:.3g}k" if count >= 1000 else str(count)
