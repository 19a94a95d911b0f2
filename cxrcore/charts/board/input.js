// What people do: drag, keys, typing, undo. Everything is counted and drawn at once; Python hears of it on release.

const BIG_STEP = 10; // positions of shift-arrow and of page up / down
const KEY_REST = 350; // ms without a key after which a series of key steps counts as one move
const MAX_PAST = 200; // moves that can be undone

// -- moving one threshold

/** @param {Board} board @param {number} k @param {number} place */
function moveTo(board, k, place) {
  const last = board.ladders[k].thresholds.length - 1;
  const next = Math.min(last, Math.max(0, Math.round(place)));
  if (next === board.at[k]) return;
  board.at[k] = next;
  showRow(board, k);
  showTotals(board);
  if (k === board.open) showPanel(board);
  say(board, moveInWords(board, k));
}

// What the move means so far, in films.
/** @param {Board} board @param {number} k */
function moveInWords(board, k) {
  const ladder = board.ladders[k];
  const before = placeOf(ladder.thresholds, board.settled[k]);
  const now = board.now[k];
  if (before < 0) return "";
  const tp = now.tp - ladder.tp[before];
  const fp = now.fp - ladder.fp[before];
  if (!tp && !fp) return "No film changes side";
  const films = whole(Math.abs(tp) + Math.abs(fp));
  const more = tp + fp > 0;
  return `${films} films change side: ${whole(Math.abs(tp))} more ${more ? "caught" : "missed"}, `
    + `${whole(Math.abs(fp))} ${more ? "more" : "fewer"} false alarms`;
}

// The move is over: it can be undone from here on, and Python is told.
/** @param {Board} board @param {number} k */
function commit(board, k) {
  clearTimeout(board.resting);
  board.resting = 0;
  const now = thresholdsNow(board);
  const before = board.settled;
  takeLater(board);
  if (now.every((value, i) => value === before[i])) {
    tellOpened(board);
    return;
  }
  board.past.push(before);
  board.past.splice(0, board.past.length - MAX_PAST);
  board.future = [];
  settle(board, now);
  release(board, k, before[k]);
}

// Tables that came meanwhile, once nothing is under way.
/** @param {Board} board */
function takeLater(board) {
  if (!board.later) return;
  setTimeout(() => {
    if (board.later && !board.held && !board.resting) offer(board, board.later);
  });
}

/** @param {Board} board @param {number[]} now */
function settle(board, now) {
  board.settled = now;
  showTools(board);
}

/** @param {Board} board @param {number | null} k @param {number | null} before */
function release(board, k, before) {
  board.releases = (board.releases ?? 0) + 1;
  board.told = board.open;
  board.send.setStateValue("released", {
    of: board.header.of, at: `${Date.now()}-${board.releases}`, thresholds: board.settled,
    open: board.header.findings[board.open].name,
    moved: k === null ? null : { finding: board.header.findings[k].name, before, after: board.settled[k] },
  });
}

/** @param {Board} board @returns {number[]} */
function thresholdsNow(board) {
  return board.ladders.map((ladder, k) => ladder.thresholds[board.at[k]]);
}

// All thresholds at once (a set, undo, redo); those that are not counted yet are asked for and follow.
/** @param {Board} board @param {number[]} thresholds @returns {Record<string, number>} */
function apply(board, thresholds) {
  /** @type {Record<string, number>} */
  const missing = {};
  thresholds.forEach((value, k) => {
    const place = placeOf(board.ladders[k].thresholds, value);
    if (place >= 0) board.at[k] = place;
    else missing[board.header.findings[k].name] = value;
  });
  showAll(board);
  return missing;
}

/** @param {Board} board @param {number[][]} from @param {number[][]} to */
function travel(board, from, to) {
  const target = from.pop();
  if (!target) return;
  to.push(board.settled);
  const before = board.settled;
  const moved = target.map((value, k) => (value === before[k] ? -1 : k)).filter((k) => k >= 0);
  const missing = apply(board, target);
  settle(board, target);
  const k = moved.length === 1 ? moved[0] : null;
  if (k !== null) {
    open(board, k);
    bringIntoView(board);
  }
  release(board, k, k === null ? null : before[k]);
  if (Object.keys(missing).length) board.send.setTriggerValue("typed", missing);
}

// -- the open finding: a finding opens with the first touch, and Python hears of it when the touch is over

/** @param {Board} board @param {number} k */
function open(board, k) {
  if (k === board.open) return;
  board.rows[board.open].root.classList.remove("open");
  board.open = k;
  board.rows[k].root.classList.add("open");
  buildPanel(board);
}

/** @param {Board} board */
function tellOpened(board) {
  if (board.told === board.open) return;
  board.told = board.open;
  board.send.setStateValue("opened", board.header.findings[board.open].name);
}

// -- listeners; set as properties, so that doing it again changes nothing

/** @param {Board} board */
function listen(board) {
  board.rows.forEach((row, k) => {
    row.open.onclick = () => { open(board, k); tellOpened(board); };
    row.range.onpointerdown = () => open(board, k);
    row.range.oninput = () => moveTo(board, k, Number(row.range.value));
    row.range.onchange = () => commit(board, k);
    row.range.onkeydown = (event) => stepByKey(board, k, event);
    row.range.onblur = () => { if (board.resting) commit(board, k); };
    row.typed.onfocus = () => { board.typing = k; row.typed.select(); };
    row.typed.onblur = () => { board.typing = null; takeTyped(board, k); };
    row.typed.onkeydown = (event) => {
      if (event.key === "Enter") takeTyped(board, k);
      if (event.key === "Escape") { row.typed.value = board.textAt(k, board.at[k]); say(board, ""); }
      event.stopPropagation(); // its own undo
    };
  });
  board.undo.onclick = () => travel(board, board.past, board.future);
  board.redo.onclick = () => travel(board, board.future, board.past);
  board.more.onclick = () => {
    board.details = board.root.classList.toggle("details");
    board.more.setAttribute("aria-pressed", String(board.details));
  };
  board.root.onkeydown = (event) => {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || (key !== "z" && key !== "y")) return;
    event.preventDefault();
    if (board.resting) commit(board, board.open);
    if (key === "y" || event.shiftKey) travel(board, board.future, board.past);
    else travel(board, board.past, board.future);
  };
  listenToHold(board);
  listenToPanel(board);
}

// While a handle is held, new tables wait.
/** @param {Board} board */
function listenToHold(board) {
  board.root.onpointerdown = () => { board.held = true; };
  board.root.onpointerup = board.root.onpointercancel = board.root.onlostpointercapture = () => {
    if (!board.held) return;
    board.held = false;
    setTimeout(() => { // after the handle's own change event
      tellOpened(board);
      if (board.later) offer(board, board.later);
    });
  };
}

/** @param {Board} board @param {number} k @param {KeyboardEvent} event */
function stepByKey(board, k, event) {
  const big = event.shiftKey ? BIG_STEP : 1;
  const last = board.ladders[k].thresholds.length - 1;
  /** @type {Record<string, number>} */
  const steps = { ArrowRight: big, ArrowUp: big, ArrowLeft: -big, ArrowDown: -big, PageUp: BIG_STEP,
                  PageDown: -BIG_STEP, Home: -last, End: last };
  if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  open(board, k);
  moveTo(board, k, board.at[k] + steps[event.key]);
  clearTimeout(board.resting);
  board.resting = setTimeout(() => commit(board, k), KEY_REST);
}

const UNREACHED = 1 + Number.EPSILON; // no score reaches it: "never", as in measures/thresholds/positions.py

// -- a typed threshold: kept as typed, and counted exactly, by Python where it is not a position

/** @param {Board} board @param {number} k */
function takeTyped(board, k) {
  const { typed } = board.rows[k];
  const text = typed.value.trim();
  if (text === board.textAt(k, board.at[k]) || (board.wanted?.k === k && board.wanted.text === text)) return;
  const value = text.toLowerCase() === "never" ? UNREACHED : Number(text.replace(",", "."));
  const bad = text === "" || !(value >= 0 && value <= UNREACHED);
  typed.setAttribute("aria-invalid", String(bad));
  if (bad) {
    say(board, `“${text}” is no threshold: type a number from 0 to 1, never, or Escape.`, true);
    return;
  }
  say(board, "");
  open(board, k);
  const place = placeOf(board.ladders[k].thresholds, value);
  if (place < 0) {
    board.wanted = { k, value, text };
    board.send.setTriggerValue("typed", { [board.header.findings[k].name]: value });
    return;
  }
  typed.value = board.textAt(k, place);
  moveTo(board, k, place);
  commit(board, k);
}

// Python has counted what was asked for.
/** @param {Board} board */
function takeWanted(board) {
  if (!board.wanted) return;
  const { k, value } = board.wanted;
  const place = placeOf(board.ladders[k].thresholds, value);
  if (place < 0) return;
  board.wanted = null;
  moveTo(board, k, place);
  commit(board, k);
}

/** @param {Board} board @param {string} text @param {boolean} wrong */
function say(board, text, wrong = false) {
  write(board.status, text);
  board.status.classList.toggle("wrong", wrong);
}

// -- the charts of the open finding

/** @param {Board} board */
function listenToPanel(board) {
  const panel = board.panel;
  panel.onpointerdown = (event) => {
    const chart = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".chart"));
    if (!chart || event.button) return;
    event.preventDefault();
    panel.setPointerCapture(event.pointerId);
    board.dragging = chart;
    followPointer(board, event);
  };
  panel.onpointermove = (event) => { if (board.dragging) followPointer(board, event); };
  panel.onpointerup = panel.onpointercancel = () => {
    if (!board.dragging) return;
    board.dragging = null;
    commit(board, board.open);
  };
}

/** @param {Board} board @param {PointerEvent} event */
function followPointer(board, event) {
  const { view, open: k, dragging } = board;
  const plot = dragging?.querySelector("svg.plot");
  if (!plot) return;
  const corner = plot.getBoundingClientRect();
  const scale = corner.width / plot.clientWidth || 1; // a slide enlarges the board
  const x = (event.clientX - corner.left) / scale;
  if (dragging === view.scores) moveTo(board, k, x / view.width * (board.ladders[k].thresholds.length - 1));
  else moveTo(board, k, nearestOnCurve(board, k, dragging === view.roc, x, (event.clientY - corner.top) / scale));
}

// The position whose operating point lies nearest to the pointer.
/** @param {Board} board @param {number} k @param {boolean} roc @param {number} x @param {number} y */
function nearestOnCurve(board, k, roc, x, y) {
  const { thresholds } = board.ladders[k];
  const { place } = roc ? board.view.rocDots : board.view.prDots;
  let best = board.at[k];
  let least = Infinity;
  for (let i = 0; i < thresholds.length; i += 1) {
    const now = measuresAt(board.ladders[k], i);
    const [px, py] = roc ? place(1 - now.specificity, now.recall) : place(now.recall, now.precision);
    const away = (px - x) ** 2 + (py - y) ** 2;
    if (away < least) [least, best] = [away, i];
  }
  return best;
}
