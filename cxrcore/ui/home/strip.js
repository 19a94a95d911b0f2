// Beside the board's one row on Home: its F1, large, with recall and precision, read from the board while it is dragged.
// The board is the very one of the page Thresholds; what a card has no room for is folded away in it, by its marks.

const SHEET = `
  #board { zoom: 1 !important; display: block !important; }
  #board > * > :not(:has([data-finding])):not([data-finding]), #board > :not(:has([data-finding])),
  :has(> [data-finding]) > :not([data-finding]) { display: none !important; }
  [data-finding] { display: grid !important; grid-template-columns: minmax(0, 1fr) 84px !important; border: 0 !important;
    background: none !important; padding: 0 !important; }
  [data-finding][hidden], [data-finding] > :not(:has(input)) { display: none !important; }
  [data-finding] > :has(input) { grid-row: 1 !important; grid-column: auto !important; }
  [data-finding] > :has(input)::before { display: none !important; }
  :has(> input[type="range"]) { height: 132px !important; max-width: none !important; }
  input[type="range"]::-webkit-slider-thumb { height: 132px; }
  input[type="range"]::-moz-range-thumb { height: 132px; }
`;
const SHOWN = ["f1", "recall", "precision"];
const LOOK_EVERY = 150; // milliseconds, until the board is there

/** @type {WeakMap<ParentNode, { timer: number, watch: MutationObserver }>} */
const strips = new WeakMap();

/** @param {{ data: { finding: string }, parentElement: ParentNode }} given */
export default function strip({ data, parentElement }) {
  const held = strips.get(parentElement);
  clearInterval(held?.timer);
  held?.watch.disconnect();
  const watch = new MutationObserver(() => show(data.finding, parentElement));
  const look = () => {
    const board = boardOf();
    if (!board) return;
    clearInterval(timer);
    fold(board);
    watch.observe(board, { subtree: true, childList: true, characterData: true });
    show(data.finding, parentElement);
  };
  const timer = window.setInterval(look, LOOK_EVERY);
  strips.set(parentElement, { timer, watch });
  look();
  return () => {
    clearInterval(strips.get(parentElement)?.timer);
    strips.get(parentElement)?.watch.disconnect();
    strips.delete(parentElement);
  };
}

/** @returns {ParentNode | null} the root of the board on this page, once it has a row */
function boardOf() {
  for (const host of document.querySelectorAll(".st-key-home_board [data-testid=stBidiComponentIsolated]")) {
    if (host.shadowRoot?.querySelector("[data-testid=threshold-board] [data-finding]")) return host.shadowRoot;
  }
  return null;
}

/** @param {ParentNode} root */
function fold(root) {
  if (!(root instanceof ShadowRoot) || root.adoptedStyleSheets.some((one) => one.media.mediaText === "all")) return;
  const sheet = new CSSStyleSheet({ media: "all" });
  sheet.replaceSync(SHEET);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
}

/** @param {string} finding @param {ParentNode} place */
function show(finding, place) {
  const row = [...boardOf()?.querySelectorAll("[data-finding]") ?? []].find((one) =>
    /** @type {HTMLElement} */ (one).dataset.finding === finding);
  for (const name of SHOWN) {
    const text = row?.querySelector(`[data-metric=${name}]`)?.textContent ?? "";
    const shown = place.querySelector(`[data-shows=${name}]`);
    if (shown && text && shown.textContent !== text) shown.textContent = text;
  }
}
