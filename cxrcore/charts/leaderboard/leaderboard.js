// The leaderboard: sorts, unfolds and ticks in the browser; the server hears which runs are chosen and which is opened.

/** @typedef {{ root: HTMLElement, table: Table, sent: string, order: Order, open: Set<string>, chosen: string[],
 *              seq: number, at: string, send: Sending }} Leaderboard
 * @typedef {{ setStateValue: (name: string, value: any) => void,
 *             setTriggerValue: (name: string, value: any) => void }} Sending
 */

const KEPT = "cxr-leaderboard ";

/** @type {WeakMap<ParentNode, Leaderboard>} */
const tables = new WeakMap();

/** @param {{ data: Table, parentElement: ParentNode } & Sending} given */
export default function mount({ data, parentElement, setStateValue, setTriggerValue }) {
  let board = /** @type {Leaderboard} */ (tables.get(parentElement));
  if (!board) {
    const { open, order } = recalled(data);
    board = /** @type {any} */ ({ root: parentElement.querySelector("#leaderboard"), open, seq: data.seq,
                                  order, chosen: data.chosen, at: "", sent: "" });
    tables.set(parentElement, board);
  }
  board.send = { setStateValue, setTriggerValue };
  const sent = JSON.stringify(data);
  if (sent !== board.sent) {
    board.table = data;
    board.sent = sent;
    if (data.seq >= board.seq) [board.chosen, board.seq] = [[...data.chosen], data.seq]; // else ticks are on their way
    draw(board);
  }
  return () => { tables.delete(parentElement); };
}

// A reader's folds and order outlive the table: the page may put it elsewhere, and the reader may come back. The short
// table of another page stays as it is sent.
/** @param {Leaderboard} board */
function keep({ table, open, order }) {
  if (table.plain) return;
  try {
    sessionStorage.setItem(KEPT + table.key, JSON.stringify({ open: [...open], order }));
  } catch { /* then they are gone with the table */ }
}

/** @param {Table} table @returns {{ open: Set<string>, order: Order }} */
function recalled({ key, order, more, plain }) {
  try {
    const held = JSON.parse(sessionStorage.getItem(KEPT + key) ?? "null");
    // The server chose the rows of a long table by the order that it knows.
    if (held && !plain) return { open: new Set(held.open), order: more ? order : held.order };
  } catch { /* nothing is kept */ }
  return { open: new Set(), order };
}

/** @param {Leaderboard} board */
function draw(board) {
  const { table } = board;
  const held = /** @type {any} */ (board.root.getRootNode()).activeElement?.closest?.("tr[data-run]");
  const body = element("tbody", { role: "rowgroup" });
  for (const row of sorted(board)) {
    const ids = idsOf(row);
    const ticked = ids.every((id) => board.chosen.includes(id));
    const open = board.open.has(row.id);
    body.append(rowOf(table, row, { level: 1, open, ticked, partly: !ticked && ids.some((id) => board.chosen.includes(id)) }));
    for (const one of open ? row.rows ?? [] : []) {
      body.append(rowOf(table, one, { level: 2, open: false, ticked: board.chosen.includes(one.id), partly: false }));
    }
  }
  const whole = element("table", { role: "treegrid", "aria-label": table.title, "aria-multiselectable": table.plain ? null : "true",
                               class: table.plain ? "plain" : null },
                     element("thead", { role: "rowgroup" }, heads(board)), body);
  board.root.replaceChildren(whole);
  if (table.more) {
    const all = element("button", { type: "button", class: "all" }, `Show ${table.more.toLocaleString("en")} more`);
    all.onclick = () => board.send.setStateValue("all", true);
    board.root.append(all);
  }
  listen(board, whole);
  const rows = [.../** @type {NodeListOf<HTMLElement>} */ (whole.querySelectorAll("tr[data-run]"))];
  const now = rows.find((one) => one.dataset.run === board.at) ?? rows[0];
  if (now) now.tabIndex = 0;
  if (held) now?.focus();
}

/** @param {Row} row @returns {string[]} */
function idsOf(row) {
  return row.rows ? row.rows.map((one) => one.id) : [row.id];
}

/** @param {Leaderboard} board @returns {Row[]} */
function sorted({ table, order }) {
  const { by, down } = order;
  if (by === "") return table.rows;
  const value = (/** @type {Row} */ row) => by === "curve" ? row.curve[row.curve.length - 1] : row.means[Number(by)]?.[0];
  return table.rows.toSorted((one, other) => {
    if (by === "run") return (down ? -1 : 1) * one.name.localeCompare(other.name, undefined, { numeric: true });
    const [a, b] = [value(one), value(other)];
    if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
    return down ? b - a : a - b;
  });
}

/** @param {Leaderboard} board */
function heads(board) {
  const { table, order } = board;
  /** @param {Order["by"]} by @param {string} text @param {string} kind @param {string} meant @param {...Node} more */
  const head = (by, text, kind, meant, ...more) => {
    const way = order.by === by ? (order.down ? "descending" : "ascending") : "none";
    const button = element("button", { type: "button", title: meant }, text, way === "none" ? "" : way === "descending" ? " ↓" : " ↑");
    button.onclick = () => sortBy(board, by);
    return element("th", { role: "columnheader", scope: "col", class: kind, "aria-sort": way }, button, ...more);
  };
  const means = columns(table).map((i) => head(
    i, table.measures[i], "mean", table.meanings[i],
    element("span", { class: "ends", "aria-hidden": "true" }, ...(table.axes[i] ?? []).map((end) => element("i", {}, written(end).slice(0, -1))))));
  return element("tr", { role: "row" }, element("th", { role: "columnheader", scope: "col", class: "tick" }, element("span", { class: "hidden" }, "Chosen")),
              head("run", "Run", "run", "Sort by name"), ...means,
              ...(anyCurve(table) ? [head("curve", "Val. AUROC", "curve", "Validation AUROC by epoch; sorts by the last")] : []));
}

// First the end that is looked for, then the other, then as it came.
/** @param {Leaderboard} board @param {Order["by"]} by */
function sortBy(board, by) {
  const down = by !== "run";
  board.order = board.order.by !== by ? { by, down } : board.order.down === down ? { by, down: !down } : { by: "", down: true };
  if (board.table.more) board.send.setStateValue("order", board.order);
  keep(board);
  draw(board);
}

/** @param {Leaderboard} board @param {HTMLTableElement} whole */
function listen(board, whole) {
  whole.onchange = (event) => tick(board, rowAt(board, event));
  whole.onclick = (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const row = rowAt(board, event);
    if (!row) return;
    if (target.closest(".fold")) unfold(board, row);
    else if (target.closest("a")) {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return; // a tab of its own
      event.preventDefault();
      openRun(board, row);
    } else if (board.table.plain) openRun(board, row);
    else if (!target.closest("label")) tick(board, row);
  };
  whole.addEventListener("focusin", (event) => rowAt(board, event)); // drawn anew, the same row has it
  whole.onkeydown = (event) => {
    const row = rowAt(board, event);
    if (row && !event.ctrlKey && !event.metaKey && !event.altKey && pressed(board, row, event.key)) event.preventDefault();
  };
}

/** @param {Leaderboard} board @param {Event} event */
function rowAt(board, event) {
  const id = /** @type {HTMLElement} */ (event.target).closest("tr")?.dataset.run;
  if (id) board.at = id;
  return board.table.rows.flatMap((row) => [row, ...(row.rows ?? [])]).find((row) => row.id === id);
}

/** @param {Leaderboard} board @param {Row} row @param {string} key */
function pressed(board, row, key) {
  const rows = [.../** @type {NodeListOf<HTMLElement>} */ (board.root.querySelectorAll("tr[data-run]"))];
  const place = rows.findIndex((one) => one.dataset.run === row.id);
  const to = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: rows.length - 1 }[key];
  if (to !== undefined) {
    const next = rows[Math.min(Math.max(to, 0), rows.length - 1)];
    rows[place].tabIndex = -1;
    next.tabIndex = 0;
    board.at = next.dataset.run ?? "";
    next.focus();
  } else if (key === " ") tick(board, row);
  else if (key === "Enter") openRun(board, row);
  else if (row.rows && (key === "ArrowRight") !== board.open.has(row.id) && key.startsWith("Arrow")) unfold(board, row);
  else return false;
  return true;
}

/** @param {Leaderboard} board @param {Row} row */
function unfold(board, row) {
  if (!board.open.delete(row.id)) board.open.add(row.id);
  keep(board);
  draw(board);
}

// Repeats are chosen together, and left together.
/** @param {Leaderboard} board @param {Row | undefined} row */
function tick(board, row) {
  if (!row || board.table.plain) return;
  const ids = idsOf(row);
  const all = ids.every((id) => board.chosen.includes(id));
  board.chosen = all ? board.chosen.filter((id) => !ids.includes(id)) : [...new Set([...board.chosen, ...ids])];
  board.seq += 1;
  board.send.setStateValue("chosen", { seq: board.seq, ids: board.chosen });
  draw(board);
}

/** @param {Leaderboard} board @param {Row} row */
function openRun(board, row) {
  board.send.setTriggerValue("opened", idsOf(row)[0]);
}
