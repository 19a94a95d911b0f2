"""Class mode without a browser: every slide on real, odd and empty stores, and that its numbers are the store's."""

import re
import shutil
from dataclasses import replace

import duckdb
import numpy as np
import opened_pages
import pandas as pd
import pytest
from opened_pages import open_page
from seeded_runs import DATASET, add_run, film_ids, make_store
from sent_films import side_by_side

from cxrcore.charts.look import RunStyle
from cxrcore.charts.stage import STAGE_FONT, Rated, for_stage, rating_chart
from cxrcore.config import default_store
from cxrcore.errors import StoreBusy
from cxrcore.evaluation.measure_predictions import measure
from cxrcore.findings import NIH_FINDINGS, display_name
from cxrcore.measures.metrics import confusion
from cxrcore.measures.subgroups import LOWER, gaps
from cxrcore.queries import class_lesson, comparison, from_store, lesson_examples
from cxrcore.queries.loss_pairs import Trained, alike, differing
from cxrcore.queries.run_groups import LEAKY_NOTE, SYNTHETIC_NOTE
from cxrcore.store import Store
from cxrcore.ui.present import deck, groups
from cxrcore.ui.present.slides import SLIDES
from cxrcore.ui.present.thresholds import rows_beside

NAMES = [slide.name for slide in SLIDES]
HALF = np.full(len(NIH_FINDINGS), 0.5)


@pytest.fixture
def real(phantoms, monkeypatch) -> Store:
    """Six real trainings on phantoms as the default store."""
    monkeypatch.setenv("CXR_STORE", str(phantoms.path))
    return phantoms.store


@pytest.fixture
def open_slide():
    """Opens a slide by its name, with query parameters; every run must end without an exception."""
    return lambda slide=None, **link: open_page("present", **({"slide": slide} if slide else {}), **link)


def text_of(app) -> str:
    """With the figures, which stand large on slides."""
    return "\n".join([opened_pages.text_of(app), *(f"{metric.label}: {metric.value}" for metric in app.metric)])


def lesson_of(store: Store) -> class_lesson.Lesson:
    return class_lesson.read_lesson(store, from_store.overview(store), [])


@pytest.mark.parametrize("name", NAMES)
def test_each_slide_has_a_statement_and_no_error(real, open_slide, name):
    app = open_slide(name)
    assert len(app.header) == 1 and not app.error
    assert "SYNTHETIC] films say  \nnothing about real ones" in text_of(app)
    assert f"{NAMES.index(name) + 1} of {len(NAMES)}" in text_of(app)


def test_a_leaky_split_of_phantoms_is_said_beside_them(phantoms, open_slide):
    shutil.copytree(phantoms.path.parent, default_store().parent, ignore=shutil.ignore_patterns("*.pth", "prepared"))
    with duckdb.connect(default_store()) as db:
        db.execute("UPDATE runs SET split_scheme = 'random'")
    text = text_of(open_slide("Limits"))
    assert "SYNTHETIC] :orange-badge[leaky split]  \nsay nothing of real films" in text
    assert LEAKY_NOTE.capitalize() in text


def test_the_first_slide_comes_without_a_name(real, open_slide):
    data = real.datasets().iloc[0]
    figures = {metric.label: metric.value for metric in open_slide().metric}
    assert figures["Films"] == f"{data['n_images']:,}" and figures["Patients"] == f"{data['n_patients']:,}"


def test_accuracy_is_counted_from_the_predictions(real, open_slide):
    lesson = lesson_of(real)
    found = real.predictions(lesson.run.prediction_id("test"))
    counts = confusion(found.labels, found.scores, HALF).total()
    never = (counts.tn + counts.fp) / found.labels.size
    text = text_of(open_slide("Accuracy"))
    assert f"right {100 * never:.1f} % of the time on {len(found.labels):,} test films" in text
    assert f"{int(counts.tp):,} of {int(counts.tp + counts.fn):,}" in text
    assert f"Accuracy: {100 * (counts.tp + counts.tn) / found.labels.size:.1f} %" in text


def test_a_run_without_scores_of_a_finding_is_asked_less_and_not_ranked(open_slide, monkeypatch):
    store, drawn = make_store(default_store()), []
    add_run(store, "whole")
    lacking = add_run(store, "lacking", auroc=None)
    scores = np.random.default_rng(1).random((12, len(NIH_FINDINGS)))
    scores[:, -1] = np.nan
    measure(store, lacking, {"test": store.save_predictions(lacking, DATASET, "test", film_ids(), scores)})
    monkeypatch.setattr("cxrcore.ui.present.networks.chart", lambda figure, key, alt, *_, **__: drawn.append(alt))
    assert "12 test films, 156 questions whose answer" in text_of(open_slide("Accuracy", run=lacking))
    assert open_slide("Networks").header[0].value == "These means are over different findings, so they do not rank"
    assert "lacking, over 13 findings" in drawn[0] and "whole, over" not in drawn[0]


def test_an_error_stays_on_the_stage_and_the_bar_follows(open_slide, monkeypatch):
    def busy(*_, **__):
        raise StoreBusy("the store is held by somebody")

    add_run(make_store(default_store()), "one")
    monkeypatch.setattr(comparison, "compare", busy)
    app = open_slide("Networks", notes="true")
    assert "held by somebody" in app.error[0].value
    assert "3 of 9" in text_of(app) and SLIDES[2].notes.ask in text_of(app)


def test_a_lesson_is_read_on_the_part_that_was_asked_for(real):
    overview = from_store.overview(real)
    val, test = (class_lesson.read_lesson(real, overview, [], part) for part in ("val", "test"))
    assert (val.part, test.part) == ("val", "test") and val.n_films != test.n_films
    best = real.leaderboard().query("split == 'val'").sort_values("auroc", ascending=False)
    assert val.run.run_id == best.iloc[0]["run_id"]


def test_networks_stand_best_first_with_the_store_s_values(real, open_slide):
    board = real.leaderboard().query("split == 'test'").sort_values("auroc", ascending=False)
    labels = dict(zip(real.runs()["run_id"], real.runs()["name"], strict=True))
    said = open_slide("Networks").header[0].value.replace("\\", "")
    assert said.startswith(f"{labels[board.iloc[0]['run_id']]} ranks best")
    assert f"{SYNTHETIC_NOTE.capitalize()}." in text_of(open_slide("Networks"))


def test_the_example_is_the_finding_whose_auroc_promises_most(real, open_slide):
    lesson = lesson_of(real)
    finding, f1 = NIH_FINDINGS[lesson.example], lesson.at_half.f1[lesson.example]
    assert open_slide("Curves").header[0].value.startswith(display_name(finding))
    assert f"F1 {f1:.2f} at" in open_slide("Curves").header[0].value


def test_the_guess_comes_before_the_truth(real, open_slide):
    app = open_slide("Thresholds")
    assert "Drag the line" not in text_of(app) and "F1 at 0.5" not in text_of(app)
    app.slider[0].set_value(0.2)
    next(button for button in app.button if button.label == "Reveal").click()
    app.run()
    assert not app.exception
    lesson = lesson_of(real)
    found = real.predictions(lesson.run.prediction_id("test"))
    f1 = [confusion(found.labels, found.scores, values).f1[lesson.example]
          for values in (HALF, np.full(len(NIH_FINDINGS), 0.2), lesson.tuned(lesson.run).thresholds)]
    said = re.search(r"F1 at 0\.5: \*\*(.+?)\*\* · at your guess, 0\.2: \*\*(.+?)\*\* .* validation: \*\*(.+?)\*\*",
                     text_of(app)).groups()
    assert said == tuple(f"{value:.2f}" for value in f1)


def test_a_guess_of_zero_counts_and_thresholds_fitted_on_these_films_are_said_to_flatter(open_slide):
    add_run(make_store(default_store(), n=60), "one", parts=("val",), n=60)
    app = open_slide("Thresholds")
    app.slider[0].set_value(0.0)
    next(button for button in app.button if button.label == "Reveal").click()
    app.run()
    assert "at your guess, 0:" in text_of(app) and "fitted on these films (flatters)" in text_of(app)
    next(button for button in app.button if button.label == "Guess again").click()
    app.run()
    assert app.slider and "at your guess" not in text_of(app)


@pytest.mark.parametrize(("example", "positives", "rows"), [
    (3, [50, 5, 20, 8, 30], [0, 1, 3]),  # neither the most common nor the rarest
    (0, [50, 5, 20, 8, 30], [0, 1, 2]),  # the most common: a middling one stands in
    (1, [50, 5, 20, 8, 30], [0, 1, 2]),  # the rarest
    (2, [50, 0, 20], [0, 2]), (0, [7, 0, 0], [0])])
def test_three_findings_stand_on_the_slide_s_board_where_so_many_occur(example, positives, rows):
    assert rows_beside(example, positives) == rows


def test_the_weights_slide_needs_two_losses_and_says_how_to_get_them(real, open_slide):
    app = open_slide("Weighting")
    assert "two runs of one architecture" in app.info[0].value and "--loss pos_weight" in app.code[0].value


def test_two_losses_are_held_against_each_other(open_slide):
    store = make_store(default_store())
    add_run(store, "plain", auroc=0.8)
    add_run(store, "weighted", auroc=0.8, loss="pos_weight")
    app = open_slide("Weighting")
    assert "| plain loss |" in text_of(app) and "| weighted positives |" in text_of(app)
    assert app.header[0].value.startswith("Weighted positives: recall")


def test_runs_without_a_known_loss_are_no_partners(open_slide):
    store = make_store(default_store())
    add_run(store, "plain", epochs=1, lr=1e-3)
    add_run(store, "external", epochs=1, loss=None)
    app = open_slide("Weighting", run=store.runs().set_index("name").at["plain", "run_id"])
    assert "two runs of one architecture" in app.info[0].value and "--lr 0.001" in app.code[0].value


def test_a_setting_besides_the_loss_that_differs_is_said(open_slide):
    store = make_store(default_store())
    add_run(store, "plain")
    add_run(store, "larger", loss="focal", img_size=320)
    assert "also differ in image size" in text_of(open_slide("Weighting"))


def test_the_pair_that_is_most_alike_is_taken_and_no_third_that_is_less():
    plain, far, seed, near, other = (Trained(None, arch, loss, settings) for arch, loss, settings in (
        ("a", "bce", {"epochs": 8, "lr": 1e-4}), ("a", "pos_weight", {"epochs": 2, "lr": 1e-3}),
        ("a", "focal", {"epochs": 2, "lr": 1e-4, "seed": 1}), ("a", "focal", {"epochs": 2, "lr": 1e-4}),
        ("b", "focal", {"epochs": 8, "lr": 1e-4})))
    found = alike([far, seed, near, other, plain])
    assert found == [plain, near]
    assert differing(found) == ["epochs"] and alike([plain, other]) == []


def with_groups(n: int) -> None:
    """A run on n films of both sexes, both views and two ages, a third of them with each finding."""
    store, place = Store(default_store()), np.arange(n)
    images = pd.DataFrame({"image_id": film_ids(n), "patient_id": place.astype(str), "follow_up": 0,
                           "age": np.where(place // 4 % 2, 30.0, 50.0), "sex": np.where(place % 2, "F", "M"),
                           "view": np.where(place // 2 % 2, "PA", "AP")})
    labels = (place[:, None] % 3 == np.arange(len(NIH_FINDINGS)) % 3).astype(np.float32)
    store.add_dataset(DATASET, images, labels, NIH_FINDINGS, name="people", kind="nih", label_source="test")
    add_run(store, "one", n=n)


def test_all_gaps_of_the_groups_slide_are_one_family(open_slide, monkeypatch):
    with_groups(240)
    every = len(NIH_FINDINGS) + 1
    for p, said in ((0.02, "No group is shown"), (0.01, "Recall is")):  # of three tests 0.06 and 0.03
        monkeypatch.setattr(groups, "gaps", lambda *asked, p=p: [
            replace(gap, change=replace(gap.change, p=np.full(every, p)), words=np.full(every, LOWER))
            for gap in gaps(*asked)])
        app = open_slide("Groups")
        assert app.header[0].value.startswith(said) and "3 gaps tested as one family" in text_of(app)
        assert "means over all findings" in text_of(app)


@pytest.mark.parametrize(("counts", "said"), [([14, 14], "means over all findings"), ([9, 9], "means over 9 of the 14"),
                                              ([11, 6, 14], "means over 6 to 14 of the 14")])
def test_group_means_say_how_many_findings_they_hold(counts, said):
    assert groups._over(counts, 14).startswith(said)


def test_groups_too_small_to_be_measured_are_not_called_alike(open_slide):
    with_groups(48)  # eight films of each group have a finding
    app = open_slide("Groups")
    assert app.header[0].value == "Groups" and "cannot be compared between groups" in app.info[0].value


def test_the_films_with_maps_are_right_alarms_boxed_ones_first_each_finding_once(real):
    lesson = lesson_of(real)
    cases = lesson_examples.cases_of(lesson, len(NIH_FINDINGS))
    found = real.predictions(lesson.run.prediction_id(lesson.part))
    row_of, limits = {name: row for row, name in enumerate(found.image_ids)}, lesson.tuned(lesson.run).thresholds
    boxed = set(zip(lesson.data.boxes["image_id"], lesson.data.boxes["finding"], strict=True))
    assert cases and len({finding for _, finding in cases}) == len(cases)
    for image_id, finding in cases:
        row, k = row_of[image_id], NIH_FINDINGS.index(finding)
        assert found.labels[row, k] == 1 and found.scores[row, k] >= limits[k]
    without_box = [case not in boxed for case in cases]
    assert without_box == sorted(without_box) and not without_box[0]


def test_maps_need_a_checkpoint(phantoms, open_slide):
    shutil.copytree(phantoms.path.parent, default_store().parent, ignore=shutil.ignore_patterns("*.pth", "prepared"))
    (default_store().parent / phantoms.path.name).rename(default_store())
    assert "no checkpoint to ask" in open_slide("Maps").info[0].value


def test_a_run_of_the_link_is_the_one_in_focus(real, phantoms, open_slide):
    run_id = phantoms.run_ids["vgg16"]
    assert "VGG16" in text_of(open_slide("Accuracy", run=run_id))


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_was_not_evaluated_shows_what_is_missing(open_slide, name):
    add_run(make_store(default_store()), "one", auroc=None)
    app = open_slide(name)
    assert not app.error
    if name not in ("Data", "Limits"):
        assert "No run of this store has been evaluated" in app.info[0].value and "train.py" in app.code[0].value


def test_an_empty_store_leads_to_the_demo(open_slide):
    app = open_slide()
    assert "nothing to present" in app.info[0].value and "--demo" in app.code[0].value


def test_an_unknown_slide_or_run_is_an_error(real, open_slide):
    assert "which is not here" in open_slide("Dessert").error[0].value
    assert "not in this store" in open_slide("Data", run="zzz").error[0].value


def test_buttons_turn_and_notes_open(real, open_slide):
    app = open_slide("Accuracy")
    app.button(key="forward").click().run()
    assert app.session_state["slide"] == "Networks" and "3 of 9" in text_of(app)
    assert "**Ask**" not in text_of(app)
    app.toggle(key="notes").set_value(True).run()
    assert SLIDES[2].notes.ask in text_of(app)
    app.button(key="back").click().run()
    assert SLIDES[1].notes.ask in text_of(app)


def test_hidden_slides_are_passed_over_and_the_link_keeps_them(real, open_slide):
    app = open_slide("Accuracy", hide=["Networks", "Maps"])
    assert "2 of 7" in text_of(app)
    app.button(key="forward").click().run()
    assert app.session_state["slide"] == "Curves" and app.query_params["hide"] == ["Networks", "Maps"]
    assert "4 of 8" in text_of(open_slide("Curves", hide="Maps"))
    assert "3 of 8" in text_of(open_slide("Networks", hide=["Networks", "Maps"]))  # a link to a hidden one shows it


def test_the_finding_of_a_slide_can_be_chosen_and_stays_in_the_link(real, open_slide):
    app = open_slide("Curves", curves_finding="Pleural thickening")
    assert app.header[0].value.startswith("Pleural thickening: AUROC")
    app.button(key="forward").click().run()
    assert "pleural thickening" not in app.header[0].value  # every slide has its own
    assert "Pleural thickening" in app.query_params["curves_finding"]
    assert not open_slide("Curves", curves_finding="Toe").header[0].value.startswith("Toe")


def test_films_of_the_maps_can_be_chosen(real, open_slide):
    lesson = lesson_of(real)
    image_id, finding = lesson_examples.cases_of(lesson, 3)[-1]
    app = open_slide("Maps", films=f"{display_name(finding)}: {image_id}")
    [shown] = side_by_side(app)
    assert shown["over"] == image_id and shown["title"] == display_name(finding) and not app.error
    assert shown["findings"][shown["open"]]["name"] == finding
    [layer] = shown["layers"]
    assert layer["n"] == len(shown["findings"]) and {box["finding"] for box in shown["boxes"]} <= set(range(14))


def test_all_slides_stand_below_each_other_to_print(real, open_slide):
    app = open_slide("Data", print="true", hide=["Maps"])
    assert len(app.header) == len(NAMES) - 1 and not app.error


def test_the_next_slide_is_worked_out_beside_this_one_and_once(real, monkeypatch):
    asked = []
    monkeypatch.setattr(deck._AHEAD, "submit", lambda work, slide, lesson: (asked.append(slide.name),
                                                                            work(slide, lesson)))
    app = open_page("present", slide="Accuracy")
    app.run()
    assert asked == ["Networks"]
    with monkeypatch.context() as patch:  # all that takes long is there now
        patch.setattr("cxrcore.measures.intervals.intervals.resample", None)
        app.button(key="forward").click().run()
    assert "ranks best" in app.header[0].value


def test_the_prevalences_of_real_films_stand_on_the_slides_on_rarity(real, open_slide):
    assert "NIH's real films (Wang et al. 2017)" in text_of(open_slide("Data"))
    assert "“no” is right 94.8 % of the time" in text_of(open_slide("Accuracy"))


def test_an_upright_title_says_no_more_than_it_has_room_for():
    figure = for_stage(rating_chart("x", []).update_yaxes(title="Precision (positive predictive value, PPV)"))
    assert figure.layout.yaxis.title.text == "Precision"


def test_every_font_of_a_chart_on_stage_is_large():
    style = RunStyle("#0072B2", "solid", "circle")
    figure = for_stage(rating_chart("x", [Rated("<b>a</b>", style, 0.8, 0.7, 0.9)]), title=False)

    def sizes(part):
        if isinstance(part, dict):
            for name, value in part.items():
                yield from [value["size"]] if name.endswith("font") and "size" in value else sizes(value)
        elif isinstance(part, (list, tuple)):
            for one in part:
                yield from sizes(one)

    made = figure.to_dict()
    assert set(sizes(made)) == {STAGE_FONT} and made["layout"].get("height") is None
    assert made["data"][0]["y"] == ["&lt;b>a&lt;/b>"]
    long = rating_chart("x", [Rated("Mean of " + "long names " * 5, style, 0.8, 0.7, 0.9)]).layout.yaxis.ticktext[0]
    assert long.startswith("Mean of long") and long.endswith("…") and len(long) < 30  # or the chart has no room left
