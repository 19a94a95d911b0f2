// The second line of a finding: no below the lower line, yes from the upper one on, and a person in between.

const NO_UPPER = -1; // as a position and as a threshold: the finding has one line

// All lines as they stand: thresholds, then upper lines. That is what can be undone, and what Python hears.
/** @param {Board} board @returns {number[]} */
function standNow(board) {
  return [...thresholdsNow(board), ...board.ladders.map((ladder, k) =>
    (board.upper[k] > board.at[k] ? ladder.thresholds[board.upper[k]] : NO_UPPER))];
}

/** @param {Header} header @returns {number[]} */
function standOf(header) {
  return [...header.thresholds, ...header.thresholds.map((_, k) => header.uppers?.[k] ?? NO_UPPER)];
}

/** @param {Board} board @param {number[]} stand @returns {{ lines: number[], uppers: (number | null)[] }} */
function partsOf(board, stand) {
  const n = board.ladders.length;
  return { lines: stand.slice(0, n), uppers: stand.slice(n).map((value) => (value === NO_UPPER ? null : value)) };
}

// From which position on it is a yes.
/** @param {Board} board @param {number} k */
function upperAt(board, k) {
  return Math.max(board.at[k], board.upper[k]);
}

// A position for each upper line of a stand, the next one where it is none of them.
/** @param {Board} board @param {number[]} stand */
function placeUppers(board, stand) {
  partsOf(board, stand).uppers.forEach((value, k) => {
    const { thresholds } = board.ladders[k];
    board.upper[k] = value === null ? NO_UPPER : Math.min(thresholds.length - 1, firstAtLeast(thresholds, value));
  });
}

/** @param {Board} board @param {number} k @param {number} place */
function moveUpper(board, k, place) {
  const last = board.ladders[k].thresholds.length - 1;
  const wanted = Math.min(last, Math.max(0, Math.round(place)));
  board.upper[k] = Math.max(board.at[k], wanted);
  showRow(board, k);
  showTotals(board);
  if (k === board.open) showPanel(board);
  sayInRow(board, k, wanted < board.at[k]
    ? "The upper line cannot stand below the lower one: where both meet, nobody is asked." : "");
  say(board, bandInWords(board, k));
}

/** @param {Board} board @param {number} k */
function bandInWords(board, k) {
  const band = bandAt(board.ladders[k], board.at[k], upperAt(board, k));
  if (!band.referred) return "Nobody is asked";
  return `${whole(band.referred)} of ${whole(band.films)} films go to a person, ${whole(band.referredWith)} of them with `
    + `the finding; ${whole(band.missed)} are missed, ${whole(band.fp)} false alarms`;
}

// All lines at once, as one move that can be undone.
/** @param {Board} board @param {number[]} target */
function takeStand(board, target) {
  if (board.resting) commit(board, board.open);
  const before = board.settled;
  if (target.every((value, i) => value === before[i])) return;
  apply(board, target);
  board.past.push(before);
  board.future = [];
  settle(board, target);
  release(board, null, null);
}

// -- in the row

/** @param {Board} board @param {number} k */
function buildUpper(board, k) {
  const row = board.rows[k];
  const range = element("input", { type: "range", min: 0, max: board.ladders[k].thresholds.length - 1, step: 1,
                                   class: "upper", "aria-label": `${board.header.findings[k].title}, upper line` });
  const asked = element("div", { class: "asked" });
  Object.assign(row, { asked, upper: range });
  row.range.before(asked);
  row.range.after(range);
  range.onpointerdown = () => open(board, k);
  range.oninput = () => moveUpper(board, k, Number(range.value));
  range.onchange = () => commit(board, k);
  range.onkeydown = (/** @type {KeyboardEvent} */ event) => stepByKey(board, k, event, true);
  range.onblur = () => { if (board.resting) commit(board, k); };
}

/** @param {Board} board @param {number} k */
function showUpper(board, k) {
  const { upper, asked, typedUpper } = board.rows[k];
  if (!upper || !asked) return;
  const place = upperAt(board, k);
  const last = board.ladders[k].thresholds.length - 1;
  if (upper.value !== String(place)) upper.value = String(place);
  asked.style.transform = `translateX(${100 * board.at[k] / last}%) scaleX(${(place - board.at[k]) / last})`;
  const text = board.textAt(k, place);
  if (typedUpper && document.activeElement !== typedUpper && board.typingUpper !== k) typedUpper.value = threeDigits(text);
  const { referred_share: share1, missed } = bandAt(board.ladders[k], board.at[k], place);
  upper.setAttribute("aria-valuetext", `upper line ${text}, ${percent(share1)} referred, ${whole(missed)} missed`);
}

// -- typed

/** @param {Board} board @param {number} k @returns {HTMLInputElement} */
function buildTypedUpper(board, k) {
  const typed = element("input", { type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false",
    "aria-label": `${board.header.findings[k].title}, upper threshold` });
  board.rows[k].typedUpper = typed;
  typed.onfocus = () => {
    board.typingUpper = k;
    typed.value = board.textAt(k, upperAt(board, k));
    typed.select();
  };
  typed.onblur = () => {
    takeTypedUpper(board, k);
    board.typingUpper = null;
    if (typed.getAttribute("aria-invalid") !== "true" && !board.wanted?.upper) showRow(board, k);
  };
  typed.onkeydown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter") takeTypedUpper(board, k);
    if (event.key === "Escape") {
      typed.value = board.textAt(k, upperAt(board, k));
      markField(typed, "", board, k);
    }
    event.stopPropagation(); // its own undo
  };
  return typed;
}

/** @param {Board} board @param {number} k */
function takeTypedUpper(board, k) {
  const typed = board.rows[k].typedUpper;
  const text = typed?.value.trim() ?? "";
  if (!typed || text === board.textAt(k, upperAt(board, k)) || (board.wanted?.upper && board.wanted.text === text)) return;
  const value = text.toLowerCase() === "never" ? UNREACHED : Number(text.replace(",", "."));
  const { thresholds } = board.ladders[k];
  const lower = thresholds[board.at[k]];
  if (text === "" || !(value >= 0 && value <= UNREACHED)) {
    markField(typed, `“${text}” is no threshold: type a number from 0 to 1, or never.`, board, k);
    return;
  }
  if (value < lower) {
    markField(typed, `The upper line ${text} lies below the lower one, ${threeDigits(board.textAt(k, board.at[k]))}: `
      + "the lines would cross.", board, k);
    return;
  }
  markField(typed, "", board, k);
  open(board, k);
  const place = placeOf(thresholds, value);
  if (place < 0) {
    board.wanted = { k, value, text, upper: true };
    board.send.setTriggerValue("typed", { [board.header.findings[k].name]: value });
    return;
  }
  moveUpper(board, k, place);
  commit(board, k);
}

// -- aims of the band, solved over all pairs of positions

/** @param {Board} board @param {(k: number) => [number, number] | null} solve gives lower and upper positions
 * @returns {string[]} titles of findings that it cannot be solved for */
function takeBands(board, solve) {
  const target = standNow(board);
  const n = board.ladders.length;
  /** @type {string[]} */
  const without = [];
  for (const k of chosenRows(board)) {
    const found = solve(k);
    if (!found) {
      without.push(board.header.findings[k].title);
      continue;
    }
    const { thresholds } = board.ladders[k];
    target[k] = thresholds[found[0]];
    target[n + k] = found[1] > found[0] ? thresholds[found[1]] : NO_UPPER;
  }
  takeStand(board, target);
  return without;
}
