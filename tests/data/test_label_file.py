"""Other people's readings: forms, readers, what is left out and how it would be taken, and what is refused."""

import gzip

import numpy as np
import pytest

from cxrcore.data.description import read_description
from cxrcore.data.label_file import read_label_file
from cxrcore.errors import DataError


@pytest.fixture
def write(tmp_path):
    """Writes lines as a CSV, packed where its name says so."""

    def into(*lines: str, name: str = "labels.csv"):
        text = ("\n".join(lines) + "\n").encode()
        (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        return tmp_path / name

    return into


WIDE = ("Image Index,Pneumothorax,Nodule or mass,Rotated,Age,Finding Labels", "a.png,YES,no,0,50,Mass|Effusion",
        "b.png,FALSE,,1,51,No Finding", "c.png,-1,TRUE,0,52,Pneumothorax")


@pytest.mark.parametrize("name", ["labels.csv", "labels.csv.gz"])
def test_one_column_a_finding_in_the_words_that_people_use(write, name):
    [read] = read_label_file(write(*WIDE, name=name))
    assert (read.reader, read.film_column, read.image_ids.tolist()) == ("", "Image Index", ["a.png", "b.png", "c.png"])
    assert read.findings == ("Pneumothorax", "Nodule_or_mass") and read.readers == 1
    assert np.array_equal(read.labels, np.array([[1, 0], [0, np.nan], [np.nan, 1]]), equal_nan=True)
    assert read.left_out == {"Rotated": "--map 'Rotated=Rotated'"}
    assert any("'Finding Labels' holds names of findings and was left out" in note for note in read.notes)
    assert any("1 labels are uncertain and count as unknown: Pneumothorax 1" in note for note in read.notes)


def test_what_is_left_out_is_taken_by_its_map_line(write):
    path = write("image,Pneumothorax,Spots,Other thing", "a.png,1,1,5", "b.png,0,0,6")
    [read] = read_label_file(path)
    assert read.left_out == {"Spots": "--map 'Spots=Spots'"}
    [read] = read_label_file(path, mapping={"Spots": "nodule"}, policy="positive")
    assert read.findings == ("Pneumothorax", "Nodule") and read.left_out == {}
    [read] = read_label_file(path, known=("Spots",))
    assert read.findings == ("Pneumothorax", "Spots")


def test_a_policy_for_uncertain_labels(write):
    path = write(*WIDE)
    values = {policy: read_label_file(path, policy=policy)[0].labels[2, 0] for policy in ("positive", "negative")}
    assert values == {"positive": 1, "negative": 0}
    with pytest.raises(DataError, match="--policy 'guess' is none of unknown, positive, negative"):
        read_label_file(path, policy="guess")


def test_one_column_of_names(write):
    [read] = read_label_file(write("file,labels", "a.png,Effusion;Mass", "b.png,No Finding", "c.png,Mass;Spots"))
    assert read.findings == ("Mass", "Effusion") and read.labels.tolist() == [[1, 1], [0, 0], [1, 0]]
    assert read.left_out == {"Spots": "--map 'Spots=Spots'"}


READERS = ("image_id,reader,Pneumothorax,Effusion", "a,R2,1,0", "a,R1,1,1", "a,R3,0,", "b,R1,0,1", "b,R2,1,1")


def test_rows_by_reader_are_a_majority_or_single_ones(write):
    path = write(*READERS)
    [read] = read_label_file(path)
    assert np.array_equal(read.labels, np.array([[1, np.nan], [np.nan, 1]]), equal_nan=True) and read.readers == 3
    single = read_label_file(path, by_reader=True)
    assert [one.reader for one in single] == ["R1", "R2", "R3"]
    assert [one.image_ids.tolist() for one in single] == [["a", "b"], ["a", "b"], ["a"]]
    assert single[0].labels.tolist() == [[1, 1], [0, 1]]


def test_rows_of_one_finding_each(write):
    path = write("image_id,class_name,rad_id", "a,Cardiomegaly,R1", "a,Nodule/Mass,R1", "a,No finding,R2",
                 "b,No finding,R1")
    one, two = read_label_file(path, by_reader=True)
    assert one.findings == ("Cardiomegaly", "Nodule_or_mass") and one.labels.tolist() == [[1, 1], [0, 0]]
    assert two.labels.tolist() == [[0, 0]]


@pytest.mark.parametrize("lines, says", [
    (("number,Pneumothorax", "1,1", "2,0"), "has no column of films: none is called imageindex.* it has number"),
    (("image,Spots,x", "a.png,1,7", "b.png,0,8"), "no column is a finding that is known here; --map 'Spots=FINDING'"),
    (("image,x", "a.png,7", "b.png,8"), "no column is a finding that is known here; it has image, x"),
    (("image,Mass", "a.png,1", "b.png,maybe"), "row 3: 'maybe' is no label of Mass: expected one of 1, yes"),
    (("image,Mass", "a.png,1", "a.png,0"), None),
    ((*READERS, "a,R2,0,0"), "row 7: reader R2 has read film a twice .1 such rows"),
    (("image,Mass", "a.png,1", '"b.png","un\nsure?"'), "row 3: 'un sure.' is no label of Mass"),
])
def test_what_is_wrong_is_one_line(write, lines, says):
    path = write(*lines)
    with pytest.raises(DataError, match=says or "film a.png stands in the table twice") as error:
        read_label_file(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_name_that_is_none_is_no_map(write):
    with pytest.raises(DataError, match="--map: 'macro' is no name of a finding"):
        read_label_file(write(*WIDE), mapping={"Rotated": "macro"})


def test_a_description_says_how(write, tmp_path):
    adjudicated = read_description("nih_adjudicated")
    path = write("Image Index,Nodule or mass,Pneumothorax,Set Id,Rotated", "a.png,YES,NO,test,0", "b.png,NO,NO,val,1")
    [read] = read_label_file(path, adjudicated)
    assert read.findings == ("Nodule_or_mass", "Pneumothorax") and read.labels.tolist() == [[1, 0], [0, 0]]
    assert read.left_out == {"Rotated": "--map 'Rotated=Rotated'"} and read.description is adjudicated
    [read] = read_label_file(path, adjudicated, mapping={"Nodule or mass": "Mass"})
    assert read.findings == ("Mass", "Pneumothorax")
    with pytest.raises(DataError, match=r"missing column\(s\) Fracture, Pneumothorax"):
        read_label_file(write("Image Index,Rotated", "a.png,1", "b.png,0"), adjudicated)


@pytest.mark.parametrize("description", ["nih_adjudicated", None])
def test_the_adjudicated_labels(shared, description):
    path = shared / "labels" / "google2019_nih-chest-xray-labels.csv.gz"
    if not path.exists():
        pytest.skip("the adjudicated labels are not in ../shared")
    [read] = read_label_file(path, description and read_description(description))
    assert read.findings == ("Fracture", "Pneumothorax", "Airspace_opacity", "Nodule_or_mass")
    assert (len(read.image_ids), (read.labels == 1).sum(axis=0).tolist()) == (4376, [186, 238, 2166, 605])
    assert not np.isnan(read.labels).any() and read.left_out == {}
    assert description or any("'Finding Labels'" in note for note in read.notes)


@pytest.mark.parametrize(
    ("heading", "mapping", "error"),
    [
        ("tumour,Mass", {"tumour": "Mass"}, "has two columns for Mass: 'Mass' and 'tumour'"),
        ("left,right", {"left": "Mass", "right": "Mass"}, "--map 'right=Mass' cannot be: .* for it, 'left'"),
        ("Mass,Spots", {"Spot": "Nodule"}, "--map names 'Spot', which is no column of"),
        ("Mass,Mass", {}, "has two columns for Mass: 'Mass' and 'Mass'"),
    ],
)
def test_no_other_column_takes_the_place_of_the_one_that_is_meant(write, heading, mapping, error):
    with pytest.raises(DataError, match=error):
        read_label_file(write(f"image,{heading}", "a.png,1,0", "b.png,0,0"), mapping=mapping)
