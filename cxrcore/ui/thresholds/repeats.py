"""Below the board, where repeats of its training are chosen: what another seed makes of thresholds, F1 and recall."""

import streamlit as st

from cxrcore.errors import ResamplingError
from cxrcore.evaluation.measure_predictions import RESAMPLING
from cxrcore.measures.number_words import span, value
from cxrcore.queries import evaluated_runs
from cxrcore.queries.board_state import BoardState
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.repeats.measured import MeasuredTraining
from cxrcore.queries.repeats.thresholds import SHOWN, board_table, measured_at_own_thresholds
from cxrcore.queries.repeats.trainings import Training
from cxrcore.queries.threshold_sets import DEFAULT, parse_key
from cxrcore.store import Store
from cxrcore.ui import link, widgets
from cxrcore.ui.run_pages import RunsPage
from cxrcore.ui.widgets import escape, number

ROW_HEIGHT = 36
_TITLES = {"f1": "F1", "recall": "Recall", "precision": "Precision"}


def show_repeats(store: Store, page: RunsPage, run: Evaluated, part: str, state: BoardState, label_set: str) -> None:
    """The chosen repeats of the run in focus; nothing where there are none.

    Args:
        run: as the board has it.
        part: what the board is read on.
        label_set: title of the one that runs are read against.
    """
    training = next(one for one in page.trainings(page.chosen or [run.run_id]) if run.run_id in one.run_ids)
    if not training.repeated or state.on_half:
        return
    title = f"Over seeds: {len(training.run_ids)} runs of this training, each at its own thresholds"
    with st.expander(title, key="board_repeats", on_change="rerun", icon=":material/casino:") as panel:
        if panel.open:
            _show(store, page, training, run, part, state, label_set)


def _show(store: Store, page: RunsPage, training: Training, run: Evaluated, part: str, state: BoardState,
          label_set: str) -> None:
    rows = page.rows(training.run_ids)
    known = evaluated_runs.evaluated(rows, page.overview, page.labels, part, label_set)
    runs = [one.of(run.findings) for one in known if part in one.parts]
    if len(runs) < 2:
        st.caption("The other runs of this training have no such predictions.")
        return
    fit = parse_key(state.base.key)
    key = state.base.key if fit else DEFAULT
    try:
        with widgets.slow_share(RESAMPLING) as told:
            found = measured_at_own_thresholds(store, training, runs, part, key, link.styles(training.run_ids), told)
    except ResamplingError as error:
        st.caption(f"{escape(str(error)).capitalize()}.")
        return
    _say(found, fit is None)
    _table(found)


def _say(found: MeasuredTraining, other_set: bool) -> None:
    """Macro F1 in a sentence; `other_set`: the set on the board is one of the run's own, which others cannot have."""
    table = board_table(found)
    macro = table.iloc[0]
    said = span(macro["f1_low"], macro["f1_high"])
    patients = f", {said} over patients" if said else ""
    stands = "The set on the board is this run's own, so these are at" if other_set else "Thresholds:"
    st.markdown(f"**{escape(found.training.name)}**, {len(found.members)} runs on the same films: macro F1 "
                f"**{value(macro['f1'])} ± {value(macro['f1_sd'])}** over seeds{patients}. {stands} "
                f"{escape(found.mean.source.in_words)}, for each run by itself; lines moved by hand do not count.")
    st.caption("±: the standard deviation over seeds, how far another seed moves one run. From and to: the 95 % "
               "interval of the mean over patients, how far other patients would move it.")


def _table(found: MeasuredTraining) -> None:
    columns = {"finding": st.column_config.TextColumn("Finding"), "threshold": number("threshold", "Threshold", "%.3g"),
               "threshold_sd": number("threshold_spread", "±", "%.2g")}
    for name in SHOWN:
        columns |= {name: number(name, _TITLES[name], "%.3f", more="The mean over the runs."),
                    f"{name}_sd": number("seed_spread", "±", "%.3f"),
                    f"{name}_low": number("seed_mean", "from", "%.3f"),
                    f"{name}_high": number("seed_mean", "to", "%.3f")}
    frame = board_table(found)
    widgets.show_table(frame, hide_index=True, row_height=ROW_HEIGHT, height=(len(frame) + 1) * ROW_HEIGHT + 2,
                       placeholder="–", column_config=columns,
                       alt="Thresholds, F1, recall and precision over the seeds of this training")
