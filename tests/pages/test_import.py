"""The Import page without a browser: upload, audit, saving once, refusals, and the mean of runs."""

import re

import predictions as made
import pytest
import scored_runs
from opened_pages import open_page, text_of
from streamlit.testing.v1 import AppTest

from cxrcore.config import PROJECT_ROOT
from cxrcore.evaluation import data_set_films
from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export import examination
from cxrcore.store import Store

FILMS = made.table(600)


@pytest.fixture
def store(tmp_path, monkeypatch) -> Store:
    """A store that knows the films and has no run."""
    found = Store(tmp_path / "page" / "store.duckdb")
    data_set_films.add_to(found, FILMS)
    monkeypatch.setenv("CXR_STORE", str(found.path))
    return found


def uploaded(content: bytes, name: str = "theirs.csv") -> AppTest:
    app = open_page("import")
    app.file_uploader(key="import_file").upload(name, content, "text/csv").run()
    assert not app.exception, app.exception[0].value
    return app


def save_button(app: AppTest):
    return next(button for button in app.button if button.label == "Save as a run")


def test_the_waiting_page_says_what_it_takes(store):
    text = text_of(open_page("import"))
    assert "audited" in text and "scripts/import_predictions.py" in text


def test_an_upload_is_audited_saved_once_and_chosen(store, monkeypatch):
    asked, examine = [], examination.examine
    monkeypatch.setattr(examination, "examine", lambda *args: asked.append(1) or examine(*args))
    app = uploaded(made.as_csv(made.frame(FILMS)))
    text = text_of(app)
    assert "600 rows" in text and "14 of 14" in text and "15 passed" in text and "2 not declared" in text
    assert store.runs().empty  # nothing is saved before it was asked for
    app.text_input(key="import_name_theirs.csv").set_value("Their model").run()
    app.text_input(key="import_architecture_theirs.csv").set_value("convnext").run()
    save_button(app).click().run()
    assert not app.exception and "Saved as run" in text_of(app)
    app.run()
    assert len(asked) == 1 and "same films as" not in text_of(app)  # neither a name nor saving asks for another audit
    assert not [button for button in app.button if button.label == "Save as a run"]
    run = store.runs().iloc[0]
    assert len(store.runs()) == 1 and (run["name"], run["architecture"]) == ("Their model", "convnext")
    assert store.leaderboard()["auroc"].iloc[0] > 0.8


def answer_of(app) -> str:
    """The sentence that the page begins with."""
    html = next(one.proto.body for one in app.main.get("html") if 'class="answer"' in one.proto.body)
    return re.sub("<[^>]+>", "", html)


def test_the_page_begins_with_what_the_files_are_and_what_is_kept(store):
    assert answer_of(open_page("import")).startswith("Scores of any network")
    app = uploaded(made.as_csv(made.frame(FILMS)))
    said = answer_of(app)
    assert said.startswith("theirs.csv has scores of 14 of 14 findings for 600 test films of ")
    assert "macro AUROC 0." in said
    assert said.endswith("nothing is saved yet.")
    save_button(app).click().run()
    assert answer_of(app).endswith("All of it is saved.")
    assert "nothing was: it cannot be read" in answer_of(uploaded(b"\0\0"))
    rows = made.frame(FILMS)
    app = open_page("import")
    files = {"A.csv": rows[:300], "b.csv": rows[["image_id"]]}
    app.file_uploader(key="import_file").set_value(
        [(name, made.as_csv(own), "text/csv") for name, own in files.items()]).run()
    assert answer_of(app).startswith("2 files hold the scores of 2 runs, macro AUROC 0.")
    assert "none of them saved yet. 1 cannot be read" in answer_of(app)


def test_declarations_reach_the_audit(store):
    app = uploaded(made.as_csv(made.frame(FILMS)))
    train = "\n".join(FILMS.images["image_id"][:30]).encode()
    app.file_uploader(key="import_train").upload("train.txt", train, "text/plain").run()
    app.text_input(key="import_weights").set_value("densenet121-res224-nih").run()
    text = text_of(app)
    assert "LEAK: 10 of these patients and 30 of these very films" in text and "2 warned" in text


def test_logits_have_to_be_declared(store):
    rows = made.frame(FILMS)
    rows[list(NIH_FINDINGS)] = rows[list(NIH_FINDINGS)] * 8 - 4
    app = uploaded(made.as_csv(rows))
    assert "declare logits" in text_of(app) and save_button(app).disabled
    app.toggle(key="import_logits").set_value(True).run()
    assert "made probabilities as declared" in text_of(app) and not save_button(app).disabled


@pytest.mark.parametrize(("content", "said"), [
    (b"image_id,Mass\nx.png,0.5\n", "none of the 1 films"), (b"\0\0", "no text"),
    (b"id,a\n00000001_000,2\n", "no finding"), (b"image_id,[x](http://y)\n00000001_000,1\n", "no finding")])
def test_bad_files_are_one_line_and_the_page_lives_on(store, content, said):
    app = uploaded(content)
    assert said in app.error[0].value
    app.file_uploader(key="import_file").upload("good.csv", made.as_csv(made.frame(FILMS)), "text/csv").run()
    assert not app.exception and not app.error and "600 rows" in text_of(app)


def test_a_table_can_be_uploaded_where_the_store_knows_none(tmp_path, monkeypatch):
    monkeypatch.setenv("CXR_STORE", str(tmp_path / "empty" / "store.duckdb"))
    app = uploaded(made.as_csv(made.frame(FILMS)))
    assert "Which films are these?" in text_of(app)
    app.file_uploader(key="import_table").upload("broken.csv", b"a,b\n1,2\n", "text/csv").run()
    assert app.error[0].value.startswith("broken.csv is no table of NIH ChestX-ray14")
    table = made.written(FILMS, tmp_path).read_bytes()
    app.file_uploader(key="import_table").upload("mine.csv", table, "text/csv").run()
    assert "mine: 600 test films" in text_of(app)
    save_button(app).click().run()
    store = Store(tmp_path / "empty" / "store.duckdb")
    assert not app.exception and store.datasets()["name"].tolist() == ["mine"] and len(store.runs()) == 1
    for _ in range(2):  # the data set stands in the store now, and is no longer an upload
        assert "Saved as run **theirs**" in app.success[0].value and not app.info
        assert not [button for button in app.button if button.label == "Save as a run"]
        assert {link.proto.label for link in app.main.get("page_link")} >= {"Runs", "Compare", "Curves", "Thresholds"}
        app.run()
    again = uploaded(made.as_csv(made.frame(FILMS)), "under_another_name.csv")
    assert save_button(again).disabled and "already saved as run **theirs**" in again.info[0].value
    store.delete_run(store.runs()["run_id"][0])
    again.run()
    assert not save_button(again).disabled and not again.info


def test_the_same_scores_from_another_file_are_said_and_can_be_saved(store):
    app = uploaded(made.as_csv(made.frame(FILMS)), "Theirs.csv")
    save_button(app).click().run()
    app = uploaded(made.as_csv(made.frame(FILMS).iloc[::-1]), "backwards.csv")
    said = text_of(app)
    assert "These predictions" in said and "('Theirs'), from another file" in said and not save_button(app).disabled


def test_several_files_have_a_card_each_and_are_saved_together(store):
    rows = made.frame(FILMS)
    app = open_page("import")
    files = {"ResNet50.csv": rows, "bad.csv": rows.assign(Mass=7.0), "none.csv": rows[["image_id"]],
             "other_val.csv": rows[:200], "other_test.csv": rows[200:]}
    app.file_uploader(key="import_file").set_value(
        [(name, made.as_csv(own), "text/csv") for name, own in files.items()]).run()
    text = text_of(app)
    assert not app.exception and "macro AUROC **0." in text and store.runs().empty
    assert [error.value.split(":")[0] for error in app.error] == ["none.csv", "Nothing can be saved"]
    assert app.text_input(key="import_architecture_ResNet50.csv").value == "ResNet-50"
    next(button for button in app.button if button.label == "Save 2 runs").click().run()
    runs = store.runs().set_index("name")
    assert not app.exception and runs["architecture"].to_dict() == {"ResNet50": "ResNet-50", "other": "unknown"}
    assert set(store.prediction_sets(runs.loc["other", "run_id"])["split"]) == {"val", "test"}
    assert len(app.success) == 2 and next(b for b in app.button if b.label == "Save as runs").disabled


def test_the_mean_of_runs_is_saved_beside_its_best_member(tmp_path, monkeypatch):
    store = scored_runs.make(tmp_path / "runs" / "store.duckdb", 300, 600, 3)
    monkeypatch.setenv("CXR_STORE", str(store.path))
    app = open_page("import", way="Mean of runs")
    button = next(button for button in app.button if button.label == "Save the mean as a run")
    assert button.disabled
    app.multiselect(key="ensemble_picker").set_value(list(store.runs()["run_id"])).run()
    next(button for button in app.button if button.label == "Save the mean as a run").click().run()
    text = text_of(app)
    assert not app.exception and "best member" in text and "95 % interval" in text
    assert (store.runs()["kind"] == "ensemble").sum() == 1
    for _ in range(2):  # no second click makes a second one
        assert next(button for button in app.button if button.label == "Save the mean as a run").disabled
        app.run()
    assert "Saved as run" in text_of(app) and "already saved" not in text_of(app)
    link = {"way": "Mean of runs", "run": list(store.runs().query("kind != 'ensemble'")["run_id"])}
    assert "already saved as run **Mean of" in text_of(open_page("import", **link))


def test_an_imported_run_has_no_map(store, tmp_path):
    app = uploaded(made.as_csv(made.frame(FILMS)))
    save_button(app).click().run()
    run_id = store.runs()["run_id"][0]
    explain = AppTest.from_file(str(PROJECT_ROOT / "app.py"), default_timeout=60).run()
    explain.query_params["run"] = run_id
    explain.switch_page("pages/explain.py").run()
    assert not explain.exception and "checkpoint" in text_of(explain)
