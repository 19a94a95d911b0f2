"""Inputs of every kind that comes from outside, mutated: read, or refused with one of the product's errors.

Short form 300 inputs, some 40 s; long form 20,000: `python -m pytest -m long -s tests/fuzz`. An input that does not
come as it should is named with its seed; `fuzzed.again` reads it once more.
"""

import mutated_films
import mutated_predictions
import mutated_run_folders
import pytest
from fuzzed import Kind, fuzzed
from fuzzed_stores import links, pages, stores
from fuzzed_texts import descriptions, heartbeats, label_files, label_tables, threshold_files
from fuzzed_weights import checkpoints

KINDS = {
    "films": Kind(50, 4_500, mutated_films.films, least=(0.1, 0.1)),
    "label tables": Kind(50, 3_400, label_tables),
    "label files": Kind(25, 1_400, label_files),
    "descriptions": Kind(25, 1_600, descriptions),
    "threshold files": Kind(35, 2_600, threshold_files),
    "predictions": Kind(25, 1_600, mutated_predictions.predictions),
    "run folders": Kind(14, 700, mutated_run_folders.run_folders),
    "parquet files": Kind(20, 1_200, mutated_run_folders.parquet_files),
    "heartbeats": Kind(15, 600, heartbeats, least=(1.0, 0.0)),
    "checkpoints": Kind(15, 900, checkpoints),
    "stores": Kind(10, 500, stores),
    "links": Kind(14, 940, links),
    "pages": Kind(2, 60, pages, least=(1.0, 0.0)),
}
FEW = 100  # inputs of a kind from which on so many have to be read and refused


@pytest.mark.parametrize("name", KINDS)
def test_a_few_of_each_kind(name, tmp_path):
    held(name, KINDS[name], range(KINDS[name].short), tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", KINDS)
def test_many_of_each_kind(name, tmp_path):
    kind = KINDS[name]
    held(name, kind, range(kind.short, kind.short + kind.long), tmp_path)


def held(name: str, kind: Kind, seeds: range, folder) -> None:
    found = fuzzed(name, kind, seeds, folder)
    print(f"\n{found.in_words(name)}", end="")
    assert not found.wrong, f"{len(found.wrong)} of {len(seeds)}:\n" + "\n".join(found.wrong[:40])
    read, refused = (round(share * len(seeds)) if len(seeds) >= FEW or share == 1 else 0 for share in kind.least)
    assert found.read >= read and found.refused >= refused, found.in_words(name)


def test_the_forms_are_as_large_as_they_say():
    assert sum(kind.short for kind in KINDS.values()) == 300 and sum(kind.long for kind in KINDS.values()) == 20_000
