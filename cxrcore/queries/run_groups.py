"""What the list of runs says, before it is drawn: labels, groups, order. Pure: no store, no Streamlit.

Runs are compared only within a group, which is a data set and a split; nothing is ranked across groups.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from cxrcore.charts.look import architecture_label
from cxrcore.data.splits import EXTERNAL, LEAKY_SCHEMES, PART_WORDS
from cxrcore.store.audit_marks import Marks, questions

LEAKY_NOTE = "films of one patient stand on both sides: numbers are too good"
SYNTHETIC_NOTE = ("films are drawn by a program, not taken from patients; how networks rank on them says nothing "
                  "about real films")
SPLIT_WORDS = {
    "patient": "split by patient, 70 / 10 / 20 %",
    "official": "official test list, validation drawn by patient",
    "random": "random split by image, 80 / 20 %",
    "given": "films as they were given",
    EXTERNAL: "external films: whether networks were trained on some is not known",
}
STATUS_WORDS = {
    "running": "▶ running",
    "finished": "✓ finished",
    "failed": "✕ failed",
    "interrupted": "‖ interrupted",
    "waiting": "⧗ results wait",
}
MAX_DEFAULT_FOCUS = 4
PART_NAMES = {PART_WORDS[part].capitalize(): part for part in ("test", "val")}
PARTS = {"test": ("test", "val"), "val": ("val",),  # where numbers are taken from, the first that there is
         EXTERNAL: (EXTERNAL,)}


@dataclass(frozen=True)
class Group:
    """Runs that may be compared.

    Attributes:
        key: of data set and split, for widget keys.
        title: the data set's name.
        split: the split scheme in words.
        draw: the split's seed and fingerprint.
        leaky: patients stand in train and in val.
        synthetic: of phantoms.
        table: indexed by run_id, best first; columns as `TABLE_COLUMNS`.
        warned: {run_id: what its import was warned of}, of the table's runs that were.
    """

    key: str
    title: str
    split: str
    draw: str
    leaky: bool
    synthetic: bool
    table: pd.DataFrame
    warned: Mapping[str, Marks] = field(default_factory=dict)


ENDS = tuple(f"{name}_{end}" for name in ("auroc", "ap", "f1") for end in ("low", "high"))
TABLE_COLUMNS = ("run", "audit", "auroc", "ap", "f1", *ENDS, "architecture", "status", "best_epoch", "films",
                 "findings", "started", "measured", "thresholds", "loss", "init", "note")
_OF_RUNS = ("run_id", "archived", "warned", "architecture", "best_epoch", "started_at", "loss", "init", "note")


def part_names(board: pd.DataFrame, run_ids: Sequence[str]) -> dict[str, str]:
    """{as shown: part} of what these runs may be read on: external films only where one of them was measured there.

    Args:
        board: as `from_store.Overview.board`.
    """
    there = ((board["split"] == EXTERNAL) & board["run_id"].isin(run_ids)).any()
    return PART_NAMES | ({PART_WORDS[EXTERNAL].capitalize(): EXTERNAL} if there else {})


def run_labels(runs: pd.DataFrame) -> dict[str, str]:
    """{run_id: name}; where runs share a name, the end of their id tells them apart. Labels are unique."""
    told = (runs[one].tolist() for one in ("run_id", "name", "architecture"))
    names = {run_id: name.strip() or architecture_label(architecture)
             for run_id, name, architecture in zip(*told, strict=True)}
    counts = Counter(names.values())
    labels = {run_id: name if counts[name] == 1 else f"{name} · {run_id[-6:]}" for run_id, name in names.items()}
    if len(set(labels.values())) == len(labels):
        return labels
    return {run_id: f"{name} · {run_id}" for run_id, name in names.items()}


def draw_in_words(scheme: str, seed: int, fingerprint: str) -> str:
    """'Seed 0, fingerprint 1a2b3c'; a given split has no seed."""
    if scheme == EXTERNAL:
        return "No split"
    words = [] if scheme == "given" else [f"Seed {seed}"]
    return ", ".join([*words, f"fingerprint {fingerprint or 'unknown'}"]).capitalize()


def split_in_words(scheme: str, seed: int, fingerprint: str) -> str:
    """A split as one line, to choose by."""
    return f"{SPLIT_WORDS.get(scheme, scheme).capitalize()} · {draw_in_words(scheme, seed, fingerprint).lower()}"


def groups(
    runs: pd.DataFrame, board: pd.DataFrame, datasets: pd.DataFrame, statuses: Mapping[str, str], part: str
) -> list[Group]:
    """The leaderboard, a group for each data set and split; the group with the newest run comes first.

    Args:
        runs: newest first, as `from_store.Overview.runs`.
        part: 'test' (where a run was not measured there, its val numbers, below the others), 'val' or 'external', whose
            groups are of the data set that the films are of, without the runs that were not measured there.
    """
    runs = _by_external_films(runs, board) if part == EXTERNAL else runs
    table = _table(runs, board, datasets, statuses, part)
    columns = ["dataset_id", "split_scheme", "split_seed", "split_fingerprint"]
    order, found = table.index.tolist(), []
    told = runs[[*columns, "run_id", *runs.columns.intersection(["warned"])]]  # settings are long texts: not copied
    for of_group, rows in told.groupby(columns, sort=False, dropna=False):
        dataset_id, scheme, seed, fingerprint = of_group  # a tuple, for several columns
        known, own = dataset_id in datasets.index, set(rows["run_id"].tolist())
        found.append(Group(
            key=hashlib.sha256(f"{dataset_id}|{scheme}|{seed}|{fingerprint}".encode()).hexdigest()[:12],
            title=datasets.at[dataset_id, "name"] if known else f"data set {dataset_id}",
            split=SPLIT_WORDS.get(scheme, f"{scheme} split"),
            draw=draw_in_words(scheme, seed, fingerprint),
            leaky=scheme in LEAKY_SCHEMES,
            synthetic=bool(known and datasets.at[dataset_id, "kind"] == "phantom"),
            table=table if len(own) == len(order) else table[[run_id in own for run_id in order]],
            warned=warned(rows),
        ))
    return found


def _by_external_films(runs: pd.DataFrame, board: pd.DataFrame) -> pd.DataFrame:
    """The runs with external films, as runs of these films' data set and of no split."""
    films = board[board["split"] == EXTERNAL].set_index("run_id")["dataset_id"]
    there = runs[runs["run_id"].isin(films.index)]
    return there.assign(dataset_id=there["run_id"].map(films), split_scheme=EXTERNAL, split_seed=0,
                        split_fingerprint="")


def warned(runs: pd.DataFrame) -> dict[str, Marks]:
    """{run_id: what its import was warned of}, of those rows of `from_store.Overview.runs` that were."""
    marks = zip(runs["run_id"].tolist(), runs["warned"].tolist(), strict=True) if "warned" in runs else ()
    return {run_id: own for run_id, own in marks if own}


def _table(runs: pd.DataFrame, board: pd.DataFrame, datasets: pd.DataFrame, statuses: Mapping[str, str], part: str
           ) -> pd.DataFrame:
    labels = run_labels(runs)
    n_findings = dict(zip(datasets.index, map(len, datasets["findings"]), strict=True))
    preference = {name: place for place, name in enumerate(PARTS[part])}
    measured = board[board["split"].isin(preference)].assign(place=lambda rows: rows["split"].map(preference))
    measured = measured.sort_values("place", kind="stable").drop_duplicates("run_id")
    rows = runs[runs.columns.intersection(_OF_RUNS)].merge(measured, on="run_id", how="left")
    rows = rows.assign(subset=(rows["n"] < rows["n_expected"]).astype(bool)).sort_values(
        ["place", "subset", "auroc"], ascending=[True, True, False], kind="stable", ignore_index=True)
    subset = rows["subset"]
    marks = [" (archived)" if gone else "" for gone in rows["archived"]]
    return pd.DataFrame({
        "run": [labels[run_id] + mark for run_id, mark in zip(rows["run_id"].tolist(), marks, strict=True)],
        "audit": [f"⚠ {questions(marks)}" if marks else None
                  for marks in map(warned(rows).get, rows["run_id"].tolist())],
        "architecture": [architecture_label(name) for name in rows["architecture"].tolist()],
        "status": [STATUS_WORDS.get(statuses[run_id]) for run_id in rows["run_id"].tolist()],
        "auroc": rows["auroc"], "ap": rows["ap"], "f1": rows["f1"], **{name: rows[name] for name in ENDS},
        "measured": rows["split"].where(~subset, rows["split"] + ", subset"),
        "films": rows["n"].astype("Int64"),
        "findings": [None if n != n or not n else f"{int(n)} of {n_findings.get(one, int(n))}"
                     for n, one in zip(rows["n_defined"].tolist(), rows["dataset_id"].tolist(), strict=True)],
        "thresholds": _fitted_on(rows),
        "best_epoch": rows["best_epoch"].astype("Int64"),
        "started": rows["started_at"], "loss": rows["loss"], "init": rows["init"],
        "note": rows["note"],
    }, columns=list(TABLE_COLUMNS)).set_axis(rows["run_id"], axis="index")


def _fitted_on(rows: pd.DataFrame) -> list[str | None]:
    """Where each F1's thresholds come from; flagged where they were fitted on the films that they are read on."""
    return [
        None if not isinstance(fitted, str) or f1 != f1 else f"{fitted}, same films" if fitted == split else fitted
        for fitted, split, f1 in zip(*(rows[one].tolist() for one in ("f1_fitted_on", "split", "f1")), strict=True)
    ]


def group_note(table: pd.DataFrame, part: str) -> str:
    """What a reader must know of a group's numbers: how many runs, measured where, and what to beware of."""
    measured = table["measured"].dropna()
    fitted = table["thresholds"].dropna()
    notes = [f"{len(table)} run{'s' if len(table) != 1 else ''}"]
    if measured.nunique() == 1 and fitted.nunique() == 1:
        notes.append(f"measured on {measured.iloc[0]}, F1 at thresholds fitted on {fitted.iloc[0]}")
    if part == "test" and len(measured) and not measured.str.startswith("test").any():
        notes.append("none measured on a test part, so these are validation numbers")
    elif part == "test" and measured.str.startswith("val").any():
        notes.append("runs without test numbers show validation numbers and stand below the others")
    if measured.str.endswith("subset").any():
        notes.append("runs measured on a subset of the films stand below the others")
    if fitted.str.endswith("same films").any():
        notes.append("F1 is optimistic where its thresholds were fitted on the same films")
    return "; ".join(notes)


def default_focus(found: Sequence[Group], statuses: Mapping[str, str]) -> list[str]:
    """What to show while nothing is chosen: runs that train now, then the best of the first group."""
    order = [run_id for group in found for run_id in group.table.index]
    running = [run_id for run_id in order if statuses[run_id] == "running"]
    best = [] if not found else [run_id for run_id, value in found[0].table["auroc"].items() if value == value]
    return list(dict.fromkeys(running + best))[:MAX_DEFAULT_FOCUS] or order[:1]


def focus_in_words(found: Sequence[Group], statuses: Mapping[str, str]) -> str:
    """Which runs `default_focus` takes."""
    order = [run_id for group in found for run_id in group.table.index]
    said = ["the runs that train now"] if any(statuses[run_id] == "running" for run_id in order) else []
    said += ["the best of the first table"] if found and found[0].table["auroc"].notna().any() else []
    return f"No run is chosen: {'these are ' + ' and '.join(said) if said else 'this is the first of the table'}."


def chosen_after(table_rows: Sequence[int], table_runs: Sequence[str], chosen: Sequence[str]) -> list[str]:
    """The chosen runs after a change of the ticks in one table; runs of other tables and the order stay.

    Args:
        table_rows: the rows that are ticked now.
        table_runs: the table's run ids.
        chosen: the run ids that were chosen before, in all tables.
    """
    ticked = [table_runs[row] for row in table_rows if row < len(table_runs)]
    kept = [run_id for run_id in chosen if run_id in ticked or run_id not in table_runs]
    return kept + [run_id for run_id in ticked if run_id not in kept]
