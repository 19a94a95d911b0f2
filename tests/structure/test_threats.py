"""docs/security.md keeps its word: every threat names a test that is there."""

import ast
import re

from cxrcore.config import PROJECT_ROOT

TEXT = (PROJECT_ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [row for row in re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", TEXT, re.M) if row[0] != "threat"]


def test_every_threat_says_what_is_done_and_names_a_test_that_is_there():
    assert len(ROWS) > 25 and len({threat for threat, *_ in ROWS}) == len(ROWS)
    for threat, done, named in ROWS:
        path, _, test = re.fullmatch(r"`(tests/[\w/]+\.py)(::)(test_\w+)`", named).groups()
        source = ast.parse((PROJECT_ROOT / path).read_text(encoding="utf-8"))
        tests = [node for node in source.body if isinstance(node, ast.FunctionDef) and node.name == test]
        assert len(tests) == 1 and len(done) > 10, threat
        assert not any(re.search(r"skip\b(?!if)", ast.unparse(mark)) for mark in tests[0].decorator_list), threat
        assert any(isinstance(node, ast.Assert) or "raises" in ast.unparse(node) for node in ast.walk(tests[0])), threat


def test_no_row_of_a_table_is_without_a_test():
    lines = [line for line in TEXT.splitlines() if line.startswith("|") and not line.startswith(("| threat", "|---"))]
    assert len(lines) == len(ROWS)
