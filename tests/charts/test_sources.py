"""What is sent of scripts and styles: all of their code."""

from pathlib import Path

from cxrcore.charts.sources import script, sent

SOURCE = """/** What it is.
 * More.
 */
export default function draw(one) {
  // why
  const text = "// no comment", share = one /* films */ / 2; // half
  /** @type {number} */ const n = 3;
  return [
    `${text} /* nor here */`, share, n]
}
"""


def test_comments_that_begin_a_line_and_indentation_are_left_out_and_nothing_else(tmp_path: Path):
    (tmp_path / "a.js").write_text(SOURCE)
    (tmp_path / "b.css").write_text("/* one\n   two */\n.a {\n  width: 1px; /* why */\n}\n")
    assert sent(tmp_path / "a.js").splitlines() == [
        "export default function draw(one) {",
        'const text = "// no comment", share = one /* films */ / 2; // half',
        "const n = 3;", "return [", "`${text} /* nor here */`, share, n]", "}"]
    assert sent(tmp_path / "b.css") == ".a {\nwidth: 1px; /* why */\n}\n"
    assert script(tmp_path, "a.js", "a.js").count("export default") == 2
