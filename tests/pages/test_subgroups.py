"""The Subgroups page without a browser, and the tables behind it."""

import json
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from one_opening import one_opening
from opened_pages import answer_of, text_of
from read_runs import read_runs
from scored_runs import PREVALENCE
from seeded_runs import add_run, make_store

from cxrcore.charts import subgroups as charts
from cxrcore.charts.dot_rows import Bars, dot_rows, row_names
from cxrcore.charts.look import Figure
from cxrcore.config import default_store
from cxrcore.evaluation.measure_predictions import measure
from cxrcore.findings import NIH_FINDINGS, display_name
from cxrcore.measures.intervals.intervals import MACRO, Difference
from cxrcore.measures.metrics import confusion
from cxrcore.measures.subgroups import UNTESTED, Gap, gaps, intervals
from cxrcore.queries import subgroups
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.threshold_sets import default_key, find_set
from cxrcore.store import Store

DATASET, N_VAL, N_TEST = "people", 400, 1600
EFFUSION = NIH_FINDINGS.index("Effusion")
EVERY = {"sex": 53, "age": 41, "view": 71}  # one film in so many has none


def people(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Films of patients of both sexes and all ages but the youngest, two a patient; some of it is not known."""
    patient = np.arange(n) // 2
    age = 20 + (patient * 7) % 80 + np.where(np.arange(n) % EVERY["age"], 0, 300.0)
    columns = {"sex": np.array(["F", "M"], object)[patient % 2], "view": rng.choice(["PA", "AP"], n).astype(object)}
    for name, values in columns.items():
        values[:: EVERY[name]] = None
    return pd.DataFrame({"image_id": [f"{p:08d}_{i % 2:03d}.png" for i, p in enumerate(patient)],
                         "patient_id": [f"{p:08d}" for p in patient], "follow_up": np.arange(n) % 2, "age": age,
                         **columns})


def make(path, kind="nih", **changed) -> Store:
    """One run on val and test whose Effusion scores are lower in men; `changed` columns replace the people's."""
    with one_opening(path):
        return _made(Store(path), kind, changed)


def _made(store, kind, changed) -> Store:
    rng = np.random.default_rng(0)
    images = people(N_VAL + N_TEST, rng).assign(**changed)
    labels = (rng.random((len(images), len(NIH_FINDINGS))) < np.maximum(PREVALENCE, 0.06)).astype(np.float32)
    labels[:, -1] = np.arange(len(images)) % 150 == 0  # a rare one
    store.add_dataset(DATASET, images, labels, NIH_FINDINGS, name="people", kind=kind, label_source="random")
    run_id = store.create_run({"name": "one", "arch": "resnet18"}, DATASET, split=("random", 0, "abc"))
    logits = rng.normal(-2, 1, labels.shape) + 2 * labels
    logits[:, EFFUSION] -= 1.5 * labels[:, EFFUSION] * (images["sex"] == "M")
    scores = (1 / (1 + np.exp(-logits))).astype(np.float32)
    ids, parts = list(images["image_id"]), {"val": slice(0, N_VAL), "test": slice(N_VAL, None)}
    measure(store, run_id, {part: store.save_predictions(run_id, DATASET, part, ids[rows], scores[rows])
                            for part, rows in parts.items()})
    store.finish_run(run_id, "finished")
    return store


PAGE, MAKE = "subgroups", partial(make, kind="phantom")


def run_of(store) -> Evaluated:
    return read_runs(store, store.runs()["run_id"][:1])[0]


def read(store, grouping):
    run = run_of(store)
    source = find_set(store, run, default_key(run))
    return subgroups.in_groups(store, run, "test", grouping, source), source


def test_an_empty_store_says_how_to_fill_it(open_page):
    app = open_page()
    assert "no groups to read" in text_of(app) and "scripts/train.py" in app.code[0].value


def test_a_run_without_predictions_says_so(open_page):
    run_id = add_run(make_store(default_store()), "one", auroc=None)
    assert "no predictions" in text_of(open_page(run=run_id))


def test_an_unknown_run_is_an_error_and_never_another(store, open_page):
    app = open_page(run="zzz")
    assert "not in this store" in app.error[0].value and not app.get("plotly_chart")


def test_the_page_says_what_its_numbers_are(store, open_page):
    text = text_of(open_page())
    for said in ("SYNTHETIC", "leaky split", "test, 1,600 films", "800 patients", "each draw serves all groups",
                 "max F1, fitted on validation, 400 films", "so unstable: Cardiomegaly", "noisy", "TP / (TP + FN)",
                 "Gap = TPR of Female minus TPR of Male", "Holm over a family", "Suppressed: 2 of 28",
                 "Hernia (Female, Male)", "have fewer than 100: their intervals may still be too narrow"):
        assert said in text, said
    unknown = sum(i % EVERY["sex"] == 0 for i in range(N_VAL, N_VAL + N_TEST))
    assert f"{unknown} films of unknown sex are in no group" in text


def test_the_planted_gap_is_named_and_no_other_is(store, open_page):
    app = open_page()
    line = next(element.value for element in app.markdown if "against Male" in element.value)
    assert "higher in 1 (Effusion)" in line and "no difference shown in 12 of 13" in line
    assert answer_of(app) == ("Recall is higher for women than for men in 1 of 13 findings (Effusion). In the other "
                              "findings no difference is shown.")
    values = json.loads(app.get("plotly_chart")[0].proto.spec)["layout"]["yaxis"]["ticktext"]
    found, _ = read(store, "sex")
    dot = "\N{NO-BREAK SPACE}·\N{NO-BREAK SPACE}"
    assert values[EFFUSION] == f"Effusion ({dot.join(str(found.found[sex].n_positive[EFFUSION]) for sex in 'FM')})"
    table = app.dataframe[0].value.set_index("Finding")
    assert table.at["Effusion", "Verdict"] == "higher" and "Hernia" not in table.index
    assert table.at["Effusion", "Gap"] == pytest.approx(
        table.at["Effusion", "TPR"] - table.at["Effusion", "TPR of Male"])


@pytest.mark.parametrize(("grouping", "title"), [
    ("Sex", "AUROC"), ("Age", "Recall"), ("View", "False alarms"), ("First film", "Recall"), ("Age", "AUROC")])
def test_every_grouping_and_measure_is_shown(store, open_page, grouping, title):
    app = open_page(groups=grouping, rate=title)
    text = text_of(app)
    assert not app.error and len(app.get("plotly_chart")) == 2
    assert ("Thresholds, the same for all groups" in text) == (title != "AUROC")
    assert f"Gap = {({'Recall': 'TPR', 'False alarms': 'FPR', 'AUROC': 'AUROC'})[title]} of" in text
    if grouping == "Age":
        assert "0-19 years: 0 films" in text and "Not measured, with fewer than 2 patients: 0-19 years" in text
        assert "films of unknown age" in text and "of each group minus" in text


def test_without_a_difference_the_answer_says_so(store, open_page):
    assert answer_of(open_page(groups="First film")) == (
        "No difference in recall shown between first films and later films, in 13 of 14 findings, those with enough "
        "films to test.")
    assert answer_of(open_page(groups="View", rate="AUROC")).startswith("No difference in AUROC shown between ")
    assert "ages 40-59 and any other group" in answer_of(open_page(groups="Age", to_age="40-59 years"))


def test_the_view_alone_is_measured_when_it_is_asked_for(store, open_page):
    app = open_page()
    app.session_state["open_view_alone"] = True
    app.run()
    assert len(app.get("plotly_chart")) == 3 and "knowing nothing but the view" in text_of(app)


def test_the_reference_group_is_in_the_link_and_does_not_outlive_its_grouping(store, open_page):
    app = open_page(to_sex="Female")
    assert "Gap = TPR of Male minus TPR of Female" in text_of(app)
    app.segmented_control(key="groups").set_value("View").run()
    assert not app.exception and not app.error
    assert app.selectbox(key="to_view").value in ("PA", "AP")


def test_a_link_to_an_unknown_group_says_so(store, open_page):
    app = open_page(to_sex="Others")
    assert "asks for gap to “Others”" in text_of(app)
    next(button for button in app.button if button.label == "Show what is here").click().run()
    assert not app.exception and not app.error and "Gap = TPR of Female minus" in text_of(app)


def test_one_group_alone_has_no_gap_and_one_view_no_shortcut(open_page):
    make(default_store(), sex="F", view="PA")
    text = text_of(open_page())
    assert "belong to one group" in text and "Gap =" not in text
    app = open_page()
    app.session_state["open_view_alone"] = True
    assert "not of both views" in text_of(app.run())


def test_films_of_unknown_sex_leave_no_group(open_page):
    make(default_store(), sex=None)
    text = text_of(open_page())
    assert "none can be measured" in text and "1,600 films of unknown sex" in text


def test_a_run_without_validation_predictions_is_read_at_one_half(open_page):
    store = make(default_store())
    test = store.predictions(run_of(store).prediction_id("test"))
    run_id = store.create_run({"name": "test only", "arch": "vgg16"}, DATASET, split=("given", 0, "abc"))
    measure(store, run_id, {"test": store.save_predictions(run_id, DATASET, "test", list(test.image_ids), test.scores)})
    app = open_page(run=run_id)
    assert "thresholds 0.5" in text_of(app)
    assert "leaky" not in text_of(app) and len(app.get("plotly_chart")) == 2


def test_unknown_patients_are_said(open_page):
    make(default_store(), patient_id="")
    assert "names no patients" in text_of(open_page())


def test_validation_numbers_are_flagged_as_of_the_same_films(store, open_page):
    assert "same films" in text_of(open_page(on="Validation"))


def test_values_are_those_of_the_films_of_the_group(store):
    found, source = read(store, "sex")
    test = store.predictions(run_of(store).prediction_id("test"))
    sex = store.images(DATASET).set_index("image_id")["sex"].reindex(test.image_ids)
    table = subgroups.values_table(found, intervals(found.found, "recall"), "recall")
    for name, called in (("F", "Female"), ("M", "Male")):
        own = (sex == name).to_numpy()
        counts = confusion(test.labels[own], test.scores[own], source.thresholds)
        rows = table[table["group"] == called]
        shown = ~rows["suppressed"].to_numpy()[:MACRO]
        np.testing.assert_allclose(rows["value"].to_numpy()[:MACRO][shown], counts.recall[shown])
        assert rows["value"].to_numpy()[:MACRO][~shown].tolist() == pytest.approx([np.nan], nan_ok=True)
        assert (rows["n_positive"].iloc[:MACRO] == (test.labels[own] == 1).sum(axis=0)).all()


def test_the_summary_holds_what_the_tables_do(store):
    found, _ = read(store, "sex")
    measured, parted = intervals(found.found, "recall"), gaps(found.found, "M", "recall")
    summary = subgroups.summary_table(found, measured, parted, "M").set_index("Finding")
    exact = subgroups.gaps_table(found, parted, "M", "recall").set_index("finding")
    gap, row = summary.at["Effusion", "Female minus Male"], exact.loc["Effusion"]
    assert gap == f"{row['gap']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"
    assert summary.at["Hernia", "Female"] == "--" and len(summary) == len(NIH_FINDINGS) + 1


def test_the_table_of_the_view_alone_has_no_macro_mean(store):
    pair = subgroups.shortcut(store, run_of(store), "test")
    assert list(subgroups.shortcut_table(pair, run_of(store))["finding"]) == [display_name(f) for f in NIH_FINDINGS]


# -- charts


@pytest.fixture
def bars():
    values, styles = np.linspace(0.3, 0.7, len(NIH_FINDINGS) + 1), charts.group_styles(["a <b>", "c"])
    return [Bars(name, style, values, values - 0.1, values + 0.2, values > 0.5, ["note"] * 15)
            for name, style in styles.items()]


def test_the_shortcut_chart_is_what_plotly_takes(bars):
    figure = charts.shortcut("title", "axis", *bars, NIH_FINDINGS)
    checked = Figure(figure.to_dict())  # with validation
    assert checked.layout.title.text == "title" and checked.layout.xaxis.title.text == "axis"
    assert len(checked.layout.yaxis.ticktext) == len(NIH_FINDINGS) == len(figure.data[0].x)  # without a macro mean
    assert [shape.x0 for shape in checked.layout.shapes if shape.yref == "paper"] == [charts.CHANCE]


def test_marks_of_a_finding_stand_closer_to_each_other_than_to_the_next(bars):
    first, second = (trace.y for trace in dot_rows("title", "axis", bars, row_names(NIH_FINDINGS)).data)
    assert (second - first < 0.5).all() and (first < second).all()


@pytest.mark.parametrize("n", [1, 2, 5])
def test_groups_look_different(n):
    styles = charts.group_styles([str(k) for k in range(n)])
    assert len({style.colour for style in styles.values()}) == len({style.symbol for style in styles.values()}) == n


def test_a_group_with_too_few_films_is_not_called_alike():
    nothing = np.full(len(NIH_FINDINGS) + 1, np.nan)
    change = Difference(*[nothing] * 5, n_excluded=len(NIH_FINDINGS), z=nothing, p=nothing)
    gap = Gap("80+", change, nothing, np.full(len(NIH_FINDINGS) + 1, UNTESTED))
    said = "".join(*subgroups.in_words(SimpleNamespace(called=str, findings=NIH_FINDINGS), [gap], "40-59", "recall"))
    assert "none was tested" in said and "no difference" not in said
