"""What Home and Runs show at a glance: rows, repeats, ties, kept films; counted from stores made by hand."""

import math

import numpy as np
import pytest
import scored_runs
from seeded_runs import add_run, make_store

from cxrcore.measures.intervals.intervals import MACRO
from cxrcore.queries import comparison, evaluated_runs, from_store, run_groups
from cxrcore.queries.glance import leaderboard
from cxrcore.store import Store
from cxrcore.store.backends import standing
from cxrcore.store.file import StoreFile


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path / "store.duckdb")


def seen(store: Store):
    """The overview, its first group and that group's rows."""
    overview = from_store.overview(store)
    statuses = from_store.statuses(store, overview.runs)
    group = run_groups.groups(overview.runs, overview.board, overview.datasets, statuses, "test")[0]
    return overview, group, leaderboard.entries(group, overview.runs)


def test_repeats_differ_in_their_seed_alone_and_each_seed_counts_once(store):
    first = add_run(store, "a", auroc=0.70, seed=0)
    again = add_run(store, "a again", auroc=0.90, seed=0)  # the same training once more
    other = add_run(store, "a", auroc=0.72, seed=1)
    alone = add_run(store, "b", auroc=0.80, seed=0, lr=3e-4)
    live = add_run(store, "a", auroc=None, seed=2, status="running")
    _, _, rows = seen(store)
    repeats = next(one for one in rows if len(one.run_ids) > 1)
    assert [one.run_ids for one in rows] == [(again, other, first), (alone,), (live,)]
    assert repeats.means["auroc"][0] == pytest.approx((0.90 + 0.72) / 2)  # of a seed's runs the best one
    assert repeats.spread == pytest.approx(np.std([0.90, 0.72], ddof=1)) and math.isnan(rows[1].spread)


def test_imports_are_no_repeats_and_subsets_stand_below(store):
    low, high = (add_run(store, name, auroc=auroc, seed=seed) for seed, (name, auroc) in
                 enumerate((("low", 0.6), ("high", 0.9))))
    with store._write() as con:
        con.execute("UPDATE runs SET kind = 'imported'")
    subset = add_run(store, "subset", auroc=0.95, n=6, lr=1e-3)
    _, group, rows = seen(store)
    assert [one.run_ids for one in rows] == [(high,), (low,), (subset,)]
    assert leaderboard.films_in_words(group, subset) == "6 test films (a subset)"


def test_ties_are_those_of_the_paired_test_on_compare(tmp_path):
    store = scored_runs.make(tmp_path / "store.duckdb", 150, 500, 4)
    overview, group, rows = seen(store)
    near = leaderboard.contenders(group, rows)
    assert near[0] == rows[0].run_ids[0] and set(near) <= set(group.table.index)
    assert not leaderboard.ties_known(store, overview, group, rows, "test") or len(near) < 2
    tied = leaderboard.ties(store, overview, group, rows, "test")
    assert leaderboard.ties_known(store, overview, group, rows, "test")
    own = overview.runs.set_index("run_id", drop=False).loc[list(near)].reset_index(drop=True)
    runs = evaluated_runs.evaluated(own, overview, run_groups.run_labels(overview.runs))
    compared = comparison.compare(store, runs, dict.fromkeys(near, ""), "test")
    contrasts, _ = comparison.contrasts(compared, near[0], "auroc")
    assert tied == {one.one.run.run_id for one in contrasts if one.words[MACRO] == "tied"}


def test_a_clear_winner_needs_no_test(store):
    """Its interval ends above where the others' begin."""
    ids = [add_run(store, name, auroc=auroc, lr=lr) for name, auroc, lr in (("a", 0.9, 1e-4), ("b", 0.6, 1e-3))]
    measured = store.prediction_sets()["prediction_id"].tolist()
    with store._write() as con:
        con.execute("UPDATE metrics SET low = value - 0.02, high = value + 0.02 WHERE finding = 'macro'")
        standing.keep(con.con, measured)
    overview, group, rows = seen(store)
    assert leaderboard.contenders(group, rows) == (ids[0],)
    assert leaderboard.ties(store, overview, group, rows, "test") == frozenset()
    assert group.table.loc[ids[0], ["auroc_low", "auroc_high"]].tolist() == pytest.approx([0.88, 0.92])


def test_an_overview_is_read_in_one_opening_and_of_one_moment(store, monkeypatch):
    add_run(store, "a")
    opened, connection = [], StoreFile._schema
    monkeypatch.setattr(StoreFile, "_schema", lambda self, con: opened.append(1) or connection(self, con))
    from_store.overview(store)
    assert len(opened) == 1
    with store.reading():
        before = len(opened)
        assert len(store.runs()) == 1 and len(store.epochs(store.runs()["run_id"].tolist())) == 3
    assert len(opened) == before
