"""What the browser is given to draw the Data page's charts from."""

import json

import numpy as np
import pandas as pd
import pytest

from cxrcore.charts import dataset as charts
from cxrcore.charts.simple_charts.payload import round_ticks
from cxrcore.data import census

FINDINGS = ("Mass", "Edema", "Pleural_Thickening")
LABELS = np.array([[1, 1, np.nan], [0, 1, np.nan], [0, 1, np.nan], [0, 0, np.nan]], np.float32)


def payload_of(chart):
    """What the script reads; JSON knows no NaN."""
    return json.loads(json.dumps(chart.payload("file", "alt"), allow_nan=False))


def in_groups(**rows):
    return census.prevalence(LABELS, {name: np.array(own, bool) for name, own in rows.items()}, FINDINGS)


def test_the_most_common_finding_is_on_top_and_an_unknown_one_is_said():
    chart = payload_of(charts.prevalence_chart(in_groups(all=[1, 1, 1, 1]), {"Mass": 0.9}))
    edema, mass, unknown = chart["categories"]
    assert [one["name"] for one in chart["categories"]] == ["Edema", "Mass", "Pleural thickening"]
    assert (edema["bars"][0]["end"], edema["text"], edema["more"], edema["marks"]) == (75.0, "75.0 %", "3", [])
    assert mass["marks"][0]["at"] == chart["high"] == 90.0 and "1 of 4 films" in mass["said"][0]
    assert unknown["bars"] == [] and unknown["text"] == "labels unknown"
    assert len(chart["keys"]) == 2 and payload_of(charts.prevalence_chart(in_groups(all=[1, 1, 1, 1])))["keys"] == []


def test_groups_stand_on_one_line_with_how_many_times_as_common():
    table = in_groups(PA=[1, 1, 0, 0], AP=[0, 0, 1, 1])
    edema, mass, unknown = payload_of(charts.group_chart("title", "unit", table, ("PA", "AP")))["categories"]
    assert (edema["line"], edema["text"], edema["more"]) == ([50.0, 100.0], "2.0×", "on PA")
    assert [mark["at"] for mark in edema["marks"]] == [100.0, 50.0]
    assert mass["text"] == "" and mass["line"] == [0.0, 50.0]  # of no film with it on AP nothing is a multiple
    assert unknown["marks"] == [] and unknown["line"] is None
    assert payload_of(charts.group_chart("title", "unit", table, ("PA", "AP"), 2))["categories"][0]["text"] == ""


def test_columns_say_their_counts_and_shares():
    chart = charts.count_chart("title", "films", "Findings on one film", [0, 1, "2–3"], [1500, 500, 0])
    first, _, last = payload_of(chart)["categories"]
    assert (first["text"], first["short"], first["said"]) == ("1,500", "1.5k", ["1,500 films", "75.0 % of all 2,000"])
    assert last["name"] == "2–3" and last["bars"][0]["end"] == 0 and payload_of(chart)["high"] == 1500


def test_women_stand_left_men_right_and_the_oldest_on_top():
    images = pd.DataFrame({"age": [31.0, 33, 44, 95, 99], "sex": ["F", "M", "F", "F", None]})
    chart = payload_of(charts.age_chart(census.ages(images), census.AGE_BAND, census.OLDEST_BAND))
    names = [one["name"] for one in chart["categories"]]
    assert names[0] == "90+" and names[-3:] == ["40–44", "35–39", "30–34"] and len(names) == 13
    ends = {one["name"]: [bar["end"] for bar in one["bars"]] for one in chart["categories"]}
    assert ends["30–34"] == [-1, 1] and ends["35–39"] == [0, 0] and ends["90+"] == [-1, 0]
    assert (chart["low"], chart["high"], [key["name"] for key in chart["keys"]]) == (-1, 1, ["female", "male"])
    unknown = payload_of(charts.age_chart(census.ages(images.assign(sex=None)), census.AGE_BAND, census.OLDEST_BAND))
    assert unknown["low"] == 0 and unknown["categories"][0]["bars"][0]["end"] == 2 and not unknown["keys"]


@pytest.mark.parametrize(("highest", "n", "first"), [(21.6, 4, 10), (160, 2, 100), (3, 4, 1), (0.07, 4, 0.02)])
def test_ticks_are_round_and_reach_beyond_the_highest(highest, n, first):
    ticks = round_ticks(highest, n)
    assert ticks[:2] == [0, first] and 2 * highest <= ticks[-1] <= 2 * highest + 2 * first
    assert round_ticks(0.0, n) == [0]
