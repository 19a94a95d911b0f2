"""Whether a film looks like a run's training films: numbers, real networks on synthetic films, files, and the hook."""

import io
import pickle
import re
from contextlib import redirect_stdout

import numpy as np
import pytest
import torch

from cxrcore.config import EvalConfig, TrainConfig
from cxrcore.data.phantoms import recipe
from cxrcore.data.phantoms.textures import Textures
from cxrcore.data.pixels import film_file
from cxrcore.errors import DataError
from cxrcore.evaluation import evaluate_run
from cxrcore.networks.architectures import build
from cxrcore.networks.batches import InputSpec, normalise
from cxrcore.networks.input_check import familiarity, features, make_check, non_films
from cxrcore.networks.input_check.familiarity import OTHER, TURNED, UPRIGHT, InputCheck
from cxrcore.store import Store
from cxrcore.store.run_folder import INPUT_CHECK
from cxrcore.training import train_run

SPEC = InputSpec((0.5,) * 3, (0.25,) * 3)
SIZE, N_TRAIN, N_NEW = 64, 150, 100


# -- numbers


def clouds(rng: np.random.Generator, n: int, state: str | None = None, wide: float = 1.0) -> np.ndarray:
    """Features (n, 60) with three wide directions, and moved along one of the others for a turned state."""
    place = np.zeros(60) if state is None else 7 * np.eye(60)[10 + TURNED.index(state)]
    wide_ones = np.zeros((n, 60))
    wide_ones[:, :3] = rng.normal(0, 4, (n, 3))
    return (wide_ones + rng.normal(0, 1, (n, 60)) * wide + place).astype(np.float32)


@pytest.fixture(scope="module")
def simple() -> InputCheck:
    rng = np.random.default_rng(0)
    turned = {state: clouds(rng, 80, state) for state in TURNED}
    return InputCheck.fit(clouds(rng, 400), turned, {"far": clouds(rng, 20, wide=9)}, clouds(rng, 100), "abc")


def test_films_of_the_same_kind_are_rarely_warned_of(simple):
    found = simple.check_all(clouds(np.random.default_rng(1), 2_000))
    assert np.mean([f.reason is not None for f in found]) < 0.02
    assert np.mean([f.percentile for f in found]) == pytest.approx(50, abs=5)
    assert np.mean([f.distance for f in found]) < 1


def test_turned_ones_are_named_and_others_are_not_called_turned(simple):
    rng = np.random.default_rng(2)
    for state in TURNED:
        reasons = [f.reason for f in simple.check_all(clouds(rng, 100, state))]
        assert reasons.count(state) >= 90 and None not in reasons
    far = simple.check_all(clouds(rng, 100, wide=9))
    assert {f.reason for f in far} == {OTHER} and min(f.distance for f in far) > 1
    assert {f.percentile for f in far} == {100.0}


def test_one_film_is_checked_as_many_are(simple):
    films = clouds(np.random.default_rng(3), 20, wide=1.6)
    one_by_one = [simple.check(film) for film in films]
    for one, among in zip(one_by_one, simple.check_all(films), strict=True):
        assert one.reason == among.reason and one.distance == pytest.approx(among.distance, rel=1e-4)


def test_features_without_meaning_are_warned_of(simple):
    for value in (np.nan, np.inf, -np.inf, 1e30):
        assert simple.check(np.full(60, value, np.float32)).reason == OTHER


def test_too_few_films_make_no_check():
    few = np.zeros((familiarity.LEAST - 1, 5), np.float32)
    with pytest.raises(DataError, match="needs 150 training films, not 149"):
        InputCheck.fit(few, dict.fromkeys(TURNED, few), {}, few)


def test_rates_are_counted(simple):
    rng = np.random.default_rng(4)
    measured = simple.measure({UPRIGHT: clouds(rng, 50), "down": clouds(rng, 40, "down"), "odd": clouds(rng, 30)})
    upright, down, odd = measured.measured
    assert (upright.kind, upright.n, upright.warned <= 2, upright.named) == (UPRIGHT, 50, True, 0)
    assert (down.n, down.warned) == (40, 40) and down.named >= 36
    assert odd.warned <= 2
    assert f"{upright.warned} of 50 held-out films warned of; {70 - 40 - odd.warned} of 70 other images missed (odd " \
        in measured.describe()


# -- files


def test_a_saved_check_says_the_same(simple, tmp_path):
    made = simple.measure({UPRIGHT: clouds(np.random.default_rng(5), 50), "far": np.zeros((0, 60), np.float32)})
    made.save(tmp_path / INPUT_CHECK)
    read = InputCheck.load(tmp_path / INPUT_CHECK)
    films = clouds(np.random.default_rng(6), 50, wide=1.6)
    assert [f.reason for f in read.check_all(films)] == [f.reason for f in made.check_all(films)]
    assert [f.distance for f in read.check_all(films)] == [f.distance for f in made.check_all(films)]
    assert (read.measured, read.checkpoint_sha256) == (made.measured, "abc")
    assert [path.name for path in tmp_path.iterdir()] == [INPUT_CHECK]


def test_a_file_that_holds_no_check_is_refused_in_words(simple, tmp_path):
    path = tmp_path / INPUT_CHECK
    with pytest.raises(DataError, match=r"no input check \(input_check\.npz\): evaluate it with scripts/eval\.py"):
        InputCheck.load(path)
    simple.save(path)
    whole = path.read_bytes()
    for data in (whole[:500], b"", b"no archive", pickle.dumps({"format": 1})):
        path.write_bytes(data)
        with pytest.raises(DataError, match="no input check of this version"):
            InputCheck.load(path)
    np.savez(path, format=99)
    with pytest.raises(DataError, match="no input check of this version"):
        InputCheck.load(path)


# -- features


@pytest.mark.parametrize("architecture", ["mobilenet_v2", "densenet121", "vit_b_16"])
def test_features_come_from_four_stages_and_leave_nothing_behind(architecture):
    torch.manual_seed(0)
    model = build(architecture, SIZE, 14).eval()
    films = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE), np.uint8)
    found = features.extract(model, SPEC, films, batch_size=2)
    assert found.dtype == np.float32 and len(found) == 3 and np.isfinite(found).all()
    assert 500 < found.shape[1] <= features.STAGES * features.CHANNELS * (features.GRID**2 + 1)
    assert not any(module._forward_hooks for module in model.modules())
    with features.reading(model) as read, torch.inference_mode():
        logits = model(normalise(torch.from_numpy(films[:1])[:, None], SPEC))
        assert logits.shape == (1, 14)  # the forward that scores is the one that is read
        assert np.allclose(read().numpy(), found[:1], atol=1e-4)


# -- synthetic films and other images


@pytest.fixture(scope="module")
def films() -> np.ndarray:
    """Phantoms, uint8 (250, 64, 64); those of a patient next to each other."""
    planned, textures = recipe.plan(recipe.Recipe(films=N_TRAIN + N_NEW, size=SIZE, seed=3)), Textures(SIZE)
    return np.stack([recipe.draw_film(planned, i, textures)[0] for i in range(N_TRAIN + N_NEW)])


@pytest.fixture(scope="module")
def model():
    """Untrained: the weakest features there are."""
    torch.manual_seed(0)
    return build("resnet18", SIZE, 14).eval()


@pytest.fixture(scope="module")
def made(films, model) -> InputCheck:
    def read(pixels: np.ndarray) -> np.ndarray:
        return features.extract(model, SPEC, pixels)

    train, new = films[:N_TRAIN], films[N_TRAIN:]
    turned = {state: read(turn(train[::2])) for state, turn in non_films.TURNS.items()}
    others = {kind: read(drawn) for kind, drawn in non_films.drawn(SIZE, measuring=False).items()}
    return InputCheck.fit(read(train), turned, others, read(new[:50]))


def photographs() -> list[np.ndarray]:
    """Those that scikit-image brings along, grey, and a piece of each."""
    data = pytest.importorskip("skimage.data")
    names = ("astronaut", "brick", "camera", "cat", "cell", "coffee", "coins", "clock", "colorwheel", "grass", "gravel",
             "hubble_deep_field", "immunohistochemistry", "moon", "page", "retina", "rocket", "text")
    whole = [film_file.to_gray(_png(getattr(data, name)())) for name in names]
    return whole + [film[: len(film) // 2, : film.shape[1] // 2] for film in whole]


def _png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_other_images_are_warned_of_and_new_films_are_not(films, model, made):
    """The bar, with an untrained network: 95 % of other images, 2 % of films."""
    new = films[N_TRAIN + 50 :]
    others = {kind: list(drawn) for kind, drawn in non_films.drawn(SIZE, measuring=True).items()}
    others["photograph"] += [film_file.resize(film, SIZE) for film in photographs()]
    others |= {state: list(turn(new)) for state, turn in non_films.TURNS.items()}
    measured = made.measure({UPRIGHT: features.extract(model, SPEC, new)} | {
        kind: features.extract(model, SPEC, np.stack(drawn)) for kind, drawn in others.items()})
    print(measured.describe())
    upright, *rest = measured.measured
    assert upright.warned <= 0.02 * upright.n
    assert sum(m.n for m in rest) >= 200 and sum(m.warned for m in rest) >= 0.95 * sum(m.n for m in rest)
    for m in rest:
        assert m.warned >= 0.8 * m.n and (m.kind not in TURNED or m.named >= 0.9 * m.n), m


def test_brightness_and_contrast_alone_are_no_reason(films, model, made):
    """No rule of mean brightness: films a little brighter, darker or flatter are still films."""
    new = films[N_TRAIN + 50 :].astype(np.float32)
    for changed in (new + 8, new - 8, 128 + (new - 128) * 0.93):
        pixels = np.clip(changed, 0, 255).astype(np.uint8)
        reasons = [found.reason for found in made.check_all(features.extract(model, SPEC, pixels))]
        assert np.mean([reason is not None for reason in reasons]) <= 0.1
    same_mean = np.full((1, SIZE, SIZE), round(float(new.mean())), np.uint8)
    assert made.check_all(features.extract(model, SPEC, same_mean))[0].reason is not None


def test_images_to_measure_on_have_nothing_in_common_with_those_to_make_from():
    make, measure = (non_films.drawn(32, measuring) for measuring in (False, True))
    assert make.keys() == measure.keys() and {"noise", "blank", "text", "photograph"} <= make.keys()
    for kind in make:
        assert make[kind].shape == (20, 32, 32) and make[kind].dtype == np.uint8
        if kind != "blank":  # a black square is a black square
            assert not (make[kind][:, None] == measure[kind][None]).all(axis=(2, 3)).any()


# -- at the end of a training, and of an evaluation


@pytest.fixture
def enough(monkeypatch):
    monkeypatch.setattr(familiarity, "LEAST", 60)


def trained(folder, tmp_path) -> tuple[Store, str, str]:
    told = io.StringIO()
    with redirect_stdout(told):
        run_id = train_run.train(TrainConfig(
            csv_path=str(folder / "Data_Entry_2017.csv"), img_root=str(folder), arch="resnet18", epochs=1, img_size=32,
            init="random", precision="fp32", store=str(tmp_path / "store.duckdb"), results=str(tmp_path / "results")))
    return Store(tmp_path / "store.duckdb"), run_id, told.getvalue()


def test_a_training_leaves_a_check_and_an_evaluation_mends_a_missing_one(tiny_nih, tmp_path, enough, capsys):
    store, run_id, told = trained(tiny_nih, tmp_path)
    assert re.search(r"input check: from 1\d\d training and \d+ validation films", told)
    assert "held-out films warned of" in told
    path = make_check.path_of(store, run_id)
    first, written = InputCheck.load(path), path.stat().st_mtime_ns
    kinds = [m.kind for m in first.measured]
    assert kinds[0] == UPRIGHT and set(TURNED) < set(kinds) and all(m.n > 0 for m in first.measured)
    again = EvalConfig(run=run_id, store=str(store.path), results=str(tmp_path / "results"))
    evaluate_run.evaluate(again)
    assert path.stat().st_mtime_ns == written  # there already
    path.unlink()
    evaluate_run.evaluate(again)
    assert "input check: from" in capsys.readouterr().out
    assert InputCheck.load(path).measured == first.measured
    path.write_bytes(b"damaged")
    evaluate_run.evaluate(again)
    assert InputCheck.load(path).checkpoint_sha256 == first.checkpoint_sha256


def test_a_tiny_data_set_gets_none_and_is_told(tiny_nih, tmp_path):
    store, run_id, told = trained(tiny_nih, tmp_path)
    assert re.search(r"input check: not made, it needs 150 training films and there are 1\d\d\n", told)
    assert not make_check.path_of(store, run_id).exists()


def test_a_check_that_cannot_be_made_fails_no_training(tiny_nih, tmp_path, enough, monkeypatch):
    def unreadable(*_: object, **__: object) -> None:
        raise DataError("films cannot be read")

    monkeypatch.setattr(make_check, "prepare", unreadable)
    store, run_id, told = trained(tiny_nih, tmp_path)
    assert "note: no input check was made: films cannot be read" in told
    assert store.run(run_id)["status"] == "finished" and not make_check.path_of(store, run_id).exists()
