"""The design's rules on layout, imports and sizes, read from the source."""

import ast
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch

import arrows
import pytest
from source_tree import MODULES, imports, outside_parentheses, product_files, reached, room_of, text_of, tree

from cxrcore.config import PROJECT_ROOT

TORCH = {"torch", "torchvision", "timm", "accelerate", "pytorch_grad_cam", "safetensors"}
SCREEN = {"streamlit", "plotly"}
FOUNDATIONS = {"findings", "errors", "glossary", "config", "cli", "interrupts", "ids", "settings"}  # the top of cxrcore
PACKAGES = {  # what the rooms may import besides the standard library, inside functions too
    "measures": {"numpy", "scipy", "sklearn", "pandas", "cleanlab"},
    "store": {"duckdb", "pyarrow", "filelock", "psutil", "numpy", "pandas", "psycopg", "psycopg_pool"},
    "charts": {"plotly", "PIL", "numpy", "pandas", "scipy"},
    "queries": {"numpy", "pandas", "PIL"},
    "report": {"numpy", "pandas", "PIL", "matplotlib"},
}
DOWNLOADS = "cxrcore.data.downloads"  # by torchvision and medmnist, which are loaded when something is brought

TOP_LEVEL = {"app.py", "pages", "cxrcore", "runs", "scripts", "tests", "requirements.txt", "README.md", "docs",
             "CONTRIBUTING.md", "pyproject.toml", ".streamlit", ".ci", ".gitignore", ".pre-commit-config.yaml",
             "LICENSE"}
NEEDED = TOP_LEVEL - {"LICENSE", "runs"}
ROOMS, TOP_FILES, FILES_IN_A_FOLDER = 13, 8, 24
LINES = {"cxrcore": 500, "pages": 120, "scripts": 100}
MOST_FILES_UNDER = 300  # lines
FUNCTION = 40


def within(place: str) -> list[str]:
    """A module alone, or all of a folder; never none, or a rule would hold of nothing."""
    found = [name for name in MODULES if name == place or name.startswith(f"{place}.")]
    assert found, f"there is no {place}: the rule that names it would hold of nothing"
    return found


def users_of(packages: set[str]) -> set[str]:
    """Modules that import one of these packages anywhere, inside a function too."""
    return {name for name in MODULES if {module.split(".")[0] for module in imports(name)} & packages}


def screen_side() -> list[str]:
    """The modules of the app: its entry, pages and ui."""
    return [*within("app"), *within("pages"), *within("cxrcore.ui")]


# -- the rooms


def test_the_reading_of_imports_sees_what_it_should():
    """So that the rules below cannot pass by seeing nothing."""
    assert len(MODULES) > 200 and {len(within(one)) > 9 for one in ("pages", "scripts", "cxrcore.data")} == {True}
    assert "duckdb" in imports("cxrcore.store.turns") and "torch" in reached("cxrcore.training.trainer")
    assert {"cxrcore.store.file", "cxrcore.store.turns", "duckdb"} <= reached("cxrcore.store.store")
    networks = "cxrcore.networks.architectures"
    assert "timm" in imports(networks) and "timm" not in imports(networks, lazy=False)


def test_the_house_has_its_rooms_and_no_more():
    top = {name.split(".")[1] for name in within("cxrcore") if name.count(".") == 1 and room_of(name) is None}
    assert {room_of(name) for name in within("cxrcore")} - {None} == arrows.FLOOR_OF.keys()
    assert len(arrows.FLOOR_OF) <= ROOMS and top == FOUNDATIONS and len(FOUNDATIONS) <= TOP_FILES


def test_imports_lead_down_and_between_two_rooms_of_a_floor_one_way():
    assert arrows.upward() == []
    assert sum(arrows.arrows().values()) > 100


def test_the_foundations_stand_on_each_other_alone():
    for name in FOUNDATIONS:
        assert not {room_of(module) for module in imports(f"cxrcore.{name}")} - {None}, name


def test_no_two_modules_import_each_other():
    """Not even by way of others, as far as imports happen when a module is loaded."""
    def round_about(name: str) -> bool:
        seen, todo = set(), [name]
        while todo:
            found = {module for module in imports(todo.pop(), lazy=False)
                     if module in MODULES and MODULES[module].name != "__init__.py"} - seen
            seen |= found
            todo += found
        return name in seen

    assert not [name for name in MODULES if round_about(name)]


def test_no_folder_is_a_corridor():
    for folder in {path.parent for path in product_files()}:
        files = [path for path in folder.iterdir() if path.suffix in (".py", ".js", ".css", ".csv")]
        assert len([path for path in files if path.name != "__init__.py"]) <= FILES_IN_A_FOLDER, folder


def test_every_room_says_its_duty_in_one_line():
    for folder in {path.parent for path in product_files() if "cxrcore" in path.parts}:
        duty = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
        assert duty and "\n" not in duty, folder


def test_the_tests_lie_as_the_rooms_do():
    """A folder of tests is a room, one of its folders, or one of those named here."""
    others = {"browser", "benchmarks", "durability", "fuzz", "golden", "load", "made", "pages", "scripts", "structure"}
    tests = PROJECT_ROOT / "tests"
    for folder in {path.parent for path in tests.rglob("test_*.py")} - {tests}:
        place = folder.relative_to(tests)
        assert place.parts[0] in others or (PROJECT_ROOT / "cxrcore" / place).is_dir(), place


def test_git_ignores_no_source_file_by_its_name():
    files = [str(path) for folder in ("cxrcore", "pages", "scripts", "tests") for path in (PROJECT_ROOT / folder).rglob(
        "*") if path.is_file() and path.suffix != ".pyc" and ".egg-info" not in str(path)]
    asked = subprocess.run(["git", "check-ignore", "--no-index", "--stdin"], input="\n".join(files), text=True,
                           capture_output=True, cwd=PROJECT_ROOT)
    if asked.returncode == 128:
        pytest.skip("no checkout")
    assert len(files) > 300 and asked.stdout == ""


# -- who may import what


@pytest.mark.parametrize("room", PACKAGES)
def test_a_room_uses_its_own_packages_only(room):
    ours = {"cxrcore", *sys.stdlib_module_names}
    for name in within(f"cxrcore.{room}"):
        assert {module.split(".")[0] for module in imports(name)} <= PACKAGES[room] | ours, name


def test_measures_know_nothing_of_the_house():
    for name in within("cxrcore.measures"):
        assert {module for module in imports(name) if module.startswith("cxrcore")} <= {
            "cxrcore", "cxrcore.findings", "cxrcore.errors", *within("cxrcore.measures")}, name


def test_films_need_no_network_no_store_and_no_screen():
    for name in set(within("cxrcore.data")) - {DOWNLOADS}:
        assert not users_of(TORCH | SCREEN | {"duckdb"}) & {name}, name
        assert not reached(name) & (TORCH | SCREEN | {"duckdb"}), name
    assert not reached(DOWNLOADS) & TORCH


def test_torch_is_loaded_only_where_networks_run():
    rooms = {room_of(name) for name in users_of(TORCH)}
    assert rooms == {"networks", "explain", "training", "data"}
    assert {name for name in users_of(TORCH) if room_of(name) == "data"} == {DOWNLOADS}
    for room in ("queries", "report", "charts", "ui", "store", "measures"):
        for name in within(f"cxrcore.{room}"):
            assert not reached(name) & TORCH, name


def test_streamlit_stays_in_the_app():
    assert {"cxrcore.ui.shell", "pages.runs"} <= users_of({"streamlit"}) <= set(screen_side())
    others = set(MODULES) - set(screen_side())
    assert not [name for name in others if "streamlit" in reached(name)]


def test_a_report_is_made_without_streamlit():
    code = "import sys\nfrom cxrcore.report import write_files\nprint('streamlit' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT_ROOT)
    assert done.stdout == "False\n", done.stderr


def test_duckdb_and_sql_stay_in_the_store():
    room = set(within("cxrcore.store"))
    assert {"cxrcore.store.turns", "cxrcore.store.file"} <= users_of({"duckdb"}) <= room
    sql = re.compile(r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|DELETE\s+FROM|UPDATE\s+\w+\s+SET|CREATE\s+(TABLE|VIEW))\b",
                     re.DOTALL)
    writers = {name for name in MODULES for node in ast.walk(tree(name))
               if isinstance(node, ast.Constant) and isinstance(node.value, str) and sql.search(node.value)}
    assert {"cxrcore.store.store", "cxrcore.store.schema"} <= writers <= room


def test_nobody_outside_the_store_knows_that_it_is_a_file():
    """Others name it by `key` and lay things beside it in `folder`."""
    asked = {name for name in MODULES for node in ast.walk(tree(name))
             if isinstance(node, ast.Attribute) and node.attr == "path" and ast.unparse(node.value).endswith("store")}
    assert asked <= set(within("cxrcore.store"))


def test_widgets_are_bound_to_the_link_in_one_place():
    binding = [name for name in MODULES if any(isinstance(node, ast.Constant) and node.value == "query-params"
                                               for node in ast.walk(tree(name)))]
    assert binding == ["cxrcore.ui.link"]


def test_plotly_stays_in_the_charts():
    assert {"cxrcore.charts.look"} <= users_of({"plotly"}) <= set(within("cxrcore.charts"))


def test_limited_processes_start_without_networks_stores_and_screens():
    for name in ("cxrcore.data.files.limited_work", "cxrcore.data.pixels.decode_film",
                 "cxrcore.data.pixels.prepare_worker", "cxrcore.import_export.prediction_file"):
        assert not reached(name) & (TORCH | SCREEN | {"duckdb"}), name
    assert reached("cxrcore.data.files.limited_work") <= set(sys.stdlib_module_names) | {
        "cxrcore", "cxrcore.errors", "cxrcore.data", "cxrcore.data.files"}


def test_films_are_decoded_in_limited_processes_only():
    """`film_file` is for the process itself; everybody else asks `decode_film`."""
    decoders = {name for name in MODULES for node in ast.walk(tree(name))
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
                and (node.value.id, node.attr) in {("film_file", "read_film"), ("film_file", "load_film"),
                                                   ("film_file", "load_noted"),
                                                   ("film_file", "to_gray"), ("dicom", "read_dicom")}}
    assert decoders == {f"cxrcore.data.pixels.{name}" for name in ("decode_film", "prepare_worker", "film_file")}


def test_findings_errors_and_glossary_stand_on_nothing():
    assert not [module for module in reached("cxrcore.glossary") if module.startswith("cxrcore.")]
    assert not [module for module in reached("cxrcore.errors") if module.startswith("cxrcore")]
    assert {m for m in reached("cxrcore.findings") if m.startswith("cxrcore")} == {"cxrcore", "cxrcore.errors"}


def test_nobody_imports_pages_or_scripts():
    assert not [name for name in MODULES
                if any(module.split(".")[0] in ("pages", "scripts", "app") for module in imports(name))]


def test_the_library_prints_nothing():
    """It says what it has to say through `logging`, or to who asked; `cli` prints that for scripts."""
    printing = {name for name in within("cxrcore") for node in ast.walk(tree(name))
                if isinstance(node, ast.Name) and node.id == "print"}
    assert printing == {"cxrcore.cli"}


def test_the_app_starts_without_torch():
    for name in screen_side():
        assert not reached(name) & TORCH, name
    modules = sorted(name for name in MODULES if name.startswith("cxrcore") and not reached(name) & TORCH)
    assert "cxrcore.store.store" in modules and "cxrcore.charts.look" in modules
    code = f"import importlib, sys\nfor name in {modules}: importlib.import_module(name)\n" \
           "print(sorted(m for m in sys.modules if m.split('.')[0] in ('torch', 'timm', 'torchvision')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT_ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_of_every_script_answers_without_torch():
    for name in within("scripts"):
        assert not reached(name) & TORCH, name


# -- order: nothing may lean on the one in which rows were written

UNORDERED = {  # queries of many rows whose order does not matter
    "SELECT table_name FROM duckdb_tables()": "a set",
    "SELECT c.table_name, c.column_name, c.data_type FROM duckdb_columns() c JOIN duckdb_tables() USING (table_oid)":
        "a set",
    "SELECT dataset_id FROM datasets": "a set",
    "SELECT * FROM runs WHERE run_id = ?": "one row",
    "SELECT now() AS moment": "one row",
    "rows of images": "looked up by name",
    "rows of label_sets": "looked up by name",
    "rows of a table": "counted by name",
    "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = current_schema()":
        "a set",
}
OWN_WORDS = {  # where each kind of store is asked in its own SQL, and how many such questions there are
    "cxrcore.store.backends.file_session": 4, "cxrcore.store.team.questions": 4}
FIRST_OF_EACH = {  # modules that keep one row of several, and which that is
    "cxrcore.queries.localization": "sorted by age right before",
    "cxrcore.queries.run_groups": "sorted by place right before",
}


def queries() -> list[tuple[str, str | None]]:
    """(module, SQL) of every query that gives many rows; None for a text that is not written where it is asked."""
    found = []
    for name in sorted(within("cxrcore.store")):
        for node in ast.walk(tree(name)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)):
                continue
            asked, what = node, node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            if what in ("to_frame", "df", "fetchall", "fetchmany", "to_arrow_table", "arrow", "fetchdf", "fetchnumpy",
                        "pl"):
                asked = node.func.value if isinstance(node.func, ast.Attribute) else node.args[0]
                if not (isinstance(asked, ast.Call) and isinstance(asked.func, ast.Attribute)):
                    continue  # handed on: what was asked stands elsewhere
                what = asked.func.attr
                if what in ("metrics", "localization", "leaderboard", "from_arrow", "to_arrow_table", "table") or (
                        text_of(asked.args[0]) is None and isinstance(asked.args[0], ast.Attribute)):
                    continue  # in the words of each kind, below; or no question
            elif what != "_frame":
                continue
            if what == "rows":
                table, ordered = text_of(asked.args[0]) or "a table", len(asked.args) > 4
                found.append((name, f"rows of {table}{' ORDER BY' * ordered}"))
                continue
            found.append((name, text_of(asked.args[0]) if what in ("execute", "_frame") and asked.args else None))
    return found


def test_every_query_of_many_rows_says_its_order():
    found = queries()
    assert len(found) > 12
    hidden = [name for name, text in found if text is None]
    assert hidden == ["cxrcore.store.backends.base"]  # `_frame` itself, whose callers stand here
    texts = [" ".join(text.split()) for _, text in found if text is not None]
    assert not [text for text in texts if text not in UNORDERED and "ORDER BY" not in outside_parentheses(text)]
    assert UNORDERED.keys() <= set(texts), "an exception that is not used"


@pytest.mark.parametrize("name", OWN_WORDS)
def test_questions_in_the_words_of_one_kind_say_their_order_too(name):
    texts = [text_of(node) or "" for node in ast.walk(tree(name)) if isinstance(node, ast.JoinedStr)]
    texts += [text_of(node.value) or "" for node in ast.walk(tree(name)) if isinstance(node, ast.Assign)
              and isinstance(node.value, ast.Constant)]
    whole = [text for text in texts if re.match(r"\s*(SELECT|WITH)\b", text)
             and re.search(r"ORDER BY \w", outside_parentheses(text))]
    assert len(whole) == OWN_WORDS[name]


def test_no_query_takes_any_row_of_several():
    taken = re.compile(r"\b(LIMIT|FETCH\s+FIRST)\b|\b(any_value|first|last|arbitrary|mode)\s*\(", re.IGNORECASE)
    texts = [(name, text) for name in within("cxrcore.store") for node in ast.walk(tree(name))
             if isinstance(node, ast.Constant | ast.JoinedStr) and (text := text_of(node)) and "SELECT" in text]
    assert len(texts) > 15
    assert not [(name, text) for name, text in texts if taken.search(text)]


def test_the_newest_is_never_what_happens_to_stand_last():
    calls = [(name, node) for name in MODULES for node in ast.walk(tree(name))
             if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    assert not [name for name, node in calls for word in node.keywords
                if word.arg == "keep" and isinstance(word.value, ast.Constant) and word.value.value == "last"]
    assert not [name for name, node in calls if node.func.attr in ("last", "tail") and not node.args]
    assert {name for name, node in calls if node.func.attr == "drop_duplicates"} == FIRST_OF_EACH.keys()


# -- texts from outside


def calls_of(method: str) -> set[str]:
    """Modules that call a method of this name."""
    return {name for name in MODULES for node in ast.walk(tree(name))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method}


def test_csv_for_people_is_written_in_one_place():
    """Where texts that a spreadsheet would run are marked; the key of a prepared map is a hash, no file."""
    assert calls_of("to_csv") == {"cxrcore.data.files.csv_file", "cxrcore.data.pixels.prepared"}
    assert calls_of("to_latex") == {"cxrcore.report.latex"}
    assert calls_of("dataframe") == {"cxrcore.ui.widgets"}  # whose toolbar writes CSV, too


def test_folders_are_deleted_in_one_place():
    deleting = {name for name in MODULES for node in ast.walk(tree(name))
                if isinstance(node, ast.Attribute) and node.attr in ("rmtree", "rmdir", "removedirs")}
    assert deleting == {"cxrcore.data.files.own_folders"}


# -- sizes and names


@pytest.mark.parametrize("path", product_files(), ids=lambda path: str(path.relative_to(PROJECT_ROOT)))
def test_files_keep_their_size(path):
    limit = LINES.get(path.relative_to(PROJECT_ROOT).parts[0], LINES["cxrcore"])
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit


def test_most_files_are_short():
    sizes = [len(path.read_text(encoding="utf-8").splitlines()) for path in product_files()]
    assert sum(size <= MOST_FILES_UNDER for size in sizes) > 0.9 * len(sizes)


def test_scripts_and_styles_of_components_keep_their_size_and_ask_nothing_of_the_network():
    assets = [path for kind in ("js", "css") for path in (PROJECT_ROOT / "cxrcore").rglob(f"*.{kind}")]
    assert len(assets) > 3
    for path in assets:
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= MOST_FILES_UNDER, path.name
        assert set(re.findall(r"https?://[\w./]+", text)) <= {"http://www.w3.org/2000/svg"}, path.name


def test_functions_keep_their_size():
    long = [f"{name}.{node.name}: {node.end_lineno - node.lineno + 1} lines" for name in MODULES
            for node in ast.walk(tree(name)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.end_lineno - node.lineno + 1 - _docstring_lines(node) > FUNCTION]
    assert long == []


def _docstring_lines(node: ast.FunctionDef) -> int:
    return node.body[0].end_lineno - node.body[0].lineno + 1 if ast.get_docstring(node) else 0


def test_no_file_is_a_drawer_for_odds_and_ends():
    folders = [PROJECT_ROOT / name for name in ("cxrcore", "pages", "scripts", "tests")]
    files = [path for folder in folders for path in folder.rglob("*.*")]
    assert len(files) > 300
    assert not [path for path in files if re.search(r"util|helper|common|manager", path.stem.lower())]


def test_every_module_says_what_it_is_for():
    assert not [name for name in MODULES if not (ast.get_docstring(tree(name)) or "").strip()]


def test_the_top_level_is_as_agreed():
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=PROJECT_ROOT)
    there = {line.split("/")[0] for line in listed.stdout.splitlines()}
    if listed.returncode:  # not a checkout: whatever lies here, but for what a checkout would ignore
        ignored = [line.strip("/") for line in (PROJECT_ROOT / ".gitignore").read_text().splitlines()]
        there = {path.name for path in PROJECT_ROOT.iterdir()
                 if not any(fnmatch(path.name, pattern) for pattern in [".git", *ignored])}
    assert NEEDED <= there <= TOP_LEVEL


# -- what must not creep in


def test_duckdb_is_pinned_to_the_version_that_loses_no_rows():
    """2.0.0 reads the file's headers before it takes the lock, and loses commits."""
    import duckdb

    assert "duckdb==1.5.5" in (PROJECT_ROOT / "requirements.txt").read_text().splitlines()
    assert duckdb.__version__ == "1.5.5"


def test_nothing_from_outside_is_run_when_it_is_read():
    """No reader that runs code, and one place where timm is asked for a network, with options held to a table."""
    calls = [(name, node) for name in MODULES for node in ast.walk(tree(name)) if isinstance(node, ast.Call)]
    named = [(name, ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords})
             for name, node in calls]
    running = re.compile(r"(pickle|joblib|marshal|dill)\.loads?|eval|exec|\w*\.?read_pickle|yaml\.\w*load|__import__")
    assert not [(name, called) for name, called, _ in named if running.fullmatch(called)]
    assert {words.get("weights_only") for _, called, words in named if called == "torch.load"} == {"True"}
    assert not [name for name, called, words in named if called == "np.load" and words.get("allow_pickle") == "True"]
    assert [name for name, called, _ in named if called.endswith("create_model")] == ["cxrcore.networks.architectures"]


def test_no_path_of_anybodys_machine_stands_in_the_source():
    absolute = re.compile(r"(?<![\w.:/])/(home|root|Users|mnt|work)/\w")
    sources = [*product_files(), *(PROJECT_ROOT / "scripts").glob("*.sh"), *(PROJECT_ROOT / "tests").rglob("*.py"),
               *PROJECT_ROOT.glob("*.toml"), *PROJECT_ROOT.glob("*.md"), *(PROJECT_ROOT / "docs").rglob("*.md")]
    assert not [f"{path.name}: {found[0]}" for path in sources if (found := absolute.search(path.read_text("utf-8")))]


def test_the_app_asks_for_nothing_from_the_network():
    settings = tomllib.loads((PROJECT_ROOT / ".streamlit" / "config.toml").read_text())
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["server"]["address"] in ("localhost", "127.0.0.1")
