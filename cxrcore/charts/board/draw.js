// The board's rows and footer: built once for each set of tables, then only texts and two transforms change.

/** A row of the board, and what moves in it.
 * @typedef {{ root: HTMLElement, range: HTMLInputElement, shown: HTMLElement, typed: HTMLInputElement,
 *             quiet: HTMLElement, ghost: HTMLElement, preview: HTMLElement, hint: HTMLElement,
 *             open: HTMLButtonElement, cells: Record<string, HTMLElement>, modeCells: Record<string, HTMLElement>,
 *             more?: HTMLElement | null, problem?: HTMLElement | null, upper?: HTMLInputElement | null,
 *             asked?: HTMLElement | null, typedUpper?: HTMLInputElement | null }} Row
 */

const ROW_BINS = 64;
const ROW_HEIGHT = 34; // pixels of a row's histogram
const MANY = 20; // rows, beyond which they scroll inside the board, so that totals and the open finding stay in sight
/** @type {[string, string, (now: Measures, before: Measures) => string, boolean][]} */
const COLUMNS = [
  // metric, head, its text (of the measures now and at the reference), only on demand
  ["f1", "F1", (now) => share(now.f1), false],
  ["recall", "Recall", (now) => share(now.recall), false],
  ["precision", "Precision", (now) => share(now.precision), false],
  ["delta", "ΔF1", (now, before) => change(now.f1, before.f1), false],
  ["specificity", "Specificity", (now) => share(now.specificity), true],
  ["tp", "TP", (now) => String(now.tp), true],
  ["fp", "FP", (now) => String(now.fp), true],
  ["fn", "FN", (now) => String(now.fn), true],
  ["tn", "TN", (now) => String(now.tn), true],
];

// Setting an equal text would still cost a layout.
/** @param {Element} node @param {string} text */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// The filled outline of a histogram's shares, on a box of the given size, standing on its floor.
/** @param {number[]} shares @param {number} width @param {number} height */
function area(shares, width, height) {
  const step = width / shares.length;
  const steps = shares.map((value, i) => `H${(i * step).toFixed(1)}V${(height * (1 - value)).toFixed(1)}`);
  return `M0 ${height}${steps.join("")}H${width}V${height}Z`;
}

// -- rows

/** @param {Board} board */
function buildBoard(board) {
  const { header } = board;
  board.rows = header.findings.map((finding, k) => buildRow(board, finding, k));
  const { meanings } = header;
  const heads = COLUMNS.map(([name, head, , extra]) => element("span", {
    class: `head number ${extra ? "extra" : ""} of-${name}`, role: "columnheader", title: meanings[name] }, head));
  const head = element("div", { class: "row heads", role: "row" },
    element("span", { class: "head", role: "columnheader" }, "Finding"),
    element("span", { class: "head number of-prevalence", role: "columnheader",
                      title: meanings.prevalence }, "With it"),
    element("span", { class: "head of-scores", role: "columnheader", title: "Scores on a logit scale, low to high: "
      + "films with the finding dark, films without it in grey, each drawn to its own height. Drag the line." },
      "Scores, drag the line"),
    element("span", { class: "head of-threshold", role: "columnheader",
                      title: meanings.threshold }, "Threshold"), ...heads);
  board.table = element("div", { class: "table", role: "table", "aria-label": "Thresholds and measures of each finding" },
    head, ...board.rows.map((row) => row.root));
  board.panel = element("section", { class: "panel", "aria-label": "The open finding" });
  const warned = header.warned ? [element("p", { class: "warned" }, header.warned)] : [];
  const main = element("div", { class: "main" }, board.table, ...warned);
  board.root.replaceChildren(...buildAims(board), buildTotals(board), ...buildDecide(board), main, board.panel);
  board.rows.forEach((_, k) => buildRowModes(board, k));
  board.root.classList.toggle("details", board.details);
  showDecides(board);
  showOnSlide(board);
  hintAtDragging(board);
}

// A slide shows few rows, large; the others still count in what is said of all findings together.
/** @param {Board} board */
function showOnSlide(board) {
  const { rows, findings } = board.header;
  board.root.classList.toggle("slide", Boolean(rows));
  board.root.classList.toggle("many", !rows && findings.length > MANY);
  board.rows.forEach((row, k) => { row.root.hidden = rows ? !rows.includes(findings[k].name) : false; });
}

/** @param {Board} board @param {Finding} finding @param {number} k @returns {Row} */
function buildRow(board, finding, k) {
  const id = `name-${k}`;
  const ladder = board.ladders[k];
  /** @param {string} metric @param {string} head @param {boolean} extra */
  const cell = (metric, head, extra) => element("span", { class: `number ${extra ? "extra" : ""} of-${metric}`,
    role: "cell", "data-metric": metric, "data-head": head });
  const opener = element("button", { type: "button", class: "name", title: `Open ${finding.title} large` },
                         element("span", { id }, finding.title));
  if (finding.note) {
    opener.append(element("span", { class: "warn", title: finding.note, role: "img", "aria-label": finding.note }, "!"));
  }
  const range = element("input", { type: "range", min: 0, max: ladder.thresholds.length - 1, step: 1,
                                   "aria-label": finding.title });
  const shown = element("span", { class: "shown", "aria-hidden": "true" });
  const typed = element("input", { type: "text", inputmode: "decimal", "aria-label": "Threshold",
                                   "aria-describedby": id, autocomplete: "off", spellcheck: "false" });
  const threshold = element("span", { class: "of-threshold", role: "cell", "data-metric": "threshold" }, shown,
                            typed);
  const quiet = element("div", { class: "quiet" });
  const ghost = element("div", { class: "ghost", title: `Threshold of ${board.header.reference.name}` });
  const prevalence = finding.positives / (finding.positives + finding.negatives || 1);
  /** @type {any} */
  const row = { range, shown, typed, quiet, ghost, preview: element("div", { class: "preview" }), open: opener,
                hint: element("div", { class: "hint" }), cells: {}, modeCells: {} };
  for (const [metric, head, , extra] of COLUMNS) row.cells[metric] = cell(metric, head, extra);
  row.root = element("div", { class: "row", role: "row", "data-finding": finding.name },
    element("span", { class: "of-name", role: "rowheader" }, opener),
    element("span", { class: "number of-prevalence", role: "cell",
                      title: `${whole(finding.positives)} films with it, ${whole(finding.negatives)} without` },
      finding.positives ? `${(100 * prevalence).toFixed(prevalence < 0.0995 ? 1 : 0)} %` : "none"),
    element("span", { class: "of-scores", role: "cell" },
      element("div", { class: "scores" }, rowHistogram(ladder), quiet, ghost, row.preview, row.hint, range)),
    threshold, ...Object.values(row.cells));
  return row;
}

/** @param {Ladder} ladder */
function rowHistogram(ladder) {
  const { positives, negatives } = histogram(ladder, ROW_BINS);
  return element("svg:svg", { viewBox: `0 0 ${ROW_BINS} ${ROW_HEIGHT}`, preserveAspectRatio: "none",
                              "aria-hidden": "true" },
    element("svg:path", { class: "without", d: area(negatives, ROW_BINS, ROW_HEIGHT) }),
    element("svg:path", { class: "with", d: area(positives, ROW_BINS, ROW_HEIGHT) }));
}

// The open row, where rows scroll and it is out of sight; the page itself stays.
/** @param {Board} board */
function bringIntoView(board) {
  const [box, row] = [board.table, board.rows[board.open].root].map((one) => one.getBoundingClientRect());
  if (row.top < box.top || row.bottom > box.bottom) board.table.scrollTop += row.top - box.top - box.height / 2;
}

// -- what moves

/** @param {Board} board @param {number} k */
function showRow(board, k) {
  const row = board.rows[k];
  const place = board.at[k];
  const ladder = board.ladders[k];
  const now = measuresAt(ladder, place);
  board.now[k] = now;
  const text = board.textAt(k, place);
  if (row.range.value !== String(place)) row.range.value = String(place);
  write(row.shown, text);
  const short = threeDigits(text);
  if (row.typed.value !== short && board.typing !== k) row.typed.value = short;
  const along = place / (ladder.thresholds.length - 1);
  row.quiet.style.transform = `scaleX(${along})`;
  if (board.root.classList.contains("hinting")) row.hint.style.setProperty("--at", String(along));
  for (const [metric, , said] of COLUMNS) write(row.cells[metric], said(now, board.before[k]));
  const sign = Math.sign(Math.round(1000 * (now.f1 - board.before[k].f1)));
  row.cells.delta.dataset.sign = String(Number.isNaN(sign) ? 0 : sign);
  row.range.setAttribute("aria-valuetext", `threshold ${text}, F1 ${share(now.f1)}, recall ${share(now.recall)}, `
    + `precision ${share(now.precision)}`);
  showRowModes(board, k);
}

/** @param {Board} board */
function showReference(board) {
  board.before = board.ladders.map((ladder, k) => measuresAt(ladder, board.referenceAt[k]));
  board.beforeAll = overall(board.before);
  board.rows.forEach((row, k) => {
    row.ghost.style.setProperty("--at", String(board.referenceAt[k] / (board.ladders[k].thresholds.length - 1)));
  });
}

/** @param {Board} board */
function showTools(board) {
  board.undo.disabled = !board.past.length;
  board.redo.disabled = !board.future.length;
}
