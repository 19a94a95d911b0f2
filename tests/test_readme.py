"""The README keeps its word: queries run, flags exist, the layout is the folder's."""

import re

import duckdb
import numpy as np
import pandas as pd
import pytest

from cxrcore.config import PROJECT_ROOT, EvalConfig, TrainConfig
from cxrcore.findings import FINDINGS
from cxrcore.measuring import measure
from cxrcore.store import Store

README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", README, re.S)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """A store with one evaluated run."""
    rng = np.random.default_rng(0)
    store = Store(tmp_path_factory.mktemp("readme") / "store.duckdb")
    ids = [f"{i:08d}_000.png" for i in range(200)]
    images = pd.DataFrame({"image_id": ids, "patient_id": ids, "follow_up": 0, "age": 50.0, "sex": "F", "view": "PA"})
    labels = (rng.random((200, 14)) < 0.2).astype(np.float32)
    store.add_dataset("d", images, labels, name="tiny", kind="nih", label_source="csv")
    run_id = store.create_run({"name": "a", "arch": "resnet18", "loss": "bce"}, "d", split=("patient", 0, "f"))
    scores = rng.random((200, 14)).astype(np.float32)
    sets = {part: store.save_predictions(run_id, "d", part, ids[rows], scores[rows])
            for part, rows in (("val", slice(0, 100)), ("test", slice(100, 200)))}
    measure(store, run_id, sets)
    store.finish_run(run_id, "finished", best_epoch=1)
    return store


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_every_query_runs_and_answers(evaluated, query):
    with duckdb.connect(str(evaluated.path), read_only=True) as con:
        assert len(con.execute(query).fetchall()) >= 1


def test_there_are_five_queries_and_the_last_counts_right(evaluated):
    assert len(QUERIES) == 5
    with duckdb.connect(str(evaluated.path), read_only=True) as con:
        counted = {finding: positives for finding, positives, *_ in con.execute(QUERIES[-1]).fetchall()}
    assert set(counted) == set(FINDINGS)
    sets = evaluated.prediction_sets().set_index("split")["prediction_id"]
    per_set = [(evaluated.predictions(sets[part]).labels == 1).sum(axis=0) for part in ("val", "test")]
    assert counted == dict(zip(FINDINGS, np.maximum(*per_set).tolist(), strict=True))


@pytest.mark.parametrize("config", [TrainConfig, EvalConfig])
def test_every_flag_is_named(config):
    named = set(re.findall(r"--(\w+)", README))
    assert set(config.__dataclass_fields__) <= named


def test_every_module_script_and_page_is_in_the_layout():
    layout = README.split("## Layout")[1]
    for folder in ("cxrcore", "cxrcore/data", "scripts", "pages"):
        for path in (PROJECT_ROOT / folder).iterdir():
            if path.suffix in (".py", ".sh") and path.name != "__init__.py":
                assert path.name in layout, f"{folder}/{path.name} is missing in README's layout"
