// What can be asked of the lines besides F1, each off until it is switched on: at your place, what a miss is worth, ask a
// person, the films themselves. Numbers follow the drag as all others do, counted here.

/** @typedef {"place" | "worth" | "ask" | "films"} Mode
 * @typedef {{ shown: boolean, on: Set<Mode>, whole: boolean, prevalence: Record<string, number>,
 *             ratio: Record<string, number>, every: Record<string, string>, values: Record<string, number>[],
 *             nodes: Record<string, HTMLElement>, told: string }} Decide
 *   prevalence, ratio: of findings, by name, where they were set; every: the texts of the fields for all findings
 */

/** @type {[Mode, string, string][]} */
const MODES = [
  ["place", "At your place", "PPV, NPV, alarms and misses at another prevalence"],
  ["worth", "What a miss is worth", "Net benefit, when one missed film is as bad as so many false alarms"],
  ["ask", "Ask a person", "A second line: films between the two go to a person"],
  ["films", "Films", "The open finding's films as small pictures on the axis of their scores"],
];
const DEFAULT_RATIO = 10; // as the aim "a miss costs ... false alarms" has it
const DEFAULT_SHARE = "20";
const DEFAULT_MISSED = "10";
const ASSUMED = "Worked out by Bayes from recall and specificity, which are taken to be the same at your place as on these "
  + "films. The exact counts of these films stand beside it.";
const KEPT = "cxr-decide"; // in this tab, so that it outlives a look at another page

/** @returns {Decide} */
function newDecide() {
  return { shown: false, on: new Set(), whole: false, prevalence: {}, ratio: {}, values: [], nodes: {}, told: "",
           every: { prevalence: "", ratio: String(DEFAULT_RATIO), share: DEFAULT_SHARE, missed: DEFAULT_MISSED } };
}

// -- what is asked of a finding

/** @param {Board} board @param {number} k */
function isDialled(board, k) {
  return board.decide.on.has("place") && board.header.findings[k].name in board.decide.prevalence;
}

/** @param {Board} board @param {number} k */
function prevalenceOf(board, k) {
  return isDialled(board, k) ? board.decide.prevalence[board.header.findings[k].name] : ownPrevalence(board.ladders[k]);
}

/** @param {Board} board @param {number} k */
function ratioOf(board, k) {
  return board.decide.ratio[board.header.findings[k].name] ?? Number(board.decide.every.ratio.replace(",", "."));
}

// What the aims here set: all findings, or the open one.
/** @param {Board} board @returns {number[]} */
function chosenRows(board) {
  return board.decide.whole ? [...board.ladders.keys()] : [board.open];
}

/** @param {Board} board @param {number} k @returns {Record<string, number>} */
function modeValues(board, k) {
  const now = board.now[k];
  const { on } = board.decide;
  const dialled = isDialled(board, k) ? prevalenceOf(board, k) : undefined;
  /** @type {Record<string, number>} */
  const found = {};
  if (on.has("place")) Object.assign(found, atPrevalence(now, prevalenceOf(board, k)));
  if (on.has("worth")) found.net_benefit = netBenefit(now, ratioOf(board, k), dialled);
  if (on.has("ask")) {
    const band = bandAt(board.ladders[k], board.at[k], upperAt(board, k));
    Object.assign(found, { referred: band.referred_share, decided_recall: band.recall, decided_f1: band.f1,
                           decided_precision: band.precision, misses_left: band.missed });
  }
  return found;
}

// -- the switches

/** @param {Board} board @returns {HTMLElement[]} none while they are folded away */
function buildDecide(board) {
  const { decide } = board;
  decide.nodes = {};
  if (!decide.shown) return [];
  const switches = MODES.filter(([mode]) => mode !== "films" || (board.beside?.header.films && !board.header.alone)).map(([mode, label, title]) => {
    const button = element("button", { type: "button", class: "aim", "data-mode": mode, title,
                                       "aria-pressed": String(decide.on.has(mode)) }, label);
    button.onclick = () => toggleMode(board, mode);
    return button;
  });
  const parts = [element("div", { class: "switches", role: "group", "aria-label": "Decide" }, ...switches,
                         ...(decide.on.has("worth") || decide.on.has("ask") ? buildScope(board) : []))];
  if (decide.on.has("place")) parts.push(buildPlace(board));
  if (decide.on.has("worth")) parts.push(buildWorth(board));
  if (decide.on.has("ask")) parts.push(buildAsk(board));
  return [element("section", { class: "decide", "aria-label": "What the lines are worth" }, ...parts)];
}

/** @param {Board} board @returns {HTMLElement[]} */
function buildScope(board) {
  const scope = /** @type {[string, boolean][]} */ ([["The open finding", false], ["All findings", true]]);
  const buttons = scope.map(([label, all]) => {
    const button = element("button", { type: "button", class: "aim", "data-scope": all ? "all" : "open",
                                       "aria-pressed": String(board.decide.whole === all) }, label);
    button.onclick = () => { board.decide.whole = all; rebuildDecide(board); };
    return button;
  });
  return [element("span", { class: "scope", role: "group", "aria-label": "What the aims below set" },
                  element("span", { class: "label" }, "Aims below set"), ...buttons)];
}

/** @param {Board} board @param {Mode} mode */
function toggleMode(board, mode) {
  const { on } = board.decide;
  if (on.has(mode)) on.delete(mode);
  else on.add(mode);
  const lines = board.settled.slice(0, board.ladders.length);
  if (mode === "ask" && !on.has("ask")) takeStand(board, [...lines, ...lines.map(() => NO_UPPER)]);
  rebuildDecide(board);
  /** @type {HTMLElement | null} */ (board.root.querySelector(`.decide [data-mode="${mode}"]`))?.focus();
  tellWanted(board);
}

/** @param {Board} board */
function toggleDecide(board) {
  board.decide.shown = !board.decide.shown;
  if (!board.decide.shown) {
    const asked = board.decide.on.has("ask");
    board.decide.on.clear();
    const lines = board.settled.slice(0, board.ladders.length);
    if (asked) takeStand(board, [...lines, ...lines.map(() => NO_UPPER)]);
  }
  rebuildDecide(board);
  tellWanted(board);
}

// A stand with upper lines is shown as such.
/** @param {Board} board */
function showAsk(board) {
  board.decide.shown = true;
  board.decide.on.add("ask");
}

// The lines of the modes, built anew; what is being typed there goes on.
/** @param {Board} board */
function replaceDecide(board) {
  const before = board.root.querySelector(".decide");
  const root = /** @type {ShadowRoot | Document} */ (board.root.getRootNode());
  const typed = /** @type {HTMLInputElement | null} */ (root.activeElement);
  const label = before?.contains(typed) && typed?.getAttribute("aria-label");
  before?.remove();
  board.totalsRoot.after(...buildDecide(board));
  board.deciding.setAttribute("aria-expanded", String(board.decide.shown));
  showDecides(board);
  const again = label && /** @type {HTMLInputElement | null} */ (board.root.querySelector(`.decide [aria-label="${label}"]`));
  if (!again || !typed) return;
  if (again.type !== "file") again.value = typed.value;
  /** @type {HTMLDetailsElement | null} */ (again.closest("details"))?.setAttribute("open", "");
  again.focus();
}

// Fields are filled anew in their places, so that whoever goes from one to the next does not lose it.
/** @param {Board} board */
function refreshDecide(board) {
  const { decide } = board;
  const every = /** @type {NodeListOf<HTMLInputElement>} */ (board.root.querySelectorAll(".decide [data-control]"));
  for (const input of every) {
    if (input.dataset.control === "prevalence" && !decide.every.prevalence) input.value = "";
  }
  board.rows.forEach((_, k) => {
    fillFields(board, k);
    showRow(board, k);
  });
  showTotals(board);
  drawModes(board);
  showPanel(board);
  keepDecide(board);
}

// Everything that the modes add, built anew; what is at rest stays as it is.
/** @param {Board} board */
function rebuildDecide(board) {
  const place = focused(board);
  replaceDecide(board);
  board.rows.forEach((_, k) => {
    buildRowModes(board, k);
    showRow(board, k);
  });
  showTotals(board);
  if (board.view) buildPanel(board);
  keepDecide(board);
  if (place) /** @type {HTMLElement | null} */ (board.root.querySelector(place))?.focus();
}

// -- what the server is to send besides, and what this tab remembers

/** @param {Board} board */
function tellWanted(board) {
  if (board.header.alone) return;
  const { shown, on } = board.decide;
  const wanted = shown ? ["decide", ...["place", "films"].filter((mode) => on.has(/** @type {Mode} */ (mode)))] : [];
  const finding = on.has("films") ? board.header.findings[board.open].name : "";
  const text = `${board.header.of} ${wanted} ${finding}`;
  if (text === board.decide.told || (!board.decide.told && !wanted.length)) return;
  board.decide.told = text;
  board.send.setStateValue("wanted", { of: board.header.of, parts: wanted, finding });
}

/** @param {Board} board */
function keepDecide(board) {
  const { rows, alone } = board.header;
  if (rows || alone) return;
  const { shown, on, whole: all, prevalence, ratio, every } = board.decide;
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ shown, on: [...on], whole: all, prevalence, ratio, every }));
  } catch { /* then it is gone with the page */ }
}

/** @param {Board} board */
function recallDecide(board) {
  if (board.header.rows || board.header.alone) return;
  try {
    const held = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    if (held?.shown) Object.assign(board.decide, held, { on: new Set(held.on), every: { ...board.decide.every, ...held.every } });
  } catch { /* nothing is kept */ }
}

/** The style follows; the open finding, which may scroll then, can be reached by keys. @param {Board} board */
function showDecides(board) {
  board.root.classList.toggle("decides", board.decide.shown);
  if (board.decide.shown) board.panel.tabIndex = 0;
  else board.panel.removeAttribute("tabindex");
}
