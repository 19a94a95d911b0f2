// One panel of the small curves as an SVG: axes, guides, lines and marks. Places come from 0 to 1 of the drawn area.

/** @typedef {{ name: string, colour: string, dash: string, mark: string, words: string }} Run */
/** @typedef {{ ticks: [number, string][], grid: boolean, title: string }} Axis */
/** @typedef {{ run: number, colour: string, line?: string, area?: string, dash?: string }} Line */
/** @typedef {{ run: number, x: number, y: number, symbol: string, colour: string, size: number }} Mark */
/** @typedef {{ at: number[], dash: string, colour: string }} Guide */
/** @typedef {{ finding: string, name: string, missing?: string, said: string, texts: string[], alt: string, x: Axis,
 *   y: Axis, lines: Line[], marks: Mark[], guides: Guide[], notes: { y: number, text: string }[] }} Panel */

const STEPS = 65535, TEXT = 14, LETTER = 7.4, BELOW = 22, ABOVE = 6, RIGHT = 10, NOTES = 32;
const FAINT = "rgba(138,138,138,0.3)", SVG = "http://www.w3.org/2000/svg";

/** @param {string} name @param {Record<string, string | number>} given @param {string} [text] @returns {SVGElement} */
function shape(name, given, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(given)) node.setAttribute(key, String(value));
  if (text !== undefined) node.textContent = text;
  return node;
}

/** Places, x and y by turns, as they were packed.
 * @param {string} text @returns {Uint16Array} */
function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  return new Uint16Array(bytes.buffer);
}

/** Where a panel's drawing lies, in pixels; all panels of a page leave as much room beside it.
 * @param {number} width @param {boolean} noted whether something is written right of it
 * @param {number} letters of the longest number left of it */
function area(width, noted, letters) {
  const left = 8 + Math.ceil(letters * LETTER);
  const right = width - (noted ? NOTES : RIGHT), bottom = Math.round(width * 0.62) + ABOVE;
  return { left, right, top: ABOVE, bottom, width, height: bottom + BELOW,
    x: (/** @type {number} */ at) => left + at * (right - left),
    y: (/** @type {number} */ at) => bottom - at * (bottom - ABOVE) };
}

/** @param {string} text @param {ReturnType<typeof area>} into @returns {string} the d of a path */
function path(text, into) {
  const places = unpacked(text), steps = [];
  for (let k = 0; k < places.length; k += 2)
    steps.push(`${into.x(places[k] / STEPS).toFixed(1)} ${into.y(places[k + 1] / STEPS).toFixed(1)}`);
  return steps.length > 1 ? `M${steps.join("L")}` : `M${steps[0]}h0.1`;
}

/** @param {Mark} mark @param {ReturnType<typeof area>} into @returns {SVGElement} */
function marked(mark, into) {
  const name = mark.symbol.replace(/-(open|thin)/g, ""), cross = name === "x", open = mark.symbol.endsWith("-open");
  const drawn = shape("path", { d: (OUTLINES[name] ?? OUTLINES.circle)(mark.size * 0.42), "data-run": mark.run,
    transform: `translate(${into.x(mark.x).toFixed(1)} ${into.y(mark.y).toFixed(1)})` });
  const rim = cross || open ? mark.colour : "rgba(255,255,255,0.9)";
  for (const [key, value] of Object.entries({ fill: cross || open ? "none" : mark.colour, stroke: rim,
    "stroke-width": cross ? 3 : 1.4 })) drawn.setAttribute(key, String(value));
  return drawn;
}

/** @param {Panel} panel @param {ReturnType<typeof area>} into @returns {SVGElement[]} */
function axes(panel, into) {
  const nodes = [shape("path", { d: `M${into.left} ${into.top}V${into.bottom}H${into.right}`, fill: "none",
    stroke: "rgba(138,138,138,0.6)" })];
  let free = 0;  // where the next number may begin
  for (const [at, text] of panel.x.ticks.toSorted((one, other) => one[0] - other[0])) {
    const x = into.x(at), half = text.length * LETTER / 2, middle = Math.min(x, into.right + 6 - half);
    if (panel.x.grid) nodes.push(shape("path", { d: `M${x} ${into.top}V${into.bottom}`, stroke: FAINT }));
    if (!text || middle - half < free) continue;
    nodes.push(shape("text", { x: middle, y: into.bottom + 16, "text-anchor": "middle", class: "tick" }, text));
    free = middle + half + 5;
  }
  for (const [at, text] of panel.y.ticks) {
    const y = into.y(at);
    if (panel.y.grid) nodes.push(shape("path", { d: `M${into.left} ${y}H${into.right}`, stroke: FAINT }));
    nodes.push(shape("text", { x: into.left - 4, y: Math.max(y + 5, into.top + 9), "text-anchor": "end",
      class: "tick" }, text));
  }
  return nodes;
}

/** @param {Panel} panel @param {Run[]} runs @param {number} width pixels @param {number} letters as in `area`
 * @returns {SVGSVGElement} */
function draw(panel, runs, width, letters) {
  const into = area(width, panel.notes.length > 0, letters);
  const svg = /** @type {SVGSVGElement} */ (shape("svg", { width, height: into.height, fill: "none",
    viewBox: `0 0 ${width} ${into.height}`, "aria-hidden": "true" }));
  svg.append(...axes(panel, into));
  for (const { at, dash, colour } of panel.guides)
    svg.append(shape("path", { d: `M${into.x(at[0])} ${into.y(at[1])}L${into.x(at[2])} ${into.y(at[3])}`,
      stroke: colour, "stroke-width": 1.3, "stroke-dasharray": dash }));
  let lowest = -TEXT;
  for (const { y, text } of panel.notes.toSorted((one, other) => other.y - one.y)) {
    if (into.y(y) - lowest < TEXT + 1) continue;  // no room below the one before
    lowest = into.y(y);
    svg.append(shape("text", { x: into.right + 4, y: lowest + 5, class: "tick" }, text));
  }
  for (const one of panel.lines) {
    const d = path(one.line ?? one.area ?? "", into), own = { d, "data-run": one.run };
    if (one.area) svg.append(shape("path", { ...own, fill: one.colour }));
    else svg.append(shape("path", { ...own, stroke: one.colour, "stroke-width": one.run < 0 ? 1.2 : 1.8,
      "stroke-linejoin": "round", "stroke-linecap": "round", "stroke-dasharray": one.dash ?? "" }));
  }
  for (const one of panel.lines)  // above all, and wide enough for a pointer
    if (one.line && one.run >= 0) {
      const reach = shape("path", { d: path(one.line, into), "data-reach": one.run, stroke: "transparent",
        "stroke-width": 11 });
      reach.append(shape("title", {}, [runs[one.run].name, panel.said, panel.texts[one.run]].filter(Boolean).join(" ")));
      svg.append(reach);
    }
  svg.append(...panel.marks.map((mark) => marked(mark, into)));
  return svg;
}
