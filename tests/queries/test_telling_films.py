"""Which films show how well maps point: ranked by hits and energy, each another film, of those that are at hand."""

import numpy as np
import pandas as pd
import pytest

from cxrcore.queries.maps import telling_films

NAMES = ["a", "b", "c", "d", "e"]


def rows(hits: list[int], energy: list[float], finding: str = "Mass", names: list[str] = NAMES) -> pd.DataFrame:
    return pd.DataFrame({"image_id": names, "finding": finding, "hit": hits, "iou": np.array(energy) / 2,
                         "energy": energy})


def chosen(measured, finding="Mass", held=NAMES, sure=None):
    found = telling_films.choose(measured, finding, lambda names: names.isin(held).to_numpy(),
                                 lambda names: [(sure or {}).get(name, 0.0) for name in names])
    return {one.title: one for one in found}


def test_the_best_the_median_and_the_surest_of_the_missed():
    found = chosen([rows([1, 1, 0, 0, 0], [0.2, 0.9, 0.1, 0.4, 0.0])], sure={"c": 0.3, "d": 0.2, "e": 0.9, "b": 5})
    assert {title: one.image_id for title, one in found.items()} == {
        "Best hit": "b", "Typical": "d", "Surest miss": "e"}
    assert found["Best hit"].hits.tolist() == [True] and found["Best hit"].energy.tolist() == [0.9]
    assert found["Best hit"].iou.tolist() == [0.45] and "5 films" in found["Typical"].said


def test_several_networks_are_ranked_by_all_of_them():
    first, second = rows([1, 0, 1, 0, 0], [0.5] * 5), rows([0, 0, 1, 1, 1], [0.5, 0.1, 0.2, 0.3, 0.4])
    found = chosen([first, second])
    assert found["Best hit"].image_id == "c" and found["Surest miss"].image_id == "b"
    assert found["Surest miss"].hits.tolist() == [False, False]
    assert found["Best hit"].energy.tolist() == [0.5, 0.2]


def test_only_films_that_all_measured_and_that_are_at_hand():
    both = [rows([1] * 5, [0.1, 0.2, 0.3, 0.4, 0.5]), rows([1, 1, 1], [0.1, 0.2, 0.3], names=NAMES[:3])]
    assert {one.image_id for one in chosen(both).values()} == {"a", "b", "c"}
    assert {one.image_id for one in chosen(both, held=["b"]).values()} == {"b"}
    assert not chosen(both, held=[]) and not chosen(both, "Hernia") and not chosen([])


@pytest.mark.parametrize(("hits", "titles"), [([0] * 5, {"Nearest to a hit", "Typical", "Surest miss"}),
                                              ([1] * 5, {"Best hit", "Typical", "Weakest hit"})])
def test_what_they_are_called_where_none_or_all_are_hit(hits, titles):
    assert set(chosen([rows(hits, [0.1, 0.2, 0.3, 0.4, 0.5])])) == titles


def test_findings_are_counted_over_the_films_that_all_measured():
    more = [pd.concat([rows([1] * 5, [0.1] * 5), rows([1], [0.1], "Edema", ["a"])]), rows([1], [0.1], "Edema", ["a"])]
    assert telling_films.films_of_findings(more[:1]) == {"Mass": 5, "Edema": 1}
    assert telling_films.films_of_findings(more) == {"Edema": 1} and telling_films.films_of_findings([]) == {}
