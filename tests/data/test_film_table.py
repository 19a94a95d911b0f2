"""The reader of tables on NIH's: both published versions, common copies, damaged files, the real table."""

import gzip
import re

import numpy as np
import pandas as pd
import pytest

from cxrcore.data import box_list, film_files, film_table, films
from cxrcore.data.description import read_description
from cxrcore.errors import DataError
from cxrcore.findings import NIH_FINDINGS, parse_labels

ROW = "00000001_000.png,Cardiomegaly,0,1,58,M,PA,2682,2749,0.143,0.143"
ROW_2 = "00000002_000.png,No Finding,0,2,81,F,AP,2500,2048,0.171,0.171"
V2020 = ("Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Sex,View Position,OriginalImage[Width,"
         "Height],OriginalImagePixelSpacing[x,y]")

# Films with each finding in the published table.
PUBLISHED = (11559, 2776, 13317, 19894, 5782, 6331, 1431, 5302, 4667, 2303, 2516, 1686, 3385, 227)


def test_columns_do_not_shift_under_the_header_of_twelve(nih_csv):
    table = films.read_table(nih_csv(ROW, ROW_2))
    assert table.images.to_dict("list") == {
        "image_id": ["00000001_000.png", "00000002_000.png"], "patient_id": ["1", "2"], "follow_up": [0, 0],
        "age": [58, 81], "sex": ["M", "F"], "view": ["PA", "AP"],
    }
    assert table.labels.tolist() == [parse_labels("Cardiomegaly", NIH_FINDINGS).tolist(), [0] * 14]


def test_versions_and_copies_of_the_table_are_one_data_set(nih_csv):
    """Other ages, row order, line ends, a BOM, zeros before patient numbers, compression: the same films."""
    plain = films.read_table(nih_csv(ROW, ROW_2))
    older, newer = ROW.replace(",58,", ",059Y,"), ROW_2.replace(",81,", ",080Y,").replace(",2,080Y", ",00000002,080Y")
    copies = {
        "reordered": nih_csv(newer, older, header=V2020, name="v2020.csv"),
        "crlf": nih_csv(ROW, ROW_2, newline="\r\n", name="crlf.csv"),
        "bom": nih_csv(ROW, ROW_2, header=f"\ufeff{V2020}", name="bom.csv"),
        "upper": nih_csv(ROW, ROW_2, header=V2020.upper(), name="upper.csv"),
        "no end": nih_csv(ROW, ROW_2, name="no_end.csv"),
    }
    copies["no end"].write_bytes(copies["no end"].read_bytes().rstrip(b"\n"))
    packed = copies["crlf"].with_name("table.csv.gz")
    packed.write_bytes(gzip.compress(copies["crlf"].read_bytes()))
    for name, path in (copies | {"gz": packed}).items():
        assert films.read_table(path).dataset_id == plain.dataset_id, name
    assert films.read_table(copies["reordered"]).images["sex"].tolist() == ["F", "M"]
    assert films.read_table(copies["reordered"]).images["age"].tolist() == [80, 59]


@pytest.mark.parametrize("change", [
    lambda row: row.replace("Cardiomegaly", "Mass"),
    lambda row: row.replace(",0,1,", ",0,3,"),
    lambda row: row.replace("00000001_000", "00000001_001"),
], ids=["label", "patient", "film"])
def test_another_film_patient_or_label_is_another_data_set(nih_csv, change):
    first = films.read_table(nih_csv(ROW, ROW_2)).dataset_id
    assert films.read_table(nih_csv(change(ROW), ROW_2, name="other.csv")).dataset_id != first


@pytest.mark.parametrize("text, years", [
    ("58", 58), ("058Y", 58), ("011M", 11 / 12), ("003D", 3 / 365.25), ("100", 100), ("0", 0),
    ("101", None), ("411", None), ("", None), ("old", None), ("-3", None),
])
def test_ages(nih_csv, text, years):
    table = films.read_table(nih_csv(ROW.replace(",58,", f",{text},")))
    assert table.n_ages_unknown == (years is None)
    age = table.images["age"][0]
    assert pd.isna(age) if years is None else age == pytest.approx(years, rel=1e-6)


@pytest.mark.parametrize("number", ["9999999999", "-9999999999", "1e400", "inf", "nan", "x", "2147483648"])
def test_a_follow_up_number_that_no_patient_has_is_unknown(nih_csv, number):
    table = films.read_table(nih_csv(f"a.png,Mass,{number},1,50,M,PA,1,1,1,1", "b.png,Mass,3,1,50,M,PA,1,1,1,1"))
    assert table.images["follow_up"].isna().tolist() == [True, False] and table.images["follow_up"][1] == 3


def test_a_table_of_three_columns_will_do(nih_csv):
    table = films.read_table(nih_csv("a.png,Mass|Hernia,0012", header="Image Index,Finding Labels,Patient ID"))
    assert table.images["patient_id"].tolist() == ["12"]
    assert table.images[["follow_up", "age", "sex", "view"]].isna().all(axis=None)
    assert table.labels.sum() == 2


@pytest.mark.parametrize("content, says", [
    (b"", "is empty"),
    (b"Image Index,Patient ID,Patient Age\na.png,1,5\n", "missing column.s. Finding Labels; it has Image Index, Pat"),
    (b"name;label\nx;y\n", "missing column.s. Image Index, Finding Labels, Patient ID"),
    (bytes(range(256)) * 40, "cannot be read as CSV"),
    (b"\0" * 900, "missing column"),
    (f"{V2020}\n".encode(), "is empty|has no rows"),
    (f"{V2020}\n{ROW}\n{ROW_2}\n{ROW}\n".encode(), "film 00000001_000.png stands in the table twice"),
    (f"{V2020}\n{ROW}\n00000002_000.png,Mass,0".encode(), "row 3 has no Patient ID"),
    (f"{V2020}\n,Mass,0,1,5,M,PA\n".encode(), "row 2 has no Image Index"),
])
def test_a_file_that_is_no_table_is_refused_in_one_line(tmp_path, content, says):
    path = tmp_path / "Data_Entry_2017.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=says) as error:
        films.read_table(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name, content", [
    ("table.csv.gz", b"Image Index,plain text under a packed name\n"),
    ("table.csv.gz", gzip.compress(f"{V2020}\n{ROW}\n".encode() * 30)[:-25]),
    ("table.csv.zip", b"PK no archive"),
])
def test_a_damaged_archive_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match="cannot be read as CSV"):
        films.read_table(tmp_path / name)


def test_a_missing_csv_and_a_folder_say_what_they_are(tmp_path):
    with pytest.raises(DataError, match=r"no such CSV: .*nowhere\.csv"):
        films.read_table(tmp_path / "nowhere.csv")
    with pytest.raises(DataError, match=r"is a folder.*Data_Entry_2017\.csv"):
        films.read_table(tmp_path)


@pytest.mark.parametrize("text", ["Cardiomegaly|Lesion", "", "No Finding|Mass"])
def test_an_unknown_finding_names_its_row_and_text(nih_csv, text):
    path = nih_csv(ROW_2, ROW.replace("Cardiomegaly", text))
    with pytest.raises(DataError, match="row 3") as error:
        films.read_table(path)
    assert text in str(error.value)


# -- boxes and lists


def test_boxes_of_the_short_rows(tmp_path):
    path = tmp_path / "boxes.csv"
    path.write_text("Image Index,Finding Label,Bbox [x,y,w,h],,,\na.png,Infiltrate,1.5,2,3,4\nb.png,Mass,5,6,7,8.25\n")
    assert box_list.read_boxes(read_description("nih"), path).to_dict("list") == {
        "image_id": ["a.png", "b.png"], "finding": ["Infiltration", "Mass"], "x": [1.5, 5], "y": [2, 6],
        "width": [3, 7], "height": [4, 8.25],
    }


@pytest.mark.parametrize("row, says", [
    ("a.png,Mass,1,2,3", "no box|cannot be read"), ("a.png,Lesion,1,2,3,4", "unknown finding 'Lesion'"),
    ("a.png,Mass,1,2,3,wide", "cannot be read"), ("a.png,,1,2,3,4", "row 2 is no box"),
])
def test_a_damaged_box_is_refused(tmp_path, row, says):
    (tmp_path / "boxes.csv").write_text(f"Image Index,Finding Label,Bbox [x,y,w,h],,,\n{row}\n")
    with pytest.raises(DataError, match=says):
        box_list.read_boxes(read_description("nih"), tmp_path / "boxes.csv")


def test_lists_with_and_without_an_end_of_line(tmp_path):
    for text in ("a.png\nb.png", "a.png\nb.png\n", "a.png\r\nb.png\r\n"):
        (tmp_path / "list.txt").write_bytes(text.encode())
        assert film_files.read_list(tmp_path / "list.txt") == {"a.png", "b.png"}
    with pytest.raises(DataError, match="no such list"):
        film_files.read_list(tmp_path / "nowhere.txt")
    (tmp_path / "list.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not text"):
        film_files.read_list(tmp_path / "list.txt")


# -- films


@pytest.mark.parametrize("places", [
    ["images_001/images", "images_007/images", "images_012/images"], ["images"], ["."], ["images_001"],
])
def test_films_are_found_in_every_known_layout(tmp_path, places):
    ids = pd.Series([f"{i}.png" for i in range(6)])
    for i, name in enumerate(ids[:5]):  # the last one is missing
        folder = tmp_path / places[i % len(places)]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    (tmp_path / "README.txt").write_bytes(b"x")
    found = film_files.find_films(tmp_path, ids[::-1])
    assert list(found) == ["4.png", "3.png", "2.png", "1.png", "0.png"]
    assert all(path.name == name and path.exists() for name, path in found.items())


def test_a_film_that_lies_there_twice_is_taken_once_and_always_the_same(tmp_path):
    for folder in ("images_002", "images_001"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").write_bytes(folder.encode())
    assert film_files.find_films(tmp_path, pd.Series(["a.png"]))["a.png"].parent.name == "images_001"


def test_no_film_says_what_was_looked_for(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"x")
    with pytest.raises(DataError, match=re.escape("images_001/images/a.png")) as error:
        film_files.find_films(tmp_path, pd.Series(["a.png"]))
    assert "1 other files" in str(error.value) and str(tmp_path) in str(error.value)
    with pytest.raises(DataError, match="no such image folder"):
        film_files.find_films(tmp_path / "nowhere", pd.Series(["a.png"]))


def test_the_tiny_data_set_is_whole(tiny_nih):
    """What every other test stands on."""
    table = films.read_table(tiny_nih / "Data_Entry_2017.csv")
    assert len(table.images) == 160 and table.images["patient_id"].nunique() == 60
    assert table.labels.sum(axis=0).min() >= 6
    assert len(film_files.find_films(tiny_nih, table.images["image_id"])) == 160
    boxes = box_list.read_boxes(read_description("nih"), tiny_nih / "BBox_List_2017.csv")
    assert set(boxes["finding"]) == {"Effusion", "Atelectasis", "Infiltration"}
    test, rest = film_files.read_list(tiny_nih / "test_list.txt"), film_files.read_list(tiny_nih / "train_val_list.txt")
    assert test | rest == set(table.images["image_id"]) and not test & rest


# -- the real thing


def test_the_published_table(real_table):
    images = real_table.images
    assert (len(images), images["patient_id"].nunique(), images["image_id"].nunique()) == (112_120, 30_805, 112_120)
    assert tuple(real_table.labels.sum(axis=0).astype(int)) == PUBLISHED
    assert int((real_table.labels.sum(axis=1) == 0).sum()) == 60_361  # No Finding
    assert real_table.n_ages_unknown == 16
    assert images["patient_id"].value_counts().max() == 184
    assert set(images["sex"]) == {"M", "F"} and set(images["view"]) == {"PA", "AP"}
    assert not images[["follow_up", "sex", "view"]].isna().any(axis=None)


def test_the_published_table_in_another_order_is_the_same_data_set(real_table):
    order = np.random.default_rng(0).permutation(len(real_table.images))
    images, labels = real_table.images.iloc[order], real_table.labels[order]
    assert film_table.dataset_hash(images, labels, NIH_FINDINGS) == real_table.dataset_id


def test_the_published_boxes_lists_and_films(shared, real_table):
    boxes = box_list.read_boxes(read_description("nih"), shared / "nih" / "BBox_List_2017.csv")
    assert len(boxes) == 984 and boxes["image_id"].nunique() == 880
    assert set(boxes["finding"]) < set(NIH_FINDINGS) and (boxes["finding"] == "Infiltration").sum() == 123
    test = film_files.read_list(shared / "nih" / "test_list.txt")
    rest = film_files.read_list(shared / "nih" / "train_val_list.txt")
    assert (len(test), len(rest)) == (25_596, 86_524) and test | rest == set(real_table.images["image_id"])
    assert len(film_files.find_films(shared / "nih", real_table.images["image_id"])) == 290
