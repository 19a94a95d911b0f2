"""A folder of phantoms: its layout, its truth, and that nobody's data is ever written over."""

import hashlib
import json
import shutil
import tomllib

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cxrcore.data import box_list, film_files, films
from cxrcore.data.description import BESIDE, read_description
from cxrcore.data.phantoms import folder as phantom_folder
from cxrcore.data.phantoms import sheet as phantom_sheet
from cxrcore.data.phantoms.occurrence import DRAWABLE
from cxrcore.data.phantoms.recipe import FIRST_PATIENT, Recipe, is_phantom, plan
from cxrcore.errors import DataError
from cxrcore.findings import NIH_FINDINGS

SMALL = Recipe(films=40, size=64)
ALL = Recipe(films=40, size=64, findings=DRAWABLE)
# Of `SMALL`, as it was drawn before a recipe had a list of findings: the tables, and the quarters' means of some films.
TABLES_BEFORE = "df34faf257b7af08"
FILMS_BEFORE = {0: [79.76, 76.5, 113.9, 113.63],
                11: [112.94, 106.13, 151.86, 150.23],
                39: [126.7, 133.71, 155.43, 162.39]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small finished data set; read-only by agreement."""
    return phantom_folder.make_phantoms(SMALL, tmp_path_factory.mktemp("made") / "phantoms", progress=False).folder


def test_the_sheet_shows_every_finding_that_is_drawn(tmp_path):
    made = phantom_folder.make_phantoms(Recipe(films=120, size=64), tmp_path / "set", progress=False)
    chosen = phantom_sheet.choose(made.plan.labels, made.plan.contrast)
    assert len(chosen) == len(set(chosen)) == 16
    for finding in range(14):
        assert made.plan.labels[chosen[finding], finding] and made.plan.contrast[chosen[finding], finding] > 0
    assert not made.plan.labels[chosen[14:]].any() and not made.plan.contrast[chosen[14:]].any()
    phantom_sheet.write_sheet(made, tmp_path / "new" / "sheet.png")
    with Image.open(tmp_path / "new" / "sheet.png") as sheet:
        assert sheet.width == 4 * 312 + 12
    assert len(phantom_sheet.choose(made.plan.labels[:1], made.plan.contrast[:1])) <= 14  # few films, no error


def test_the_layout_is_nihs(folder):
    lines = (folder / "Data_Entry_2017.csv").read_text().splitlines()
    assert len(lines[0].split(",")) == 12 and {len(line.split(",")) for line in lines[1:]} == {11}
    table = films.read_table(folder / "Data_Entry_2017.csv")
    found = film_files.find_films(folder, table.images["image_id"])
    assert len(found) == len(table.images) == 40
    assert np.array_equal(table.labels, plan(SMALL).labels) and table.n_ages_unknown == 0
    assert set(table.images["sex"]) <= {"M", "F"} and set(table.images["view"]) <= {"PA", "AP"}
    boxes = box_list.read_boxes(read_description("phantoms"), folder / "BBox_List_2017.csv")
    assert "Infiltrate" in (folder / "BBox_List_2017.csv").read_text()
    positives = {(film, NIH_FINDINGS[k]) for film, row in zip(table.images["image_id"], table.labels, strict=True)
                 for k in np.flatnonzero(row)}
    assert set(zip(boxes["image_id"], boxes["finding"], strict=True)) <= positives
    assert ((boxes["x"] + boxes["width"]) <= 64).all() and (boxes[["width", "height"]] >= 1).all(axis=None)


def test_the_truth_lies_beside_the_table(folder, tmp_path):
    truth = pd.read_csv(folder / "truth.csv")
    table = pd.read_csv(folder / "Data_Entry_2017.csv", index_col=False)
    assert truth.columns.tolist() == ["Image Index", *NIH_FINDINGS]
    assert truth["Image Index"].tolist() == table["Image Index"].tolist()
    planned = plan(SMALL)
    assert np.array_equal(truth[list(NIH_FINDINGS)], planned.people.present)
    assert (planned.labels != planned.people.present).any() and (planned.contrast == 0)[planned.people.present].any()


@pytest.mark.parametrize(("noise", "source"), [(0.05, "drawn with the film, label noise 0.05"),
                                               (0.0, "drawn with the film")])
def test_the_folder_describes_itself(tmp_path, noise, source):
    recipe = Recipe(films=2, size=64, label_noise=noise, findings=DRAWABLE[3:18])
    made = phantom_folder.make_phantoms(recipe, tmp_path / "set", progress=False)
    told = tomllib.loads((made.folder / "description.toml").read_text())
    assert told["findings"] == list(DRAWABLE[3:18]) and told["label_source"] == source
    assert told["like"] == "phantoms" and told["labels"]["column"] == "Finding Labels"
    described = read_description(made.folder / BESIDE)
    assert described.findings == recipe.findings and described.kind == "phantom" and described.label_source == source
    table = films.read_table(made.folder / phantom_folder.TABLE)
    assert table.findings == recipe.findings and np.array_equal(table.labels, made.plan.labels)


def test_a_folder_of_twenty_findings(tmp_path):
    made = phantom_folder.make_phantoms(ALL, tmp_path / "set", progress=False)
    truth = pd.read_csv(made.folder / "truth.csv")
    table = pd.read_csv(made.folder / "Data_Entry_2017.csv", index_col=False)
    boxes = pd.read_csv(made.folder / "BBox_List_2017.csv", index_col=False)
    assert truth.columns.tolist() == ["Image Index", *DRAWABLE]
    named = [set(text.split("|")) - {"No Finding"} for text in table["Finding Labels"]]
    assert named == [{DRAWABLE[k] for k in np.flatnonzero(row)} for row in made.plan.labels]
    assert set(boxes["Finding Label"]) & set(DRAWABLE[14:])
    assert phantom_folder.make_phantoms(ALL, made.folder, progress=False).were_there
    words = phantom_sheet.phantoms_in_words(made)
    assert all(f"  {finding} " in words for finding in DRAWABLE)


def test_the_lists_part_the_patients(folder):
    test, train = (film_files.read_list(folder / name) for name in ("test_list.txt", "train_val_list.txt"))
    patients = [{name.split("_")[0] for name in part} for part in (test, train)]
    assert len(test) + len(train) == 40 and not patients[0] & patients[1]


def test_phantoms_are_known_by_their_patients(folder):
    table = films.read_table(folder / "Data_Entry_2017.csv")
    assert is_phantom(table.images["patient_id"])
    assert not is_phantom(["1", "30805"]) and not is_phantom([str(FIRST_PATIENT), "17"]) and not is_phantom([])
    first = next(iter(film_files.find_films(folder, table.images["image_id"]).values()))
    with Image.open(first) as film:
        assert film.mode == "L" and "SYNTHETIC" in film.text["Description"]


def test_several_processes_draw_the_same_films(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(phantom_folder, "FEW_FILMS", 0)
    other = phantom_folder.make_phantoms(SMALL, tmp_path / "again", workers=2, progress=False).folder
    made = sorted(path for path in folder.rglob("*.*") if path.name != "phantoms.json")
    assert len(made) > SMALL.films
    for path in made:
        assert path.read_bytes() == (other / path.relative_to(folder)).read_bytes(), path.name


def test_a_finished_set_is_left_as_it_is(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert phantom_folder.make_phantoms(SMALL, folder, progress=False).were_there
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_nihs_findings_give_the_tables_and_films_that_they_always_gave(folder):
    tables = ("Data_Entry_2017.csv", "test_list.txt", "train_val_list.txt")
    content = b"".join((folder / name).read_bytes() for name in tables)
    assert hashlib.sha256(content).hexdigest()[:16] == TABLES_BEFORE
    for film, quarters in FILMS_BEFORE.items():
        with Image.open(phantom_folder.film_path(folder, plan(SMALL), film)) as image:
            means = np.asarray(image, float).reshape(2, 32, 2, 32).mean(axis=(1, 3))
        assert means.ravel() == pytest.approx(quarters, abs=0.02)  # processors may round a pixel otherwise


def test_a_folder_of_an_older_version_is_known(folder, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(folder, old)
    mark = json.loads((old / "phantoms.json").read_text())
    del mark["recipe"]["findings"]
    (old / "phantoms.json").write_text(json.dumps(mark))
    for name in ("truth.csv", "description.toml"):
        (old / name).unlink()
    before = sorted(old.rglob("*"))
    assert phantom_folder.make_phantoms(SMALL, old, progress=False).were_there and sorted(old.rglob("*")) == before
    with pytest.raises(DataError, match="another recipe"):
        phantom_folder.make_phantoms(ALL, old, progress=False)


def test_an_unfinished_set_is_finished(tmp_path):
    made = phantom_folder.make_phantoms(SMALL, tmp_path / "set", progress=False).folder
    whole = {path: path.read_bytes() for path in made.rglob("*.*")}
    (made / "Data_Entry_2017.csv").unlink()  # what an interruption leaves: the mark and some of the films
    next(made.rglob("*.png")).unlink()
    phantom_folder.make_phantoms(SMALL, made, progress=False)
    assert {path: path.read_bytes() for path in made.rglob("*.*")} == whole


def test_a_folder_with_anything_else_is_never_written_to(tiny_nih, tmp_path):
    def content(folder):
        return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}

    before = content(tiny_nih)
    with pytest.raises(DataError, match="holds no phantoms"):
        phantom_folder.make_phantoms(SMALL, tiny_nih, progress=False)
    assert content(tiny_nih) == before
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(DataError, match="not empty"):
        phantom_folder.make_phantoms(SMALL, file, progress=False)
    assert file.read_text() == "mine"
    with pytest.raises(DataError, match="cannot be made"):
        phantom_folder.make_phantoms(SMALL, file / "inside", progress=False)


def test_another_recipe_does_not_mix_with_the_first(folder, tmp_path):
    with pytest.raises(DataError, match="another recipe"):
        phantom_folder.make_phantoms(Recipe(films=41, size=64), folder, progress=False)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "phantoms.json").write_text("{")
    with pytest.raises(DataError, match="another recipe"):
        phantom_folder.make_phantoms(SMALL, broken, progress=False)
    assert json.loads((folder / "phantoms.json").read_text())["recipe"]["films"] == 40


def test_one_film_is_a_data_set_too(tmp_path):
    made = phantom_folder.make_phantoms(Recipe(films=1, size=64), tmp_path / "one", progress=False)
    assert len(films.read_table(made.folder / "Data_Entry_2017.csv").images) == 1 and made.n_patients == 1
    assert isinstance(made.plan.people.films, pd.DataFrame)
