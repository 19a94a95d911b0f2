"""The board's modes as people use them, and their numbers against brute force over the films."""

import json
import re

import numpy as np
import pytest
from axe_faults import faults_of
from picking import PATIENCE, answered, settle
from playwright.sync_api import expect

from cxrcore.charts.board import assets
from cxrcore.charts.board.beside import Calibration, Spread, pack_beside
from cxrcore.charts.board.payload import RunCounts, pack
from cxrcore.config import PROJECT_ROOT
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.calibration import fit_calibrator
from cxrcore.measures.decisions.abstention import refer_at_most
from cxrcore.measures.thresholds.positions import sort_scores

pytestmark = pytest.mark.browser

BOARD = PROJECT_ROOT / "cxrcore" / "charts" / "board"
EXACT = 1e-12


@pytest.fixture(scope="module")
def store(lab):
    return lab


@pytest.fixture(scope="module")
def address(address_of, store):
    return address_of(store.path)


@pytest.fixture(scope="module")
def films(store):
    """Labels and scores of the first run on test."""
    run_id = store.runs()["run_id"].iloc[-1]
    sets = store.prediction_sets(run_id)
    return store.predictions(sets[sets["split"] == "test"]["prediction_id"].iloc[0])


def _open(page, address, store, run_id=None, **parameters) -> None:
    run_id = run_id or store.runs()["run_id"].iloc[-1]
    said = "".join(f"&{name}={value}" for name, value in parameters.items())
    page.goto(f"{address}/thresholds?run={run_id}{said}")
    page.wait_for_selector('[data-testid="threshold-board"] [data-finding="Hernia"]')
    settle(page)


def _switch_on(page, *modes) -> None:
    page.get_by_role("button", name="Decide", exact=True).click()
    for mode in modes:
        page.locator(f'[data-mode="{mode}"]').click()


def _value(page, finding, metric) -> float:
    return float(page.locator(f'[data-finding="{finding}"] [data-metric="{metric}"]').get_attribute("data-value"))


def _threshold(page, finding) -> float:
    return float(page.locator(f'[data-finding="{finding}"] [data-metric="threshold"]').text_content())


def _upper_in(address) -> float:
    """Where the upper line of Effusion stands, as the link says."""
    return float(re.search(r"u=Effusion(?:%3A|:)([\d.e-]+)", address)[1])


def _threshold_in(address) -> float:
    return float(re.search(r"t=Effusion(?:%3A|:)([\d.e-]+)", address)[1])


def _upper(page, finding):
    return page.get_by_role("slider", name=f"{finding}, upper line", exact=True)


# -- the numbers, against the films themselves


def _labelled(rng, n=600, share=0.2):
    labels = (rng.random(n) < share).astype(np.float32)
    return labels, rng.beta(1 + 2 * labels, 6).astype(np.float32)


def _counting(page, found, names) -> None:
    """The board's numbers without its elements, on a page of their own."""
    at = np.full(len(names), 0.5)
    sent = pack(names, RunCounts("id", "run", "#000000", "solid", found, at), [], {
        "of": "x", "id": 1, "open": names[0], "thresholds": at.tolist(), "reference": "none"},
        [[]] * len(names), [[]] * len(names), {})
    page.add_script_tag(content="\n".join((BOARD / name).read_text() for name in ("counts.js", "decide.js")))
    page.evaluate("sent => { globalThis.tables = unpack(new Uint8Array(sent)); }", list(sent))


@pytest.fixture
def counted(page):
    """Three findings, one of them without a positive film, and a page that counts them."""
    rng = np.random.default_rng(4)
    films = [_labelled(rng), _labelled(rng, share=0.02), _labelled(rng, share=0)]
    found = [sort_scores(*pair) for pair in films]
    _counting(page, found, ["Mass", "Hernia", "Edema"])
    return films


def test_predictive_values_and_net_benefit_at_any_prevalence_are_bayes_theorem(page, counted):
    places = page.evaluate("""() => tables.ladders.map((one) => Array.from({ length: 60 }, (_, i) => {
      const place = Math.floor(i * (one.thresholds.length - 1) / 59);
      const now = measuresAt(one, place);
      return [one.thresholds[place],
              [0.001, 0.05, 0.4, 0.97].map((p) => [p, atPrevalence(now, p), netBenefit(now, 7, p)]),
              [0.2, 1, 9, 500].map((ratio) => [ratio, netBenefit(now, ratio)])];
    }))""")
    for (labels, scores), rows in zip(counted, places, strict=True):
        for threshold, at, worths in rows:
            alarm, has = scores.astype(np.float64) >= threshold, labels == 1
            for ratio, worth in worths:
                expected = (alarm & has).mean() - (alarm & ~has).mean() / ratio
                assert worth == pytest.approx(expected, abs=EXACT)
            for p, told, worth in at:
                if not has.any():
                    assert np.isnan(worth) and all(np.isnan(value) for value in told.values())
                    continue
                recall, specificity = alarm[has].mean(), (~alarm)[~has].mean()
                hit, wrong = p * recall, (1 - p) * (1 - specificity)
                rest, missed = (1 - p) * specificity, p * (1 - recall)
                expected = [np.nan if not alarm.any() else hit / (hit + wrong),
                            np.nan if alarm.all() else rest / (rest + missed), 1000 * (hit + wrong), 1000 * missed]
                names = ("ppv", "npv", "alarms_per_1000", "misses_per_1000")
                assert [told[name] for name in names] == pytest.approx(expected, abs=1000 * EXACT, rel=EXACT,
                                                                       nan_ok=True)
                assert worth == pytest.approx(hit - wrong / 7, abs=EXACT)


def test_the_band_counts_as_the_films_do_at_random_pairs(page, counted):
    rng = np.random.default_rng(0)
    for k, (labels, scores) in enumerate(counted):
        shares = np.sort(rng.random((334, 2)), axis=1).tolist()  # of three findings: 1,002 pairs
        for lower, upper, band in page.evaluate("""([k, shares]) => shares.map((pair) => {
          const one = tables.ladders[k];
          const [a, b] = pair.map((share) => Math.floor(share * one.thresholds.length));
          return [one.thresholds[a], one.thresholds[b], bandAt(one, a, b)];
        })""", [k, shares]):
            wide, has = scores.astype(np.float64), labels == 1
            yes, no = wide >= upper, wide < lower
            decided = yes | no
            tp, fp, missed = ((yes & has).sum(), (yes & ~has).sum(), (no & has).sum())
            assert [band[name] for name in ("tp", "fp", "missed", "referred", "tn")] == [
                tp, fp, missed, (~decided).sum(), (no & ~has).sum()]
            assert band["referred_share"] == (~decided).mean()
            expected = [tp / (tp + missed) if tp + missed else np.nan, tp / (tp + fp) if tp + fp else np.nan,
                        2 * tp / (2 * tp + fp + missed) if tp + missed else np.nan]
            assert [band[name] for name in ("recall", "precision", "f1")] == pytest.approx(expected, abs=EXACT,
                                                                                           nan_ok=True)


def test_aims_of_the_band_and_of_the_ratio_are_the_best_of_all_positions(page, counted):
    told = page.evaluate("""() => tables.ladders.map((one) => ({
      thresholds: [...one.thresholds], tp: [...one.tp], fp: [...one.fp],
      refer: [0, 0.05, 0.2, 1].map((share) => [share, referAtMost(one, share)]),
      miss: [0, 3, 1000].map((most) => [most, missAtMost(one, most)]),
      best: [0.5, 10, 200].map((ratio) => [ratio, bestForRatio(one, ratio), bestForRatio(one, ratio, 0.01)]),
      range: worthOfBest(one, 0.03) }))""")
    for (labels, _), one in zip(counted, told, strict=True):
        tp, fp = np.array(one["tp"], float), np.array(one["fp"], float)
        positives, n = labels.sum(), len(labels)
        alarms, decided = tp + fp, positives - tp[:, None] + tp[None, :]
        referred = alarms[:, None] - alarms[None, :]
        with np.errstate(invalid="ignore", divide="ignore"):
            f1 = 2 * tp[None, :] / (tp[None, :] + fp[None, :] + decided)
        upward = np.arange(len(tp))[:, None] <= np.arange(len(tp))[None, :]
        for share, pair in one["refer"]:
            allowed = upward & (referred <= share * n) & (decided > 0)
            if not allowed.any():
                assert pair is None
                continue
            lower, upper = pair
            best = f1[allowed].max()
            assert allowed[lower, upper] and f1[lower, upper] == best
            assert referred[lower, upper] == referred[allowed & (f1 == best)].min()
        for most, (lower, upper) in one["miss"]:
            assert lower == np.flatnonzero(positives - tp <= most).max()
            if positives:
                above = f1[lower, lower:]
                assert f1[lower, upper] == np.nanmax(above)
                assert referred[lower, upper] == referred[lower, lower:][above == np.nanmax(above)].min()
        for ratio, own, elsewhere in one["best"]:
            worth = tp / n - fp / n / ratio
            assert worth[own] == pytest.approx(worth.max(), abs=EXACT)
            if positives:
                worth = 0.01 * tp / positives - 0.99 * fp / (n - positives) / ratio
                assert worth[elsewhere] == pytest.approx(worth.max(), abs=EXACT)
        if positives:
            _worth_more_than_both(one["range"], tp / positives, fp / (n - positives), 0.03)


def _worth_more_than_both(stretch, recall, false, prevalence) -> None:
    """The ratios at which some line beats an alarm for all and for none are those of the stretch, and no others."""
    low, high = (np.inf if value is None else value for value in stretch)
    for ratio in np.geomspace(0.05, 5000, 400):
        worth = (prevalence * recall - (1 - prevalence) * false / ratio).max()
        both = max(0, prevalence - (1 - prevalence) / ratio)
        assert (worth > both + EXACT) == (low < ratio < high) or min(abs(ratio / low - 1), abs(ratio / high - 1)) < 1e-3


def test_the_decision_curve_is_that_of_calibrated_scores_at_their_cut_offs(page, counted):
    labels, scores = counted[0]
    made = fit_calibrator(labels[:, None], scores[:, None], ["Mass"], "platt")
    platt = {"scale": float(made.maps["Mass"]["scale"]), "bias": float(made.maps["Mass"]["bias"]), "prevalence": 0.2}
    points = page.evaluate("platt => decisionCurve(tables.ladders[0], platt, 0.2)", platt)
    probable = made(scores[:, None])[:, 0]
    recall = [(t, p["worth"]) for p in points[5:-5:23] if 0.001 < (t := 1 / (1 + p["ratio"])) < 0.999]
    assert len(recall) > 10
    for t, worth in recall:
        alarm, has = probable >= t - 1e-9, labels == 1
        expected = 0.2 * alarm[has].mean() - 0.8 * alarm[~has].mean() * t / (1 - t)
        assert worth == pytest.approx(expected, abs=1e-9)


def test_tables_of_prevalences_are_read_as_people_write_them(page, counted):
    read = """text => readPrevalences(text, ["Mass", "Pleural_Thickening"].map(
      (name) => ({ name, title: name.replace("_", " ") })))"""
    table = 'finding,prevalence\n"Mass", 2,5 %\npleural thickening\t0.04\nGout 0.1\nMass'
    assert page.evaluate(read, table) == {"found": {"Mass": 0.025, "Pleural_Thickening": 0.04}, "unknown": ["Gout"],
                                          "wrong": ["Mass"]}
    for bad in ("0", "1", "1.2", "-0.1", "100 %", "0 %", "", "many", "1e-400"):
        assert np.isnan(page.evaluate("text => readPrevalence(text)", bad)), bad
        assert page.evaluate(read, f"Mass {bad}")["found"] == {}, bad
    assert [page.evaluate("text => readRatio(text)", text) for text in ("9", "0.5", "2,5")] == [9, 0.5, 2.5]
    assert all(np.isnan(page.evaluate("text => readRatio(text)", text)) for text in ("0", "-3", "", "x", "Infinity"))


# -- the page


def test_at_rest_nothing_of_the_modes_is_there(page, address, store):
    _open(page, address, store)
    for query in (".decide", ".modes", ".mode-panel", ".strip", "input.upper", '[data-control="prevalence"]'):
        assert page.locator(f'[data-testid="threshold-board"] {query}').count() == 0
    _switch_on(page, "place", "worth", "ask")
    assert page.locator('[data-finding] [data-metric="ppv"]').count() == len(NIH_FINDINGS)
    page.get_by_role("button", name="Decide", exact=True).click()
    assert page.locator('[data-testid="threshold-board"] :is(.decide, .modes, input.upper)').count() == 0


def test_numbers_at_your_place_follow_the_drag_and_the_dial(page, address, store, films):
    _open(page, address, store, finding="Effusion")
    _switch_on(page, "place", "worth")
    page.locator('.decide [data-control="prevalence"]').fill("3 %")
    page.locator('[data-finding="Mass"] [data-control="prevalence"]').fill("0.4")
    page.locator('[data-finding="Mass"] [data-control="harm-ratio"]').fill("25")
    page.locator('[data-finding="Mass"] [data-control="harm-ratio"]').press("Enter")
    slider = page.locator('[data-finding="Mass"]').get_by_role("slider", name="Mass", exact=True)
    for steps in ("PageDown", "PageUp", "ArrowRight"):
        slider.press(steps)
        for finding, p, ratio in (("Mass", 0.4, 25), ("Effusion", 0.03, 10)):
            k = NIH_FINDINGS.index(finding)
            alarm, has = films.scores[:, k].astype(np.float64) >= _threshold(page, finding), films.labels[:, k] == 1
            hit, wrong = p * alarm[has].mean(), (1 - p) * alarm[~has].mean()
            assert _value(page, finding, "ppv") == pytest.approx(hit / (hit + wrong), abs=EXACT)
            assert _value(page, finding, "net_benefit") == pytest.approx(hit - wrong / ratio, abs=EXACT)
    assert page.locator('[data-finding="Hernia"] [data-metric="ppv"]').text_content() == "–"  # no film has it
    page.locator('[data-preset="films"]').click()
    assert _value(page, "Effusion", "ppv") == pytest.approx(
        float(page.locator('[data-finding="Effusion"] [data-metric="precision"]').text_content()), abs=0.000501)


def test_intervals_come_after_the_mode_and_hold_the_value(page, address, store):
    _open(page, address, store, finding="Effusion")
    _switch_on(page, "place")
    cell = page.locator('[data-panel-interval="ppv"][data-low]')
    expect(cell).to_have_count(1)
    ends = [float(cell.get_attribute(name)) for name in ("data-low", "data-high")]
    assert ends[0] < _value(page, "Effusion", "ppv") < ends[1] and ends[1] - ends[0] < 0.3
    page.locator('[data-finding="Effusion"] [data-control="prevalence"]').fill("0.01")
    page.keyboard.press("Enter")
    assert float(cell.get_attribute("data-high")) < ends[0]
    assert float(cell.get_attribute("data-low")) < _value(page, "Effusion", "ppv")


def test_what_cannot_be_is_said_at_its_field_and_the_rest_works(page, address, store):
    _open(page, address, store, finding="Mass")
    _switch_on(page, "place", "worth", "ask")
    row = page.locator('[data-finding="Mass"]')
    before = _value(page, "Mass", "ppv")
    for control, bad in (("prevalence", "0"), ("prevalence", "1"), ("harm-ratio", "0"), ("harm-ratio", "-2")):
        box = row.locator(f'[data-control="{control}"]')
        box.fill(bad)
        box.press("Enter")
        expect(box).to_have_attribute("aria-invalid", "true")
        expect(row.get_by_role("alert")).to_contain_text(f"“{bad}”")
        assert _value(page, "Mass", "ppv") == before
    for control, bad in (("prevalence", "1"), ("harm-ratio", "0")):
        page.locator(f'.decide [data-control="{control}"]').fill(bad)
        page.locator(f'.decide [data-control="{control}"]').press("Enter")
        expect(page.locator(".decide").get_by_role("alert").filter(has_text=f"“{bad}”")).to_have_count(1)
    page.locator(".decide summary").click()
    page.locator('[data-control="prevalence-table"]').fill("Gout 0.1\nMass 0.5\nEdema 2")
    page.locator('[data-take="table"]').click()
    said = page.locator(".decide .of-place").get_by_role("alert")
    expect(said).to_contain_text("No finding of this board: Gout. Not between 0 and 1: Edema 2. 1 taken.")
    assert _value(page, "Mass", "ppv") != before
    upper = row.get_by_role("textbox", name="Mass, upper threshold")
    upper.fill("0.0000001")
    upper.press("Enter")
    expect(row.get_by_role("alert")).to_contain_text("the lines would cross")
    page.locator('[data-scope="all"]').click()
    page.locator('[data-aim="refer-at-most"]').click()
    expect(page.locator(".decide .of-ask").get_by_role("alert")).to_contain_text("Hernia")


def test_two_lines_are_dragged_apart_stand_in_the_link_and_are_asked_about_on_other_pages(page, address, store, films):
    _open(page, address, store, finding="Effusion")
    _switch_on(page, "ask")
    upper = _upper(page, "Effusion")
    upper.scroll_into_view_if_needed()
    settle(page)
    box = upper.bounding_box()
    place = int(upper.input_value()) / int(upper.get_attribute("max"))
    x, y = box["x"] + 7 + (box["width"] - 14) * place, box["y"] + box["height"] / 3
    with answered(page):
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 20, y)
        page.mouse.move(x + 45, y)
        page.mouse.up()
    page.wait_for_url("**u=Effusion*")
    k = NIH_FINDINGS.index("Effusion")
    high = _upper_in(page.url)
    low, scores, has = _threshold(page, "Effusion"), films.scores[:, k].astype(np.float64), films.labels[:, k] == 1
    asked = (scores >= low) & (scores < high)
    assert asked.any() and _value(page, "Effusion", "referred") == asked.mean()
    assert _value(page, "Effusion", "decided_recall") == has[scores >= high].sum() / has[~asked].sum()
    shown = _value(page, "Effusion", "referred")
    page.reload()  # the link alone brings both lines back
    expect(_upper(page, "Effusion")).to_have_count(1)
    assert _value(page, "Effusion", "referred") == shown
    page.keyboard.press("Escape")
    for key, change in (("ArrowRight", 1), ("Home", -1)):
        before = _value(page, "Effusion", "referred")
        _upper(page, "Effusion").press(key)
        assert (_value(page, "Effusion", "referred") - before) * change >= 0
    assert _value(page, "Effusion", "referred") == 0  # the upper line stops at the lower one
    page.keyboard.press("Control+z")
    page.wait_for_function("""() => location.search.includes("u=Effusion")""")
    asked = (scores >= low) & (scores < _upper_in(page.url))
    page.goto(page.url.replace("/thresholds", "/cases") + "&films=Referred+to+a+person")
    expect(page.get_by_text(f"Effusion: {asked.sum():,} films referred to a person")).to_be_visible()


def test_a_finger_moves_the_upper_line_and_a_tap_explains_each_new_number(chromium, address, store):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    _open(page, address, store, finding="Effusion")
    _switch_on(page, "place", "worth", "ask")
    upper = _upper(page, "Effusion")
    upper.scroll_into_view_if_needed()
    settle(page)
    box, place = upper.bounding_box(), int(upper.input_value()) / int(upper.get_attribute("max"))
    x, y = box["x"] + 7 + (box["width"] - 14) * place, box["y"] + box["height"] / 3
    session = context.new_cdp_session(page)
    for kind, at in (("touchStart", x), *(("touchMove", x + 6 * step) for step in range(8)), ("touchEnd", None)):
        points = [] if at is None else [{"x": at, "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_url("**u=Effusion*")
    assert _value(page, "Effusion", "referred") > 0
    row = page.locator('[data-finding="Effusion"]')
    for metric in ("ppv", "npv", "alarms_per_1000", "misses_per_1000", "net_benefit", "referred", "decided_recall",
                   "decided_precision", "decided_f1", "misses_left"):
        row.locator(f'[data-metric="{metric}"]').tap()
        expect(page.locator("#term")).to_contain_text("Range: ")
        page.keyboard.press("Escape")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_f1_is_said_to_be_the_lower_lines_once_in_the_mode_and_once_in_the_panel(page, address, store):
    _open(page, address, store, finding="Effusion")
    assert page.locator(".lower-alone").count() == 0
    _switch_on(page, "ask")
    for place in (".decide", ".panel"):
        assert "lower line alone" in page.locator(f"{place} .lower-alone").text_content()


def test_refer_at_most_is_solved_over_every_score_after_a_click(page, address, store, films):
    _open(page, address, store, finding="Effusion")
    _switch_on(page, "ask")
    settle(page)  # what the mode asked for has come, and its line is not built anew under the click
    page.locator('[data-control="refer-at-most"]').fill("5")
    page.locator('[data-aim="refer-at-most"]').click()
    page.wait_for_url("**u=Effusion*")
    low, high = _threshold_in(page.url), _upper_in(page.url)
    k = NIH_FINDINGS.index("Effusion")
    bands = refer_at_most(films.labels[:, [k]], films.scores[:, [k]], 0.05)
    assert (low, high) == (bands.lower[0], bands.upper[0])
    settle(page)
    scores, has = films.scores[:, k].astype(np.float64), films.labels[:, k] == 1
    tp, fp, missed = ((scores >= high) & has).sum(), ((scores >= high) & ~has).sum(), ((scores < low) & has).sum()
    assert _value(page, "Effusion", "decided_f1") == 2 * tp / (2 * tp + fp + missed)


# -- the film strip

FATES = {(1, 2): "caught", (0, 2): "false", (1, 1): "asked", (0, 1): "asked", (1, 0): "missed", (0, 0): "quiet"}


def _best(store) -> str:
    """The run whose scores reach farthest over the axis."""
    return store.leaderboard().query("split == 'test'").set_index("run_id")["auroc"].idxmax()


def _tiles(page):
    return page.evaluate("""() => [...document.querySelector('[data-testid="stMain"]').querySelectorAll("*")]
      .map((e) => e.shadowRoot).filter(Boolean).flatMap((root) => [...root.querySelectorAll(".tile")])
      .map((e) => [e.dataset.film, e.dataset.fate, parseFloat(e.style.left)])""")


def _fates(phantoms, tiles, low, high) -> tuple[list, list]:
    """What each tile has to say, and the scores in the tiles' order."""
    sets = phantoms.store.prediction_sets(_best(phantoms.store)).set_index("split")
    found = phantoms.store.predictions(sets.loc["test", "prediction_id"])
    rows = [int(np.flatnonzero(found.image_ids == film)[0]) for film, *_ in tiles]
    k = NIH_FINDINGS.index("Effusion")
    scores = found.scores[rows, k].astype(np.float64)
    places = (scores >= low).astype(int) + (scores >= high)
    return [FATES[int(label), int(place)] for label, place in zip(found.labels[rows, k], places, strict=True)], scores


def test_films_stand_at_their_scores_and_their_fates_follow_both_lines(page, served, phantoms):
    _open(page, served, phantoms.store, _best(phantoms.store), finding="Effusion")
    _switch_on(page, "ask", "films")
    expect(page.locator(".strip .tile").first).to_be_attached()
    settle(page)
    tiles = _tiles(page)
    assert 40 < len(tiles) <= 600
    slider = page.locator('[data-finding="Effusion"]').get_by_role("slider", name="Effusion", exact=True)
    for line, keys in ((_upper(page, "Effusion"), 9 * ["PageUp"]), (slider, 4 * ["PageDown"])):
        with answered(page):
            for key in keys:
                line.press(key)
        low, high = (_threshold_in(page.url) if "t=Effusion" in page.url else _threshold(page, "Effusion"),
                     _upper_in(page.url))
        tiles = _tiles(page)
        wanted, scores = _fates(phantoms, tiles, low, high)
        assert [fate for _, fate, _ in tiles] == wanted and len(set(wanted)) >= 4
        said = page.locator(".strip .fates").text_content()
        for words, fate in (("caught", "caught"), ("missed", "missed"), ("asked about", "asked"),
                            ("rightly left alone", "quiet")):
            assert f"{wanted.count(fate)} {words}" in said
    assert (np.diff(scores) >= 0).all() and (np.diff([left for *_, left in tiles]) >= 0).all()


def test_a_film_of_the_strip_is_large_under_pointer_and_focus_and_a_click_explains_it(page, served, phantoms):
    _open(page, served, phantoms.store, _best(phantoms.store), finding="Effusion")
    _switch_on(page, "films")
    tiles, large = page.locator(".strip .tile"), page.locator(".strip .large")
    expect(tiles.first).to_be_attached()
    settle(page)
    tiles.nth(3).hover()
    expect(large).to_be_visible()
    assert large.text_content().startswith(tiles.nth(3).get_attribute("data-film"))
    page.mouse.move(0, 0)
    expect(large).to_be_hidden()
    tiles.first.focus()
    for key, at in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", -1)):
        page.keyboard.press(key)
        film = _tiles(page)[at][0]
        assert large.text_content().startswith(film) and large.is_visible()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/explain?*film={film}*")
    assert "finding=Effusion" in page.url


def test_a_fingers_first_touch_of_a_film_enlarges_it_and_the_second_explains(chromium, served, phantoms):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    _open(page, served, phantoms.store, _best(phantoms.store), finding="Effusion")
    _switch_on(page, "films")
    tiles = page.locator(".strip .tile")
    expect(tiles.first).to_be_attached()
    settle(page)
    for at in (8, 20):
        tiles.nth(at).tap()
        expect(page.locator(".strip .large")).to_contain_text(tiles.nth(at).get_attribute("data-film"))
        assert "/thresholds" in page.url
    film = tiles.nth(20).get_attribute("data-film")
    tiles.nth(20).tap()
    page.wait_for_url(f"**/explain?*film={film}*")
    context.close()


def test_the_page_of_all_modes_with_the_film_strip_has_no_fault_that_axe_finds(page, served, phantoms):
    _open(page, served, phantoms.store, finding="Effusion")
    _switch_on(page, "place", "worth", "ask", "films")
    expect(page.locator(".strip .tile").first).to_be_attached()
    assert json.dumps([fault["rule"] for fault in faults_of(page)]) == "[]"


@pytest.mark.long  # the page of the test before has all that is on this one
def test_the_page_of_all_modes_has_no_fault_that_axe_finds(page, address, store):
    _open(page, address, store, finding="Effusion")
    _switch_on(page, "place", "worth", "ask")
    assert json.dumps([fault["rule"] for fault in faults_of(page)]) == "[]"


# -- bytes


def test_what_is_sent_besides_is_read_as_it_was(page):
    knots = [np.array([0.1, 0.2, 0.7]), np.array([0.01, 0.5])]
    spread = [Spread(own, np.arange(9.0 * len(own)).reshape(9, -1) / 64) for own in knots]
    sent = pack_beside({"of": "x", "presets": {}, "films": False, "uncalibrated": ""},
                       {"Mass": Calibration(1.5, -0.2, 0.1)}, spread, None)
    page.add_script_tag(content="\n".join((BOARD / name).read_text() for name in (
        "counts.js", "decide.js", "beside.js")))
    told = page.evaluate("""sent => {
      const { header, spread } = unpackBeside(new Uint8Array(sent));
      return { platt: header.platt, spread: spread.map((one) => [[...one.knots], [...one.values]]),
               between: spreadAt(spread[0], 1 / (1 + Math.exp(-(Math.log(1 / 9) + Math.log(1 / 4)) / 2))).ppvLow };
    }""", list(sent))
    assert told["platt"] == {"Mass": {"scale": 1.5, "bias": -0.2, "prevalence": 0.1}}
    assert told["spread"] == [[one.knots.tolist(), one.values.ravel().tolist()] for one in spread]
    assert told["between"] == pytest.approx((spread[0].values[0, 0] + spread[0].values[0, 1]) / 2, abs=1e-6)


def test_the_scripts_of_the_board_are_all_joined():
    assert set(assets.SCRIPTS) - {"../elements.js"} | {"teller.js"} == {path.name for path in BOARD.glob("*.js")}
