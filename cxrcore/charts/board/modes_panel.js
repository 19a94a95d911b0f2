// What the modes add to the open finding: intervals at a prevalence, the decision curve, and what a person is asked.

/** @typedef {{ place: Record<string, HTMLElement>, worth: WorthView | null, words: Record<string, HTMLElement> }} ModesView
 * @typedef {{ root: HTMLElement, width: number, x: (ratio: number) => number, y: (worth: number) => number,
 *             line: SVGElement, mark: SVGElement, rule: SVGElement, ends: [number, number] }} WorthView
 */

const LOWER_ALONE_HERE = "The counts, their links and the points on the curves above are those of the lower line alone, as "
  + "if each film from it on were a yes.";
const WORTH_HEIGHT = 150; // pixels
const WORTH_LEFT = 46; // pixels, for the numbers beside it
const WORTH_STEPS = 60; // of the curve of one line
const RATIO_TICKS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000];

/** @param {Board} board @returns {HTMLElement[]} */
function buildModesPanel(board) {
  const { on } = board.decide;
  board.modesView = { place: {}, worth: null, words: {} };
  const { words } = board.modesView;
  const parts = [];
  if (on.has("place")) parts.push(buildPlacePanel(board));
  if (on.has("worth")) {
    words.worth = element("p", { class: "alarms", title: board.header.meanings.worth_range });
    words.curve = element("p", { class: "alarms" });
    const root = element("div", { class: "worth-chart" });
    board.modesView.worth = /** @type {any} */ ({ root, width: 0 });
    parts.push(element("section", { class: "mode-panel" }, element("h3", {}, "What a miss is worth"), root, words.worth,
                       words.curve));
  }
  if (on.has("ask")) {
    words.ask = element("p", { class: "alarms" });
    parts.push(element("section", { class: "mode-panel" }, element("h3", {}, "Ask a person"), words.ask,
      element("p", { class: "alarms lower-alone" }, LOWER_ALONE_HERE)));
  }
  return parts;
}

/** @param {Board} board */
function buildPlacePanel(board) {
  const { place, words } = board.modesView;
  words.place = element("h3", {});
  words.assumed = element("p", { class: "alarms" });
  const rows = MODE_CELLS.filter(([mode]) => mode === "place").map(([, metric, head]) => {
    place[metric] = element("td", { "data-panel-metric": metric });
    place[`${metric}-interval`] = element("td", { "data-panel-interval": metric });
    return element("tr", {}, element("th", { scope: "row", title: board.header.meanings[metric] }, head), place[metric],
                   place[`${metric}-interval`]);
  });
  const head = element("thead", {}, element("tr", {}, ...["", "Value", "95 % of patient draws"].map((text) =>
    element(text ? "th" : "td", text ? { scope: "col", title: text.startsWith("95") ? board.header.meanings.interval : null }
      : {}, text))));
  return element("section", { class: "mode-panel" }, words.place, element("table", { class: "at-place" }, head,
    element("tbody", {}, ...rows)), words.assumed);
}

// -- the chart, drawn when the finding, its prevalence or the width changes

/** @param {Board} board */
function drawModes(board) {
  const view = board.modesView?.worth;
  if (!view) return;
  const wide = view.root.clientWidth;
  if (!wide) return;
  view.width = wide;
  const k = board.open;
  const [ladder, prevalence] = [board.ladders[k], prevalenceOf(board, k)];
  if (Number.isNaN(prevalence)) {
    view.root.replaceChildren();
    view.width = 0;
    return;
  }
  const { from, to, low, high } = scaleWorth(board, view, wide, prevalence);
  const platt = board.beside?.header.platt?.[board.header.findings[k].name];
  const curve = platt && platt.scale > 0 ? decisionCurve(ladder, platt, prevalence).filter(({ ratio }) =>
    ratio >= from && ratio <= to) : [];
  const ratios = ratioSteps(from, to);
  /** @param {(ratio: number) => number} worth */
  const path = (worth) => clipped(view, ratios.map((ratio) => ({ ratio, worth: worth(ratio) })), low, high);
  view.line = element("svg:path", { class: "this-line" });
  view.rule = element("svg:path", { class: "ghost", d: `M0 0V${WORTH_HEIGHT}` });
  view.mark = element("svg:circle", { class: "dot", r: POINT, fill: board.header.run.colour });
  const ticks = RATIO_TICKS.filter((ratio) => ratio >= from && ratio <= to).filter((_, i, all) => all.length < 8 || i % 2 === 0);
  view.root.replaceChildren(...worthKey(board, curve.length > 0), element("svg:svg", { class: "plot", width: wide,
      height: WORTH_HEIGHT + 2 * FLOOR, role: "img", "aria-label": "Net benefit against how many false alarms a miss is worth" },
    element("svg:path", { class: "axis", d: `M${WORTH_LEFT} 0V${WORTH_HEIGHT}H${wide}` }),
    ...[0, OF_FILMS * prevalence].map((value) => element("svg:text", { x: WORTH_LEFT - 5, "text-anchor": "end",
      y: Math.max(12, view.y(value / OF_FILMS) + 5) }, value ? perThousand(value) : "0")),
    ...ticks.map((ratio) => element("svg:text", { x: view.x(ratio), y: WORTH_HEIGHT + 17, "text-anchor": "middle" }, String(ratio))),
    element("svg:text", { x: wide, y: WORTH_HEIGHT + 37, "text-anchor": "end" }, "A miss is worth so many false alarms →"),
    element("svg:path", { class: "for-none", d: `M${WORTH_LEFT} ${view.y(0)}H${wide}` }),
    element("svg:path", { class: "for-all", d: path((ratio) => prevalence - (1 - prevalence) / ratio) }),
    element("svg:path", { class: "curve", stroke: board.header.run.colour,
                          d: clipped(view, curve.toSorted((a, b) => a.ratio - b.ratio), low, high) }),
    view.line, view.rule, view.mark));
  showWorth(board);
}

/** @param {Board} board @param {WorthView} view @param {number} wide @param {number} prevalence */
function scaleWorth(board, view, wide, prevalence) {
  const ratio = ratioOf(board, board.open);
  const [from, to] = [Math.min(1, ratio / 3), Math.max(300, ratio * 3)];
  const [low, high] = [-0.3 * prevalence, 1.05 * prevalence];
  view.ends = [low, high];
  view.x = (value) => WORTH_LEFT + (wide - WORTH_LEFT) * Math.log(value / from) / Math.log(to / from);
  view.y = (worth) => WORTH_HEIGHT * (high - worth) / (high - low);
  return { from, to, low, high };
}

/** @param {number} from @param {number} to */
function ratioSteps(from, to) {
  return Array.from({ length: WORTH_STEPS + 1 }, (_, i) => from * (to / from) ** (i / WORTH_STEPS));
}

/** @param {WorthView} view @param {{ ratio: number, worth: number }[]} points @param {number} low @param {number} high */
function clipped(view, points, low, high) {
  let pen = "M";
  return points.map(({ ratio, worth }) => {
    if (!(worth >= low && worth <= high)) {
      pen = "M";
      return "";
    }
    const text = `${pen}${view.x(ratio).toFixed(1)} ${view.y(worth).toFixed(1)}`;
    pen = "L";
    return text;
  }).join("");
}

/** @param {Board} board @param {boolean} curve @returns {HTMLElement[]} */
function worthKey(board, curve) {
  /** @param {string} name @param {string} text @param {string} [stroke] */
  const line = (name, text, stroke) => element("span", {}, element("svg:svg", { width: 24, height: 10, "aria-hidden": "true" },
    element("svg:path", { class: name, d: "M0 5h24", stroke })), text);
  return [element("div", { class: "key" }, "Net benefit per 1,000 films:", line("this-line", "this line"),
    ...(curve ? [line("curve", "calibrated scores", board.header.run.colour)] : []), line("for-all", "alarm for all"),
    line("for-none", "for none"))];
}

// -- what moves

/** @param {Board} board */
function showModesPanel(board) {
  const { on } = board.decide;
  if (!on.size || !board.modesView) return;
  if (on.has("place")) showPlace(board);
  if (on.has("worth")) showWorth(board);
  if (on.has("ask")) write(board.modesView.words.ask, askInWords(board));
  if (on.has("films")) showStrip(board);
}

/** @param {Board} board */
function showPlace(board) {
  const k = board.open;
  const { place, words } = board.modesView;
  const prevalence = prevalenceOf(board, k);
  const here = isDialled(board, k) ? "your place" : "as these films have it";
  write(words.place, Number.isNaN(prevalence) ? "No film has it" : `At a prevalence of ${shortPercent(prevalence)} (${here})`);
  const spread = board.beside?.spread?.[k];
  const ends = spread && intervalsAt(spread, board.ladders[k].thresholds[board.at[k]], board.now[k], prevalence);
  for (const [mode, metric, , said] of MODE_CELLS) {
    if (mode !== "place") continue;
    write(place[metric], said(board.decide.values[k][metric]));
    const interval = ends?.[/** @type {keyof Intervals} */ (metric)];
    const node = place[`${metric}-interval`];
    write(node, !interval ? (board.header.alone && !board.beside ? DASH : "…")
      : interval.some(Number.isNaN) ? DASH : `${said(interval[0])} to ${said(interval[1])}`);
    if (interval) [node.dataset.low, node.dataset.high] = interval.map(String);
  }
  const now = board.now[k];
  write(words.assumed, `${ASSUMED} Counted: ${whole(now.tp)} of ${whole(now.tp + now.fn)} with it and ${whole(now.fp)} of `
    + `${whole(now.fp + now.tn)} without it get an alarm.${board.beside?.header.said ? ` ${board.beside.header.said}` : ""}`);
}

/** @param {number} value */
function shortPercent(value) {
  return `${Number((100 * value).toPrecision(3))} %`;
}

/** @param {Board} board */
function showWorth(board) {
  const { worth: view, words } = board.modesView;
  const k = board.open;
  const [prevalence, ratio] = [prevalenceOf(board, k), ratioOf(board, k)];
  write(words.worth, worthInWords(board, k));
  write(words.curve, curveInWords(board, k));
  if (!view?.width || !view.line) return;
  const now = board.now[k];
  const [low, high] = view.ends;
  const first = Math.min(1, ratio / 3);
  const points = ratioSteps(first, Math.max(300, ratio * 3)).map((one) => ({ ratio: one, worth: netBenefit(now, one, prevalence) }));
  view.line.setAttribute("d", clipped(view, points, low, high));
  view.rule.setAttribute("transform", `translate(${view.x(ratio)} 0)`);
  const here = netBenefit(now, ratio, prevalence);
  const there = here >= low && here <= high;
  view.mark.style.display = there ? "" : "none";
  if (there) view.mark.setAttribute("transform", `translate(${view.x(ratio)} ${view.y(here)})`);
}

/** @param {number} value */
const threeFigures = (value) => (value >= 100 ? whole(Math.round(value)) : String(Number(value.toPrecision(3))));

/** @param {Range} range */
function ratiosInWords([from, to]) {
  if (!(from < to)) return "";
  if (!from) return Number.isFinite(to) ? `up to ${threeFigures(to)} false alarms` : "any number of false alarms";
  if (!Number.isFinite(to)) return `${threeFigures(from)} false alarms or more`;
  return `${threeFigures(from)} to ${threeFigures(to)} false alarms`;
}

/** @param {Board} board @param {number} k */
function worthInWords(board, k) {
  const prevalence = prevalenceOf(board, k);
  if (Number.isNaN(prevalence)) return "No film has it, so nothing can be said of what a miss is worth.";
  const line = ratiosInWords(worthRange(board.now[k], prevalence));
  const best = ratiosInWords(bestRange(board, k, prevalence));
  const at = isDialled(board, k) ? `At a prevalence of ${shortPercent(prevalence)}, this` : "This";
  return (line ? `${at} line is worth more than an alarm for every film and more than none while one missed film is as bad as `
    + `${line}.` : `${at} line is worth no more than an alarm for every film, or none, whatever a miss is worth.`)
    + (best ? ` The network’s best line for each ratio is, for ${best}.` : " No line of this network is worth more.");
}

// Does not move with the line: worked out once for a prevalence.
/** @param {Board} board @param {number} k @param {number} prevalence @returns {Range} */
function bestRange(board, k, prevalence) {
  const held = board.bestRange;
  if (held && held.ladder === board.ladders[k] && held.prevalence === prevalence) return held.range;
  board.bestRange = { ladder: board.ladders[k], prevalence, range: worthOfBest(board.ladders[k], prevalence) };
  return board.bestRange.range;
}

/** @param {Board} board @param {number} k */
function curveInWords(board, k) {
  const { beside } = board;
  if (!beside) return board.header.alone ? "" : "The curve of calibrated scores is on its way.";
  const platt = beside.header.platt?.[board.header.findings[k].name];
  if (!platt) return `No curve of the network: it takes calibrated scores, and ${beside.header.uncalibrated}`;
  if (!(platt.scale > 0)) return "No curve of the network: on validation its scores fall where the finding is more common.";
  return `The curve gives an alarm from t = 1 / (1 + ratio) on, of scores calibrated on validation by Platt's map`
    + `${isDialled(board, k) ? ", their odds moved to this prevalence" : ""}. F1 and the counts stay those of these films.`;
}

/** @param {Board} board */
function askInWords(board) {
  const k = board.open;
  const band = bandAt(board.ladders[k], board.at[k], upperAt(board, k));
  if (!band.referred) return "Both lines stand together, so nobody is asked: drag the upper one to the right.";
  return `${whole(band.referred)} of ${whole(band.films)} films (${percent(band.referred_share)}) go to a person, `
    + `${whole(band.referredWith)} of them with the finding. Decided without one: ${whole(band.tp)} found, ${whole(band.fp)} `
    + `false alarms, ${whole(band.missed)} missed, ${whole(band.tn)} rightly left alone.`;
}
