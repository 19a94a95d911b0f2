// Two small buttons at every chart of the page that Plotly draws: take it along as SVG, or as PNG of twice its size. The
// charts' own bar knows one kind of file, and shows itself to a pointer only.

const SVG_NAMESPACE = "http://www.w3.org/2000/svg", TIMES = 2;

/** What is drawn, from all of Plotly's layers but the one of hover labels, on the page's own ground.
 * @param {HTMLElement} chart @returns {SVGSVGElement} */
function drawing(chart) {
  const layers = [...chart.querySelectorAll(".main-svg")].map((one) => /** @type {SVGSVGElement} */ (one.cloneNode(true)));
  const [whole, ...above] = layers, ground = document.createElementNS(SVG_NAMESPACE, "rect");
  ground.setAttribute("width", "100%");
  ground.setAttribute("height", "100%");
  ground.setAttribute("fill", getComputedStyle(document.querySelector(".stApp") ?? document.body).backgroundColor);
  for (const layer of above) whole.append(...layer.childNodes);
  for (const hover of whole.querySelectorAll(".hoverlayer")) hover.remove();
  whole.prepend(ground);
  whole.setAttribute("xmlns", SVG_NAMESPACE);
  return whole;
}

/** @param {string} address @param {string} name */
function take(address, name) {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}

/** @param {HTMLElement} holder @param {string} kind svg or png */
async function save(holder, kind) {
  const chart = /** @type {HTMLElement} */ (holder.querySelector(".js-plotly-plot")), svg = drawing(chart);
  const key = /st-key-([\w-]+)/.exec(holder.closest("[class*=st-key-]")?.className ?? "")?.[1] ?? "chart";
  const address = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(svg))}`;
  if (kind === "svg") {
    take(address, `${key}.svg`);
    return;
  }
  const { width, height } = chart.getBoundingClientRect(), image = new Image(width, height);
  image.src = address;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width * TIMES, height * TIMES];
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  take(canvas.toDataURL("image/png"), `${key}.png`);
}

/** @param {HTMLElement} holder */
function equip(holder) {
  const line = document.createElement("div");
  line.className = "chart-files";
  for (const kind of ["svg", "png"]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = kind.toUpperCase();
    button.setAttribute("aria-label", `Download this chart as ${kind.toUpperCase()}`);
    button.onclick = () => save(holder, kind);
    line.append(button);
  }
  holder.append(line);
}

// Plotly's own buttons are for a pointer, or say what the two below them say: on the keyboard's way stands only the one
// that shows the chart on the whole screen.
const POINTER_ONLY = ".modebar-btn:not([data-title=Fullscreen], [tabindex='-1'])";

function look() {
  for (const one of document.querySelectorAll(POINTER_ONLY)) one.setAttribute("tabindex", "-1");
  for (const holder of document.querySelectorAll(".stPlotlyChart:has(.main-svg):not(:has(> .chart-files))"))
    equip(/** @type {HTMLElement} */ (holder));
}

/** @returns {() => void} */
export default function chartFiles() {
  let waiting = 0;
  const watch = new MutationObserver(() => {
    waiting ||= requestAnimationFrame(() => {
      waiting = 0;
      look();
    });
  });
  watch.observe(document.body, { childList: true, subtree: true });
  look();
  return () => watch.disconnect();
}
