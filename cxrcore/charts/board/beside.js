// What comes after the board is drawn, once a mode asks for it (beside.py): presets, calibrators, intervals, pictures.

/** @typedef {{ finding: string, ids: string[], labels: number[], side: number, across: number, of: number,
 *             type: string, bytes: number, leads: boolean }} StripHeader
 * @typedef {{ of: string, version: string, said?: string, films: boolean, uncalibrated: string,
 *             presets: Record<string, { label: string, help: string, values: Record<string, number> }>,
 *             platt: Record<string, { scale: number, bias: number, prevalence: number }>, knots?: number[],
 *             strip?: StripHeader | null }} BesideHeader
 * @typedef {{ header: BesideHeader, spread?: Spread[], scores?: Float64Array, sprite?: string }} Beside
 */

const BESIDE = "cxr-board-beside"; // an event, since it comes by a component of its own
const BESIDE_ASKED = "cxr-board-beside-asked";

/** @param {Uint8Array<ArrayBuffer>} bytes @returns {Beside} */
function unpackBeside(bytes) {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const length = new DataView(buffer).getUint32(0, true);
  /** @type {BesideHeader} */
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let offset = 4 + length;
  /** @type {Beside} */
  const found = { header };
  const knots = (header.knots ?? []).map((n) => {
    const numbers = new Float64Array(buffer, offset, n);
    offset += n * numbers.BYTES_PER_ELEMENT;
    return numbers;
  });
  if (header.strip) {
    found.scores = new Float64Array(buffer, offset, header.strip.ids.length);
    offset += found.scores.byteLength;
  }
  if (header.knots) {
    found.spread = knots.map((one) => {
      const values = new Float32Array(buffer, offset, SPREAD.length * one.length);
      offset += values.byteLength;
      return { knots: one, values };
    });
  }
  if (header.strip) {
    const { type, bytes: n } = header.strip;
    found.sprite = URL.createObjectURL(new Blob([new Uint8Array(buffer, offset, n)], { type }));
  }
  return found;
}

/** @param {Board} board @param {Uint8Array<ArrayBuffer>} bytes */
function takeBeside(board, bytes) {
  const found = unpackBeside(bytes);
  const before = board.beside;
  if (found.header.of !== board.header.of || before?.header.version === found.header.version) {
    if (found.sprite) URL.revokeObjectURL(found.sprite);
    return;
  }
  board.beside = found;
  if (before?.sprite) URL.revokeObjectURL(before.sprite);
  if (board.held || board.resting) board.besideLater = true;
  else showBeside(board);
}

/** @param {Board} board */
function showBeside(board) {
  board.besideLater = false;
  replaceDecide(board);
  showTotals(board);
  buildPanel(board);
}

/** @param {Board} board */
function listenToBeside(board) {
  board.hear = (event) => takeBeside(board, /** @type {CustomEvent} */ (event).detail);
  document.addEventListener(BESIDE, board.hear);
}

/** @param {Board} board */
function askForBeside(board) {
  if (board.header.alone) return;
  tellWanted(board);
  document.dispatchEvent(new CustomEvent(BESIDE_ASKED));
}
