"""Promises and bands of 14 findings on 25,596 and 112,120 films, beside one evaluation at fixed thresholds.

    OMP_NUM_THREADS=1 python -m pytest -m benchmark -s tests/benchmarks/bench_decisions.py
"""

import time
from functools import partial

import clustered_films
import numpy as np
import pytest

from cxrcore.measures.decisions.abstention import miss_at_most, refer_at_most
from cxrcore.measures.decisions.promises import RULES, Aim, promise
from cxrcore.measures.intervals.scored_films import subset
from cxrcore.measures.metrics import confusion
from cxrcore.store import Predictions

pytestmark = pytest.mark.benchmark

PREVALENCE = (0.128, 0.042, 0.182, 0.239, 0.068, 0.063, 0.022, 0.104, 0.071, 0.036, 0.043, 0.017, 0.045, 0.003)
REPEATS = 7


def processor_time(work) -> float:
    """Milliseconds of this process, the least of several times: others may be at work on the machine."""
    took = []
    for _ in range(REPEATS):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return 1000 * min(took)


@pytest.mark.parametrize("n", [25_596, 112_120])
def test_how_long_promises_and_bands_take(n):
    films = clustered_films.simulate(0, n // 4 + 500, PREVALENCE, alike=0.5)[0]
    films = subset(films, np.arange(n))
    films = Predictions(films.image_ids, films.patient_ids, films.labels, films.scores.astype(np.float32),
                        films.findings)
    baseline = processor_time(lambda: confusion(films.labels, films.scores, np.full(14, 0.5)))
    print(f"\n{n:,} films, 14 findings; milliseconds of processor time (times one reading at thresholds)")
    works = {f"{measure} >= {bound}, {rule}": partial(promise, films, Aim(measure, bound, rule=rule))
             for measure, bound in (("recall", 0.9), ("specificity", 0.9), ("precision", 0.2)) for rule in RULES}
    works |= {"refer at most 20 %": lambda: refer_at_most(films.labels, films.scores, 0.2),
              "at most 20 missed": lambda: miss_at_most(films.labels, films.scores, 20)}
    for name, work in works.items():
        took = processor_time(work)
        print(f"{name:<28} {took:7.0f} ({took / baseline:.1f})")
