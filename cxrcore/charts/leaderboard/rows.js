// The leaderboard's rows: what each cell shows. Knows no events and nothing of the server.

/** A mean with the ends of its interval; of repeats the mean of the runs and their standard deviation to both sides.
 * @typedef {[number, number | null, number | null] | null} Mean
 */
/** A row, as it is sent: one run, or repeats that differ in their seed alone.
 * @typedef {{ id: string, name: string, below: string, means: Mean[], curve: number[], link: string,
 *             place?: "best" | "tied", status?: string, share?: number, warned?: string, note?: string,
 *             look?: { colour: string, mark: string }, rows?: Row[], spread?: string }} Row
 */
/** @typedef {{ key: string, title: string, measures: string[], meanings: string[], axes: ([number, number] | null)[],
 *              curves: [number, number], rows: Row[], chosen: string[], seq: number, more: number, order: Order,
 *              plain: boolean }} Table
 * @typedef {{ by: number | "run" | "curve" | "", down: boolean }} Order
 */

const CURVE = { width: 64, height: 26 };

// A column that no run fills takes room from the others; where nothing is measured yet, all say so.
/** @param {Table} table @returns {number[]} places in `measures` */
function columns({ axes }) {
  const filled = axes.flatMap((axis, i) => axis ? [i] : []);
  return filled.length ? filled : axes.map((_, i) => i);
}

/** @param {Table} table */
function anyCurve({ rows }) {
  return rows.some((row) => row.curve.length || row.rows?.some((one) => one.curve.length));
}

// As the board writes a share: three digits, no zero before the point.
/** @param {number} value */
function written(value) {
  return value.toFixed(3).replace(/^(-?)0\./, "$1.");
}

/** @param {[number, number]} axis @param {number} value */
function along([from, to], value) {
  return 100 * Math.min(Math.max((value - from) / (to - from || 1), 0), 1);
}

/** @param {Mean} mean @param {[number, number] | null} axis @param {Row} row */
function bar(mean, axis, row) {
  const line = element("span", { class: "bar", "aria-hidden": "true" });
  if (!mean || !axis) return line;
  const [value, low, high] = mean;
  if (low !== null && high !== null) {
    const from = along(axis, low);
    line.append(element("i", { class: "range", style: `left:${from}%;width:${along(axis, high) - from}%` }));
  }
  for (const one of row.rows ?? []) {
    const own = one.means[row.means.indexOf(mean)];
    if (own) line.append(element("i", { class: "member", style: `left:${along(axis, own[0])}%` }));
  }
  line.append(element("i", { class: "dot", style: `left:${along(axis, value)}%` }));
  return line;
}

/** @param {Mean} mean @param {string} measure @param {boolean} repeats */
function inWords(mean, measure, repeats) {
  if (!mean) return `${measure}: not measured`;
  const [value, low, high] = mean;
  if (low === null || high === null) return `${measure} ${written(value)}`;
  if (repeats) return `${measure} ${written(value)}, standard deviation ${written((high - low) / 2)}`;
  return `${measure} ${written(value)}, 95 % interval ${written(low)} to ${written(high)}`;
}

/** @param {number[]} curve @param {[number, number]} range */
function sparkline(curve, range) {
  const { width, height } = CURVE;
  const said = curve.length ? `validation AUROC ${written(curve[0])} to ${written(curve[curve.length - 1])} in `
    + `${curve.length} epoch${curve.length > 1 ? "s" : ""}` : "no training curve";
  const svg = element("svg:svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": said },
                   element("svg:title", {}, said));
  if (!curve.length) return svg;
  const points = curve.map((value, i) => [
    4 + (width - 8) * (curve.length > 1 ? i / (curve.length - 1) : 1), height - 4 - (height - 8) * along(range, value) / 100]);
  svg.append(element("svg:polyline", { points: points.map((one) => one.map((at) => at.toFixed(1)).join()).join(" ") }));
  const [x, y] = points[points.length - 1];
  svg.append(element("svg:circle", { cx: x, cy: y, r: 3 }));
  return svg;
}

/** @param {Row} row @param {boolean} open */
function nameOf(row, open) {
  const line = element("div", { class: "name" });
  if (row.rows) {
    line.append(element("button", { type: "button", class: "fold", tabindex: "-1", "aria-expanded": String(open),
                                 "aria-label": `${row.rows.length} runs of ${row.name}` }, open ? "▾" : "▸"));
  }
  line.append(element("a", { href: row.link, tabindex: "-1", title: row.note }, row.name));
  return line;
}

/** @param {Row} row */
function below(row) {
  const line = element("div", { class: "below" });
  if (row.place) {
    const [word, meant] = row.place === "best" ? ["best", "The greatest macro AUROC of this table"]
      : ["tied", "A paired test shows no difference from the best"];
    line.append(element("span", { class: `tag ${row.place}`, title: meant }, word));
  }
  if (row.warned) line.append(element("span", { class: "tag warned", title: row.warned, "aria-label": row.warned }, "⚠ audit"));
  line.append(row.below);
  if (row.spread) line.append(`${row.below ? " · " : ""}${row.spread}`);
  if (row.status) line.append(element("span", { class: "status" }, row.status));
  if (row.share !== undefined) {
    line.append(element("span", { class: "progress", "aria-hidden": "true" },
                     element("i", { style: `width:${Math.round(100 * row.share)}%` })));
  }
  return line;
}

// A row as it stands in the table; `level` 2 for the runs of a fold.
/**
 * @param {Table} table
 * @param {Row} row
 * @param {{ level: number, open: boolean, ticked: boolean, partly: boolean }} as
 * @returns {HTMLTableRowElement}
 */
function rowOf(table, row, { level, open, ticked, partly }) {
  const box = element("input", { type: "checkbox", tabindex: "-1", "aria-label": `Choose ${row.name}` });
  box.checked = ticked;
  box.indeterminate = partly;
  const mark = row.look ? element("img", { src: row.look.mark, alt: "", width: 16, height: 16 })
    : element("i", { class: "hollow" });
  const cells = columns(table).map((i) => {
    const mean = row.means[i];
    const said = inWords(mean, table.measures[i], Boolean(row.rows));
    return element("td", { role: "gridcell", class: "mean", "data-head": table.measures[i], "aria-label": said, title: said },
                   element("span", { class: "value" }, mean ? written(mean[0]) : "–"), bar(mean, table.axes[i], row));
  });
  const root = element(
    "tr", { role: "row", tabindex: "-1", "data-run": row.id, "aria-level": level, "aria-selected": table.plain ? null : String(ticked),
            "aria-expanded": row.rows ? String(open) : null, class: level > 1 ? "member" : row.rows ? "repeats" : null },
    element("td", { role: "gridcell", class: "tick" }, element("label", {}, box, mark)),
    element("td", { role: "gridcell", class: "run" }, nameOf(row, open), below(row)), ...cells,
    ...(anyCurve(table) ? [element("td", { role: "gridcell", class: "curve", "data-head": "Val. AUROC" },
                                   sparkline(row.curve, table.curves))] : []));
  if (row.look) root.style.setProperty("--run", row.look.colour);
  return root;
}
