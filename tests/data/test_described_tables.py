"""Tables of other data sets: paths, readers, uncertain labels, second tables; films read as a user's own TOML says."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxrcore.config import TrainConfig
from cxrcore.data import box_list, data_folders, film_files, films
from cxrcore.data.description import read_description
from cxrcore.data.film_table import dataset_hash, read_films
from cxrcore.errors import DataError
from cxrcore.findings import NIH_FINDINGS

CHEXPERT = ("Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung "
            "Lesion,Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,"
            "Support Devices")
FILM = "CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg"
FILM_2 = "CheXpert-v1.0-small/valid/patient00002/study1/view1_frontal.jpg"
ROWS = (f"{FILM},Female,68,Frontal,AP,1.0,,,,,,,,,0.0,,,,1.0",
        f"{FILM_2},Male,87,Lateral,,,,-1.0,1.0,,-1.0,,,,,1,,,0.0")


@pytest.fixture
def write(tmp_path):
    """Writes lines into a file of the folder."""

    def into(name: str, *lines: str) -> Path:
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        return tmp_path / name

    return into


def row(table, image_id: str) -> dict[str, float]:
    place = table.images["image_id"].tolist().index(image_id)
    return dict(zip(table.findings, table.labels[place].tolist(), strict=True))


# -- CheXpert's form: paths, blanks, uncertain labels


def test_paths_blanks_and_uncertain_labels(write):
    table = read_films(read_description("chexpert"), write("train.csv", CHEXPERT, *ROWS))
    assert table.images.to_dict("list")["image_id"] == ["train~patient00001~study1~view1_frontal.jpg",
                                                        "valid~patient00002~study1~view1_frontal.jpg"]
    assert table.images["patient_id"].tolist() == ["patient00001", "patient00002"]
    assert table.images["sex"].tolist() == ["F", "M"] and table.images["view"].isna().tolist() == [False, True]
    assert table.given.tolist() == ["train", "val"]
    second = row(table, "valid~patient00002~study1~view1_frontal.jpg")
    assert (second["Effusion"], second["Lung_Opacity"], second["Support_Devices"]) == (1, 1, 0)
    assert np.isnan(second["Cardiomegaly"]) and second["Fracture"] == 0  # not mentioned
    assert table.uncertain == {"Cardiomegaly": 1, "Edema": 1}
    assert "2 labels are uncertain and count as unknown: Cardiomegaly 1, Edema 1" in table.notes[0]


@pytest.mark.parametrize("policy, value", [("positive", 1), ("negative", 0)])
def test_a_policy_makes_another_data_set(write, policy, value):
    path = write("train.csv", CHEXPERT, *ROWS)
    table = read_films(read_description("chexpert"), path, policy)
    assert row(table, "valid~patient00002~study1~view1_frontal.jpg")["Edema"] == value
    assert table.dataset_id != read_films(read_description("chexpert"), path).dataset_id
    with pytest.raises(DataError, match="--policy 'ignore' is none of"):
        read_films(read_description("chexpert"), path, "ignore")


def test_the_large_and_the_small_release_are_one_data_set(write):
    small = read_films(read_description("chexpert"), write("small.csv", CHEXPERT, *ROWS))
    rows = [line.replace("CheXpert-v1.0-small", "CheXpert-v1.0") for line in ROWS]
    assert read_films(read_description("chexpert"), write("large.csv", CHEXPERT, *rows)).dataset_id == small.dataset_id


@pytest.mark.parametrize("line, says", [
    (ROWS[0].replace(",0.0,", ",2.0,"), "row 3: '2.0' is no label of Pneumothorax: expected one of 1, 0, -1 or an"),
    (ROWS[0], "film train~patient00001~study1~view1_frontal.jpg stands in the table twice"),
    (ROWS[0].replace("study1", ".."), "row 3: .*can be the name of no film"),
    (ROWS[0].replace("study1", "study~1"), "row 3: .*can be the name of no film"),
    (ROWS[0].replace("study1/view1", "/view1"), "row 3: .*can be the name of no film"),
    (ROWS[0].replace("study1/view1", "study\\\\1"), "row 3: .*can be the name of no film"),
    (ROWS[0].replace(FILM, ""), "row 3 has no Path"),
    (ROWS[0].replace("train/", "extra/"), "row 3: split 'extra' is none of train, val"),
])
def test_odd_rows_are_refused_in_one_line(write, line, says):
    path = write("train.csv", CHEXPERT, ROWS[0], line)
    with pytest.raises(DataError, match=says) as error:
        read_films(read_description("chexpert"), path)
    assert "\n" not in str(error.value)


def test_a_description_with_a_column_that_the_table_lacks(write):
    path = write("train.csv", CHEXPERT.replace(",Edema", ",Swelling").replace("Age", "Years"), *ROWS)
    with pytest.raises(DataError, match=r"train.csv is no table of CheXpert: missing column\(s\) Age"):
        read_films(read_description("chexpert"), path)
    path = write("train.csv", CHEXPERT.replace(",Edema", ",Swelling"), *ROWS)
    with pytest.raises(DataError, match=r"missing column\(s\) Edema; it has Path, Sex"):
        read_films(read_description("chexpert"), path)
    path = write("train.csv", CHEXPERT.replace(",No Finding", ",effusion"), *ROWS)
    with pytest.raises(DataError, match="has two columns for Effusion: 'Pleural Effusion' and 'effusion'"):
        read_films(read_description("chexpert"), path)


@pytest.mark.parametrize("root, place", [
    (".", "CheXpert-v1.0-small"), ("CheXpert-v1.0-small", ""), ("CheXpert-v1.0-small/train", ""),
    (".", "archive/CheXpert-v1.0-small"),
])
def test_films_of_paths_are_found_below_any_of_their_folders(tmp_path, write, root, place):
    film = tmp_path / (place or "CheXpert-v1.0-small") / FILM.split("/", 1)[1]
    film.parent.mkdir(parents=True)
    film.write_bytes(b"x")
    chexpert = read_description("chexpert")
    ids = read_films(chexpert, write("train.csv", CHEXPERT, *ROWS)).images["image_id"]
    if place.startswith("archive"):
        root = "archive"
    found = film_files.find_films(tmp_path / root, ids, chexpert.films)
    assert {name: path.resolve() for name, path in found.items()} == {ids[0]: film.resolve()}


# -- rows by reader, names in lists, a second table, several rows a film


READERS = ("image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max", "a,Cardiomegaly,3,R1,10,20,110,70",
           "a,Cardiomegaly,3,R1,12,20,110,70", "a,Nodule/Mass,8,R1,1,2,3,4", "a,Cardiomegaly,3,R2,11,20,110,70",
           "a,No finding,14,R3,,,,", "b,No finding,14,R1,,,,", "b,Pneumothorax,12,R2,5,5,6,6")


def test_the_majority_of_readers_counts_and_a_tie_is_unknown(write):
    path = write("train.csv", *READERS)
    table = read_films(read_description("vinbigdata"), path)
    assert table.images["image_id"].tolist() == ["a", "b"] and table.n_rows == 7
    assert [row(table, "a")[name] for name in ("Cardiomegaly", "Nodule_or_mass")] == [1, 0]
    assert row(table, "b")["Cardiomegaly"] == 0
    assert np.isnan(row(table, "b")["Pneumothorax"])
    boxes = box_list.read_boxes(read_description("vinbigdata"), path)
    assert boxes.iloc[0].to_dict() == {"image_id": "a", "finding": "Cardiomegaly", "x": 10, "y": 20, "width": 100,
                                       "height": 50}
    assert boxes["finding"].tolist() == ["Cardiomegaly"] * 2 + ["Nodule_or_mass", "Cardiomegaly", "Pneumothorax"]


def test_lists_of_names_with_others_and_films_without_a_usable_label(write):
    head = "ImageID,PatientID,PatientBirth,PatientSex_DICOM,StudyDate_DICOM,Projection,Labels"
    path = write("p.csv", head, "a.png,9,1930.0,F,20140915,PA,['normal']",
                 "\"b.png\",9,1930.0,F,20140916,AP_horizontal,\"['pleural effusion', 'kyphosis', 'goiter']\"",
                 "c.png,8,None,O,20140916,L,['exclude']", "d.png,7,1920.0,M,20200101,COSTAL,['']")
    table = read_films(read_description("padchest"), path)
    assert table.images["age"].tolist()[:2] == [84, 84] and table.images["age"].isna().tolist()[2:] == [True, False]
    assert table.images["view"].tolist()[:2] == ["PA", "AP"] and table.images["view"].isna().sum() == 2
    assert table.labels.sum(axis=1).tolist()[:2] == [0, 2] and np.isnan(table.labels[2:]).all()
    assert row(table, "b.png")["Effusion"] == 1 and "1 other names are none of the findings" in table.notes[0]


def test_only_some_rows_are_taken(tmp_path, write):
    write("own.toml", 'like = "padchest"', "[films]", 'only = { Projection = ["PA"] }')
    head = "ImageID,PatientID,PatientBirth,PatientSex_DICOM,StudyDate_DICOM,Projection,Labels"
    path = write("p.csv", head, "a.png,9,1930.0,F,20140915,PA,['normal']", "b.png,9,1930.0,F,20140915,L,['normal']")
    table = read_films(read_description(tmp_path / "own.toml"), path)
    assert table.images["image_id"].tolist() == ["a.png"] and "1 rows were left out" in table.notes[0]
    path.write_text(path.read_text().replace(",PA,", ",L,"))
    with pytest.raises(DataError, match=r"no row of the table has what films\.only"):
        read_films(read_description(tmp_path / "own.toml"), path)


def test_a_row_a_box_and_ages_from_a_second_table(tmp_path, write):
    path = write("train.csv", "patientId,x,y,width,height,Target", "p1,,,,,0", "p2,1,2,3,4,1", "p2,5,6,7,8,1")
    rsna = read_description("rsna")
    table = read_films(rsna, path)
    assert table.labels.tolist() == [[0], [1]] and table.images["age"].isna().all()
    second = pd.DataFrame({"PatientID": ["p2", "p1", "p9"], "PatientAge": [40, 50, 1], "PatientSex": list("MFM"),
                           "ViewPosition": ["AP", "PA", "PA"]})
    second.to_csv(tmp_path / rsna.join.table, index=False)
    joined = read_films(rsna, path)
    assert joined.images["age"].tolist() == [50, 40] and joined.images["view"].tolist() == ["PA", "AP"]
    assert joined.dataset_id == table.dataset_id
    assert box_list.read_boxes(rsna, path)["finding"].tolist() == ["Pneumonia"] * 2


def test_any_mask_is_the_finding(write):
    path = write("t.csv", "ImageId, EncodedPixels", "1.2.3,-1", "1.2.4,557 2 10 8", "1.2.4,9 9")
    table = read_films(read_description("siim"), path)
    assert table.labels.tolist() == [[0], [1]] and table.findings == ("Pneumothorax",)


def test_reports_beside_the_films_give_the_labels(write):
    write("indiana_reports.csv", "uid,MeSH,Problems", "1,x,normal", "2,x,Cardiomegaly;Pleural Effusion",
          "3,x,No Indexing")
    path = write("p.csv", "uid,filename,projection", "1,1_a.png,Frontal", "2,2_a.png,Frontal", "2,2_b.png,Lateral",
                 "3,3_a.png,Frontal")
    table = read_films(read_description("openi"), path)
    assert table.labels.sum(axis=1).tolist()[:3] == [0, 2, 2] and np.isnan(table.labels[3]).all()
    assert table.images["patient_id"].tolist() == ["1", "2", "2", "3"]


# -- ids of data sets


def test_the_names_of_the_findings_are_part_of_the_id_but_for_nihs():
    images = pd.DataFrame({"image_id": ["b", "a"], "patient_id": ["1", "2"]})
    labels = np.zeros((2, 14), np.float32)
    labels[0, 0], labels[1, 1] = 1, np.nan
    text = f"a|2|0?{'0' * 12}\nb|1|1{'0' * 13}"
    assert dataset_hash(images, labels, NIH_FINDINGS) == hashlib.sha256(text.encode()).hexdigest()[:12]
    others = [dataset_hash(images, labels[:, :2], names) for names in (("A", "B"), ("A", "C"), ("B", "A"))]
    assert len({*others, dataset_hash(images, labels[:, :2], ("A", "B"))}) == 3


# -- films as a user's own description says


OWN = """
name = "Clinic"
findings = ["Effusion", "Mass"]
[films]
root = "films"
table = "labels.csv"
[columns]
film = "file"
patient = "case"
[labels]
form = "columns"
"""


@pytest.fixture
def clinic(tmp_path, write):
    """A folder with a table, films and description; the path of the description."""
    (tmp_path / "films").mkdir()
    for i in range(30):
        (tmp_path / "films" / f"f{i}.png").write_bytes(b"x")
    write("labels.csv", "file,case,Effusion,mass",
          *(f"f{i}.png,c{i // 2},{i % 2},{'' if i % 5 else -1}" for i in range(30)))
    return write("clinic.toml", OWN)


def test_a_data_set_of_ones_own_needs_no_other_flag(clinic):
    found = films.load_film_set(None, None, "patient", 0, data=str(clinic))
    assert (len(found.paths), found.name, found.findings) == (30, "Clinic", ("Effusion", "Mass"))
    assert found.description.path == clinic and films.kind_of(found.table, found.description) == ("films", "its table")
    assert "labels unknown: Mass 30" in found.describe() and found.unknown_labels() == {"Mass": 30}
    assert "6 labels are uncertain and count as unknown: Mass 6" in found.describe()
    positive = films.load_film_set(None, None, "patient", 0, data=str(clinic), policy="positive")
    assert np.nansum(positive.table.labels[:, 1]) == 6


def test_flags_overrule_what_it_says_of_places(clinic, tmp_path, monkeypatch):
    config = data_folders.with_data(TrainConfig(data=str(clinic)), {"data"})
    assert (config.csv_path, config.img_root) == (str(tmp_path / "labels.csv"), str(tmp_path / "films"))
    monkeypatch.chdir(tmp_path)
    config = data_folders.with_data(TrainConfig(data="clinic.toml", img_root="elsewhere"), {"data", "img_root"})
    assert (config.data, config.img_root) == (str(clinic), "elsewhere")
    config = data_folders.with_data(TrainConfig(data="nih", csv_path="t.csv", img_root="f"), {"data", "csv_path"})
    assert (config.data, config.csv_path, config.split) == ("nih", "t.csv", "patient")


def test_a_description_beside_the_table_counts_where_nothing_is_said(clinic, tmp_path):
    clinic.rename(tmp_path / "description.toml")
    found = films.load_film_set(str(tmp_path / "labels.csv"), str(tmp_path / "films"), None, 0)
    assert found.findings == ("Effusion", "Mass") and found.split.scheme == "patient"
    assert films.read_table(tmp_path / "labels.csv").dataset_id == found.table.dataset_id
    with pytest.raises(DataError, match="is no table of NIH ChestX-ray14: missing column"):
        films.read_table(tmp_path / "labels.csv", "nih")


def test_what_is_missing_is_said(clinic, tmp_path):
    with pytest.raises(DataError, match="--csv_path and --img_root are needed"):
        films.load_film_set(None, None, None, 0, data="chexpert")
    with pytest.raises(DataError, match="--split official needs an official list of test films"):
        films.load_film_set(None, None, "official", 0, data=str(clinic))
    (tmp_path / "labels.csv").rename(tmp_path / "other.csv")
    with pytest.raises(DataError, match=r"clinic\.toml: films\.table names no table that is there: .*labels\.csv"):
        films.load_film_set(None, None, None, 0, data=str(clinic))
    with pytest.raises(DataError, match=r"--data 'mimic' is none of nih, chestmnist, .* one of chexpert"):
        data_folders.with_data(TrainConfig(data="mimic"), {"data"})


def test_films_of_unknown_patients_are_split_by_film(clinic, tmp_path):
    clinic.write_text(OWN.replace('patient = "case"\n', ""))
    assert films.load_film_set(None, None, None, 0, data=str(clinic)).split.scheme == "random"
    with pytest.raises(DataError, match=r"--split patient needs patient numbers.*--split random draws by film"):
        films.load_film_set(None, None, "patient", 0, data=str(clinic))


def test_names_without_an_ending_are_found_with_those_of_the_description(tmp_path):
    (tmp_path / "study" / "series").mkdir(parents=True)
    (tmp_path / "study" / "series" / "1.2.3.dcm").write_bytes(b"x")
    ids = pd.Series(["1.2.3", "1.2.4"])
    assert list(film_files.find_films(tmp_path, ids, read_description("siim").films)) == ["1.2.3"]
    with pytest.raises(DataError, match=r"looked for 1\.2\.4\.dicom in it"):
        film_files.find_films(tmp_path, ids[1:], read_description("vinbigdata").films)
