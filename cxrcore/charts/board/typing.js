// A typed threshold: kept as typed, and counted exactly, by Python where it is not a position.

const UNREACHED = 1 + Number.EPSILON; // no score reaches it: "never", as in measures/thresholds/positions.py

/** @param {Board} board @param {number} k */
function listenToTyping(board, k) {
  const row = board.rows[k];
  row.typed.onfocus = () => { // all its digits
    board.typing = k;
    row.typed.value = board.textAt(k, board.at[k]);
    row.typed.select();
  };
  row.typed.onblur = () => {
    takeTyped(board, k);
    board.typing = null;
    if (row.typed.getAttribute("aria-invalid") !== "true" && board.wanted?.k !== k) showRow(board, k);
  };
  row.typed.onkeydown = (event) => {
    if (event.key === "Enter") takeTyped(board, k);
    if (event.key === "Escape") {
      row.typed.value = board.textAt(k, board.at[k]);
      row.typed.setAttribute("aria-invalid", "false");
      say(board, "");
    }
    event.stopPropagation(); // its own undo
  };
}

/** @param {Board} board @param {number} k */
function takeTyped(board, k) {
  const { typed } = board.rows[k];
  const text = typed.value.trim();
  if (text === board.textAt(k, board.at[k]) || (board.wanted?.k === k && !board.wanted.upper && board.wanted.text === text)) return;
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
  const { k, value, upper } = board.wanted;
  const place = placeOf(board.ladders[k].thresholds, value);
  if (place < 0) return;
  board.wanted = null;
  if (upper) moveUpper(board, k, place);
  else moveTo(board, k, place);
  commit(board, k);
}
