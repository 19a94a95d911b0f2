"""The operating points of a threshold set on the Curves page: which set, where it stands, and what to beware of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.charts.curve_marks import OperatingPoint
from cxrcore.errors import ResamplingError, RunError
from cxrcore.findings import display_name
from cxrcore.measures.label_reader import RocPoint
from cxrcore.measures.metrics import confusion
from cxrcore.measures.thresholds.fitting import STABLE_POSITIVES
from cxrcore.queries import from_store
from cxrcore.queries.curves import DrawnRun
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.from_store import Labelled
from cxrcore.queries.kept import kept
from cxrcore.queries.labels import label_quality
from cxrcore.queries.threshold_sets import DEFAULT, UNFITTED, SourcedSet, find_set, parse_key, warnings_of
from cxrcore.store import Store
from cxrcore.ui import widgets
from cxrcore.ui.frame import frame
from cxrcore.ui.link import in_link
from cxrcore.ui.thresholds import set_popover

KEY = "marks"  # in the link
OFF = "Off"
FITTED, HALF = "Max F1 on validation", "0.5"
_SHOWN = "curves_marks_shown"
READER_NOTE = ("Violet cross: the films' own label, read as a reader against the labels that these curves are measured "
               "on. A network above it finds more at as few false alarms.")
_HELP = ("The marks on the curves: where a threshold set stands. With one run, its saved sets can be chosen too. "
         "The Thresholds page makes them.")


@dataclass(frozen=True)
class Marked:
    """What the marks show.

    Attributes:
        runs: the measured runs, with their points where they have any.
        sets: {run_id: its set}, of the runs with points.
        missing: the ids of runs that have no predictions to fit the set on.
    """

    runs: list[DrawnRun]
    sets: Mapping[str, SourcedSet]
    missing: Sequence[str]


def marks_picker(store: Store, runs: Sequence[Evaluated]) -> str | None:
    """Choose the set whose operating points are marked: its key, as `threshold_sets.find_set` reads it, or None."""
    options = _options(store, runs)
    asked = st.query_params.get(KEY)
    if asked is not None and asked not in options and asked == st.session_state.get(_SHOWN):
        # A saved set belongs to one run: another choice of runs, not a wrong link, has made it unknown.
        st.session_state[KEY] = next(iter(options))
        label = st.selectbox("Thresholds", list(options), **in_link(KEY), help=_HELP)
    else:
        label = widgets.choice_in_link("Thresholds", KEY, list(options), _HELP)
    st.session_state[_SHOWN] = label
    return options.get(label)


def _options(store: Store, runs: Sequence[Evaluated]) -> dict[str, str | None]:
    """{label: key}, the default first; the labels stand in the link."""
    fitted = {FITTED: DEFAULT} if any("val" in run.parts for run in runs) else {}
    options: dict[str, str | None] = fitted | {HALF: UNFITTED, OFF: None}
    if len(runs) == 1 and len(from_store.threshold_sets(store, runs[0].run_id)):
        for key, name in set_popover.set_names(store, runs[0]).items():
            if parse_key(key) is None:
                options[name if name not in options else f"{name} · {key}"] = key
    return options


def marked_runs(store: Store, measured: Sequence[DrawnRun], runs: Sequence[Evaluated], key: str | None) -> Marked:
    """The measured runs with the points of their sets."""
    if key is None:
        return Marked(list(measured), {}, [])
    by_id = {run.run_id: run for run in runs}
    marked, sets, missing = [], {}, []
    for one in measured:
        try:
            source = find_set(store, by_id[one.run_id], key)
        except RunError:  # no predictions to fit it on
            missing.append(one.run_id)
            marked.append(one)
            continue
        sets[one.run_id] = source
        points = _points(store, one.of, source.name, tuple(source.thresholds.tolist()))
        marked.append(replace(one, points=points))
    return Marked(marked, sets, missing)


@kept(256)
def _points(store: Store, of: Labelled, name: str, thresholds: tuple[float, ...]) -> tuple[OperatingPoint, ...]:
    found = from_store.predictions(store, of)
    counts = confusion(found.labels, found.scores, np.array(thresholds))
    return tuple(OperatingPoint(threshold, name, tp, fp, tp + fn, fp + tn) for threshold, tp, fp, fn, tn in zip(
        thresholds, *(values.tolist() for values in (counts.tp, counts.fp, counts.fn, counts.tn)), strict=True))


def mark_notes(marked: Marked, runs: Sequence[Evaluated], finding: str | None) -> list[str]:
    """Which thresholds the marks are, and which films they were fitted on."""
    by_id = {run.run_id: run for run in runs}
    words = {run_id: _in_words(source, by_id[run_id]) for run_id, source in marked.sets.items()}
    each = next(iter(words.values())) if len(set(words.values())) == 1 else "; ".join(
        f"{widgets.escape(by_id[run_id].label)}: {text}" for run_id, text in words.items())
    said = [f"Marks: thresholds of {each}.{_unstable(marked, finding)}"] if words else []
    said += [f"{widgets.escape(by_id[run_id].label)} has no validation predictions to fit thresholds on, so its curves "
             "have no mark." for run_id in marked.missing]
    return said


def say_same_films(marked: Marked, runs: Sequence[Evaluated], part: str) -> None:
    """A mark beside the title where thresholds are read on the films that they were fitted on."""
    by_id = {run.run_id: run for run in runs}
    same = [source for run_id, source in marked.sets.items() if source.is_read_on_own_films(by_id[run_id], part)]
    if same:
        who = "" if len(same) == len(marked.sets) else f" of {len(same)} runs"
        frame.chip("same films", f"The thresholds{who} were fitted on the very films that the curves are read on, "
                   "which flatters.", icon=":material/warning:")


def label_readers(store: Store, measured: Sequence[DrawnRun]) -> dict[str, RocPoint]:
    """{finding: where the films' own label stands among ROC curves}; none where they are measured on it."""
    try:
        return label_quality.reader_points(store, measured[0].of)
    except ResamplingError:  # films of one patient
        return {}


def mark_downloads(marked: Marked, part: str) -> dict[str, tuple[str, Callable[[], pd.DataFrame]]]:
    """For the menu of downloads."""
    return {"Operating points": (f"operating_points_{part}", lambda: marks_table(marked))} if marked.sets else {}


def marks_table(marked: Marked) -> pd.DataFrame:
    """Every operating point, run by run."""
    measures = ("recall", "fpr", "precision", "f1", "tp", "fp", "positives", "negatives")
    return pd.DataFrame([
        {"run_id": one.run_id, "run": one.label, "measured_on": one.source,
         "thresholds": marked.sets[one.run_id].in_words,
         "finding": finding, "threshold": point.threshold} | {name: getattr(point, name) for name in measures}
        for one in marked.runs if one.points for finding, point in zip(one.of.findings, one.points, strict=True)])


def _in_words(source: SourcedSet, run: Evaluated) -> str:
    if source.part is None:
        return f"{widgets.escape(source.name)} for every finding, not fitted"
    return f"{widgets.escape(source.name)}, fitted on {widgets.escape(run.fitted_in_words(source.part))}"


def _unstable(marked: Marked, finding: str | None) -> str:
    """Findings whose threshold hangs on few films, or none; of one finding, whether it does."""
    findings = marked.runs[0].of.findings if marked.runs else ()
    few = {name for source in marked.sets.values() for name in findings
           if {"unstable", "not_fitted"} & set(warnings_of(source, name))}
    if finding is None and few:
        names = "every one" if len(few) == len(findings) else ", ".join(
            display_name(name) for name in findings if name in few)
        return f" Unstable, since fitted on fewer than {STABLE_POSITIVES} films with the finding: {names}."
    return f" Unstable: fitted on fewer than {STABLE_POSITIVES} films with the finding." if finding in few else ""
