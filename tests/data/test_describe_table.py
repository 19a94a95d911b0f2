"""Proposed descriptions read back, read their table, and say what was guessed."""

import tomllib

import pytest
import run_scripts

from cxrcore.data import films
from cxrcore.data.describe_table import describe, toml_text
from cxrcore.data.description import described
from cxrcore.data.film_table import read_films
from cxrcore.errors import DataError


@pytest.fixture
def write(tmp_path):
    """Writes lines as a CSV."""

    def into(*lines: str):
        (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
        return tmp_path / "table.csv"

    return into


def said(text: str) -> str:
    return "\n".join(line[2:] for line in text.splitlines() if line.startswith("# "))


def test_nihs_table_reads_as_by_its_own_description(tiny_nih):
    table = tiny_nih / "Data_Entry_2017.csv"
    text = describe(table)
    ours, own = read_films(described(tomllib.loads(text), "it"), table), films.read_table(table)
    assert set(ours.findings) == set(own.findings) and ours.images.equals(own.images)
    assert (ours.labels[:, [ours.findings.index(name) for name in own.findings]] == own.labels).all()
    for line in ("film: column 'Image Index'", "sex: column 'Patient Gender'", "citation: nothing in a table",
                 "labels: column 'Finding Labels' names findings, with '|' between them",
                 "read so: 160 rows, 160 films of 60 patients"):
        assert line in said(text)


PATHS = ("Path,Sex,split,Pneumothorax,Effusion,Odd sign", "set/v1/p001/1.jpg,F,train,1.0,,1",
         "set/v1/p002/1.jpg,M,valid,0,-1,0", "set/v1/p002/2.jpg,M,test,-1,1,0")


def test_paths_splits_and_values(write):
    text = describe(write(*PATHS), name="Ours")
    values = tomllib.loads(text)
    assert values["name"] == "Ours"
    assert values["films"] == {"root": ".", "table": "table.csv", "pattern": "{film}", "drop": 2}
    assert values["columns"]["patient"] == {"column": "Path", "part": 3}
    assert values["splits"] == {"words": {"train": ["train"], "val": ["valid"], "test": ["test"]}}
    assert values["labels"] == {"form": "columns", "positive": ["1"], "negative": ["0"], "uncertain": ["-1"],
                                "blank": "unknown"}
    assert values["findings"] == ["Pneumothorax", "Effusion", "Odd_sign"]
    for line in ("no shipped description knows these, they stay as they are: Odd sign", "patient: part 3 of the path",
                 "age: no column found", 'blank = "negative" if it means', "-1 is uncertain"):
        assert line in said(text)


def test_readers_and_boxes(write):
    text = describe(write("image_id,class_name,rad_id,x_min,y_min,x_max,y_max", "a,Cardiomegaly,R1,1,2,3,4",
                          "a,No finding,R2,,,,", "b,Nodule/Mass,R1,1,2,3,4"))
    values = tomllib.loads(text)
    assert values["labels"]["form"] == "rows" and values["columns"]["reader"] == "rad_id"
    assert values["vocabulary"]["Nodule/Mass"] == "Nodule_or_mass" and values["boxes"]["x_max"] == "x_max"
    assert "read so: 3 rows, 2 films of unknown patients" in said(text)


def test_names_with_signs_that_no_name_has(write):
    text = describe(write('file,"Soft ""tissue""",Mass?*', "a.png,1,0", "b.png,0,1"))
    assert tomllib.loads(text)["vocabulary"] == {'Soft "tissue"': "Soft_tissue", "Mass?*": "Mass"}


@pytest.mark.parametrize("lines, says", [
    (("a,b", "1,2"), "has no column of films"), (("image,b", "a.png,2", "b.png,3"), "no column is a finding"),
    (("",), "is empty"),
])
def test_a_table_of_odd_columns_is_refused_in_one_line(write, lines, says):
    with pytest.raises(DataError, match=says) as error:
        describe(write(*lines))
    assert "\n" not in str(error.value)


def test_the_script_prints_or_writes_what_data_then_takes(write, tmp_path):
    table = write(*PATHS)
    printed = run_scripts.here("describe.py", table)
    assert printed.returncode == 0 and tomllib.loads(printed.stdout)["name"] == "table"
    (tmp_path / "own").mkdir()
    out = tmp_path / "own" / "ours.toml"
    done = run_scripts.here("describe.py", table, "--out", out)
    assert done.returncode == 0 and f"written: {out}" in done.stdout and "film: column 'Path'" in done.stdout
    assert tomllib.loads(out.read_text())["films"]["table"] == "../table.csv"
    film = tmp_path / "own" / "set" / "v1" / "p001" / "1.jpg"
    film.parent.mkdir(parents=True)
    film.write_bytes(b"x")
    found = films.load_film_set(None, None, None, 0, data=str(out))
    assert list(found.paths.values()) == [film] and found.split.scheme == "given"
    again = run_scripts.here("describe.py", table, "--out", out)
    assert again.returncode == 2 and "ours.toml is there already" in again.stderr and again.stderr.count("\n") == 1


def test_toml_is_what_it_was_made_of():
    values = {"name": "a \"b\" \\ ü", "list": ["x", "y"], "n": 3, "yes": True,
              "part": {"a key": "v", "inner": {"column": "c", "part": -1}}, "splits": {"words": {"train": ["t"]}}}
    assert tomllib.loads(toml_text(values)) == values
