"""What fitting promised and what came of it: optimism by cross-fitting, and the step from one split to the other."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.data.splits import PART_WORDS
from cxrcore.findings import FINDINGS, display_name
from cxrcore.glossary import meaning
from cxrcore.measures.metrics import macro
from cxrcore.measures.thresholds.cross_fitting import HALVINGS, Halvings, halvings
from cxrcore.measures.thresholds.fitting import OBJECTIVES
from cxrcore.measures.thresholds.positions import counts_at
from cxrcore.queries import from_store
from cxrcore.queries.board_state import BoardState
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.kept import Kept
from cxrcore.queries.threshold_draws import fit_in_draws, in_words
from cxrcore.queries.threshold_sets import SourcedSet
from cxrcore.store import Store
from cxrcore.ui import widgets
from cxrcore.ui.widgets import escape, number

ROW_HEIGHT = 36
_HALVINGS: Kept[Halvings] = Kept(64)  # 2 kB each; never written to


def show_promise(store: Store, run: Evaluated, part: str, state: BoardState, finding: str) -> None:
    """What the set on the board is worth as it was fitted, not what was changed by hand; and how sure it is.

    Args:
        part: what the board is read on.
        finding: the open one.
    """
    made = state.base
    fitted = made.part is not None and made.objective in (*OBJECTIVES, "classic") and made.prediction_id is not None
    if fitted:
        other = part if part != made.part else next((one for one in run.parts if one != made.part), None)
        crossed = crossed_on_fitted(store, made)
        table = promise_table(store, run, made, other, crossed)
        _figures(table, state, other, crossed)
    refitted = fit_in_draws(state, finding)
    if refitted is not None:
        line = st.empty()
        line.markdown(f"**{display_name(finding)}**: fitting anew in draws of patients …")  # keeps the line's place
    if fitted:
        with st.expander("Finding by finding, with prevalences"):
            widgets.show_table(
                table,
                hide_index=True,
                row_height=ROW_HEIGHT,
                height=(len(FINDINGS) + 1) * ROW_HEIGHT + 2,
                placeholder="–",
                column_config=_columns(made, other),
                alt="F1 of each finding as fitted, cross-fitted and on the other split, with prevalences",
            )
    if refitted is not None:  # last: the only part that takes long where it was not worked out before
        text, meaning = in_words(store, refitted, finding)
        line.markdown(f"**{display_name(finding)}**: {escape(text)}", help=meaning)


def _figures(table: pd.DataFrame, state: BoardState, other: str | None, crossed: Halvings) -> None:
    """Macro F1 as fitted, cross-fitted and on the other split."""
    made = state.base
    st.header("What fitting promised", anchor=False)
    changed = " As it was fitted: what was changed since then is left out." if state.changed else ""
    st.caption(f"The set {escape(made.in_words)}.{changed} Macro F1 over the findings that every column has.")
    shown = [name for name in ("apparent", "crossed", "other") if name in table]
    defined = table[shown].notna().all(axis=1)
    values = {name: macro(table.loc[defined, name].to_numpy())[0] for name in shown}
    titles = {"apparent": (f"On {PART_WORDS.get(made.part, made.part)}, as fitted", "f1_fitted"),
              "crossed": ("Cross-fitted on it", "f1_crossed"),
              "other": (f"Read on {PART_WORDS.get(other, other)}", "f1_other")}
    with st.container(horizontal=True, gap="large"):
        for name, before in zip(shown, [None, "apparent", "apparent"], strict=False):
            change = None if before is None or not defined.any() else f"{values[name] - values[before]:+.3f}"
            title, term = titles[name]
            st.metric(title, in_figures(values[name]), change, help=meaning(term, "Here the macro mean."),
                      width="content", delta_arrow="off", delta_color="off")
        st.metric("Findings", f"{int(defined.sum())} of {len(FINDINGS)}", width="content",
                  help=meaning("findings_counted"))
    if said := spread_in_words(crossed, defined.to_numpy()):
        st.caption(said, help=meaning("halvings"))


def spread_in_words(crossed: Halvings, included: np.ndarray) -> str:
    """'Cross-fitted macro F1 0.308 (0.301 to 0.315 over 20 halvings of the patients). Fewest films ...'; '' without it.

    Args:
        included: the findings of the macro mean, bool (14,).
    """
    values = crossed.macro(included)
    if not len(values):
        return ""
    rare = int(np.argmin(np.where(included, crossed.positives, np.iinfo(np.int64).max)))
    return (f"Cross-fitted macro F1 {in_figures(values.mean())} ({in_figures(values.min())} to "
            f"{in_figures(values.max())} over {len(values)} halvings of the patients). It stands on "
            f"{crossed.positives[included].sum():,} positives, of which {display_name(FINDINGS[rare])} has the fewest: "
            f"{crossed.positives[rare]:,}.")


def in_figures(value: float) -> str:
    """'0.431'; a dash for what is undefined."""
    return "–" if np.isnan(value) else f"{value:.3f}"


def promise_table(store: Store, run: Evaluated, made: SourcedSet, other: str | None,
                  crossed: Halvings) -> pd.DataFrame:
    """A row a finding: F1 as fitted, cross-fitted (mean, least and most of the halvings) and on the other split.

    Besides: positives of the films that the set was fitted on, optimism, step, prevalences in percent.
    """
    counts = counts_at(from_store.sorted_scores(store, str(made.prediction_id)), made.thresholds)
    mean, apparent = crossed.mean, counts.f1
    table = {"finding": list(map(display_name, FINDINGS)), "positives": crossed.positives, "apparent": apparent,
             "crossed": mean, "least": crossed.filled.min(axis=0), "most": crossed.filled.max(axis=0),
             "optimism": apparent - mean, "prevalence": _prevalence(counts)}
    if other is not None:
        read = counts_at(from_store.sorted_scores(store, run.prediction_id(other)), made.thresholds)
        table |= {"other": read.f1, "step": read.f1 - apparent, "prevalence_other": _prevalence(read)}
    return pd.DataFrame(table)


def crossed_on_fitted(store: Store, made: SourcedSet) -> Halvings:
    """How a set's way of fitting does when it is cross-fitted on its own films; with a bar where that takes long."""
    wanted = OBJECTIVES.get(made.objective)
    parameter = made.parameters.get(wanted.parameter) if wanted and wanted.parameter else None
    films = from_store.predictions(store, str(made.prediction_id))
    with widgets.slow_share(f"Cross-fitting over {HALVINGS} halvings of the patients") as told:
        return _HALVINGS.get((store.key, made.prediction_id, made.objective, parameter), lambda: halvings(
            films.labels, films.scores, films.patient_ids, made.objective, parameter, told))


def _prevalence(counts: Any) -> np.ndarray:
    films = counts.tp + counts.fp + counts.fn + counts.tn
    return 100 * (counts.tp + counts.fn) / np.maximum(films, 1)


def _columns(made: SourcedSet, other: str | None) -> Mapping[str, Any]:
    fitted = PART_WORDS.get(made.part, made.part)
    read = PART_WORDS.get(other, other)
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
