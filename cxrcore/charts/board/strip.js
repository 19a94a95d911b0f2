// The open finding's films as small pictures at their scores, on the axis of its histogram; recoloured while dragged.

/** @typedef {"caught" | "missed" | "false" | "quiet" | "asked"} Fate
 * @typedef {{ root: HTMLElement, tiles: { node: HTMLAnchorElement, score: number, label: number, id: string,
 *             place: number, fate: Fate | "" }[], large: HTMLElement, words: HTMLElement,
 *             looking: boolean }} Strip looking: a finger's first touch of a film, which leads nowhere
 */

const TILE = 24; // pixels a side
const TILES_HIGH = 6; // films over each other, at most
const LARGE = 176; // pixels a side, while the pointer rests on a film
/** @type {Record<Fate, string>} */
const FATES = { caught: "caught", missed: "missed", false: "false alarm", quiet: "rightly left alone", asked: "asked about" };

/** @param {Board} board @returns {HTMLElement[]} */
function buildStrip(board) {
  board.strip = null;
  if (!board.decide.on.has("films")) return [];
  return [element("div", { class: "strip", role: "group", "aria-label": "Films at their scores" })];
}

// Once the width is known, and again when it changes.
/** @param {Board} board @param {number} wide */
function drawStrip(board, wide) {
  const root = /** @type {HTMLElement | null} */ (board.panel.querySelector(".strip"));
  if (!root) return;
  const { beside } = board;
  const strip = beside?.header.strip;
  if (!beside || !strip || strip.finding !== board.header.findings[board.open].name || !beside.scores) {
    root.replaceChildren(element("p", { class: "key" }, beside?.header.strip === null
      ? "No prepared film of this finding lies beside the store." : "The films are on their way."));
    return;
  }
  const large = element("div", { class: "large", "aria-hidden": "true" });
  const words = element("div", { class: "key fates", "aria-live": "off" });
  const places = layOut(board, beside.scores, wide);
  const tiles = places.map(({ i, x, y }) => buildTile(board, i, x, y));
  const tall = TILE * Math.max(1, ...places.map(({ y }) => y + 1));
  const box = element("div", { class: "tiles", style: `height:${tall}px` }, ...tiles.map(({ node }) => node));
  root.replaceChildren(words, box, large);
  board.strip = { root, tiles, large, words, looking: false };
  listenToStrip(board);
  showStrip(board);
}

// Columns as wide as a film; in each the films from the floor up, as far as there is room.
/** @param {Board} board @param {Float64Array} scores @param {number} wide */
function layOut(board, scores, wide) {
  const { thresholds } = board.ladders[board.open];
  const columns = Math.max(1, Math.floor(wide / TILE));
  const filled = Array.from({ length: columns }, () => 0);
  const places = [];
  for (const [i, score] of scores.entries()) {
    const x = Math.min(columns - 1, Math.floor(shareOf(thresholds, score) * columns));
    if (filled[x] < TILES_HIGH) places.push({ i, x: x * wide / columns, y: filled[x]++, score });
  }
  return places.toSorted((a, b) => a.score - b.score);
}

/** @param {Board} board @param {number} i @param {number} x @param {number} y @returns {Strip["tiles"][number]} */
function buildTile(board, i, x, y) {
  const { header, scores, sprite } = /** @type {Beside} */ (board.beside);
  const strip = /** @type {StripHeader} */ (header.strip);
  const [id, label] = [strip.ids[i], strip.labels[i]];
  const score = /** @type {Float64Array} */ (scores)[i];
  const row = Math.floor(i / strip.across);
  const rows = Math.ceil(strip.ids.length / strip.across);
  const picture = `background-image:url(${sprite});background-size:${strip.across * 100}% ${rows * 100}%;`
    + `background-position:${part(i % strip.across, strip.across)} ${part(row, rows)}`;
  const leads = strip.leads && !board.header.alone;
  const node = element(leads ? "a" : "span", { class: "tile", tabindex: -1, "data-film": id, role: leads ? null : "img",
    href: leads ? "explain" : null, target: leads ? "_self" : null, // the link itself follows once it is reached
    "aria-label": `Film ${id}, score ${threeDigits(String(score))}, ${label ? "with" : "without"} the finding`,
    style: `left:${x.toFixed(1)}px;bottom:${y * TILE}px` }, element("i", { style: picture }));
  return { node, score, label, id, place: i, fate: "" };
}

/** @param {number} at @param {number} n */
const part = (at, n) => `${n > 1 ? 100 * at / (n - 1) : 0}%`;

/** @param {Board} board */
function listenToStrip(board) {
  const strip = /** @type {Strip} */ (board.strip);
  strip.tiles.forEach((tile, at) => {
    const { node } = tile;
    if (at === 0) node.tabIndex = 0;
    node.onpointerenter = (event) => { if (event.pointerType === "mouse") enlarge(board, at); };
    node.onpointerleave = () => enlarge(board, -1);
    node.onfocus = () => enlarge(board, at);
    node.onblur = () => enlarge(board, -1);
    // A finger sees a film large first; it leads there with the second touch. The focus, which comes before the click,
    // enlarges too, so what stood there is asked as the finger comes down.
    node.onpointerdown = (event) => {
      strip.looking = event.pointerType === "touch" && strip.large.dataset.film !== tile.id;
    };
    node.onpointercancel = () => { strip.looking = false; };
    node.onclick = (event) => {
      if (strip.looking) event.preventDefault();
      strip.looking = false;
      enlarge(board, at);
    };
    node.onkeydown = (event) => stepInStrip(strip, at, event);
  });
}

/** @param {Strip} strip @param {number} at @param {KeyboardEvent} event */
function stepInStrip(strip, at, event) {
  /** @type {Record<string, number>} */
  const steps = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: strip.tiles.length - 1 };
  const next = strip.tiles[steps[event.key]];
  if (!next) return;
  event.preventDefault();
  strip.tiles[at].node.tabIndex = -1;
  next.node.tabIndex = 0;
  next.node.focus();
}

/** @param {Board} board @param {number} at -1 to take it away */
function enlarge(board, at) {
  const strip = /** @type {Strip} */ (board.strip);
  const tile = strip?.tiles[at];
  strip?.large.classList.toggle("on", Boolean(tile));
  if (!tile) {
    if (strip) delete strip.large.dataset.film;
    return;
  }
  if (tile.node.localName === "a") tile.node.href = explainLink(board, tile.id);
  const picture = /** @type {HTMLElement} */ (tile.node.firstChild).style.cssText;
  strip.large.replaceChildren(element("i", { style: picture }), element("span", {}, `${tile.id} · ${
    threeDigits(String(tile.score))} · ${FATES[/** @type {Fate} */ (tile.fate)]}`));
  strip.large.dataset.film = tile.id;
  const left = Number.parseFloat(tile.node.style.left);
  strip.large.style.left = `${Math.max(0, Math.min(board.view.width - LARGE, left - LARGE / 2))}px`;
}

/** @param {Board} board @param {string} film */
function explainLink(board, film) {
  const held = new URLSearchParams(window.location.search);
  const wanted = new URLSearchParams();
  for (const name of ["run", "look", "labels", "set", "ref", "t", "u"]) {
    for (const value of held.getAll(name)) wanted.append(name, value);
  }
  wanted.set("film", film);
  wanted.set("finding", board.header.findings[board.open].name);
  return `explain?${wanted}`;
}

// -- what moves

/** @param {Board} board */
function showStrip(board) {
  const { strip } = board;
  if (!strip) return;
  const k = board.open;
  const { thresholds } = board.ladders[k];
  const lower = thresholds[board.at[k]];
  const upper = thresholds[upperAt(board, k)];
  /** @type {Record<Fate, number>} */
  const n = { caught: 0, missed: 0, false: 0, quiet: 0, asked: 0 };
  for (const tile of strip.tiles) {
    const fate = tile.score >= upper ? (tile.label ? "caught" : "false") : tile.score >= lower ? "asked"
      : tile.label ? "missed" : "quiet";
    n[fate] += 1;
    if (tile.fate !== fate) tile.node.dataset.fate = tile.fate = fate;
  }
  const all = board.beside?.header.strip?.of ?? 0;
  write(strip.words, `${strip.tiles.length} of ${whole(all)} films, spread evenly over the axis: ✓ ${n.caught} caught, `
    + `× ${n.missed} missed, ! ${n.false} false alarm${n.false === 1 ? "" : "s"}, `
    + `${board.decide.on.has("ask") ? `? ${n.asked} asked about, ` : ""}faded ${n.quiet} rightly left alone.`);
}
