"""Charts of the Data page: how common findings are, what stands together, patients, ages, views and splits."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from cxrcore.charts.look import CURVE_HEIGHT, FONT_SIZE, NEUTRAL, dress
from cxrcore.findings import display_name

FILMS = "#0072B2"
GROUP_COLOURS = {"PA": "#0072B2", "AP": "#D55E00", "F": "#CC79A7", "M": "#009E73", "train": "#0072B2",
                 "val": "#E69F00", "test": "#009E73"}
GROUP_MARKS = {"PA": "circle", "AP": "diamond", "train": "circle", "val": "diamond", "test": "square"}
GROUP_WORDS = {"PA": "PA (standing)", "AP": "AP (mostly bedside)", "F": "female", "M": "male", "val": "validation"}
ROW_HEIGHT = 28  # pixels a finding
HEAD_HEIGHT = 110
# Only the strength changes, so that more is more on a white and on a dark page.
_SCALE = [[0.0, "rgba(16,132,204,0.04)"], [1.0, "rgba(16,132,204,1)"]]


def prevalence_chart(table: pd.DataFrame, beside: Mapping[str, float] | None = None, named: str = "") -> go.Figure:
    """Horizontal bars, the most common finding on top; `table` of `census.prevalence`, one group.

    Args:
        beside: {finding: its share elsewhere}, white dots on the same rows.
        named: where that is.
    """
    rows = table.sort_values("share", na_position="first")
    figure = go.Figure(go.Bar(
        x=100 * rows["share"], y=rows["finding"].map(display_name), orientation="h", marker={"color": FILMS},
        text=[_share_text(share, count) for share, count in zip(rows["share"], rows["positives"], strict=True)],
        textposition="outside", textfont={"size": FONT_SIZE}, cliponaxis=False,
        customdata=np.column_stack([rows["positives"], rows["films"], 100 * (1 - rows["share"])]),
        hovertemplate="%{y}: <b>%{x:.2f} %</b><br>%{customdata[0]:,} of %{customdata[1]:,} films<br>"
                      "“no” to every film is right on %{customdata[2]:.2f} %<extra></extra>",
    ))
    _rows(figure, "Films with each finding (% of films, and count)", len(rows))
    shares = {finding: (beside or {}).get(finding, np.nan) for finding in rows["finding"]}
    highest = 100 * np.nanmax([*rows["share"].fillna(0), *shares.values()])
    if beside:
        figure.add_trace(go.Scatter(
            x=[100 * share for share in shares.values()], y=[display_name(finding) for finding in shares],
            mode="markers", name=named, cliponaxis=False,
            marker={"size": 8, "color": "#FFFFFF", "line": {"width": 2, "color": "#15202B"}},  # on bars, too
            hovertemplate=f"%{{y}}, {named}: <b>%{{x:.2f}} %</b><extra></extra>"))
    figure.update_xaxes(range=[0, highest * 1.6 or 1], ticksuffix=" %", title="Share of the films")
    return figure


def _share_text(share: float, count: int) -> str:
    return "labels unknown" if np.isnan(share) else f"{100 * share:.1f} % · {count:,}"


def company_chart(table: pd.DataFrame) -> go.Figure:
    """Heat map of `census.company`: of the films with the row's finding, how many have the column's."""
    def matrix(column: str) -> np.ndarray:
        return table.pivot(index="given", columns="other", values=column).loc[findings, findings].to_numpy()

    findings = list(dict.fromkeys(table["given"]))
    names = [display_name(finding) for finding in findings]
    figure = go.Figure(go.Heatmap(
        z=100 * matrix("share"), x=names, y=names, colorscale=_SCALE, xgap=2, ygap=2, hoverongaps=False,
        customdata=np.stack([matrix("both"), matrix("lift")], axis=-1),
        colorbar={"orientation": "h", "x": 0, "xref": "container", "xanchor": "left", "y": 0, "yref": "container",
                  "yanchor": "bottom", "lenmode": "pixels", "len": 116, "thickness": 10, "ticksuffix": " %",
                  "nticks": 3, "tickfont": {"size": FONT_SIZE}, "outlinewidth": 0},  # beside it a phone has no room
        hovertemplate="Of the films with <b>%{y}</b>,<br>%{z:.1f} % have <b>%{x}</b> too (%{customdata[0]:,} films)<br>"
                      "%{customdata[1]:.2f} times as often as over all films<extra></extra>",
    ))
    _rows(figure, "Of the row's films, % with the column's finding", len(findings) + 4)
    figure.update_xaxes(tickangle=-90, dtick=1, showgrid=False)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def count_chart(title: str, axis: str, what: str, values: pd.Series, shown: pd.Series) -> go.Figure:
    """Vertical bars of counts.

    Args:
        axis: title of the x axis.
        what: is counted, for the hover ('films').
        values, shown: categories in order, and their counts.
    """
    figure = go.Figure(go.Bar(x=values.astype(str), y=shown, marker={"color": FILMS},
                              hovertemplate=f"{axis}: %{{x}}<br><b>%{{y:,}}</b> {what}<extra></extra>"))
    dress(figure, title)
    figure.update_xaxes(title=axis, type="category")
    figure.update_yaxes(title={"text": what.capitalize(), "font": {"size": FONT_SIZE}}, tickformat="~s")
    return figure


def age_chart(table: pd.DataFrame, band: int) -> go.Figure:
    """Films by age and sex: women to the left, men to the right; `table` of `census.ages`."""
    figure = go.Figure()
    for sex, sign in (("F", -1), ("M", 1)):
        own = table[table["sex"] == sex]
        figure.add_trace(go.Bar(
            y=own["band"] + band / 2, x=sign * own["films"], orientation="h", name=GROUP_WORDS[sex], width=band * 0.88,
            marker={"color": GROUP_COLOURS[sex]}, customdata=np.column_stack([own["films"], own["band"],
                                                                              own["band"] + band - 1]),
            hovertemplate=f"{GROUP_WORDS[sex]}, %{{customdata[1]}}–%{{customdata[2]}} years<br>"
                          "<b>%{customdata[0]:,}</b> films<extra></extra>",
        ))
    most = int(table["films"].max()) if len(table) else 1
    ticks = _round_ticks(most)
    dress(figure, "Films by age and sex (years, count)")
    figure.update_layout(barmode="overlay", bargap=0.1)
    _legend_below_title(figure)
    figure.update_yaxes(title={"text": "Age (years)", "font": {"size": FONT_SIZE}})
    figure.update_xaxes(title="Films", range=[-most * 1.1, most * 1.1],
                        tickvals=[*(-t for t in ticks[::-1]), 0, *ticks],
                        ticktext=[*(_short(t) for t in ticks[::-1]), "0", *map(_short, ticks)])
    return figure


def _round_ticks(most: int) -> list[int]:
    """Two round numbers up to the greatest count."""
    step = 10 ** int(np.log10(max(most / 2, 1)))
    step *= next(k for k in (5, 2, 1) if step * k <= max(most / 2, 1))
    return [step, 2 * step]


def _short(count: int) -> str:
    return f"{count / 1000:g}k" if count >= 1000 else str(count)


def group_chart(title: str, table: pd.DataFrame) -> go.Figure:
    """Prevalence of each finding in several groups as dots on one line a finding; `table` of `census.prevalence`."""
    whole = table.groupby("finding", sort=False)["share"].mean()
    order = whole.sort_values(na_position="first").index
    figure = go.Figure()
    ends = table.groupby("finding")["share"].agg(["min", "max"]).loc[order] * 100
    figure.add_trace(go.Scatter(
        x=np.column_stack([ends, np.full(len(ends), np.nan)]).ravel(), y=np.repeat([display_name(f) for f in order], 3),
        mode="lines", line={"color": NEUTRAL, "width": 2}, hoverinfo="skip", showlegend=False))
    for name, rows in table.groupby("group", sort=False):
        group, rows = str(name), rows.set_index("finding").loc[order]
        figure.add_trace(go.Scatter(
            x=100 * rows["share"], y=[display_name(f) for f in order], mode="markers",
            name=GROUP_WORDS.get(group, group),
            marker={"color": GROUP_COLOURS[group], "symbol": GROUP_MARKS[group], "size": 11},
            customdata=np.column_stack([rows["positives"], rows["films"]]),
            hovertemplate=f"%{{y}}, {GROUP_WORDS.get(group, group)}: <b>%{{x:.2f}} %</b><br>"
                          "%{customdata[0]:,} of %{customdata[1]:,} films<extra></extra>",
        ))
    _rows(figure, title, len(order))
    _legend_below_title(figure)
    figure.update_xaxes(title="Share of the group's films", ticksuffix=" %", rangemode="tozero", showgrid=True)
    return figure


def _legend_below_title(figure: go.Figure) -> None:
    """Both places are of the container: one of the plot's would move with the labels, and push the plot aside."""
    figure.update_layout(showlegend=True, margin_t=76, legend={
        "orientation": "h", "x": 0, "xref": "container", "xanchor": "left", "y": 1 - 40 / figure.layout.height,
        "yref": "container", "yanchor": "top", "font": {"size": FONT_SIZE}})


def _rows(figure: go.Figure, title: str, n: int) -> None:
    """A chart with one line for each of n findings."""
    dress(figure, title)
    figure.update_layout(height=max(CURVE_HEIGHT, HEAD_HEIGHT + n * ROW_HEIGHT))
    figure.update_yaxes(dtick=1, showgrid=False)
    figure.update_xaxes(showgrid=True)
