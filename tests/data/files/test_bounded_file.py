"""What foreign files may take: bytes, rows, columns, lines, what they are packed into, and what is no file."""

import bz2
import gzip
import io
import json
import lzma
import os
import tarfile
import zipfile
from functools import partial

import numpy as np
import pytest

from cxrcore.data import box_list, chestmnist, film_files, films
from cxrcore.data.description import read_description
from cxrcore.data.files import bounded_file
from cxrcore.data.label_file import read_label_file
from cxrcore.errors import DataError, WorkbenchError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export import prediction_file, training_films
from cxrcore.store import threshold_file

TEXT = b"Image Index,Finding Labels,Patient ID\n" + b"".join(b"%d.png,Mass,%d\n" % (i, i) for i in range(50))
BOXES = b"Image Index,Finding Label,x,y,w,h\n" + b"a.png,Mass,1,2,3,4\n" * 50
read_nih_boxes = partial(box_list.read_boxes, read_description("nih"))


def tar(data: bytes, mode: str = "w", before: bytes = b"") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for name, content in (("pax", before), ("table.csv", data)):
            entry = tarfile.TarInfo(name)
            entry.size, entry.type = len(content), tarfile.REGTYPE if name == "table.csv" else tarfile.DIRTYPE
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def zipped(*members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, data in enumerate(members):
            archive.writestr(f"{i}.csv", data)
    return packed.getvalue()


PACKED = {"csv": bytes, "csv.gz": gzip.compress, "csv.bz2": bz2.compress, "csv.xz": lzma.compress, "csv.zip": zipped,
          "tar": tar, "tar.gz": lambda data: tar(data, "w:gz"), "tar.xz": lambda data: tar(data, "w:xz")}


@pytest.mark.parametrize("ending", PACKED)
def test_a_table_is_read_from_what_it_is_packed_into_up_to_the_bound(tmp_path, monkeypatch, ending):
    path = tmp_path / f"table.{ending}"
    path.write_bytes(PACKED[ending](TEXT))
    assert bounded_file.table_text(path) == TEXT and len(films.read_table(path).images) == 50
    path.write_bytes(PACKED[ending](TEXT + bytes(100_000)))
    monkeypatch.setattr(bounded_file, "MAX_BYTES", 50_000)
    for read in (films.read_table, read_nih_boxes):
        with pytest.raises(DataError, match=r"more than 0 MB|at most 0 MB"):
            read(path)


def test_an_archive_of_several_files_is_refused(tmp_path):
    (tmp_path / "table.zip").write_bytes(zipped(TEXT, TEXT))
    with pytest.raises(DataError, match="does not hold one file"):
        films.read_table(tmp_path / "table.zip")


@pytest.mark.parametrize("bound, most, said", [
    ("MAX_ROWS", 49, "at most 49 are read"), ("MAX_COLUMNS", 2, "3 columns; at most 2"),
    ("MAX_LINE", 10, "a line of more"), ("MAX_BYTES", 99, "0 MB")])
def test_tables_and_lists_have_bounds(tmp_path, monkeypatch, bound, most, said):
    path = tmp_path / "table.csv"
    path.write_bytes(TEXT)
    monkeypatch.setattr(bounded_file, bound, most)
    readers = {"MAX_ROWS": [films.read_table, film_files.read_list, training_films.train_list_of],
               "MAX_COLUMNS": [films.read_table],
               "MAX_LINE": [films.read_table, training_films.train_list_of],
               "MAX_BYTES": [films.read_table, film_files.read_list, training_films.train_list_of]}
    for read in readers[bound]:
        with pytest.raises(DataError) as error:
            read(path)
        assert said in str(error.value) and "\n" not in str(error.value)
    path.write_bytes(BOXES)
    if bound in ("MAX_ROWS", "MAX_LINE"):
        with pytest.raises(DataError, match=said):
            read_nih_boxes(path)


@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
def test_rows_are_counted_whatever_ends_them(monkeypatch, ends):
    monkeypatch.setattr(bounded_file, "_AT_ONCE", 7)  # blocks: lines lie across them
    monkeypatch.setattr(bounded_file, "MAX_ROWS", 30)
    monkeypatch.setattr(bounded_file, "MAX_LINE", 20)
    row = b"x" * 18 + ends
    bounded_file.check_lines(row * 31, "x")  # with the header
    bounded_file.check_lines(row * 31 + b"y" * 19, "x")
    with pytest.raises(DataError, match=r"\d\d rows"):
        bounded_file.check_lines(row * 32, "x")
    for long in (row * 3 + b"y" * 22, b"y" * 22 + ends + row, row + b"y" * 22 + ends + row):
        with pytest.raises(DataError, match="a line of more"):
            bounded_file.check_lines(long, "x")


READERS = {"table": films.read_table, "boxes": read_nih_boxes, "list": film_files.read_list, "labels": read_label_file,
           "training list": training_films.train_list_of,
           "predictions": partial(prediction_file.read_prediction_file, findings=NIH_FINDINGS),
           "thresholds": partial(threshold_file.read_threshold_file, findings=NIH_FINDINGS)}


@pytest.mark.parametrize("kind", READERS)
def test_a_pipe_is_not_waited_for(tmp_path, kind):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(WorkbenchError, match="is a pipe or a device and no file"):
        READERS[kind](tmp_path / "pipe.csv")


@pytest.mark.parametrize("text, said", [
    (b"[" * 200_000, "no JSON object"), (b'{"a": "' + b"x" * 1_000_000 + b'"}', "at most 1 MB are read"),
    (b"[1]", "no JSON object"), (b"\xff\xfe{}", "no JSON object")], ids=["deep", "large", "list", "coding"])
def test_settings_beside_weights_have_bounds(tmp_path, text, said):
    from cxrcore.networks.foreign import declared

    (tmp_path / "start.json").write_bytes(text)
    with pytest.raises(WorkbenchError, match=said) as error:
        declared.beside(tmp_path / "start.pth")
    assert "\n" not in str(error.value)


# -- ChestMNIST's archive


def chestmnist_of(path, monkeypatch, **shapes: tuple[int, ...]) -> None:
    """An archive whose arrays are of these shapes by their heads; the others are of two films."""
    with zipfile.ZipFile(path, "w") as archive:
        for part in ("train", "val", "test"):
            for what, own in (("labels", (2, len(NIH_FINDINGS))), ("images", (2, 28, 28))):
                packed, claimed = io.BytesIO(), shapes.get(f"{part}_{what}")
                np.lib.format.write_array(packed, np.zeros(own, np.uint8))
                if claimed:
                    packed = io.BytesIO()
                    np.lib.format.write_array_header_1_0(
                        packed, {"descr": "|u1", "fortran_order": False, "shape": claimed})
                archive.writestr(f"{part}_{what}.npy", packed.getvalue())
                if claimed:
                    archive.filelist[-1].file_size = len(packed.getvalue()) + int(np.prod(claimed, dtype=object))


@pytest.mark.parametrize("shapes, said", [
    ({"val_labels": (10**12, 14)}, "at most 200 MB"), ({"val_labels": (3_000_000, 14)}, "at most 2,000,000"),
    ({"train_images": (10**9, 28, 28)}, "1,000,000,000 films of train, but 2 labels"),
    ({"train_images": (2, 100_000, 100_000)}, "100000 pixels a side")], ids=["bytes", "rows", "films", "pixels"])
def test_an_archive_of_films_claims_no_more_than_is_published(tmp_path, monkeypatch, shapes, said):
    chestmnist_of(tmp_path / "chestmnist.npz", monkeypatch, **shapes)
    with pytest.raises(DataError, match=said):
        list(chestmnist.unpack(tmp_path / "chestmnist.npz", tmp_path / "films"))


def test_an_array_that_claims_more_than_it_holds_is_refused(tmp_path):
    packed = io.BytesIO()
    np.lib.format.write_array_header_1_0(packed, {"descr": "<f8", "fortran_order": False, "shape": (10**13,)})
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("a.npy", packed.getvalue())
    with pytest.raises(ValueError, match="claims more"):
        bounded_file.check_arrays(tmp_path / "x.npz", "x")


def test_a_threshold_file_has_bounds(tmp_path):
    path = tmp_path / "set.json"
    for text in (json.dumps({"Mass": 1}) + " " * 1_000_000, "[" * 100_000):
        path.write_text(text)
        with pytest.raises(DataError, match=r"larger than 1,000 kB|nested too deeply"):
            threshold_file.read_threshold_file(path, NIH_FINDINGS)
