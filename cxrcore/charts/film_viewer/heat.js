// What Python sent (payload.py), and maps: few cells, stretched over the film and coloured. Knows no DOM.

/** @typedef {{ name: string, title: string, label: boolean | null }} Finding label: of a film of the data set
 * @typedef {{ name: string, colour: string, mark: string, scores: (number | null)[], thresholds: number[],
 *             texts: [string, string][], alarms: boolean[], notes: string[], before: (number | null)[] | null }} Network
 *   texts: score and threshold, with the digits that tell them apart; before: scores without a patch
 * @typedef {{ title: string, network: number, places: number[], n: number, rows: number, columns: number, size: number,
 *             offset: number, low: number[], high: number[] }} LayerHeader
 *   places: of each finding, its map; -1 without one
 * @typedef {LayerHeader & { cells: Uint8Array }} Layer
 * @typedef {{ finding: number, x: number, y: number, width: number, height: number }} Box in the film's own pixels
 * @typedef {[number, number][]} Stroke a line of grey, in the film's pixels
 * @typedef {"one" | "all" | "methods" | "runs"} View
 * @typedef {{ version: string, film: { id: string, width: number, height: number, bytes: number, type: string,
 *             grey: string, said: string }, view: View, open: number, strength: number, contour: boolean,
 *             findings: Finding[], networks: Network[], layers: LayerHeader[], boxes: Box[],
 *             painted: string | null, strokes: Stroke[], brush: number, occludable: boolean, keys: boolean }} Header
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

// For each of `n` pixels of a side the cell before it, the cell behind it, and how far it lies between their middles.
// The network sees the whole film as a square of `size` pixels, whatever the film's shape.
/** @param {number} n @param {number} cells @param {Layer} layer */
function between(n, cells, layer) {
  const before = new Int32Array(n);
  const share = new Float32Array(n);
  for (let i = 0; i < n; i += 1) {
    const pixel = Math.min(layer.size - 1, Math.max(0, (i + 0.5) * layer.size / n - 0.5) + layer.offset);
    const cell = Math.min(cells - 1, Math.max(0, (pixel + 0.5) * cells / layer.size - 0.5));
    before[i] = Math.min(cells - 1, Math.floor(cell));
    share[i] = cell - before[i];
  }
  return { before, share };
}

// A finding's map in [0, 1], row by row; null where there is nothing to draw.
/** @param {Layer} layer @param {number} finding @param {number} width @param {number} height */
function heatOf(layer, finding, width, height) {
  const place = layer.places[finding];
  if (place < 0 || !(layer.high[place] > layer.low[place])) return null;
  const { rows, columns } = layer;
  const first = place * rows * columns;
  const x = between(width, columns, layer);
  const y = between(height, rows, layer);
  const scale = 1 / (layer.high[place] - layer.low[place]);
  const heat = new Float32Array(width * height);
  const line = new Float32Array(columns + 1);
  for (let j = 0, at = 0; j < height; j += 1) {
    const above = first + y.before[j] * columns;
    const below = first + Math.min(rows - 1, y.before[j] + 1) * columns;
    for (let c = 0; c < columns; c += 1) {
      const value = layer.cells[above + c] + (layer.cells[below + c] - layer.cells[above + c]) * y.share[j];
      line[c] = (value / 255 - layer.low[place]) * scale;
    }
    line[columns] = line[columns - 1];
    for (let i = 0; i < width; i += 1, at += 1) {
      const c = x.before[i];
      const value = line[c] + (line[c + 1] - line[c]) * x.share[i];
      heat[at] = value < 0 ? 0 : Math.min(value, 1);
    }
  }
  return heat;
}

// Warmer and less transparent where the map is hotter; strength: opacity of the hottest place.
/** @param {Float32Array} heat @param {Uint8Array} colours @param {number} strength @param {Uint8ClampedArray} pixels */
function colourIn(heat, colours, strength, pixels) {
  for (let i = 0, at = 0; i < heat.length; i += 1, at += 4) {
    const step = 3 * ((heat[i] * 255 + 0.5) | 0);
    pixels[at] = colours[step];
    pixels[at + 1] = colours[step + 1];
    pixels[at + 2] = colours[step + 2];
    pixels[at + 3] = 255 * strength * heat[i] + 0.5;
  }
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
