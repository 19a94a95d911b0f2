"""What the audit notices in real files and what it misses: planted faults, exchanged columns, and parts of sound files.

    python -m pytest tests/benchmarks/bench_audit.py -m benchmark -s

Prints the tables of docs/measurements.md. Skipped where ../shared is not beside the project.
"""

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import planted_faults as planted
import pytest

from cxrcore.evaluation import data_set_films
from cxrcore.evaluation.data_set_films import DataSetFilms
from cxrcore.findings import NIH_FINDINGS, display_name
from cxrcore.import_export.audit.about_columns import exchanged
from cxrcore.measures.intervals.clustered_areas import Areas

REAL = ("DenseNet201", "ResNet50", "MobileNet_V2")
DRAWS = 10  # of each size and file
SIZES = {"patient halves": 0.5, "patient thirds": 1 / 3, "3,000 films": 3000, "1,000 films": 1000, "300 films": 300}

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def films(shared) -> DataSetFilms:
    """The table of the files' own films: all of their patients."""
    whole = data_set_films.of_csv(shared / "nih" / "Data_Entry_2017.csv")
    names = pd.read_csv(shared / "predictions" / f"{REAL[0]}_preds.csv")["Image Index"]
    own = whole.images["image_id"].isin(names).to_numpy()
    return replace(whole, images=whole.images[own].reset_index(drop=True), labels=whole.labels[own], official_test=None)


@pytest.fixture(scope="module")
def files(shared, films) -> dict[str, planted.Sound]:
    table, found = pd.Index(films.images["image_id"].to_numpy(object)), {}
    for name in REAL:
        rows = pd.read_csv(shared / "predictions" / f"{name}_preds.csv")
        names = rows["Image Index"].to_numpy(object)
        places = table.get_indexer(names)
        patients = films.images["patient_id"].to_numpy(object)[places]
        found[name] = planted.Sound(
            names, rows[[f"prob_{finding}" for finding in NIH_FINDINGS]].to_numpy(np.float64),
            films.labels[places].astype(np.float64), pd.factorize(patients)[0])
    return found


def verdict(fault: planted.Fault, file: planted.Sound, films) -> str:
    lines = planted.lines_of(fault.plant(file), films, **fault.declared)
    if planted.named(fault, lines):
        return "named"
    said = ", ".join(line.name for line in planted.alarms(lines))
    return f"as {said}" if said else "missed"


@pytest.mark.parametrize("faults", [planted.FAULTS, planted.UNTOLD], ids=["planted", "untold"])
def test_planted_faults(faults, files, films):
    print("\n\n| kind | fault | " + " | ".join(REAL) + " |\n|---|---|" + "---|" * len(REAL))
    counted = {name: Counter() for name in REAL}
    for fault in faults:
        found = [verdict(fault, files[name], films) for name in REAL]
        for name, one in zip(REAL, found, strict=True):
            counted[name][one.split()[0]] += 1
        print(f"| {fault.kind} | {fault.what} | {' | '.join(found)} |", flush=True)
    print("\n" + "; ".join(f"{name}: {dict(own)} of {len(faults)}" for name, own in counted.items()))
    if faults is planted.FAULTS:
        assert all(own["named"] >= 0.87 * len(faults) for own in counted.values())


def test_every_exchange_of_two_columns(files):
    print()
    for name, file in files.items():
        missed = []
        for a, b in itertools.combinations(range(len(NIH_FINDINGS)), 2):
            order = np.arange(len(NIH_FINDINGS))
            order[[a, b]] = b, a
            if not exchanged(Areas(file.labels, file.scores[:, order], file.patients), np.arange(len(NIH_FINDINGS))):
                missed.append(f"{display_name(NIH_FINDINGS[a])} and {display_name(NIH_FINDINGS[b])}")
        print(f"{name}: {91 - len(missed)} of 91 exchanges named; missed: {', '.join(missed) or 'none'}", flush=True)
        assert len(missed) <= 3


def test_normal_exports_raise_no_alarm(files, films):
    """But that scores are no probabilities, where they are not."""
    for (name, file), (label, change) in itertools.product(files.items(), planted.NORMAL.items()):
        lines = planted.alarms(planted.lines_of(file.frame(change(file)), films))
        assert not [line for line in lines if line.name != "Probabilities"], (name, label, lines)


def test_sound_files_and_parts_of_them_raise_no_alarm(files, films):
    """Films of drawn patients, and films drawn by themselves; in the file's order and in a random one."""
    false, n = [], 0
    for name, file in files.items():
        assert not planted.alarms(planted.lines_of(file.frame(), films)), name
        for size, seed in itertools.product(SIZES, range(DRAWS)):
            rows = part(file, SIZES[size], np.random.default_rng(seed))
            for own in (rows, rows.sample(frac=1, random_state=seed)):
                lines = [line for line in planted.alarms(planted.lines_of(own, films)) if line.name != "Coverage"]
                false += [f"{name}, {size}, draw {seed}: {line.name} ({line.text})" for line in lines]
                n += 1
    print(f"\n{n} parts of {len(files)} files: {len(false)} false alarms\n" + "\n".join(false))
    assert not false


def part(file: planted.Sound, size: float, rng: np.random.Generator) -> pd.DataFrame:
    """A share of the patients, or so many films: every other time those of drawn patients."""
    n, patients = len(file.names), int(file.patients.max()) + 1
    if size > 1 and rng.random() < 0.5:
        return file.frame().iloc[np.sort(rng.choice(n, int(size), replace=False))]
    share = size if size <= 1 else size / n
    return file.frame()[(rng.permutation(patients) < share * patients)[file.patients]]
