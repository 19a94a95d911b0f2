"""What a data set holds, against counts made by hand and the published ones."""

import numpy as np
import pandas as pd
import pytest

from cxrcore.data import census, splits
from cxrcore.findings import NIH_FINDINGS

EFFUSION, MASS = NIH_FINDINGS.index("Effusion"), NIH_FINDINGS.index("Mass")


@pytest.fixture
def six():
    """Six films of three patients: images and labels."""
    images = pd.DataFrame({
        "image_id": [f"{i}.png" for i in range(6)], "patient_id": ["1", "1", "1", "2", "2", "3"],
        "follow_up": [0, 1, 2, 0, 1, 0], "age": pd.array([40, 41, 42, None, 7, 95], "Float32"),
        "sex": ["F", "F", "F", "M", "M", None], "view": ["PA", "AP", "AP", "PA", None, "PA"],
    })
    labels = np.zeros((6, len(NIH_FINDINGS)), np.float32)
    labels[[0, 1, 2], EFFUSION] = 1
    labels[[0, 3], MASS] = 1
    labels[4, MASS] = np.nan
    return images, labels


def test_key_figures(six):
    figures = census.key_figures(*six)
    assert (figures.films, figures.patients, figures.median_films, figures.most_films) == (6, 3, 2, 3)
    assert figures.without_finding == pytest.approx(1 / 5)  # film 5 alone; film 4 is not known
    assert figures.ap_share == pytest.approx(2 / 5) and figures.unknown_labels == 1
    nobody = six[0].assign(view=None)
    assert np.isnan(census.key_figures(nobody, np.full((6, len(NIH_FINDINGS)), np.nan)).ap_share)


def test_prevalence_counts_known_labels_only(six):
    images, labels = six
    table = census.prevalence(labels, {"all": np.ones(6, bool), "AP": (images["view"] == "AP").to_numpy(),
                                       "none": np.zeros(6, bool)}, NIH_FINDINGS).set_index(["finding", "group"])
    assert table.loc[("Mass", "all"), ["positives", "films"]].tolist() == [2, 5]
    assert table.loc[("Mass", "all"), "share"] == pytest.approx(0.4)
    assert table.loc[("Effusion", "AP"), "share"] == 1
    assert np.isnan(table.loc[("Effusion", "none"), "share"])


def test_company_is_read_from_the_given_finding(six):
    table = census.company(six[1], NIH_FINDINGS).set_index(["given", "other"])
    assert table.loc[("Effusion", "Mass"), "both"] == 1
    assert table.loc[("Effusion", "Mass"), "share"] == pytest.approx(1 / 3)
    assert table.loc[("Mass", "Effusion"), "share"] == pytest.approx(1 / 2)
    assert table.loc[("Effusion", "Mass"), "lift"] == pytest.approx(1 / 3 / 0.4)
    assert np.isnan(table.loc[("Mass", "Mass"), "share"]) and np.isnan(table.loc[("Hernia", "Mass"), "share"])
    assert len(table) == len(NIH_FINDINGS)**2


def test_histograms(six):
    images, labels = six
    assert census.findings_per_film(labels)["films"].tolist() == [2, 3, 1]
    patients = census.films_per_patient(images)
    assert dict(zip(patients["bin"], patients["patients"], strict=True)) == {"1": 1, "2": 1, "3": 1}
    assert patients["films"].sum() == 6
    films = census.follow_ups(images.assign(follow_up=[0, 1, 10, 0, 42, None]))
    assert dict(zip(films["follow_up"], films["films"], strict=True)) == {"0": 2, "1": 1, "10+": 2}
    bands = census.ages(images).set_index(["band", "sex"])["films"]
    assert bands.to_dict() == {(5, "M"): 1, (40, "F"): 3, (90, "unknown"): 1}


def test_bins_of_films_per_patient_end_at_the_most():
    images = pd.DataFrame({"patient_id": ["a"] * 12 + ["b"] * 4 + ["c"]})
    table = census.films_per_patient(images)
    assert table["bin"].tolist() == ["1", "2", "3–4", "5–9", "10–12"]
    assert table["patients"].tolist() == [1, 0, 1, 0, 1] and table["films"].tolist() == [1, 0, 4, 0, 12]


def test_saying_no_is_right_as_often_as_the_finding_is_absent(six):
    accuracy = census.without_alarms(six[1], NIH_FINDINGS).set_index("finding")["accuracy"]
    assert accuracy["Effusion"] == 0.5 and accuracy["Mass"] == pytest.approx(3 / 5) and accuracy["Hernia"] == 1


def test_patients_on_both_sides_are_counted(six):
    images, labels = six
    assignment = np.array([0, 1, 2, 0, 0, 2])
    table = census.leaks(assignment, images["patient_id"], splits.SPLITS).set_index(["one", "other"])["patients"]
    assert table.to_dict() == {("train", "val"): 1, ("train", "test"): 1, ("val", "test"): 1}
    parts = census.composition(images, labels, assignment, splits.SPLITS).set_index("part")
    assert parts["films"].to_dict() == {"train": 3, "val": 1, "test": 2} and parts.loc["train", "patients"] == 2
    assert census.composition(images, labels, np.zeros(6, int), splits.SPLITS)["part"].tolist() == ["train"]


def test_the_published_table(real_table):
    """Wang et al. and the release's own FAQ: 60,361 films without finding; Infiltration most, Hernia least common."""
    images, labels = real_table.images, real_table.labels
    figures = census.key_figures(images, labels)
    assert (figures.films, figures.patients) == (112_120, 30_805)
    assert round(figures.without_finding * figures.films) == 60_361
    table = census.prevalence(labels, {"all": np.ones(len(images), bool)}, NIH_FINDINGS)
    whole = table.set_index("finding")["positives"]
    assert (whole["Infiltration"], whole["Hernia"]) == (19_894, 227)
    assert round(census.without_alarms(labels, NIH_FINDINGS)["accuracy"].mean(), 3) == 0.948
