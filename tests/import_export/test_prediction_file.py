"""Reading predictions: three kinds of files, columns however they are called, and files that are none."""

import io
import os
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import predictions as made
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxrcore.data import film_ids
from cxrcore.data.files import bounded_file
from cxrcore.errors import DataError, UsageError, WorkbenchError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export import examination, prediction_file
from cxrcore.import_export.examination import Declared
from cxrcore.import_export.prediction_file import PredictionFile, parse_mapping

FILMS = made.table(30)
ROWS = made.frame(FILMS)
SCORES = ROWS[list(NIH_FINDINGS)].to_numpy(np.float64)


def parsed(content: bytes, name: str = "x", mapping=None, findings=NIH_FINDINGS) -> PredictionFile:
    return prediction_file.parse_prediction_file(content, name, findings, mapping)


@pytest.mark.parametrize("write", [made.as_csv, made.as_parquet, made.as_npz])
def test_every_kind_gives_the_same_scores(write):
    found = parsed(write(ROWS), "x")
    assert found.image_ids.tolist() == ROWS["image_id"].tolist()
    assert np.array_equal(found.scores.astype(np.float32), SCORES.astype(np.float32))
    assert found.columns == dict(zip(NIH_FINDINGS, NIH_FINDINGS, strict=True)) and found.present.all()


@pytest.mark.parametrize("rename", [
    "prob_{}", "pred_{}", "{}_score", "P({})", "y_hat.{}", "{}", "model 2 / {} (prob)"])
def test_names_with_anything_around_them(rename):
    rows = ROWS.rename(columns={finding: rename.format(finding) for finding in NIH_FINDINGS})
    assert np.array_equal(parsed(made.as_parquet(rows), "x").scores, SCORES)


def test_order_case_and_spelling_do_not_matter():
    names = {"Pleural_Thickening": "pleural", "Infiltration": "Infiltrate", "Effusion": "pleural effusion",
             "Mass": "MASS"}
    rows = ROWS[["Hernia", *sorted(NIH_FINDINGS[:-1]), "image_id"]].rename(columns=names)
    found = parsed(made.as_parquet(rows), "x")
    assert np.array_equal(found.scores, SCORES) and found.columns["Effusion"] == "pleural effusion"


@pytest.mark.parametrize("name", ["Image Index", "image_id", "path", "id", "Path"])
def test_films_with_folders_of_any_system(name):
    for prefix in ("", "data/images_001/", "C:\\films\\"):
        rows = ROWS.assign(image_id=prefix + ROWS["image_id"]).rename(columns={"image_id": name})
        found = parsed(made.as_csv(rows), "x")
        known = film_ids.as_known(found.image_ids, set(ROWS["image_id"]))
        assert known == ROWS["image_id"].tolist() and found.image_column == name


def test_films_that_are_told_apart_by_their_folders_alone():
    films = replace(FILMS, images=FILMS.images.assign(
        image_id=[f"train~patient{k:05d}~study1~view1_frontal.jpg" for k in range(len(FILMS.images))]))
    for prefix, ending in (("Ours-v1.0/", ".jpg"), ("D:\\x\\", ".png"), ("", "")):
        paths = [prefix + one.replace("~", "/").removesuffix(".jpg") + ending for one in films.images["image_id"]]
        rows = ROWS.assign(image_id=paths)
        candidate = examination.examine(parsed(made.as_csv(rows), "x"), films, Declared())
        assert candidate.image_ids.tolist() == films.images["image_id"].tolist()


def test_fewer_findings_stay_undefined_and_other_columns_are_left_alone():
    found = parsed(
        made.as_csv(ROWS[["image_id", "Mass", "Edema"]].assign(age=50, note="x", **{"No Finding": 0.5})), "x"
    )
    assert list(found.columns) == ["Mass", "Edema"] and found.ignored == ("age", "note", "No Finding")
    assert np.isnan(found.scores).all(axis=0).sum() == 12


def test_labels_beside_the_scores_are_left_alone():
    labels = pd.DataFrame(FILMS.labels, columns=[f"label_{finding}" for finding in NIH_FINDINGS])
    bare = pd.DataFrame(FILMS.labels.astype(int), columns=NIH_FINDINGS)
    renamed = ROWS.rename(columns={finding: f"prob_{finding}" for finding in NIH_FINDINGS})
    for other in (labels, bare):
        found = parsed(made.as_parquet(pd.concat([other, renamed], axis=1)), "x")
        assert np.array_equal(found.scores, SCORES)


def test_two_sets_of_columns_have_to_be_told_apart():
    other = ROWS[list(NIH_FINDINGS)].add_prefix("ema_")
    both = made.as_parquet(pd.concat([ROWS, other * 0.5], axis=1))
    with pytest.raises(UsageError, match="ema_Atelectasis"):
        parsed(both, "x")
    found = parsed(both, "x", {f"ema_{finding}": finding for finding in NIH_FINDINGS})
    assert np.allclose(found.scores, SCORES / 2)


def test_a_finding_twice_is_refused():
    with pytest.raises(DataError, match="Pleural_Thickening stands there twice"):
        parsed(made.as_csv(ROWS.assign(pleural=0.5)), "x")


def test_a_mapping_tells_what_names_do_not():
    rows = ROWS.rename(columns={"Mass": "x1", "image_id": "which"})
    found = parsed(made.as_parquet(rows), "x", parse_mapping("x1=Mass, which=image_id"))
    assert found.columns["Mass"] == "x1" and np.array_equal(found.scores, SCORES)
    with pytest.raises(UsageError, match="'x9', which is not there"):
        parsed(made.as_csv(rows), "x", {"x9": "Mass", "which": "id"})
    with pytest.raises(WorkbenchError, match="Flu"):
        parsed(made.as_csv(ROWS), "x", {"Mass": "Flu"})
    with pytest.raises(UsageError, match="COLUMN=FINDING"):
        parse_mapping("Mass")


def test_a_matrix_without_names_needs_a_mapping():
    file = io.BytesIO()
    np.savez(file, image_id=ROWS["image_id"].to_numpy(str), scores=SCORES)
    with pytest.raises(DataError, match="no finding among the columns"):
        parsed(file.getvalue(), "x")
    found = parsed(file.getvalue(), "x", {str(k): finding for k, finding in enumerate(NIH_FINDINGS)})
    assert np.array_equal(found.scores, SCORES)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators(separator):
    assert np.array_equal(parsed(made.as_csv(ROWS, sep=separator), "x").scores.astype(np.float32),
                          SCORES.astype(np.float32))


def test_empty_cells_are_missing_scores():
    rows = ROWS.astype({"Mass": object})
    rows.loc[3, "Mass"] = None
    assert np.isnan(parsed(made.as_csv(rows), "x").scores[3, NIH_FINDINGS.index("Mass")])


def test_rows_that_end_in_a_comma_too_many_do_not_shift():
    found = parsed(b"image_id,Mass,Edema\nx.png,0.5,0.25,\ny.png,0.125,1,\n", "x")
    assert found.image_ids.tolist() == ["x.png", "y.png"]
    assert found.scores[:, NIH_FINDINGS.index("Mass")].tolist() == [0.5, 0.125]


def test_a_column_of_parts():
    found = parsed(made.as_csv(ROWS.assign(split=["val"] * 10 + ["test"] * 20)), "x")
    assert (found.parts == "val").sum() == 10


@pytest.mark.parametrize(("content", "said"), [
    (b"", "is empty"), (b"image_id,Mass\n", "no rows"), (b"a,b\n1,2\n", "no column names the films"),
    (b"image_id,age\nx.png,3\n", "no finding among the columns"), (b"image_id,Mass\nx.png,high\n", "'high'"),
    (b"image_id,Mass\nx.png,1" + b"0" * 400 + b"\n", "too large"),
    (b'image_id,Mass\nx.png,0.5\ny.png,"0.5\n', "cannot be read as CSV"),
    (b"\x89PNG\r\n\x1a\n\0\0\0", "no text"), (b"bild_id;Gr\x81\n", "not UTF-8"),
    (b"PAR1 broken", "cannot be read as Parquet"), (b"PK\x03\x04broken", "cannot be read as npz")])
def test_what_is_no_such_file_is_said_in_one_line(content, said):
    with pytest.raises(DataError, match=r"^x\.csv") as raised:
        parsed(content, "x.csv")
    assert said in str(raised.value) and "\n" not in str(raised.value)


def test_pickled_arrays_are_not_opened():
    file = io.BytesIO()
    np.savez(file, image_id=np.array(["a.png"], object), Mass=np.array([0.5]))
    with pytest.raises(DataError, match="pickle"):
        parsed(file.getvalue(), "x")


@pytest.mark.parametrize("kind", ["complex128", "datetime64[s]", [("a", "<f4")]])
def test_columns_that_hold_no_numbers_are_refused(kind):
    file = io.BytesIO()
    np.savez(file, image_id=np.array(["a.png"]), Mass=np.zeros(1, kind))
    with pytest.raises(DataError, match=r"'Mass' holds .*, expected one number a film"):
        parsed(file.getvalue(), "x")


# -- files that are small to send and costly to read


def npz_of_heads(**shapes: tuple[int, ...]) -> bytes:
    """An .npz whose arrays are of these shapes, in float64, by their heads and the archive's list, and hold nothing."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, shape in shapes.items():
            head = io.BytesIO()
            np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": shape})
            archive.writestr(f"{name}.npy", head.getvalue())
            archive.filelist[-1].file_size = len(head.getvalue()) + 8 * int(np.prod(shape, dtype=object))
    return packed.getvalue()


def parquet(**columns) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, compression="zstd", write_statistics=False)
    return file.getvalue()


def one_text(text: str, n: int) -> pa.Array:
    """The same text in each of n rows, which a file holds once."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array([text]))


@pytest.mark.parametrize("make, said", [
    (lambda: npz_of_heads(image_id=(9,), Mass=(70_000_000,)), "unpacks to 560 MB; at most 500 MB are read"),
    (lambda: npz_of_heads(image_id=(9,), Mass=(2_000_001,)), "2,000,001 rows; at most 2,000,000"),
    (lambda: npz_of_heads(image_id=(9,), Mass=(1, 2_001)), "2,001 columns; at most 2,000"),
    (lambda: npz_of_heads(**{f"c{i}": (1,) for i in range(2_001)}), "2,001 columns; at most 2,000"),
    (lambda: parquet(image_id=one_text("a", 2_000_001)), "2,000,001 rows; at most 2,000,000"),
    (lambda: parquet(image_id=["a"], **{f"c{i}": [0.5] for i in range(2_001)}), "2,002 columns; at most 2,000"),
    (lambda: parquet(image_id=one_text("a" * 100_000, 2_000), Mass=np.zeros(2_000)), "does not fit into"),
    (lambda: parquet(image_id=["a" * 80_000_000], Mass=[0.5]), "does not fit into"),
    (lambda: b"image_id,Mass\n" + b"a,1\n" * 2_000_001, "2,000,001 rows; at most 2,000,000"),
    (lambda: b"image_id,Mass" + b",c" * 2_001 + b"\n", "2,003 columns; at most 2,000"),
    (lambda: b"image_id,Mass\na,1" + b",1" * 100_000, "a line of more than 200 kB"),
], ids=["npz", "npz rows", "npz columns", "npz arrays", "parquet rows", "parquet columns", "parquet text",
        "parquet page", "csv rows", "csv columns", "csv line"])
def test_what_is_over_a_bound_is_refused_in_a_line_that_says_it(make, said, monkeypatch):
    monkeypatch.setattr(bounded_file.TABLES, "limits", replace(bounded_file.TABLE_LIMITS, memory=90_000_000))
    with pytest.raises(DataError, match=r"^x") as raised:
        parsed(make(), "x")
    assert said in str(raised.value) and "\n" not in str(raised.value)


def test_a_table_that_takes_too_long_is_refused_and_the_next_one_is_read(monkeypatch):
    monkeypatch.setattr(bounded_file.TABLES, "limits", replace(bounded_file.TABLE_LIMITS, cpu=0.2))
    with pytest.raises(DataError, match=r"^x took more than 0\.2 s of processor time"):
        parsed(b"image_id,Mass\n" + b"a,1\n" * 1_900_000, "x")
    assert len(parsed(made.as_csv(ROWS), "x").image_ids) == len(ROWS)


def test_a_file_that_is_too_large_or_none_is_refused_unread(tmp_path):
    with open(tmp_path / "x.csv", "wb") as file:
        file.truncate(200_000_001)
    with pytest.raises(DataError, match="200 MB large; at most 200 MB are read"):
        prediction_file.read_prediction_file(tmp_path / "x.csv", NIH_FINDINGS)
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="is a pipe or a device"):
        prediction_file.read_prediction_file(tmp_path / "pipe.csv", NIH_FINDINGS)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([b"", b"PAR1", b"PK\x03\x04", b"image_id,Mass\n"]), st.binary(max_size=300))
def test_no_file_raises_anything_but_our_errors(head, rest):
    try:
        parsed(head + rest, "x")
    except WorkbenchError as error:
        assert "\n" not in str(error)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=4), st.sampled_from([made.as_parquet, made.as_npz]))
def test_damaged_files_neither(place, damage, write):
    content = bytearray(write(ROWS))
    place %= len(content)
    content[place:place + len(damage)] = damage
    try:
        parsed(bytes(content), "x")
    except WorkbenchError as error:
        assert "\n" not in str(error)
