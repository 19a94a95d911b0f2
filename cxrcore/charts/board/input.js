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
  if (board.decide.on.has("ask")) sayInRow(board, k, board.upper[k] >= 0 && next >= board.upper[k]
    ? "The lower line has reached the upper one: nobody is asked." : "");
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
  const now = standNow(board);
  const before = board.settled;
  placeUppers(board, now);
  if (board.besideLater) setTimeout(() => showBeside(board));
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
  if (board.settled && now.some((value, k) => value !== board.settled[k])) bump(board);
  board.settled = now;
  showTools(board);
}

/** @param {Board} board @param {number | null} k @param {number | null} before */
function release(board, k, before) {
  board.releases = (board.releases ?? 0) + 1;
  board.told = board.open;
  const { lines, uppers } = partsOf(board, board.settled);
  board.send.setStateValue("released", {
    of: board.header.of, at: `${Date.now()}-${board.releases}`, thresholds: lines, uppers,
    open: board.header.findings[board.open].name,
    moved: k === null || before === board.settled[k] ? null
      : { finding: board.header.findings[k].name, before, after: board.settled[k] },
  });
  tellWanted(board);
}

/** @param {Board} board @returns {number[]} */
function thresholdsNow(board) {
  return board.ladders.map((ladder, k) => ladder.thresholds[board.at[k]]);
}

// All lines at once (a set, undo, redo); thresholds that are not counted yet are asked for and follow.
/** @param {Board} board @param {number[]} stand @returns {Record<string, number>} */
function apply(board, stand) {
  /** @type {Record<string, number>} */
  const missing = {};
  placeUppers(board, stand);
  partsOf(board, stand).lines.forEach((value, k) => {
    const place = placeOf(board.ladders[k].thresholds, value);
    if (place >= 0) board.at[k] = place;
    else missing[board.header.findings[k].name] = value;
  });
  if (board.upper.some((place) => place >= 0) && !board.decide.on.has("ask")) {
    showAsk(board);
    rebuildDecide(board);
  } else showAll(board);
  return missing;
}

/** @param {Board} board @param {number[][]} from @param {number[][]} to */
function travel(board, from, to) {
  const target = from.pop();
  if (!target) return;
  to.push(board.settled);
  const before = board.settled;
  const moved = [...new Set(target.flatMap((value, i) => (value === before[i] ? [] : [i % board.rows.length])))];
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
  showAims(board);
}

/** @param {Board} board */
function tellOpened(board) {
  if (board.told === board.open) return;
  board.told = board.open;
  board.send.setStateValue("opened", board.header.findings[board.open].name);
  tellWanted(board);
}

// -- listeners; set as properties, so that doing it again changes nothing

/** @param {Board} board */
function listen(board) {
  board.rows.forEach((row, k) => {
    row.open.onclick = () => { open(board, k); tellOpened(board); };
    row.range.onpointerdown = () => open(board, k);
    row.range.oninput = () => { rememberDrag(board); moveTo(board, k, Number(row.range.value)); };
    row.range.onchange = () => commit(board, k);
    row.range.onkeydown = (event) => stepByKey(board, k, event);
    row.range.onblur = () => { if (board.resting) commit(board, k); };
    listenToTyping(board, k);
  });
  board.undo.onclick = () => travel(board, board.past, board.future);
  board.redo.onclick = () => travel(board, board.future, board.past);
  board.deciding.onclick = () => toggleDecide(board);
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
  listenToAims(board);
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
      if (board.besideLater && !board.resting) showBeside(board);
    });
  };
}

/** @param {Board} board @param {number} k @param {KeyboardEvent} event @param {boolean} [upper] which of the two lines */
function stepByKey(board, k, event, upper = false) {
  const big = event.shiftKey ? BIG_STEP : 1;
  const last = board.ladders[k].thresholds.length - 1;
  /** @type {Record<string, number>} */
  const steps = { ArrowRight: big, ArrowUp: big, ArrowLeft: -big, ArrowDown: -big, PageUp: BIG_STEP,
                  PageDown: -BIG_STEP, Home: -last, End: last };
  if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  open(board, k);
  if (upper) moveUpper(board, k, upperAt(board, k) + steps[event.key]);
  else moveTo(board, k, board.at[k] + steps[event.key]);
  clearTimeout(board.resting);
  board.resting = setTimeout(() => commit(board, k), KEY_REST);
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
    board.draggingUpper = chart === board.view.scores && grabsUpper(board, event);
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
  const along = x / view.width * (board.ladders[k].thresholds.length - 1);
  if (board.draggingUpper) moveUpper(board, k, along);
  else if (dragging === view.scores) moveTo(board, k, along);
  else moveTo(board, k, nearestOnCurve(board, k, dragging === view.roc, x, (event.clientY - corner.top) / scale));
}

// Which of the two lines is nearer; where both meet, the upper one to the right of them.
/** @param {Board} board @param {PointerEvent} event */
function grabsUpper(board, event) {
  const plot = board.view.scores.querySelector("svg.plot");
  if (!plot || !board.decide.on.has("ask")) return false;
  const { left, width } = plot.getBoundingClientRect();
  const place = (event.clientX - left) / width * (board.ladders[board.open].thresholds.length - 1);
  const [lower, upper] = [board.at[board.open], upperAt(board, board.open)];
  return place > (lower + upper) / 2;
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
