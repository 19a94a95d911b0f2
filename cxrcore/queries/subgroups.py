"""One run's films in groups of patients, measured in shared draws: read and worked out once, kept in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrcore.charts import subgroups as charts
from cxrcore.charts.dot_rows import Bars, row_names
from cxrcore.charts.look import RunStyle
from cxrcore.evaluation.kept_draws import SEED
from cxrcore.evaluation.shares import Told, untold, within
from cxrcore.findings import display_name
from cxrcore.measures.intervals.draws import N_DRAWS, Draws, patient_draws
from cxrcore.measures.intervals.intervals import MACRO, Interval, Resampled
from cxrcore.measures.intervals.scored_films import measured_films, subset
from cxrcore.measures.number_words import signed
from cxrcore.measures.subgroups import (
    GROUPINGS,
    HIGHER,
    LOWER,
    MIN_PATIENTS,
    MIN_POSITIVES,
    TIED,
    UNTESTED,
    Gap,
    Groups,
    measure_group,
    suppressed,
    view_alone,
)
from cxrcore.queries import from_store
from cxrcore.queries.comparison import averaged
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.from_store import Labelled
from cxrcore.queries.kept import Kept, kept
from cxrcore.queries.threshold_sets import SourcedSet
from cxrcore.store import Predictions, Store

ROW_HEIGHT, MOST_ROWS = 35, 15  # pixels; rows without scrolling

GROUPING_TITLES = {"Sex": "sex", "Age": "age", "View": "view", "First film": "order"}
MEASURE_TITLES = {"Recall": "recall", "False alarms": "false_alarm", "AUROC": "auroc"}
AXES = {"recall": "Recall (TPR)", "false_alarm": "False-alarm rate (FPR)", "auroc": "AUROC"}
SHORT = {"recall": "TPR", "false_alarm": "FPR", "auroc": "AUROC"}
DEFINITIONS = {
    "recall": "TPR (true positive rate, recall) is TP / (TP + FN): the share of films with the finding that raise an "
              "alarm. Below 0, {first} has more of its findings missed.",
    "false_alarm": "FPR (false positive rate, false-alarm rate) is FP / (FP + TN): the share of films without the "
                   "finding that raise an alarm. Above 0, {first} has more false alarms.",
    "auroc": "AUROC (area under the ROC curve) is taken within each group, at no threshold. Below 0, scores "
             "order the films of {first} worse.",
}
WORDS = {HIGHER: "higher", LOWER: "lower", TIED: "tied", UNTESTED: "no test"}

_GROUPS: Kept[Resampled] = Kept(96)  # some 0.4 MB each; never written to
_VIEW_ALONE: Kept[tuple[Resampled, Resampled]] = Kept(24)

GROUP_NAMES = {"F": "Female", "M": "Male", "first": "First film", "later": "Later films"}


def group_name(name: str, grouping: str) -> str:
    """The group as the page writes it."""
    return f"{name} years" if grouping == "age" else GROUP_NAMES.get(name, name)


@dataclass(frozen=True)
class Subgroups:
    """One run's films in groups, measured in the same draws.

    Attributes:
        grouping: of `subgroups.GROUPINGS`.
        findings: k names, that the run is shown with.
        groups: of the films.
        n_patients: (g,), of each group.
        found: {name of a group: its measures in every draw}, those that can be measured.
        n_films, patients: of all groups and of films in none; as all here, of those that were measured.
        patients_known: as `Draws`.
    """

    grouping: str
    findings: tuple[str, ...]
    groups: Groups
    n_patients: np.ndarray
    found: Mapping[str, Resampled]
    n_films: int
    patients: int
    patients_known: bool

    def called(self, name: str) -> str:
        """A group as the page writes it."""
        return group_name(name, self.grouping)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the rows of charts and tables, (k + 1,)."""
        return row_names(self.findings)

    @property
    def largest(self) -> str:
        """The measured group with the most films, the first of several."""
        return max(self.found, key=lambda name: self.found[name].n_films)


def in_groups(store: Store, run: Evaluated, part: str, grouping: str, source: SourcedSet,
              told: Told = untold) -> Subgroups:
    """The groups of the run's films, measured at these thresholds.

    Args:
        told: hears how far it is.

    Raises:
        ResamplingError: fewer than two patients, scores outside [0, 1].
        StoreError: predictions that are gone.
    """
    key = (store, run.read(part))
    draws = _draws(*key)
    groups, n_patients = _groups(*key, grouping)
    places = np.flatnonzero(n_patients >= MIN_PATIENTS)
    found = {}
    for done, place in enumerate(places):
        own = (store.key, *key[1:], grouping, int(place), tuple(source.thresholds.tolist()))
        found[groups.names[place]] = _GROUPS.get(own, lambda done=done, place=place: measure_group(
            subset(_films(*key), groups.place == place), draws, source.thresholds,
            within(told, done, len(places))))
    return Subgroups(grouping, run.findings, groups, n_patients, found, len(groups.place), len(draws.patients),
                     draws.patients_known)


@kept(4)  # those of `from_store.predictions` where all are measured
def _films(store: Store, of: Labelled) -> Predictions:
    return measured_films(from_store.predictions(store, of))


@kept(3)  # of 30,805 patients 31 MB
def _draws(store: Store, of: Labelled) -> Draws:
    films = _films(store, of)
    return patient_draws(films.patient_ids, films.image_ids, N_DRAWS, SEED)


@kept(16)
def _groups(store: Store, of: Labelled, grouping: str) -> tuple[Groups, np.ndarray]:
    films = _films(store, of)
    images = from_store.images(store, of.labels.dataset_id).set_index("image_id").reindex(films.image_ids)
    groups = GROUPINGS[grouping](images)
    return groups, groups.n_patients(_draws(store, of).owners(films.patient_ids, films.image_ids))


def shortcut(store: Store, run: Evaluated, part: str, told: Told = untold) -> tuple[Resampled, Resampled] | None:
    """The view alone and the run, on films of known view; None where they are not of both views.

    Args:
        told: hears how far it is.
    """
    key = (store, run.read(part))
    views, n_patients = _groups(*key, "view")
    if not (n_patients >= MIN_PATIENTS).all():
        return None
    return _VIEW_ALONE.get((store.key, *key[1:]), lambda: view_alone(_films(*key), views, _draws(*key), told))


def bars(found: Subgroups, measured: Mapping[str, Interval]) -> list[Bars]:
    """Each group's measure with intervals."""
    styles = charts.group_styles(found.groups.names)
    return [Bars(found.called(name), styles[name], one.point, one.low, one.high, np.ones(len(one.point), bool),
                 _notes(found.found[name], one)) for name, one in measured.items()]


def gap_bars(found: Subgroups, gaps: Sequence[Gap]) -> list[Bars]:
    """Gaps with intervals; a verdict fills the mark."""
    styles = charts.group_styles(found.groups.names)
    return [Bars(found.called(gap.name), styles[gap.name], gap.change.point, gap.change.low, gap.change.high,
                 np.isin(gap.words, (HIGHER, LOWER)),
                 [f"{WORDS[word]}, corrected p {p:.2g}" for word, p in zip(gap.words, gap.p, strict=True)])
            for gap in gaps]


def view_bars(pair: tuple[Resampled, Resampled], run: Evaluated, style: RunStyle) -> list[Bars]:
    """AUROC of the view alone and of the run."""
    looks = [("View alone (AP or not)", charts.VIEW_STYLE), (run.label, style)]
    made = []
    for (name, style), one in zip(looks, pair, strict=True):
        found = one.interval("auroc")
        made.append(Bars(name, style, found.point, found.low, found.high, np.ones(len(found.point), bool),
                         _notes(one, found)))
    return made


def _notes(one: Resampled, found: Interval) -> list[str]:
    notes = [f"{positive:,} films with it, {negative:,} without"
             + (", few: the interval may be too narrow" if rare else "")
             for positive, negative, rare in zip(one.n_positive, one.n_negative, one.rare, strict=True)]
    return [*notes, f"mean over {len(notes) - found.n_excluded} of {len(notes)} findings"]


def definition(found: Subgroups, gaps: Sequence[Gap], reference: str, measure: str) -> tuple[str, str]:
    """What the gap is, in the words of its groups: as a difference, and what it means."""
    alone = found.called(gaps[0].name) if len(gaps) == 1 else ""
    of = f"{SHORT[measure]} of"
    return (f"Gap = {of} {alone or 'each group'} minus {of} {found.called(reference)}.",
            DEFINITIONS[measure].format(first=alone or "that group"))


def family(gaps: Sequence[Gap]) -> str:
    """How the verdicts come about, and which tests the correction counts."""
    n_tests = sum(int((gap.words[:MACRO] != UNTESTED).sum()) for gap in gaps)
    return ("Verdicts follow p-values from the draws' standard errors (for rates of few films, at least that of two "
            f"proportions), corrected by Holm over a family: the {n_tests} tests of findings and groups for the "
            "findings, one test a group for the macro means. Filled marks are higher or lower; open ones are tied. "
            "Tied does not mean equal.")


def in_words(found: Subgroups, gaps: Sequence[Gap], reference: str, measure: str) -> list[tuple[str, str, str]]:
    """What the corrected tests say, a line a group: what stands before its name, the name, what stands behind it."""
    lines = []
    for gap in gaps:
        names = {word: [display_name(found.findings[k]) for k in np.flatnonzero(gap.words[:MACRO] == word)]
                 for word in (LOWER, HIGHER)}
        said = [f"{WORDS[word]} in {len(which)} ({', '.join(which)})" for word, which in names.items() if which]
        tested = int((gap.words[:MACRO] != UNTESTED).sum())
        said += [f"no difference shown in {tested - sum(map(len, names.values()))} of {tested} tested findings"
                 if tested else f"no finding is on {MIN_POSITIVES} films or more of both groups, so none was tested"]
        point, low, high = (side[MACRO] for side in (gap.change.point, gap.change.low, gap.change.high))
        if not np.isnan(low):
            said += [f"macro mean {signed(point)} ({signed(low)} to {signed(high)}), {WORDS[gap.words[MACRO]]}"]
        lines.append((f"{SHORT[measure]} of ", found.called(gap.name),
                      f" against {found.called(reference)}: {'; '.join(said)}."))
    return lines


def height(table: pd.DataFrame) -> int:
    """Pixels that a table takes on the page: all of a short one."""
    return (min(len(table), MOST_ROWS) + 1) * ROW_HEIGHT + 3


def values_table(found: Subgroups, measured: Mapping[str, Interval], measure: str) -> pd.DataFrame:
    """A row a group and finding, exactly; suppressed findings without a value."""
    return pd.concat([pd.DataFrame({
        "grouping": found.grouping, "group": found.called(name), "finding": found.names, "measure": measure,
        "value": one.point, "low": one.low, "high": one.high, "standard_error": one.error,
        "draws_dropped": one.n_dropped, "suppressed": [*suppressed(found.found[name]), False],
        "n_positive": [*found.found[name].n_positive, np.nan], "n_negative": [*found.found[name].n_negative, np.nan],
        "n_findings": averaged(one), "films": found.found[name].n_films, "patients": found.found[name].n_patients})
        for name, one in measured.items()], ignore_index=True)


def gaps_table(found: Subgroups, gaps: Sequence[Gap], reference: str, measure: str) -> pd.DataFrame:
    """A row a group and finding, exactly."""
    return pd.concat([pd.DataFrame({
        "grouping": found.grouping, "group": found.called(gap.name), "minus": found.called(reference),
        "finding": found.names, "measure": measure, "gap": gap.change.point, "low": gap.change.low,
        "high": gap.change.high,
        "p_uncorrected": gap.change.p, "p_holm": gap.p, "verdict": gap.words}) for gap in gaps], ignore_index=True)


def shown_gaps(found: Subgroups, gaps: Sequence[Gap], measured: Mapping[str, Interval], reference: str,
               measure: str) -> pd.DataFrame:
    """A row a finding and group as the page shows it; findings that were not tested are left out."""
    rows = pd.concat([pd.DataFrame({
        "Finding": found.names, "Group": found.called(gap.name), SHORT[measure]: measured[gap.name].point,
        f"{SHORT[measure]} of {found.called(reference)}": measured[reference].point, "Gap": gap.change.point,
        "95 % interval": [f"{low:+.3f} to {high:+.3f}" for low, high in zip(gap.change.low, gap.change.high,
                                                                            strict=True)],
        "p": gap.p, "Verdict": [WORDS[word] for word in gap.words], "place": range(len(found.names))}) for gap in gaps])
    rows = rows[rows["Gap"].notna()].sort_values("place", kind="stable").drop(columns="place")
    return rows.reset_index(drop=True)


def shortcut_table(pair: tuple[Resampled, Resampled], run: Evaluated) -> pd.DataFrame:
    """A row a finding: AUROC of the view alone and of the run, with intervals."""
    columns: dict[str, object] = {"finding": row_names(run.findings)[:-1], "n_positive": pair[0].n_positive,
                                  "n_negative": pair[0].n_negative, "run": run.label}
    for name, one in zip(("view_alone", "run"), pair, strict=True):
        found = one.interval("auroc")
        columns |= {f"auroc_{name}": found.point[:-1], f"low_{name}": found.low[:-1], f"high_{name}": found.high[:-1]}
    return pd.DataFrame(columns)


def summary_table(found: Subgroups, measured: Mapping[str, Interval], gaps: Sequence[Gap],
                  reference: str) -> pd.DataFrame:
    """A row a finding as a paper prints it, '0.712 (0.690 to 0.734)': a column a group, then a column a gap."""
    own = {found.called(name): _cells(one) for name, one in measured.items()}
    return pd.DataFrame({"Finding": found.names} | own | {
        f"{found.called(gap.name)} minus {found.called(reference)}": _cells(gap.change, "+") for gap in gaps})


def _cells(one: Interval, sign: str = "") -> list[str]:
    return [_cell(*cell, sign) for cell in zip(one.point, one.low, one.high, strict=True)]


def _cell(point: float, low: float, high: float, sign: str) -> str:
    if np.isnan(point):
        return "--"
    return f"{point:{sign}.3f}" + ("" if np.isnan(low) else f" ({low:{sign}.3f} to {high:{sign}.3f})")
