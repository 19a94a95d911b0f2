"""The parts of the Data page, from the choice of a data set to its films' views."""

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.charts import dataset as charts
from cxrcore.data import census
from cxrcore.evaluation.published import nih_prevalence
from cxrcore.findings import NO_FINDING, display_name
from cxrcore.glossary import meaning
from cxrcore.queries import data_set
from cxrcore.queries.data_set import Holdings
from cxrcore.store.records import rows_of
from cxrcore.ui import link, simple_chart, widgets
from cxrcore.ui.data.company_table import company_table
from cxrcore.ui.frame import frame

STRONGEST = 5  # pairs named in words
ENOUGH = 10  # films, for a pair of findings or for a view to be named
PICKER = "data_set"
MINED_LABELS = (
    "Labels of ChestX-ray14 were mined from reports by text rules: Wang et al. (2017) expect more than 90 % of them to "
    "be right, and a radiologist who looked at the films agreed with far fewer for some findings (Oakden-Rayner 2020). "
    "A prevalence here is that of the label.")
DRAWN_LABELS = ("These films were drawn by a program. Their labels say what was drawn, but for the share that the "
                "recipe makes wrong.")
LABEL_NOTES = {"nih": MINED_LABELS, "chestmnist": MINED_LABELS, "phantom": DRAWN_LABELS}


def percent(share: float, digits: int = 1) -> str:
    """'12.3 %', or a dash where it is undefined."""
    return "–" if np.isnan(share) else f"{100 * share:.{digits}f} %"


def data_set_picker(datasets: pd.DataFrame) -> str:
    """Choose a data set by name; the link holds its id, and one that is not there ends the page.

    Args:
        datasets: as `Store.datasets`, indexed by dataset_id.
    """
    names = data_set.labelled_names(datasets)
    asked = link.dataset_in_link() or next(iter(names))
    if asked not in names:
        st.error(f"The link names a data set that is not in this store: {widgets.bold(asked)}. It may belong to "
                 "another store.", icon=":material/link_off:")
        st.button("Show the data that is here", on_click=link.put_dataset_in_link, args=(None,))
        st.stop()
    st.session_state[PICKER] = asked
    return st.selectbox(
        "Data set", list(names), format_func=names.__getitem__, key=PICKER, width=420,
        on_change=lambda: link.put_dataset_in_link(st.session_state[PICKER]),
        help="The data sets that runs of this store were trained or measured on.")


def answer(found: Holdings) -> str:
    """What the data set is, in one sentence, as HTML."""
    figures = found.figures
    text = f"<b>{figures.films:,} films</b>"
    if figures.patients:
        text += (f" of <b>{figures.patients:,} patients</b>, who have {figures.median_films:g} each at the median and "
                 f"{figures.most_films:,} at most")
    else:
        text += " of unknown patients"
    parts = [(figures.without_finding, "show no finding"), (figures.ap_share, "were taken AP, mostly at the bedside")]
    known = [f"<b>{percent(share)}</b> {words}" for share, words in parts if not np.isnan(share)]
    return f"{text}; {' and '.join(known)}." if known else f"{text}."


def explain_figures(found: Holdings) -> None:
    """What the sentence counts, behind *Numbers*, and what is unknown."""
    figures = found.figures
    with frame.numbers():
        if figures.unknown_labels:
            st.caption(f"{figures.unknown_labels:,} labels are unknown, neither yes nor no; every share is of the "
                       "films whose label is known.")
        if not figures.patients:
            st.caption("The table names no patients.")
    widgets.explain_measures(("films", "patients", "films_per_patient", "prevalence", "without_finding", "ap_films"))


def with_no_finding(found: Holdings) -> pd.DataFrame:
    """Prevalences with a row for the films without any finding."""
    share, films = found.figures.without_finding, int((~np.isnan(found.labels).any(axis=1)).sum())
    row = {"finding": NO_FINDING, "group": "all", "positives": round(share * films) if films else 0, "films": films,
           "share": share}
    return pd.concat([found.prevalence, pd.DataFrame([row])], ignore_index=True)


def prevalence(found: Holdings, kind: str) -> None:
    """How common each finding is; on phantoms beside how common it is on real films."""
    shares = ", ".join(f"{display_name(row.finding)} {percent(row.share)}" for row in rows_of(found.prevalence))
    real = nih_prevalence() if kind == "phantom" else {}
    drawn = charts.prevalence_chart(found.prevalence, {name: real[name] for name in found.findings if name in real})
    simple_chart.draw(drawn, "prevalence", f"Share of films with each finding: {shares}")


def accuracy(found: Holdings, kind: str) -> None:
    """What rarity makes of accuracy."""
    right = found.without_alarms.set_index("finding")["accuracy"]
    st.subheader("Accuracy can mean predicting nothing", anchor=False)
    st.metric(f"Mean accuracy of “no” to all of the {found.figures.films:,} films",
              percent(right.mean()),
              help=meaning("accuracy", "The films that a run is measured on give another number."))
    st.markdown(_accuracy_lesson(found.prevalence, right))
    if kind in LABEL_NOTES:
        st.caption(LABEL_NOTES[kind])


def _accuracy_lesson(prevalence: pd.DataFrame, accuracy: pd.Series) -> str:
    occurring = prevalence[prevalence["positives"] > 0]
    if occurring.empty:
        return "No film of this data set is known to have a finding."
    rarest = occurring.loc[occurring["share"].idxmin()]
    return (f"A program that never raises an alarm is right on **{percent(accuracy.mean())}** of the answers, because "
            f"most films lack most findings. It finds nobody: recall 0 and F1 0 for every finding that occurs. For "
            f"{display_name(rarest['finding'])} it is right {percent(accuracy[rarest['finding']])} of the time and "
            f"misses all {rarest['positives']:,} films that have it. That is why this workbench shows AUROC, AP, F1 "
            "and recall, and never accuracy.")


def company(found: Holdings) -> None:
    """What stands together: a table whose cells are the darker the more films they hold."""
    st.markdown(_strongest(found))
    st.html(company_table(found.company, found.findings))


def _strongest(found: Holdings) -> str:
    place = {finding: k for k, finding in enumerate(found.findings)}
    pairs = found.company[(found.company["both"] >= ENOUGH)
                          & (found.company["given"].map(place) < found.company["other"].map(place))]
    named = [f"{display_name(row.given)} with {display_name(row.other)} ({row.lift:.1f}×, {row.both:,} films)"
             for row in rows_of(pairs.nlargest(STRONGEST, "lift"))]
    if not named:
        return f"No two findings stand together on {ENOUGH} films or more."
    return "Most often together, against what chance would give: " + "; ".join(named) + "."


def people(found: Holdings) -> None:
    """Patients and how they were filmed: a small chart of each thing that the table knows."""
    patients, per_film, later = found.per_patient, found.per_film, found.follow_ups
    ages = charts.age_chart(found.ages, census.AGE_BAND, census.OLDEST_BAND)
    small = {
        "films of one patient": (found.figures.patients, charts.count_chart(
            "Patients by how many films they have", "patients", "Films of one patient", patients["bin"],
            patients["patients"]), "films_per_patient", _pairs(patients["bin"], patients["patients"])),
        "findings on one film": (len(per_film), charts.count_chart(
            "Films by how many findings they have", "films", "Findings on one film", per_film["findings"],
            per_film["films"]), "findings_per_film", _pairs(per_film["findings"], per_film["films"])),
        "ages": (len(found.ages), ages, "ages", f"half of the films are {_middle_ages(found)}"),
        "follow-up numbers": (len(later), charts.count_chart(
            "Films by follow-up number", "films", "Follow-up number (0: the first film)",
            later["follow_up"], later["films"]).beside(ages), "follow_ups", _pairs(later["follow_up"], later["films"])),
    }
    columns = st.columns(2, gap="large")
    for k, (_, chart, key, told) in enumerate(one for one in small.values() if one[0]):
        with columns[k % 2]:
            simple_chart.draw(chart, key, f"{chart.title}: {told}")
    if missing := [name for name, one in small.items() if not one[0]]:
        st.caption(f"The table does not say: {', '.join(missing)}.")
    unknown_sex = int(found.images["sex"].isna().sum())
    st.caption(f"Sex: {_sexes(found.images)}. Without an age: {found.ages_unknown:,} films; without a sex: "
               f"{unknown_sex:,}.")


def _pairs(names: pd.Series, counts: pd.Series) -> str:
    return ", ".join(f"{name}: {count:,}" for name, count in zip(names, counts, strict=True))


def _middle_ages(found: Holdings) -> str:
    ages = found.images["age"].dropna().astype(float)
    return "of unknown age" if ages.empty else f"between {ages.quantile(0.25):.0f} and {ages.quantile(0.75):.0f} years"


def _sexes(images: pd.DataFrame) -> str:
    shares = images["sex"].value_counts(normalize=True)
    return ", ".join(f"{charts.GROUP_WORDS.get(sex, sex)} {percent(share)}" for sex, share in shares.items()
                     ) or "unknown"


def views(found: Holdings) -> None:
    """Prevalence by view: the shortcut that a network can learn in place of the finding."""
    if not found.by_view["films"].any():
        st.caption("The view of no film is known.")
        return
    drawn = charts.group_chart("Prevalence by view", "% of each view’s films, and how many times as common",
                               found.by_view, data_set.VIEWS, ENOUGH)
    simple_chart.draw(drawn, "views", "Prevalence of each finding by view: " + spoken(found.by_view))
    if text := _furthest_apart(found.by_view):
        st.markdown(f"{text} A network can score well by telling how a film was taken: a shortcut, not the finding.")


def _furthest_apart(by_view: pd.DataFrame) -> str:
    """The findings that stand out most on either view; empty where none has enough films on both."""
    table = by_view.pivot(index="finding", columns="group", values=["share", "positives"])
    table = table[(table["positives"] >= ENOUGH).all(axis=1)]["share"]
    ratio = (table["AP"] / table["PA"]).astype(float)
    said = []
    if len(ratio) and ratio.max() > 1:
        said.append(f"{display_name(ratio.idxmax())} is {ratio.max():.1f} times as common on AP films as on PA films")
    if len(ratio) and ratio.min() < 1:
        said.append(f"{display_name(ratio.idxmin())} is {1 / ratio.min():.1f} times as common on PA films")
    return " and ".join(said) + "." if said else ""


def spoken(table: pd.DataFrame) -> str:
    """A table of `census.prevalence` for screen readers."""
    rows = table.groupby("finding", sort=False)
    return "; ".join(f"{display_name(str(finding))} " + ", ".join(
        f"{row.group} {percent(row.share)}" for row in rows_of(own)) for finding, own in rows)
