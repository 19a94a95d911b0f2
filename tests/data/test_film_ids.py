"""Names of films out of cells that hold names or paths."""

import pandas as pd
import pytest

from cxrcore import ids
from cxrcore.data import film_ids
from cxrcore.errors import DataError


def test_paths_become_names_that_the_store_takes_and_that_can_be_told_back():
    cells = pd.Series(["set/train/p1/a.jpg", "b.png", "set/train/p1/b.jpg", "/set/c.jpg", "ü ~ (2).png"])
    found = film_ids.film_ids(cells, 1, "t.csv").tolist()
    assert found == ["train~p1~a.jpg", "b.png", "train~p1~b.jpg", "set~c.jpg", "ü ~ (2).png"]
    assert all(ids.is_one(ids.FILE, name) for name in found)
    assert film_ids.path_of(found[0]) == "train/p1/a.jpg" and film_ids.path_of("b.png") is None
    assert film_ids.film_ids(pd.Series(["x/y/a.png"]), 5, "t.csv").tolist() == ["a.png"]


@pytest.mark.parametrize("cell", ["a/../b.png", "../b.png", "a//b.png", "a/", "a~b/c.png", "a\\b.png", " ", "a\x00.png",
                                  "x" * 300])
def test_what_no_film_is_called_is_refused_with_its_row(cell):
    with pytest.raises(DataError, match=r"t\.csv row 3: .* can be the name of no film") as error:
        film_ids.film_ids(pd.Series(["a.png", cell]), 0, "t.csv")
    assert "\n" not in str(error.value) and len(str(error.value)) < 150


def test_paths_of_others_are_known_by_their_end():
    known = {"train~p1~a.jpg", "b.png"}
    assert film_ids.as_known(["set~train~p1~a.jpg", "x~b.png", "b.png", "x~c.png"], known) == [
        "train~p1~a.jpg", "b.png", "b.png", "x~c.png"]
