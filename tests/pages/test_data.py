"""The Data page without a browser: what it says of empty, real-looking, synthetic and unknown data sets."""

import json

import numpy as np
import pytest
from opened_pages import answer_of, text_of
from seeded_runs import DATASET, add_run, make_store

from cxrcore.config import default_store
from cxrcore.data import census, splits
from cxrcore.evaluation import published
from cxrcore.findings import NIH_FINDINGS, display_name
from cxrcore.queries import data_set
from cxrcore.queries.film_pixels import film_map
from cxrcore.queries.film_sources import FilmSource
from cxrcore.store import Store
from cxrcore.ui.data import film_wall
from cxrcore.ui.data.company_table import company_table
from cxrcore.ui.film_tiles import Tile, _figure

PAGE = "data"


@pytest.fixture
def store() -> Store:
    """The default store of this test, which is empty."""
    return Store(default_store())


def parts_of(app) -> list:
    """The table of a split's parts, where one is shown."""
    return [frame.value for frame in app.dataframe if "part" in frame.value]


@pytest.fixture
def add_split(store, data):
    """Gives the default store a run whose split was drawn over its 40 films; returns the split."""

    def add(scheme: str, config: dict | None = None, test_list: set[str] | None = None):
        drawn = splits.draw_split(scheme, data.images["image_id"], data.images["patient_id"], data.labels, 3, test_list)
        run_id = store.create_run({"arch": "resnet18"} | (config or {}), data.dataset_id,
                                  split=(scheme, 3, drawn.fingerprint))
        store.finish_run(run_id, "finished")
        return drawn

    return add


def test_an_empty_store_says_how_to_bring_a_data_set(open_page):
    said = text_of(open_page())
    assert "holds no data set yet" in said and "scripts/train.py" in said


def test_the_figures_are_those_of_the_data(open_page, data, add_split):
    drawn = add_split("patient")
    app = open_page()
    said = text_of(app)
    assert answer_of(app).startswith("40 films of 20 patients, who have 2 each at the median and 4 at most; ")
    accuracy = np.nanmean(np.where(np.isnan(data.labels), np.nan, data.labels == 0), axis=0).mean()
    [card] = app.metric  # slides say it of the test films
    assert card.label == "Mean accuracy of “no” to all of the 40 films"
    assert card.value == f"{100 * accuracy:.1f} %" and card.help
    assert "1 labels are unknown" in said and "recall 0 and F1 0" in said
    assert "No patient stands on both sides" in said
    parts = parts_of(app)[0]
    assert parts["films"].tolist() == [len(drawn.rows(part)) for part in splits.SPLITS]
    assert "14 findings are on fewer than 50 films of validation or test" in said
    rare = next(frame.value for frame in app.dataframe if "Validation" in frame.value).set_index("Finding")
    test = data.labels[drawn.rows("test")]
    assert rare["Test"].tolist() == np.nansum(test == 1, axis=0).tolist()
    assert "No films of this data set lie prepared" in said and "scripts/prepare.py" in said


@pytest.mark.parametrize("label", [np.nan, 0.0])
def test_a_table_of_unknowns_is_shown_in_words(open_page, store, data, label):
    images = data.images.assign(age=np.nan, sex=None, view=None, follow_up=None)
    store.add_dataset("unknown", images, np.full_like(data.labels, label), data.findings,
                      name="unknown", kind="other", label_source="none")
    app = open_page(data="unknown")
    said = text_of(app)
    assert "The view of no film is known" in said and "Sex: unknown. Without an age: 40 films" in said
    assert "No film of this data set is known to have a finding" in said
    assert answer_of(app).startswith("40 films of 20 patients") and "AP" not in answer_of(app)
    assert "report" not in said and "drawn by a program" not in said  # where its labels come from is not known


def test_a_leaky_split_counts_its_patients(open_page, data, add_split):
    drawn = add_split("random")
    leaked = splits.leaked_patients(drawn, data.images["patient_id"])
    assert leaked > 0 and f"{leaked} in training and validation" in text_of(open_page())


def test_an_official_split_needs_its_list(open_page, data, add_split, tmp_path):
    test_list = set(data.images["image_id"].iloc[-8:])
    add_split("official", {"csv_path": str(tmp_path / "table.csv"), "img_root": str(tmp_path / "films")}, test_list)
    assert "needs test_list.txt" in text_of(open_page())
    (tmp_path / "test_list.txt").write_text("\n".join(test_list))
    app = open_page()
    assert "needs test_list.txt" not in text_of(app) and parts_of(app)[0]["films"].iloc[-1] == 8


def test_a_split_that_is_drawn_otherwise_today_is_not_shown(open_page, store, data):
    store.create_run({"arch": "resnet18"}, data.dataset_id, split=("patient", 3, "another"))
    app = open_page()
    assert "drawing it again gives" in text_of(app) and not parts_of(app)


def test_a_data_set_without_runs_says_so(open_page):
    make_store(default_store())
    assert "No run of this data set has drawn a split yet" in text_of(open_page())


def test_an_unknown_data_set_in_a_link_is_an_error(open_page):
    make_store(default_store())
    app = open_page(data="another")
    assert "**another**" in app.error[0].value and not app.metric


def test_an_unknown_finding_or_split_in_a_link_is_an_error_beside_the_rest(open_page, data, add_split):
    add_split("patient")
    for link in ({"finding": "Fracture"}, {"split": "By magic"}):
        app = open_page(**link)
        assert [next(iter(link.values())) in error.value for error in app.error] == [True]
        assert answer_of(app).startswith("40 films")
    assert not parts_of(app)  # and no other split in its place


def test_a_finding_may_be_spelled_as_in_the_table(open_page, data):
    app = open_page(finding="Pleural_Thickening")
    assert not app.error and app.selectbox(key="finding").value == "Pleural thickening"


def test_a_data_set_is_chosen_by_its_id(open_page, store, data, add_split):
    drawn = add_split("patient")
    make_store(default_store(), name="tiny")  # the same name
    app = open_page(data=data.dataset_id)
    assert answer_of(app).startswith("40 films") and app.selectbox(key="split").value.endswith(drawn.fingerprint)
    names = data_set.labelled_names(store.datasets().set_index("dataset_id"))
    assert set(app.selectbox(key="data_set").options) == set(names.values()) == {
        f"tiny · {data.dataset_id}", f"tiny · {DATASET}"}


def test_a_split_of_one_data_set_is_not_asked_of_another(open_page, data, add_split):
    add_split("patient")
    drawn = add_split("random")
    other = make_store(default_store())
    fingerprints = ("aaa111", "bbb222")
    for fingerprint in fingerprints:
        add_run(other, fingerprint, fingerprint=fingerprint)
    app = open_page(data=data.dataset_id)
    picker = app.selectbox(key="split")
    picker.select(next(option for option in picker.options if drawn.fingerprint in option)).run()
    assert "in training and validation" in text_of(app)
    app.selectbox(key="data_set").select(DATASET).run()
    assert not app.error and answer_of(app).startswith("12 films")
    assert app.selectbox(key="split").value.endswith(fingerprints)


def test_phantoms_are_marked_and_shown_with_their_boxes(phantoms, monkeypatch, open_page):
    monkeypatch.setenv("CXR_STORE", str(phantoms.path))
    app = open_page(finding="Mass")
    said = text_of(app)
    assert "SYNTHETIC" in said and "drawn by a program" in said
    assert "as networks see them" in said and "Outlined:" in said
    walls = [element.proto.body for element in app.get("html") if "<figure>" in element.proto.body]
    assert walls and walls[0].count("<figure>") == film_wall.N_TILES and 'class="box"' in walls[0]
    before = walls[0]
    next(button for button in app.button if button.label == "Show others").click().run()
    after = next(element.proto.body for element in app.get("html") if "<figure>" in element.proto.body)
    assert after != before


@pytest.fixture
def shown(phantoms):
    """What `film_map` gives for the phantoms, trained from these places."""
    row = phantoms.store.datasets().iloc[0]

    def find(csv_path, img_root, kind=row["kind"]):
        return film_map(phantoms.store, row["dataset_id"], kind, phantoms.store.images(row["dataset_id"]),
                        (FilmSource(csv_path, img_root),))

    return find


def test_the_map_of_the_phantoms_and_the_size_of_their_boxes(phantoms, shown):
    found = shown(phantoms.films / "Data_Entry_2017.csv", phantoms.films)
    assert found.size == 64 and found.box_side == 128
    ids = phantoms.store.images(phantoms.store.datasets()["dataset_id"].iloc[0])["image_id"]
    anywhere = set().union(*(held.row_of for held in found.maps))
    assert found.holds(ids).tolist() == [image_id in anywhere for image_id in ids]
    assert len(found.maps) > 1 and found.holds(ids).sum() > len(found.maps[0].row_of)  # a subset, and the check's films
    for image_id in ids[found.holds(ids)][:3]:
        assert found.film(image_id).shape == (64, 64)
    assert found.film("elsewhere.png") is None


def test_other_phantoms_of_the_same_names_are_not_shown(phantoms, shown, tmp_path):
    table = phantoms.films / "Data_Entry_2017.csv"
    assert shown(tmp_path / "gone.csv", phantoms.films) is None
    rows = table.read_text().splitlines()
    (tmp_path / "other.csv").write_text("\n".join(rows[:-1]))  # another data set
    assert shown(tmp_path / "other.csv", phantoms.films) is None
    drawn_anew = tmp_path / "images_001" / "images"
    drawn_anew.mkdir(parents=True)
    for path in sorted((phantoms.films / "images_001" / "images").iterdir())[:20]:
        (drawn_anew / path.name).write_bytes(b"another film")
    assert shown(table, tmp_path) is None


def test_names_of_the_release_mean_one_film_wherever_it_lies(shown, tmp_path):
    found = shown(tmp_path / "gone.csv", tmp_path, kind="nih")
    assert found.size == 64 and found.box_side == 1024


def test_a_tile_shows_free_text_as_text():
    tile = Tile(np.zeros((8, 8), np.uint8), "<script>alert(1)</script>", 'patient "1"', [(0.1, 0.2, 0.3, 0.4)])
    html = _figure(tile)
    assert "<script>" not in html and "left:10.00%;top:20.00%;width:30.00%;height:40.00%" in html


@pytest.mark.parametrize("damage", [b"damaged", b""])
def test_the_split_is_kept_and_checked(store, data, add_split, tmp_path, damage):
    drawn, runs = add_split("patient"), store.runs()
    key, found = data_set.split_keys(runs)[0], data_set.holdings(store, data.dataset_id)
    for _ in range(2):
        assert np.array_equal(data_set.assignment(Store(tmp_path / "store.duckdb"), found, key, runs), drawn.assignment)
        kept, = (tmp_path / "cache").iterdir()
        kept.write_bytes(damage)


def test_an_unwritable_cache_is_no_error(store, data, add_split, tmp_path):
    drawn, runs = add_split("patient"), store.runs()
    (tmp_path / "cache").write_text("a file where the folder should be")
    found = data_set.holdings(store, data.dataset_id)
    again = data_set.assignment(Store(tmp_path / "store.duckdb"), found, data_set.split_keys(runs)[0], runs)
    assert np.array_equal(again, drawn.assignment)


def test_every_finding_can_be_asked_for(open_page, data):
    picker = next(box for box in open_page().selectbox if box.label == "Finding")
    assert len(picker.options) == len(NIH_FINDINGS) + 1


def test_runs_of_another_kind_do_not_disturb(open_page):
    """The films of an import are given as they are, and no part of a split is known of the others."""
    store = make_store(default_store())
    store.create_run({"arch": "resnet18"}, DATASET, kind="imported", split=("given", 0, "aaa111"))
    assert "No run of this data set has drawn a split yet" in text_of(open_page())


def prevalences_of(app) -> list[dict]:
    """The rows of the chart of all findings."""
    given = [json.loads(element.proto.json or element.proto.mixed.json) for element in app.get("bidi_component")
             if element.proto.component_name == "cxr_simple_chart"]
    assert len(given) == 6  # no run, and so no split's
    return next(one["categories"] for one in given if one["file"] == "prevalence")


def test_real_prevalences_stand_beside_those_of_phantoms_only(open_page):
    make_store(default_store(), kind="phantom")
    rows, shares = prevalences_of(open_page()), published.nih_prevalence()
    assert len(rows) == 14 and all(len(row["bars"]) == len(row["marks"]) == 1 for row in rows)
    assert {row["name"]: row["marks"][0]["at"] for row in rows} == pytest.approx(
        {display_name(name): 100 * share for name, share in shares.items()})


def test_real_films_need_no_others_beside_them(open_page):
    make_store(default_store())
    assert not any(row["marks"] for row in prevalences_of(open_page()))


def test_what_stands_together_is_a_table_with_numbers(data):
    labels = data.labels
    html = company_table(census.company(labels, data.findings), data.findings)
    assert html.count("<tr>") == len(data.findings) + 1 and html.count("<td></td>") >= len(data.findings)
    both = int(((labels[:, 0] == 1) & (labels[:, 1] == 1)).sum())
    known = (labels[:, 0] == 1) & ~np.isnan(labels[:, 1])
    said = f"{100 * both / known.sum():.1f} % of films with {display_name(data.findings[0])} have"
    assert said in html and f"({both} films" in html
