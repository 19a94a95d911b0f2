"""A kind of mutated inputs: files of predictions, as CSV, Parquet and NPZ, packed or not."""

import gzip
import io
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import predictions as made
from fuzzed import Begun, Read

from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export import examination, prediction_file
from cxrcore.import_export.examination import Declared

FILMS = made.table(60)
NAMES = FILMS.images["image_id"].tolist()
CELLS = ("", " ", "nan", "inf", "-inf", "1e999", "1e-400", "-1", "2", "0,5", "1.234,5", "1" * 400, "x", "'=1+1", '"',
         "\0", "\n", "a" * 3_000, "\ufeff", "None", "True", "0x1F", "..", "../../x", "C:\\films\\", "~", "\u202e",
         "[x](y)")
HEADS = ("", "id", "Image Index", "split", "fold", "Mass", "mass", "No Mass", "Nodule/Mass", "label_Mass", "prob_Mass",
         "P(Mass)", "0", "0.5", "Unnamed: 0", "a\nb", "x" * 5_000, "'=x", "score_0", "true_0", "\u0130",
         "Finding Labels")
Change = Callable[[random.Random, pd.DataFrame], pd.DataFrame]


def predictions(folder: Path) -> Begun:
    """Files of predictions, which are examined where they can be read."""
    prediction_file.parse_prediction_file(made.as_csv(made.frame(FILMS)), "warm", NIH_FINDINGS)

    def make(rng: random.Random) -> Read:
        content, name = mutated(rng)

        def read() -> None:
            file = prediction_file.parse_prediction_file(content, name, FILMS.findings, None, NAMES)
            examination.examine(file, FILMS, Declared())

        return read

    return make


def mutated(rng: random.Random) -> tuple[bytes, str]:
    """A file's bytes and name."""
    rows = made.frame(FILMS, seed=rng.randrange(5))
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        rows = rng.choice(CHANGES)(rng, rows)
    content = bytearray(rng.choice(KINDS)(rng, rows))
    for _ in range(rng.choice((0, 0, 0, 1, 2, 10))):
        content = _with_changed_bytes(rng, content)
    done = bytes(content)
    if rng.random() < 0.15:
        done = gzip.compress(done * rng.choice((1, 1, 1, 50)))
        done = done[: rng.choice((len(done), len(done) // 2, len(done)))]
    return done, rng.choice(("x.csv", "x_val.csv", "chestmnist_test_[AUC]0.8@1.csv", "x.npz", "x.parquet", "x.gz"))


def _with_changed_bytes(rng: random.Random, content: bytearray) -> bytearray:
    if not content:
        return content
    place, n = rng.randrange(len(content)), rng.choice((1, 1, 4, 100))
    kind = rng.randrange(4)
    if kind == 0:
        content[place] = rng.randrange(256)
    elif kind == 1:
        del content[place:place + n]
    elif kind == 2:
        content[place:place] = content[place // 2: place // 2 + n]
    else:
        content[place:place] = rng.choice((b"\0", b"\xff\xfe", b'"', b"\r", b"\n\n", b",,,", b";", b"\x1f\x8b", b"PK"))
    return content


# -- changes of rows and columns


def _cell(rng: random.Random, rows: pd.DataFrame) -> pd.DataFrame:
    if not rows.shape[0] or not rows.shape[1]:
        return rows
    rows = rows.astype(object)
    for _ in range(rng.choice((1, 5))):
        rows.iloc[rng.randrange(rows.shape[0]), rng.randrange(rows.shape[1])] = rng.choice(CELLS)
    return rows


def _head(rng: random.Random, rows: pd.DataFrame) -> pd.DataFrame:
    names = list(rows.columns)
    for _ in range(rng.choice((1, 3)) if names else 0):
        names[rng.randrange(len(names))] = rng.choice(HEADS)
    return rows.set_axis(names, axis=1)


def _column(rng: random.Random, rows: pd.DataFrame) -> pd.DataFrame:
    made_up = rng.choice((0, 1, "val", "test", np.nan, "x", 0.5, -1, NAMES[0]))
    own = pd.DataFrame({rng.choice(HEADS): [made_up] * len(rows)}, index=rows.index)
    return pd.concat([own, rows] if rng.random() < 0.5 else [rows, own], axis=1)


def _fewer(rng: random.Random, rows: pd.DataFrame) -> pd.DataFrame:
    if rng.random() < 0.5:
        return rows.iloc[: rng.choice((0, 1, 2, 30))]
    return rows.iloc[:, rng.sample(range(rows.shape[1]), rng.randrange(rows.shape[1] + 1))]


def _twice(rng: random.Random, rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows, rows.sample(min(len(rows), 9), random_state=rng.randrange(99))])


def _labels(rng: random.Random, rows: pd.DataFrame) -> pd.DataFrame:
    own = pd.DataFrame(FILMS.labels, columns=NIH_FINDINGS).add_prefix(rng.choice(("", "label_", "y_")))
    return pd.concat([own.where(np.random.default_rng(1).random(own.shape) < 0.9), rows.reset_index(drop=True)], axis=1)


CHANGES: tuple[Change, ...] = (_cell, _cell, _head, _head, _column, _fewer, _twice, _labels)


# -- kinds of files


def _csv(rng: random.Random, rows: pd.DataFrame) -> bytes:
    text = rows.to_csv(index=rng.random() < 0.2, sep=rng.choice(",,;\t|"), decimal=rng.choice(".,"),
                       header=rng.random() < 0.9, quoting=rng.choice((0, 1)))
    return text.encode(rng.choice(("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252")), "replace")


def _parquet(rng: random.Random, rows: pd.DataFrame) -> bytes:
    own = rows.set_axis([f"{name}{place}" if list(rows.columns).count(name) > 1 else str(name)
                         for place, name in enumerate(rows.columns)], axis=1)
    texts = [name for name in own if own[name].dtype.kind == "O"]
    return made.as_parquet(own.astype(dict.fromkeys(texts, str)))


def _npz(rng: random.Random, rows: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    texts = rows.astype(str)
    arrays = {f"a{place}": texts.iloc[:, place].to_numpy(str) for place in range(rows.shape[1])}
    if rng.random() < 0.7 and "image_id" in rows and rows.columns.is_unique:
        numbers = rows.drop(columns="image_id").apply(pd.to_numeric, errors="coerce")
        arrays = {"films": rows["image_id"].to_numpy(str), "names": np.array(list(numbers.columns), str),
                  "scores": numbers.to_numpy(np.float64)}
    np.savez(file, **arrays)
    return file.getvalue()


KINDS: tuple[Callable[[random.Random, pd.DataFrame], bytes], ...] = (_csv, _csv, _parquet, _npz)
