"""The Compare page without a browser, and the numbers and verdicts behind it."""

import dataclasses
import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
import scored_runs
from opened_pages import answer_of, given_to, text_of
from read_runs import architectures, read_runs
from seeded_runs import add_run, make_store
from sklearn.metrics import average_precision_score, roc_auc_score

from cxrcore.charts.compare import Priced, quality_against_cost
from cxrcore.charts.dot_rows import Bars, Marks, dot_rows, row_names
from cxrcore.charts.look import Figure, run_styles
from cxrcore.config import default_store
from cxrcore.evaluation import kept_draws
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.intervals.intervals import MACRO
from cxrcore.queries import comparison, kept, shared_draws
from cxrcore.queries.compared import agreement, best_run, run_costs
from cxrcore.queries.from_store import Labelled
from cxrcore.queries.repeats import measured
from cxrcore.queries.repeats.trainings import trainings
from cxrcore.report import latex, paper
from cxrcore.settings import Constants
from cxrcore.store import CSV
from cxrcore.ui.compare import sections, words

NAMES = row_names(NIH_FINDINGS)
EMPTY = NIH_FINDINGS.index("Edema")  # without a positive film in test
PAGE, MAKE = "compare", partial(scored_runs.make, n_val=300, n_test=800, n_runs=3, empty=(EMPTY,))


def runs_of(store) -> list[str]:
    return list(store.runs()["run_id"][::-1])


def compared_of(store, part="test"):
    return comparison.compare(store, read_runs(store, part=part), architectures(store), part)


def as_read(store, prediction_id):
    """The scores as they were stored, at 0.5, as `measured_in_draws` takes them."""
    labels = store.label_set(scored_runs.DATASET, CSV)
    return Labelled(prediction_id, labels, labels.findings), np.full(14, 0.5)


def test_an_empty_store_says_how_to_fill_it(open_page):
    assert "nothing to compare" in text_of(open_page())


def test_values_equal_scikit_learn_and_lie_in_their_intervals(store):
    compared = compared_of(store)
    sets = store.prediction_sets(runs_of(store)[0])
    test = store.predictions(sets[sets["split"] == "test"]["prediction_id"].iloc[0])
    for measure, reference in (("auroc", roc_auc_score), ("ap", average_precision_score)):
        table = comparison.values_table(compared, measure)
        own = table[table["run_id"] == runs_of(store)[0]].set_index("finding")
        for k in range(14):
            value = own.loc[NAMES[k]]
            if k == EMPTY:
                assert np.isnan(value["value"])
                continue
            assert value["value"] == pytest.approx(reference(test.labels[:, k], test.scores[:, k].astype(np.float64)))
            assert value["low"] <= value["value"] <= value["high"] or value["n_positive"] < 10
        assert own.at["Macro mean", "value"] == pytest.approx(own["value"].iloc[:14].mean())


def test_the_clearly_better_run_wins_and_a_run_ties_with_itself(store):
    compared = compared_of(store)
    found, n_tests = comparison.contrasts(compared, runs_of(store)[2], "auroc")
    assert n_tests == 2 * 13  # the finding without positives is not tested
    best = found[0]
    assert best.words[MACRO] == "better" and best.change.point[MACRO] > 0
    assert (best.words[:MACRO] == "worse").sum() == 0 and best.words[EMPTY] == "untested"
    lead = best_run.leads(compared, best_run.best_run(compared, "auroc"), "auroc")[1]  # the same two, turned round
    np.testing.assert_allclose((lead.point, lead.low, lead.high), [
        getattr(best.change, name)[MACRO] for name in ("point", "low", "high")])
    assert (lead.better, lead.worse, lead.tested) == ((best.words[:MACRO] == "better").sum(), 0, 13)
    twin = dataclasses.replace(compared[0], run=dataclasses.replace(compared[0].run, run_id="twin", label="twin"))
    same = comparison.contrasts([compared[0], twin], "twin", "auroc")
    assert set(same[0][0].words) <= {"tied", "untested"}


def test_intervals_are_kept_and_read_again(own_store, monkeypatch):
    before = compared_of(own_store)
    assert len(list((own_store.path.parent / "cache").glob("intervals-*.npz"))) == 3
    kept.clear()
    monkeypatch.setattr(kept_draws, "resample", None)  # nothing may be worked out a second time
    for one, again in zip(before, compared_of(own_store), strict=True):
        for name, values in one.found.values.items():
            np.testing.assert_array_equal(values, again.found.values[name])
        assert one.found.draws_key == again.found.draws_key


def test_a_damaged_file_is_worked_out_again(own_store):
    compared_of(own_store)
    for file in (own_store.path.parent / "cache").glob("intervals-*.npz"):
        file.write_bytes(b"PK\x03\x04 broken")
    kept.clear()
    assert compared_of(own_store)[0].found.n_films == 800


def test_runs_on_other_films_are_compared_on_the_shared_ones(own_store):
    first = runs_of(own_store)[0]
    sets = own_store.prediction_sets(first)
    test = own_store.predictions(sets[sets["split"] == "test"]["prediction_id"].iloc[0])
    part = own_store.save_predictions(first, scored_runs.DATASET, "test", list(test.image_ids[:500]), test.scores[:500])
    whole = sets[sets["split"] == "test"]["prediction_id"].iloc[0]
    found = shared_draws.measured_in_draws(own_store, [as_read(own_store, one) for one in (whole, part)])
    assert [one.n_films for one in found] == [500, 500] and found[0].draws_key == found[1].draws_key
    np.testing.assert_allclose(found[0].values["auroc"], found[1].values["auroc"])


@pytest.mark.parametrize("title", list(sections.MEASURES))
def test_the_page_shows_every_measure(store, open_page, title):
    app = open_page(run=runs_of(store))
    if title != "AUROC":
        app.segmented_control(key="by").set_value(title).run()
        assert not app.exception
    text = text_of(app)
    assert "800 test films" in text and "200 patients" in text and "Holm" in text
    assert ("Thresholds:" in text) == (title in ("F1", "Recall", "Precision"))
    assert len(app.get("plotly_chart")) >= 2


def test_one_run_asks_for_a_second_and_says_how_good_it_is(store, open_page):
    app = open_page(run=runs_of(store)[0])
    found = compared_of(store)[0].found.interval("auroc")
    assert "Choose a second run" in text_of(app)
    assert f"macro AUROC {found.point[MACRO]:.3f} ({found.low[MACRO]:.3f} to {found.high[MACRO]:.3f})" in answer_of(app)


def test_the_answer_is_one_sentence_of_the_best_run_against_the_others(store, open_page):
    compared = compared_of(store)
    best = best_run.best_run(compared, "auroc")
    said = answer_of(open_page(run=runs_of(store)))
    ahead, level = ([one for one in best_run.leads(compared, best, "auroc") if one.word == word]
                    for word in ("better", "tied"))
    assert ahead and said.startswith(f"{best.run.label} is better than {ahead[0].other.run.label}: macro AUROC")
    for one in ahead:
        assert f"{one.point:+.3f} ({one.low:.3f} to {one.high:.3f})" in said.replace("\N{MINUS SIGN}", "-")
        assert f"better in {one.better or 'none'} of {one.tested}, worse in {one.worse or 'none'}" in said
    assert ("No difference shown to" in said) == bool(level)
    twin = dataclasses.replace(best, run=dataclasses.replace(best.run, run_id="twin", label="<twin>"))
    alike = words.answer([best, twin], "AUROC", "auroc")
    assert alike.startswith("No difference shown between") and "&lt;twin&gt;" in alike
    assert "nor in any of 13 findings" in alike and "+0.000 (0.000 to 0.000)" in alike


def test_of_measures_where_less_is_better_the_least_is_the_best(store):
    compared = compared_of(store)
    best = best_run.best_run(compared, "brier")
    assert best.found.interval("brier").point[MACRO] == min(
        one.found.interval("brier").point[MACRO] for one in compared)
    assert "less is better" in words.answer(compared, "Brier", "brier")


def test_one_table_holds_values_differences_and_verdicts(store, open_page):
    given = given_to(open_page(run=runs_of(store)), "cxr_compare_table")
    compared = compared_of(store)
    found, _ = comparison.contrasts(compared, runs_of(store)[0], "auroc")
    kinds = [column["kind"] for column in given["columns"]]
    assert kinds == ["films", "value", "value", "value", "difference", "verdict", "difference", "verdict"]
    assert [row["finding"] for row in given["rows"]] == [NAMES[MACRO], *NAMES[:MACRO]]  # the mean stays on top
    for k, row in zip([MACRO, *range(14)], given["rows"], strict=True):
        for cell, one in zip(row["cells"][1:4], compared, strict=True):
            point = one.found.interval("auroc").point[k]
            assert cell["text"] == ("–" if np.isnan(point) else f"{point:.3f}")
        assert [cell["word"] for cell in row["cells"][5::2]] == [one.words[k] for one in found]
        held = [cell["by"] for cell in row["cells"][1:4] if cell["best"]]
        assert not held or round(max(held), 3) == round(max(cell["by"] for cell in row["cells"][1:4]), 3)
    assert given["rows"][1 + EMPTY]["cells"][1] == {
        "text": "–", "interval": "", "by": None, "best": False, "why": "no positives"}


def test_a_paper_gets_its_table_and_its_paragraph(store):
    compared = compared_of(store)
    found, n_tests = comparison.contrasts(compared, runs_of(store)[0], "f1")
    setting = paper.Setting("NIH_14 50 %", "by patient", "R & D", "test", "F1", "f1", n_tests)
    text = paper.latex_table(compared, found, runs_of(store)[0], setting)
    body = text.split("\\midrule")[1].strip().splitlines() + text.split("\\midrule")[2].strip().splitlines()[:1]
    assert text.index("\\toprule") < text.index("\\midrule") < text.index("\\bottomrule")
    assert "NIH\\_14 50 \\%," in text and "Holm" in text and len(body) == 15
    for k, line in enumerate(body):
        cells = line.removesuffix(" \\\\").split(" & ")[1:]
        assert [cell.endswith("\\dag}") for cell in cells[1:]] == [one.words[k] in ("better", "worse") for one in found]
        points = np.round([one.found.interval("f1").point[k] for one in compared], 3)
        assert [cell.startswith("$\\mathbf") for cell in cells] == list(points == np.nanmax(points, initial=0))
        for cell, one in zip(cells, compared, strict=True):
            own = one.found.interval("f1")
            assert cell == "--" or f" \\pm {(own.high[k] - own.low[k]) / 2:.3f}" in cell
    said = paper.methods_paragraph(compared, found, runs_of(store)[0], setting)
    for part in ("800 films of 200 patients", "Reference labels: R & D.", "1,000 bootstrap draws of patients",
                 f"the {n_tests} tests of findings and networks", "over 2 tests of macro means", "(by patient)",
                 "max F1, fitted on validation", "mean over 13 findings of 14", "percentiles 2.5 and 97.5"):
        assert part in said, part
    alone = paper.methods_paragraph(compared[:1], [], runs_of(store)[0], dataclasses.replace(setting, measure="ece"))
    assert "Holm" not in alone and "Thresholds" not in alone and "chance adds" in alone


def test_a_score_that_one_run_misses_counts_in_none(own_store):
    first, second = runs_of(own_store)[:2]
    sets = own_store.prediction_sets(second)
    whole = own_store.predictions(sets[sets["split"] == "test"]["prediction_id"].iloc[0])
    scores = whole.scores.copy()
    scores[:400, 2] = np.nan
    gaps = own_store.save_predictions(second, scored_runs.DATASET, "test", list(whole.image_ids), scores)
    of_first = own_store.prediction_sets(first).query("split == 'test'")["prediction_id"].iloc[0]
    alone = shared_draws.measured_in_draws(own_store, [as_read(own_store, of_first)])
    (beside, _) = shared_draws.measured_in_draws(own_store, [as_read(own_store, one) for one in (of_first, gaps)])
    assert beside.n_positive[2] < alone[0].n_positive[2] and beside.n_positive[3] == alone[0].n_positive[3]


def test_runs_of_other_groups_are_left_out_and_said(own_store, open_page):
    other = own_store.create_run({"name": "elsewhere", "arch": "vgg16"}, scored_runs.DATASET,
                                 split=("random", 0, "zzz"))
    sets = own_store.prediction_sets(runs_of(own_store)[0])
    test = own_store.predictions(sets[sets["split"] == "test"]["prediction_id"].iloc[0])
    own_store.save_predictions(other, scored_runs.DATASET, "test", list(test.image_ids), test.scores)
    text = text_of(open_page(run=[*runs_of(own_store)[:2], other]))
    assert "Left out" in text and "elsewhere" in text


def test_a_run_without_predictions_says_so(open_page):
    store = make_store(default_store())
    run_id = add_run(store, "one", auroc=None)
    assert "no predictions" in text_of(open_page(run=run_id))


def test_agreement_counts_what_runs_say(store):
    compared = compared_of(store)
    films, with_it = agreement.votes(store, compared, "test")
    found = [store.predictions(one.run.prediction_id("test")) for one in compared]
    yes = np.sum([held.scores[:, 2].astype(np.float64) >= one.source.thresholds[2]
                  for held, one in zip(found, compared, strict=True)], axis=0)
    assert films[2].tolist() == [int((yes == n).sum()) for n in range(4)] and (films.sum(axis=1) == 800).all()
    assert with_it[2].tolist() == [int(found[0].labels[yes == n, 2].sum()) for n in range(4)]
    shown = agreement.shown(NIH_FINDINGS, films, with_it).set_index("Finding")
    assert list(shown.columns) == ["All agree", "3 of 3", "2 of 3", "1 of 3", "0 of 3"]
    assert shown.at["Effusion", "2 of 3"] == f"{films[2, 2]:,} · {100 * with_it[2, 2] / films[2, 2]:.1f} %"
    table = agreement.as_table(NIH_FINDINGS, films, with_it)
    assert table["films"].sum() == 14 * 800 and table["films_with_it"].sum() == found[0].labels.sum()


def test_other_thresholds_are_read_where_they_are_asked_for(store, open_page):
    app = open_page(run=runs_of(store))
    app.segmented_control(key="by").set_value("F1").run()
    app.selectbox(key="at").set_value("0.5 for every finding").run()
    assert "Thresholds: 0.5." in text_of(app) and not app.exception


def test_the_reference_may_be_chosen_and_stands_in_the_link(store, open_page):
    app = open_page(run=runs_of(store))
    names = app.selectbox(key="against").options
    app.selectbox(key="against").set_value(names[2]).run()
    assert not app.exception and len(names) == 3 and app.selectbox(key="against").value == names[2]
    app.multiselect[0].set_value(list(app.multiselect[0].value[:2])).run()  # takes the reference out
    assert not app.exception and not app.error and app.selectbox(key="against").value == names[0]


def test_a_link_to_an_unknown_reference_says_so(store, open_page):
    assert "nobody" in "".join(one.value for one in open_page(run=runs_of(store), against="nobody").error)


def test_published_results_stand_beside_runs_of_nih(store, open_page):
    app = open_page(run=runs_of(store))
    name = app.selectbox(key="published").options[1]
    assert "Wang" in name and "official" in name
    app.selectbox(key="published").set_value(name).run()
    text, chart = text_of(app), json.loads(app.get("plotly_chart")[0].proto.spec)
    assert not app.exception and "CVPR 2017" in text and chart["data"][0]["name"].startswith("Wang")
    assert "another" not in text  # official test on both sides
    app.selectbox(key="published").set_value(app.selectbox(key="published").options[-1]).run()
    assert "not measured on these films" in text_of(app)


# -- charts


def test_marks_of_ties_are_open_and_charts_are_what_plotly_takes():
    style = run_styles("a")["a"]
    values = np.linspace(0, 1, 15)
    bars = Bars("a <b>", style, values, values - 0.1, values + 0.1, values > 0.5, ["note"] * 15)
    figure = dot_rows("title", "axis", [bars], NAMES, 0, published=[Marks("theirs", values)])
    theirs, own = figure.data
    assert len(Figure(figure.to_dict()).layout.yaxis.ticktext) == 15  # with validation
    assert [symbol.endswith("-open") for symbol in own.marker.symbol] == [value <= 0.5 for value in values]
    assert "&lt;b>" in own.name and theirs.name == "theirs"
    np.testing.assert_allclose(own.error_x.array, 0.1)
    assert [shape.x0 for shape in figure.layout.shapes if shape.yref == "paper"] == [0]


def test_quality_stands_over_cost():
    style = run_styles("a")["a"]
    figure = quality_against_cost("title", "GMACs", "AUROC", [Priced("a", style, 1.8, 0.8, 0.7, 0.85)])
    assert figure.data[0].x == (1.8,) and figure.data[0].error_y.array[0] == pytest.approx(0.05)
    assert figure.layout.xaxis.type == "log"


def test_costs_are_those_that_the_training_recorded(own_store):
    run_id = runs_of(own_store)[0]
    cost = {"gmacs": 1.8, "milliseconds_per_film": 12.0, "checkpoint_bytes": 5e7}
    own_store.finish_run(run_id, "finished", cost=cost)
    runs = own_store.runs().set_index("run_id", drop=False)
    compared = compared_of(own_store)
    (one,) = run_costs.priced(compared, runs, "gmacs", "auroc")
    assert one.cost == 1.8 and one.point == compared[0].found.interval("auroc").point[MACRO]
    table = run_costs.cost_table(compared, runs).set_index("Run")
    assert table["GMACs"].tolist()[0] == 1.8 and table["Checkpoint (MB)"].tolist()[0] == 50
    assert table["ms per film"].isna().tolist() == [False, True, True]


def test_tables_as_latex_escape_what_latex_reads():
    text = latex.as_latex(pd.DataFrame({"a_b": [0.123456, np.nan], "run": ["50 % & more_", "x\\y"]}))
    assert "a\\_b" in text and "0.1235" in text and "50 \\% \\& more\\_" in text and "--" in text
    assert "x\\textbackslash{}y" in text and text.count("\\\\") == 3


def settled(store, compared, **by_place):
    """The compared runs as trainings of ResNet-18 that differ in these settings, and their rows."""
    rows = {}
    for place, one in enumerate(compared):
        config = {"arch": "resnet18", "lr": 1e-4, "seed": place, "csv_path": f"films-{place}.csv",
                  "constants": Constants().record(loss="bce")}
        config |= {name: values[place] for name, values in by_place.items()}
        rows[one.run.run_id] = store.run(one.run.run_id) | {"config": json.dumps(config)}
    return [dataclasses.replace(one, architecture="resnet18") for one in compared], rows


def repeated_of(compared, rows):
    """The trainings with more than one run."""
    runs, labels = pd.DataFrame(list(rows.values())), {one.run.run_id: one.run.label for one in compared}
    found = measured.measured_trainings(trainings(runs, labels), compared, run_styles(rows))
    return [one for one in found if one.training.repeated]


def test_repeats_stand_with_their_spread_and_nothing_else_is_called_seeds(store):
    compared, rows = settled(store, compared_of(store), lr=(1e-4, 0.0001, 1e-3))
    (repeated,) = repeated_of(compared, rows)
    values = [one.found.interval("auroc").point[MACRO] for one in compared[:2]]
    assert repeated.training.seeds == ("0", "1") and repeated.mean.run.label.endswith("(2 runs)")
    assert repeated.spread("auroc").sd[MACRO] == pytest.approx(np.std(values, ddof=1))
    first, _, third = (one.run.label for one in compared)
    assert comparison.other_settings(compared, rows) == [f"{third} (not {first}'s lr)"]


@pytest.mark.parametrize("changed", [
    {"seed": (5, 5, 5)},  # the same training three times shows no spread of seeds
    {"lr": (1e-4, 1e-3, 1e-2)},
    {"constants": (None, Constants().record(loss="bce"), {"warm_up": 0.1})},
])
def test_runs_that_are_no_repeats_have_no_spread(store, changed):
    compared, rows = settled(store, compared_of(store), **changed)
    assert not repeated_of(compared, rows)
    assert bool(comparison.other_settings(compared, rows)) == ("seed" not in changed)


@pytest.mark.parametrize(("kind", "arch"), [
    ("imported", "resnet18"), ("imported", "unknown"), ("ensemble", "ensemble"), ("ensemble", ""), ("trained", "")])
def test_runs_of_which_nobody_knows_how_they_came_about_are_not_pooled(store, kind, arch):
    compared, rows = settled(store, compared_of(store), arch=(arch, arch, arch))
    rows = {run_id: row | {"kind": kind} for run_id, row in rows.items()}
    compared = [dataclasses.replace(one, architecture=arch) for one in compared]
    assert not repeated_of(compared, rows)
    said = comparison.other_settings(compared, rows)
    assert ("not recorded" in said[0]) if arch == "resnet18" else said == []  # the others name no architecture


def test_the_page_says_where_runs_did_not_start_alike_and_which_are_repeats(open_page):
    store = make_store(default_store())
    plain, wide = {"corpus": "ImageNet-1k", "tag": "a.ra_in1k"}, {"corpus": "ImageNet-21k + ImageNet-1k", "tag": "b"}
    runs = [add_run(store, name, arch, seed=seed, start_weights=weights) for name, arch, seed, weights in
            (("one", "resnet18", 0, plain), ("two", "resnet18", 1, plain), ("three", "vit_b_16", 0, wide))]
    text = text_of(open_page(run=runs))
    assert "Not the same start" in text and "one, two: ImageNet-1k; three: ImageNet-21k + ImageNet-1k" in text
    assert "Repeats: alike in all recorded settings but the seed" in text
    alike = text_of(open_page(run=runs[:2]))
    assert "Not the same start" not in alike and "Repeats: alike" in alike


def test_an_older_version_s_imagenet_is_told_apart_for_the_network_whose_default_was_another(store):
    labels = {"a": "first", "b": "second", "c": "third"}
    config = {"init": "imagenet", "training_corpus": "ImageNet-1k + films"}
    runs = pd.DataFrame({"run_id": list("abc"), "config": [json.dumps(config | {"arch": arch}) for arch in
                                                           ("resnet18", "vgg16", "vit_b_16")]})
    said = comparison.start_weights_sentence(runs, labels)
    assert "first, second: ImageNet-1k; third: ImageNet-1k as an older version recorded it" in said
    assert comparison.start_weights_sentence(runs[:2], labels) == ""
