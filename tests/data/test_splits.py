"""Splits and subsets: who is where, and that it depends on nothing but films, labels and seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxrcore.config import SPLIT_SCHEMES
from cxrcore.data import film_files, films, splits
from cxrcore.errors import DataError
from cxrcore.findings import NIH_FINDINGS

DRAWN = tuple(scheme for scheme in SPLIT_SCHEMES if scheme != "given")


@pytest.fixture(scope="module")
def many():
    """3,000 films of about 1,000 patients at NIH-like prevalences: image ids, patients, labels."""
    rng = np.random.default_rng(1)
    patients = np.sort(rng.integers(0, 1000, 3000))
    prevalence = np.array([10, 2.5, 12, 18, 5, 5.6, 1.3, 4.7, 4.2, 2, 2.2, 1.5, 3, 0.6]) / 100
    labels = (rng.random((3000, 14)) < prevalence).astype(np.float32)
    return np.array([f"{i:08d}_000.png" for i in range(3000)]), patients.astype(str), labels


def shares(split: splits.Split) -> np.ndarray:
    """Share of the films in each part."""
    return np.bincount(split.assignment, minlength=3) / len(split.assignment)


# -- what a split promises


@pytest.mark.parametrize("seed", [0, 1, 17])
def test_the_patient_split_parts_no_patient_and_keeps_its_shares(many, seed):
    split = splits.draw_split("patient", *many, seed)
    assert splits.leaked_patients(split, many[1]) == 0
    assert shares(split) == pytest.approx([0.7, 0.1, 0.2], abs=0.005)
    together = np.concatenate([split.rows(part) for part in splits.SPLITS])
    assert sorted(together) == list(range(3000))


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2**14 - 1)), min_size=1, max_size=60), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_no_table_makes_a_patient_stand_in_two_parts(rows, seed):
    patients = [str(patient) for patient, _ in rows]
    labels = np.array([[bits >> i & 1 for i in range(14)] for _, bits in rows], np.float32)
    split = splits.draw_split("patient", [f"{i}.png" for i in range(len(rows))], patients, labels, seed)
    assert splits.leaked_patients(split, patients) == 0
    assert set(split.assignment) <= {0, 1, 2}


@pytest.mark.parametrize("scheme, wanted", [("patient", (0.7, 0.1, 0.2)), ("random", (0.8, 0.2, 0))])
def test_each_finding_is_dealt_out_in_the_shares_of_the_films(many, scheme, wanted):
    split, labels = splits.draw_split(scheme, *many, 0), many[2]
    for part, share in enumerate(wanted):
        of_finding = labels[split.assignment == part].sum(axis=0) / labels.sum(axis=0)
        slack = 0.03 + 3 / labels.sum(axis=0)  # three films, for the rare ones
        assert (np.abs(of_finding - share) <= slack).all(), dict(zip(NIH_FINDINGS, of_finding, strict=True))


def test_the_random_split_leaks_patients_and_has_no_test_part(many):
    split = splits.draw_split("random", *many, 0)
    assert splits.leaked_patients(split, many[1]) > 100
    assert shares(split) == pytest.approx([0.8, 0.2, 0], abs=0.005)
    assert "random" in splits.LEAKY_SCHEMES


@pytest.mark.parametrize("scheme", DRAWN)
def test_a_seed_gives_one_split_and_another_seed_another(many, scheme):
    test = set(many[0][:600])
    first, again, other = (splits.draw_split(scheme, *many, seed, test) for seed in (3, 3, 4))
    assert (first.assignment == again.assignment).all() and first.fingerprint == again.fingerprint
    assert first.fingerprint != other.fingerprint


@pytest.mark.parametrize("scheme", DRAWN)
def test_the_order_of_the_rows_does_not_matter(many, scheme):
    """The table of 2020 lists the same films in another order."""
    ids, patients, labels = many
    order, test = np.random.default_rng(5).permutation(len(ids)), set(ids[:600])
    first = splits.draw_split(scheme, ids, patients, labels, 0, test)
    other = splits.draw_split(scheme, ids[order], patients[order], labels[order], 0, test)
    assert other.fingerprint == first.fingerprint
    assert (other.assignment == first.assignment[order]).all()


def test_a_given_split_is_taken_as_it_is_in_any_order(many):
    ids, patients, labels = many
    rng = np.random.default_rng(5)
    given, order = rng.choice(splits.SPLITS, len(ids)), rng.permutation(len(ids))
    first = splits.draw_split("given", ids, patients, labels, 0, given=given)
    assert (np.array(splits.SPLITS)[first.assignment] == given).all()
    other = splits.draw_split("given", ids[order], patients[order], labels[order], 7, given=given[order])
    assert (other.fingerprint, other.seed) == (first.fingerprint, 0)


def test_the_fingerprint_is_of_films_and_parts(many):
    ids = many[0]
    split = splits.draw_split("patient", *many, 0)
    moved = split.assignment.copy()
    moved[0] = (moved[0] + 1) % 3
    assert splits.fingerprint(ids, moved) != split.fingerprint
    renamed = np.array(["x.png", *ids[1:]])
    assert splits.fingerprint(renamed, split.assignment) != split.fingerprint


def test_unknown_labels_are_no_positives(many):
    ids, patients, labels = many
    unknown = np.where(labels > 0, 1, np.nan)
    assert (
        splits.draw_split("patient", ids, patients, unknown).fingerprint
        == splits.draw_split("patient", *many).fingerprint
    )


# -- the official list


def test_the_official_test_part_is_the_list(many):
    ids, patients, labels = many
    listed = set(ids[np.isin(patients, np.unique(patients)[:200])]) | {"of_another_table.png"}
    split = splits.draw_split("official", ids, patients, labels, 0, listed)
    assert set(ids[split.rows("test")]) == listed - {"of_another_table.png"}
    assert splits.leaked_patients(split, patients) == 0
    train, val = len(split.rows("train")), len(split.rows("val"))
    assert val / (train + val) == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("listed, says", [
    (None, "needs test_list.txt"), (set(), "needs test_list.txt"), ({"of_another.png"}, "needs test_list.txt"),
    ("all", "leaves none to train on"),
])
def test_an_official_list_that_divides_nothing_is_refused(many, listed, says):
    with pytest.raises(DataError, match=says):
        splits.draw_split("official", *many, 0, set(many[0]) if listed == "all" else listed)


def test_an_unknown_scheme_names_the_choices(many):
    with pytest.raises(DataError, match=r"'chronological'.*patient, official, random"):
        splits.draw_split("chronological", *many)


def test_the_published_table_split_officially(shared, real_table):
    ids, patients = real_table.images["image_id"], real_table.images["patient_id"]
    listed = film_files.read_list(shared / "nih" / "test_list.txt")
    split = splits.draw_split("official", ids, patients, real_table.labels, 0, listed)
    test = split.rows("test")
    assert len(test) == 25_596 and patients.iloc[test].nunique() == 2_797
    assert splits.leaked_patients(split, patients) == 0
    prevalence = np.array([12.8, 4.2, 18.2, 23.9, 6.8, 6.3, 2.2, 10.4, 7.1, 3.6, 4.3, 1.7, 4.5, 0.34])
    assert real_table.labels[test].mean(axis=0) * 100 == pytest.approx(prevalence, abs=0.06)


def test_the_published_table_split_by_patient(real_table):
    ids, patients = real_table.images["image_id"], real_table.images["patient_id"]
    split = splits.draw_split("patient", ids, patients, real_table.labels, 0)
    assert splits.leaked_patients(split, patients) == 0
    assert shares(split) == pytest.approx([0.7, 0.1, 0.2], abs=0.001)
    hernias = real_table.labels[:, NIH_FINDINGS.index("Hernia")]
    assert [hernias[split.rows(part)].sum() for part in splits.SPLITS] == pytest.approx([159, 23, 45], abs=2)


# -- subsets


def test_subsets_are_nested_seeded_and_exact(many):
    labels, rows = many[2], np.arange(100, 2900)
    small, large = (splits.subset(rows, labels, size, seed=2) for size in (300, 900))
    assert len(small) == 300 and len(large) == 900 and set(small) < set(large) < set(rows)
    assert (np.diff(small) > 0).all()
    assert (splits.subset(rows, labels, 300, seed=2) == small).all()
    assert set(splits.subset(rows, labels, 300, seed=3)) != set(small)


@pytest.mark.parametrize("size", [200, 500, 1000])
def test_subsets_keep_the_imbalance(many, size):
    labels = many[2]
    chosen = labels[splits.subset(np.arange(len(labels)), labels, size)]
    expected = labels.mean(axis=0) * size
    # An even draw: nearer to the expectation than chance would bring it (a chance draw has z of about 1, up to 3).
    z = (chosen.sum(axis=0) - expected) / np.sqrt(expected)
    assert np.abs(z).max() < 2 and np.sqrt((z**2).mean()) < 0.7


@pytest.mark.parametrize("size", [None, 50, 51, 10_000])
def test_a_subset_of_all_is_all(size):
    rows = np.arange(50)[::-1]
    assert splits.subset(rows, np.zeros((60, 14)), size).tolist() == list(range(50))


@given(st.integers(1, 40), st.integers(1, 60), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_any_subset_has_its_size_and_no_row_twice(n, size, seed):
    labels = (np.arange(n * 14).reshape(n, 14) % 5 == 0).astype(np.float32)
    chosen = splits.subset(np.arange(n), labels, size, seed)
    assert len(set(chosen)) == len(chosen) == min(n, size)


# -- films on disk


def test_a_split_does_not_depend_on_which_films_are_here(tiny_nih_copy):
    """Drawn over the table, then filtered to what is on disk."""
    csv = str(tiny_nih_copy / "Data_Entry_2017.csv")
    whole = films.load_film_set(csv, str(tiny_nih_copy), "patient", 0)
    gone = whole.image_ids(whole.on_disk("train"))[::3]
    for image_id in gone:
        whole.paths[image_id].unlink()
    part = films.load_film_set(csv, str(tiny_nih_copy), "patient", 0)
    assert part.split.fingerprint == whole.split.fingerprint
    for name in splits.SPLITS:
        before, after = (set(found.image_ids(found.on_disk(name))) for found in (whole, part))
        assert after == before - set(gone)
    assert f"{160 - len(gone)} on disk, {len(gone)} missing" in part.describe()


def test_the_random_split_says_that_it_leaks(tiny_nih):
    found = films.load_film_set(str(tiny_nih / "Data_Entry_2017.csv"), str(tiny_nih), "random", 0)
    assert "this split leaks" in found.describe()
    assert (
        "leaks"
        not in films.load_film_set(str(tiny_nih / "Data_Entry_2017.csv"), str(tiny_nih), "patient", 0).describe()
    )


def test_the_official_split_without_its_list_says_what_to_fetch(tiny_nih_copy):
    (tiny_nih_copy / "test_list.txt").unlink()
    with pytest.raises(DataError, match=r"official needs test_list\.txt"):
        films.load_film_set(str(tiny_nih_copy / "Data_Entry_2017.csv"), str(tiny_nih_copy), "official", 0)
