"""README, CONTRIBUTING and docs keep their word: queries run, flags and files exist, the tree is the folders'."""

import ast
import re
import shlex
from dataclasses import fields, is_dataclass
from pathlib import Path

import arrows
import duckdb
import numpy as np
import pandas as pd
import pytest
from test_structure import FOUNDATIONS, TOP_LEVEL

from cxrcore import cli, config
from cxrcore.config import PROJECT_ROOT
from cxrcore.evaluation.measure_predictions import measure
from cxrcore.findings import NIH_FINDINGS
from cxrcore.store import Store
from cxrcore.ui.shell import PAGES

DOCS = {path.relative_to(PROJECT_ROOT).as_posix(): path.read_text(encoding="utf-8") for path in (
    PROJECT_ROOT / "README.md", PROJECT_ROOT / "CONTRIBUTING.md", *sorted((PROJECT_ROOT / "docs").rglob("*.md")))}
README, CONTRIBUTING, SCRIPTS = DOCS["README.md"], DOCS["CONTRIBUTING.md"], DOCS["docs/scripts.md"]
QUERIES = re.findall(r"```sql\n(.*?)```", DOCS["docs/store.md"], re.S)
CONFIGS = {path.stem: getattr(config, re.search(r"parser_for\((\w+)", path.read_text(encoding="utf-8"))[1])
           for path in sorted((PROJECT_ROOT / "scripts").glob("*.py"))}  # {script: its flags}
LONGEST = 250  # lines of the README
DECISIONS = 6


# -- the store


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """A store with one evaluated run."""
    rng = np.random.default_rng(0)
    store = Store(tmp_path_factory.mktemp("readme") / "store.duckdb")
    ids = [f"{i:08d}_000.png" for i in range(200)]
    images = pd.DataFrame({"image_id": ids, "patient_id": ids, "follow_up": 0, "age": 50.0, "sex": "F", "view": "PA"})
    labels = (rng.random((200, 14)) < 0.2).astype(np.float32)
    store.add_dataset("d", images, labels, NIH_FINDINGS, name="tiny", kind="nih", label_source="csv")
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
    assert len(QUERIES) == 5 and not [name for name, text in DOCS.items() if "```sql" in text and "store" not in name]
    with duckdb.connect(str(evaluated.path), read_only=True) as con:
        counted = {finding: positives for finding, positives, *_ in con.execute(QUERIES[-1]).fetchall()}
    assert set(counted) == set(NIH_FINDINGS)
    sets = evaluated.prediction_sets().set_index("split")["prediction_id"]
    per_set = [(evaluated.predictions(sets[part]).labels == 1).sum(axis=0) for part in ("val", "test")]
    assert counted == dict(zip(NIH_FINDINGS, np.maximum(*per_set).tolist(), strict=True))


def test_the_tables_of_the_store_are_told_with_every_column(evaluated):
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([\w, ]+) \|$", DOCS["docs/store.md"], re.M)
    with duckdb.connect(str(evaluated.path), read_only=True) as con:
        there = con.execute("SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns() "
                            "WHERE NOT internal GROUP BY table_name").fetchall()
    assert sorted((table, columns.split(", ")) for table, columns in rows) == sorted(there)


# -- flags


def own_section(script: str) -> str:
    """What docs/scripts.md says under a script's own heading."""
    [section] = re.findall(rf"^## `scripts/{script}\.py`\n(.*?)(?=^## |\Z)", SCRIPTS, re.S | re.M)
    return section


def rows_of(script: str) -> list[tuple[list[str], str]]:
    """The flags and the meaning of each row of a script's table."""
    rows = re.findall(r"^\| (`.*?) \| (.*) \|$", own_section(script), re.M)
    return [(re.findall(r"`--(\w+)[^`]*`", flags), meaning) for flags, meaning in rows]


def commands() -> list[tuple[str, str]]:
    """(script, arguments) of every command that README, CONTRIBUTING or a page of docs/ shows in a block."""
    blocks = [block.replace("\\\n", " ") for text in DOCS.values()
              for block in re.findall(r"```(?:bash)?\n(.*?)```", text, re.S)]
    return [found for block in blocks for found in re.findall(r"^python scripts/(\w+)\.py *(.*)$", block, re.M)]


def test_every_config_is_the_flags_of_one_script():
    configs = [one for name, one in vars(config).items() if name.endswith("Config") and is_dataclass(one)]
    assert len(configs) >= 12 and sorted(one.__name__ for one in configs) == sorted(
        one.__name__ for one in CONFIGS.values())


def test_every_script_has_one_section_and_no_other_has():
    assert sorted(re.findall(r"^## `scripts/(\w+)\.py`$", SCRIPTS, re.M)) == sorted(CONFIGS)
    assert {path.name for path in (PROJECT_ROOT / "scripts").glob("*.sh")} <= set(re.findall(r"\w+\.sh\b", SCRIPTS))


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


OF_LAUNCHERS = {"standalone", "nproc_per_node", "nnodes", "rdzv_backend", "rdzv_endpoint", "multi_gpu", "num_processes"}


def test_no_flag_is_named_that_there_is_not():
    known = OF_LAUNCHERS | {field.name for one in CONFIGS.values() for field in fields(one)} | {"help"}
    shell = " ".join(path.read_text(encoding="utf-8") for path in (PROJECT_ROOT / "scripts").glob("*.sh"))
    known |= set(re.findall(r"--([a-z][\w-]*)", shell))
    golden = (PROJECT_ROOT / "tests" / "made" / "golden_file.py").read_text(encoding="utf-8")
    known |= set(re.findall(r'add_argument\("--([a-z][\w-]*)"', golden))
    ours = " ".join(text for name, text in DOCS.items() if name != "docs/measurements.md")  # which names uv's and pip's
    named = set(re.findall(r"(?<![\w-])--([a-z][\w.-]*)", ours))
    assert len(named) > 50 and {flag for flag in named - known if not flag.startswith("server.")} == set()


@pytest.mark.parametrize(("script", "arguments"), commands())
def test_every_command_that_is_shown_is_one_that_its_script_takes(script, arguments):
    parser = cli.parser_for(CONFIGS[script], "")
    _, others = parser.parse_known_args(shlex.split(arguments, comments=True))
    positional = {"labels": 2, "store": 3}.get(script, 1)  # what to do, and the file or, of a copy, both stores
    assert len(others) <= positional and not [other for other in others if other.startswith("-")]


@pytest.mark.parametrize("script", sorted(CONFIGS))
def test_the_readme_has_an_example_of_every_script_and_leads_to_its_flags(script):
    assert re.search(rf"^python scripts/{script}\.py", README, re.M)
    assert f"(docs/scripts.md#scripts{script}py)" in README


# -- the tree of the README


def tree() -> list[tuple[int, str, str]]:
    """(indentation, name, text) of each line of the README's tree; further lines of an entry are left out."""
    [block] = re.findall(r"^```\n(app\.py .*?)^```", README, re.S | re.M)
    lines = [re.match(r"( {0,2})(\w[\w.]*/?) +(\S.*)", line) for line in block.splitlines()]
    return [(len(found[1]), found[2], found[3]) for found in lines if found]


def rooms() -> dict[str, str]:
    """{room: the text beside it}, in the order of the tree."""
    entries = [(name[:-1], text) for depth, name, text in tree() if depth == 2 and name.endswith("/")]
    assert len(entries) == len(dict(entries))
    return dict(entries)


def test_the_readme_is_short():
    assert len(README.splitlines()) <= LONGEST


def test_the_tree_names_every_room_and_no_other():
    there = {path.parent.name for path in (PROJECT_ROOT / "cxrcore").glob("*/__init__.py")}
    assert len(there) > 10 and rooms().keys() == there == arrows.FLOOR_OF.keys()


@pytest.mark.parametrize("room", sorted(arrows.FLOOR_OF))
def test_a_room_has_the_line_that_its_own_first_line_says(room):
    """Who changes a duty changes it in both places: README.md and the room's `__init__.py`."""
    source = (PROJECT_ROOT / "cxrcore" / room / "__init__.py").read_text(encoding="utf-8")
    assert rooms()[room] == ast.get_docstring(ast.parse(source))


def test_a_room_imports_from_rooms_above_it_in_the_tree_alone():
    """As the sentence before the tree says."""
    order = list(rooms())
    assert [pair for pair in arrows.arrows() if order.index(pair[1]) > order.index(pair[0])] == []


def test_the_tree_names_what_lies_at_the_top_of_the_library_and_of_the_project():
    [line] = [f"{name} {text}" for depth, name, text in tree() if depth == 2 and not name.endswith("/")]
    there = sorted(path.stem for path in (PROJECT_ROOT / "cxrcore").glob("*.py") if path.stem != "__init__")
    assert sorted(re.findall(r"(\w+)\.py", line)) == there == sorted(FOUNDATIONS)
    top = [name.rstrip("/") for depth, name, _ in tree() if depth == 0]
    folders = {name for name in TOP_LEVEL if (PROJECT_ROOT / name).is_dir() and not name.startswith(".")}
    assert sorted(top) == sorted(folders | {"app.py"})


# -- pages, decisions


def test_every_page_has_one_section_and_no_other_has():
    sections = re.findall(r"^## (.+)$", DOCS["docs/pages.md"], re.M)
    assert sorted(section.lower() for section in sections) == sorted(
        path.stem for path in (PROJECT_ROOT / "pages").glob("*.py"))
    assert sorted(sections) == sorted(entry.title for entry in PAGES)


def test_every_section_of_a_page_says_something():
    parts = re.split(r"^## .+$", DOCS["docs/pages.md"], flags=re.M)[1:]
    assert len(parts) == len(PAGES) and min(len(part.split()) for part in parts) > 20


def test_the_decisions_are_counted_and_each_says_what_and_why_and_what_it_costs():
    decisions = [text for name, text in DOCS.items() if name.startswith("docs/decisions/")]
    assert len(decisions) == DECISIONS
    for text in decisions:
        assert re.findall(r"^## (.+)$", text, re.M) == [
            "Decision", "Why", "What it costs", "Where it lives", "What would change it"]


# -- links and files


def links(name: str) -> list[str]:
    """Targets of links and pictures inside the project."""
    found = re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", DOCS[name])
    return [target for target in found if not re.match(r"\w+:", target)]


def anchors(text: str) -> set[str]:
    """The places that a link may lead to: headings, as GitHub names them."""
    without_code = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.+)$", without_code, re.M)}


def followed(name: str, target: str) -> tuple[Path, str]:
    """Where a link of a page leads: a path, and the place in it."""
    path, _, place = target.partition("#")
    return ((PROJECT_ROOT / name).parent / path).resolve() if path else PROJECT_ROOT / name, place


@pytest.mark.parametrize("name", DOCS)
def test_every_link_and_every_picture_is_there(name):
    for target in links(name):
        path, place = followed(name, target)
        assert path.exists() and path.is_relative_to(PROJECT_ROOT), target
        assert not place or place in anchors(path.read_text(encoding="utf-8")), target


def test_every_page_of_docs_and_every_picture_can_be_reached():
    reached = {followed(name, target)[0] for name in DOCS for target in links(name)}
    there = [path for path in (PROJECT_ROOT / "docs").glob("*.*") if path.suffix in (".md", ".png", ".svg")]
    assert len(there) > 15 and not [path.name for path in there if path not in reached]
    assert {PROJECT_ROOT / "docs" / "decisions", PROJECT_ROOT / "CONTRIBUTING.md"} <= reached


def named_files(text: str) -> list[str]:
    """What a page's code names as a file or a folder of the project: whole paths, and names at the top."""
    code = " ".join(re.findall(r"^```.*?^```|`[^`\n]+`", text, re.S | re.M)).replace("`", " ")
    folders = "|".join(sorted(name for name in TOP_LEVEL if "." not in name and name != "runs"))
    top = "|".join(re.escape(name) for name in sorted(TOP_LEVEL) if "." in name)
    return re.findall(rf"(?<![^\s(])((?:{folders})/[\w./-]*\w|(?:{top}))(?![\w*])", code)


@pytest.mark.parametrize("name", DOCS)
def test_every_file_that_is_named_is_there(name):
    assert [path for path in named_files(DOCS[name]) if not (PROJECT_ROOT / path).exists()] == []


def test_files_are_seen_where_they_are_named():
    """So that the test above cannot pass by seeing nothing."""
    assert len(set(named_files(CONTRIBUTING))) > 20 and "scripts/check.sh" in named_files(CONTRIBUTING)
    assert min(len(named_files(text)) for name, text in DOCS.items() if "decisions/" in name) > 3


# -- CONTRIBUTING


def where_to_look() -> list[tuple[str, list[str], list[str]]]:
    """(change, files or folders, names in them) of each row of CONTRIBUTING's table."""
    rows = re.findall(r"^\| (.+?) \| (.+`.+) \|$", CONTRIBUTING, re.M)
    code = [(change, re.findall(r"`([^`]+)`", where)) for change, where in rows]
    return [(change, [one for one in names if "/" in one], [one for one in names if "/" not in one])
            for change, names in code]


def test_the_names_in_the_table_are_in_the_files_beside_them():
    rows = where_to_look()
    assert len(rows) >= 10 and sum(len(names) for *_, names in rows) >= 10
    for change, places, names in rows:
        files = [file for place in places for file in ([PROJECT_ROOT / place] if (PROJECT_ROOT / place).is_file()
                                                       else sorted((PROJECT_ROOT / place).rglob("*.py")))]
        source = "\n".join(file.read_text(encoding="utf-8") for file in files)
        assert files and not [one for one in names if not re.search(rf"(?<!\w){re.escape(one)}", source)], change


def example() -> list[tuple[str, str, str]]:
    """(file, text before, text after) of each piece of CONTRIBUTING's example diff."""
    [diff] = re.findall(r"```diff\n(.*?)```", CONTRIBUTING, re.S)
    pieces = []
    for path, body in re.findall(r"^\+\+\+ (\S+)\n(.*?)(?=^\+\+\+ |\Z)", diff, re.S | re.M):
        for piece in body.split("@@\n"):
            lines = piece.splitlines(keepends=True)
            pieces.append((path, "".join(line[1:] for line in lines if line[0] != "+"),
                           "".join(line[1:] for line in lines if line[0] != "-")))
    return pieces


def test_the_example_fits_the_code_as_it_is():
    changed: dict[str, str] = {}
    for path, before, after in example():
        source = changed.get(path) or (PROJECT_ROOT / path).read_text(encoding="utf-8")
        assert source.count(before) == 1 and before != after, f"{path}: {before}"
        changed[path] = source.replace(before, after)
    assert len(changed) == 4
    for source in changed.values():
        ast.parse(source)
