// All findings together, above the rows and always in sight: macro F1 large, with its change.

/** @type {[Exclude<keyof Overall, "defined">, string][]} */
const TOTALS = [["macro_f1", "Macro F1"], ["micro_f1", "Micro F1"], ["macro_recall", "Macro recall"],
                ["micro_recall", "Micro recall"]];
const FULL_METER = 0.1; // change of macro F1 that fills its meter
const BUMP = 220; // ms

/** @param {Board} board */
function buildTotals(board) {
  board.totals = {};
  const cells = TOTALS.map(([metric, title], place) => {
    const value = element("span", { class: "value", "data-metric": metric });
    const delta = element("span", { class: "delta", title: `Against ${board.header.reference.name}` });
    board.totals[metric] = { value, delta };
    const [mean, name] = metric.split("_");
    const said = `${board.header.meanings[mean]} ${board.header.meanings[name]}`;
    return element("div", { class: place ? "total" : "total first", title: said },
                   element("span", { class: "label" }, title), value, delta);
  });
  board.meter = element("i", {});
  cells[0].append(element("span", { class: "meter", "aria-hidden": "true" }, board.meter));
  board.excluded = element("span", { class: "excluded", "data-metric": "excluded" });
  board.status = element("span", { class: "status", role: "status" });
  board.undo = element("button", { type: "button", class: "tool", title: "Undo (Ctrl+Z)", "aria-label": "Undo" }, "↶");
  board.redo = element("button", { type: "button", class: "tool", title: "Redo (Ctrl+Shift+Z)", "aria-label": "Redo" },
                       "↷");
  board.more = element("button", { type: "button", class: "tool wide", "aria-pressed": String(board.details),
                                   title: "Specificity and confusion counts of every finding" }, "All counts");
  board.deciding = element("button", { type: "button", class: "tool wide deciding", "aria-expanded": String(board.decide.shown),
    title: "What the lines are worth: at your prevalence, for what a miss is worth, with a person to ask" }, "Decide");
  board.totalsRoot = element("div", { class: "totals", role: "group", "aria-label": "All findings together" }, ...cells,
    element("div", { class: "bar" }, board.undo, board.redo, board.more, board.deciding),
    element("div", { class: "said" }, board.excluded, board.status));
  return board.totalsRoot;
}

/** @param {Board} board */
function showTotals(board) {
  const now = overall(board.now);
  for (const [metric] of TOTALS) {
    const { value, delta } = board.totals[metric];
    write(value, share(now[metric]));
    write(delta, change(now[metric], board.beforeAll[metric]));
  }
  const moved = now.macro_f1 - board.beforeAll.macro_f1 || 0; // 0 where there is none
  board.meter.style.transform = `scaleX(${Math.max(-1, Math.min(1, moved / FULL_METER))})`;
  const sign = String(Math.sign(Math.round(1000 * moved)));
  for (const node of [board.meter, board.totals.macro_f1.delta]) if (node.dataset.sign !== sign) node.dataset.sign = sign;
  write(board.excluded, overInWords(board, now));
  showModeTotals(board);
  showAims(board);
}

/** @param {Board} board @param {Overall} now */
function overInWords(board, now) {
  const without = board.now.length - now.defined;
  const over = without ? `macro over ${now.defined} of ${board.now.length} findings: ${without} without positive films`
    : `macro over all ${board.now.length} findings`;
  const changed = board.at.some((place, k) => place !== board.referenceAt[k]);
  return changed ? `${over} · changes against ${board.header.reference.name}` : over;
}

// The large number answers a move that is over.
/** @param {Board} board */
function bump(board) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  board.totals.macro_f1.value.animate?.([{ transform: "scale(1.09)" }, { transform: "none" }],
                                        { duration: BUMP, easing: "ease-out" });
}

// -- the first drag: the open line pulses until somebody has dragged one

const DRAGGED = "cxr-dragged"; // in the browser's own store, which may be closed to us

/** @param {Board} board */
function hintAtDragging(board) {
  let dragged = Boolean(board.header.alone || board.header.rows);
  try {
    dragged ||= localStorage.getItem(DRAGGED) !== null;
  } catch { /* then it pulses at every visit */ }
  board.root.classList.toggle("hinting", !dragged);
}

/** @param {Board} board */
function rememberDrag(board) {
  if (!board.root.classList.contains("hinting")) return;
  board.root.classList.remove("hinting");
  try {
    localStorage.setItem(DRAGGED, "yes");
  } catch { /* as above */ }
}
