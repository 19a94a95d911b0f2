"""Names of any list, and the label contract."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxrcore.errors import FindingError
from cxrcore.findings import (
    LONGEST_NAME,
    MOST_FINDINGS,
    NIH_FINDINGS,
    align,
    canonical,
    checked_list,
    display_name,
    one_of,
    parse_labels,
    shared,
    spellings,
)

OTHERS = ("Lung_Opacity", "Pleural_Other", "Effusion", "ILD", "Größe", "COVID-19")  # a list that is not NIH's


def test_the_fourteen_stand_in_nih_order():
    assert NIH_FINDINGS == (
        "Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia", "Pneumothorax",
        "Consolidation", "Edema", "Emphysema", "Fibrosis", "Pleural_Thickening", "Hernia",
    )


@given(
    st.sampled_from(NIH_FINDINGS), st.sampled_from([str.lower, str.upper, str.title]), st.sampled_from(["_", " ", "-"])
)
def test_spellings_of_one_finding_are_one_finding(finding, case, joint):
    spelling = case(finding.replace("_", joint))
    assert canonical(spelling) == one_of(NIH_FINDINGS, spelling) == finding


@pytest.mark.parametrize("text, finding", [
    ("Infiltrate", "Infiltration"), ("pleural", "Pleural_Thickening"), ("Pleural Thickening", "Pleural_Thickening"),
    (" hernia ", "Hernia"), ("Pleural Effusion", "Effusion"),
])
def test_published_variants_are_known(text, finding):
    assert canonical(text) == one_of(NIH_FINDINGS, text) == finding


def test_a_name_that_no_list_has_is_its_own():
    assert canonical("  lung   opacity") == "lung_opacity" and canonical("COVID-19") == "COVID-19"
    assert all(canonical(name) == name for name in OTHERS)
    assert one_of(OTHERS, "covid 19") == "COVID-19" and one_of(OTHERS, "GRÖSSE") == "Größe"
    assert one_of(OTHERS, "pleural effusion") == "Effusion" and one_of(OTHERS, "pleural other") == "Pleural_Other"


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "_",
        "macro",
        "Micro",
        "No Finding",
        "no_finding",
        "All findings",
        "image_id",
        "Patient ID",
        "label_set",
        "Mass|Nodule",
        "=1+1",
        "-Mass",
        "a\x1b[1mb",
        "<b>x</b>",
        "x" * (LONGEST_NAME + 1),
        "see www.evil.example",
        "me@evil.example",
        "[x](y)",
        "a\0b",
        ":smile:",
        "$x$",
        "`x`",
        "*x*",
    ],
)
def test_what_is_no_name_is_refused_in_one_line(name):
    with pytest.raises(FindingError) as error:
        canonical(name)
    assert str(error.value).isprintable() and len(str(error.value)) < 100
    with pytest.raises(FindingError):
        checked_list(["Mass", name])


@pytest.mark.parametrize("text", ["", "Lung Lesion", "No Finding", "Effusions", "Mass|Nodule"])
def test_an_unknown_finding_is_named_with_the_choices(text):
    with pytest.raises(FindingError, match=r"Atelectasis.*Hernia") as error:
        one_of(NIH_FINDINGS, text)
    assert f"'{text}'" in str(error.value)


@pytest.mark.parametrize(
    "names, said",
    [
        ([], "1 to 64 names"),
        ([f"f{i}" for i in range(MOST_FINDINGS + 1)], "this one has 65"),
        (["Mass", "Mass"], "two columns"),
        (["Lung_Opacity", "lung_opacity"], "two columns"),
        (["mass"], "canonical"),
        (["Pleural_Effusion"], "canonical"),
        (["Lung Opacity"], "canonical"),
        ([None], "canonical"),
        ([5], "canonical"),
    ],
)
def test_a_list_is_held_to_its_form(names, said):
    with pytest.raises(FindingError, match=said):
        checked_list(names)


def test_lists_of_up_to_sixty_four_are_taken():
    assert checked_list(iter(OTHERS)) == OTHERS and len(checked_list(f"f{i}" for i in range(MOST_FINDINGS))) == 64
    assert shared([NIH_FINDINGS, OTHERS]) == ("Effusion",) and shared([OTHERS]) == OTHERS
    assert shared([("B", "A", "C"), ("A", "B")]) == ("B", "A")


def test_the_spellings_of_a_list_are_those_that_it_is_asked_by():
    for findings in (NIH_FINDINGS, OTHERS):
        found = spellings(findings)
        assert set(found.values()) == set(findings)
        assert all(one_of(findings, spelling) == finding for spelling, finding in found.items())
    assert "pleural" in spellings(NIH_FINDINGS) and "pleural" not in spellings(OTHERS)


@given(st.sampled_from([NIH_FINDINGS, OTHERS]), st.randoms(), st.sampled_from("|;,"))
def test_a_cell_of_labels_is_read_whatever_its_order(findings, random, separator):
    parts = random.sample(findings, random.randint(1, len(findings)))
    labels = parse_labels(separator.join(parts), findings, separator)
    assert labels.dtype == np.float32 and labels.shape == (len(findings),)
    assert {findings[i] for i in np.flatnonzero(labels == 1)} == set(parts)
    assert set(np.unique(labels)) <= {0.0, 1.0}


def test_no_finding_is_zeros():
    for findings in (NIH_FINDINGS, OTHERS):
        assert parse_labels("No Finding", findings).tolist() == [0] * len(findings)


@pytest.mark.parametrize("text", ["", "|", "Mass|", "No Finding|Mass", "Mass|Lesion"])
def test_a_cell_that_says_no_clear_thing_is_refused(text):
    with pytest.raises(FindingError):
        parse_labels(text, NIH_FINDINGS)


@given(st.sampled_from([NIH_FINDINGS, OTHERS]), st.randoms())
def test_columns_are_aligned_by_name_never_by_position(findings, random):
    names = random.sample(findings, random.randint(1, len(findings)))
    values = np.array([[findings.index(name) for name in names]] * 3, float)
    aligned = align([name.lower().replace("_", " ") for name in names], values, findings)
    assert aligned.shape == (3, len(findings)) and aligned.dtype == np.float32
    for i, finding in enumerate(findings):
        column = aligned[:, i]
        assert np.isnan(column).all() if finding not in names else (column == i).all()


def test_two_columns_for_one_finding_are_refused():
    with pytest.raises(FindingError, match=r"two columns.*Infiltration"):
        align(["Infiltrate", "Infiltration"], np.zeros((1, 2)), NIH_FINDINGS)
    with pytest.raises(FindingError, match="unknown finding 'Mass'"):
        align(["Mass"], np.zeros((1, 1)), OTHERS)


@pytest.mark.parametrize("finding, shown", [
    ("Pleural_Thickening", "Pleural thickening"), ("Lung_Opacity", "Lung opacity"), ("ILD", "ILD"),
    ("COVID-19_pneumonia", "COVID-19 pneumonia"), ("air_trapping", "Air trapping")])
def test_display_names_are_for_people(finding, shown):
    assert display_name(finding) == shown
