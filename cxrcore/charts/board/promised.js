// What the open finding's line promises for new patients, as long as it stands where that was promised.

/** of each finding whose set promises something, or found that it cannot; at: the only threshold that it is promised of
 * @typedef {Record<string, { at: number | null, said: string }>} Promised
 */

/** @param {Board} board @returns {HTMLElement[]} */
function buildPromised(board) {
  const there = board.header.promised?.[board.header.findings[board.open].name];
  board.promisedLine = there ? element("p", { class: "alarms promised" }) : null;
  return board.promisedLine ? [board.promisedLine] : [];
}

/** @param {Board} board */
function showPromised(board) {
  const k = board.open;
  const there = board.header.promised?.[board.header.findings[k].name];
  if (there && board.promisedLine) write(board.promisedLine, promisedInWords(board, k, there));
}

/** @param {Board} board @param {number} k @param {Promised[string]} there */
function promisedInWords(board, k, { at, said }) {
  if (at === null || placeOf(board.ladders[k].thresholds, at) === board.at[k]) return said;
  return `This line promises nothing: the promise was made at ${threeDigits(String(at))} alone.`;
}
