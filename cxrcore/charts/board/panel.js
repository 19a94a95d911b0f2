// The open finding, large: histogram, ROC and PR with the operating points travelling along them, the confusion matrix.

/** What moves in the open finding's charts.
 * @typedef {{ dots: SVGElement[], ghost: SVGElement, box: (x: number, y: number) => string,
 *             place: (x: number, y: number) => number[] }} Dots
 * @typedef {{ value: HTMLElement, root: HTMLElement }} Cell
 * @typedef {"tp" | "fp" | "fn" | "tn"} CellName
 * @typedef {{ root: HTMLElement, cells: Record<CellName, Cell> }} Matrix
 * @typedef {{ scores: HTMLElement, roc: HTMLElement, pr: HTMLElement, matrix: Matrix, alarms: HTMLElement,
 *             points: { run: number }[], width: number, quiet: SVGElement, ghost: SVGElement, line: SVGElement, asked: SVGElement,
 *             upper: SVGElement,
 *             rocDots: Dots, prDots: Dots, runs?: HTMLElement[][] }} View
 */

const FLOOR = 22; // pixels below a chart for the axis' texts
const TOP = 8; // pixels above ROC and PR, for an operating point at 1
const LEFT = 26; // pixels beside a chart for the axis' texts
const POINT = 6; // pixels, radius of an operating point
const PER = 1000; // films that the expected alarms are counted for

/** @param {Board} board */
function buildPanel(board) {
  const k = board.open;
  const finding = board.header.findings[k];
  const films = finding.positives + finding.negatives;
  /** @param {string} name */
  const node = (name) => element("div", { class: name });
  /** @type {any} */
  const view = { scores: node("chart scores-chart"), roc: node("chart"), pr: node("chart"), matrix: buildMatrix(board),
                 alarms: element("p", { class: "alarms" }), points: [] };
  board.view = view;
  const inPercent = films ? ` (${(100 * finding.positives / films).toFixed(1)} %)` : "";
  const head = element("div", { class: "panel-head" }, element("h2", {}, finding.title),
    element("span", {}, `${whole(finding.positives)} of ${whole(films)} films${inPercent}`));
  const charts = element("div", { class: "parts" }, element("div", { class: "scored" }, ...buildStrip(board), view.scores),
    element("div", { class: "pair" }, view.roc, view.pr),
    element("div", { class: "counts" }, view.matrix.root, view.alarms, ...buildPromised(board)));
  const parts = [head, ...(board.others.length ? [buildRuns(board)] : []), charts,
                 ...buildModesPanel(board)];
  board.panel.replaceChildren(...parts);
  drawCharts(board);
}

/** @param {Board} board */
function drawCharts(board) {
  const { view } = board;
  const wide = view.scores.clientWidth;
  const side = view.roc.clientWidth;
  if (!wide || !side) return;
  view.width = wide;
  drawScores(board, wide);
  view.points = [{ run: -1 }, ...board.others.map((_, run) => ({ run }))];
  drawCurve(board, view.roc, side, "roc");
  drawCurve(board, view.pr, side, "pr");
  drawStrip(board, wide);
  drawModes(board);
  showPanel(board);
}

// -- ROC and PR

/** @param {Board} board @param {HTMLElement} place @param {number} side @param {"roc" | "pr"} kind */
function drawCurve(board, place, side, kind) {
  const size = side - LEFT;
  const points = kind === "roc" ? rocPoints : prPoints;
  const curves = [board.ladders[board.open], ...board.others.map((run) => run.findings[board.open].curve)];
  /** @param {number} x @param {number} y */
  const at = (x, y) => [LEFT + x * size, (1 - y) * size + TOP];
  /** @param {number} x @param {number} y */
  const box = (x, y) => at(x, y).map((value) => value.toFixed(1)).join(" ");
  const lines = curves.map((curve, i) => element("svg:path", { class: "curve", stroke: runLook(board, i).colour,
    "stroke-dasharray": DASHES[runLook(board, i).dash] ?? "", d: joined(points(curve), box) }));
  const { positives, negatives } = curves[0];
  const prevalence = positives / (positives + negatives || 1);
  const guide = kind === "roc" ? `M${box(0, 0)}L${box(1, 1)}` : `M${box(0, prevalence)}L${box(1, prevalence)}`;
  const titles = kind === "roc" ? ["False positive rate", "Recall", "ROC"] : ["Recall", "Precision", "PR"];
  const dots = curves.map((_, i) => element("svg:circle", { class: "dot", r: i ? POINT - 1 : POINT,
                                                            fill: runLook(board, i).colour }));
  const ghost = element("svg:circle", { class: "ghost-dot", r: POINT });
  board.view[kind === "roc" ? "rocDots" : "prDots"] = { dots, ghost, box, place: at };
  const tall = size + TOP + FLOOR;
  place.replaceChildren(element("svg:svg", { class: "plot", width: side, height: tall, role: "img",
      "aria-label": `${titles[2]} curve with the operating point; drag along it to move the threshold` },
    element("svg:path", { class: "frame", d: `M${box(0, 1)}L${box(0, 0)}L${box(1, 0)}` }),
    element("svg:path", { class: "guide", d: guide }),
    element("svg:text", { x: LEFT - 6, y: 20, "text-anchor": "end" }, "1"),
    element("svg:text", { x: LEFT - 6, y: size + TOP, "text-anchor": "end" }, "0"),
    element("svg:text", { x: LEFT + size, y: tall - 4, "text-anchor": "end" }, `${titles[0]} →`),
    element("svg:text", { transform: `translate(14 ${size + 4}) rotate(-90)`, x: 12 }, `${titles[1]} →`),
    ...lines.toReversed(), ghost, ...dots.toReversed()));
}

/** @type {Record<string, string>} */
const DASHES = { solid: "", dash: "7 4", dot: "2 4", dashdot: "7 3 2 3", longdash: "11 4" };

/** @param {Board} board @param {number} i @returns {RunLook} */
function runLook(board, i) {
  return i ? board.others[i - 1] : board.header.run;
}

/** @param {[number, number][]} points @param {Dots["box"]} box */
function joined(points, box) {
  return points.length ? `M${points.map(([x, y]) => box(x, y)).join("L")}` : "";
}

// -- the runs side by side

/** @param {Board} board */
function buildRuns(board) {
  const same = element("button", { type: "button", class: "tool wide", "aria-pressed": String(board.same),
    title: "All runs at the threshold that is dragged" }, "Same threshold");
  const own = element("button", { type: "button", class: "tool wide", "aria-pressed": String(!board.same),
    title: "The other runs stay at their own thresholds" }, "Each its own set");
  same.onclick = () => switchMode(board, true, same, own);
  own.onclick = () => switchMode(board, false, same, own);
  const rows = [board.header.run, ...board.others].map((run) => {
    const cells = ["threshold", "f1", "recall", "precision"].map((name) => element("td", { "data-run-metric": name }));
    const line = element("svg:svg", { width: 26, height: 12, "aria-hidden": "true" }, element("svg:path", {
      d: "M1 6h24", class: "curve", stroke: run.colour, "stroke-dasharray": DASHES[run.dash] ?? "" }));
    return { root: element("tr", { "data-run": run.run_id }, element("th", { scope: "row", title: run.name }, line,
      element("span", {}, run.name)), ...cells), cells };
  });
  board.view.runs = rows.map((row) => row.cells);
  const head = element("tr", {}, ...["Run", "Threshold", "F1", "Recall", "Precision"].map((text) =>
    element("th", { scope: "col" }, text)));
  return element("div", { class: "runs" }, element("div", { class: "modes", role: "group",
    "aria-label": "Thresholds of the other runs" }, same, own),
    element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows.map((row) => row.root))));
}

/** @param {Board} board @param {boolean} same @param {Element} sameButton @param {Element} ownButton */
function switchMode(board, same, sameButton, ownButton) {
  board.same = same;
  sameButton.setAttribute("aria-pressed", String(same));
  ownButton.setAttribute("aria-pressed", String(!same));
  showPanel(board);
}

// What another run does with the open finding: at the threshold of the board, or at that of its own set.
/** @param {Board} board @param {number} run */
function otherMeasures(board, run) {
  const finding = board.others[run].findings[board.open];
  const place = board.at[board.open];
  return board.same
    ? { ...measures(finding.same.tp[place], finding.same.fp[place], finding.positives, finding.negatives),
        text: board.textAt(board.open, place) }
    : { ...measures(finding.own.tp, finding.own.fp, finding.positives, finding.negatives), text: finding.own.text };
}

// -- what moves

/** @param {Board} board */
function showPanel(board) {
  const { view } = board;
  if (!view?.line) return;
  const k = board.open;
  const ladder = board.ladders[k];
  const last = ladder.thresholds.length - 1;
  const x = board.at[k] / last * view.width;
  view.line.setAttribute("transform", `translate(${x} 0)`);
  view.quiet.setAttribute("width", String(x));
  const yes = upperAt(board, k) / last * view.width;
  view.asked.setAttribute("x", String(x));
  view.asked.setAttribute("width", String(yes - x));
  view.upper.setAttribute("transform", `translate(${yes} 0)`);
  view.ghost.setAttribute("transform", `translate(${board.referenceAt[k] / last * view.width} 0)`);
  const all = [{ ...board.now[k], text: board.textAt(k, board.at[k]), negatives: ladder.negatives },
               ...board.others.map((run, i) => ({ ...otherMeasures(board, i),
                                                  negatives: run.findings[k].negatives }))];
  all.forEach((now, i) => {
    putDot(view.rocDots.dots[i], view.rocDots.box, now.fp / now.negatives, now.recall);
    putDot(view.prDots.dots[i], view.prDots.box, now.recall, now.precision);
    view.runs?.[i].forEach((cell, c) => {
      write(cell, [threeDigits(now.text), share(now.f1), share(now.recall), share(now.precision)][c]);
      if (!c && cell.dataset.exact !== now.text) cell.dataset.exact = cell.title = now.text;
    });
  });
  const before = board.before[k];
  putDot(view.rocDots.ghost, view.rocDots.box, before.fp / ladder.negatives, before.recall);
  putDot(view.prDots.ghost, view.prDots.box, before.recall, before.precision);
  showMatrix(board, all[0]);
  showPromised(board);
  showModesPanel(board);
}

/** @param {SVGElement} dot @param {Dots["box"]} box @param {number} x @param {number} y */
function putDot(dot, box, x, y) {
  const there = !Number.isNaN(x) && !Number.isNaN(y);
  dot.style.display = there ? "" : "none";
  if (there) dot.setAttribute("transform", `translate(${box(x, y)})`);
}

/** @type {Record<CellName, string>} */
const CASES = { tp: "Found", fn: "Missed", fp: "False alarms", tn: "Left alone" }; // as the Cases page has them

/** @param {Board} board @returns {Matrix} */
function buildMatrix(board) {
  /** @param {CellName} name @param {string} title */
  const cell = (name, title) => {
    const value = element("b", { "data-panel-metric": name });
    const link = board.header.alone ? element("span", {}, value) // no Cases page beside it
      : element("a", { href: "cases", target: "_self", title: `${title}: show these films` }, value);
    for (const event of board.header.alone ? [] : ["pointerenter", "focus", "click"]) {
      link.addEventListener(event, () => leadTo(board, link, name));
    }
    return { value, root: element("td", { class: `of-${name}`, title }, link, element("small", {}, name.toUpperCase())) };
  };
  const cells = { tp: cell("tp", "Right alarms"), fn: cell("fn", "Missed films"), fp: cell("fp", "False alarms"),
                  tn: cell("tn", "Rightly no alarm") };
  /** @param {string} text */
  const head = (text) => element("th", { scope: "col" }, text);
  /** @param {string} text */
  const side = (text) => element("th", { scope: "row" }, text);
  const root = element("table", { class: "matrix", "aria-label": "Confusion matrix" },
    element("tr", {}, element("td"), head("alarm"), head("no alarm")),
    element("tr", {}, side("with"), cells.tp.root, cells.fn.root),
    element("tr", {}, side("without"), cells.fp.root, cells.tn.root));
  return { root, cells };
}

// The page's own link names runs, part and thresholds; the films behind a count need the finding and the cell besides.
// The server writes that link, so what the board shows of the open finding may be a moment ahead of it.
/** @param {Board} board @param {HTMLAnchorElement} link @param {CellName} name */
function leadTo(board, link, name) {
  const finding = board.header.findings[board.open];
  const wanted = new URLSearchParams(window.location.search);
  wanted.set("finding", finding.title);
  wanted.set("films", CASES[name]);
  wanted.delete("page");
  const at = board.ladders[board.open].thresholds[board.at[board.open]];
  const pairs = wanted.getAll("t");
  const own = pairs.find((pair) => pair.startsWith(`${finding.name}:`));
  const typed = Number(own?.slice(finding.name.length + 1).split("@")[0]); // NaN for a threshold that was fitted
  if (at !== (Number.isNaN(typed) ? board.header.thresholds[board.open] : typed)) {
    wanted.delete("t");
    for (const pair of [...pairs.filter((one) => one !== own), `${finding.name}:${at}`]) wanted.append("t", pair);
  }
  link.href = `cases?${wanted}`;
}

/** @param {Board} board @param {Measures} now */
function showMatrix(board, now) {
  const cells = /** @type {[CellName, Cell][]} */ (Object.entries(board.view.matrix.cells));
  for (const [name, cell] of cells) write(cell.value, whole(now[name]));
  const films = now.tp + now.fp + now.fn + now.tn;
  /** @param {number} n */
  const per = (n) => {
    const expected = PER * n / (films || 1);
    return expected >= 10 || !expected ? expected.toFixed(0) : expected.toFixed(1);
  };
  write(board.view.alarms, `Of ${whole(PER)} such films, ${per(now.tp + now.fp)} get an alarm: ${per(now.tp)} right, `
    + `${per(now.fp)} false. ${per(now.fn)} with the finding are missed.`);
}

// -- what its line promises for new patients, as long as it stands where that was promised

/** of each finding whose set promises something, or found that it cannot; at: the only threshold that it is promised of
 * @typedef {Record<string, { at: number | null, said: string }>} Promised
 */

/** @param {Board} board @returns {HTMLElement[]} */
function buildPromised(board) {
  const there = board.header.promised?.[board.header.findings[board.open].name];
  board.promisedLine = there ? element("p", { class: "alarms promised" }) : null;
  return board.promisedLine ? [board.promisedLine] : [];
}

/** @param {Board} board */
function showPromised(board) {
  const k = board.open;
  const there = board.header.promised?.[board.header.findings[k].name];
  if (there && board.promisedLine) write(board.promisedLine, promisedInWords(board, k, there));
}

/** @param {Board} board @param {number} k @param {Promised[string]} there */
function promisedInWords(board, k, { at, said }) {
  if (at === null || placeOf(board.ladders[k].thresholds, at) === board.at[k]) return said;
  return `This line promises nothing: the promise was made at ${threeDigits(String(at))} alone.`;
}
