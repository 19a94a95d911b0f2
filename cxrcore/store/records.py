"""The row shapes that go into the store and come out of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cxrcore.errors import StoreError
from cxrcore.measures import derived
from cxrcore.measures.thresholds.fitting import FALLBACK

KINDS = ("trained", "imported", "ensemble")  # of runs
STATUSES = ("running", "finished", "failed", "interrupted")
LONGEST_TEXT = 100_000  # characters of a name or a note

@dataclass(frozen=True)
class EpochRecord:
    """One epoch of one run.

    Attributes:
        epoch: counted from 1.
        train_loss: mean over the epoch's batches, of the run's own loss.
        val_loss: of the same loss on the validation films.
        val_macro_auroc: mean AUROC over the findings that have positives and negatives; NaN if none has.
        val_macro_f1_best: mean over findings of the greatest F1 at any threshold, fitted and read on val (optimistic).
        learning_rate: of the epoch's last step.
        seconds: for training and validation.
        images_per_second: training films only.
    """

    epoch: int
    train_loss: float
    val_loss: float
    val_macro_auroc: float
    val_macro_f1_best: float
    learning_rate: float
    seconds: float
    images_per_second: float


CSV = "csv"  # the label set that a data set comes with
OWN = "Own"  # how people read of it


def is_taken(name: str) -> bool:
    """Whether a label set of this name could be mistaken for the data set's own labels, by people or in a link."""
    return name.casefold() in (CSV, OWN.casefold()) or name.casefold().startswith(f"{OWN.casefold()} on ")


@dataclass(frozen=True)
class LabelSet:
    """One reading of a data set's films: who read them, and what for.

    Attributes:
        name: `CSV`, or as it was added.
        findings: canonical names, the order of its labels.
        derived: ((finding, its parts), ...) of findings that the data set does not have, and that follow from its own
            by `measures.derived`.
        source: where the labels come from, for people.
        policy: what became of uncertain labels: 'unknown', 'positive' or 'negative'; '' where there were none.
        reader: who read, '' for several or unknown.
        created_at: when it was written, in milliseconds; a set that is written anew is another set.
        films_of: another set, whose films and findings these labels are read on; '' for all that they are of.
    """

    dataset_id: str
    name: str
    findings: tuple[str, ...]
    derived: tuple[tuple[str, tuple[str, ...]], ...] = ()
    source: str = ""
    policy: str = ""
    reader: str = ""
    created_at: str = ""
    films_of: str = ""

    @property
    def is_shipped(self) -> bool:
        """Whether these are the labels that the data set came with, on all of its films."""
        return self.name == CSV and not self.films_of

    @property
    def title(self) -> str:
        """As pages, links and reports call it: 'Own', 'experts', 'Own on experts'."""
        own = OWN if self.name == CSV else self.name
        return f"{own} on {self.films_of}" if self.films_of else own

    @property
    def whose(self) -> str:
        """Where the labels come from, for people; the set's name where that is not said."""
        return self.source or ("" if self.name == CSV else self.name)

    def on_films_of(self, other: "LabelSet") -> "LabelSet":
        """These labels of a data set on the films of another set, in its findings."""
        return replace(self, findings=other.findings, derived=other.derived, films_of=other.name,
                       created_at=other.created_at)

    def read_as(self, findings: Sequence[str]) -> str:
        """Tells scores that are read against this set, for these findings, from others; '' as they are stored."""
        if self.is_shipped and tuple(findings) == self.findings:
            return ""
        return f"{self.title}|{self.created_at}|{'|'.join(findings)}"

    def thresholds(self, values: Mapping[str, float], findings: Sequence[str] | None = None) -> np.ndarray:
        """One threshold for each finding of the set, or for these of them: float64 (k,).

        A derived finding's follows from its parts' as its score does; one that there is none for is at `FALLBACK`.

        Args:
            values: {finding of the data set: threshold}.
        """
        parts = dict(self.derived)
        return np.array([
            derived.derived_threshold(np.array([values.get(part, FALLBACK) for part in parts[finding]]))
            if finding in parts else values.get(finding, FALLBACK)
            for finding in (self.findings if findings is None else findings)])


@dataclass(frozen=True)
class Predictions:
    """A prediction set read against a label set, rows sorted by image_id.

    Attributes:
        image_ids: str (n,).
        patient_ids: str (n,).
        labels: float32 (n, k), 1 / 0 / NaN.
        scores: float32 (n, k), probabilities in [0, 1]; NaN where there is none.
        findings: k names, in the columns' order.
    """

    image_ids: np.ndarray
    patient_ids: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    findings: tuple[str, ...]

    def place(self, finding: str) -> int:
        """The finding's column."""
        return self.findings.index(finding)


def rows_of(table: pd.DataFrame) -> Iterable[Any]:
    """The rows of a table, its columns as attributes."""
    return table.itertuples()


def require_short(*texts: str | None) -> None:
    """Names and notes are as short as a run folder's may be, or what is exported could not come back.

    Raises:
        StoreError: a text of more than `LONGEST_TEXT` characters.
    """
    if any(text and len(text) > LONGEST_TEXT for text in texts):
        raise StoreError(f"a name or a note has more than {LONGEST_TEXT:,} characters: nothing was kept")
