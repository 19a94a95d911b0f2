// Maps: few cells, stretched over the film and coloured. Knows no DOM.

/** Maps as the few cells that they are stretched from; payload.py says more.
 * @typedef {{ title: string, network: number, places: number[], n: number, rows: number, columns: number, size: number,
 *             offset: number, off: boolean, awaited: boolean, low: number[], high: number[] }} LayerHeader
 *   places: of each finding, its map; -1 without one; off: the network's maps are switched off; awaited: not there yet
 * @typedef {LayerHeader & { cells: Uint8Array }} Layer
 */

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
    const colour = 3 * ((heat[i] * 255 + 0.5) | 0);
    pixels[at] = colours[colour];
    pixels[at + 1] = colours[colour + 1];
    pixels[at + 2] = colours[colour + 2];
    pixels[at + 3] = 255 * strength * heat[i] + 0.5;
  }
}
