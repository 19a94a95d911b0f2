"""What stands on the threshold board: keys of sets, the link's pairs, provenance and its flags."""

import json
from dataclasses import replace

import numpy as np
import pytest
import scored_runs
from read_runs import read_runs

from cxrcore.errors import RunError, UsageError, WorkbenchError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.thresholds import fitting
from cxrcore.queries import board_state as states
from cxrcore.queries import evaluated_runs, threshold_sets
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.threshold_sets import FitKey
from cxrcore.store import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return scored_runs.make(tmp_path_factory.mktemp("state") / "store.duckdb", 400, 600, 2,
                            empty=(NIH_FINDINGS.index("Edema"),))


@pytest.fixture(scope="module")
def run(store) -> Evaluated:
    return evaluated(store, store.runs()["run_id"].iloc[-1])


def evaluated(store, run_id, *parts) -> Evaluated:
    return read_runs(store, [run_id], only=parts)[0]


def state(store, run, key=None, reference=None, pairs=()):
    return states.read_state(store, run, key, reference, pairs)


def predictions(store, run, part):
    return store.predictions(run.prediction_id(part))


# -- keys


@pytest.mark.parametrize(("text", "key"), [
    ("max_f1@val", FitKey("max_f1", None, "val")), ("recall:0.9@test", FitKey("recall", 0.9, "test")),
    ("fixed:0.25", FitKey("fixed", 0.25, None)), ("classic", FitKey("classic", None, None)),
    ("fixed:0.1234567890123", FitKey("fixed", 0.1234567890123, None)), ("fixed:1e-07", FitKey("fixed", 1e-7, None)),
    ("cost:1000@val", FitKey("cost", 1000.0, "val")), ("recall@test", FitKey("recall", None, "test")),
    ("expected_f1@val", FitKey("expected_f1", None, "val")), ("expected_f1:0.5@val", None),
    ("max_f1@train", None), ("recall:much@val", None), ("20261123-064356-ab12cd", None), ("", None),
    ("max_f2@val", None), ("fixed:0.3@test", None), ("classic:3@val", None), ("max_f1:nan@val", None),
    ("youden:1", None), ("Recall:0.9@val", None), ("recall:0.9@val@test", None), ("recall:0.9:0.8@val", None),
    (" max_f1@val", None),
])
def test_keys_are_read_and_written(text, key):
    assert threshold_sets.parse_key(text) == key
    assert key is None or str(key) == text


@pytest.mark.parametrize("text", ["recall:nan@val", "recall:9@val", "f_beta:inf@val", "fixed:2", "fixed:nan",
                                  "cost:-1@val", "gone", "precision:0@val", "max_f1:nan@val", "fixed:0.3@test",
                                  "f_beta:1e400@val"])
def test_a_key_that_names_nothing_is_one_line(store, run, text):
    with pytest.raises(UsageError) as said:
        threshold_sets.find_set(store, run, text)
    assert "\n" not in str(said.value)


@pytest.mark.parametrize("objective", [*fitting.OBJECTIVES, "classic"])
@pytest.mark.parametrize("part", ["val", "test"])
def test_a_set_is_fitted_on_the_part_that_its_key_names(store, run, objective, part):
    found = threshold_sets.find_set(store, run, f"{objective}@{part}")
    held = predictions(store, run, part)
    expected = fitting.fit_thresholds(held.labels, held.scores, held.findings, objective)
    np.testing.assert_array_equal(found.thresholds, expected.thresholds)
    assert (found.prediction_id, found.part) == (run.prediction_id(part), part)
    assert evaluated_runs.PART_WORDS[part] in found.in_words


def test_without_validation_nothing_is_fitted_there(store, run):
    test_only = evaluated(store, run.run_id, "test")
    assert threshold_sets.default_key(test_only) == "fixed:0.5"
    with pytest.raises(RunError, match=r"scripts/eval\.py --run"):
        threshold_sets.find_set(store, test_only, "max_f1@val")
    assert state(store, test_only).thresholds.tolist() == [0.5] * 14


def test_a_stored_set_of_another_run_is_refused(store, run):
    other = evaluated(store, store.runs()["run_id"].iloc[0])
    set_id = store.save_threshold_set(other.prediction_id("val"), "theirs", "manual", np.full(14, 0.2))
    assert threshold_sets.find_set(store, other, set_id).thresholds.tolist() == [0.2] * 14
    with pytest.raises(UsageError, match="another run"):
        threshold_sets.find_set(store, run, set_id)


@pytest.mark.parametrize("key", ["fixed:0.1234567", "recall:0.7654321@val", "cost:12.3456789@test", "max_f1", "fixed",
                                 "recall", "classic", "expected_f1"])
def test_the_key_of_a_set_names_exactly_this_set(store, run, key):
    found = threshold_sets.find_set(store, run, key)
    again = threshold_sets.find_set(store, run, found.key)
    assert again.key == found.key and again.thresholds.tolist() == found.thresholds.tolist()
    assert found.objective == "fixed" or found.key.endswith(("@val", "@test"))


# -- the link


@pytest.mark.parametrize("pair", ["Nothing:0.2", "Effusion:1.2", "Effusion:-0.1", "Effusion:nan", "Effusion:",
                                  "Effusion", "Effusion:abc@test", ":0.2", "Effusion:recall:7@val", "Effusion:inf",
                                  "Effusion:1e1", "Effusion:max_f1@train", "Effusion:fixed:0.3@test", "", ":",
                                  "Effusion:0.2:0.3"])
def test_a_pair_that_cannot_be_read_is_one_line(store, run, pair):
    with pytest.raises(WorkbenchError) as said:
        state(store, run, pairs=[pair])
    assert "\n" not in str(said.value)


def test_pairs_survive_the_link_exactly(store, run):
    values = np.random.default_rng(0).random(14)
    moved = states.after_release(store, run, "test", state(store, run), values, [])
    again = state(store, run, pairs=moved.pairs)
    np.testing.assert_array_equal(again.thresholds, values)
    assert again.pairs == moved.pairs and len(moved.by_hand) == 14


def test_a_value_back_on_the_set_is_no_change(store, run):
    before = state(store, run)
    values = before.thresholds.copy()
    values[3] = 0.77
    moved = states.after_release(store, run, "val", before, values, [])
    assert list(moved.changed) == [NIH_FINDINGS[3]] and moved.changed[NIH_FINDINGS[3]] == "0.77@val"
    back = states.after_release(store, run, "val", moved, before.thresholds, [])
    assert back.changed == {}


def test_undo_leads_back_to_the_earlier_set(store, run):
    before = state(store, run, pairs=["Mass:recall:0.8@val", "Hernia:0.5@test"])
    after = state(store, run, "youden@val")
    back = states.after_release(store, run, "test", after, before.thresholds, [before])
    assert back.base.key == "max_f1@val" and back.changed == before.changed


def test_one_finding_fitted_with_its_own_aim(store, run):
    found = state(store, run, pairs=["Mass:recall:0.8@val"])
    k = NIH_FINDINGS.index("Mass")
    assert found.thresholds[k] == threshold_sets.find_set(store, run, "recall:0.8@val").thresholds[k]
    assert found.by_hand == [] and np.delete(found.thresholds == found.base.thresholds, k).all()
    assert "Mass: recall ≥ 0.8, fitted on validation" in states.provenance(found, run, "test")[0]


@pytest.mark.parametrize(("pairs", "value"), [
    (["Mass:1e-05@val"], 1e-5), (["mass:0"], 0.0), (["MASS:1"], 1.0), (["Mass:5e-324"], 5e-324), (["Mass:-0.0"], 0.0),
    (["Mass:0.1", "Mass:0.2"], 0.2)])
def test_odd_pairs_that_can_be_read(store, run, pairs, value):
    found = state(store, run, pairs=pairs)
    assert found.thresholds[NIH_FINDINGS.index("Mass")] == value and found.by_hand == ["Mass"]
    again = state(store, run, pairs=found.pairs)
    assert again.pairs == found.pairs and again.thresholds.tolist() == found.thresholds.tolist()


def test_undo_to_a_state_keeps_what_its_findings_were_fitted_with(store, run):
    before = state(store, run, pairs=["Mass:recall:0.8@val", "Nodule:0.3@test"])
    moved = states.after_release(store, run, "test", before, np.full(14, 0.2), [])
    assert not moved.own and len(moved.by_hand) == 14
    back = states.after_release(store, run, "test", moved, before.thresholds, [before])
    assert back.changed == before.changed and back.own == before.own and list(back.own) == ["Mass"]


# -- provenance


@pytest.mark.parametrize(("key", "pairs", "part", "flag"), [
    ("max_f1@val", [], "test", ""), ("max_f1@val", [], "val", "these very films"),
    ("max_f1@test", [], "test", "these very films"), ("fixed:0.5", [], "test", ""),
    ("max_f1@val", ["Mass:0.3@test"], "test", "while looking at these films"), ("max_f1@val", ["Mass:0.3"], "test", ""),
    ("max_f1@val", ["Mass:0.3@val"], "test", ""),
    ("max_f1@val", ["Mass:youden@test"], "test", "Mass was fitted on these"),
    ("fixed:0.5", ["Mass:youden"], "val", "Mass was fitted on these"), ("fixed:0.5", ["Mass:fixed:0.3"], "test", ""),
    ("max_f1@val", [f"{finding}:0.3@test" for finding in NIH_FINDINGS], "val", ""),
])
def test_reading_a_set_on_the_films_it_was_fitted_on_is_flagged(store, run, key, pairs, part, flag):
    said, flagged = states.provenance(state(store, run, key, pairs=pairs), run, part)
    assert (flag in flagged) if flag else not flagged
    assert said


def test_notes_name_what_to_beware_of(store, run):
    found = state(store, run)
    positives = (predictions(store, run, "test").labels == 1).sum(axis=0)
    notes = states.notes(found, run, "test", positives)
    held = (predictions(store, run, "val").labels == 1).sum(axis=0)
    unstable = {finding for finding, n in zip(NIH_FINDINGS, held, strict=True) if 0 < n < 50}
    assert len(unstable) > 7  # most of them, so that is said once, and is no finding's own
    assert states.common_note(found).startswith(f"{len(unstable)} of 14 thresholds were fitted on fewer than 50 films")
    assert not [finding for finding, text in notes.items() if "unstable" in text]
    assert "undefined" in notes["Edema"] and set(notes) < {"Edema"} | set(NIH_FINDINGS) - unstable


def test_a_finding_fitted_by_itself_is_marked_as_a_set_is(store, run):
    found = state(store, run, "fixed:0.5", pairs=["Fibrosis:recall:0.9@val", "Mass:precision:0.999@val"])
    notes = states.notes(found, run, "test", np.full(14, 99))
    assert set(notes) == {"Fibrosis", "Mass"}
    assert "recall ≥ 0.9" in notes["Fibrosis"] and "unstable" in notes["Fibrosis"] and "aim" in notes["Mass"]


def test_a_saved_set_stays_flagged_when_its_films_are_evaluated_anew(store, run):
    set_id = store.save_threshold_set(run.prediction_id("test"), "tuned there", "youden", np.full(14, 0.2))
    held = predictions(store, run, "test")
    anew = store.save_predictions(run.run_id, scored_runs.DATASET, "test", list(held.image_ids), held.scores)
    later = replace(run, parts=run.parts | {"test": run.parts["test"] | {"prediction_id": anew}})
    assert "these very films" in states.provenance(state(store, later, set_id), later, "test")[1]
    assert not states.provenance(state(store, later, set_id), later, "val")[1]


def test_an_aim_that_cannot_be_met_is_noted(store, run):
    found = state(store, run, "precision:0.999@val")
    missed = json.loads(json.dumps(found.base.parameters))["not_met"]
    notes = states.notes(found, run, "test", np.full(14, 99))
    assert missed and all("aim" in notes[finding] for finding in missed)


# -- upper lines


def test_upper_lines_of_a_link_are_read_and_written_back(store, run):
    found = state(store, run, pairs=["Mass:0.1@test", "^Mass:0.4", "^Edema:0.9"])
    assert found.uppers == {"Mass": 0.4, "Edema": 0.9} and found.changed == {"Mass": "0.1@test"}
    assert found.pairs == ["Mass:0.1@test", "^Mass:0.4", "^Edema:0.9"]
    assert found.upper_of("Mass") == 0.4 and found.asks
    assert found.upper_of("Hernia") == found.thresholds[found.findings.index("Hernia")]
    crossed = state(store, run, pairs=["Mass:0.5", "^Mass:0.4"])  # lines that cross ask nobody
    assert crossed.upper_of("Mass") == 0.5 and not crossed.asks


@pytest.mark.parametrize("bad", ["^Mass:much", "^Mass:-1", "^Mass:nan", "^Gout:0.4", "^Mass:"])
def test_an_upper_line_that_cannot_be_is_refused_in_words(store, run, bad):
    with pytest.raises(UsageError, match="link"):
        state(store, run, pairs=[bad])


def test_moved_upper_lines_are_kept_and_undone(store, run):
    before = state(store, run)
    none = [None] * 14
    moved = states.after_release(store, run, "test", before, before.thresholds, [], [0.7, *none[1:]])
    assert moved.uppers == {run.findings[0]: 0.7} and not moved.changed
    assert states.after_release(store, run, "test", moved, before.thresholds, [], none).uppers == {}
    assert states.after_release(store, run, "test", moved, before.thresholds, []).uppers == moved.uppers


def test_a_saved_set_brings_its_upper_lines_and_a_link_may_take_them_away(store, run):
    kept = store.save_threshold_set(run.prediction_id("val"), "two lines", "manual", np.full(14, 0.2),
                                    parameters={"upper": {"Mass": 0.6, "Edema": "high", "Hernia": 7}})
    found = state(store, run, kept)
    assert found.uppers == {"Mass": 0.6} and found.pairs == []
    assert state(store, run, kept, pairs=["^Mass:none"]).uppers == {}
    assert state(store, run, kept, pairs=["^Mass:none"]).pairs == ["^Mass:none"]
