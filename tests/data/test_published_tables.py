"""The tables of six data sets as they are published: the counts that everybody gets. They come with torchxrayvision."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from cxrcore.data import box_list
from cxrcore.data.description import read_description
from cxrcore.data.film_table import read_films
from cxrcore.data.label_file import read_label_file


@pytest.fixture(scope="module")
def published() -> Path:
    """The folder of the tables; the package itself is not imported, since it loads torch."""
    found = importlib.util.find_spec("torchxrayvision")
    if found is None or not found.submodule_search_locations:
        pytest.skip("torchxrayvision is not installed: its wheel holds the published tables")
    return Path(found.submodule_search_locations[0]) / "data"


@pytest.mark.parametrize("name, file, rows, films, patients, positives", [
    ("nih", "Data_Entry_2017_v2020.csv.gz", 112_120, 112_120, 30_805, {"Infiltration": 19_894, "Hernia": 227}),
    ("chexpert", "chexpert_train.csv.gz", 223_414, 223_414, 64_540, {"Effusion": 86_187, "Pneumothorax": 19_448}),
    ("padchest", "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz", 160_861, 160_861, 67_625,
     {"Cardiomegaly": 15_006, "Effusion": 9_850}),
    ("vinbigdata", "vinbigdata-train.csv.gz", 67_914, 15_000, 0, {"Cardiomegaly": 1_817, "Pneumothorax": 58}),
    ("rsna", "kaggle_stage_2_train_labels.csv.zip", 30_227, 26_684, 26_684, {"Pneumonia": 6_012}),
    ("siim", "siim-pneumothorax-train-rle.csv.gz", 12_954, 12_047, 0, {"Pneumothorax": 2_669}),
])
def test_the_published_counts(published, name, file, rows, films, patients, positives):
    described = read_description(name)
    table = read_films(described, published / file)
    known = table.images["patient_id"][table.images["patient_id"] != ""]
    assert (table.n_rows, len(table.images), known.nunique()) == (rows, films, patients)
    assert described.n_films == films and table.images["image_id"].is_unique
    counts = dict(zip(table.findings, (table.labels == 1).sum(axis=0).tolist(), strict=True))
    assert {finding: counts[finding] for finding in positives} == positives
    if name == "chexpert":
        assert table.uncertain["Atelectasis"] == 33_739
        assert sum(table.uncertain.values()) == np.isnan(table.labels).sum()
    if name == "rsna":  # ages lie in a second table
        assert table.n_ages_unknown == 5 and len(box_list.read_boxes(described, published / file)) == 9_555


def test_the_single_readers_of_vinbigdata(published):
    readings = read_label_file(published / "vinbigdata-train.csv.gz", read_description("vinbigdata"), by_reader=True)
    assert len(readings) == 17 and sum(len(one.image_ids) for one in readings) == 45_000
