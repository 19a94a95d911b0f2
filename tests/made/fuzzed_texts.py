"""Kinds of mutated texts: label tables, boxes and lists, descriptions, threshold files, prevalences, heartbeats."""

import gzip
import json
import random
import tarfile
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from chexpert_like import DESCRIPTION
from fuzzed import Begun, Read, changed_bytes, changed_text, changed_tree, encoded
from known_data import nih_rows

from cxrcore.data import box_list, describe_table, description, film_files, films
from cxrcore.data.film_table import read_films
from cxrcore.data.label_file import read_label_file
from cxrcore.data.prevalence_table import parse_prevalences
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.decisions.promises import Aim
from cxrcore.queries import run_progress
from cxrcore.store import Store, progress, queued
from cxrcore.store.run_folder import PROGRESS
from cxrcore.store.threshold_file import ThresholdFile, parse_threshold_file, read_threshold_file, threshold_file_text

SHIPPED = tuple(description.shipped_names())
CHEXPERT = """Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,\
Lung Lesion,Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,\
Support Devices
CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg,Female,68,Frontal,AP,1.0,,,,,,,,,0.0,,,,1.0
CheXpert-v1.0-small/valid/patient00002/study1/view1_frontal.jpg,Male,87,Lateral,,,,-1.0,1.0,,-1.0,,,,,1,,,0.0
"""
READERS = """image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max
a,Cardiomegaly,3,R1,10,20,110,70
a,Cardiomegaly,3,R2,12,20,110,70
a,Nodule/Mass,8,R1,1,2,3,4
b,No finding,14,R3,,,,
b,Pneumothorax,12,R2,5,5,6,6
"""
WIDE = """Image Index,Pneumothorax,Nodule or mass,Rotated,Age,Finding Labels
a.png,YES,no,0,50,Mass|Effusion
b.png,FALSE,,1,51,No Finding
c.png,-1,TRUE,0,52,Pneumothorax
"""
OWN_TABLE = """file;patient;split;labels
a.png;1;train;Effusion|Mass
b.png;1;train;No Finding
c.png;2;test;Mass
"""
BOXES = """Image Index,Finding Label,Bbox [x,y,w,h],,,
a.png,Atelectasis,225.08,547.01,86.77,79.18
b.png,Infiltrate,686.1,131.5,185.49,313.49
"""


def nih() -> str:
    """A table in NIH's own layout."""
    rows, labels = nih_rows(np.random.default_rng(3), 24, 10)
    names = np.array(NIH_FINDINGS)
    head = ("Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
            "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],")
    lines = [f"{film},{'|'.join(names[label > 0]) or 'No Finding'},{number},{patient},{age},{sex},{view},1024,1024,1,1"
             for (film, patient, number, age, sex, view), label in zip(rows, labels, strict=True)]
    return "\n".join([head, *lines, ""])


TABLES = (nih(), nih(), CHEXPERT, READERS, WIDE, OWN_TABLE, BOXES)


def written(rng: random.Random, folder: Path, stem: str, text: str) -> Path:
    """A mutated text as a file, now and then packed, damaged, or packed twice."""
    data = encoded(rng, changed_text(rng, text))
    if rng.random() < 0.3:
        data = changed_bytes(rng, data)
    ending = rng.choice((".csv",) * 8 + (".csv.gz", ".zip", ".tar", ".tar.gz", ".xlsx", ".tsv", ".bz2"))
    for _ in range(rng.choice((1, 1, 2)) if ending != ".csv" else 0):
        data = _packed(data, ending, stem)
    if ending != ".csv" and rng.random() < 0.3:
        data = changed_bytes(rng, data)
    path = folder / (stem + ending)
    path.write_bytes(data)
    return path


def _packed(data: bytes, ending: str, stem: str) -> bytes:
    if ending == ".csv.gz":
        return gzip.compress(data)
    file = BytesIO()
    if ending == ".zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{stem}.csv", data)
    elif ".tar" in ending:
        with tarfile.open(fileobj=file, mode="w:gz" if ending.endswith("gz") else "w") as archive:
            member = tarfile.TarInfo(f"{stem}.csv")
            member.size = len(data)
            archive.addfile(member, BytesIO(data))
    else:
        return data
    return file.getvalue()


def label_tables(folder: Path) -> Begun:
    """Tables of data sets, as they are recognised, as a description reads them, and as one is proposed for them."""
    def make(rng: random.Random) -> Read:
        path = written(rng, folder, "table", rng.choice(TABLES))
        way, name = rng.randrange(4), rng.choice(SHIPPED)
        policy = rng.choice((None, None, "positive", "negative", "unknown", "x"))
        if way == 0:
            return lambda: describe_table.describe(path)
        if way == 1:
            return lambda: read_films(description.read_description(name), path, policy)
        return lambda: films.read_table(path, None, policy)

    return make


def label_files(folder: Path) -> Begun:
    """Second readings, box lists and lists of films."""
    def make(rng: random.Random) -> Read:
        path = written(rng, folder, "labels", rng.choice(TABLES))
        way, name = rng.randrange(4), rng.choice(("nih", "vinbigdata", *SHIPPED))
        mapping = {rng.choice(("Rotated", "Nodule or mass", "x")): rng.choice(("nodule", "Rotated", "", "macro"))}
        if way == 0:
            return lambda: box_list.read_boxes(description.read_description(name), path)
        if way == 1:
            return lambda: film_files.read_list(path)
        return lambda: read_label_file(path, mapping=mapping if rng.random() < 0.3 else None, known=NIH_FINDINGS)

    return make


def descriptions(folder: Path) -> Begun:
    """A description of somebody's own, with a table beside it; and `like` another one."""
    own = DESCRIPTION.format(findings='"Lung_Opacity", "Edema", "Effusion"')  # of the table that lies beside it
    texts = [own, *(Path(description.__file__).with_name("descriptions").joinpath(f"{name}.toml").read_text()
                    for name in SHIPPED)]
    words = ("[", "[[", "[a]", "[labels]", "[columns]", "{}", "[" * 900, "{a=" * 300, "1979-05-27", "0x_", "1e999",
             "nan", '"""', "'''", "true", "film", "Path", '"Path"', '{ column = "Path", part = -9 }', '["a", "b"]',
             "columns", '"names"', '"rows"', '"../../x"', '"/etc/passwd"', '"\\u0000"', '"\\ud800"', '"{film}{film}"',
             "9" * 30, '"Effusion"', 'like = "nih"', 'like = "description"', '"(a+)+$"', "depth = 99999", '"macro"')
    (folder / "labels.csv").write_text(CHEXPERT)

    def make(rng: random.Random) -> Read:
        plain = rng.choice((own, *texts))
        text = changed_text(rng, plain, words)
        data = encoded(rng, text) if rng.random() < 0.9 else changed_bytes(rng, text.encode("utf-8", "replace"))
        path = folder / "description.toml"
        path.write_bytes(data)

        def read() -> None:
            found = description.read_description(path)
            if plain == own:
                read_films(found, folder / "labels.csv")

        return read

    return make


def threshold_files(folder: Path) -> Begun:
    """Sets of thresholds in the workbench's own form, in others' forms, and with a promise; and prevalences."""
    values = dict(zip(NIH_FINDINGS, np.linspace(0.1, 0.9, 14).tolist(), strict=True))
    promise = {"promise": {**vars(Aim("recall", 0.9)), "assumes": "x", "void": "", "findings": {
        "Mass": {"threshold": 0.4, "patients": 40, "right": 38, "needed": 0}}}}
    own = [threshold_file_text(ThresholdFile(np.array(list(values.values())), NIH_FINDINGS, "mine", "max_f1", more,
                                             created_at="2017-09-27T12:00:00+00:00"))
           for more in ({"unstable": ["Mass"]}, promise)]
    plain = [json.dumps(values), "finding,threshold\n" + "\n".join(f"{name},{value}" for name, value in values.items()),
             "\n".join(f"{name} {100 * value:.1f} %" for name, value in values.items())]
    path = folder / "thresholds.json"

    def make(rng: random.Random) -> Read:
        text = rng.choice((*own, *own, *plain))
        if text.startswith("{") and rng.random() < 0.7:
            text = json.dumps(changed_tree(rng, json.loads(text)), ensure_ascii=rng.random() < 0.5)
        else:
            text = changed_text(rng, text)
        data = encoded(rng, text)
        data = changed_bytes(rng, data) if rng.random() < 0.15 else data
        findings: Sequence[str] = rng.choice((NIH_FINDINGS, NIH_FINDINGS, ("Mass", "Effusion")))
        if rng.random() < 0.2:
            return lambda: parse_prevalences(data, findings)
        if rng.random() < 0.3:
            path.write_bytes(data)
            return lambda: read_threshold_file(path, findings)

        def read() -> None:
            found = parse_threshold_file(data, findings)
            assert ((found.thresholds >= 0) & (found.thresholds < 1.001)).all() and isinstance(found.said, list)
            if not found.missing:
                threshold_file_text(found)  # what was read can be written

        return read

    return make


def heartbeats(folder: Path) -> Begun:
    """What a training tells of itself in files beside the store; damage is nothing told, and no error."""
    store = Store(folder / "runs" / "store.duckdb")
    store.folder.mkdir(parents=True)
    told = {"pid": 1, "host": "", "heartbeat": 1e9, "stage": "training", "epoch": 2, "epochs": 5, "step": 3, "steps": 9,
            "images_per_second": 12.5, "seconds_left": 40.0, "best_epoch": 1}
    queue = {"pid": 1, "host": "", "whole": True, "trainings": [
        {"name": "a", "state": "running", "said": "x"}, {"name": "b", "state": "queued", "said": ""}]}

    def make(rng: random.Random) -> Read:
        host = rng.choice((progress.socket.gethostname(), "elsewhere"))
        of_queue = rng.random() < 0.4
        tree = changed_tree(rng, json.loads(json.dumps((queue if of_queue else told) | {"host": host})))
        data = json.dumps(tree).encode()
        data = changed_bytes(rng, data) if rng.random() < 0.3 else data
        (store.folder / (queued.FILE if of_queue else PROGRESS)).write_bytes(data)
        if of_queue:
            return lambda: queued.read(store).in_words()

        def read() -> None:
            found = progress.read_progress(store.folder)
            status = progress.effective_status("running", found)
            assert status in ("running", "interrupted") and 0 <= run_progress.share(found) <= 1
            assert run_progress.in_words(found) and run_progress.trouble("interrupted", found)

        return read

    return make
