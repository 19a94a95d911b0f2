"""Names are text everywhere: no page makes a link, a formula or a picture of one, and a warned import stays marked."""

import csv
import io
import json
import zipfile

import hostile_names as hostile
import pandas as pd
import pytest
from opened_pages import as_typed, open_page, text_of

from cxrcore.data.files import csv_file
from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export import prediction_file, training_films
from cxrcore.import_export.export import export
from cxrcore.report import bundle, contents, page, sections
from cxrcore.store import Store
from cxrcore.store.audit_marks import BADGE, Mark
from cxrcore.ui import widgets
from cxrcore.ui.markdown import escape

PAGES = {"runs": {}, "compare": {}, "curves": {"finding": "Mass"}, "subgroups": {}, "thresholds": {}, "cases": {},
         "localization": {}, "explain": {}, "present": {"slide": "Networks"}}
SLOW = ("subgroups", "localization", "explain", "data")  # pages that name the same runs by the same pieces
LINKED = ("compare", "curves", "thresholds", "runs", "explain")  # where the link names both runs


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Store:
    return hostile.make(tmp_path_factory.mktemp("hostile") / "runs" / "store.duckdb")


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.long) if name in SLOW else name
                                  for name in (*PAGES, "data", "import")])
def test_no_page_makes_more_of_a_name_than_its_text(made, name, monkeypatch):
    monkeypatch.setenv("CXR_STORE", str(made.path))
    taken: dict[str, tuple] = {}
    monkeypatch.setattr(widgets, "download_menu", lambda tables, latex=False: taken.update(tables))
    link = PAGES.get(name, {})
    if name in LINKED:
        link = link | {"run": list(made.runs().query("kind == 'imported'")["run_id"])}
    app = open_page(name, **link)
    live = hostile.live_texts(app)
    assert live == [], "\n".join(live)
    assert [text for frame in app.dataframe for text in hostile.formulas(frame.value)] == []
    for label, (_, frame) in taken.items():
        assert hostile.formulas(pd.read_csv(io.StringIO(csv_file.csv_text(frame())), dtype=str)) == [], label
    if name in PAGES:
        assert name == "present" or BADGE in text_of(app)
    if name == "present":
        assert any(BADGE in element.value for element in app.markdown)


def test_the_mean_of_warned_runs_is_warned_of_before_it_is_saved(made, monkeypatch):
    monkeypatch.setenv("CXR_STORE", str(made.path))
    app = open_page("import", way="Mean of runs", run=list(made.runs().query("kind == 'imported'")["run_id"]))
    assert BADGE in text_of(app) and hostile.live_texts(app) == []


def test_a_badge_names_few_runs_and_its_help_all(monkeypatch):
    said = {}
    monkeypatch.setattr(widgets.frame, "chip", lambda label, meaning, **look: said.update(look, text=meaning))
    widgets.warned_badge({name: (Mark("Ties", "many"),) for name in "ABCDE"})
    named = said["text"].split("\n")[0]
    assert "**C**: Ties; and 2 more." in named and "**D**" not in named
    assert said["colour"] == "gray" and "- **E**\n    - Ties: many" in said["text"]


def test_what_would_be_alive_is_seen():
    """So that the tests above cannot pass by seeing nothing."""
    assert all(hostile.LIVE.search(name) and not hostile.LIVE.search(escape(name)) for name in hostile.NAMES)
    assert all(as_typed(escape(name)) == name for name in hostile.NAMES)
    assert hostile.HTML.search(hostile.NAMES[2])
    assert len(hostile.formulas(pd.DataFrame({name: [name, "-0.1 to +0.2"] for name in hostile.NAMES}))) == 6


def test_the_report_and_its_zip_hold_names_as_text_and_keep_the_warning(made, monkeypatch):
    for module, name, value in (
        (sections, "curves_section", lambda *args: ""),
        (bundle.drawings, "files", lambda found: ()),
        (bundle.subgroups, "GROUPING_TITLES", {"Sex": "sex"}),
    ):
        monkeypatch.setattr(module, name, value)  # what takes long and holds no other names
    found = contents.read_contents(made, list(made.runs().query("kind == 'imported'")["run_id"]))
    told = page.render_report(found, 0)
    assert told.count(BADGE) > 8 and "LEAK: 82 of these patients" in told
    own = told[:told.index('<script type="text/plain"')]
    assert not hostile.HTML.search(own) and "&quot;http://evil.example&quot;" in own and ":small[" not in own
    figures = json.loads(told.partition('id="told">')[2].partition("</script>")[0])["figures"]
    assert not hostile.HTML.search(json.dumps(figures))
    with zipfile.ZipFile(io.BytesIO(bundle.pack_report(found))) as archive:
        tables = [name for name in archive.namelist() if name.endswith(".csv")]
        assert len(tables) > 10
        for name in tables:
            rows = list(csv.reader(io.StringIO(archive.read(name).decode())))
            assert hostile.formulas(pd.DataFrame(rows[1:], columns=rows[0])) == [], name
        assert "'=HYPERLINK" in archive.read("tables/leaderboard.csv").decode()
        assert "LEAK" in archive.read("notes.txt").decode()


def test_an_exported_csv_is_safe_and_comes_back_as_it_was(made, tmp_path):
    run_id = made.runs().query("kind == 'imported'")["run_id"].iloc[0]
    path = export(made, run_id, tmp_path) / "test.csv"
    rows = pd.read_csv(path, dtype={"Patient ID": str})
    assert rows["Image Index"].str.startswith("'=film").all() and rows["Patient ID"].str.startswith("'@").all()
    held = made.predictions(made.leaderboard().set_index(["run_id", "split"]).at[(run_id, "test"), "prediction_id"])
    file = prediction_file.read_prediction_file(path, NIH_FINDINGS)
    assert list(file.image_ids) == list(held.image_ids)
    listed = training_films.train_list(path.read_bytes(), "list")
    assert set(held.image_ids) < listed
