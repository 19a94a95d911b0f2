// What rows and columns share: how wide their texts are, names that break, and marks.

/** @typedef {{ start: number, end: number, colour: string }} Bar */
/** @typedef {{ at: number, colour: string, symbol: string, rim: string }} Mark */
/** @typedef {{ name: string, said: string[], bars: Bar[], marks: Mark[], line: [number, number] | null, text: string,
 *   more: string, short: string }} Category */
/** @typedef {{ name: string, colour: string, symbol: string, rim: string }} Key */
/** @typedef {{ title: string, unit: string, categories: Category[], ticks: [number, string][], low: number,
 *   high: number, keys: Key[], upright: boolean, axis: string, row: number, height: number | null, file: string,
 *   alt: string }} Chart */
/** Where a category lies, in pixels of the drawing. @typedef {{ x: number, y: number, width: number, height: number }} Box */
/** @typedef {{ svg: SVGSVGElement, boxes: Box[], at: (x: number, y: number) => number }} Drawn */
/** The letters that a chart is written in: their size in pixels, and the width of a text. @typedef {{ size: number, wide: (text: string, weight?: number) => number }} Pen */

const FAINT = "rgba(138,138,138,0.28)", BASE = "rgba(138,138,138,0.75)", RADIUS = 5.5, STRONG = 600;

/** @param {string} family of fonts @param {number} size pixels @returns {Pen} */
function penOf(family, size) {
  const context = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
  return { size, wide: (text, weight = 400) => {
    context.font = `${weight} ${size}px ${family}`;
    return Math.ceil(context.measureText(text).width);
  } };
}

/** A name in one line or two; what finds no room in them is cut.
 * @param {string} name @param {number} most pixels @param {Pen} pen @returns {string[]} */
function broken(name, most, pen) {
  const lines = [""];
  for (const word of name.split(" ")) {
    const longer = `${lines[lines.length - 1]} ${word}`.trim();
    if (pen.wide(longer) <= most || lines.length > 1) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.filter(Boolean).map((line) => {
    let kept = line;
    while (kept.length > 1 && pen.wide(kept) > most) kept = `${kept.slice(0, -2).trimEnd()}…`;
    return kept;
  });
}

/** @param {number} x @param {number} y @param {string} text @param {string} anchor @param {string} [kind]
 * @returns {SVGElement} */
function written(x, y, text, anchor, kind) {
  return element("svg:text", { x, y, "text-anchor": anchor, class: kind }, text);
}

/** @param {{ colour: string, symbol: string, rim: string }} mark @param {number} x @param {number} y
 * @param {number} radius @returns {SVGElement} */
function marked(mark, x, y, radius) {
  const cross = mark.symbol === "x";
  return element("svg:path", { d: OUTLINES[mark.symbol](radius), transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`,
    fill: cross ? "none" : mark.colour, stroke: cross ? mark.colour : mark.rim, "stroke-width": cross ? 3 : 1.6 });
}

/** @param {number} width @param {number} height @returns {SVGSVGElement} */
function sheet(width, height) {
  return element("svg:svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
}
