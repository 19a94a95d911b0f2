"""Which runs are repeats of one training, what they are called, and what they look like."""

import pytest
from seeded_runs import add_run, make_store

from cxrcore.queries import from_store, run_groups
from cxrcore.queries.repeats.trainings import places_of, shared_name, trainings


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path / "store.duckdb")


def trainings_of(store, run_ids=None):
    runs = from_store.overview(store).runs
    rows = runs.set_index("run_id", drop=False).loc[list(run_ids or runs["run_id"][::-1])].reset_index(drop=True)
    return trainings(rows, run_groups.run_labels(runs))


@pytest.mark.parametrize(("names", "shared"), [
    (["DenseNet-121 · seed 0", "DenseNet-121 · seed 1"], "DenseNet-121"),
    (["VGG16 · focal · seed 1", "VGG16 · focal · seed 10"], "VGG16 · focal"),
    (["weighted", "weighted"], "weighted"),
    (["long run seed 10", "long run seed 11", "long run seed 12"], "long run"),
    (["efficientnet_b0-seed0", "efficientnet_b0-seed1"], "efficientnet_b0"),
    (["resnet18", "resnet18 again"], "resnet18"),
    (["a", "b"], ""), (["", ""], ""),
])
def test_repeats_are_called_what_their_names_share(names, shared):
    assert shared_name(names) == shared


def test_runs_that_differ_in_their_seed_alone_are_one_training(store):
    first = [add_run(store, f"ResNet-18 · seed {seed}", seed=seed) for seed in (1, 0)]
    add_run(store, "again", seed=1)  # the same training once more shows no spread
    other = add_run(store, "ResNet-18 · seed 5", seed=5, lr=1e-3)
    elsewhere = add_run(store, "ResNet-18 · seed 2", seed=2, fingerprint="zzz")
    found = trainings_of(store)
    assert [one.run_ids for one in found] == [tuple(first), (other,), (elsewhere,)]
    assert found[0].seeds == ("1", "0") and found[0].in_words.endswith("(2 runs)")
    assert found[1].name == found[1].in_words == "ResNet-18 · seed 5" and not found[1].repeated


def test_trainings_of_one_name_are_told_apart_by_what_differs(store):
    for lr in (1e-4, 1e-3):
        for seed in (0, 1):
            add_run(store, f"mine {seed}", seed=seed, lr=lr)
    assert [one.name for one in trainings_of(store)] == ["mine · lr 0.0001", "mine · lr 0.001"]
    for seed in (0, 1):
        add_run(store, f"mine {seed}", seed=seed, init="x" * 40, start_weights={"file_sha256": "f" * 64})
    names = [one.name for one in trainings_of(store)]
    assert len(set(names)) == 3 and all(len(name) == len("mine · ") + 6 for name in names)


def test_imported_runs_are_no_repeats(store):
    for name in "ab":
        store.create_run({"name": name, "arch": "resnet18"}, "films", kind="imported")
    assert [one.repeated for one in trainings_of(store)] == [False, False]


def test_a_training_wears_the_place_of_its_first_run_where_colours_differ(store):
    runs = [add_run(store, f"{lr} · seed {seed}", seed=seed, lr=lr) for lr in (1e-4, 1e-3) for seed in (0, 1, 2)]
    found = trainings_of(store, runs)
    places = {run_id: place for place, run_id in enumerate(runs)}
    assert list(places_of(found, places).values()) == [0, 0, 0, 3, 3, 3]
    far = places | {runs[3]: 6, runs[4]: 7, runs[5]: 8}  # the colour of place 0 once more
    assert list(places_of(found, far).values()) == [0, 0, 0, 1, 1, 1]
