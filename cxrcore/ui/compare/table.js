// The table of a comparison: a click on a column's head sorts it, a second one turns it round, a third one goes back to
// the order of the data set. The macro mean stays on top.

/** @typedef {{ text: string, interval?: string, by?: number | null, best?: boolean, word?: string, why?: string,
 *   spread?: string }} Cell */
/** @typedef {{ kind: string, name: string, mark?: string, minus?: string, minusMark?: string }} Column */
/** @typedef {{ finding: string, cells: Cell[] }} Row */
/** @typedef {{ title: string, tall: boolean, columns: Column[], rows: Row[] }} Given */

const SIGNS = /** @type {Record<string, string>} */ ({ better: "▲", worse: "▼" });

/** @param {string} tag @param {string} [text] @param {string} [kind] @returns {HTMLElement} */
function made(tag, text = "", kind = "") {
  const node = document.createElement(tag);
  node.textContent = text;
  if (kind) node.className = kind;
  return node;
}

/** @param {string | undefined} source @returns {HTMLElement[]} */
function mark(source) {
  if (!source) return [];
  const image = /** @type {HTMLImageElement} */ (made("img"));
  image.src = source;
  image.alt = "";
  return [image];
}

/** @param {Column} column @returns {{ said: string, nodes: (HTMLElement | string)[] }} */
function heading(column) {
  if (column.kind === "difference")
    return { said: `Difference: ${column.name} minus ${column.minus}`,
      nodes: [...mark(column.mark), "−", ...mark(column.minusMark), made("span", "Difference")] };
  if (column.kind === "seeds")
    return { said: `95 % interval over seeds of the difference of ${column.name} and ${column.minus}`,
      nodes: [made("span", "Over seeds")] };
  if (column.kind === "verdict")
    return { said: `Verdict on ${column.name} against ${column.minus}`, nodes: [made("span", "Verdict")] };
  return { said: column.name, nodes: [...mark(column.mark), made("span", column.name)] };
}

/** @param {Cell} cell @param {string} kind @returns {HTMLElement} */
function drawn(cell, kind) {
  const node = made("td", "", `${kind} ${cell.word ?? ""} ${cell.best ? "best" : ""}`);
  if (cell.why) node.title = cell.why;
  if (cell.word && SIGNS[cell.word]) node.append(made("span", SIGNS[cell.word], "sign"), " ");
  node.append(made("span", cell.text, "number"));
  if (cell.spread) node.append(" ", made("span", cell.spread, "spread"));
  if (cell.interval) node.append(" ", made("span", cell.interval, "interval"));
  return node;
}

/** Rows of one order; what has no number stands last whichever way.
 * @param {Row[]} rows @param {number} at -1: by name @param {number} way 1 or -1 @returns {Row[]} */
function sorted(rows, at, way) {
  const [mean, ...findings] = rows;
  const by = (/** @type {Row} */ row) => row.cells[at].by ?? null;
  findings.sort((one, other) => {
    if (at < 0) return way * one.finding.localeCompare(other.finding);
    const a = by(one), b = by(other);
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return way * (a - b);
  });
  return [mean, ...findings];
}

/** @param {HTMLElement} body @param {Given} given @param {Row[]} rows */
function fill(body, given, rows) {
  body.replaceChildren(...rows.map((row, place) => {
    const line = made("tr", "", place === 0 ? "mean" : "");
    const name = made("th", row.finding);
    name.setAttribute("scope", "row");
    line.append(name, ...row.cells.map((cell, at) => drawn(cell, given.columns[at].kind)));
    return line;
  }));
}

/** @param {{ parentElement: HTMLElement | ShadowRoot, data: Given }} component */
export default function compareTable({ parentElement, data }) {
  const holder = /** @type {HTMLElement} */ (parentElement.querySelector(".holder"));
  const told = /** @type {HTMLElement} */ (parentElement.querySelector("p"));
  const table = made("table", "", data.tall ? "tall" : ""), head = made("tr"), body = made("tbody");
  table.dataset.testid = "compare-table";
  table.append(made("caption", `${data.title} of each finding and run with 95 % intervals`), made("thead"), body);
  table.querySelector("thead")?.append(head);
  let at = -2, way = 1;
  const columns = [{ kind: "finding", name: "Finding" }, ...data.columns];
  columns.forEach((column, place) => {
    const cell = made("th", "", column.kind), button = made("button"), { said, nodes } = heading(column);
    cell.setAttribute("scope", "col");
    cell.setAttribute("aria-sort", "none");
    button.title = `${said}. Click to sort`;
    button.setAttribute("aria-label", said);
    button.append(...nodes);
    button.onclick = () => {
      const first = place === 0 || column.kind === "verdict" ? 1 : -1;  // of numbers the greatest first
      if (at !== place - 1) [at, way] = [place - 1, first];
      else if (way === first) way = -first;
      else at = -2;
      for (const other of head.children) other.setAttribute("aria-sort", "none");
      if (at > -2) cell.setAttribute("aria-sort", way === 1 ? "ascending" : "descending");
      fill(body, data, at > -2 ? sorted(data.rows, at, way) : data.rows);
      told.textContent = at > -2 ? `Sorted by ${said}` : "In the order of the data set";
    };
    cell.append(button);
    head.append(cell);
  });
  fill(body, data, data.rows);
  holder.replaceChildren(table);
}
