"""The tables of the Runs page: one for each group, whose ticks and the picker above stay in step.

The link is the truth about which runs are chosen; ticks and picker write it and are set from it.
"""

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from cxrcore.charts.leaderboard.assets import SCRIPT, STYLE
from cxrcore.charts.look import RunStyle, architecture_label
from cxrcore.charts.sources import packed
from cxrcore.glossary import TERMS
from cxrcore.queries import from_store, run_progress
from cxrcore.queries.glance import leaderboard
from cxrcore.queries.glance.leaderboard import MEASURES, Entry
from cxrcore.queries.run_groups import Group, chosen_after, group_note
from cxrcore.store import Store, progress
from cxrcore.ui import link, shell, widgets
from cxrcore.ui.frame import frame
from cxrcore.ui.widgets import escape

FIRST = 50  # rows that are sent at once, the best; the others on demand
TITLES = {"auroc": "AUROC", "ap": "AP", "f1": "F1"}
_ROW, _HEAD = 49, 50  # pixels, as the style has them
_MEANT = {"f1": "Mean over the findings, each at its max-F1 threshold, fitted on the split that Numbers names."}
_COMPONENT = st.components.v2.component(
    "cxr_leaderboard", html='<div id="leaderboard"\ndata-testid="leaderboard"></div>', js=packed(SCRIPT, STYLE))


def show_group(store: Store, group: Group, entries: Sequence[Entry], statuses: Mapping[str, str],
               tied: frozenset[str] | None, at_most: int | None = None,
               styles: Mapping[str, RunStyle] | None = None) -> None:
    """The table of a group; call from a fragment, or from the page.

    Args:
        entries: its rows, as `leaderboard.entries`.
        statuses: {run_id: status as it is}.
        tied: as `leaderboard.ties`; None where that is not known.
        at_most: rows, of which no more are offered, nor ticks: a click opens the run.
        styles: {run_id: look}, where chosen runs do not wear that of their place in the link.
    """
    key = f"leaderboard_{group.key}"
    told = st.session_state.get(key) or {}
    payload = _payload(store, group, _shown(entries, told, at_most), statuses,
                       _places(group, entries, tied), styles or {})
    more = 0 if at_most else len(entries) - len(payload["rows"])
    payload |= {"key": group.key, "plain": at_most is not None, "more": more,
                "seq": (told.get("chosen") or {}).get("seq", 0), "order": told.get("order") or {"by": "", "down": True},
                "axes": [_axis(entries, name) for name in MEASURES]}
    rows = min(len(payload["rows"]), FIRST)
    with st.container(key=f"room_{key}"):
        st.html(f"<style>@media (min-width: 900px) {{ .st-key-room_{key} {{ min-height: {_HEAD + rows * _ROW}px; }} }}"
                "</style>")
        result = _COMPONENT(data=payload, key=key, on_chosen_change=lambda: _ticked(key, list(group.table.index)),
                            on_opened_change=lambda: None, on_all_change=lambda: None, on_order_change=lambda: None)
    if result.opened:
        shell.go_to("thresholds", [result.opened])


def _ticked(key: str, run_ids: list[str]) -> None:
    wanted = {*st.session_state[key]["chosen"]["ids"]}
    rows = [place for place, run_id in enumerate(run_ids) if run_id in wanted]
    before = link.runs_in_link()
    after = chosen_after(rows, run_ids, before)
    new = [run_id for run_id in st.session_state[key]["chosen"]["ids"] if run_id in after and run_id not in before]
    link.put_runs_in_link([run_id for run_id in after if run_id not in new] + new)  # in the order of the ticks


def _shown(entries: Sequence[Entry], told: Mapping[str, Any], at_most: int | None) -> list[Entry]:
    """The rows that are sent: all, or the first and the chosen ones, in the order that the browser asked for."""
    order = told.get("order") or {"by": ""}
    if at_most:
        return list(entries[:at_most])
    if told.get("all") or len(entries) <= FIRST:
        return list(entries)
    if isinstance(order["by"], int) and 0 <= order["by"] < len(MEASURES):
        name, sign = MEASURES[order["by"]], -1 if order.get("down") else 1
        entries = sorted(entries, key=lambda one: (math.isnan(one.means[name][0]), sign * one.means[name][0]))
    chosen = {*link.runs_in_link()}
    return [one for place, one in enumerate(entries) if place < FIRST or chosen & {*one.run_ids}]


def _axis(entries: Sequence[Entry], name: str) -> tuple[float, float] | None:
    """The ends of a column's axis: all intervals, to the next two hundredths; None where nothing is measured."""
    ends = [side for one in entries for side in one.means[name] if not math.isnan(side)]
    return (math.floor(min(ends) * 50 + 1e-9) / 50, math.ceil(max(ends) * 50 - 1e-9) / 50) if ends else None


# -- what the browser is told


def _payload(store: Store, group: Group, entries: Sequence[Entry], statuses: Mapping[str, str],
             places: Mapping[str, str], own: Mapping[str, RunStyle]) -> dict[str, Any]:
    """places: {first run of a row: 'best' or 'tied'}; own: as `styles` of `show_group`."""
    run_ids = [run_id for one in entries for run_id in one.run_ids]
    curves = from_store.overview(store).validation_curves  # as they are now: a training goes on under the page
    chosen = [run_id for run_id in link.runs_in_link() if run_id in set(group.table.index)]
    styles = {**link.styles(link.runs_in_link()), **own}
    ends = [value for own in curves.values() for value in own]
    told = group.table.loc[run_ids].to_dict("index")
    looks = {run_id: _look(styles[run_id]) for run_id in chosen}
    singles = {run_id: _run(store, run_id, told[run_id], statuses[run_id], curves.get(run_id, []))
               | ({"look": looks[run_id]} if run_id in looks else {})
               | ({"warned": _warned(group, run_id)} if run_id in group.warned else {}) for run_id in run_ids}
    rows = []
    for one in entries:
        first = one.run_ids[0]
        row = dict(singles[first]) if len(one.run_ids) == 1 else _repeats(one, [
            singles[run_id] for run_id in one.run_ids], leaderboard.name_of(group, one))
        row["means"] = [_mean(one.means[name]) for name in MEASURES]
        rows.append(row | ({"place": places[first]} if first in places else {}))
    return {"title": f"Runs on {group.title}, {group.split}", "measures": list(TITLES.values()),
            "meanings": [" ".join(filter(None, [TERMS[name].in_words, _MEANT.get(name)])) for name in MEASURES],
            "curves": (min(ends, default=0.0), max(ends, default=1.0)), "rows": rows, "chosen": chosen}


def _places(group: Group, entries: Sequence[Entry], tied: frozenset[str] | None) -> dict[str, str]:
    if tied is None or len(group.table) < 2 or math.isnan(entries[0].means["auroc"][0]):
        return {}
    return {one.run_ids[0]: "tied" for one in entries if tied & {*one.run_ids}} | {entries[0].run_ids[0]: "best"}


def _mean(mean: Sequence[float]) -> list[float | None] | None:
    value, *ends = [None if math.isnan(side) else round(side, 5) for side in mean]
    return None if value is None else [value, *ends]


def _look(style: RunStyle) -> dict[str, str]:
    return {"colour": style.colour, "mark": style.mark()}


def _run(store: Store, run_id: str, row: Mapping[str, Any], status: str, curve: list[float]) -> dict[str, Any]:
    """One run's row without its means."""
    below = [] if row["architecture"] in (*row["run"].split(" · "), architecture_label(None)) else [row["architecture"]]
    measured = row["measured"] if isinstance(row["measured"], str) else ""
    below += [measured] if measured not in ("", "test") else []
    if isinstance(row["findings"], str) and len({*row["findings"].split(" of ")}) > 1:
        below.append(f"mean over {row['findings']} findings")
    below += [] if pd.isna(row["best_epoch"]) else [f"epoch {row['best_epoch']}"]
    made = {"id": run_id, "name": row["run"], "below": " · ".join(below), "note": row["note"], "curve": [
        round(value, 4) for value in curve], "link": f"thresholds?run={run_id}",
        "means": [_mean([row[name], row[f"{name}_low"], row[f"{name}_high"]]) for name in MEASURES]}
    if status == "running":
        state = progress.of_run(store, run_id)
        left = state.get("seconds_left")
        said = "training" if left is None else f"training, {run_progress.duration(left)} left"
        made |= {"status": f"▶ {said}", "share": run_progress.share(state)}
    elif status != "finished":
        made["status"] = row["status"]
    return made


def _repeats(one: Entry, rows: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    """The row of repeats, under the name that they share; its link leads to the best of them."""
    looks = [row["look"] for row in rows if "look" in row]
    first = rows[0]
    below = [part for part in first["below"].split(" · ") if part and not part.startswith("epoch ")]
    return {"id": f"repeats of {min(one.run_ids)}", "name": name, "below": " · ".join(below),
            "link": first["link"], "note": "", "curve": first["curve"], "rows": list(rows),
            "spread": f"mean of {len(rows)} repeats, sd {_short(one.spread, 3)}"} | (
                {"look": looks[0]} if len(looks) == len(rows) else {})


def _warned(group: Group, run_id: str) -> str:
    return "The import's audit warned: " + "; ".join(map(str, group.warned[run_id]))


# -- around the tables


def heading(group: Group) -> None:
    """What a group is, where there are several."""
    st.header(f"{escape(group.title)} · {escape(group.split)}", anchor=False)
    widgets.badges_in_words(group)


def provenance(group: Group, part: str) -> None:
    """Where the numbers of a group come from, behind *Numbers*."""
    with frame.numbers():
        st.markdown(f"**{escape(group.title)}**, {escape(group.split)}. {escape(group.draw)}. "
                    f"{group_note(group.table, part)}. Bars: 95 % intervals from draws of patients. Ties: a paired "
                    "test of macro AUROC over shared films, as on Compare.")


def said_first(groups: Sequence[Group], rows: Sequence[Sequence[Entry]], tied: Sequence[frozenset[str] | None]) -> str:
    """The page's answer as HTML: which run is best, how good, on which films, and how many may be as good."""
    for group, own, ties in zip(groups, rows, tied, strict=True):
        found = leaderboard.headline(group, own)
        if found is None:
            continue
        name, (value, low, high), n = found
        others = [one for one in own[1:] if not math.isnan(one.means["auroc"][0])]
        said = f"<b>{html.escape(name)}</b>{' ranks best' if others else ''}: macro AUROC <b>{_short(value)}</b>"
        if n > 1:
            said += f" (mean of {n} repeats, sd {_short(high - value, 3)})"
        elif not math.isnan(low):
            said += f" ({_short(low)} to {_short(high)})"
        said += f" on {leaderboard.films_in_words(group, own[0].run_ids[0])}"
        if ties is not None and others:
            n_tied = sum(bool(ties & {*one.run_ids}) for one in others)
            said += ", clear of the rest" if not n_tied else "; 1 other ties with it" if n_tied == 1 else (
                f"; {n_tied} others tie with it")
        return said + (f". First of {len(groups)} tables: nothing is ranked across them." if len(groups) > 1 else ".")
    n = sum(len(group.table) for group in groups)
    return f"{n} run{'s' if n > 1 else ''}, none of them measured yet."


def _short(value: float, digits: int = 2) -> str:
    """'.84'."""
    return f"{value:.{digits}f}".replace("0.", ".", 1)
