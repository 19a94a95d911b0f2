"""Whose labels runs are read against, in words for pages and reports."""

from collections.abc import Sequence

import numpy as np

from cxrcore.findings import display_name
from cxrcore.measures import derived
from cxrcore.queries import from_store
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.store import Store

MOST_NAMED = 6  # findings
MEANING = ("Thresholds stay those of the chosen set, whatever labels they were fitted on. F1 and precision depend on "
           "how common a finding is by its labels, so they do not compare across label sets. Nothing is ranked across "
           "them.")


def label_set_in_words(store: Store, runs: Sequence[Evaluated], part: str) -> str:
    """Which label set, on how many films, for which findings; '' where runs are read against their films' own labels.

    As 'Labels: experts, who have read 935 of these 22,433 films for Pneumothorax, Nodule or mass. Not read: 13 other
    findings. Nodule or mass scores 1 - (1 - Nodule)(1 - Mass).'
    """
    other = next((run for run in runs if not run.labels.is_shipped), None)
    if other is None:
        return ""
    labels = other.labels
    films = from_store.predictions(store, other.read(part))
    n = int((~np.isnan(films.labels)).any(axis=1).sum())
    of = f"{n:,} of these {int(other.parts[part]['n']):,} films"
    who = (f"the films' own, on the {of} that {labels.films_of} have read" if labels.films_of else
           f"{labels.name}, who have read {of}")
    said = f"Labels: {who}, for {', '.join(map(display_name, labels.findings))}."
    used = {*labels.findings, *(part for _, parts in labels.derived for part in parts)}
    if missing := [display_name(one) for one in other.own[labels.dataset_id].findings if one not in used]:
        named = ", ".join(missing) if len(missing) <= MOST_NAMED else f"{len(missing)} other findings"
        said += f" Not read: {named}."
    made = [f"{display_name(finding)} scores {derived.formula([display_name(part) for part in parts])}"
            for finding, parts in labels.derived]
    said += f" {'; '.join(made)}." if made else ""
    others = [run.label for run in runs if run.labels.title != labels.title]
    return said + (f" Other films, which this label set is not of, are read by their own labels: {', '.join(others)}."
                   if others else "")
