"""How the splits of a data set part its films and its patients, for the Data page."""

import pandas as pd
import streamlit as st

from cxrcore import config
from cxrcore.charts import dataset as charts
from cxrcore.data.splits import LEAKY_SCHEMES, PART_WORDS
from cxrcore.findings import display_name
from cxrcore.measures.thresholds.fitting import STABLE_POSITIVES
from cxrcore.queries import data_set, run_groups
from cxrcore.queries.data_set import Holdings, SplitCounts, SplitKey
from cxrcore.store import Store
from cxrcore.store.records import rows_of
from cxrcore.ui import simple_chart, widgets
from cxrcore.ui.data.counts import spoken

SPLIT = "split"  # the picker's key, and so its name in the link


def split_picker(store: Store, dataset_id: str, runs: pd.DataFrame) -> SplitKey | None:
    """Choose one of the splits that the data set's runs use; None where there is none, or the link names another."""
    keys = {run_groups.split_in_words(key.scheme, key.seed, key.fingerprint): key
            for key in data_set.split_keys(runs)}
    if not keys:
        st.info("No run of this data set has drawn a split yet. A training draws one:", icon=":material/info:")
        widgets.command(config.TRAIN_COMMAND, store)
        return None
    if st.session_state.setdefault("split_of", dataset_id) != dataset_id:  # the choice was made for another data set
        st.session_state.update({"split_of": dataset_id, SPLIT: next(iter(keys))})
    picked = widgets.choice_in_link("Split", SPLIT, list(keys), "Those that runs of this data set use.")
    return None if picked is None else keys[picked]


def split(store: Store, found: Holdings, key: SplitKey, runs: pd.DataFrame) -> SplitCounts:
    """Who is in train, validation and test, and how many patients stand on both sides."""
    with st.skeleton(height=600):
        counted = data_set.split_counts(store, found, key, runs)
    _leak_line(key, counted.leaks, found.figures.patients)
    parts = counted.composition
    if not found.figures.patients:
        parts = parts.assign(patients=None)
    widgets.show_table(
        parts.assign(part=parts["part"].map(PART_WORDS).str.capitalize(), **{c: 100 * parts[c] for c in _PERCENTS}),
        hide_index=True,
        key="split_parts", alt="Films and patients of each part of the split", column_config={
            "part": "Part", "films": widgets.number("films", "Films", "localized"),
            "patients": widgets.number("patients", "Patients", "localized"),
            **{column: widgets.number(term, title, "%.1f %%") for column, (term, title) in _PERCENTS.items()}})
    simple_chart.draw(charts.group_chart("Prevalence by part", "% of the part’s films", counted.by_part),
                      "split_prevalence", "Prevalence of each finding by part of the split: " + spoken(counted.by_part))
    rare = counted.by_part[(counted.by_part["group"] != "train") & (counted.by_part["positives"] < STABLE_POSITIVES)]
    if len(rare):
        _rare_table(rare)
    return counted


def _rare_table(rare: pd.DataFrame) -> None:
    """Findings that are on few films of validation or test; a dash where they are on enough."""
    parts = [part for part in ("val", "test") if part in set(rare["group"])]
    names = list(dict.fromkeys(rare["finding"]))
    counts = rare.pivot(index="finding", columns="group", values="positives").loc[names, parts].astype("Int64")
    st.markdown(f":material/warning: {len(names)} findings are on fewer than {STABLE_POSITIVES} films of "
                f"{' or '.join(PART_WORDS[part] for part in parts)}, so thresholds and measures there are unstable:")
    titles = {part: PART_WORDS[part].capitalize() for part in parts}
    table = counts.rename(columns=titles).rename_axis(columns=None).reset_index(names="Finding")
    widgets.show_table(table.assign(Finding=table["Finding"].map(display_name)), hide_index=True, key="rare_findings",
                       placeholder="enough", width=460, alt="Findings that are on few films of a part", column_config={
        title: st.column_config.NumberColumn(help=f"Films of {title.lower()} that carry the finding")
        for title in titles.values()})


_PERCENTS = {"share": ("share", "Share of films"), "without_finding": ("without_finding", "Without a finding"),
             "ap_share": ("ap_films", "AP films")}


def _leak_line(key: SplitKey, leaked: pd.DataFrame, patients: int) -> None:
    if not patients:
        st.info("The table names no patients, so whether one stands on both sides cannot be checked here.",
                icon=":material/info:")
        return
    total = int(leaked["patients"].sum())
    if total:
        where = ", ".join(f"{row.patients:,} in {PART_WORDS[row.one]} and {PART_WORDS[row.other]}"
                          for row in rows_of(leaked) if row.patients)
        st.error(f"This split leaks: of {patients:,} patients, {where}. A network has seen these people in training, "
                 "so its numbers are too good.", icon=":material/warning:")
    else:
        st.success("No patient stands on both sides of this split.", icon=":material/check_circle:")
    if key.scheme in LEAKY_SCHEMES and not total:
        st.caption("It was drawn by film, and it is luck that no patient was parted.")
