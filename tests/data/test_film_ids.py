"""Names of films out of cells that hold names or paths."""

import pandas as pd
import pytest

from cxrcore import ids
from cxrcore.data import film_files, film_ids
from cxrcore.data.description_parts import Films
from cxrcore.errors import DataError


def test_paths_become_names_that_the_store_takes_and_that_can_be_told_back():
    cells = pd.Series(["set/train/p1/a.jpg", "b.png", "set/train/p1/b.jpg", "/set/c.jpg", "ü ~ (2).png"])
    found = film_ids.film_ids(cells, 1, "t.csv").tolist()
    assert found == ["train~p1~a.jpg", "b.png", "train~p1~b.jpg", "set~c.jpg", "ü ~ (2).png"]
    assert all(ids.is_one(ids.FILE, name) for name in found)
    assert film_ids.path_of(found[0]) == "train/p1/a.jpg" and film_ids.path_of("b.png") is None
    assert film_ids.film_ids(pd.Series(["x/y/a.png"]), 5, "t.csv").tolist() == ["a.png"]


@pytest.mark.parametrize("cell", ["a/../b.png", "../b.png", "a//b.png", "a/", "a~b/c.png", "a/b\\c.png",
                                  "a\\..\\b.png", " ", "a\x00.png", "x" * 300])
def test_what_no_film_is_called_is_refused_with_its_row(cell):
    with pytest.raises(DataError, match=r"t\.csv row 3: .* can be the name of no film") as error:
        film_ids.film_ids(pd.Series(["a.png", cell]), 0, "t.csv")
    assert "\n" not in str(error.value) and len(str(error.value)) < 150


def test_paths_of_others_are_known_by_their_end():
    known = {"train~p1~a.jpg", "b.png"}
    assert film_ids.as_known(["set~train~p1~a.jpg", "x~b.png", "b.png", "x~c.png"], known) == [
        "train~p1~a.jpg", "b.png", "b.png", "x~c.png"]


@pytest.mark.parametrize("image_id", ["..~secret.png", "a~..~..~secret.png", "~secret.png", "a~.~b.png", "a~"])
def test_an_id_leads_to_no_path_outside_its_folder(image_id, tmp_path):
    (tmp_path / "secret.png").touch()
    (tmp_path / "films" / "a").mkdir(parents=True)
    assert film_ids.path_of(image_id) is None
    assert film_files.places_in(tmp_path / "films", Films()).find(image_id) is None


@pytest.mark.parametrize(("films", "image_id", "place"), [
    (Films(), "one.png", "one.png"), (Films(), "one.png", "images_001/images/one.png"), (Films(), "one", "x/one.png"),
    (Films(patterns=("{film}.dcm",), depth=4), "one", "a/b/c/one.dcm"),
    (Films(patterns=("{film}",), drop=1), "train~p1~view.jpg", "CheXpert-v1.0/train/p1/view.jpg"),
    (Films(patterns=("{film}",), drop=1), "train~p1~view.jpg", "train/p1/view.jpg")])
def test_a_single_film_is_found_where_all_are(films, image_id, place, tmp_path):
    path = tmp_path / "films" / place
    path.parent.mkdir(parents=True)
    path.touch()
    assert film_files.places_in(tmp_path / "films", films).find(image_id) == path
    assert film_files.find_films(tmp_path / "films", pd.Series([image_id]), films) == {image_id: path}
    assert film_files.places_in(tmp_path / "gone", films).find(image_id) is None
