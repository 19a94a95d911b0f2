"""The README keeps its word: queries run, flags exist, the layout is the folder's."""

import re
from dataclasses import fields, is_dataclass

import duckdb
import numpy as np
import pandas as pd
import pytest

from cxrcore import config
from cxrcore.config import PROJECT_ROOT
from cxrcore.evaluation.measure_predictions import measure
from cxrcore.findings import FINDINGS
from cxrcore.store import Store

README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", README, re.S)
CONFIGS = {path.stem: getattr(config, re.search(r"parser_for\((\w+)", path.read_text(encoding="utf-8"))[1])
           for path in sorted((PROJECT_ROOT / "scripts").glob("*.py"))}  # {script: its flags}


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


# -- flags


def own_section(script: str) -> str:
    """What the README says under a script's own heading."""
    [section] = re.findall(rf"^### `scripts/{script}\.py`\n(.*?)(?=^##)", README, re.S | re.M)
    return section


def rows_of(script: str) -> list[tuple[list[str], str]]:
    """The flags and the meaning of each row of a script's table."""
    rows = re.findall(r"^\| (`.*?) \| (.*) \|$", own_section(script), re.M)
    return [(re.findall(r"`--(\w+)[^`]*`", flags), meaning) for flags, meaning in rows]


def test_every_config_is_the_flags_of_one_script():
    configs = [one for name, one in vars(config).items() if name.endswith("Config") and is_dataclass(one)]
    assert len(configs) >= 12 and sorted(one.__name__ for one in configs) == sorted(
        one.__name__ for one in CONFIGS.values())


@pytest.mark.parametrize("script", sorted(CONFIGS))
def test_every_flag_stands_once_in_the_table_of_its_script_and_no_other(script):
    named = [flag for flags, _ in rows_of(script) for flag in flags]
    assert sorted(named) == sorted(field.name for field in fields(CONFIGS[script]))


@pytest.mark.parametrize("script", sorted(CONFIGS))
def test_every_default_stands_beside_its_flag(script):
    meaning_of = {flag: meaning for flags, meaning in rows_of(script) for flag in flags}
    for field in fields(CONFIGS[script]):
        if field.default is None or field.default is False or field.default == "":
            continue
        words = [word.rstrip(".") for word in re.findall(r"[\w./-]+", meaning_of[field.name])]
        assert any(_reads_as(word, field.default) for word in words), f"{script} --{field.name}: {field.default}"


def _reads_as(word: str, value: object) -> bool:
    try:
        return type(value)(word) == value
    except ValueError:
        return False


def test_no_flag_is_named_that_there_is_not():
    known = {field.name for one in CONFIGS.values() for field in fields(one)} | {"help"}
    shell = " ".join(path.read_text(encoding="utf-8") for path in (PROJECT_ROOT / "scripts").glob("*.sh"))
    known |= set(re.findall(r"--([a-z][\w-]*)", shell))
    named = set(re.findall(r"(?<![\w-])--([a-z][\w.-]*)", README))
    assert len(named) > 50 and {flag for flag in named - known if not flag.startswith("server.")} == set()


# -- layout


def listed() -> dict[str, list[str]]:
    """{folder: the files that the README's layout names in it}."""
    block = re.search(r"## Layout\n+```\n(.*?)```", README, re.S)[1]
    found, where = {}, ["."]
    for line in block.splitlines():
        depth, entry = len(line) - len(line.lstrip()), line.strip()
        opened = re.match(r"([\w.]+)/(?=\s)", entry)
        if depth <= 4 and (opened or re.match(r"[\w.]+\.(py|sh)\b", entry)):  # else a further line of the entry before
            where = where[: depth // 2 + 1]
            if opened:
                where.append(opened[1])
        found.setdefault("/".join(where[1:]) or ".", []).extend(re.findall(r"(?<![\w/.])\w+\.(?:py|sh)\b", line))
    return found


@pytest.mark.parametrize("folder", [".", "pages", "cxrcore", "cxrcore/data", "cxrcore/charts", "scripts"])
def test_the_layout_names_every_file_once_and_no_other(folder):
    there = [path.name for path in (PROJECT_ROOT / folder).iterdir()
             if path.suffix in (".py", ".sh") and path.name != "__init__.py"]
    assert there and sorted(listed()[folder]) == sorted(there)


def test_the_layout_names_every_folder():
    folders = {path.parent.relative_to(PROJECT_ROOT).as_posix() for root in ("cxrcore", "pages", "scripts")
               for path in (PROJECT_ROOT / root).rglob("*.py") if "__pycache__" not in path.parts}
    assert folders <= listed().keys() and all((PROJECT_ROOT / folder).is_dir() for folder in listed())
