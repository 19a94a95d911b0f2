"""How many films or patients a question takes, worked out from the draws of patients that are at hand."""

import numpy as np
import pandas as pd

from cxrcore.charts.dot_rows import row_names
from cxrcore.errors import UsageError
from cxrcore.findings import display_name
from cxrcore.measures.decisions import planner
from cxrcore.measures.decisions.promises import fewest_patients, wrong_allowed
from cxrcore.measures.intervals.intervals import Difference, Resampled
from cxrcore.queries.repeats.of_run import Repeats

PLANNED = ("recall", "specificity", "precision", "auroc")
WRONG_SAID = 3  # numbers of wrong patients for which a promise's need is said


def interval_plan(found: Resampled, findings: tuple[str, ...], measure: str, half_width: float) -> pd.DataFrame:
    """A row a finding: `value`, `half_width` now, `positives` here, and `films`: positives that +- half_width takes.

    Args:
        measure: of `PLANNED`, which was drawn.

    Returns:
        NaN where the value is undefined, or 0 or 1, from which no width follows.
    """
    interval = found.interval(measure)
    values, errors = interval.point[: len(findings)], interval.error[: len(findings)]
    recalls = found.values["recall"][:, 0]
    rows = [(display_name(finding), value, planner.half_width_of(error), n,
             _films(measure, value, error, (int(n), int(m)), recall, half_width))
            for finding, value, error, n, m, recall in zip(
                findings, values.tolist(), errors.tolist(), found.n_positive.tolist(), found.n_negative.tolist(),
                recalls.tolist(), strict=True)]
    return pd.DataFrame(rows, columns=["finding", "value", "half_width", "positives", "films"])


def _films(measure: str, value: float, error: float, of: tuple[int, int], recall: float, half_width: float) -> float:
    """Films with the finding; `of`: films with and without it."""
    positives, negatives = of
    if not (0 < value < 1 and error > 0 and positives and negatives):
        return np.nan
    if measure == "auroc":
        return planner.patients_for_width(positives, error, half_width)
    films = {"recall": positives, "specificity": negatives, "precision": round(recall * positives / value)}[measure]
    clustered = planner.clustering(error, value, films)
    if measure == "precision":
        return planner.positives_for_precision(value, recall, half_width, clustered=clustered)
    wanted = planner.films_for_share(value, half_width, clustered=clustered)
    return wanted if measure == "recall" else int(np.ceil(wanted * positives / negatives))


def promise_in_words(bound: float, confidence: float) -> str:
    """'29 patients if all of them are right, 46 if one is wrong, ...'.

    Raises:
        UsageError: a bound outside (0, 1), or a confidence outside [0.5, 1).
    """
    if not (0 < bound < 1 and 0.5 <= confidence < 1):
        raise UsageError("a promise has a bound above 0 and below 1, and a confidence from 0.5 to below 1")
    n, said = fewest_patients(bound, 1 - confidence), []
    for wrong in range(WRONG_SAID + 1):
        while wrong_allowed(n, bound, 1 - confidence) < wrong:
            n += 1
        said.append(f"{n:,} if {wrong} {'is' if wrong == 1 else 'are'} wrong" if wrong else
                    f"{n:,} patients if all of them are right")
    return ", ".join(said)


def apart_plan(change: Difference, findings: tuple[str, ...], n_patients: int) -> pd.DataFrame:
    """A row a finding and, last, the macro mean: `difference`, its `error`, and `patients` that tell it.

    Args:
        change: of two runs, by paired draws of n_patients patients.

    Returns:
        patients: of films as mixed as these; NaN where the runs do not differ, or nothing is known.
    """
    rows = [(name, point, error, planner.patients_to_tell_apart(n_patients, point, error)
             if abs(point) > 0 and error > 0 else np.nan)
            for name, point, error in zip(row_names(findings), change.point.tolist(), change.error.tolist(),
                                          strict=True)]
    return pd.DataFrame(rows, columns=["finding", "difference", "error", "patients"])


def seeds_in_words(found: Repeats | None) -> str:
    """What another seed would tell of macro AUROC against more patients, or what is missing to know it."""
    if found is None:
        return "How this run was trained is not recorded, so nothing is known of what another seed would change."
    if found.plan is None:
        return ("Only one seed of this training is in the store: train it once more with another seed to learn what "
                "seeds change.") if len(found.seeds) < 2 else "The runs have no intervals to hold their spread against."
    plan, n = found.plan, len(found.seeds)
    times = plan.patients_worth_a_seed
    worth = (f"One seed more tells as much as {times:.2f} times the patients." if np.isfinite(times)
             else "No number of patients tells as much as one seed more.")
    return (f"{n} seeds of this training differ by {found.spread:.4f} (standard deviation of macro AUROC), one run by "
            f"{found.error:.4f} over draws of patients. The mean is sure to ±{planner.half_width_of(plan.now):.4f}; "
            f"with one seed more to ±{planner.half_width_of(plan.another_seed):.4f}, on twice the patients to "
            f"±{planner.half_width_of(plan.twice_the_patients):.4f}. {worth}")
