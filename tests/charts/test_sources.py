"""What is sent of scripts and styles: all of their code."""

import gzip
import json
import re
from base64 import b64decode
from pathlib import Path

from cxrcore.charts.board import assets
from cxrcore.charts.sources import packed, script, sent

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


def test_a_packed_module_holds_script_and_style_in_far_fewer_bytes():
    module = packed(assets.SCRIPT, assets.STYLE)
    found = re.match(r'const PACKED = "([A-Za-z0-9+/=]+)";\n', module)
    assert json.loads(gzip.decompress(b64decode(found[1]))) == {"script": assets.SCRIPT, "style": assets.STYLE}
    assert len(module) < 0.5 * (len(assets.SCRIPT) + len(assets.STYLE))
    assert packed(assets.SCRIPT, assets.STYLE) == module  # no time in it: a browser may keep it
