"""Phantoms: what is drawn where, what the table says of it, and that nobody's data is ever written over."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.stats import multivariate_normal

from cxrcore.data import box_list, film_files, splits
from cxrcore.data.description import read_description
from cxrcore.data.films import read_table
from cxrcore.data.phantoms import (
    anatomy,
)
from cxrcore.data.phantoms import (
    film as phantom_film,
)
from cxrcore.data.phantoms import (
    folder as phantom_folder,
)
from cxrcore.data.phantoms import (
    people as phantom_people,
)
from cxrcore.data.phantoms import (
    sheet as phantom_sheet,
)
from cxrcore.data.phantoms import (
    signs as phantom_signs,
)
from cxrcore.data.phantoms.recipe import FIRST_PATIENT, Recipe, draw_film, is_phantom, plan
from cxrcore.data.phantoms.textures import Textures
from cxrcore.errors import DataError
from cxrcore.findings import FINDINGS
from cxrcore.measures.metrics import confusion

SIZE = 128
SMALL = Recipe(films=40, size=64)


@pytest.fixture(scope="module")
def textures():
    return Textures(SIZE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small finished data set; read-only by agreement."""
    return phantom_folder.make_phantoms(SMALL, tmp_path_factory.mktemp("made") / "phantoms", progress=False).folder


def render(signs, textures, body_seed=5):
    """The same chest with these signs: float film and the signs' effects."""
    body = anatomy.draw_body(np.random.default_rng(body_seed), 50, "M")
    pose = anatomy.draw_pose(np.random.default_rng(body_seed), "PA")
    phantom_signs.shape_body(body, signs)
    fields = anatomy.build(body, pose, SIZE, textures)
    effects = phantom_signs.draw_signs(fields, signs, textures)
    return phantom_film.expose(fields, body, pose, np.random.default_rng(1), textures).astype(float), effects


def drawn(contrast=1.0, side=1, seed=3):
    return phantom_signs.Drawn(contrast, side, np.random.default_rng(seed))


# -- what is drawn


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize("seed", [3, 4])
def test_a_sign_changes_the_film_inside_its_box(finding, seed, textures):
    healthy, _ = render({}, textures)
    ill, effects = render({finding: drawn(seed=seed)}, textures)
    x, y, w, h = phantom_signs.box(effects[finding])
    assert 0 <= x < x + w <= SIZE and 0 <= y < y + h <= SIZE
    change = np.abs(ill - healthy)
    inside = change[y:y + h, x:x + w].mean()
    outside = (change.sum() - change[y:y + h, x:x + w].sum()) / (change.size - w * h)
    assert inside > 3 and inside > 2.5 * outside


@pytest.mark.parametrize("finding", FINDINGS)
def test_a_faint_sign_changes_less_than_a_plain_one(finding, textures):
    healthy, _ = render({}, textures)
    faint, plain = (np.abs(render({finding: drawn(contrast)}, textures)[0] - healthy).sum() for contrast in (0.2, 1.0))
    assert faint < plain


def test_signs_lie_on_the_side_they_are_drawn_for(textures):
    for finding in ("Mass", "Nodule", "Pneumonia", "Pneumothorax", "Consolidation", "Pleural_Thickening"):
        for side in (-1, 1):
            x, _, w, _ = phantom_signs.box(render({finding: drawn(side=side)}, textures)[1][finding])
            assert (x + w / 2 > SIZE / 2) == (side == 1), finding


def test_a_nodule_is_smaller_than_three_centimetres_and_a_mass_is_larger(textures):
    for seed in range(12):
        sizes = {finding: max(phantom_signs.box(render({finding: drawn(seed=seed)}, textures)[1][finding])[2:])
                 for finding in ("Nodule", "Mass")}
        assert sizes["Nodule"] <= 30 / 358 * SIZE < sizes["Mass"] + 1


def test_cardiomegaly_is_a_heart_wider_than_half_the_chest(textures):
    def ratio(signs):
        body = anatomy.draw_body(np.random.default_rng(8), 50, "F")
        phantom_signs.shape_body(body, signs)
        pose = anatomy.Pose("PA", 0.5, 0.15, 0.0, 1.0)
        left, _, right, _ = anatomy.build(body, pose, SIZE, textures).heart_box
        return (right - left) / 2  # the chest is 2 wide

    assert ratio({}) < 0.5 < ratio({"Cardiomegaly": drawn(0.6)})


def test_equal_recipes_give_equal_pixels_in_any_order(textures):
    planned, again = plan(Recipe(films=30, size=SIZE)), plan(Recipe(films=30, size=SIZE))
    for film in (7, 2):
        (pixels, boxes), (same, same_boxes) = draw_film(planned, film, textures), draw_film(again, film, textures)
        assert np.array_equal(pixels, same) and boxes == same_boxes
        assert pixels.shape == (SIZE, SIZE) and pixels.dtype == np.uint8 and pixels.std() > 40
    other = draw_film(plan(Recipe(films=30, size=SIZE, seed=1)), 2, textures)[0]
    assert not np.array_equal(other, pixels)


def test_films_of_one_patient_show_the_same_chest(textures, monkeypatch):
    planned, bodies = plan(Recipe(films=30, size=SIZE)), []
    monkeypatch.setattr(phantom_signs, "shape_body", lambda body, signs: bodies.append(body))
    for film in range(30):
        draw_film(planned, film, textures)
    patient = planned.people.films["patient"].to_numpy()
    same = [bodies[a] == bodies[b] for a in range(30) for b in range(a) if patient[a] == patient[b]]
    other = [bodies[a] == bodies[b] for a in range(30) for b in range(a) if patient[a] != patient[b]]
    assert same and all(same) and not any(other)


# -- what the labels say


def test_a_val_split_of_the_default_set_holds_fifty_positives_of_every_finding():
    planned = plan(Recipe())
    ids = [planned.image_id(film) for film in range(planned.recipe.films)]
    split = splits.draw_split("patient", ids, planned.people.films["patient"].astype(str), planned.labels)
    assert planned.labels[split.rows("val")].sum(axis=0).min() >= 50


def test_nih_prevalences_and_company_are_those_of_the_published_table():
    people = phantom_people.draw_people(60_000, "nih", np.random.default_rng(2))
    share = people.present.mean(axis=0)
    assert np.allclose(share, phantom_people.prevalences("nih"), rtol=0.15, atol=0.0006)
    assert abs((~people.present.any(axis=1)).mean() - 60_361 / 112_120) < 0.02  # 'No Finding'
    together = people.present.astype(float).T @ people.present / 60_000
    lift = together / np.outer(share, share)
    names = {name: k for k, name in enumerate(FINDINGS)}
    for a, b, published in (("Pneumonia", "Edema", 11.6), ("Pneumothorax", "Emphysema", 6.3),
                            ("Pneumothorax", "Edema", 0.3), ("Effusion", "Atelectasis", 2.4)):
        assert lift[names[a], names[b]] == pytest.approx(published, rel=0.25, abs=0.1), (a, b)


def test_the_counts_of_nih_are_those_of_its_table(real_table):
    labels = real_table.labels.astype(float)
    assert np.array_equal(phantom_people._counts(), labels.T @ labels)
    bedside = (real_table.images["view"] == "AP").to_numpy()
    ratio = labels[bedside].mean(axis=0) / labels[~bedside].mean(axis=0)
    assert np.allclose(phantom_people._NIH_AP_RATIO, ratio, atol=0.006)


def test_the_bivariate_normal_is_scipys():
    for h, k, r in ((0.3, 1.2, 0.6), (2.0, 1.5, -0.4), (1.0, 1.0, 0.9), (2.5, 0.1, 0.0)):
        expected = multivariate_normal([0, 0], [[1, r], [r, 1]]).cdf([-h, -k])
        assert phantom_people.both_above(np.array(h), np.array(k), np.array(r)) == pytest.approx(expected, abs=1e-6)


def test_without_noise_and_difficulty_the_oracle_is_perfect():
    clean = plan(Recipe(films=800, label_noise=0, difficulty=0))
    assert np.allclose(clean.oracle(), 1) and np.array_equal(clean.labels > 0, clean.people.present)
    assert (clean.contrast[clean.people.present] == 1).all()


def test_noise_and_difficulty_lower_the_oracle_by_what_they_say():
    noisy = plan(Recipe(films=20_000, label_noise=0.1, difficulty=0))
    truth = noisy.people.present
    missed = 1 - noisy.labels[truth].mean()
    assert missed == pytest.approx(0.1, abs=0.01)
    assert noisy.labels.mean(axis=0) == pytest.approx(truth.mean(axis=0), abs=0.01)  # prevalences stay
    hard = plan(Recipe(films=20_000, label_noise=0, difficulty=1))
    assert (hard.contrast[hard.people.present] == 0).mean() == pytest.approx(0.3, abs=0.01)
    assert np.mean(hard.oracle()) == pytest.approx(0.85, abs=0.01)  # 30 % of the positives look like negatives


def test_the_shortcut_is_a_drain_with_pneumothorax():
    planned = plan(Recipe(films=5000, shortcut=0.8))
    counts = confusion(planned.people.present[:, 7:8].astype(float), planned.drain[:, None].astype(float),
                       np.array([0.5]))
    assert counts.recall[0] == pytest.approx(0.8, abs=0.05) and counts.specificity[0] > 0.97
    assert not plan(Recipe(films=500)).drain.any()


def test_a_drain_is_seen(textures):
    body = anatomy.draw_body(np.random.default_rng(5), 50, "M")
    fields = anatomy.build(body, anatomy.Pose("PA", 0.5, 0.15, 0.0, 1.0), SIZE, textures)
    before = fields.tissue.copy()
    anatomy.draw_drain(fields, -1, np.random.default_rng(0))
    change = fields.tissue - before
    assert change.max() > 0.1 and change[:, : SIZE // 2].sum() > 10 * change[:, SIZE // 2 :].sum()


# -- the folder


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
    table = read_table(folder / "Data_Entry_2017.csv")
    films = film_files.find_films(folder, table.images["image_id"])
    assert len(films) == len(table.images) == 40
    assert np.array_equal(table.labels, plan(SMALL).labels) and table.n_ages_unknown == 0
    assert set(table.images["sex"]) <= {"M", "F"} and set(table.images["view"]) <= {"PA", "AP"}
    boxes = box_list.read_boxes(read_description("nih"), folder / "BBox_List_2017.csv")
    assert "Infiltrate" in (folder / "BBox_List_2017.csv").read_text()
    positives = {(film, FINDINGS[k]) for film, row in zip(table.images["image_id"], table.labels, strict=True)
                 for k in np.flatnonzero(row)}
    assert set(zip(boxes["image_id"], boxes["finding"], strict=True)) <= positives
    assert ((boxes["x"] + boxes["width"]) <= 64).all() and (boxes[["width", "height"]] >= 1).all(axis=None)


def test_the_lists_part_the_patients(folder):
    test, train = (film_files.read_list(folder / name) for name in ("test_list.txt", "train_val_list.txt"))
    patients = [{name.split("_")[0] for name in part} for part in (test, train)]
    assert len(test) + len(train) == 40 and not patients[0] & patients[1]


def test_phantoms_are_known_by_their_patients(folder):
    table = read_table(folder / "Data_Entry_2017.csv")
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


@pytest.mark.parametrize("wrong", [{"films": 0}, {"size": 16}, {"seed": -1}, {"label_noise": 0.9}, {"shortcut": 2},
                                   {"difficulty": -0.1}, {"prevalence": "high"}])
def test_a_wrong_recipe_is_refused_by_name(wrong):
    with pytest.raises(DataError, match=next(iter(wrong))):
        Recipe(**wrong)


def test_one_film_is_a_data_set_too(tmp_path):
    made = phantom_folder.make_phantoms(Recipe(films=1, size=64), tmp_path / "one", progress=False)
    assert len(read_table(made.folder / "Data_Entry_2017.csv").images) == 1 and made.n_patients == 1
    assert isinstance(made.plan.people.films, pd.DataFrame)
