"""The audit: a clean file passes, and planted faults are caught on their own line, in the words that name them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import planted_faults as planted
import predictions as made
import pytest

from cxrcore.errors import DataError, UsageError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export import examination
from cxrcore.import_export.audit import questions
from cxrcore.import_export.audit.about_films import seen_by
from cxrcore.import_export.audit.about_scores import half_precision
from cxrcore.import_export.examination import Declared
from cxrcore.import_export.prediction_file import parse_prediction_file
from cxrcore.measures.intervals.clustered_areas import Areas, independent_error
from cxrcore.measures.intervals.delong import delong
from cxrcore.measures.metrics import auroc
from cxrcore.store.audit_marks import NOT_DECLARED, NOTED, PASSED, REFUSED, WARNED
from cxrcore.store.threshold_file import ThresholdFile

FILMS = made.table()
TEST = slice(0, 1500)
ROWS = made.frame(FILMS, TEST)
OTHERS = frozenset(FILMS.images["image_id"][1500:])
NAMES = ("Duplicate films", "Unknown films", "Coverage", "Patient overlap", "Row order", "Better than chance",
         "Label order", "Scores in [0, 1]", "Score form", "Sigmoid twice", "Constant columns", "Ties",
         "Repeated scores", "Missing scores", "Perfect AUROC", "Probabilities", "Seen films")
HALVES = ThresholdFile(np.full(14, 0.3), NIH_FINDINGS, "mine", "max_f1", dataset_id="imported", fitted_on="val")


def examine(rows: pd.DataFrame = ROWS, films=FILMS, **declared) -> dict[str, questions.Line]:
    candidate = examination.examine(
        parse_prediction_file(made.as_parquet(rows), "x.parquet", films.findings), films, Declared(**declared)
    )
    assert tuple(line.name for line in candidate.lines) == NAMES
    return {line.name: line for line in candidate.lines}


def changed(change) -> pd.DataFrame:
    rows = ROWS.copy()
    rows[list(NIH_FINDINGS)] = change(ROWS[list(NIH_FINDINGS)].to_numpy(np.float64))
    return rows


def permuted(scores: np.ndarray) -> np.ndarray:
    return scores[:, [1, 2, 0, *range(3, 14)]]


def first_constant(scores: np.ndarray) -> np.ndarray:
    return np.column_stack([np.full(len(scores), 0.1), scores[:, 1:]])


def labels_themselves(scores: np.ndarray) -> np.ndarray:
    return np.column_stack([0.8 * FILMS.labels[TEST, 0] + 0.2 * scores[:, 0], scores[:, 1:]])


def some_missing(scores: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(scores))[:, None] < 20, np.nan, scores)


def test_a_clean_and_declared_file_passes_everywhere():
    lines = examine(train_list=OTHERS, thresholds=HALVES, weights_name="imagenet")
    assert {line.state for line in lines.values()} == {PASSED}, lines


def test_what_was_not_declared_is_said_to_be_so():
    lines = examine()
    assert [name for name, line in lines.items() if line.state == NOT_DECLARED] == ["Patient overlap", "Seen films"]


FAULTS = [
    ("Duplicate films", REFUSED, "1 film", {"rows": pd.concat([ROWS, ROWS[:1].assign(Mass=0.77)])}),
    ("Duplicate films", WARNED, "3 films", {"rows": pd.concat([ROWS, ROWS[:3]])}),
    ("Unknown films", WARNED, "1 of 1,501", {"rows": pd.concat([ROWS, ROWS[:1].assign(image_id="me.png")])}),
    ("Coverage", WARNED, "2 more films", {"rows": ROWS.drop(index=[7, 400])}),
    ("Patient overlap", WARNED, "LEAK: 1 of these patients", {"train_list": OTHERS | {ROWS["image_id"][5]}}),
    ("Label order", WARNED, "Cardiomegaly's scores fit Effusion", {"rows": changed(permuted)}),
    ("Label order", WARNED, "worse than chance: Mass", {"rows": ROWS.assign(Mass=1 - ROWS["Mass"])}),
    ("Scores in [0, 1]", REFUSED, "declare logits", {"rows": changed(lambda s: np.log(s / (1 - s)))}),
    ("Scores in [0, 1]", WARNED, "probabilities already", {"logits": True}),
    ("Constant columns", WARNED, "Atelectasis", {"rows": changed(first_constant)}),
    ("Ties", WARNED, "rounded?", {"rows": changed(lambda s: s.round(2))}),
    ("Missing scores", WARNED, "280 scores of 20 films", {"rows": changed(some_missing)}),
    ("Missing scores", WARNED, "were scores cut off there", {"rows": changed(lambda s: s.clip(np.quantile(s, 0.2)))}),
    ("Perfect AUROC", WARNED, "Atelectasis 1.0000", {"rows": changed(labels_themselves)}),
    ("Seen films", WARNED, "which these are", {"thresholds": replace(HALVES, fitted_on="test")}),
    ("Seen films", WARNED, "res224-all", {"weights_name": "densenet121-res224-all"}),
]


@pytest.mark.parametrize(("name", "state", "said", "how"), FAULTS, ids=lambda one: one if isinstance(one, str) else "")
def test_a_planted_fault_is_caught_on_its_line_and_only_there(name, state, said, how):
    lines = examine(**how)
    assert lines[name].state == state and said in lines[name].text
    others = [other for other, line in lines.items() if line.state in (WARNED, REFUSED) and other != name]
    assert others == (["Sigmoid twice"] if how.get("logits") and name == "Scores in [0, 1]" else [])


def test_a_sigmoid_too_many_is_noticed():
    lines = examine(changed(lambda s: 1 / (1 + np.exp(-s))))
    assert lines["Sigmoid twice"].state == WARNED
    assert lines["Probabilities"].state == NOTED
    assert all(line.state in (PASSED, NOT_DECLARED) for name, line in lines.items()
               if name not in ("Sigmoid twice", "Probabilities"))


def test_declared_logits_become_probabilities():
    file = parse_prediction_file(made.as_parquet(changed(lambda s: np.log(s / (1 - s)))), "x", FILMS.findings)
    candidate = examination.examine(file, FILMS, Declared(logits=True))
    assert np.allclose(candidate.scores, ROWS[list(NIH_FINDINGS)]) and not candidate.refused


def test_infinite_scores_are_refused():
    lines = examine(changed(lambda s: np.where(s > 0.9, np.inf, s)))
    assert lines["Scores in [0, 1]"].state == REFUSED and "infinite" in lines["Scores in [0, 1]"].text


def test_mostly_unknown_films_are_refused_and_none_known_is_an_error():
    mixed = pd.concat([ROWS[:10], ROWS[10:40].assign(image_id=[f"me{k}.png" for k in range(30)])])
    assert examine(mixed)["Unknown films"].state == REFUSED
    with pytest.raises(DataError, match="none of the 30 films"):
        examine(mixed[10:])


def test_films_without_their_ending_are_known():
    bare = ROWS.assign(image_id=ROWS["image_id"].str.removesuffix(".png"))
    other = ROWS.assign(image_id=ROWS["image_id"].str.replace(".png", ".jpg"))
    for rows in (bare, other):
        assert examine(rows)["Unknown films"].state == PASSED


def test_part_of_the_official_list_is_said_to_be_part():
    films = replace(FILMS, official_test=frozenset(FILMS.images["image_id"][TEST]))
    whole = examination.examine(parse_prediction_file(made.as_parquet(ROWS), "x", films.findings), films, Declared())
    assert {line.name: line for line in whole.lines}["Coverage"].text == "all 1,500 films of the official test list"
    assert whole.splits["test"].scheme == "official"
    fewer = examine(ROWS[:1497], films)["Coverage"]
    assert fewer.state == WARNED and "3 of 1,500 films of the official test list are missing" in fewer.text


def test_patients_in_two_parts_are_a_leak():
    rows = ROWS.assign(split=np.where(np.arange(1500) < 500, "val", "test"))
    assert "1 patient has films in several parts" in examine(rows)["Patient overlap"].text
    both = examine(rows, train_list=OTHERS | {ROWS["image_id"][5]})["Patient overlap"].text
    assert "LEAK: 1 of these patients" in both and "1 patient has films in several parts" in both
    with pytest.raises(UsageError, match="holdout"):
        examine(ROWS.assign(split="holdout"))


def test_a_training_list_of_patients_or_of_nothing():
    assert "LEAK" in examine(train_list=frozenset(["00000001", "2"]))["Patient overlap"].text
    with pytest.raises(DataError, match="training list"):
        examine(train_list=frozenset(["x.png"]))


def test_a_thousand_films_with_three_findings_pass():
    rows = ROWS[["image_id", "Mass", "Edema", "Hernia"]][:999]
    lines = examine(rows)
    assert all(line.state in (PASSED, NOT_DECLARED) for line in lines.values())
    assert "no column for Atelectasis" in lines["Missing scores"].text


def test_networks_on_phantoms_may_rank_nearly_perfectly():
    rows = changed(lambda s: np.clip(0.9 * FILMS.labels[TEST] + 0.3 * s, 0, 1))
    assert examine(rows)["Perfect AUROC"].state == WARNED
    nearly = changed(lambda s: np.clip(0.35 * FILMS.labels[TEST] + 0.6 * s, 0, 1))
    assert examine(nearly, replace(FILMS, kind="phantom"))["Perfect AUROC"].state == PASSED


def test_an_empty_column_is_one_that_is_not_there():
    lines = examine(ROWS.assign(Hernia=np.nan))
    assert "no column for Hernia" in lines["Missing scores"].text and lines["Missing scores"].state == PASSED
    assert lines["Label order"].text == "no other order of the columns fits better"
    swapped = changed(permuted).assign(Hernia=np.nan)
    swapped.loc[:700, "Nodule"] = np.nan
    assert examine(swapped)["Label order"].state == WARNED


def test_a_file_without_any_score_is_refused():
    nothing = ROWS[["image_id", "Mass"]].assign(Mass=np.nan)
    assert examine(nothing)["Missing scores"].state == REFUSED


# -- the kinds of faults that real files were found with

FILE = planted.Sound(
    FILMS.images["image_id"].to_numpy(object),
    made.frame(FILMS)[list(NIH_FINDINGS)].to_numpy(np.float64),
    FILMS.labels,
    pd.factorize(FILMS.images["patient_id"])[0],
)
FAINT = ("labels with much noise", "temperature 1.5")  # told in as many films as real files have; see the benchmark


def lines_of(rows: pd.DataFrame, **declared) -> tuple[questions.Line, ...]:
    return planted.lines_of(rows, FILMS, **declared)


@pytest.mark.parametrize("fault", [one for one in planted.FAULTS if one.what not in FAINT], ids=lambda one: one.what)
def test_a_fault_is_named_for_what_it_is(fault):
    lines = lines_of(fault.plant(FILE), **fault.declared)
    assert planted.named(fault, lines), planted.alarms(lines)


@pytest.mark.parametrize("change", planted.NORMAL.values(), ids=planted.NORMAL)
def test_normal_exports_are_no_alarm(change):
    lines = planted.alarms(lines_of(FILE.frame(change(FILE))))
    assert not [line for line in lines if (line.name, line.state) != ("Probabilities", NOTED)], lines
    assert lines or change is not planted.NORMAL["weighted training"]


def test_rows_that_slipped_are_named_with_their_place():
    rows = ROWS.copy()
    rows.loc[600:, list(NIH_FINDINGS)] = np.roll(ROWS.loc[600:, list(NIH_FINDINGS)].to_numpy(), 1, axis=0)
    line = examine(rows)["Row order"]
    assert line.state == WARNED and "names are off by one row (from about row 60" in line.text, line.text


@pytest.mark.parametrize("seed", range(6))
def test_small_files_raise_no_alarm_by_chance(seed):
    rng = np.random.default_rng(seed)
    for n in (30, 100, 300):
        kept = np.sort(rng.choice(1000, n // 3, replace=False))
        rows = FILE.frame().iloc[(3 * kept[:, None] + np.arange(3)).ravel()]
        assert not planted.alarms(lines_of(rows)), (seed, n)
        assert not planted.alarms(lines_of(rows.sample(frac=1, random_state=seed))), (seed, n)


def test_one_finding_at_chance_is_noted_and_no_matter_of_order():
    rows = ROWS.assign(Mass=np.random.default_rng(0).permutation(ROWS["Mass"].to_numpy()))
    lines = examine(rows)
    assert lines["Better than chance"].state == NOTED and "chance: Mass 0." in lines["Better than chance"].text
    assert lines["Label order"].state == lines["Row order"].state == PASSED


def test_half_precision_is_told_from_rounding():
    values = np.unique(FILE.scores[:, 0].astype(np.float16)).astype(np.float64)
    assert half_precision(values) == "float16" and half_precision(np.unique(FILE.scores[:, 0].round(3))) == ""
    assert half_precision(np.unique(FILE.scores[:, 0])) == ""


# -- areas


@pytest.mark.parametrize("unknown", [False, True])
def test_the_matrix_holds_scikit_learns_areas(unknown):
    rng = np.random.default_rng(0)
    labels, scores = (rng.random((300, 3)) < 0.3).astype(float), rng.random((300, 3)).round(2)
    if unknown:
        labels[rng.random(labels.shape) < 0.2] = np.nan
        scores[rng.random(scores.shape) < 0.1] = np.nan
    areas = Areas(labels, scores, np.arange(300))
    for k in range(3):
        for j in range(3):
            assert areas.matrix[k, j] == pytest.approx(auroc(labels[:, k], scores[:, j]), abs=1e-12)


@pytest.mark.parametrize("unknown", [False, True])
def test_errors_are_delongs_where_every_patient_has_one_film(unknown):
    rng = np.random.default_rng(1)
    labels, scores = np.repeat((rng.random((400, 1)) < 0.2).astype(float), 2, axis=1), rng.random((400, 2)).round(2)
    scores[:, 1] += scores[:, 0] + 0.3 * labels[:, 0]
    if unknown:
        labels[rng.random(400) < 0.2] = np.nan
    found, areas = delong(labels[:, 0], scores), Areas(labels, scores, np.arange(400))
    value, error = areas.sum_of([(0, 1, 1.0), (0, 0, -1.0)])
    assert value == pytest.approx(found.auroc[1] - found.auroc[0])
    assert error**2 == pytest.approx(found.covariance[0, 0] + found.covariance[1, 1] - 2 * found.covariance[0, 1])
    assert areas.error(0) ** 2 == pytest.approx(found.covariance[0, 0])


def test_copies_of_a_patients_film_make_nothing_surer():
    rng = np.random.default_rng(2)
    labels, scores = (rng.random((200, 1)) < 0.3).astype(float), rng.random((200, 1))
    once = Areas(labels, scores, np.arange(200)).error(0)
    copies = Areas(np.tile(labels, (4, 1)), np.tile(scores, (4, 1)), np.tile(np.arange(200), 4)).error(0)
    assert copies == pytest.approx(once, rel=0.02)
    assert Areas(np.tile(labels, (4, 1)), np.tile(scores, (4, 1)), np.arange(800)).error(0) < 0.6 * once


def test_the_error_of_independent_films_is_hanley_and_mcneils():
    assert independent_error(0.8931, 51, 58) == pytest.approx(0.032, abs=1e-3)  # their example: .893 of 58 and 51 films


@pytest.mark.parametrize(("name", "state"), [
    ("densenet121-res224-nih", WARNED), ("CheXNet", WARNED), ("microsoft/rad-dino", WARNED), ("Ark+", WARNED),
    ("imagenet", PASSED), ("resnet50.a1_in1k", PASSED), ("densenet121-res224-chex", PASSED), ("random", PASSED),
    ("densenet121-res224-mimic_ch", PASSED), ("my weights", NOT_DECLARED)])
def test_weights_by_name(name, state):
    assert seen_by(name, "nih").state == state and seen_by(name, "chexpert").state == NOT_DECLARED
