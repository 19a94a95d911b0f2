"""Pages of runs whose findings are not NIH's fourteen: of twenty and of five, alone and side by side."""

import base64
import json
import re

import numpy as np
import other_lists
import pytest
from opened_pages import answer_of, given_to, open_page
from other_lists import FIVE, LONG, TWENTY, run_ids
from told_leaderboard import Leaderboards

from cxrcore.charts.dot_rows import row_names
from cxrcore.findings import display_name

MAKE = other_lists.make_both
LISTS = pytest.mark.parametrize("findings", [TWENTY, FIVE], ids=["twenty", "five"])
COMMON = [finding for finding in FIVE if finding in TWENTY]


def charts_of(app):
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def panels_of(app):
    """Of the small curves, without the mean."""
    return [panel for panel in given_to(app, "cxr_small_curves")["panels"] if panel["finding"]]


def rows_of(chart):
    """The rows' names, without the films that stand in brackets behind them."""
    return [re.sub(r" \([\d,\s·]+\)$", "", text.replace("<br>", " ")) for text in chart["layout"]["yaxis"]["ticktext"]]


# -- curves


@LISTS
@pytest.mark.parametrize("view", ["ROC", "Scores", "Thresholds", "Reliability"])
def test_curves_show_a_chart_a_finding(store, findings, view):
    app = open_page("curves", run=run_ids(store, findings), view=view)
    assert [panel["finding"] for panel in panels_of(app)] == list(findings) and not charts_of(app)
    assert app.selectbox(key="finding").options == ["All findings", *map(display_name, findings)]
    if view == "ROC":  # of the twenty one is on no film
        words = [run["words"] for run in given_to(app, "cxr_small_curves")["runs"]]
        assert ["(19 of 20 findings)" in one for one in words] == [findings == TWENTY] * len(words)
        missing = [panel.get("missing", "") for panel in panels_of(app)]
        assert sum("None of the films has this finding" in one for one in missing) == (findings == TWENTY)
    app.selectbox(key="finding").set_value(display_name(findings[-1])).run()
    assert not app.exception and display_name(findings[-1]) in charts_of(app)[0]["layout"]["title"]["text"]
    assert {display_name(findings[0]), display_name(findings[-2])} <= {button.label for button in app.button}


@pytest.mark.parametrize("text", ["All 14", "All findings", "No Finding"])
def test_links_to_all_findings_show_all_of_them(store, text):
    app = open_page("curves", run=run_ids(store, FIVE), finding=text)
    assert len(panels_of(app)) == 5 and app.selectbox(key="finding").value == "All findings"


def test_a_link_to_a_finding_of_another_list_says_so(store):
    app = open_page("curves", run=run_ids(store, FIVE), finding="Hernia")
    assert "unknown finding 'Hernia'" in app.error[0].value and not charts_of(app)
    next(button for button in app.button if button.label == "Show all findings").click().run()
    assert not app.error and len(panels_of(app)) == 5


def test_curves_of_different_lists_show_the_shared_findings_and_name_the_others(store):
    app = open_page("curves", run=[run_ids(store, FIVE)[0], run_ids(store, TWENTY)[0]])
    assert [panel["name"] for panel in panels_of(app)] == list(map(display_name, COMMON))
    said = next(one.value for one in app.info if "different findings" in one.value)
    assert "the 4 that all of them have" in said and "Rib notching, Atelectasis" in said
    assert "over 4 findings" in given_to(app, "cxr_small_curves")["panels"][-1]["alt"]


# -- compare


@LISTS
def test_compare_has_a_row_a_finding(store, findings):
    app = open_page("compare", run=run_ids(store, findings))
    values, differences = charts_of(app)
    assert rows_of(values) == rows_of(differences) == list(row_names(findings))
    app.session_state["agreement"] = True
    agreement = next(frame.value for frame in app.run().dataframe if "All agree" in frame.value)
    assert list(agreement["Finding"]) == list(map(display_name, findings))
    assert not any("different findings" in one.value for one in app.info)


def test_compare_measures_runs_of_different_lists_on_the_shared_findings(own_store):
    whole, partial = run_ids(own_store, FIVE)[0], other_lists.add_partial(own_store, FIVE, COMMON[:3])
    app = open_page("compare", run=[whole, partial])
    values, differences = charts_of(app)
    assert rows_of(values) == rows_of(differences) == list(row_names(COMMON[:3]))
    for trace in values["data"]:
        *points, mean = np.frombuffer(base64.b64decode(trace["x"]["bdata"]), trace["x"]["dtype"])
        assert mean == pytest.approx(np.mean(points))
    (said,) = [one.value for one in app.info if "different findings" in one.value]
    assert "the 3 that all of them have" in said and "Left out: Old fracture, Rib notching." in said


def test_runs_without_a_finding_in_common_do_not_stand_side_by_side(own_store):
    ids = [other_lists.add_partial(own_store, FIVE, known, str(known)) for known in (FIVE[:2], FIVE[2:])]
    app = open_page("compare", run=ids)
    assert "no finding in common" in app.warning[0].value and not charts_of(app)


# -- subgroups, localization, runs


@LISTS
def test_subgroups_name_the_run_s_findings(store, findings):
    app = open_page("subgroups", run=run_ids(store, findings)[0])
    assert rows_of(charts_of(app)[0]) == list(row_names(findings))
    unstable = next(one.value for one in app.caption if "so unstable" in one.value).rpartition(": ")[2]
    assert set(unstable.rstrip(".").split(", ")) <= set(map(display_name, findings))


@LISTS
def test_localization_has_a_row_a_finding(own_store, findings):
    run_id, boxed = run_ids(own_store, findings)[0], [findings[0], findings[-1]]
    other_lists.measure_boxes(own_store, run_id, boxed)
    app = open_page("localization", run=run_id)
    (chart,) = charts_of(app)
    assert rows_of(chart) == list(row_names(findings))
    assert list(app.dataframe[0].value["Finding"]) == [*map(display_name, boxed), "Macro mean"]
    assert re.search(r"points better than the median box for (none|\d) of 2 findings; ", answer_of(app))


def test_the_runs_page_counts_findings_of_each_data_set(store, monkeypatch):
    boards = Leaderboards(monkeypatch)
    open_page("runs")
    less = [["mean over 19 of 20 findings" in row["below"] for row in rows] for rows in boards.rows]
    assert sorted(less) == [[False, False], [True, True]]  # all of five, and of twenty all but one


def test_long_names_take_lines_of_their_own(store):
    app = open_page("curves", run=run_ids(store, TWENTY)[0])
    assert next(panel["name"] for panel in panels_of(app) if panel["finding"] == LONG) == display_name(LONG)
    assert display_name(LONG) == "Hilar calcified granuloma of the left side"
