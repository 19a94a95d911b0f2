"""Every number on the screen is explained: what it is, its range, where it comes from."""

import re

import pandas as pd
import pytest
from opened_pages import columns_of, open_page, text_of

from cxrcore.charts.board import assets
from cxrcore.charts.board.payload import EXPLAINED
from cxrcore.charts.curves import MEASURE_TITLES as CURVE_MEASURES
from cxrcore.glossary import TERMS, meaning, meanings
from cxrcore.measures import localization_scores
from cxrcore.queries import subgroups
from cxrcore.queries.compared import run_costs
from cxrcore.ui.compare import sections as compare_view
from cxrcore.ui.localization import sections as localization_view
from cxrcore.ui.shell import PAGES

CHOICES = {  # {label of a choice of measures: the terms that its help explains}
    "compare": compare_view.MEASURES.values(), "curves": CURVE_MEASURES,
    "subgroups": subgroups.MEASURE_TITLES.values(), "localization": localization_view.MEASURES.values(),
    "cost": [key for key, _ in run_costs.COSTS.values()],
}


@pytest.fixture
def opened(phantoms, monkeypatch):
    """Opens a page on the phantoms' store, with two of its runs."""
    monkeypatch.setenv("CXR_STORE", str(phantoms.path))
    runs = [phantoms.run_ids[name] for name in ("mobilenet_v2", "resnet18")]
    return lambda name, **link: open_page(name, **({"run": runs} | link))


@pytest.mark.parametrize("key", TERMS)
def test_every_term_has_all_its_parts(key):
    term = TERMS[key]
    assert term.definition.endswith(".") and not term.range.endswith(".") and not term.source.endswith("..")
    assert len(term.definition) > 15 and term.range and term.source and term.short in term.name
    for part in (term.name, term.definition, term.range, term.source):
        assert part in term.in_words and part in meaning(key)


@pytest.mark.parametrize("where", CHOICES)
def test_every_measure_that_can_be_chosen_has_a_term(where):
    said = meanings(CHOICES[where])
    assert said.count("\n") + 1 == len(CHOICES[where]) and set(CHOICES[where]) <= set(TERMS)


def test_the_terms_of_maps_are_those_that_are_measured():
    measured = {localization_scores.HIT, localization_scores.IOU, localization_scores.IOBB, localization_scores.ENERGY}
    assert set(localization_view.MEASURES.values()) == measured


@pytest.mark.parametrize("name", [entry.name for entry in PAGES])
def test_every_number_in_a_table_and_every_figure_has_help(opened, name):
    film = {"film": "90000001_000.png"} if name == "explain" else {"cost": "GMACs"}  # opens Compare's costs
    app = opened(name, **film)
    unexplained = [column for frame in app.dataframe for column, shown in columns_of(frame).items()
                   if pd.api.types.is_numeric_dtype(frame.value[column]) and not shown.get("help")]
    unexplained += [figure.label for figure in app.metric if not figure.help]
    assert unexplained == []


@pytest.mark.parametrize(("name", "least"), [("runs", 1), ("compare", 1), ("subgroups", 1), ("data", 1),
                                             ("explain", 1), ("thresholds", 1)])
def test_the_tables_that_are_looked_through_are_there(opened, name, least):
    """So that the test above cannot pass by seeing nothing."""
    app = opened(name, film="90000001_000.png", cost="GMACs")
    assert sum(bool(columns_of(frame)) for frame in app.dataframe) >= least


@pytest.mark.parametrize(("name", "link", "label"), [
    ("compare", {}, "Measure"), ("compare", {"cost": "GMACs"}, "Cost"), ("subgroups", {}, "Measure"),
    ("curves", {"view": "Thresholds"}, "Measure")])
def test_every_choice_of_a_measure_explains_each_of_them(opened, name, link, label):
    app = opened(name, **link)
    choice = next(one for one in app.segmented_control if one.label == label)
    terms = CHOICES["cost" if label == "Cost" else name]
    said = choice.help or text_of(app)  # a choice in the bar has no help beside it: that stands behind *Numbers*
    assert all(TERMS[term].definition in said for term in terms)


def test_every_column_of_the_board_has_a_term():
    text = assets.SCRIPT
    columns = re.findall(r'^\["(\w+)", "', text.split("const COLUMNS")[1].split("];")[0], re.M)
    means = {part for name in re.findall(r'\["(\w+)", "M', text.split("const TOTALS")[1].split(";")[0])
             for part in name.split("_")}
    assert len(columns) == 9 and {*columns, *means} <= set(EXPLAINED) <= set(TERMS)
