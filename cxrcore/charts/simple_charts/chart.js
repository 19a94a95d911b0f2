// A chart of rows or columns: its title, legend and files, and the drawing, which follows the room that it has.

/** @typedef {{ parentElement: HTMLElement | ShadowRoot, data: Chart }} Component */
/** @type {WeakMap<HTMLElement, () => void>} */
const STOPS = new WeakMap();

/** @param {Key} key @returns {SVGSVGElement} */
function swatch(key) {
  const svg = sheet(14, 14);
  svg.append(key.symbol === "bar" ? element("svg:rect", { x: 1, y: 1, width: 12, height: 12, rx: 2, fill: key.colour })
    : marked(key, 7, 7, 4.6));
  return svg;
}

/** @param {Chart} chart @param {() => Drawn | null} drawn @param {() => Pen} pen @returns {HTMLElement} */
function head(chart, drawn, pen) {
  const files = element("span", { class: "files" });
  for (const kind of ["svg", "png"]) {
    const button = element("button", { type: "button", "aria-label": `Download “${chart.title}” as ${kind.toUpperCase()}` },
      kind.toUpperCase());
    button.onclick = () => {
      const now = drawn();
      if (now) saveAs(picture(chart, now, pen()), chart.file, kind);
    };
    files.append(button);
  }
  const made = element("div", { class: "head" },
    element("p", { class: "title" }, element("b", {}, chart.title), " ", element("span", {}, chart.unit)), files);
  if (chart.keys.length) made.append(element("p", { class: "keys" },
    ...chart.keys.map((key) => element("span", { class: "key" }, swatch(key), key.name))));
  return made;
}

/** The chart as it stands on the page, with its title and legend, dark on white for paper and slides.
 * @param {Chart} chart @param {Drawn} drawn @param {Pen} pen @returns {SVGSVGElement} */
function picture(chart, drawn, pen) {
  const width = Number(drawn.svg.getAttribute("width")) + 16, line = pen.size + 12;
  const above = line + 6 + (chart.keys.length ? line : 0), height = Number(drawn.svg.getAttribute("height")) + above + 8;
  const svg = sheet(width, height), copy = /** @type {SVGElement} */ (drawn.svg.cloneNode(true));
  for (const [name, value] of Object.entries({ xmlns: SVG, color: "#111", "font-size": pen.size,
    "font-family": "Source Sans, Arial, sans-serif" })) svg.setAttribute(name, String(value));
  svg.append(element("svg:style", {}, "text { fill: currentColor } .faint { opacity: .72 } .band { fill: none }"),
    element("svg:rect", { width, height, fill: "white" }));
  const title = written(8, line, "", "start");
  title.append(element("svg:tspan", { "font-weight": 700 }, chart.title), element("svg:tspan", { dx: 6, class: "faint" }, chart.unit));
  svg.append(title);
  let x = 8;
  for (const key of chart.keys) {
    const own = swatch(key);
    own.setAttribute("x", String(x));
    own.setAttribute("y", String(2 * line - 12));
    svg.append(own, written(x + 20, 2 * line, key.name, "start"));
    x += 44 + pen.wide(key.name);
  }
  copy.setAttribute("x", "8");
  copy.setAttribute("y", String(above));
  svg.append(copy);
  return svg;
}

/** @param {Component} component */
export default function simpleChart({ parentElement, data }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".chart"));
  STOPS.get(root)?.();
  /** @type {Drawn | null} */ let drawn = null;
  const top = head(data, () => drawn, () => penOf(root));
  const drawing = element("div", { class: "drawing", role: "img", tabindex: 0, "aria-label": data.alt });
  const card = element("div", { class: "card", role: "status", hidden: true });
  root.style.height = data.height === null ? "100%" : `${data.height}px`;
  root.replaceChildren(top, drawing, card);
  const draw = () => {
    const width = Math.floor(drawing.clientWidth), height = Math.floor(drawing.clientHeight);
    if (width < 40 || height < 40) return;
    card.hidden = true;
    drawn = (data.upright ? drawColumns : drawRows)(data, width, height, penOf(root));
    drawing.replaceChildren(drawn.svg);
  };
  const stop = reader(drawing, card, data, () => drawn), watch = new ResizeObserver(draw);
  watch.observe(drawing);
  draw();
  const end = () => {
    stop();
    watch.disconnect();
  };
  STOPS.set(root, end);
  return end;
}
