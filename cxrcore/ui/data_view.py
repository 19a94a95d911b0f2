"""The parts of the Data page, from key figures to sample films."""

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore import census
from cxrcore.charts import dataset as charts
from cxrcore.data.splits import LEAKY_SCHEMES, SPLITS
from cxrcore.findings import FINDINGS, display_name
from cxrcore.store import Store
from cxrcore.thresholds import STABLE_POSITIVES
from cxrcore.ui import data_reading, widgets
from cxrcore.ui.data_reading import Holdings, SplitKey
from cxrcore.ui.film_tiles import Tile, wall

NO_FINDING = "No finding"
NIH_BOX_SIDE = 1024  # pixels a side of the films that NIH's boxes were drawn on
N_TILES = 10
STRONGEST = 5  # pairs named in words
ENOUGH_TOGETHER = 10  # films, for a pair to be named
MINED_LABELS = (
    "Labels of ChestX-ray14 were mined from reports by text rules: Wang et al. (2017) expect more than 90 % of them to "
    "be right, and a radiologist who looked at the films agreed with far fewer for some findings (Oakden-Rayner 2020). "
    "A prevalence here is that of the label.")
DRAWN_LABELS = ("These films were drawn by a program. Their labels say what was drawn, but for the share that the "
                "recipe makes wrong.")
PART_WORDS = {"train": "Train", "val": "Validation", "test": "Test"}


def percent(share: float, digits: int = 1) -> str:
    """'12.3 %', or a dash where it is undefined."""
    return "–" if np.isnan(share) else f"{100 * share:.{digits}f} %"


def key_figures(found: Holdings) -> None:
    """The row of numbers that a data set is introduced with."""
    figures = found.figures
    with st.container(horizontal=True, gap="medium"):
        for label, value, meaning in (
            ("Films", f"{figures.films:,}", "Every row of the table, whether its film is on this disk or not."),
            ("Patients", f"{figures.patients:,}", "A patient's films resemble each other, so a split must not part "
                                                  "them."),
            ("Films per patient", f"{figures.median_films:g} · max {figures.most_films}", "Median and maximum."),
            ("Without a finding", percent(figures.without_finding), "Films that have none of the 14 findings."),
            ("AP films", percent(figures.ap_share), "Taken from front to back, mostly at the bedside of the sicker; "
                                                    "the others are PA, taken standing."),
        ):
            st.metric(label, value, help=meaning, border=True)
    if figures.unknown_labels:
        st.caption(f"{figures.unknown_labels:,} labels are unknown, neither yes nor no; every share is of the films "
                   "whose label is known.")


def with_no_finding(found: Holdings) -> pd.DataFrame:
    """Prevalences with a row for the films without any finding."""
    share, films = found.figures.without_finding, int((~np.isnan(found.labels).any(axis=1)).sum())
    row = {"finding": NO_FINDING, "group": "all", "positives": round(share * films) if films else 0, "films": films,
           "share": share}
    return pd.concat([found.prevalence, pd.DataFrame([row])], ignore_index=True)


def imbalance(found: Holdings, synthetic: bool) -> None:
    """How common findings are, and what that makes of accuracy."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        shares = ", ".join(f"{row.finding} {percent(row.share)}" for row in found.prevalence.itertuples())
        widgets.chart(charts.prevalence_chart(found.prevalence), "prevalence",
                      f"Share of films with each finding: {shares}")
    with right:
        accuracy = found.without_alarms.set_index("finding")["accuracy"]
        st.subheader("Accuracy can mean predicting nothing", anchor=False)
        st.metric("Mean accuracy of answering “no” to every film", percent(accuracy.mean()),
                  help="For each finding the share of films without it, averaged over the findings.")
        st.markdown(_accuracy_lesson(found.prevalence, accuracy))
        st.caption(DRAWN_LABELS if synthetic else MINED_LABELS)


def _accuracy_lesson(prevalence: pd.DataFrame, accuracy: pd.Series) -> str:
    known = prevalence.dropna(subset="share")
    if known.empty:
        return "No label of this data set is known."
    rarest = known.loc[known["share"].idxmin()]
    name, missed = display_name(rarest["finding"]), int(rarest["positives"])
    return (f"A program that never raises an alarm is right on **{percent(accuracy.mean())}** of the answers, because "
            f"most films lack most findings. It finds nobody: recall 0 and F1 0 for every finding that occurs. For "
            f"{name} it is right {percent(accuracy[rarest['finding']])} of the time and misses all {missed:,} films "
            "that have it. That is why this workbench shows AUROC, AP, F1 and recall, and never accuracy.")


def company(found: Holdings) -> None:
    """What stands together."""
    widgets.chart(charts.company_chart(found.company), "company",
                  "Heat map: of the films with one finding, the share that has another too. " + _strongest(found))
    st.markdown(_strongest(found))


def _strongest(found: Holdings) -> str:
    place = {finding: k for k, finding in enumerate(FINDINGS)}
    pairs = found.company[(found.company["both"] >= ENOUGH_TOGETHER)
                          & (found.company["given"].map(place) < found.company["other"].map(place))]
    named = [f"{display_name(row.given)} with {display_name(row.other)} ({row.lift:.1f}×, {row.both:,} films)"
             for row in pairs.nlargest(STRONGEST, "lift").itertuples()]
    if not named:
        return f"No two findings stand together on {ENOUGH_TOGETHER} films or more."
    return "Most often together, against what chance would give: " + "; ".join(named) + "."


def people(found: Holdings) -> None:
    """Patients and how they were filmed, four small charts."""
    left, right = st.columns(2, gap="large")
    per_patient, per_film = found.per_patient, found.per_film
    with left:
        widgets.chart(charts.count_chart("Patients by how many films they have (count)", "Films of one patient",
                                         "patients", per_patient["bin"], per_patient["patients"]), "films_per_patient",
                      "Patients by number of films: " + _pairs(per_patient["bin"], per_patient["patients"]))
        widgets.chart(charts.age_chart(found.ages, census.AGE_BAND), "ages", "Films by age and sex; most are "
                      f"between {_quartiles(found)} years.")
    with right:
        widgets.chart(charts.count_chart("Films by how many findings they have (count)", "Findings on one film",
                                         "films", per_film["findings"], per_film["films"]), "findings_per_film",
                      "Films by number of findings: " + _pairs(per_film["findings"], per_film["films"]))
        follow_up = found.images["follow_up"].dropna().astype(int).clip(upper=10)
        counts = follow_up.value_counts().sort_index()
        names = counts.index.map(lambda number: "10 or later" if number == 10 else str(number))
        widgets.chart(charts.count_chart("Films by follow-up number (count; 0 = first film)", "Follow-up number",
                                         "films", pd.Series(names), counts.reset_index(drop=True)), "follow_ups",
                      "Films by follow-up number: " + _pairs(names, counts))
    unknown_sex = int(found.images["sex"].isna().sum())
    st.caption(f"Sex: {_sexes(found.images)}. Without an age: {found.ages_unknown:,} films; without a sex: "
               f"{unknown_sex:,}.")


def _pairs(names, counts) -> str:
    return ", ".join(f"{name}: {count:,}" for name, count in zip(names, counts, strict=True))


def _quartiles(found: Holdings) -> str:
    ages = found.images["age"].dropna().astype(float)
    return "unknown" if ages.empty else f"{ages.quantile(0.25):.0f} and {ages.quantile(0.75):.0f}"


def _sexes(images: pd.DataFrame) -> str:
    shares = images["sex"].value_counts(normalize=True)
    return ", ".join(f"{charts.GROUP_WORDS[sex]} {percent(share)}" for sex, share in shares.items()) or "unknown"


def views(found: Holdings) -> None:
    """Prevalence by view: the shortcut that a network can learn in place of the finding."""
    if not found.by_view["films"].any():
        st.caption("The view of no film is known.")
        return
    widgets.chart(charts.group_chart("Films with each finding by view (% of the view's films)", found.by_view), "views",
                  "Prevalence of each finding on PA and on AP films.")
    table = found.by_view.pivot(index="finding", columns="group", values="share")
    ratio = (table["AP"] / table["PA"]).replace(np.inf, np.nan).dropna().sort_values(ascending=False)
    if len(ratio):
        st.markdown(f"{display_name(ratio.index[0])} stands {ratio.iloc[0]:.1f} times as often on AP films as on PA "
                    "films. A network can score well by telling how a film was taken: a shortcut, not the finding.")


# -- splits


def split(store: Store, found: Holdings, dataset_id: str, key: SplitKey, runs: pd.DataFrame) -> pd.DataFrame:
    """Who is in train, validation and test, and how many patients stand on both sides; returns the table shown."""
    drawn = data_reading.assignment(store, dataset_id, key, runs)
    leaked = census.leaks(drawn, found.images["patient_id"], SPLITS)
    _leak_line(key, leaked, found.figures.patients)
    parts = census.composition(found.images, found.labels, drawn, SPLITS)
    st.dataframe(
        parts.assign(part=parts["part"].map(PART_WORDS), **{c: 100 * parts[c] for c in _PERCENTS}), hide_index=True,
        key="split_parts", alt="Films and patients of each part of the split", column_config={
            "part": "Part", "films": st.column_config.NumberColumn("Films", format="localized"),
            "patients": st.column_config.NumberColumn("Patients", format="localized"),
            **{column: st.column_config.NumberColumn(title, format="%.1f %%") for column, title in _PERCENTS.items()}})
    by_part = census.prevalence(found.labels, {name: drawn == k for k, name in enumerate(SPLITS) if (drawn == k).any()})
    widgets.chart(charts.group_chart("Films with each finding by part of the split (% of the part's films)", by_part),
                  "split_prevalence", "Prevalence of each finding in each part of the split.")
    rare = by_part[(by_part["group"] != "train") & (by_part["positives"] < STABLE_POSITIVES)]
    if len(rare):
        words = "; ".join(f"{display_name(row.finding)} {row.positives} in {PART_WORDS[row.group].lower()}"
                          for row in rare.itertuples())
        st.markdown(f":material/warning: Fewer than {STABLE_POSITIVES} films with the finding, so thresholds and "
                    f"measures there are unstable: {words}.")
    return by_part


_PERCENTS = {"share": "Share of films", "without_finding": "Without a finding", "ap_share": "AP films"}


def _leak_line(key: SplitKey, leaked: pd.DataFrame, patients: int) -> None:
    total = int(leaked["patients"].sum())
    if total:
        where = ", ".join(f"{row.patients:,} in {PART_WORDS[row.one].lower()} and {PART_WORDS[row.other].lower()}"
                          for row in leaked.itertuples() if row.patients)
        st.error(f"This split leaks: of {patients:,} patients, {where}. A network has seen these people in training, "
                 "so its numbers are too good.", icon=":material/warning:")
    else:
        st.success("No patient stands on both sides of this split.", icon=":material/check_circle:")
    if key.scheme in LEAKY_SCHEMES and not total:
        st.caption("It was drawn by film, and it is luck that no patient was parted.")


# -- films


def films(store: Store, found: Holdings, dataset_id: str, finding: str, turn: int, kind: str,
          runs: pd.DataFrame) -> None:
    """Sample films of a finding from the prepared map.

    Args:
        turn: another number takes other films.
        kind: of the data set; it decides the pixels that boxes are counted in.
        runs: of the data set.
    """
    pixels = data_reading.largest_map(store, found.images["image_id"])
    if pixels is None:
        st.info("No films of this data set have been prepared beside this store, so none can be shown. This makes "
                "them:", icon=":material/image_not_supported:")
        widgets.command("python scripts/prepare.py --csv_path DATA/Data_Entry_2017.csv --img_root DATA", store)
        return
    if finding == NO_FINDING:
        has = (found.labels == 0).all(axis=1)
    else:
        has = found.labels[:, FINDINGS.index(finding)] == 1
    there = np.flatnonzero(has & found.images["image_id"].isin(pixels.row_of.keys()).to_numpy())
    if not len(there):
        st.info(f"None of the {len(pixels.row_of):,} prepared films has the label {display_name(finding)}.")
        return
    order = np.random.default_rng([turn, len(there)]).permutation(there)[:N_TILES]
    side = NIH_BOX_SIDE if kind == "nih" else data_reading.drawn_size(runs)
    boxes = store.boxes(dataset_id) if side else None
    wall([_tile(found, row, pixels, finding, boxes, side) for row in np.sort(order)])
    st.caption(f"{min(N_TILES, len(there))} of {len(there):,} prepared films with this label, at {pixels.size} pixels "
               "a side, as networks see them." + (" Boxes: where the data set says the finding is." if side else ""))


def _tile(found: Holdings, row: int, pixels, finding: str, boxes: pd.DataFrame | None, side: int | None) -> Tile:
    film = found.images.iloc[row]
    labels = [display_name(FINDINGS[k]) for k in np.flatnonzero(found.labels[row] == 1)] or [NO_FINDING]
    age = "age unknown" if pd.isna(film["age"]) else f"{float(film['age']):.0f} years"
    known = [age, *(str(film[name]) for name in ("sex", "view") if not pd.isna(film[name]))]
    own = [] if boxes is None else boxes[(boxes["image_id"] == film["image_id"]) & (boxes["finding"] == finding)]
    shares = [tuple(float(v) / side for v in box) for box in own[["x", "y", "width", "height"]].to_numpy()] if len(
        own) else []
    return Tile(pixels.pixels[pixels.row_of[film["image_id"]]], ", ".join(labels),
                f"patient {film['patient_id']}, " + ", ".join(known), shares)
