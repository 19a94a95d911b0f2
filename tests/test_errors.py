"""The product's errors are one line for a person, whatever they quote."""

import pytest

from cxrcore.errors import LONGEST, DataError, WorkbenchError


@pytest.mark.parametrize(("quoted", "said"), [
    ("a\nb", "a b"), ("a \r\n\t b", "a b"), ("a\u2028b", "a b"), ("a\u202eb", "a\\u202eb"), ("a\0b", "a\\x00b"),
    ("a\ud800b", "a\\ud800b"), ("\ufeffid", "\\ufeffid"), ("é ½ “x”  y", "é ½ “x”  y"), ("", "")])
def test_an_error_is_one_line_of_signs_that_are_seen(quoted, said):
    error = DataError(f"there is no '{quoted}' here")
    assert str(error) == f"there is no '{said}' here" and f"{error}".encode()
    assert error.args == (f"there is no '{quoted}' here",)


def test_an_error_that_quotes_much_keeps_its_beginning_and_its_end():
    text = str(WorkbenchError(f"there is no '{'x' * 100_000}': it may have been deleted"))
    assert text.startswith("there is no 'xxx") and text.endswith("x': it may have been deleted")
    assert len(text) == LONGEST
    assert str(WorkbenchError("y" * LONGEST)) == "y" * LONGEST
