// A film under a map: how it is built, drawn, zoomed and looked through.

/** @typedef {"move" | "loupe" | "paint"} Tool
 * @typedef {{ layer: Layer, finding: number | null, root: HTMLElement, stage: HTMLElement, sheet: HTMLElement,
 *             image: HTMLImageElement, heat: HTMLCanvasElement, paint: SVGElement, marks: SVGElement,
 *             caption: HTMLElement, drawn: string }} Panel
 *   finding: its own; null where it follows the rows
 * @typedef {{ header: Header, layers: Layer[], colours: Uint8Array, source: string, images: HTMLImageElement[],
 *             panels: Panel[], shown: number, tool: Tool, bare: boolean, boxed: boolean,
 *             zoom: { scale: number, x: number, y: number }, lens: [number, number],
 *             held: Map<number, [number, number]>, strokes: Stroke[], keep: (finding: number) => void,
 *             painted: () => void }} Pictures all that is drawn of one film
 *   shown: the finding, by its place; source: of the film's picture; keep, painted: what a click on a caption and the
 *   end of a stroke do
 */

const HEAT = 320; // pixels of a drawn map's long side; the browser stretches it further
const SMALL_HEAT = 160; // of maps side by side
const OUTLINE = 112; // pixels a side of the heat that an outline is found in
const DEEPEST = 12; // times as large
const STEP = 1.5; // of a zoom button
const LENS = 15; // % of the film

// -- building

/** @param {Pictures} viewer @param {Layer} layer @param {number | null} finding @returns {Panel} */
function buildPanel(viewer, layer, finding) {
  const { film } = viewer.header;
  const box = { viewBox: `0 0 ${film.width} ${film.height}`, preserveAspectRatio: "none", "aria-hidden": "true" };
  const image = viewer.images.pop() ?? element("img", { alt: "", draggable: "false" });
  if (image.src !== viewer.source) image.src = viewer.source;
  const heat = element("canvas", { class: "heat" });
  const paint = element("svg:svg", { class: "paint", ...box });
  const marks = element("svg:svg", { class: "marks", ...box });
  const sheet = element("div", { class: "sheet" }, image, paint, heat, marks);
  const stage = element("div", { class: "stage", role: "img" }, sheet);
  stage.style.aspectRatio = `${film.width} / ${film.height}`;
  const caption = element(finding === null ? "figcaption" : "button", { class: "caption", type: finding === null ? null : "button" });
  return { layer, finding, root: element("figure", {}, caption, stage), stage, sheet, image, heat, paint, marks, caption,
           drawn: "" };
}

// -- drawing

/** @param {Pictures} viewer @param {Panel} panel @param {number} k @param {number} strength */
function drawHeat(viewer, panel, k, strength) {
  const { film, contour } = viewer.header;
  panel.marks.replaceChildren();
  const most = viewer.panels.length > 1 ? SMALL_HEAT : HEAT;
  const scale = most / Math.max(film.width, film.height);
  const width = contour ? OUTLINE : Math.max(1, Math.round(film.width * scale));
  const height = contour ? OUTLINE : Math.max(1, Math.round(film.height * scale));
  const heat = strength > 0 ? heatOf(panel.layer, k, width, height) : null;
  panel.heat.hidden = !heat || contour;
  if (!heat) return;
  if (contour) {
    const [red, green, blue] = viewer.colours.subarray(192 * 3, 192 * 3 + 3);
    panel.marks.append(element("svg:path", { class: "outline", d: outlineOf(heat, OUTLINE, film.width, film.height),
      stroke: `rgb(${red}, ${green}, ${blue})`, "stroke-opacity": Math.min(1, strength / FULL) }));
    return;
  }
  if (panel.heat.width !== width || panel.heat.height !== height) [panel.heat.width, panel.heat.height] = [width, height];
  const context = /** @type {CanvasRenderingContext2D} */ (panel.heat.getContext("2d"));
  const picture = context.createImageData(width, height);
  colourIn(heat, viewer.colours, strength, picture.data);
  context.putImageData(picture, 0, 0);
}

/** @param {Pictures} viewer @param {Panel} panel @param {number} k */
function drawBoxes(viewer, panel, k) {
  for (const box of viewer.header.boxes) {
    if (box.finding !== k) continue;
    const { x, y, width, height } = box;
    panel.marks.append(element("svg:rect", { class: "under", x, y, width, height }),
                       element("svg:rect", { class: "box", x, y, width, height }));
  }
}

/** @param {Pictures} viewer @param {Panel} panel */
function drawPaint(viewer, panel) {
  const { grey } = viewer.header.film;
  panel.paint.replaceChildren(...viewer.strokes.map((stroke) => element("svg:polyline", {
    points: stroke.map((at) => at.join()).join(" "), stroke: grey, "stroke-width": viewer.header.brush })));
}

// -- zoom, lens and what is switched off

/** @param {Pictures} viewer */
function layOut(viewer) {
  const { scale, x, y } = viewer.zoom;
  const lens = viewer.tool === "loupe";
  for (const { stage, sheet, heat, marks } of viewer.panels) {
    sheet.style.transform = `translate(${100 * x}%, ${100 * y}%) scale(${scale})`;
    stage.dataset.tool = viewer.tool;
    stage.classList.toggle("deep", scale > 1);
    const hole = lens ? `circle(${LENS / scale}% at ${100 * viewer.lens[0]}% ${100 * viewer.lens[1]}%)` : "";
    heat.style.clipPath = hole;
    heat.style.visibility = viewer.bare ? "hidden" : "";
    marks.classList.toggle("bare", viewer.bare);
    marks.classList.toggle("unboxed", !viewer.boxed);
  }
}

// The film is made `factor` times as large about a place, which stays where it is.
/** @param {Pictures} viewer @param {number} factor @param {[number, number]} at in shares of the stage */
function zoomAt(viewer, factor, [x, y]) {
  const before = viewer.zoom;
  const scale = Math.min(DEEPEST, Math.max(1, before.scale * factor));
  const grown = scale / before.scale;
  move(viewer, scale, x - (x - before.x) * grown, y - (y - before.y) * grown);
}

/** @param {Pictures} viewer @param {number} scale @param {number} x @param {number} y */
function move(viewer, scale, x, y) {
  viewer.zoom = { scale, x: Math.min(0, Math.max(1 - scale, x)), y: Math.min(0, Math.max(1 - scale, y)) };
  layOut(viewer);
}

/** @param {HTMLElement} stage @param {{ clientX: number, clientY: number }} event @returns {[number, number]} */
function shareOf(stage, event) {
  const box = stage.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

// Where on the film the pointer is, in shares of it.
/** @param {Pictures} viewer @param {[number, number]} at @returns {[number, number]} */
function onFilm({ zoom }, [x, y]) {
  return [(x - zoom.x) / zoom.scale, (y - zoom.y) / zoom.scale];
}
