"""Files of predictions mutated at random: read, or refused with one line, in bounded time and memory."""

import gzip
import io
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import predictions as made
import pytest

from cxrcore.data.files import bounded_file
from cxrcore.errors import WorkbenchError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export import examination, prediction_file
from cxrcore.import_export.examination import Declared

IN_SUITE, LONG = range(100), range(100, 2_100)
SECONDS, MEMORY = 10.0, 1_000_000_000  # of one file
FILMS = made.table(60)
NAMES = FILMS.images["image_id"].tolist()
CELLS = ("", " ", "nan", "inf", "-inf", "1e999", "1e-400", "-1", "2", "0,5", "1.234,5", "1" * 400, "x", "'=1+1", '"',
         "\0", "\n", "a" * 3_000, "\ufeff", "None", "True", "0x1F", "..", "../../x", "C:\\films\\", "~", "\u202e",
         "[x](y)")
HEADS = ("", "id", "Image Index", "split", "fold", "Mass", "mass", "No Mass", "Nodule/Mass", "label_Mass", "prob_Mass",
         "P(Mass)", "0", "0.5", "Unnamed: 0", "a\nb", "x" * 5_000, "'=x", "score_0", "true_0", "\u0130",
         "Finding Labels")
Change = Callable[[random.Random, pd.DataFrame], pd.DataFrame]


def test_predictions_mutated_at_random_are_read_or_refused():
    found = fuzzed(IN_SUITE)
    assert min(found["read"], found["refused"]) > len(IN_SUITE) / 20, found


@pytest.mark.long
def test_many_predictions_mutated_at_random_are_read_or_refused():
    found = fuzzed(LONG)
    print(dict(found))
    assert min(found["read"], found["refused"]) > len(LONG) / 20, found


def fuzzed(seeds: range) -> Counter:
    """How many were read and refused, the longest time in ms and the most memory in MB."""
    found: Counter = Counter()
    prediction_file.parse_prediction_file(made.as_csv(made.frame(FILMS)), "warm", NIH_FINDINGS)
    for seed in seeds:
        content, name = mutated(random.Random(seed))
        began = time.perf_counter()
        try:
            file = prediction_file.parse_prediction_file(content, name, FILMS.findings, None, NAMES)
            examination.examine(file, FILMS, Declared())
            found["read"] += 1
        except WorkbenchError as error:
            assert "\n" not in str(error) and len(str(error)) < 700, (seed, error)
            found["refused"] += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r}") from error
        seconds = time.perf_counter() - began
        assert seconds < SECONDS, (seed, seconds)
        found["ms"], found["MB"] = max(found["ms"], int(1000 * seconds)), max(found["MB"], held())
        assert found["MB"] < MEMORY / 1e6, (seed, found)
    return found


def held() -> int:
    """The most memory that the process which parses has had, in MB; 0 where the system does not say."""
    with bounded_file.TABLES.lent() as process:
        if not process.is_running() or not Path("/proc/self/status").exists():
            return 0
        status = Path(f"/proc/{process._process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) // 1000


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
