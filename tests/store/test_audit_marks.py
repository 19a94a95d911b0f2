"""What an import was warned of: read from the run's config, inherited by ensembles, the grave first."""

import json

import pandas as pd
import predictions as made
import pytest

from cxrcore.config import EnsembleConfig, ExportConfig
from cxrcore.evaluation import ensemble
from cxrcore.import_export import examination, export
from cxrcore.import_export.examination import Declared
from cxrcore.import_export.prediction_file import parse_prediction_file
from cxrcore.store import audit_marks
from cxrcore.store.audit_marks import Mark

FILMS = made.table(300)
LEAK = {"name": "Patient overlap", "state": "warned", "text": "LEAK: 82 of these patients"}
TIES = {"name": "Ties", "state": "warned", "text": "rounded?"}
CLEAN = {"name": "Coverage", "state": "passed", "text": "all films"}


def test_warned_questions_of_a_config_the_grave_first():
    marks = audit_marks.of_config({"audit": [TIES, CLEAN, LEAK, LEAK]})
    assert [(mark.name, mark.grave) for mark in marks] == [("Patient overlap", True), ("Ties", False)]
    assert audit_marks.questions(marks) == "Patient overlap, Ties"
    assert audit_marks.in_words(marks[:1]) == "Patient overlap: LEAK: 82 of these patients"
    assert Mark("A question of a later version", "x").grave
    assert Mark("Missing scores", "does it stand for a missing one?").grave  # numbers in their place move AUROC


@pytest.mark.parametrize("config", [{}, {"audit": None}, {"audit": "warned"}, {"audit": [1, "x"]}, {"members": [None]},
                                    {"audit": [{"state": "passed"}]}, {"members": [{"run_id": "gone"}]}])
def test_configs_without_warnings_give_none(config):
    assert audit_marks.of_config(config) == ()


def test_ensembles_of_ensembles_inherit_and_circles_end():
    configs = {"a": {"audit": [LEAK]}, "b": {"members": [{"run_id": "a", "name": "A"}, {"run_id": "b"}]},
               "c": {"members": [{"run_id": "b", "name": "B"}, {"run_id": "c"}]}, "d": {"audit": [CLEAN]}}
    runs = pd.DataFrame({"run_id": list(configs), "config": list(map(json.dumps, configs.values()))})
    found = audit_marks.of_runs(runs)
    assert set(found) == {"a", "b", "c"}
    assert found["b"] == found["c"] == (Mark("Patient overlap", LEAK["text"], "A"),)
    everyone = [{"run_id": str(n), "name": f"M{n}"} for n in range(20)]  # 20! ways lead through them
    found = audit_marks.of_config({"members": everyone}, {str(n): {"members": everyone, "audit": [LEAK]}
                                                          for n in range(20)})
    assert {mark.member for mark in found} == {member["name"] for member in everyone}


def test_of_runs_that_stand_together_a_mean_does_not_repeat_its_members():
    member, others = Mark("Row order", "off"), (Mark("Row order", "off", "A"), Mark("Ties", "many", "B"))
    assert audit_marks.told_once({"A": (member,), "mean": others}) == {
        "A": ["Row order: off"], "mean": ["Ties (member B): many", "as its members here"]}
    assert len(audit_marks.told_once({"mean": others})["mean"]) == 2


def test_a_leak_stays_on_the_run_its_ensemble_and_the_commands_when_the_member_is_gone(store, tmp_path, capsys):
    seen = frozenset(FILMS.images["image_id"][:30])
    run_ids = []
    for place, listed in enumerate((seen, None)):
        file = parse_prediction_file(made.as_csv(made.frame(FILMS, seed=place)), f"{place}.csv", FILMS.findings)
        examined = examination.examine(file, FILMS, Declared(train_list=listed))
        run_ids.append(examination.save_candidate(store, examined, f"m{place}"))
    mean = ensemble.run_ensemble(EnsembleConfig(runs=",".join(run_ids), store=store.key))
    said = "warned at import: Patient overlap (member m0): LEAK: 10 of these patients"
    assert said in capsys.readouterr().out
    store.delete_run(run_ids[0])
    assert set(audit_marks.of_runs(store.runs())) == {mean}
    export.export_all(ExportConfig(store=store.key, out=str(tmp_path / "out")))
    printed = capsys.readouterr().out
    assert printed.count("warned at import") == 1 and said in printed
