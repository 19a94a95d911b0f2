"""Descriptions: what is shipped, what a user's own may say, and what is wrong with one, in a line with file and key."""

import os
import tomllib

import pytest

from cxrcore.data import description
from cxrcore.data.description import described, read_description
from cxrcore.errors import DataError
from cxrcore.findings import NIH_FINDINGS, checked_list

OWN = """
name = "Ours"
findings = ["Effusion", "Lung_Opacity"]

[columns]
film = "file"

[labels]
form = "columns"

[vocabulary]
opacity = "Lung_Opacity"
"""


def changed(old: str, new: str) -> dict:
    assert old in OWN
    return tomllib.loads(OWN.replace(old, new))


@pytest.mark.parametrize("name", description.shipped_names())
def test_what_is_shipped_reads_and_is_cited(name):
    found = read_description(name)
    assert found.citation and found.label_source and found.findings == checked_list(found.findings)
    assert set(found.notes) <= set(found.findings)


def test_the_sets_that_have_to_be_there_are():
    assert set(description.shipped_names()) == {"nih", "chestmnist", "chexpert", "padchest", "vinbigdata", "rsna",
                                                "siim", "openi", "phantoms", "nih_adjudicated"}
    assert {name: read_description(name).findings for name in ("nih", "chestmnist", "phantoms")} == dict.fromkeys(
        ("nih", "chestmnist", "phantoms"), NIH_FINDINGS)
    assert len(read_description("padchest").findings) == 40
    assert "not Pleural thickening alone" in read_description("chexpert").notes["Pleural_Other"]
    assert read_description("nih_adjudicated").derived["Nodule_or_mass"].any == ("Nodule", "Mass")


def test_names_are_known_in_every_spelling_and_the_vocabulary_counts_first():
    found = described(tomllib.loads(OWN), "own.toml")
    assert [found.finding_of(name) for name in ("Pleural Effusion", "effusion", "OPACITY", "lung opacity", "Mass")] == [
        "Effusion", "Effusion", "Lung_Opacity", "Lung_Opacity", None]


def test_one_that_is_like_another_says_the_rest(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('like = "padchest"\nfindings = ["Nodule", "Hernia"]\n[films]\n'
                    'only = { Projection = ["PA", "AP"] }\n')
    own, model = read_description(path), read_description("padchest")
    assert own.findings == ("Nodule", "Hernia") and own.vocabulary == {"hiatal hernia": "Hernia"}
    assert own.films.only == {"Projection": ("PA", "AP")} and own.films.patterns == model.films.patterns
    assert own.labels == model.labels and own.people == model.people and own.path == path


@pytest.mark.parametrize("old, new, says", [
    ('name = "Ours"', "", "own.toml: name is missing"),
    ('name = "Ours"', "name = 3", "own.toml: name is 3: it has to be a text"),
    ('name = "Ours"', 'name = "Ours"\nnmae = 1', "own.toml: nmae is no key .*expected like, name"),
    ('name = "Ours"', 'name = "Ours"\npolicy = "maybe"', "own.toml: policy is 'maybe': expected one of unknown, pos"),
    ('name = "Ours"', 'name = "Ours"\nlike = "mimic"', "own.toml: like is 'mimic': expected one of chestmnist"),
    ('"Effusion", ', '"Effusion", "effusion", ', "own.toml: findings do not do: .*effusion"),
    ('"Effusion", ', '"Effusion", "Effusion", ', "own.toml: findings do not do: two columns for one finding: Effusion"),
    ('["Effusion", "Lung_Opacity"]', "[]", "own.toml: findings do not do"),
    ('["Effusion", "Lung_Opacity"]', "[1]", "own.toml: findings is .1.: it has to be a text or a list"),
    ('film = "file"', "", "own.toml: columns.film is missing"),
    ('film = "file"', 'film = "file"\nweight = "kg"', "own.toml: columns.weight is no key"),
    ('film = "file"', 'film = { column = "file", part = "two" }', "columns.film.part is 'two': it has to be a whole"),
    ('film = "file"', 'film = []', "columns.film names no column"),
    ('film = "file"', 'film = "file"\noptional = ["weight"]', "columns.optional names 'weight'"),
    ('form = "columns"', 'form = "cells"', "own.toml: labels.form is 'cells': expected one of names, columns, rows"),
    ('form = "columns"', 'form = "names"', "own.toml: labels.column is missing"),
    ('form = "columns"', 'form = "columns"\npositive = ["1", "0"]', "labels.positive and the others name '0' twice"),
    ('form = "columns"', 'form = "columns"\nblank = "odd"', "labels.blank is 'odd': expected one of unknown, neg"),
    ('opacity = "Lung_Opacity"', 'opacity = "Mass"', "vocabulary.opacity is 'Mass', which is none of the findings"),
    ('opacity = "Lung_Opacity"', 'opacity = "Lung_Opacity"\nshadow = "Lung_Opacity"',
     "vocabulary.shadow is a second name of Lung_Opacity, beside 'opacity'"),
    ('opacity = "Lung_Opacity"', 'opacity = { finding = "Lung_Opacity", why = "x" }', "vocabulary.opacity.why is"),
    ('opacity = "Lung_Opacity"', '[derived.Either]\nany = ["Nodule"]', "derived.Either.any has to be two or more"),
    ('opacity = "Lung_Opacity"', '[derived."Any of"]\nany = ["Nodule", "Mass"]', "the canonical name is Any_of"),
    ('[vocabulary]', '[films]\npattern = "images/x.png"\n[vocabulary]', "films.pattern has to be one to 20 "),
    ('[vocabulary]', '[films]\npattern = "../{film}"\n[vocabulary]', "films.pattern leads out of the folder"),
    ('[vocabulary]', '[boxes]\nfilm = "f"\nfinding = "l"\nx = "x"\n[vocabulary]', "boxes.y is missing"),
    ('[vocabulary]', '[splits]\nscheme = "half"\n[vocabulary]', "splits.scheme is 'half'"),
    ('[vocabulary]', 'columns2 = 1\n[vocabulary]', "labels.columns2 is no key"),
])
def test_what_is_wrong_is_one_line_with_file_and_key(old, new, says):
    with pytest.raises(DataError, match=says) as error:
        described(changed(old, new), "own.toml")
    assert "\n" not in str(error.value) and str(error.value).startswith("own.toml: ")


def test_a_vocabulary_has_an_end():
    with pytest.raises(DataError, match="vocabulary has 1,001 names; at most 1,000"):
        described({**tomllib.loads(OWN), "vocabulary": {f"n{i}": "Effusion" for i in range(1001)}}, "own.toml")


def test_odd_findings_of_one_that_is_like_another_are_told():
    with pytest.raises(DataError, match=r"own.toml: findings is \[\["):
        described({"like": "nih", "findings": [["Effusion"]]}, "own.toml")


def test_a_section_in_the_wrong_place_is_told():
    with pytest.raises(DataError, match=r"own\.toml: columns is 'file': it has to be a section"):
        described({**tomllib.loads(OWN), "columns": "file"}, "own.toml")


@pytest.mark.parametrize("content, says", [
    (b"name = ", "is no TOML"), (b"\xff\xfe\x00", "not text in UTF-8"), (b"x = " + b"[" * 50_000, "is no"),
    (b"#" * 1_100_000, "1 MB large"),
])
def test_a_file_that_is_none_is_refused(tmp_path, content, says):
    (tmp_path / "own.toml").write_bytes(content)
    with pytest.raises(DataError, match=says) as error:
        read_description(tmp_path / "own.toml")
    assert str(tmp_path / "own.toml") in str(error.value) and "\n" not in str(error.value)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "own.toml")
    with pytest.raises(DataError, match="is a pipe or a device and no file"):
        read_description(tmp_path / "own.toml")


def test_a_missing_one_and_a_wrong_name_say_what_there_is(tmp_path):
    with pytest.raises(DataError, match=r"no such description: .*own\.toml"):
        read_description(tmp_path / "own.toml")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(DataError, match="is a folder"):
        read_description(tmp_path / "folder.toml")
    with pytest.raises(DataError, match=r"no description 'mimic': expected a file that ends in \.toml, or one of"):
        read_description("mimic")
    with pytest.raises(DataError, match="--policy 'maybe' is none of unknown, positive, negative"):
        read_description("nih").with_policy("maybe")
