"""The rows of a leaderboard: one a run, repeats of one training folded into one, and which tie with the best."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from cxrcore.errors import WorkbenchError
from cxrcore.measures.intervals.holm import TIED, UNTESTED
from cxrcore.measures.intervals.intervals import MACRO
from cxrcore.queries import comparison, evaluated_runs, run_groups
from cxrcore.queries.from_store import Overview
from cxrcore.queries.kept import Kept
from cxrcore.queries.repeats.trainings import shared_name
from cxrcore.queries.run_groups import Group
from cxrcore.store import Store

MEASURES = ("auroc", "ap", "f1")
MOST_TESTED = 12  # runs that are held against the best, the next best ones
Mean = tuple[float, float, float]
_TIED: Kept[frozenset[str] | None] = Kept(64)


@dataclass(frozen=True)
class Entry:
    """One row.

    Attributes:
        run_ids: of the run, or of repeats that differ in their seed alone; the best first.
        means: {measure: (value, low, high)} of the macro means, in [0, 1], with the 95 % interval; of repeats the mean
            of the runs, and that less and plus their standard deviation. NaN for what is not known.
    """

    run_ids: tuple[str, ...]
    means: Mapping[str, Mean]

    @property
    def spread(self) -> float:
        """The standard deviation of the repeats' macro AUROC; NaN for a single run."""
        value, _, high = self.means["auroc"]
        return high - value if len(self.run_ids) > 1 else float("nan")


def entries(group: Group, runs: pd.DataFrame) -> list[Entry]:
    """The rows of a group, best first: whole sets of films before subsets, what is not measured last.

    Args:
        runs: of the store, as `from_store.Overview.runs`.
    """
    table = group.table
    run_ids, measured = table.index.tolist(), table["measured"].fillna("").tolist()
    repeats = dict(zip(runs["run_id"].tolist(), runs["repeat_key"].tolist(), strict=True))
    keys = [repeats[run_id] for run_id in run_ids]
    sides = [list(zip(*(table[column].tolist() for column in (name, f"{name}_low", f"{name}_high")), strict=True))
             for name in MEASURES]
    folds: dict[object, dict[str, list[int]]] = {}
    for place, key in enumerate(keys):
        alone = key is None or math.isnan(sides[0][place][0])
        folds.setdefault(place if alone else (key[0], measured[place]), {}).setdefault(
            "" if alone else key[1], []).append(place)
    made = []
    for seeds in folds.values():
        places = sorted(place for own_seed in seeds.values() for place in own_seed)
        if len(seeds) > 1:
            made.append((places, _spread(sides, [own_seed[0] for own_seed in seeds.values()])))
        else:
            made += [([place], {name: side[place] for name, side in zip(MEASURES, sides, strict=True)})
                     for place in places]
    kinds = {kind: place for place, kind in enumerate(dict.fromkeys(measured))}
    made.sort(key=lambda one: (kinds[measured[one[0][0]]], math.isnan(one[1]["auroc"][0]), -one[1]["auroc"][0]))
    return [Entry(tuple(run_ids[place] for place in places), means) for places, means in made]


def _spread(sides: Sequence[Sequence[Mean]], places: Sequence[int]) -> dict[str, Mean]:
    """Mean and standard deviation over repeats."""
    means = {}
    for name, side in zip(MEASURES, sides, strict=True):
        values = [side[place][0] for place in places]
        mean = math.fsum(values) / len(values)
        spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
        means[name] = (mean, mean - spread, mean + spread)
    return means


# -- ties


def contenders(group: Group, rows: Sequence[Entry]) -> tuple[str, ...]:
    """The best run and those that may tie with it, as their intervals tell: the best first.

    Of repeats that rank best it is the best of them.

    A paired test that finds no difference leaves intervals that meet; of others none has to be made.
    """
    table = group.table[group.table["auroc"].notna()]
    if table.empty:
        return ()
    first = rows[0].run_ids[0]
    best = table.loc[first]
    near = ~(table["auroc_high"] < best["auroc_low"]) & (table["measured"] == best["measured"])
    return tuple(dict.fromkeys([first, *table.index[near]]))[:MOST_TESTED + 1]


def ties_known(store: Store, overview: Overview, group: Group, rows: Sequence[Entry], part: str) -> bool:
    """Whether `ties` has its answer already."""
    found = contenders(group, rows)
    return len(found) < 2 or _TIED.holds(_key(store, overview, found, part))


def ties(store: Store, overview: Overview, group: Group, rows: Sequence[Entry], part: str) -> frozenset[str] | None:
    """The runs of which a paired test shows no difference from the best of the group; None where none can be made.

    It is that of macro AUROC on Compare: over the films that the runs share, corrected by Holm.

    Args:
        rows: of the group, as `entries`.
        part: that the group was made for.
    """
    found = contenders(group, rows)
    if len(found) < 2:
        return frozenset()
    return _TIED.get(_key(store, overview, found, part), lambda: _tied(store, overview, found, part))


def _key(store: Store, overview: Overview, run_ids: Sequence[str], part: str) -> tuple[object, ...]:
    board = overview.board
    return store.key, part, tuple(run_ids), tuple(board.loc[board["run_id"].isin(run_ids), "prediction_id"])


def _tied(store: Store, overview: Overview, run_ids: Sequence[str], part: str) -> frozenset[str] | None:
    rows = overview.runs.set_index("run_id", drop=False).loc[list(run_ids)].reset_index(drop=True)
    shown = evaluated_runs.part_to_draw(part, list(run_ids), overview.board)
    runs = [run for run in evaluated_runs.evaluated(rows, overview, dict.fromkeys(run_ids, ""), shown)
            if shown in run.parts]
    try:
        runs, _ = evaluated_runs.on_scored_findings(store, runs, shown)
        found = comparison.compare(store, runs, dict.fromkeys(run_ids, ""), shown)
        contrasts, _ = comparison.contrasts(found, run_ids[0], "auroc")
    except WorkbenchError:  # films of which nothing can be drawn, or that are gone meanwhile
        return None
    if len({one.found.in_macro("auroc").tobytes() for one in found}) > 1:  # means over different findings
        return None
    return frozenset(one.one.run.run_id for one in contrasts if one.words[MACRO] in (TIED, UNTESTED))


# -- in words


def headline(group: Group, rows: Sequence[Entry]) -> tuple[str, Mean, int] | None:
    """The name of the best, its macro AUROC with the ends, and over how many runs it stands; None where none is."""
    measured = [one for one in rows if not math.isnan(one.means["auroc"][0])]
    if not measured:
        return None
    best = measured[0]
    return name_of(group, best), best.means["auroc"], len(best.run_ids)


def name_of(group: Group, one: Entry) -> str:
    """What a row is called: of repeats what their names share, or else as the best of them."""
    names = [str(group.table.at[run_id, "run"]) for run_id in one.run_ids]
    return shared_name(names) or names[0]


def films_in_words(group: Group, run_id: str) -> str:
    """'475 test films' that a run was measured on."""
    words = {part: name.lower() for name, part in run_groups.PART_NAMES.items()}
    part, _, subset = str(group.table.at[run_id, "measured"]).partition(",")
    return f"{int(group.table.at[run_id, 'films']):,} {words.get(part, part)} films" + (" (a subset)" if subset else "")
