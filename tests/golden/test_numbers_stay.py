"""All measures of a fixed run stay as they are until they are changed on purpose, with a reason (some 10 s)."""

import ast
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import golden_file
import pytest
from source_tree import MODULES, tree

HOW = ('\nIf they changed on purpose: python tests/made/golden_file.py --reason "why"')
NOT_SHOWN = {  # public functions of cxrcore/measures that no golden number comes from, and why
}


@pytest.fixture(scope="module")
def now():
    """The measures as they are now, and the functions of cxrcore/measures that were called for them."""
    with called() as names:
        found = golden_file.numbers([group for group in golden_file.GROUPS if group != "store"])
    return found | golden_file.numbers(["store"]), names


@contextmanager
def called() -> Iterator[set[tuple[str, str]]]:
    """(file, function) of all that is called in the block."""
    names: set[tuple[str, str]] = set()

    def note(frame, event, _):
        if event == "call":
            names.add((frame.f_code.co_filename, frame.f_code.co_name))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield names
    finally:
        sys.setprofile(before)


def test_no_measure_has_moved(now):
    changed = golden_file.moved(golden_file.kept()["measures"], now[0])
    assert not changed, f"{len(changed)} measures moved:\n" + "\n".join(changed) + HOW


def test_every_public_function_of_the_measures_has_a_part_in_them(now):
    left = set()
    for name in sorted(MODULES):
        if name.startswith("cxrcore.measures."):
            public = {node.name for node in tree(name).body if isinstance(node, ast.FunctionDef)
                      and not node.name.startswith("_")}
            left |= {f"{name.removeprefix('cxrcore.measures.')}.{one}" for one in public
                     if (str(MODULES[name]), one) not in now[1]}
    assert sorted(left) == sorted(NOT_SHOWN)


def test_the_numbers_are_those_of_the_last_reason():
    held = golden_file.kept()
    assert held["reasons"][-1]["checksum"] == golden_file.checksum(held["measures"]), "edited by hand" + HOW
    assert all(len(one["reason"]) >= golden_file.SHORTEST_REASON and one["moved"] for one in held["reasons"])
    assert len(golden_file.leaves(held["measures"])) > 3_000 and set(held["measures"]) == set(golden_file.GROUPS)


def test_what_moved_is_told_by_its_name_with_old_and_new():
    old = {"metrics": {"auroc": {"Mass": 0.81, "Hernia": None, "Edema": 0.5}, "verdict": "tied", "n": 3}}
    assert golden_file.moved(old, old) == []
    near = {"metrics": old["metrics"] | {"auroc": {"Mass": 0.81 + 1e-11, "Hernia": None, "Edema": 0.5}}}
    assert golden_file.moved(old, near) == []
    new = {"metrics": {"auroc": {"Mass": 0.8100001, "Hernia": 0.0, "Nodule": 0.7}, "verdict": "better", "n": True}}
    assert golden_file.moved(old, new) == [
        "metrics / auroc / Edema: 0.5 -> gone", "metrics / auroc / Hernia: undefined -> 0.0",
        "metrics / auroc / Mass: 0.81 -> 0.8100001", "metrics / auroc / Nodule: new, 0.7",
        "metrics / n: 3 -> True", "metrics / verdict: tied -> better"]


def test_the_file_is_rewritten_with_a_reason_alone(tmp_path, monkeypatch, capsys):
    measures = {"metrics": {"auroc": {"Mass": 0.81}}}
    monkeypatch.setattr(golden_file, "numbers", lambda: measures)
    file = tmp_path / "measures.json"
    for reason in ("", "because", " " * 40):
        with pytest.raises(ValueError, match="say why"):
            golden_file.rewrite(reason, file)
    assert not file.exists()
    golden_file.rewrite("The first numbers of this test.", file)
    with pytest.raises(ValueError, match="nothing to write"):
        golden_file.rewrite("There is no change that this could be of.", file)
    measures = {"metrics": {"auroc": {"Mass": 0.82}}}
    golden_file.rewrite("Ties count for half, as in the paper.", file)
    held = json.loads(file.read_text())
    assert [one["reason"] for one in held["reasons"]] == [
        "The first numbers of this test.", "Ties count for half, as in the paper."]
    assert held["measures"] == measures and held["reasons"][-1]["groups"] == ["metrics"]
    monkeypatch.setattr(golden_file, "kept", lambda: held)
    monkeypatch.setattr(sys, "argv", ["golden_file.py"])
    assert golden_file.main() == 0 and "no measure" in capsys.readouterr().out
    measures = {"metrics": {"auroc": {"Mass": 0.83}}}
    assert golden_file.main() == 1 and "Mass: 0.82 -> 0.83" in capsys.readouterr().out
