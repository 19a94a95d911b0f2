"""scripts/gradcam.py: the classic command, which films it takes, what it writes, and every refusal."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from run_scripts import here, in_shell

from cxrcore.cli import parser_for
from cxrcore.config import PROJECT_ROOT, GradcamConfig
from cxrcore.data import films as film_sets
from cxrcore.data.films import FilmSet
from cxrcore.data.phantoms.recipe import FIRST_PATIENT
from cxrcore.errors import UsageError, WorkbenchError
from cxrcore.evaluation.data_set_films import add_dataset
from cxrcore.explain import draw_figures
from cxrcore.explain.draw_figures import caption, draw_figures_of_run, fitted_thresholds
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.localization import boxes_on
from cxrcore.networks import checkpoint as checkpoints
from cxrcore.networks import checkpoint_source
from cxrcore.networks.architectures import ARCHITECTURES, build
from cxrcore.networks.checkpoint import Checkpoint
from cxrcore.store import Store
from cxrcore.store.run_folder import BEST

SIZE = 64


def table_of(folder: Path) -> dict[str, str]:
    return {"csv_path": str(folder / "Data_Entry_2017.csv"), "img_root": str(folder)}


def split_of(folder: Path, scheme: str = "patient") -> FilmSet:
    return film_sets.load_film_set(**table_of(folder), scheme=scheme, seed=0)


def untrained(films: FilmSet, run_id: str, architecture: str = "resnet18") -> Checkpoint:
    torch.manual_seed(0)
    split = {"scheme": films.split.scheme, "seed": films.split.seed, "fingerprint": films.split.fingerprint}
    state = build(architecture, SIZE, len(NIH_FINDINGS)).state_dict()
    return Checkpoint(state, architecture, SIZE, (0.5,) * 3, (0.25,) * 3, "nothing", split, films.table.dataset_id,
                      run_id, epoch=2, findings=NIH_FINDINGS)


def make_run(store: Store, films: FilmSet) -> str:
    """A finished run of an untrained ResNet-18, as a training leaves it."""
    add_dataset(store, films)
    split = (films.split.scheme, films.split.seed, films.split.fingerprint)
    run_id = store.create_run({"name": "mine", "arch": "resnet18"}, films.table.dataset_id, split=split)
    store.run_folder(run_id).mkdir(parents=True)
    checkpoints.save_checkpoint(store.run_folder(run_id) / BEST, untrained(films, run_id))
    store.finish_run(run_id, "finished", best_epoch=2)
    return run_id


@pytest.fixture(scope="module")
def home(tiny_nih, tmp_path_factory) -> tuple[Store, str]:
    """A store with one run on `tiny_nih`; read-only by agreement."""
    store = Store(tmp_path_factory.mktemp("gradcam") / "store.duckdb")
    return store, make_run(store, split_of(tiny_nih))


@pytest.fixture
def figures_of(home, tiny_nih, tmp_path):
    """Draws with the run of `home`; returns the folder and its captions."""

    def make(**flags) -> tuple[Path, pd.DataFrame]:
        store, run_id = home
        given = {"run": run_id} if "weights" not in flags else {}
        config = given | {"store": str(store.path), "samples": 2, "results": str(tmp_path), **table_of(tiny_nih)}
        folder = draw_figures_of_run(GradcamConfig(**config | flags))
        return folder, pd.read_csv(folder / "captions.csv", keep_default_na=False)

    return make


@pytest.fixture
def undrawn(monkeypatch):
    """Single figures of one pixel, where only the choice and the numbers matter."""
    monkeypatch.setattr(draw_figures.figures, "single", lambda *args: Image.new("L", (1, 1)))


def truth(folder: Path) -> pd.DataFrame:
    """Labels of the tiny table by film and finding."""
    table = split_of(folder).table
    return pd.DataFrame(table.labels, table.images["image_id"], NIH_FINDINGS)


# -- the command


def test_the_classic_command_works_verbatim(home, tiny_nih, tmp_path):
    """As it is written everywhere; only --results keeps the project's folder clean."""
    store, run_id = home
    command = ["gradcam.py", "--csv_path", tiny_nih / "Data_Entry_2017.csv", "--img_root", tiny_nih,
               "--weights", "model_best.pth", "--samples", "8", "--results", tmp_path]
    done = in_shell(*command, cwd=PROJECT_ROOT, CXR_STORE=str(store.path))
    assert done.returncode == 0, done.stderr
    assert f"newest finished run, {run_id}" in done.stdout and "8 films with findings" in done.stdout
    folder = tmp_path / "gradcam" / run_id
    captions = pd.read_csv(folder / "captions.csv")
    assert captions["image_id"].nunique() == 8
    assert {path.name for path in folder.iterdir()} == {"contact_sheet.png", "captions.csv", *captions["file"]}
    first = captions.iloc[0]
    assert first["file"] == f"{first['image_id'][:-4]}__{first['finding']}.png"
    assert Image.open(folder / first["file"]).size[0] > 1000 and str(folder) in done.stdout


def test_the_command_line_refuses_as_the_other_scripts_do():
    done = here("gradcam.py", "--samples", "0")
    assert done.returncode == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert "--samples: 0 is below 1" in done.stderr


@pytest.mark.parametrize(("name", "text"), [("samples", "0"), ("samples", "51"), ("samples", "x"), ("seed", "-1"),
                                            ("split", "all")])
def test_flags_without_sense_are_refused_before_anything_starts(name, text):
    with pytest.raises(UsageError, match=f"--{name}"):
        parser_for(GradcamConfig, "x").parse_args([f"--{name}", text])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_gives_figures(architecture, figures_of, tiny_nih, tmp_path, monkeypatch):
    """From a checkpoint that no store knows, held in memory: the largest would fill half a gigabyte of disk."""
    made = untrained(split_of(tiny_nih), "elsewhere", architecture)
    monkeypatch.setattr(draw_figures.checkpoints, "load_checkpoint", lambda path: made)
    folder, captions = figures_of(weights=str(tmp_path / "foreign.pth"), samples=1)
    assert folder == tmp_path / "gradcam" / "foreign"
    assert (captions["threshold"] == 0.5).all() and captions["energy"].ge(0).all()
    for name in captions["file"]:
        image = np.asarray(Image.open(folder / name)).astype(int)
        assert image.shape[1] > 1000
    assert Image.open(folder / "contact_sheet.png").size[1] > 400


# -- which films


def test_films_come_from_test_and_show_many_findings(figures_of, tiny_nih, undrawn):
    _, captions = figures_of(samples=6)
    films = split_of(tiny_nih)
    assert set(captions["image_id"]) <= set(films.image_ids(films.on_disk("test")))
    assert set(captions["split"]) == {"test"}
    labels = truth(tiny_nih)
    for image_id, rows in captions.groupby("image_id"):  # one map for each of its findings
        assert sorted(rows["finding"]) == sorted(labels.columns[labels.loc[image_id] == 1])
    assert captions.groupby("image_id", sort=False)["finding"].first().nunique() == 6
    assert captions["patient_id"].nunique() == 6


def test_the_choice_is_seeded(figures_of, undrawn):
    first, again, other = (figures_of(samples=4, seed=seed)[1] for seed in (0, 0, 1))
    assert first.equals(again) and set(first["image_id"]) != set(other["image_id"])


@pytest.mark.parametrize("split", ["train", "val"])
def test_another_split_can_be_asked_for(figures_of, tiny_nih, split, undrawn):
    films = split_of(tiny_nih)
    _, captions = figures_of(split=split)
    assert set(captions["image_id"]) <= set(films.image_ids(films.on_disk(split)))


def test_a_named_finding_takes_its_films_alone(figures_of, tiny_nih, undrawn):
    _, captions = figures_of(finding="pleural thickening", samples=50)
    films, labels = split_of(tiny_nih), truth(tiny_nih)
    with_it = set(labels.index[labels["Pleural_Thickening"] == 1]) & set(films.image_ids(films.on_disk("test")))
    assert set(captions["finding"]) == {"Pleural_Thickening"}
    assert sorted(captions["image_id"]) == sorted(with_it) and with_it


def test_another_table_means_unknown_training_films(tiny_nih_copy, figures_of, capsys, undrawn):
    table = tiny_nih_copy / "Data_Entry_2017.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:-1]) + "\n")
    _, captions = figures_of(**table_of(tiny_nih_copy))
    assert set(captions["split"]) == {"training films unknown"} and "training films unknown" in capsys.readouterr().out
    with pytest.raises(WorkbenchError, match="--split test cannot be told"):
        figures_of(**table_of(tiny_nih_copy), split="test")


def test_without_test_films_val_is_taken(tiny_nih, tmp_path):
    """The random split has train and val only."""
    films = split_of(tiny_nih, "random")
    store = Store(tmp_path / "random" / "store.duckdb")
    run_id = make_run(store, films)
    folder = draw_figures_of_run(GradcamConfig(run=run_id, store=str(store.path), samples=1, results=str(tmp_path),
                                               **table_of(tiny_nih)))
    assert set(pd.read_csv(folder / "captions.csv")["split"]) == {"val"}


# -- what is said and drawn


def test_numbers_are_the_networks(figures_of, home, tiny_nih, undrawn):
    _, captions = figures_of(samples=3)
    store, run_id = home
    model = checkpoints.load_checkpoint(store.run_folder(run_id) / BEST).model()
    films = split_of(tiny_nih)
    assert captions["image_id"].nunique() == 3
    for row in captions.itertuples():
        pixels = np.asarray(Image.open(films.paths[row.image_id]).convert("L"), np.float32) / 255  # 64 px: no resize
        with torch.inference_mode():
            logits = model(torch.from_numpy((pixels - 0.5) / 0.25).expand(1, 3, -1, -1))[0].numpy()
        assert row.logit == pytest.approx(logits[NIH_FINDINGS.index(row.finding)], abs=1e-4)
        assert row.score == pytest.approx(1 / (1 + np.exp(-row.logit)), abs=1e-6)
        assert row.alarm == (row.score >= row.threshold) and row.label == 1
        assert row.opacity == pytest.approx(min(1, row.score / row.threshold))


def test_thresholds_are_those_fitted_on_val_for_this_very_checkpoint(tiny_nih, tmp_path):
    store, films = Store(tmp_path / "runs" / "store.duckdb"), split_of(tiny_nih)
    run_id = make_run(store, films)
    assert (fitted_thresholds(store, run_id, "sha", NIH_FINDINGS).values == 0.5).all()
    ids = films.image_ids(films.on_disk("val")).tolist()

    def fitted(value: float, sha: str, n: int, split: str = "val", objective: str = "max_f1") -> None:
        saved = store.save_predictions(run_id, films.table.dataset_id, split, ids[:n], np.full((n, 14), 0.1),
                                       checkpoint_sha256=sha, n_expected=len(ids))
        store.save_threshold_set(saved, "max F1", objective, np.full(14, value),
                                 parameters={"unstable": ["Mass"], "not_fitted": ["Hernia"]})

    fitted(0.1, "another", len(ids))
    fitted(0.2, "sha", len(ids), split="test")
    fitted(0.3, "sha", len(ids), objective="classic")
    assert (fitted_thresholds(store, run_id, "sha", NIH_FINDINGS).values == 0.5).all()
    fitted(0.4, "sha", len(ids))
    fitted(0.6, "sha", 3)  # a subset does not take the place of the whole
    found = fitted_thresholds(store, run_id, "sha", NIH_FINDINGS)
    assert (found.values == 0.4).all() and "val" in found.source
    notes = dict(zip(NIH_FINDINGS, found.notes, strict=True))
    assert "unstable" in notes["Mass"] and "not fitted" in notes["Hernia"] and notes["Edema"] == ""


NUMBERS = {"score": 0.25, "threshold": 0.5, "logit": -1.0986, "energy": 2.0, "label": 1, "alarm": False,
           "opacity": 0.5, "threshold_note": ""}


@pytest.mark.parametrize(("change", "peak", "said"), [
    ({}, 1, ["score 0.250, threshold 0.500: no alarm", "logit −1.10, energy 2, label positive", "50%"]),
    ({"score": 0.7, "alarm": True, "opacity": 1.0}, 1, [": alarm"]),
    ({"energy": 0.0}, 0, ["empty map: nothing speaks for it"]),
    ({"energy": 0.3}, 0, ["flat map: no place stands out"]),
    ({"threshold": 1e-7, "threshold_note": "threshold unstable"}, 1, ["threshold <0.001", "threshold unstable"]),
])
def test_captions_say_the_numbers(change, peak, said):
    text = "\n".join(caption(NUMBERS | change, np.full((4, 4), peak)))
    assert all(part in text for part in said), text
    assert ("shown at" in text) == (peak == 1 and (NUMBERS | change)["opacity"] < 1)


def test_boxes_are_in_pixels_of_the_film():
    boxes = pd.DataFrame([("a.png", "Mass", 100.0, 50.0, 200.0, 150.0), ("a.png", "Edema", 0.0, 0.0, 9.0, 9.0),
                          ("b.png", "Mass", 0.0, 0.0, 9.0, 9.0)],
                         columns=["image_id", "finding", "x", "y", "width", "height"])
    film = np.zeros((300, 500), np.uint8)
    assert boxes_on(boxes, "a.png", "Mass", film).tolist() == [[100, 50, 200, 150]]
    assert boxes_on(boxes, "b.png", "Edema", film).shape == boxes_on(None, "a.png", "Mass", film).shape == (0, 4)
    smaller = np.zeros((128, 256), np.uint8)  # the list reaches beyond it: a small copy of a film of 1024 x 1024
    assert boxes_on(boxes, "a.png", "Mass", smaller).tolist() == [[25, 6.25, 50, 18.75]]


def test_boxes_are_counted_where_there_are_some(figures_of, tiny_nih, undrawn):
    films = split_of(tiny_nih)
    listed = films.boxes.groupby(["image_id", "finding"]).size()
    _, captions = figures_of(finding="Effusion", split="train", samples=50)
    counted = captions.set_index("image_id")["n_boxes"]
    expected = {image_id: n for (image_id, finding), n in listed.items() if finding == "Effusion"}
    assert any(expected.get(image_id, 0) for image_id in counted.index)
    assert all(n == expected.get(image_id, 0) for image_id, n in counted.items())


@pytest.mark.parametrize("phantoms", [True, False])
def test_figures_of_phantoms_are_marked(phantoms, tiny_nih_copy, figures_of, monkeypatch):
    if phantoms:
        table = tiny_nih_copy / "Data_Entry_2017.csv"
        header, *rows = (line.split(",") for line in table.read_text().splitlines())
        for row in rows:
            row[3] = str(int(row[3]) + FIRST_PATIENT)
        table.write_text("\n".join(map(",".join, [header, *rows])) + "\n")
    marked = []
    for name in ("single", "contact_sheet"):
        drawn = getattr(draw_figures.figures, name)
        monkeypatch.setattr(draw_figures.figures, name,
                            lambda *args, drawn=drawn: marked.append(args[-1]) or drawn(*args))
    figures_of(**table_of(tiny_nih_copy), samples=1)
    assert set(marked) == {phantoms}


def test_drawing_again_replaces_its_own_files_only(figures_of, undrawn):
    folder, first = figures_of(seed=0)
    (folder / "notes.txt").write_text("mine")
    (folder / "mine.png").write_bytes(b"mine")
    _, second = figures_of(seed=5)
    assert not set(first["file"]) & set(second["file"])
    assert {path.name for path in folder.iterdir()} == {"notes.txt", "mine.png", "captions.csv", "contact_sheet.png",
                                                        *second["file"]}


@pytest.mark.parametrize("content", ["", "\x00\x01", "other\n1\n", 'file\n"../outside.png"\n'])
def test_a_foreign_list_of_captions_removes_nothing(figures_of, content, undrawn):
    folder, _ = figures_of()
    outside = folder.parent / "outside.png"
    outside.write_bytes(b"mine")
    (folder / "captions.csv").write_text(content)
    figures_of()
    assert outside.exists()


# -- bad input


def _damage(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        path.write_bytes(path.read_bytes()[:200])


def _no_positives(folder: Path) -> None:
    table = folder / "Data_Entry_2017.csv"
    table.write_text("\n".join(line.replace("|Hernia", "").replace(",Hernia,", ",Mass,")
                               for line in table.read_text().splitlines()) + "\n")


def _no_findings(folder: Path) -> None:
    table = folder / "Data_Entry_2017.csv"
    header, *rows = (line.split(",") for line in table.read_text().splitlines())
    table.write_text("\n".join(map(",".join, [header, *([row[0], "No Finding", *row[2:]] for row in rows)])) + "\n")


def _no_films(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        path.unlink()


@pytest.mark.parametrize(("flags", "damage", "said"), [
    ({"finding": "Gout"}, None, ["unknown finding 'Gout'", "Atelectasis", "Hernia"]),
    ({"finding": "Hernia"}, _no_positives, ["0 of the 160 films", "Hernia"]),
    ({}, _no_findings, ["0 of the 160 films", "have a finding"]),
    ({}, _no_films, ["images_001/images"]),
    ({}, _damage, ["damaged or truncated", "--seed"]),
    ({"csv_path": "nowhere.csv"}, None, ["no such CSV"]),
    ({"run": "r1"}, None, ["no run 'r1'"]),
    ({"run": None}, None, ["--run RUN_ID", "--weights PATH"]),
    ({"weights": "nothing.pth"}, None, ["no such weights file"]),
    ({"results": "a_file"}, None, ["cannot be made"]),
])
def test_mistakes_are_one_line_and_write_nothing(flags, damage, said, figures_of, tiny_nih_copy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a_file").touch()
    if damage:
        damage(tiny_nih_copy)
    with pytest.raises(WorkbenchError) as told:
        figures_of(**table_of(tiny_nih_copy) | flags)
    text = str(told.value)
    assert "\n" not in text and all(part in text for part in said), text
    assert not (tmp_path / "gradcam").exists()


def test_a_run_without_films_of_the_finding_says_where_there_are_some(figures_of, tiny_nih_copy):
    """The split is the run's own; only train's films with it are left on disk."""
    films = split_of(tiny_nih_copy)
    has_it = films.table.labels[:, NIH_FINDINGS.index("Edema")] == 1
    for part in ("val", "test"):
        for row in films.on_disk(part)[has_it[films.on_disk(part)]]:
            films.paths[films.image_ids(row)].unlink()
    n_train = has_it[films.on_disk("train")].sum()
    said = f"have Edema in their label; on disk with it: train {n_train}, val 0, test 0"
    with pytest.raises(WorkbenchError, match=said):
        figures_of(**table_of(tiny_nih_copy), finding="Edema")


def test_a_run_without_its_films_names_the_splits(figures_of, tiny_nih_copy):
    films = split_of(tiny_nih_copy)
    for part in ("val", "test"):
        for image_id in films.image_ids(films.on_disk(part)):
            films.paths[image_id].unlink()
    with pytest.raises(WorkbenchError, match=r"no film of test and val is on disk .*train \d+, val 0, test 0"):
        figures_of(**table_of(tiny_nih_copy))


def test_paths_default_to_the_runs_own(home, tiny_nih, tmp_path):
    store = Store(tmp_path / "own" / "store.duckdb")
    films = split_of(tiny_nih)
    add_dataset(store, films)
    run_id = store.create_run({"name": "a", "arch": "resnet18", **table_of(tiny_nih)}, films.table.dataset_id)
    made = untrained(films, run_id)
    assert checkpoint_source.load_films(store, made, None, None).table.dataset_id == films.table.dataset_id
