"""The Import page's second half: the mean of runs as a run."""

import streamlit as st

from cxrcore.evaluation import ensemble, measure_predictions
from cxrcore.queries import from_store, run_groups
from cxrcore.store import Store
from cxrcore.ui import link, run_pages, shell, widgets
from cxrcore.ui.imports import predictions

MOST = 12
_MADE = "ensemble_made"  # ids of the means that this session saved


def show_ensemble(store: Store, overview: from_store.Overview) -> None:
    """Choose runs, name their mean, save it, and see how it stands against its best member."""
    widgets.answer("The mean of the scores, film by film, over the films that all runs were measured on. The members "
                   "stay as they are and are recorded with the new run.")
    chosen = [run_id for run_id in link.runs_in_link() if run_id in set(overview.runs["run_id"])]
    labels = run_groups.run_labels(overview.runs)
    pickable = overview.runs[~overview.runs["archived"].astype(bool) | overview.runs["run_id"].isin(chosen)]
    run_pages.run_picker({run_id: labels[run_id] for run_id in pickable["run_id"]}, chosen, "ensemble_picker",
                         "Pick two runs or more by name")
    if "phantom" in set(overview.datasets.loc[overview.runs["dataset_id"].unique(), "kind"]):
        widgets.synthetic_badge()
    if warned := run_groups.warned(overview.runs[overview.runs["run_id"].isin(chosen)]):
        widgets.warned_badge({labels[run_id]: marks for run_id, marks in warned.items()})
    name = st.text_input("Name of the run", key="ensemble_name", placeholder="Mean of …")
    made = st.session_state.get(_MADE, ())
    same = ensemble.known(store, chosen) if len(chosen) > 1 else None
    if st.button("Save the mean as a run", type="primary", icon=":material/save:",
                 disabled=not 2 <= len(chosen) <= MOST or same is not None):
        with st.spinner("Measuring…"), widgets.slow_share(measure_predictions.RESAMPLING) as told:
            same = ensemble.make_ensemble(store, chosen, name, told)
        st.session_state[_MADE] = made = (*made, same)
        st.rerun()  # with the button switched off
    if same and same in made:
        _say(store, same)
    elif same:
        st.info(f"The mean of these runs is already saved as run {widgets.bold(labels[same])}.", icon=":material/info:")
        shell.link_to("compare", [same, *chosen])


def _say(store: Store, run_id: str) -> None:
    predictions.done(store, run_id)
    for part in store.prediction_sets(run_id)["split"]:
        st.markdown(widgets.escape(ensemble.in_words(ensemble.against_best(store, run_id, part), part)))
