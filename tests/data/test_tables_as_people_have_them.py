"""Tables of films as people have them: the same data set comes out, what was assumed is said, a doubt is refused."""

import random
from pathlib import Path

import numpy as np
import pytest

from cxrcore.data import films
from cxrcore.data.film_files import places_in
from cxrcore.data.label_file import read_label_file
from cxrcore.errors import DataError, WorkbenchError
from cxrcore.findings import NIH_FINDINGS

NIH = ("Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position",
       "00000001_000.png,Mass|Hernia,0,1,58,M,PA", "00000001_001.png,No Finding,1,1,58,M,AP",
       "00000002_000.png,Effusion,0,2,63,F,PA", "00000003_000.png,No Finding,0,3,40,F,PA")
ROWS = [line.split(",") for line in NIH[1:]]


def one_hot(findings=NIH_FINDINGS, yes="1", no="0", patient="Patient ID", more=(), separator=",") -> list[str]:
    """The same films with a column a finding; `more` adds (heading, values)."""
    lines = [["Image Index", *([patient] if patient else []), *findings, *(name for name, _ in more)]]
    for place, row in enumerate(ROWS):
        has = row[1].split("|")
        lines.append([row[0], *([row[3]] if patient else []), *(yes if name in has else no for name in findings),
                      *(values[place] for _, values in more)])
    return [separator.join(line) for line in lines]


@pytest.fixture
def write(tmp_path):
    """Writes lines as a table, in an encoding."""

    def into(lines, encoding: str = "utf-8", end: str = "\n", name: str = "table.csv") -> Path:
        (tmp_path / name).write_bytes((end.join(lines) + end).encode(encoding))
        return tmp_path / name

    return into


def _paths(prefix: str, line: str) -> str:
    return prefix + line if line[0].isdigit() else line


SAME = {
    "semicolons": [line.replace(",", ";") for line in NIH],
    "tabs": [line.replace(",", "\t") for line in NIH],
    "Excel's first line": ["sep=;", *(line.replace(",", ";") for line in NIH)],
    "no finding": [line.replace("No Finding", word) for line, word in zip(NIH, ("", "", "no_finding", "", "NORMAL"),
                                                                          strict=True)],
    "NIH's folders": [_paths("images_001/images/", line) for line in NIH],
    "Kaggle's folders": [_paths("/kaggle/input/data/images_001/images/", line) for line in NIH],
    "Windows' folders": [_paths("images_001\\images\\", line) for line in NIH],
    "one-hot": one_hot(),
    "one-hot, other order and words": one_hot(tuple(reversed(NIH_FINDINGS)), "True", "FALSE"),
    "one-hot, decimals": one_hot(yes="1.00", no="0.0"),
    "one-hot, semicolons and decimal commas": one_hot(yes="1,0", no="0,0", separator=";"),
    "one-hot, No Finding": one_hot(more=[("No_Finding", "0101")]),
    "one-hot, patients out of NIH's names": one_hot(patient=""),
    "one-hot, own spellings": [line.replace("Pleural_Thickening", "pleural thickening").replace("Image Index", "path")
                               .replace("Patient ID", "patient_id") for line in one_hot()],
    "one-hot, an index": [f"{place or ''},{line}" for place, line in enumerate(one_hot())],
    "one-hot, another 0/1 column": one_hot(more=[("has_box", "1010")]),
    "names without a column of patients": [",".join(line.split(",")[:2]) for line in NIH],
    "other headings": [line.replace("Image Index", "filename").replace("Finding Labels", "labels") for line in NIH],
}


@pytest.mark.parametrize("lines", SAME.values(), ids=SAME)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_same_films_are_the_same_data_set(write, lines, encoding):
    known, found = films.read_table(write(NIH, name="nih.csv")), films.read_table(write(lines, encoding))
    assert found.dataset_id == known.dataset_id and np.array_equal(found.labels, known.labels)
    assert found.findings == NIH_FINDINGS and not known.notes


def test_what_was_assumed_is_said(write):
    found = films.read_table(write(one_hot(more=[("No Finding", "0101"), ("has_box", "1010")], separator=";")))
    said = "\n".join(found.notes)
    for part in ("read with semicolons between cells", "film: column 'Image Index'", "one column a finding, 14 of them",
                 "'No Finding' says that there is no finding", "left out, as no known finding is called so: has_box",
                 "patient: column 'Patient ID'"):
        assert part in said, said
    assert "'NORMAL' means no finding: 1 rows" in films.read_table(write(SAME["no finding"])).notes


@pytest.mark.parametrize("heading", ["fold", "Split", "subset", "dataset_split", "Partition"])
@pytest.mark.parametrize("lines", [NIH, one_hot()], ids=["names", "one-hot"])
def test_a_column_of_parts_is_the_tables_own_split(write, heading, lines):
    words = [heading, "Training", "VALID", "dev", "testing"]
    found = films.read_table(write([f"{line},{word}" for line, word in zip(lines, words, strict=True)]))
    assert found.given.tolist() == ["train", "val", "val", "test"]
    assert any(f"column '{heading}' holds the table's own" in note and "--split given" in note for note in found.notes)


def test_numbered_folds_are_no_split(write):
    found = films.read_table(write([f"{line},{word}" for line, word in zip(NIH, ["fold", *"0123"], strict=True)]))
    assert found.given is None and any("column 'fold' was left out: '0' is none of" in note for note in found.notes)


def test_a_list_of_other_findings_keeps_its_order_and_unknown_cells(write):
    path = write(["filename,Nodule,Support Devices,Mass", "a.jpg,1,NA,0", "b.jpg,0,1,", "c.jpg,0,0,1"])
    found = films.read_table(path)
    assert found.findings == ("Nodule", "Support_Devices", "Mass")
    assert np.array_equal(found.labels, [[1, np.nan, 0], [0, 1, np.nan], [0, 0, 1]], equal_nan=True)
    assert {"labels: 2 empty cells count as unknown", "patient: no column found, so patients are unknown"
            } <= set(found.notes)


DOUBTS = {
    "a finding or not": (["image,Mass,Spots", "a.png,1,0", "b.png,0,1"], "'Spots' may be a finding or not"),
    "empty cells": (["image,Mass,Nodule", "a.png,1,", "b.png,,1"], "may mean that the finding is absent or unknown"),
    "several rows": (["image,Mass,Nodule", "a.png,1,0", "a.png,0,1"], "a film has several rows"),
    "readers": (["image,reader,Mass", "a.png,R1,0", "b.png,R2,1"], "column 'reader' names readers"),
    "a list that may be longer": (["image,labels", "a.png,Mass", "b.png,Nodule"], "the list may be longer"),
    "other names": (["image,labels", "a.png,Mass", "b.png,Lung Opacity"], "none of NIH's findings"),
    "nothing known": (["a,b", "x,y"], "missing column.s. Image Index"),
    "a published table": (["Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,"
                           "Lung Opacity,Lung Lesion,Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,"
                           "Pleural Effusion,Pleural Other,Fracture,Support Devices",
                           "a/train/p1/study1/v.jpg,F,1,F,AP" + ",1" * 14],
                          "--data chexpert"),
}


@pytest.mark.parametrize(("lines", "why"), DOUBTS.values(), ids=DOUBTS)
def test_a_doubt_is_refused_with_the_command_that_settles_it(write, lines, why):
    with pytest.raises(DataError, match=why) as error:
        films.read_table(write(lines))
    assert "scripts/describe.py" in str(error.value) and len(str(error.value).splitlines()) == 1


def test_paths_whose_names_collide_stay_paths(write):
    lines = [NIH[0], "a/00000001_000.png,Mass,0,1,5,M,PA", "b/00000001_000.png,Mass,0,1,5,M,PA"]
    found = films.read_table(write(lines))
    assert found.images["image_id"].tolist() == ["a~00000001_000.png", "b~00000001_000.png"]
    assert any("part of their names" in note for note in found.notes)


# -- where films lie


@pytest.mark.parametrize("place", ["{}.jpg", "images_001/images/{}.JPG", "archive/nih/images_001/images/{}.png",
                                   "a/b/images_001/images/{}.dcm"])
def test_films_with_other_endings_and_in_deeper_folders_are_found_and_said(write, tmp_path, place):
    path = write(SAME["NIH's folders"])
    for row in ROWS[:3]:
        film = tmp_path / "films" / place.format(row[0].removesuffix(".png"))
        film.parent.mkdir(parents=True, exist_ok=True)
        film.touch()
    found = films.load_film_set(str(path), str(tmp_path / "films"), None, 0)
    assert [one.stem for one in found.paths.values()] == [row[0].removesuffix(".png") for row in ROWS[:3]]
    said = found.describe()
    assert ("another ending" in said) == (not place.endswith(".png")) and ("levels below" in said) == (
        place.count("/") > 2)
    single = places_in(tmp_path / "films", found.description.films)
    assert [single.find(name) for name in found.paths] == list(found.paths.values())
    assert single.find(ROWS[3][0]) is None


def test_where_no_film_is_the_error_says_what_was_searched_and_which_folder_above_has_them(write, tmp_path):
    path, low = write(NIH), tmp_path / "films" / "x" / "y"
    low.mkdir(parents=True)
    (low / "notes.txt").touch()
    with pytest.raises(DataError, match=r"other endings, in 1 folders .*1 other files are there such as notes"):
        films.load_film_set(str(path), str(low), None, 0)
    (tmp_path / "films" / "00000002_000.jpg").touch()
    with pytest.raises(DataError, match=f"--img_root {tmp_path / 'films'}$"):
        films.load_film_set(str(path), str(low), None, 0)


@pytest.mark.parametrize("low", ["set", "set/train", "set/train/p1"])
def test_paths_are_found_below_a_folder_that_they_begin_above(tmp_path, low):
    film = tmp_path / "set" / "train" / "p1" / "a.jpg"
    film.parent.mkdir(parents=True)
    film.touch()
    (tmp_path / "t.csv").write_text(f"{NIH[0]}\nset/train/p1/a.png,Mass,0,1,5,M,PA\n")
    found = films.load_film_set(str(tmp_path / "t.csv"), str(tmp_path / low), None, 0)
    assert [one.resolve() for one in found.paths.values()] == [film.resolve()]


# -- label files have the same forms


def test_label_files_are_read_in_the_same_forms(tmp_path):
    path = tmp_path / "l.csv"
    path.write_bytes("Bild;Datei;Mass;Nodule;Ort\r\n1;set\\a.jpg;1,0;NA;Köln\r\n2;set\\b.png;0,0;1,0;Köln\r\n"
                     .encode("cp1252"))
    [read] = read_label_file(path)
    assert read.image_ids.tolist() == ["set~a.jpg", "set~b.png"] and read.findings == ("Mass", "Nodule")
    assert np.array_equal(read.labels, [[1, np.nan], [0, 1]], equal_nan=True)
    assert read.notes[0] == "read with semicolons between cells, decimal commas, Windows' code page 1252"
    path.write_text("image,labels\na.png,NA\nb.png,Mass\nc.png,No finding\n")
    assert np.array_equal(read_label_file(path)[0].labels, [[np.nan], [1], [0]], equal_nan=True)


# -- files that people sent

CASES = {"27-table-one-hot/nih_labels.csv": ("fold",), "29-table-excel-eu/Data_Entry_2017.csv": ("semicolons",),
         "30-table-no-finding-case/Data_Entry_2017.csv": (),
         "32-table-paths/Data_Entry_2017.csv": ("934 are paths",)}


@pytest.mark.parametrize(("case", "said"), CASES.items(), ids=CASES)
def test_tables_that_people_sent(shared, case, said):
    path = shared / "cases" / case
    if not path.exists():
        pytest.skip(f"{path} is not there")
    known, found = films.read_table(path.with_name("table.csv")), films.read_table(path)
    assert (found.dataset_id, len(found.images), int((found.labels == 1).sum())) == (known.dataset_id, 934, 697)
    assert all(any(part in note for note in found.notes) for part in said)


def test_films_of_another_ending_that_people_sent(shared):
    folder = shared / "cases" / "34-films-jpg-with-png-table"
    if not folder.exists():
        pytest.skip(f"{folder} is not there")
    found = films.load_film_set(str(folder / "table.csv"), str(folder / "films"), None, 0)
    assert len(found.paths) == 8 and "8 films have another ending than the table gives them" in found.describe()


# -- damage


def damaged(data: bytes, seed: int) -> bytes:
    """A table with a few bytes changed, cells swapped, lines cut or rows doubled."""
    draw, data = random.Random(seed), bytearray(data)
    for _ in range(draw.randint(1, 6)):
        place, kind = draw.randrange(len(data)), draw.randrange(6)
        if kind == 0:
            data[place] = draw.randrange(256)
        elif kind == 1:
            del data[place : place + draw.randint(1, 60)]
        elif kind == 2:
            data[place:place] = draw.choice([b'"', b",", b";;", b"\x00", b"\r", b"\n\n", b"\xff\xfe", b"/", b"\\"])
        elif kind == 3:
            data += data[place : place + 80]
        elif kind == 4:
            data = data.replace(*draw.choice([
                (b",", b";"), (b"\n", b"\r"), (b"0", b"NA"), (b"1", b"0,5"), (b"Mass", b"x"), (b"Image", b"Patient"),
                (b".png", b""), (b"a", b"\xe4")]))
        else:
            data = bytearray(data[: max(place, 1)])
        data = data or bytearray(b"\n")
    return bytes(data)


@pytest.mark.parametrize("seeds", [range(100), pytest.param(range(2_000), marks=pytest.mark.long)], ids=["100", "2000"])
def test_a_damaged_table_is_read_or_refused_in_one_line(tmp_path, seeds):
    forms, path = [*SAME.values(), *(lines for lines, _ in DOUBTS.values())], tmp_path / "t.csv"
    n_refused = 0
    for seed in seeds:
        text = "\n".join(forms[seed % len(forms)]).encode(("utf-8", "utf-8-sig", "utf-16", "cp1252")[seed // 7 % 4])
        path.write_bytes(damaged(text, seed))
        for read in (films.read_table, read_label_file):
            try:
                read(path)
            except WorkbenchError as error:
                n_refused += 1
                assert len(str(error).splitlines()) == 1 and len(str(error)) < 3_000, (seed, str(error))
    assert 0 < n_refused < 2 * len(seeds)
