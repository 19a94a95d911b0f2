"""What fitting promised and what came of it: optimism by cross-fitting, and the step from one split to the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.data.splits import PART_WORDS
from cxrcore.findings import display_name
from cxrcore.glossary import meaning
from cxrcore.measures.metrics import macro
from cxrcore.measures.number_words import signed, value
from cxrcore.measures.thresholds.cross_fitting import HALVINGS, Halvings, halvings
from cxrcore.measures.thresholds.fitting import OBJECTIVES
from cxrcore.measures.thresholds.positions import counts_at
from cxrcore.queries import from_store
from cxrcore.queries.board_state import BoardState
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.from_store import Labelled
from cxrcore.queries.kept import Kept
from cxrcore.queries.threshold_draws import fit_in_draws, in_words
from cxrcore.queries.threshold_sets import SourcedSet
from cxrcore.store import Store
from cxrcore.ui import widgets
from cxrcore.ui.widgets import escape, number

ROW_HEIGHT = 36
_HALVINGS: Kept[Halvings] = Kept(64)  # 2 kB each; never written to


@dataclass(frozen=True)
class Fitted:
    """A fitted set with the films that it was fitted on, and those that it is read on besides.

    Both are read against the labels that they came with, whatever the board is read against: else the step between
    them would be one of labels too.

    Attributes:
        made: the set.
        thresholds: float64 (k,), of the findings of `on` and `read`.
        on: the films that it was fitted on.
        other, read: the other part, and its films; None where there is none.
    """

    made: SourcedSet
    thresholds: np.ndarray
    on: Labelled
    other: str | None
    read: Labelled | None


def fitted_films(run: Evaluated, made: SourcedSet, part: str) -> Fitted | None:
    """The films of a set that can be fitted anew, of findings that are shown and that they were labelled with.

    Args:
        part: what the board is read on.
    """
    if made.part is None or made.part not in run.parts or made.prediction_id is None:
        return None
    if made.objective not in (*OBJECTIVES, "classic"):
        return None
    on = replace(run.read_own(made.part), prediction_id=made.prediction_id)
    other = part if part != made.part else next((one for one in run.parts if one != made.part), None)
    read = run.read_own(other) if other else None
    findings = tuple(one for one in run.findings if one in on.findings and (read is None or one in read.findings))
    at = made.thresholds[[run.findings.index(one) for one in findings]]
    return Fitted(made, at, replace(on, findings=findings), other, read and replace(read, findings=findings))


def show_promise(store: Store, run: Evaluated, part: str, state: BoardState, finding: str) -> None:
    """What the set on the board is worth as it was fitted, not what was changed by hand; and how sure it is.

    Args:
        part: what the board is read on.
        finding: the open one.
    """
    fitted = fitted_films(run, state.base, part)
    if fitted and fitted.on.findings:
        crossed = crossed_on_fitted(store, fitted)
        table = promise_table(store, fitted, crossed)
        _figures(table, run, state, fitted, crossed)
    refitted = fit_in_draws(run, state, finding)
    if refitted is not None:
        line = st.empty()
        line.markdown(f"**{display_name(finding)}**: fitting anew in draws of patients …")  # keeps the line's place
    if fitted and fitted.on.findings:
        with st.expander("Finding by finding, with prevalences"):
            widgets.show_table(
                table,
                hide_index=True,
                row_height=ROW_HEIGHT,
                height=(len(table) + 1) * ROW_HEIGHT + 2,
                placeholder="–",
                column_config=_columns(fitted),
                alt="F1 of each finding as fitted, cross-fitted and on the other split, with prevalences",
            )
    if refitted is not None:  # last: the only part that takes long where it was not worked out before
        text, meaning = in_words(store, run, refitted, finding)
        line.markdown(f"**{display_name(finding)}**: {escape(text)}", help=meaning)


def _figures(table: pd.DataFrame, run: Evaluated, state: BoardState, fitted: Fitted, crossed: Halvings) -> None:
    """Macro F1 as fitted, cross-fitted and on the other split."""
    made, other = state.base, fitted.other
    st.header("What fitting promised", anchor=False)
    changed = " As it was fitted: what was changed since then is left out." if state.changed else ""
    own = " All on the labels that the films came with." if not run.labels.is_shipped else ""
    st.caption(f"The set {escape(made.in_words)}.{changed} Macro F1 over the findings that every column has.{own}")
    shown = [name for name in ("apparent", "crossed", "other") if name in table]
    defined = table[shown].notna().all(axis=1)
    values = {name: macro(table.loc[defined, name].to_numpy())[0] for name in shown}
    titles = {"apparent": (f"On {PART_WORDS.get(made.part, made.part)}, as fitted", "f1_fitted"),
              "crossed": ("Cross-fitted on it", "f1_crossed"),
              "other": (f"Read on {PART_WORDS.get(other, other)}", "f1_other")}
    with st.container(horizontal=True, gap="large"):
        for name, before in zip(shown, [None, "apparent", "apparent"], strict=False):
            change = None if before is None or not defined.any() else signed(values[name] - values[before])
            title, term = titles[name]
            st.metric(title, value(values[name]), change, help=meaning(term, "Here the macro mean."),
                      width="content", delta_arrow="off", delta_color="off")
        st.metric("Findings", f"{int(defined.sum())} of {len(table)}", width="content",
                  help=meaning("findings_counted"))
    if said := spread_in_words(crossed, defined.to_numpy(), fitted.on.findings):
        st.caption(said, help=meaning("halvings"))


def spread_in_words(crossed: Halvings, included: np.ndarray, findings: Sequence[str]) -> str:
    """'Cross-fitted macro F1 0.308 (0.301 to 0.315 over 20 halvings of the patients). Fewest films ...'; '' without it.

    Args:
        included: the findings of the macro mean, bool (k,).
        findings: k names.
    """
    values = crossed.macro(included)
    if not len(values):
        return ""
    rare = int(np.argmin(np.where(included, crossed.positives, np.iinfo(np.int64).max)))
    return (f"Cross-fitted macro F1 {value(values.mean())} ({value(values.min())} to "
            f"{value(values.max())} over {len(values)} halvings of the patients). It stands on "
            f"{crossed.positives[included].sum():,} positives, of which {display_name(findings[rare])} has the fewest: "
            f"{crossed.positives[rare]:,}.")


def promise_table(store: Store, fitted: Fitted, crossed: Halvings) -> pd.DataFrame:
    """A row a finding: F1 as fitted, cross-fitted (mean, least and most of the halvings) and on the other split.

    Besides: positives of the films that the set was fitted on, optimism, step, prevalences in percent.
    """
    counts = counts_at(from_store.sorted_scores(store, fitted.on), fitted.thresholds)
    mean, apparent = crossed.mean, counts.f1
    table = {"finding": list(map(display_name, fitted.on.findings)), "positives": crossed.positives,
             "apparent": apparent, "crossed": mean, "least": crossed.filled.min(axis=0),
             "most": crossed.filled.max(axis=0), "optimism": apparent - mean, "prevalence": _prevalence(counts)}
    if fitted.read is not None:
        read = counts_at(from_store.sorted_scores(store, fitted.read), fitted.thresholds)
        table |= {"other": read.f1, "step": read.f1 - apparent, "prevalence_other": _prevalence(read)}
    return pd.DataFrame(table)


def crossed_on_fitted(store: Store, fitted: Fitted) -> Halvings:
    """How a set's way of fitting does when it is cross-fitted on its own films; with a bar where that takes long."""
    made = fitted.made
    wanted = OBJECTIVES.get(made.objective)
    parameter = made.parameters.get(wanted.parameter) if wanted and wanted.parameter else None
    films = from_store.predictions(store, fitted.on)
    with widgets.slow_share(f"Cross-fitting over {HALVINGS} halvings of the patients") as told:
        return _HALVINGS.get((store.key, fitted.on, made.objective, parameter), lambda: halvings(
            films.labels, films.scores, films.patient_ids, made.objective, parameter, told))


def _prevalence(counts: Any) -> np.ndarray:
    films = counts.tp + counts.fp + counts.fn + counts.tn
    return 100 * (counts.tp + counts.fn) / np.maximum(films, 1)


def _columns(found: Fitted) -> Mapping[str, Any]:
    fitted = PART_WORDS.get(found.made.part, found.made.part)
    read = PART_WORDS.get(found.other, found.other)
    return {
        "finding": st.column_config.TextColumn("Finding"),
        "apparent": number("f1_fitted", f"F1 on {fitted}", "%.3f"),
        "crossed": number("f1_crossed", "F1 cross-fitted", "%.3f"),
        "least": number("halvings", "Least", "%.3f"),
        "most": number("halvings", "Most", "%.3f"),
        "positives": number("fitted_positives", f"Positives, {fitted}"),
        "optimism": number("optimism", "Optimism", "%+.3f"),
        "other": number("f1_other", f"F1 on {read}", "%.3f"),
        "step": number("step", "Step", "%+.3f"),
        "prevalence": number("prevalence", f"Films with it, {fitted}", "%.2f %%"),
        "prevalence_other": number("prevalence", f"Films with it, {read}", "%.2f %%"),
    }
