// What Python sent (payload.py), and what follows from it. Knows no DOM.

/** @typedef {{ name: string, title: string, label: boolean | null }} Finding label: of a film of the data set
 * @typedef {{ name: string, colour: string, mark: string, scores: (number | null)[], thresholds: number[],
 *             texts: [string, string][], alarms: boolean[], asks: boolean[], notes: string[], before: (number | null)[] | null }} Network
 *   texts: score and threshold, with the digits that tell them apart; before: scores without a patch
 * @typedef {{ finding: number, x: number, y: number, width: number, height: number }} Box in the film's own pixels
 * @typedef {[number, number][]} Stroke a line of grey, in the film's pixels
 * @typedef {"one" | "all" | "methods" | "runs"} View
 * @typedef {{ version: string, film: { id: string, width: number, height: number, bytes: number, type: string,
 *             grey: string, said: string }, view: View, open: number, strength: number, contour: boolean,
 *             findings: Finding[], networks: Network[], layers: LayerHeader[], boxes: Box[],
 *             painted: string | null, strokes: Stroke[], brush: number, occludable: boolean, keys: boolean,
 *             warnings: string[] }} Header
 * @typedef {{ header: Header, colours: Uint8Array, film: Uint8Array<ArrayBuffer>, layers: Layer[] }} Film
 */

const HOTTEST = 0.2; // share of the film inside an outline
const COLDEST = 1e-3; // what an outline goes around, at least
const FULL = 0.65; // strength at which an outline is drawn in full

/** @param {Uint8Array<ArrayBuffer>} bytes @returns {Film} */
function unpack(bytes) {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const length = new DataView(buffer).getUint32(0, true);
  /** @type {Header} */
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  /** @param {number} n */
  const next = (n) => {
    at += n;
    return new Uint8Array(buffer, at - n, n);
  };
  return { header, colours: next(256 * 3), film: next(header.film.bytes),
           layers: header.layers.map((one) => Object.assign(one, { cells: next(one.n * one.rows * one.columns) })) };
}

// The line around the hottest fifth, as an SVG path in the film's pixels: marching squares over a coarse heat.
/** @param {Float32Array} heat @param {number} n pixels a side of the heat @param {number} width @param {number} height */
function outlineOf(heat, n, width, height) {
  const level = Math.max(COLDEST, heat.toSorted()[Math.floor((heat.length - 1) * (1 - HOTTEST))]);
  const parts = [];
  /** @param {number} i @param {number} j */
  const point = (i, j) => `${((i + 0.5) * width / n).toFixed(1)} ${((j + 0.5) * height / n).toFixed(1)}`;
  for (let j = 0; j + 1 < n; j += 1) {
    for (let i = 0; i + 1 < n; i += 1) {
      const corners = [heat[j * n + i], heat[j * n + i + 1], heat[(j + 1) * n + i + 1], heat[(j + 1) * n + i]];
      const [a, b, c, d] = corners.map((value) => value - level);
      const cut = [];
      if ((a > 0) !== (b > 0)) cut.push(point(i + a / (a - b), j));
      if ((b > 0) !== (c > 0)) cut.push(point(i + 1, j + b / (b - c)));
      if ((d > 0) !== (c > 0)) cut.push(point(i + d / (d - c), j + 1));
      if ((a > 0) !== (d > 0)) cut.push(point(i, j + a / (a - d)));
      for (let k = 0; k + 1 < cut.length; k += 2) parts.push(`M${cut[k]}L${cut[k + 1]}`);
    }
  }
  return parts.join("");
}

// min(1, score / threshold): an unlikely finding does not glow.
/** @param {Network} network @param {number} finding */
function opacityOf(network, finding) {
  const score = network.scores[finding];
  if (score === null) return 0;
  return network.alarms[finding] ? 1 : score / network.thresholds[finding];
}
