"""Metrics as people take them away: a text table on the screen, metrics.txt and metrics.csv. No store, no network."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from cxrcore.data.files import csv_file
from cxrcore.findings import MEANS, display_name

RANKING = {"auroc": "AUROC", "ap": "AP"}
AT_SET = {"threshold": "thresh.", "f1": "F1", "recall": "recall", "precision": "prec.", "specificity": "spec."}
_NAME, _CELL, _SET = 20, 8, 34  # characters


def wide(metrics: pd.DataFrame, findings: Sequence[str]) -> pd.DataFrame:
    """One row a (split, finding): n, n_positive, auroc, ap, then the threshold and the measures at each set.

    Args:
        metrics: rows with split, finding, metric, threshold_set (None for ranking measures), value, n_positive, n.
        findings: their order.

    Returns:
        Measures at a set are called '<measure>@<set>'; findings in their order, then macro and micro.
    """
    column = metrics["metric"] + metrics["threshold_set"].map(lambda s: f"@{s}" if isinstance(s, str) else "")
    cells = metrics.assign(column=column).set_index(["split", "finding", "column"])["value"].unstack("column")
    counts = metrics.groupby(["split", "finding"])[["n", "n_positive"]].first().astype(int)
    table = counts.join(cells[list(dict.fromkeys(column))]).reset_index()
    place = {name: i for i, name in enumerate([*findings, *MEANS])}
    return table.sort_values("finding", key=lambda f: f.map(place)).sort_values("split", ascending=False, kind="stable")


def as_text(table: pd.DataFrame, title: str, fitted_on: Callable[[str], Sequence[str]]) -> str:
    """The wide table as text, one block a split; a dash is an undefined number.

    Where findings were not measured on equally many films, each says on how many.

    Args:
        fitted_on: names of the sets that were fitted on a split's films.
    """
    blocks = [_block(rows, str(split), fitted_on(str(split))) for split, rows in table.groupby("split", sort=False)]
    return "\n\n".join([title, *blocks]) + "\n"


def _block(rows: pd.DataFrame, split: str, fitted_here: Sequence[str]) -> str:
    findings = rows[~rows["finding"].isin(MEANS)]
    excluded = int(findings["auroc"].isna().sum())
    sets = list(dict.fromkeys(column.split("@", 1)[1] for column in rows.columns if "@" in column))
    columns = [*RANKING, *(f"{measure}@{name}" for name in sets for measure in AT_SET)]
    labels = [(RANKING | AT_SET)[column.split("@")[0]] for column in columns]
    over = "".join(f"| at {_cut(name)}".ljust(_CELL * len(AT_SET)) for name in sets)
    counts = {"n_positive": "positives"} | ({"n": "films"} if findings["n"].nunique() > 1 else {})
    same = f"; fitted on these films, which flatters them: {', '.join(fitted_here)}" if fitted_here else ""
    lines = [
        f"{split}: {int(rows['n'].max()):,} films; the macro AUROC is the mean of {len(findings) - excluded} findings, "
        f"{excluded} excluded as undefined{same}",
        " " * (_NAME + (_CELL + 2) * len(counts) + _CELL * len(RANKING)) + over,
        "finding".ljust(_NAME) + "".join(label.rjust(_CELL + 2) for label in counts.values())
        + "".join(label.rjust(_CELL) for label in labels),
    ]
    for _, row in rows.iterrows():
        name = row["finding"] if row["finding"] in MEANS else display_name(row["finding"])
        cells = "".join(_number(row.get(column)).rjust(_CELL) for column in columns)
        lines.append(name.ljust(_NAME) + "".join(f"{row[n]:,}".rjust(_CELL + 2) for n in counts) + cells)
    return "\n".join(lines)


def _cut(name: str) -> str:
    """A set's name, as much of it as stands above its columns."""
    return name if len(name) <= _SET else f"{name[:_SET - 1]}…"


def _number(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.4f}"


def write_tables(table: pd.DataFrame, text: str, folder: Path) -> None:
    """metrics.txt and metrics.csv in a folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.txt").write_text(text, encoding="utf-8")
    csv_file.write_csv(table, folder / "metrics.csv")
