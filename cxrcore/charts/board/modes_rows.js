// What the modes add to a row: a second line of cells, with the fields that they are worked out from beside them.

/** @param {number} value */
const percent = (value) => (Number.isNaN(value) ? DASH : `${(100 * value).toFixed(1)} %`);
/** @param {number} value */
const fourDigits = (value) => (Number.isNaN(value) ? DASH : value.toFixed(4));
/** @param {number} value */
const perThousand = (value) => (Number.isNaN(value) ? DASH : value.toFixed(value < 10 ? 1 : 0));
/** @param {number} value */
const signed = (value) => (Number.isNaN(value) ? DASH : value.toFixed(4).replace("-", "−"));

/** @type {[Mode, string, string, (value: number) => string][]} */
const MODE_CELLS = [
  ["place", "ppv", "PPV", share],
  ["place", "npv", "NPV", fourDigits],
  ["place", "alarms_per_1000", "Alarms/1,000", perThousand],
  ["place", "misses_per_1000", "Missed/1,000", perThousand],
  ["worth", "net_benefit", "Net benefit", signed],
  ["ask", "referred", "Referred", percent],
  ["ask", "decided_recall", "Recall", share],
  ["ask", "decided_precision", "Precision", share],
  ["ask", "decided_f1", "F1", share],
  ["ask", "misses_left", "Missed", whole],
];

/** @param {Board} board @param {number} k */
function buildRowModes(board, k) {
  const row = board.rows[k];
  for (const node of [row.more, row.upper, row.asked]) node?.remove();
  Object.assign(row, { more: null, upper: null, asked: null, typedUpper: null, modeCells: {}, problem: null });
  const modes = /** @type {Mode[]} */ (["place", "worth", "ask"]).filter((mode) => board.decide.on.has(mode));
  row.root.classList.toggle("with-modes", modes.length > 0);
  if (!modes.length) return;
  const problem = element("span", { class: "problem", role: "alert", id: `problem-row-${k}` });
  row.problem = problem;
  const more = element("div", { class: "modes" }, ...modes.map((mode) => buildRowMode(board, k, mode)),
                     element("span", { role: "cell", class: "problems" }, problem));
  row.more = more;
  row.root.append(more);
  if (board.decide.on.has("ask")) buildUpper(board, k);
}

/** @param {Board} board @param {number} k @param {Mode} mode */
function buildRowMode(board, k, mode) {
  const row = board.rows[k];
  const cells = MODE_CELLS.filter(([of]) => of === mode).map(([, metric, head]) => {
    const value = element("b", { "data-metric": metric });
    row.modeCells[metric] = value;
    return element("span", { role: "cell", class: "mode-cell", title: board.header.meanings[metric] },
                   element("small", {}, head), value);
  });
  const lead = element("span", { role: "cell", class: "mode-lead" }, ...leadOf(board, k, mode));
  return element("div", { class: `mode of-${mode}` }, lead, ...cells);
}

/** @param {Board} board @param {number} k @param {Mode} mode @returns {(Node | string)[]} */
function leadOf(board, k, mode) {
  const { name, title } = board.header.findings[k];
  if (mode === "ask") return ["ask up to ", buildTypedUpper(board, k), " decided:"];
  if (mode === "place") {
    const held = board.decide.prevalence[name];
    const input = field("prevalence", `${title}, prevalence`, held === undefined ? "" : shortShare(held), `problem-row-${k}`);
    const own = ownPrevalence(board.ladders[k]);
    input.dataset.value = String(held ?? own);
    input.placeholder = Number.isNaN(own) ? "0.02" : `${shortShare(own)} here`;
    input.onchange = () => takePrevalence(board, k, input);
    return ["at ", input];
  }
  const input = field("harm-ratio", `${title}, false alarms that a miss is worth`, String(ratioOf(board, k)),
                      `problem-row-${k}`);
  input.onchange = () => takeRatio(board, k, input);
  return [element("span", { title: board.header.meanings.harm_ratio }, "a miss = "), input, " alarms"];
}

/** @param {Board} board @param {number} k */
function fillFields(board, k) {
  const fields = /** @type {NodeListOf<HTMLInputElement> | undefined} */ (board.rows[k].more?.querySelectorAll("[data-control]"));
  for (const input of fields ?? []) {
    const held = board.decide.prevalence[board.header.findings[k].name];
    const place = input.dataset.control === "prevalence";
    const text = place ? (held === undefined ? "" : shortShare(held)) : String(ratioOf(board, k));
    if (input.value !== text) {
      input.value = text;
      input.setSelectionRange(0, text.length); // who comes to it from another field types over it
    }
    if (place) input.dataset.value = String(prevalenceOf(board, k));
    input.setAttribute("aria-invalid", "false");
  }
  if (fields?.length) sayInRow(board, k, "");
}

// Four significant digits, to be read; the field carries the very number as data-value.
/** @param {number} value */
function shortShare(value) {
  return String(Number(value.toPrecision(4)));
}

/** @param {Board} board @param {number} k @param {HTMLInputElement} input */
function takePrevalence(board, k, input) {
  const value = readPrevalence(input.value);
  const empty = input.value.trim() === "";
  markField(input, Number.isNaN(value) && !empty ? `“${input.value}” ${BAD_PREVALENCE}` : "", board, k);
  if (Number.isNaN(value) && !empty) return;
  if (empty) delete board.decide.prevalence[board.header.findings[k].name];
  else board.decide.prevalence[board.header.findings[k].name] = value;
  input.dataset.value = String(prevalenceOf(board, k));
  afterField(board, k);
}

/** @param {Board} board @param {number} k @param {HTMLInputElement} input */
function takeRatio(board, k, input) {
  const value = readRatio(input.value);
  markField(input, Number.isNaN(value) ? `“${input.value}” is no number of false alarms: type one above 0.` : "", board, k);
  if (Number.isNaN(value)) return;
  board.decide.ratio[board.header.findings[k].name] = value;
  afterField(board, k);
}

/** @param {Board} board @param {number} k */
function afterField(board, k) {
  keepDecide(board);
  showRow(board, k);
  showTotals(board);
  open(board, k);
  drawModes(board);
  showPanel(board);
}

/** @param {HTMLInputElement} input @param {string} text @param {Board} board @param {number} k */
function markField(input, text, board, k) {
  input.setAttribute("aria-invalid", String(text !== ""));
  sayInRow(board, k, text);
}

/** @param {Board} board @param {number} k @param {string} text */
function sayInRow(board, k, text) {
  const { problem } = board.rows[k];
  if (problem) write(problem, text);
}

/** @param {Board} board @param {string} mode @param {string} text */
function sayInMode(board, mode, text) {
  const node = board.decide.nodes[`problem-${mode}`];
  if (node) write(node, text);
}

// -- what moves

/** @param {Board} board @param {number} k */
function showRowModes(board, k) {
  const { on, values } = board.decide;
  if (!on.size) return;
  values[k] = modeValues(board, k);
  const { modeCells } = board.rows[k];
  for (const [mode, metric, , said] of MODE_CELLS) {
    const cell = modeCells[metric];
    if (!cell || !on.has(mode)) continue;
    write(cell, said(values[k][metric]));
    cell.dataset.value = String(values[k][metric]);
  }
  if (on.has("ask")) showUpper(board, k);
}

// What the means are of: a number at another prevalence never stands without it.
/** @param {Board} board @param {Mode} mode */
function meansInWords(board, mode) {
  if (mode === "ask") return "Means, of the decided:";
  const dialled = [...board.ladders.keys()].filter((k) => isDialled(board, k));
  if (!dialled.length) return "Means, as these films have them:";
  const values = new Set(dialled.map((k) => prevalenceOf(board, k)));
  const alike = values.size === 1 && dialled.length === board.ladders.length;
  return alike ? `Means, at ${shortPercent(prevalenceOf(board, 0))}:` : "Means, each at its prevalence below:";
}

// Means over the findings that are defined, as the macro measures beside them.
/** @param {Board} board */
function showModeTotals(board) {
  const { on, nodes, values } = board.decide;
  for (const mode of on) {
    const root = nodes[`totals-${mode}`];
    if (!root) continue;
    if (!root.children.length) {
      root.append(element("small", { class: "means-of" }));
      for (const [of, metric, head] of MODE_CELLS) {
        if (of === mode) root.append(element("span", { title: board.header.meanings[metric] },
          element("small", {}, head), element("b", { "data-metric": metric })));
      }
    }
    write(root.children[0], meansInWords(board, mode));
    for (const cell of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("b"))) {
      const metric = String(cell.dataset.metric);
      const defined = values.map((one) => one[metric]).filter((value) => !Number.isNaN(value));
      const mean = defined.length ? defined.reduce((sum, value) => sum + value, 0) / defined.length : NaN;
      const said = MODE_CELLS.find(([, name]) => name === metric)?.[3] ?? String;
      write(cell, metric === "misses_left" ? perThousand(mean) : said(mean));
    }
  }
}
