"""Names, order and the label contract."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxrcore.errors import FindingError
from cxrcore.findings import NIH_FINDINGS, align, canonical, display_name, parse_labels


def test_the_fourteen_stand_in_nih_order():
    assert NIH_FINDINGS == (
        "Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia", "Pneumothorax",
        "Consolidation", "Edema", "Emphysema", "Fibrosis", "Pleural_Thickening", "Hernia",
    )


@given(st.sampled_from(NIH_FINDINGS), st.sampled_from([str.lower, str.upper, str.title]), st.sampled_from(["_", " ", "-"]))
def test_spellings_of_one_finding_are_one_finding(finding, case, joint):
    assert canonical(case(finding.replace("_", joint))) == finding


@pytest.mark.parametrize("text, finding", [
    ("Infiltrate", "Infiltration"), ("pleural", "Pleural_Thickening"), ("Pleural Thickening", "Pleural_Thickening"),
    (" hernia ", "Hernia"),
])
def test_published_variants_are_known(text, finding):
    assert canonical(text) == finding


@pytest.mark.parametrize("text", ["", "Lung Lesion", "No Finding", "Effusions", "Mass|Nodule"])
def test_an_unknown_finding_is_named_with_the_choices(text):
    with pytest.raises(FindingError, match=r"Atelectasis.*Hernia") as error:
        canonical(text)
    assert f"'{text}'" in str(error.value)


@given(st.sets(st.sampled_from(NIH_FINDINGS), min_size=1), st.randoms())
def test_a_cell_of_labels_is_read_whatever_its_order(present, random):
    parts = sorted(present)
    random.shuffle(parts)
    labels = parse_labels("|".join(parts))
    assert labels.dtype == np.float32
    assert {NIH_FINDINGS[i] for i in np.flatnonzero(labels == 1)} == present
    assert set(np.unique(labels)) <= {0.0, 1.0}


def test_no_finding_is_fourteen_zeros():
    assert parse_labels("No Finding").tolist() == [0] * len(NIH_FINDINGS)


@pytest.mark.parametrize("text", ["", "|", "Mass|", "No Finding|Mass", "Mass|Lesion"])
def test_a_cell_that_says_no_clear_thing_is_refused(text):
    with pytest.raises(FindingError):
        parse_labels(text)


@given(st.permutations(NIH_FINDINGS), st.integers(1, len(NIH_FINDINGS)))
def test_columns_are_aligned_by_name_never_by_position(names, n_kept):
    names = names[:n_kept]
    values = np.array([[NIH_FINDINGS.index(name) for name in names]] * 3, float)
    aligned = align([name.lower().replace("_", " ") for name in names], values)
    assert aligned.shape == (3, len(NIH_FINDINGS)) and aligned.dtype == np.float32
    for i, finding in enumerate(NIH_FINDINGS):
        column = aligned[:, i]
        assert np.isnan(column).all() if finding not in names else (column == i).all()


def test_two_columns_for_one_finding_are_refused():
    with pytest.raises(FindingError, match=r"two columns.*Infiltration"):
        align(["Infiltrate", "Infiltration"], np.zeros((1, 2)))


def test_display_names_are_for_people():
    assert display_name("Pleural_Thickening") == "Pleural thickening"
