"""A team's store whose tables are of an earlier form: brought up to date by `init`, it holds and shows what it did."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from known_data import known_data

from cxrcore.errors import StoreError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.store import Store
from cxrcore.store.measurements import METRIC_COLUMNS

pytest.importorskip("psycopg", reason="the package psycopg is not installed")

from cxrcore.store.team import connections, tables, team_store

SAMPLE = Path(__file__).with_name("store_of_form_1.sql")
RUN, VAL, TEST, BARE = (f"20261128-{end}" for end in ("114636-7b93e1", "114637-a797c1", "114637-38ef9a",
                                                      "114637-b99c46"))


@pytest.fixture
def old(postgres, tmp_path):
    """As an earlier version left it, by pg_dump, with the shared folder's mark alone."""
    postgres.sql("DROP SCHEMA IF EXISTS form_1 CASCADE")
    postgres.sql(*filter(str.strip, SAMPLE.read_text().split(";\n")))
    films = tmp_path / "shared"
    films.mkdir()
    (films / team_store.MARK).write_text(f'{{"store": "{postgres.sql("SELECT store_id FROM form_1.store_info")}"}}')
    yield Store(postgres.address("form_1", films))
    connections.close_all()


def test_an_older_store_is_told_and_brought_up_to_date(old):
    with pytest.raises(StoreError, match=rf"has tables of form 1 of {len(tables.STEPS)}: python scripts/store.py init"):
        old.runs()
    assert old.make() and not old.make()
    board = old.leaderboard().set_index("prediction_id")
    assert board.index.tolist() == [TEST, VAL, BARE]
    # As that version showed it: of TEST the newest measurement, and F1 at the thresholds fitted on VAL.
    assert board.loc[TEST, ["n", "n_expected", "f1_fitted_on", "n_defined"]].tolist() == [37, 41, "val", 13]
    assert board.loc[VAL, ["n", "n_expected", "f1_fitted_on", "n_defined"]].tolist() == [26, 40, "val", 13]
    np.testing.assert_allclose(board.loc[TEST, "auroc":"f1_high"].astype(float),
                               [0.73, 0.6, 0.8, 0.73, 0.6, 0.8, 0.35, 0.1, 0.2])
    np.testing.assert_allclose(board.loc[VAL, "auroc":"f1_high"].astype(float),
                               [0.74, 0.5, 0.7, 0.74, 0.5, 0.7, 0.3, 0.1, 0.2])
    assert board.loc[BARE, "auroc":"f1_fitted_on"].isna().all() and board.loc[BARE, "n_defined"] == 0
    assert len(old.metrics([TEST])) == 32 and len(old.threshold_sets(RUN)) == 2


def test_what_is_measured_again_stands_at_once(store):
    """On both kinds: a part measured, then measured again with a finding less."""
    known = known_data()
    store.add_dataset(known.dataset_id, known.images, known.labels, known.findings, name="tiny", kind="nih",
                      label_source="csv")
    run_id = store.create_run({}, known.dataset_id)
    part = store.save_predictions(run_id, known.dataset_id, "val", known.image_ids,
                                  np.full((40, len(NIH_FINDINGS)), 0.5))
    shown = []
    for value, undefined in ((0.6, "Hernia"), (0.7, "Mass")):
        rows = [(finding, metric, None, None if finding == undefined else value, value - 0.1, None, 3, 30, "exact")
                for metric in ("auroc", "ap") for finding in (*NIH_FINDINGS[:5], "Hernia", "macro", "micro")]
        store.save_metrics(part, pd.DataFrame(rows, columns=list(METRIC_COLUMNS)))
        shown.append(store.leaderboard().iloc[0])
    assert [one["auroc"] for one in shown] == [0.6, 0.7] and [one["ap"] for one in shown] == [0.6, 0.7]
    assert [one["auroc_low"] for one in shown] == pytest.approx([0.5, 0.6])
    assert np.isnan(shown[1]["auroc_high"]) and {one["n"] for one in shown} == {30}
    assert [one["n_defined"] for one in shown] == [5, 5]
