"""The queue of doubtful labels: which films to read again, what was read, and what that changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxrcore.errors import StoreError, UsageError
from cxrcore.findings import display_name
from cxrcore.measures.intervals.scored_films import shared_films
from cxrcore.measures.label_errors import LabelQueue, label_error_queue
from cxrcore.measures.metrics import counted, ranking_metrics, threshold_metrics
from cxrcore.queries import from_store
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.from_store import Labelled
from cxrcore.queries.kept import kept
from cxrcore.queries.threshold_sets import default_key, find_set
from cxrcore.store import LabelSet, Predictions, Store
from cxrcore.store.label_sets import checked_name
from cxrcore.store.records import rows_of

WORST, BOTH = "Most doubtful", "Half and half"
NOT_THERE, MISSED = "Probably not there", "Probably missed"
SIDES = (WORST, BOTH, NOT_THERE, MISSED)
RANKINGS = {"cleanlab": False, "|label − mean score|": True}  # {as the page writes it: by the plain difference}
SEED = 0
YES, NO, UNSURE = 1.0, 0.0, float("nan")
MEASURES = {"auroc": "AUROC", "ap": "AP", "f1": "F1", "recall": "Recall", "precision": "Precision",
            "specificity": "Specificity"}

Answers = Mapping[tuple[str, str], float]  # {(film, finding): YES, NO or UNSURE}


@dataclass(frozen=True)
class Doubtful:
    """Pairs of film and finding to be read, in the order in which they are asked for.

    Attributes:
        image_ids, findings: str (m,).
        own: float32 (m,), what the data set's label says, 1 or 0: not for the reader's eyes.
        quality: float64 (m,), how probable that label is by the scores.
        plain: float64 (m,), |label - mean score|.
        left_out: findings that are not asked for, since their scores cannot be calibrated.
        n_read: pairs that the reader has answered before, and that are not asked for again.
        n_films, n_runs: that the scores are of.
    """

    image_ids: np.ndarray
    findings: np.ndarray
    own: np.ndarray
    quality: np.ndarray
    plain: np.ndarray
    left_out: tuple[str, ...]
    n_read: int
    n_films: int
    n_runs: int

    def __len__(self) -> int:
        return len(self.image_ids)


def doubtful(
    store: Store, runs: Sequence[Evaluated], part: str, finding: str | None, side: str, plain: bool, most: int,
    reader: str = "",
) -> Doubtful:
    """The labels that most likely err, by the mean score of runs on films that none of them was trained on.

    Args:
        part: 'test' or 'val'.
        finding: the only one of interest, or None for all.
        side: of `SIDES`. In the worst, labels that say yes prevail; half and half, a reader cannot tell from the order
            what a label says.
        plain: rank by |label - mean score| in place of cleanlab's quality.
        most: pairs at most.
        reader: initials; what their label set says yes or no to is not asked for again.

    Raises:
        UsageError: films of another part. ResamplingError: runs without a film in common.
    """
    if part not in ("test", "val"):
        raise UsageError("labels are doubted by scores of films that no network was trained on: test or validation")
    read = tuple(run.read_own(part) for run in runs)
    films, queue = _ranked(store, read)
    if plain:
        queue = queue.by_plain()
    wanted = np.ones(len(queue.films), bool) if finding is None else (
        queue.findings == films.place(finding) if finding in films.findings else np.zeros(len(queue.films), bool))
    done = _answered(store, read[0].labels.dataset_id, reader, films, queue)
    places = _order(queue, np.flatnonzero(wanted & ~done), side, most)
    return Doubtful(
        films.image_ids[queue.films[places]], np.array(films.findings)[queue.findings[places]],
        queue.positive[places].astype(np.float32), queue.quality[places], queue.plain[places],
        tuple(films.findings[k] for k in queue.left_out), int((wanted & done).sum()),
        len(films.image_ids), len(read))


def _answered(store: Store, dataset_id: str, reader: str, films: Predictions, queue: LabelQueue) -> np.ndarray:
    """Which pairs of a queue a reader's label set says yes or no to: bool (m,)."""
    before = store.labels(dataset_id, reader) if reader else pd.DataFrame()
    if before.empty:
        return np.zeros(len(queue.films), bool)
    known = before.reindex(index=films.image_ids, columns=list(films.findings)).notna().to_numpy()
    return known[queue.films, queue.findings]


@kept(4)
def _ranked(store: Store, read: tuple[Labelled, ...]) -> tuple[Predictions, LabelQueue]:
    shared = shared_films([from_store.predictions(store, of) for of in read])
    mean = np.mean([films.scores.astype(np.float64) for films in shared], axis=0)
    return replace(shared[0], scores=mean.astype(np.float32)), label_error_queue(shared[0].labels, mean)


def _order(queue: LabelQueue, places: np.ndarray, side: str, most: int) -> np.ndarray:
    """The first of each kind of label, each in its order, drawn from both by chance."""
    yes, no = places[queue.positive[places]], places[~queue.positive[places]]
    if side == WORST:
        return places[:most]
    if side != BOTH:
        return (yes if side == NOT_THERE else no)[:most]
    half = most // 2
    yes, no = yes[: max(half, most - len(no))], no[: max(most - half, most - len(yes))]
    turns = np.random.default_rng(SEED).permutation(np.repeat([True, False], [len(yes), len(no)]))[:most]
    order = np.empty(len(turns), np.int64)
    order[turns], order[~turns] = yes[: turns.sum()], no[: (~turns).sum()]
    return order


# -- what was read


def require_reader(store: Store, dataset_id: str, reader: str) -> None:
    """Whether these initials can be the name of a reader's label set, new or begun before.

    Raises:
        StoreError: a name that means something else, or that another's label set has. DataError: one of another form.
    """
    known = {one.name.casefold(): one for one in store.label_sets() if one.dataset_id == dataset_id}
    for name in (reader, _corrected(reader)):
        before = known.get(checked_name(name).casefold())
        if before is not None and (before.name != name or before.reader != reader):
            raise StoreError(f"there is a label set '{before.name}' already, which no reader {reader} has made here: "
                             "choose other initials")


def _corrected(reader: str) -> str:
    return f"{reader} corrected"


def save_reading(store: Store, dataset_id: str, reader: str, answers: Answers) -> LabelSet:
    """Save answers as the reader's own label set, beside those that they gave before.

    Args:
        reader: initials, and the name of the label set.

    Raises:
        UsageError: no answers. StoreError, DataError: a name that another's label set has, or of another form.
    """
    if not answers:
        raise UsageError("nothing was read yet, so there is nothing to save")
    require_reader(store, dataset_id, reader)
    own = store.findings(dataset_id)
    before = any((one.dataset_id, one.name) == (dataset_id, reader) for one in store.label_sets())
    table = pd.Series(dict(answers)).unstack()
    if before:
        table = table.combine_first(store.labels(dataset_id, reader))
        for (image_id, finding), value in answers.items():  # also where it became unsure
            table.loc[image_id, finding] = value
    columns = [finding for finding in own if finding in table.columns]
    return store.save_label_set(dataset_id, reader, table[columns].astype(np.float32), reader=reader,
                                source="read in the label queue, blind", again=before)


def save_corrected(store: Store, dataset_id: str, reader: str, answers: Answers) -> LabelSet:
    """Save the data set's own labels with a reader's answers in their place, as a label set of all films.

    What the reader said yes or no to in earlier sittings counts too.

    Raises:
        StoreError, DataError: as `save_reading`.
    """
    require_reader(store, dataset_id, reader)
    corrected, read = store.labels(dataset_id), store.labels(dataset_id, reader)
    corrected.update(read)
    for (image_id, finding), value in answers.items():
        corrected.loc[image_id, finding] = value
    n = int(read.notna().to_numpy().sum()) + sum(np.isnan(value) for value in answers.values())
    name = _corrected(reader)
    there = any((one.dataset_id, one.name) == (dataset_id, name) for one in store.label_sets())
    return store.save_label_set(dataset_id, name, corrected, reader=reader, again=there,
                                source=f"the data set's own labels, {n:,} of them read again by {reader}")


def agreement_in_words(asked: Doubtful, answers: Answers) -> str:
    """Such as 'Of 40 labels, 12 were called wrong (32 %), 25 right, 3 unsure: of 20 that say yes 10, ...'."""
    given = [(own, answers[image_id, finding]) for image_id, finding, own in zip(
        asked.image_ids, asked.findings, asked.own, strict=True) if (image_id, finding) in answers]
    own, said = np.array(given, np.float64).reshape(-1, 2).T
    sure = ~np.isnan(said)
    wrong = sure & (own != said)
    share = f" ({100 * wrong.sum() / sure.sum():.0f} %)" if sure.any() else ""
    kinds = ", ".join(f"of {(sure & (own == value)).sum()} that say {word} {(wrong & (own == value)).sum()}"
                      for value, word in ((1, "yes"), (0, "no")))
    return (f"Of {len(own)} label{'s' * (len(own) != 1)}, {wrong.sum()} called wrong{share}, {(sure & ~wrong).sum()} "
            f"right, {(~sure).sum()} unsure: {kinds}.")


def effect(store: Store, runs: Sequence[Evaluated], part: str, answers: Answers) -> pd.DataFrame:
    """What the answers change in every measure of the findings that were read: with the label, and as corrected.

    All films of the part count; the labels that were read again are taken as read (unsure ones leave their finding).

    Returns:
        A row a run, finding and measure: run, finding, measure, before, after, n_positive_before, n_positive_after.
    """
    rows = []
    for run in runs:
        films = from_store.predictions(store, run.read_own(part))
        labels, at = films.labels.copy(), pd.Index(films.image_ids)
        for (image_id, finding), value in answers.items():
            if image_id in at and finding in films.findings:
                labels[at.get_loc(image_id), films.place(finding)] = value
        read = [finding for finding in films.findings if any(finding == of for _, of in answers)]
        own = run.with_own_labels(part)
        thresholds = find_set(store, own, default_key(own)).thresholds
        tables = [_measures(replace(films, labels=one), thresholds) for one in (films.labels, labels)]
        for finding in read:
            k = films.place(finding)
            positives = [counted(one[:, k], films.scores[:, k])[0] for one in (films.labels, labels)]
            rows += [{"run": run.label, "finding": finding, "measure": measure, "before": tables[0][finding, measure],
                      "after": tables[1][finding, measure], "n_positive_before": positives[0],
                      "n_positive_after": positives[1]} for measure in MEASURES]
    return pd.DataFrame(rows)


def _measures(films: Predictions, thresholds: np.ndarray) -> dict[tuple[str, str], float]:
    """{(finding, measure): value}."""
    table = pd.concat([ranking_metrics(films.labels, films.scores, films.findings),
                       threshold_metrics(films.labels, films.scores, films.findings, thresholds, None)])
    return dict(zip(zip(table["finding"], table["metric"], strict=True), table["value"], strict=True))


def shown_effect(table: pd.DataFrame) -> pd.DataFrame:
    """As the page shows it: a row a run and finding, a column a measure, '0.812 → 0.845'."""
    shown: dict[tuple[str, str], dict[str, str]] = {}
    for one in rows_of(table):
        row = shown.setdefault((one.run, one.finding), {
            "Run": one.run, "Finding": display_name(one.finding),
            "Positives": f"{one.n_positive_before:,} → {one.n_positive_after:,}"})
        row[MEASURES[one.measure]] = f"{_number(one.before)} → {_number(one.after)}"
    return pd.DataFrame(list(shown.values()))


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}"
