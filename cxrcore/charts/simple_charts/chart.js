// A chart of rows or columns: its title, legend and files, and the drawing, which follows the room that it has.

/** @typedef {{ parentElement: HTMLElement | ShadowRoot, data: Chart }} Component */
/** @type {WeakMap<HTMLElement, () => void>} */
const STOPS = new WeakMap();
const FAMILY = "Arial, Helvetica, sans-serif";

/** @param {Key} key @returns {SVGSVGElement} */
function swatch(key) {
  const svg = sheet(14, 14);
  svg.append(key.symbol === "bar" ? element("svg:rect", { x: 1, y: 1, width: 12, height: 12, rx: 2, fill: key.colour })
    : marked(key, 7, 7, 4.6));
  return svg;
}

/** @param {Chart} chart @param {number} width @param {number} height @param {Pen} pen @returns {Drawn} */
function drawn(chart, width, height, pen) {
  return (chart.upright ? drawColumns : drawRows)(chart, width, height, pen);
}

/** @param {Chart} chart @param {HTMLElement} drawing @returns {HTMLElement} */
function head(chart, drawing) {
  const files = element("span", { class: "files" });
  for (const kind of ["svg", "png"]) {
    const button = element("button", { type: "button", "aria-label": `Download “${chart.title}” as ${kind.toUpperCase()}` },
      kind.toUpperCase());
    button.onclick = () => saveAs(picture(chart, drawing), chart.file, kind);
    files.append(button);
  }
  const made = element("div", { class: "head" },
    element("p", { class: "title" }, element("b", {}, chart.title), " ", element("span", {}, chart.unit)), files);
  if (chart.keys.length) made.append(element("p", { class: "keys" },
    ...chart.keys.map((key) => element("span", { class: "key" }, swatch(key), key.name))));
  return made;
}

/** The chart as large as it stands on the page, with its title and legend, dark on white for paper and slides; in
 * letters that every machine has, as a picture knows none of the page's.
 * @param {Chart} chart @param {HTMLElement} drawing @returns {SVGSVGElement} */
function picture(chart, drawing) {
  const pen = penOf(FAMILY, parseFloat(getComputedStyle(drawing).fontSize)), line = pen.size + 12;
  const own = drawn(chart, drawing.clientWidth, drawing.clientHeight, pen).svg;
  const above = line + 6 + (chart.keys.length ? line : 0);
  const width = drawing.clientWidth + 16, height = drawing.clientHeight + above + 8, svg = sheet(width, height);
  for (const [name, value] of Object.entries({ xmlns: SVG, color: "#111", "font-size": pen.size,
    "font-family": FAMILY })) svg.setAttribute(name, String(value));
  svg.append(element("svg:style", {}, "text { fill: currentColor } .faint { opacity: .72 } .band { fill: none }"),
    element("svg:rect", { width, height, fill: "white" }));
  const title = written(8, line, "", "start");
  title.append(element("svg:tspan", { "font-weight": 700 }, chart.title), element("svg:tspan", { dx: 6, class: "faint" }, chart.unit));
  svg.append(title);
  let x = 8;
  for (const key of chart.keys) {
    const mark = swatch(key);
    mark.setAttribute("x", String(x));
    mark.setAttribute("y", String(2 * line - 12));
    svg.append(mark, written(x + 20, 2 * line, key.name, "start"));
    x += 44 + pen.wide(key.name);
  }
  own.setAttribute("x", "8");
  own.setAttribute("y", String(above));
  svg.append(own);
  return svg;
}

/** @param {Component} component */
export default function simpleChart({ parentElement, data }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".chart"));
  STOPS.get(root)?.();
  /** @type {Drawn | null} */ let now = null;
  const drawing = element("div", { class: "drawing", role: "img", tabindex: 0, "aria-label": data.alt });
  const card = element("div", { class: "card", role: "status", hidden: true });
  root.style.height = data.height === null ? "100%" : `${data.height}px`;
  root.replaceChildren(...(data.title ? [head(data, drawing)] : []), drawing, card);
  const draw = () => {
    const width = Math.floor(drawing.clientWidth), height = Math.floor(drawing.clientHeight);
    if (width < 40 || height < 40) return;
    card.hidden = true;
    const { fontFamily, fontSize } = getComputedStyle(root);
    now = drawn(data, width, height, penOf(fontFamily, parseFloat(fontSize)));
    drawing.replaceChildren(now.svg);
  };
  const stop = reader(drawing, card, data, () => now), watch = new ResizeObserver(draw);
  watch.observe(drawing);
  draw();
  const end = () => {
    stop();
    watch.disconnect();
  };
  STOPS.set(root, end);
  return end;
}
