"""Mutated films through the process that reads films from outside: named errors, in bounded time and memory."""

import random
import time
import warnings

import mutated_films
import numpy as np
import psutil
import pytest

from cxrcore.data.pixels import decode_film
from cxrcore.errors import FilmError

SECONDS, BYTES = 10, 1_000_000_000


def read_all(n: int, seed: int) -> dict[str, float]:
    """Read n mutated films of four kinds in turn; the counts, the longest time, the most memory of the process."""
    chance, told = random.Random(seed), {"read": 0, "refused": 0, "ended": 0, "seconds": 0.0, "bytes": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = mutated_films.seeds()
    decode_film.PROCESSES.close()
    for i in range(n):
        kind = ("DICOM", "DICOM", "PNG", "JPEG", "TIFF")[i % 5]
        deflated = kind == "DICOM" and i % 50 == 0
        data = (mutated_films.deflated_dicom(chance) if deflated else
                mutated_films.mutated(chance.choice(whole[kind]), kind, chance))
        begun = time.perf_counter()
        try:
            film = decode_film.read_in_limits(data, "film")
        except FilmError as error:
            assert str(error).startswith("film ") and "\n" not in str(error), (i, error)
            told["refused"] += 1
            told["ended"] += "ended the process" in str(error)
        else:
            assert film.pixels.dtype == np.uint8 and film.pixels.ndim == 2 and film.pixels.size, i
            assert all(note and "\n" not in note for note in film.notes)
            told["read"] += 1
        told["seconds"] = max(told["seconds"], time.perf_counter() - begun)
        assert time.perf_counter() - begun < SECONDS, i
        for child in psutil.Process().children():
            told["bytes"] = max(told["bytes"], _most_held(child.pid))
        assert told["bytes"] < BYTES, i
    return told


def _most_held(pid: int) -> int:
    """The most memory that a process ever held, where the system tells."""
    try:
        with open(f"/proc/{pid}/status") as file:
            return next((1024 * int(line.split()[1]) for line in file if line.startswith("VmHWM")), 0)
    except OSError:
        return 0


def test_a_hundred_mutated_films_are_read_or_refused():
    told = read_all(100, seed=19)
    assert told["read"] > 10 and told["refused"] > 10


@pytest.mark.long
def test_five_thousand_mutated_films_are_read_or_refused():
    told = read_all(5_000, seed=5)
    print(told)
    assert told["read"] > 500 and told["refused"] > 500
