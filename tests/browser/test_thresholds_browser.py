"""The threshold board as people use it: mouse, touch and keyboard, against scikit-learn on the full data."""

import json
import urllib.parse
from pathlib import Path

import numpy as np
import pytest
from picking import PATIENCE, answered, settle
from playwright.sync_api import expect
from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score

from cxrcore.charts.board.payload import RunCounts, pack
from cxrcore.config import PROJECT_ROOT
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.metrics import Counts, confusion, macro
from cxrcore.measures.thresholds.positions import sort_scores

pytestmark = pytest.mark.browser

BOARD = PROJECT_ROOT / "cxrcore" / "charts" / "board"
TABLE = Path(__file__).parents[1] / "measures" / "thresholds" / "decision_cases.json"
CASES = json.loads(TABLE.read_text(encoding="utf-8"))
METRICS = ("threshold", "f1", "recall", "precision", "specificity", "tp", "fp", "fn", "tn", "delta")
TOTALS = ("macro_f1", "micro_f1", "macro_recall", "micro_recall")
DASH = "–"
HALF = 0.000501  # of the last digit that is shown
SHORT, LONG = (56, 4), (1000, 10)  # random positions, and those of one drag; each finding is dragged
READ = """finding => {
  const find = (root, query) => {
    const hit = root.querySelector?.(query);
    if (hit) return hit;
    for (const node of root.querySelectorAll("*")) {
      const inner = node.shadowRoot && find(node.shadowRoot, query);
      if (inner) return inner;
    }
    return null;
  };
  const root = find(document, '[data-testid="threshold-board"]');
  const texts = (inside) => Object.fromEntries([...inside.querySelectorAll("[data-metric]")].map(
    (cell) => [cell.dataset.metric, cell.textContent]));
  return { row: texts(root.querySelector(`[data-finding="${finding}"]`)), totals: texts(root.querySelector(".totals")),
           thresholds: [...root.querySelectorAll("[data-finding] [data-metric=threshold]")].map((c) => c.textContent) };
}"""


@pytest.fixture(scope="module")
def store(lab):
    return lab


@pytest.fixture(scope="module")
def address(address_of, store):
    return address_of(store.path)


@pytest.fixture(scope="module")
def films(store):
    """Labels and scores of the first run on test."""
    sets = store.prediction_sets(_runs(store)[0])
    return store.predictions(sets[sets["split"] == "test"]["prediction_id"].iloc[0])


def _runs(store) -> list[str]:
    return list(store.runs()["run_id"][::-1])


def _open(page, address, store, n_runs: int = 1, **parameters) -> None:
    query = urllib.parse.urlencode([("run", run_id) for run_id in _runs(store)[:n_runs]] + list(parameters.items()))
    page.goto(f"{address}/thresholds?{query}")
    page.wait_for_selector('[data-testid="threshold-board"] [data-finding="Hernia"]')
    settle(page)


def _row(page, finding):
    return page.locator(f'[data-finding="{finding}"]')


def _cell(page, finding, metric) -> str:
    return _row(page, finding).locator(f'[data-metric="{metric}"]').text_content()


def _handle(page, finding):
    """Where the handle of a row is, and the box of its slider."""
    slider = _row(page, finding).get_by_role("slider", name=finding.replace("_", " ").capitalize(), exact=True)
    slider.scroll_into_view_if_needed()
    settle(page)
    box = slider.bounding_box()
    share = int(slider.input_value()) / int(slider.get_attribute("max"))
    return box["x"] + 7 + (box["width"] - 14) * share, box["y"] + box["height"] / 2, box


# -- exact


@pytest.mark.parametrize(("n", "moves"), [SHORT, pytest.param(*LONG, marks=pytest.mark.long)])
def test_every_cell_equals_scikit_learn_wherever_the_line_is_dragged(page, address, store, films, n, moves):
    rng = np.random.default_rng(n)
    _open(page, address, store)
    for drag in range(n // moves):
        finding = NIH_FINDINGS[drag % len(NIH_FINDINGS)]
        x, y, box = _handle(page, finding)
        page.mouse.move(x, y)
        page.mouse.down()
        for _ in range(moves):
            page.mouse.move(box["x"] + rng.uniform(0, box["width"]), y)
            _compare(page.evaluate(READ, finding), finding, films)
        page.mouse.up()


def _compare(shown, finding, films) -> None:
    k = NIH_FINDINGS.index(finding)
    labels, alarm = films.labels[:, k], films.scores[:, k].astype(np.float64) >= float(shown["row"]["threshold"])
    tn, fp, fn, tp = confusion_matrix(labels, alarm, labels=[0, 1]).ravel()
    assert [int(shown["row"][name]) for name in ("tp", "fp", "fn", "tn")] == [tp, fp, fn, tn]
    none, no_alarm = not labels.any(), not alarm.any()
    expected = {"f1": DASH if none else f1_score(labels, alarm),
                "recall": DASH if none else recall_score(labels, alarm),
                "precision": DASH if no_alarm else precision_score(labels, alarm),
                "specificity": recall_score(1 - labels, ~alarm)}
    for name, value in expected.items():
        if value == DASH:
            assert shown["row"][name] == DASH
        else:
            assert float(shown["row"][name]) == pytest.approx(value, abs=HALF)
    counts = confusion(films.labels, films.scores, np.array(shown["thresholds"], np.float64))
    together: Counts = counts.total()
    expected = [macro(counts.f1)[0], float(together.f1), macro(counts.recall)[0], float(together.recall)]
    assert [float(shown["totals"][name]) for name in TOTALS] == pytest.approx(list(expected), abs=HALF)
    assert "13 of 14" in shown["totals"]["excluded"]


def test_edge_cases_count_in_the_browser_as_in_python(page):
    """The table of decision_cases.json, through the board's own bytes and script."""
    scores = [sort_scores(*(np.array(case[name], np.float32) for name in ("labels", "scores"))) for case in CASES]
    at = np.array([case["threshold"] for case in CASES], np.float64)
    names = [case["case"] for case in CASES]
    sent = pack(names, RunCounts("id", "run", "#000000", "solid", scores, at), [], {
        "of": "x", "id": 1, "open": names[0], "thresholds": at.tolist(), "reference": "cases"},
        [[]] * len(CASES), [[]] * len(CASES),
        {})
    page.add_script_tag(content=(BOARD / "counts.js").read_text(encoding="utf-8"))
    rows = page.evaluate("""sent => {
      const { header, ladders } = unpack(new Uint8Array(sent));
      const rows = ladders.map((one, k) => measuresAt(one, placeOf(one.thresholds, header.thresholds[k])));
      const plain = (row) => Object.fromEntries(Object.entries(row).map(
        ([name, value]) => [name, Number.isNaN(value) ? null : value]));
      return { rows: rows.map(plain), overall: plain(overall(rows)) };
    }""", list(sent))
    for case, row in zip(CASES, rows["rows"], strict=True):
        assert row == {name: case[name] for name in row}, case["case"]
    defined = [case for case in CASES if case["f1"] is not None]
    assert rows["overall"]["defined"] == len(defined)
    assert rows["overall"]["macro_f1"] == pytest.approx(np.mean([case["f1"] for case in defined]))


def test_a_typed_threshold_is_kept_as_typed_and_counted(page, address, store, films):
    _open(page, address, store)
    box = _row(page, "Nodule").get_by_role("textbox", name="Threshold")
    for text in ("0.0876543219", "0.05", "1", "0", "1e-5"):
        box.fill(text)
        box.press("Enter")
        page.wait_for_function(f"""value => {{
          const cell = ({READ})("Nodule").row.threshold; return Number(cell) === value; }}""", arg=float(text))
        _compare(page.evaluate(READ, "Nodule"), "Nodule", films)
    assert box.input_value() == "0.00001"
    for wrong in ("1.5", "-0.1", "abc", "NaN", ""):
        box.fill(wrong)
        box.press("Enter")
        assert "number from 0 to 1" in page.get_by_role("status").filter(has_text="threshold").text_content()
        assert float(_cell(page, "Nodule", "threshold")) == 1e-5
    box.press("Escape")
    assert box.input_value() == "0.00001"


# -- what a drag costs and leaves behind


def test_the_server_hears_nothing_until_release_and_the_link_restores_all(own_page, address, store, chromium):
    page, sent = own_page, []
    page.clock.install()
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(1)))
    _open(page, address, store)
    x, y, box = _handle(page, "Effusion")
    page.mouse.move(x, y)
    page.mouse.down()
    sent.clear()
    for step in range(30):
        page.mouse.move(box["x"] + 20 + 3 * step, y)
    page.clock.run_for(1000)  # whatever waits for its time, as the end of key steps does, comes now
    during, shown = len(sent), _cell(page, "Effusion", "f1")
    page.mouse.up()
    page.wait_for_url("**t=Effusion*")
    assert during == 0 and sent
    assert shown == _cell(page, "Effusion", "f1") != "±0"
    row = {metric: _cell(page, "Effusion", metric) for metric in METRICS}
    other = chromium.new_context().new_page()
    other.goto(page.url)
    other.wait_for_selector('[data-finding="Effusion"].open', timeout=PATIENCE)
    assert {metric: _cell(other, "Effusion", metric) for metric in METRICS} == row
    other.context.close()


def test_thresholds_survive_another_page(page, address, store):
    _open(page, address, store)
    slider = _row(page, "Mass").get_by_role("slider")
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_url("**t=Mass*")
    moved = _cell(page, "Mass", "threshold")
    page.get_by_role("link", name="Curves").click()
    page.get_by_role("heading", name="Curves", exact=True).wait_for()
    page.get_by_role("link", name="Thresholds", exact=True).click()
    page.wait_for_selector('[data-finding="Mass"]')
    page.wait_for_function(f"value => ({READ})('Mass').row.threshold === value", arg=moved)
    page.wait_for_url("**t=Mass*")


# -- keyboard, touch, the large charts


def test_the_board_by_keyboard_alone(page, address, store):
    _open(page, address, store)
    before = _cell(page, "Atelectasis", "threshold")
    for _ in range(80):  # from the top of the page, through the menu and the controls
        page.keyboard.press("Tab")
        if page.evaluate(ACTIVE) == "Atelectasis":
            break
    assert page.evaluate(ACTIVE) == "Atelectasis"
    slider = _row(page, "Atelectasis").get_by_role("slider")
    start = int(slider.input_value())
    for key, place in (("ArrowRight", start + 1), ("Shift+ArrowRight", start + 11), ("ArrowLeft", start + 10),
                       ("Shift+ArrowLeft", start), ("End", int(slider.get_attribute("max"))), ("Home", 0)):
        page.keyboard.press(key)
        assert int(slider.input_value()) == place, key
    assert float(_cell(page, "Atelectasis", "recall")) == 1
    assert "recall 1.000" in slider.get_attribute("aria-valuetext")
    page.wait_for_url("**t=Atelectasis*")
    page.keyboard.press("Control+z")
    assert _cell(page, "Atelectasis", "threshold") == before
    page.keyboard.press("Control+Shift+z")
    assert _cell(page, "Atelectasis", "recall") == "1.000"
    page.keyboard.press("Tab")
    page.keyboard.type("0.25")
    page.keyboard.press("Enter")
    page.wait_for_url("**0.25*")
    assert _cell(page, "Atelectasis", "threshold") == "0.25"


@pytest.mark.parametrize("times", [2, pytest.param(6, marks=pytest.mark.long)])
def test_a_key_while_tables_with_a_typed_threshold_are_on_their_way_is_not_undone(page, address, store, times):
    _open(page, address, store)
    slider = _row(page, "Effusion").get_by_role("slider")
    for typed in ("0.251", "0.252", "0.253", "0.254", "0.255", "0.256")[:times]:
        start = int(slider.input_value())
        field = _row(page, "Mass").get_by_role("textbox", name="Threshold")
        field.fill(typed)
        with answered(page):
            field.press("Enter")
            slider.focus()
            for _ in range(8):  # the answer comes between two of them
                page.keyboard.press("ArrowRight")
                page.wait_for_function("() => new Promise((done) => requestAnimationFrame(() => done(true)))")
        page.wait_for_url("**Effusion*")
        settle(page)
        assert (int(slider.input_value()), _cell(page, "Mass", "threshold")) == (start + 8, typed)


ACTIVE = """() => {
  let active = document.activeElement;
  while (active?.shadowRoot) active = active.shadowRoot.activeElement;
  return active?.type === "range" ? active.getAttribute("aria-label") : "";
}"""


def test_undo_and_redo_lead_through_drags_sets_and_typed_values(page, address, store):
    _open(page, address, store)
    seen = [_cell(page, "Edema", "threshold")]
    box = _row(page, "Edema").get_by_role("textbox", name="Threshold")
    for text in ("0.1234567", "0.3"):
        box.fill(text)
        box.press("Enter")
        page.wait_for_url(f"**{text}*")
        seen.append(_cell(page, "Edema", "threshold"))
    page.locator('.aim[data-aim="max_f1@val"]').click()
    page.wait_for_function(f"value => ({READ})('Edema').row.threshold === value", arg=seen[0])
    page.wait_for_url(lambda url: "t=" not in url)
    undo, redo = (page.get_by_role("button", name=name, exact=True) for name in ("Undo", "Redo"))
    for expected in (*seen[:0:-1], seen[0]):
        undo.click()
        page.wait_for_function(f"value => ({READ})('Edema').row.threshold === value", arg=expected)
    assert undo.is_disabled()
    redo.click()
    page.wait_for_function(f"value => ({READ})('Edema').row.threshold === value", arg=seen[1])


def test_a_finger_moves_a_line(chromium, address, store):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    _open(page, address, store)
    x, y, _ = _handle(page, "Cardiomegaly")
    before = _cell(page, "Cardiomegaly", "threshold")
    session = context.new_cdp_session(page)

    def touch(kind: str, *at: float) -> None:
        points = [{"x": at[0], "y": at[1]}] if at else []
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", x, y)
    for step in range(8):
        touch("touchMove", x + 6 * step, y)
    touch("touchEnd")
    assert float(_cell(page, "Cardiomegaly", "threshold")) > float(before)
    page.wait_for_url("**t=Cardiomegaly*")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_the_large_charts_move_the_threshold(page, address, store, films):
    """The histogram, ROC and PR."""
    _open(page, address, store, finding="Pneumothorax")
    for chart in range(3):
        plot = page.locator(".panel .chart svg.plot").nth(chart)
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        before, link = _cell(page, "Pneumothorax", "threshold"), page.url
        page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.3 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.5 * box["height"])
        assert _cell(page, "Pneumothorax", "threshold") != before, chart
        _compare(page.evaluate(READ, "Pneumothorax"), "Pneumothorax", films)
        page.mouse.up()
        page.wait_for_url(lambda url, link=link: "t=Pneumothorax" in url and url != link)
        settle(page)
        shown = page.locator('[data-panel-metric="tp"]').text_content().replace(",", "")
        assert shown == _cell(page, "Pneumothorax", "tp"), chart


def test_other_runs_at_the_same_threshold_or_at_their_own_sets(page, address, store):
    runs = _runs(store)
    _open(page, address, store, n_runs=3, finding="Effusion")
    x, y, _ = _handle(page, "Effusion")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 15, y)
    page.mouse.up()
    k, threshold = NIH_FINDINGS.index("Effusion"), float(_cell(page, "Effusion", "threshold"))
    own = []
    for mode in ("Same threshold", "Each its own set"):
        page.get_by_role("button", name=mode).click()
        for run_id in runs[1:]:
            at = float(page.locator(f'[data-run="{run_id}"] [data-run-metric="threshold"]').get_attribute("data-exact"))
            sets = store.prediction_sets(run_id)
            found = store.predictions(sets[sets["split"] == "test"]["prediction_id"].iloc[0])
            expected = f1_score(found.labels[:, k], found.scores[:, k].astype(np.float64) >= at)
            assert page.locator(f'[data-run="{run_id}"] [data-run-metric="f1"]').text_content() == f"{expected:.3f}"
            own.append(at)
    assert own[:2] == [threshold, threshold] and threshold not in own[2:]


# -- the first screenful, and the aims


def test_all_rows_and_the_totals_are_in_sight_and_totals_stay_when_the_page_is_scrolled(page, address, store):
    page.set_viewport_size({"width": 1440, "height": 900})
    _open(page, address, store)
    answer, totals = page.locator("[data-first-content]"), page.locator(".totals")
    assert answer.bounding_box()["y"] <= 170
    assert page.locator(".row .scores").first.bounding_box()["width"] >= 300
    for place in (totals, _row(page, NIH_FINDINGS[0]), _row(page, NIH_FINDINGS[-1])):
        expect(place).to_be_in_viewport(ratio=1)
    assert page.locator('[data-metric="macro_f1"]').evaluate("e => getComputedStyle(e).fontSize") == "40px"
    page.set_viewport_size({"width": 1280, "height": 720})
    settle(page)
    expect(totals).to_be_in_viewport(ratio=1)
    expect(page.locator("[data-finding]").nth(8)).to_be_in_viewport()
    page.mouse.move(640, 600)
    page.mouse.wheel(0, 260)
    expect(answer).not_to_be_in_viewport()
    expect(totals).to_be_in_viewport(ratio=1)


def test_an_aim_shows_where_it_would_put_all_lines_and_a_click_puts_them_there(page, address, store, films):
    _open(page, address, store)
    before, chip = page.evaluate(READ, "Mass"), page.locator('.aim[data-aim="youden@test"]')
    expect(chip).to_have_count(0)  # fitted on validation unless it is said otherwise
    chip = page.locator('.aim[data-aim="youden@val"]')
    chip.hover()
    expect(page.locator(".preview.on")).to_have_count(len(NIH_FINDINGS))
    promised = page.get_by_role("status").filter(has_text="Youden").text_content()
    assert page.evaluate(READ, "Mass") == before
    ghost = page.locator('[data-finding="Effusion"] .preview').bounding_box()["x"]
    chip.click()
    shown = page.evaluate(READ, "Mass")  # without waiting for the server
    assert shown["thresholds"] != before["thresholds"] and shown["totals"]["macro_f1"] in promised
    _compare(shown, "Mass", films)
    expect(chip).to_have_attribute("aria-pressed", "true")
    assert abs(_handle(page, "Effusion")[0] - ghost) < 3
    page.wait_for_url("**set=youden*")
    assert "Youden's J, fitted on validation" in page.locator("[data-first-content]").text_content()
    page.get_by_role("button", name="Undo", exact=True).click()
    page.wait_for_url(lambda url: "set=" not in url)
    assert page.evaluate(READ, "Mass")["thresholds"] == before["thresholds"]


def test_the_open_line_pulses_until_one_was_dragged(own_page, address, store):
    page = own_page
    _open(page, address, store)
    hint = page.locator(".row.open .hint")
    expect(hint).to_have_css("display", "block")
    page.emulate_media(reduced_motion="reduce")
    assert hint.evaluate("e => getComputedStyle(e, '::after').animationName") == "none"
    _row(page, "Effusion").get_by_role("slider").focus()
    x, y, _ = _handle(page, "Effusion")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y)
    page.mouse.up()
    expect(page.locator(".row.open .hint")).to_have_css("display", "none")
    page.reload()
    page.wait_for_selector('[data-finding="Hernia"]')
    expect(page.locator(".row.open .hint")).to_have_css("display", "none")


# -- forty rows


@pytest.fixture(scope="module")
def forty(address_of, tmp_path_factory):
    """The address of a board of forty rows."""
    import scored_runs  # with all that evaluates, which other files need not

    findings = (*NIH_FINDINGS, *(f"Sign_{k:02d}" for k in range(26)))
    made = scored_runs.make(tmp_path_factory.mktemp("forty") / "store.duckdb", 120, 160, findings=findings)
    return address_of(made.path), made


def test_forty_rows_scroll_so_that_totals_and_the_open_finding_stay_in_sight(page, forty):
    address, store = forty
    page.set_viewport_size({"width": 1440, "height": 900})
    _open(page, address, store, finding="Sign 25")
    table, totals = page.locator('[aria-label="Thresholds and measures of each finding"]'), page.locator(".totals")
    assert table.locator("[data-finding]").count() == 40
    for place in (_row(page, "Sign_25"), page.locator(".heads"), totals):
        expect(place).to_be_in_viewport()
    expect(_row(page, "Atelectasis")).not_to_be_in_viewport()
    box = _row(page, "Sign_25").get_by_role("textbox", name="Threshold")
    box.fill("0.123456")
    box.press("Enter")
    expect(_row(page, "Sign_25").locator('[data-metric="threshold"] .shown')).to_have_text("0.123456")
    expect(_row(page, "Sign_25")).to_be_in_viewport()  # also when new tables have come
    assert "40 findings" in totals.inner_text()
    table.evaluate("node => { node.scrollTop = 0; }")
    page.get_by_role("button", name="Undo").click()
    expect(_row(page, "Sign_25")).to_be_in_viewport()
