"""The report: its numbers are the pages', it needs no network, and odd stores are said in one line."""

import base64
import io
import itertools
import json
import math
import os
import re
import xml.etree.ElementTree as ET
import zipfile

import numpy as np
import other_lists
import pandas as pd
import pytest
import sent_films
from opened_pages import open_page
from PIL import Image
from seeded_runs import DATASET, add_run, film_ids, make_store

from cxrcore.charts.reliability import in_figures
from cxrcore.config import ReportConfig, default_store
from cxrcore.errors import DataError, RunError
from cxrcore.findings import NIH_FINDINGS, display_name
from cxrcore.measures.calibration import ece
from cxrcore.measures.metrics import confusion
from cxrcore.report import board as boards_of
from cxrcore.report import bundle, cautions, contents, drawings, page, sections, write_files
from cxrcore.report.write_files import write_report
from cxrcore.store import Store
from scripts import report


@pytest.fixture(scope="module")
def found(phantoms):
    return contents.read_contents(phantoms.store, [])


@pytest.fixture(scope="module")
def html(found):
    return page.render_report(found, n_films=1)


@pytest.fixture(scope="module")
def archive(found):
    return zipfile.ZipFile(io.BytesIO(bundle.pack_report(found)))


def told(html: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="told">(.*?)</script>', html, re.S)[1])


def header_of(board: dict) -> tuple[dict, bytes]:
    """What a board is told, and its numbers."""
    data = base64.b64decode(board["payload"])
    length = int.from_bytes(data[:4], "little")
    return json.loads(data[4:4 + length]), data[4 + length:]


def add_scored(store, name: str, seed: int, n: int = 12, parts=("val", "test"), unscored=(), **config) -> str:
    """An EfficientNet-B0 with scores of its own on the first n films, without any of some findings."""
    run_id = add_run(store, name, "efficientnet_b0", auroc=None, **config)
    for part in parts:
        scores = np.random.default_rng(seed).random((n, len(NIH_FINDINGS)))
        scores[:, list(unscored)] = np.nan
        made = store.save_predictions(run_id, DATASET, part, film_ids(n), scores, n_expected=12)
        store.save_metrics(made, pd.DataFrame([{
            "finding": "macro", "metric": "auroc", "set_id": None, "value": 0.5 + seed / 10, "low": np.nan,
            "high": np.nan, "n_positive": 4, "n": n, "method": "test"}]))
    return run_id


def text_of(html: str) -> str:
    """What a reader sees, scripts and styles left out."""
    return re.sub(r"<[^>]+>", " ", re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.S))


def test_it_fits_in_ten_megabytes_and_asks_nothing_of_the_network(html):
    assert len(html.encode()) < 10e6
    own = re.sub(r"<script>.*?</script>", "", html, count=1, flags=re.S)  # Plotly's, which names maps it never asks for
    assert set(re.findall(r"https?://[\w./-]+", own)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(?:link|img|script|iframe)[^>]+(?:src|href)=\"(?!data:)", own)


def test_the_leaderboard_is_the_store_s(html, found):
    board = found.store.leaderboard().query("split == 'test'").set_index("run_id")
    table = found.leaderboard().set_index("run_id")
    assert len(table) == len(board) == 6 and table["auroc"].is_monotonic_decreasing
    for run_id, row in table.iterrows():
        for name in ("auroc", "ap", "f1"):
            assert row[name] == pytest.approx(board.at[run_id, name], abs=1e-6)
            assert f"{row[name]:.3f}" in text_of(html)
            assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]


def test_every_board_counts_as_the_predictions_do(html, found):
    boards = told(html)["boards"]
    assert len(boards) == 6
    for one, board in zip(found.compared, boards, strict=True):
        header, numbers = header_of(board)
        assert header["alone"] and header["run"]["name"] == one.run.label
        assert header["thresholds"] == one.source.thresholds.tolist()
        films = found.store.predictions(one.run.prediction_id("test"))
        n, total = header["sizes"][0], sum(header["sizes"])
        ladder = np.frombuffer(numbers, np.float64, n)
        tp, fp = (np.frombuffer(numbers, np.int32, n, 8 * total + 4 * n * place) for place in (0, 1))
        for place in (0, n // 2, n - 1):
            counts = confusion(films.labels, films.scores, np.full(len(NIH_FINDINGS), ladder[place]))
            assert (tp[place], fp[place]) == (counts.tp[0], counts.fp[0])


def test_all_findings_stand_in_curves_and_values(html):
    assert len(told(html)["figures"]) >= 1 + 2 * len(NIH_FINDINGS)
    for finding in NIH_FINDINGS:
        assert display_name(finding) in text_of(html)


def test_reliability_is_the_predictions_own_and_is_warned_of_in_words(found, archive):
    figures = sections.Figures()
    text, drawn = text_of(sections.curves_section(found, figures)), figures.made[-len(NIH_FINDINGS):]
    bins = pd.read_csv(archive.open("tables/reliability_bins.csv"))
    for place, finding in enumerate(NIH_FINDINGS):
        first = found.compared[0].run
        films = found.store.predictions(first.prediction_id("test"))
        said = f"{in_figures(ece(films.labels[:, place], films.scores[:, place]))}"
        assert said in json.dumps(drawn[place]["layout"]), finding
        own = bins[(bins["run_id"] == first.run_id) & (bins["finding"] == finding)]
        assert own["n"].sum() == len(films.labels) and own["n_positive"].sum() == films.labels[:, place].sum()
    off = [one for one in found.curves("reliability") if one.data.off]
    assert text.count("scores are not probabilities for") == len(off)


def test_phantoms_and_the_purpose_are_said(html):
    assert "SYNTHETIC" in html and "not for diagnosis" in html and "draws of patients" in html


def test_films_travel_with_the_maps_of_all_findings(html):
    found = re.search(r'<div id="films-host" data-films="([^"]+)"', html)
    if found is None:
        assert "raises an alarm for is on this machine" in html and "films-style" not in html
        return
    [one] = sent_films.films(base64.b64decode(found[1]))
    [network], [layer] = one["networks"], one["layers"]
    opened = one["findings"][one["open"]]["name"]
    assert display_name(opened) == one["title"] and network["alarms"][one["open"]]  # a right alarm
    assert "labelled with it" in network["notes"][one["open"]]
    assert layer["cells"].shape[0] == len(one["findings"]) == len(NIH_FINDINGS)
    picture = Image.open(io.BytesIO(one["picture"]))
    assert picture.width == picture.height <= sections.FILM_SIDE


def test_the_zip_holds_tables_and_figures_that_can_be_read(archive, found):
    names = archive.namelist()
    for name in (n for n in names if n.endswith(".csv")):
        assert len(pd.read_csv(archive.open(name)))
    table = pd.read_csv(archive.open("tables/leaderboard.csv")).fillna({"audit": ""})
    pd.testing.assert_frame_equal(table, found.leaderboard(), check_dtype=False)
    for name in ("roc", "precision_recall", "auroc"):
        assert Image.open(archive.open(f"figures/{name}.png")).width > 1000
        assert ET.parse(archive.open(f"figures/{name}.svg")).getroot().tag.endswith("svg")
    latex = archive.read("tables/leaderboard.tex").decode()
    assert latex.count("\\\\") == 1 + len(found.compared) and "AUROC" in latex


def test_names_cannot_break_the_page():
    store = make_store(default_store())
    add_run(store, "</script><b>$x_1$ & <img src=x onerror=alert(1)>")
    found = contents.read_contents(store, [])
    html = page.render_report(found, n_films=0)
    assert "<img src=x" not in html and "&lt;img src=x" in html
    assert told(html)["boards"]
    assert bundle.pack_report(found)


def test_runs_are_those_that_were_asked_for_on_the_split_that_was(phantoms):
    asked = list(phantoms.run_ids.values())[2:4]
    found = contents.read_contents(phantoms.store, asked, "val")
    assert {run.run_id for run in found.runs} == set(asked) and found.part == "val"


def test_validation_stands_in_and_others_are_left_out_in_words():
    store = make_store(default_store())
    first = add_run(store, "only val", parts=("val",))
    second = add_run(store, "elsewhere", parts=("val",), fingerprint="bbb")
    third = add_run(store, "never", auroc=None)
    found = contents.read_contents(store, [first, second, third])
    assert found.part == "val" and [run.label for run in found.runs] == ["only val"]
    said = " ".join(found.notes)
    assert "elsewhere belongs to another" in said and "never has no predictions" in said


@pytest.mark.parametrize("turned", [False, True])
def test_a_curve_wears_the_look_of_its_run_s_legend(turned):
    store = make_store(default_store())
    asked = [add_scored(store, "plain", 1), add_scored(store, "weighted", 2)]
    found = contents.read_contents(store, asked[::-1] if turned else asked)
    legend = {one.run.run_id: one.style for one in found.compared}
    assert len(set(legend.values())) == 2
    for view in ("roc", "reliability"):
        assert {one.run_id: one.style for one in found.curves(view)} == legend


def test_runs_that_did_not_start_alike_are_noted():
    store = make_store(default_store())
    first, second = add_scored(store, "old", 1, init="random"), add_scored(store, "new", 2)
    notes = contents.read_contents(store, [first, second]).notes
    assert [note for note in notes if "old: nothing (random weights)" in note and "new: ImageNet-1k" in note]
    assert not contents.read_contents(store, [first]).notes


def test_a_mean_says_how_many_findings_it_holds():
    store = make_store(default_store())
    found = contents.read_contents(store, [add_scored(store, "13", 2, unscored=[5])])
    assert found.leaderboard()["auroc_findings"].tolist() == [13]
    assert sections.leaderboard_section(found, sections.Figures()).count("over 13 of 14 findings") == len(
        contents.LEADERBOARD
    )
    assert bundle._for_latex(found).at[0, "AUROC"].endswith("(13 of 14)")
    frame = dict(bundle.report_tables(found))["findings_auroc"]
    is_mean = frame["finding"] == "Macro mean"
    assert frame[is_mean]["n_findings"].tolist() == [13] == [frame[~is_mean]["n_findings"].sum()]


def test_means_are_over_the_findings_that_all_runs_have_scores_of():
    store = make_store(default_store())
    ids = [add_scored(store, "all", 1), add_scored(store, "13", 2, unscored=[5])]
    found = contents.read_contents(store, ids)
    assert found.findings == (*NIH_FINDINGS[:5], *NIH_FINDINGS[6:])
    assert found.leaderboard()["auroc_findings"].tolist() == [13, 13]
    assert any("the 13 that all of them have" in note and "Left out: Nodule." in note for note in found.notes)
    html = sections.leaderboard_section(found, sections.Figures()) + sections.values_section(found)
    assert "of 14" not in html and "of 13" not in html and "Nodule" not in html


@pytest.mark.parametrize("findings", [other_lists.TWENTY, other_lists.FIVE], ids=["twenty", "five"])
def test_a_report_has_as_many_findings_as_its_runs(findings):
    found = contents.read_contents(other_lists.make(default_store(), findings, 120, 160), [])
    html = page.render_report(found, n_films=0)
    drawn = [one["layout"]["title"]["text"] for one in told(html)["figures"]]
    for finding in findings:
        shown = display_name(finding).replace("of the", "of<br>the")
        assert display_name(finding) in text_of(html) and sum(text.startswith(shown) for text in drawn) in (1, 3)
    assert header_of(told(html)["boards"][0])[0]["open"] == findings[0]
    assert len(header_of(told(html)["boards"][0])[0]["findings"]) == len(findings)
    tables = dict(bundle.report_tables(found))
    assert tables["thresholds"]["finding"].tolist() == [*findings] * 2
    assert tables["findings_auroc"]["finding"].nunique() == len(findings) + 1
    panels = drawings._curves(found, "roc").axes
    assert len(panels) == 4 * (len(findings) // 4 + 1) and panels[-1].get_legend()  # one is left for it
    assert len(drawings._dots(found).axes[0].get_yticks()) == len(findings) + 1


@pytest.mark.parametrize(("cell", "printed"), [
    ((0.8123, 0.7, 0.9, 14), "0.812 [0.700, 0.900]"), ((0.5, 0.4, 0.6, 9), "0.500 [0.400, 0.600] (9 of 14)"),
    ((0.5, math.nan, math.nan, 14), "0.500"), ((math.nan, math.nan, math.nan, 0), "--")])
def test_a_cell_of_the_latex_table_leaves_out_what_is_undefined(cell, printed):
    assert bundle._cell(*cell, 14, math.nan) == printed


def test_runs_on_a_subset_are_left_out_unless_named_and_then_films_are_told_apart():
    store = make_store(default_store())
    whole, less = add_scored(store, "whole", 1), add_scored(store, "less", 2, n=9)
    found = contents.read_contents(store, [])
    assert [run.run_id for run in found.runs] == [whole] and "subset" in found.notes[0] and "less" in found.notes[0]
    named = contents.read_contents(store, [whole, less])
    assert any("only the 9 shared ones count" in line and "tables: whole." in line
               for line in cautions.of_leaderboard(named))
    said = text_of(sections.curves_section(named, sections.Figures()))
    assert "whole: test, 12 films" in said and "less: test, subset of 9 of 12 films" in said
    assert cautions.OTHER_FILMS in said


def test_thresholds_that_flatter_or_were_not_fitted_are_said():
    store = make_store(default_store())
    val = contents.read_contents(store, [add_scored(store, "on val", 1)], "val")
    assert cautions.SAME_FILMS in page.render_report(val, n_films=0) and "flatters" in boards_of.source(
        val, val.compared[0]
    )
    assert "is the one fitted on validation" not in cautions.of_board(val)
    assert val.lesson_of(val.runs[0]).part == "val"
    test = contents.read_contents(store, [add_scored(store, "only test", 2, parts=("test",))])
    assert any("stand at 0.5: only test" in line for line in cautions.of_leaderboard(test))
    assert "stand at 0.5: only test" in cautions.of_board(test)


def test_the_same_numbers_give_the_same_figures(monkeypatch):
    monkeypatch.setattr(drawings, "_curves", lambda contents, view: drawings._dots(contents))  # fewer panels
    store = make_store(default_store())
    add_run(store, "one")
    found = contents.read_contents(store, [])
    first, again = (list(itertools.islice(drawings.files(found), 2)) for _ in range(2))
    assert [name for name, _ in first] == ["figures/roc.png", "figures/roc.svg"] and first == again


def test_what_cannot_be_reported_is_one_line(phantoms):
    with pytest.raises(RunError, match="no run 'zzz'"):
        contents.read_contents(phantoms.store, ["zzz"])
    with pytest.raises(RunError, match="no runs in"):
        contents.read_contents(Store(default_store()), [])
    store = make_store(default_store())
    add_run(store, "never", auroc=None)
    with pytest.raises(RunError, match="nothing to report"):
        contents.read_contents(store, [])


def test_the_script_writes_both_files_from_where_it_is_called(tmp_path, monkeypatch, capsys):
    add_run(make_store(default_store()), "one")
    out = tmp_path / "deep" / "report.html"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(write_files, "LARGE", 1e6)
    report.main(["--out", "deep/report.html", "--zip", "--cams", "0"])
    assert "larger than 1 MB" in capsys.readouterr().out
    assert "<!doctype html>" in out.read_text()[:20] and zipfile.is_zipfile(out.with_suffix(".zip"))
    assert out.read_text().count("<h2>Maps</h2>") == 0


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    add_run(make_store(default_store()), "one")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be made"):
        write_report(ReportConfig(out=str(tmp_path / "file" / "report.html")))
    with pytest.raises(DataError, match="is a folder"):
        write_report(ReportConfig(out=str(tmp_path)))
    with pytest.raises(DataError, match="not the ZIP"):
        write_report(ReportConfig(out=str(tmp_path / "report.zip"), zip=True))
    os.mkfifo(tmp_path / "pipe.html")
    with pytest.raises(DataError, match="no plain file"):
        write_report(ReportConfig(out=str(tmp_path / "pipe.html")))


def test_the_compare_page_makes_it_when_asked():
    add_run(make_store(default_store()), "one")
    app = open_page("compare")
    next(button for button in app.button if button.label == "Make the ZIP").click().run()
    assert not app.exception and not app.error
    assert any("Download the ZIP" in button.label for button in app.get("download_button"))
