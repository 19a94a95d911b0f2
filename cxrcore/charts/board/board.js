// The threshold board: one instance for each place that Streamlit gives, alive across reruns.

/** One board: its tables, where its handles stand, what can be undone, and the elements that move.
 * @typedef {{ root: HTMLElement, details: boolean, same: boolean, past: number[][], future: number[][],
 *             watch: ResizeObserver, send: Sending, later: Uint8Array<ArrayBuffer> | null, held: boolean,
 *             header: Header, ladders: Ladder[], others: OtherRun[], applied: Header["id"], asked: string,
 *             open: number, told: number, at: Int32Array, now: Measures[], before: Measures[], beforeAll: Overall,
 *             settled: number[], referenceAt: number[], textAt: (k: number, place: number) => string,
 *             resting: number, typing: number | null, releases?: number, dragging: HTMLElement | null,
 *             wanted: { k: number, value: number, text: string, upper?: boolean } | null, rows: Row[], view: View,
 *             aims: { aim: Aim, places: number[], chip: HTMLButtonElement }[], meter: HTMLElement,
 *             totalsRoot: HTMLElement, totals: Record<string, { value: HTMLElement, delta: HTMLElement }>, excluded: HTMLElement,
 *             upper: Int32Array, decide: Decide, deciding: HTMLButtonElement, modesView: ModesView, promisedLine: HTMLElement | null, beside: Beside | null,
 *             besideLater?: boolean, strip: Strip | null, hear: (event: Event) => void, typingUpper: number | null,
 *             draggingUpper: boolean, bestRange?: { ladder: Ladder, prevalence: number, range: Range },
 *             panel: HTMLElement, table: HTMLElement, status: HTMLElement, undo: HTMLButtonElement, redo: HTMLButtonElement,
 *             more: HTMLButtonElement }} Board
 * @typedef {{ setStateValue: (name: string, value: any) => void,
 *             setTriggerValue: (name: string, value: any) => void }} Sending
 */

/** @type {WeakMap<ParentNode, Board>} */
const boards = new WeakMap();

/** @param {{ data: Uint8Array<ArrayBuffer>, parentElement: ParentNode } & Sending} given */
export default function mount({ data, parentElement, setStateValue, setTriggerValue }) {
  let board = /** @type {Board} */ (boards.get(parentElement));
  if (!board) {
    board = /** @type {any} */ ({ root: parentElement.querySelector("#board"), details: false, same: true, past: [],
                                  future: [], decide: newDecide(), beside: null, strip: null });
    boards.set(parentElement, board);
    board.watch = new ResizeObserver(() => { if (board.view) drawCharts(board); });
    listenToBeside(board);
  }
  board.send = { setStateValue, setTriggerValue };
  offer(board, data);
  return () => {
    clearTimeout(board.resting);
    board.watch.disconnect();
    document.removeEventListener(BESIDE, board.hear);
    boards.delete(parentElement);
  };
}

// Streamlit calls again whenever the theme or anything on the page changes; new rows under a held handle would drop it,
// and a step by key that Python has not been told of yet.
/** @param {Board} board @param {Uint8Array<ArrayBuffer>} data */
function offer(board, data) {
  const tables = unpack(data);
  board.later = null;
  if (board.header?.version === tables.header.version) return;
  if (board.held || board.resting) board.later = data;
  else takeData(board, tables);
}

/** @param {Board} board @param {Tables} tables */
function takeData(board, { header, ladders, others }) {
  const alive = board.header?.of === header.of; // the same predictions, with more positions or another reference
  const settled = alive && board.applied === header.id ? board.settled : standOf(header);
  if (!alive) [board.past, board.future] = [[], []];
  else if (board.applied !== header.id) {
    board.past.push(board.settled);
    board.future = [];
  }
  const opened = alive && board.asked === header.open ? board.open
    : header.findings.findIndex((finding) => finding.name === header.open);
  Object.assign(board, { header, ladders, others, applied: header.id, asked: header.open, open: opened, told: opened,
                         at: new Int32Array(ladders.length), now: [],
                         upper: new Int32Array(ladders.length).fill(NO_UPPER) });
  if (board.beside && board.beside.header.of !== header.of) board.beside = null;
  if (!alive) recallDecide(board);
  if (settled.slice(ladders.length).some((value) => value !== NO_UPPER)) showAsk(board);
  board.textAt = (k, place) => header.texts[k][place] ?? String(ladders[k].thresholds[place]);
  board.referenceAt = header.reference.thresholds.map((value, k) => placeOf(ladders[k].thresholds, value));
  const focus = focused(board);
  const scrolled = alive ? board.table.scrollTop : 0;
  buildBoard(board);
  showReference(board);
  board.rows[board.open].root.classList.add("open");
  apply(board, settled);
  settle(board, settled);
  buildPanel(board);
  listen(board);
  board.watch.disconnect();
  board.watch.observe(board.panel);
  takeWanted(board);
  board.table.scrollTop = scrolled;
  if (!alive) bringIntoView(board);
  if (focus) board.root.querySelector(focus)?.focus();
  askForBeside(board);
}

// Rows are built anew, so the keyboard's place has to be found again.
/** @param {Board} board */
function focused(board) {
  /** @type {any} */
  const root = board.root.getRootNode();
  const active = root.activeElement;
  const row = active?.closest("[data-finding]");
  const label = active?.getAttribute("aria-label");
  return row && label && `[data-finding="${row.dataset.finding}"] [aria-label="${label}"]`;
}

/** @param {Board} board */
function showAll(board) {
  board.rows.forEach((_, k) => showRow(board, k));
  showTotals(board);
  if (board.view) showPanel(board);
}
