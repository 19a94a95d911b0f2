// The small curves of all findings: a name of the legend or a curve under the pointer lights its run in all panels; a
// panel that is clicked, or entered by keyboard, is opened large by the page.

/** @typedef {{ runs: Run[], panels: Panel[], said: string, file: string, axes: string }} Given */
/** @typedef {{ data: Given, width: number, watch: ResizeObserver }} Held */
/** @typedef {{ parentElement: HTMLElement | ShadowRoot, data: Given,
 *   setTriggerValue: (name: string, value: string) => void }} Component */

/** @type {WeakMap<HTMLElement, Held>} */
const HELD = new WeakMap();

/** @param {string} tag @param {string} kind @param {string} [text] @returns {HTMLElement} */
function element(tag, kind, text = "") {
  const made = document.createElement(tag);
  made.className = kind;
  made.textContent = text;
  return made;
}

/** @param {HTMLElement} root @param {number} run none where below 0 */
function light(root, run) {
  root.classList.toggle("lit", run >= 0);
  for (const one of root.querySelectorAll("[data-run]"))
    one.classList.toggle("on", one.getAttribute("data-run") === String(run));
}

/** @param {Run} run @returns {HTMLImageElement} */
function swatch(run) {
  const image = document.createElement("img");
  image.src = run.mark;
  image.alt = "";
  return image;
}

/** @param {HTMLElement} root @param {Given} data @returns {HTMLElement} */
function legend(root, data) {
  const line = element("div", "legend", data.said);
  data.runs.forEach((run, place) => {
    const name = element("button", "run", "");
    name.setAttribute("type", "button");
    name.setAttribute("aria-label", `Light ${run.name} in all panels`);
    name.dataset.run = String(place);
    name.append(swatch(run), element("span", "name", run.name), element("b", "", run.words));
    name.onpointerenter = name.onfocus = () => light(root, place);
    name.onpointerleave = name.onblur = () => light(root, -1);
    line.append(name);
  });
  return line;
}

/** What the axes are, and the buttons that take the picture along.
 * @param {HTMLElement} root @param {Given} data @returns {HTMLElement} */
function foot(root, data) {
  const line = element("div", "foot"), files = element("span", "files");
  for (const kind of ["svg", "png"]) {
    const button = element("button", "file", kind.toUpperCase());
    button.setAttribute("type", "button");
    button.title = `Download all panels as ${kind.toUpperCase()}`;
    button.onclick = () => saveAs(whole(root, data.panels, data.runs), data.file, kind);
    files.append(button);
  }
  line.append(element("p", "axes", data.axes), files);
  return line;
}

/** The panel's figures: coloured marks tell several runs apart.
 * @param {Panel} panel @param {Run[]} runs @returns {HTMLElement} */
function figures(panel, runs) {
  const line = element("span", "figures", runs.length > 1 && panel.texts.length ? "" : panel.said);  // else the legend says it
  panel.texts.forEach((text, place) => {
    const own = element("span", "figure", text);
    own.dataset.run = String(place);
    if (runs.length > 1) own.prepend(swatch(runs[place]));
    line.append(" ", own);
  });
  return line;
}

/** @param {Panel} panel @param {Given} data @param {Component["setTriggerValue"]} tell @returns {HTMLElement} */
function card(panel, data, tell) {
  const opens = Boolean(panel.finding) && !panel.missing;
  const made = element(opens ? "button" : "div", `panel ${panel.finding ? "" : "mean"}`);
  made.dataset.panel = panel.finding || "macro";
  made.append(element("strong", "", panel.name));
  if (panel.missing) {
    made.append(element("span", "missing", panel.missing));
    return made;
  }
  made.append(figures(panel, data.runs), element("span", "drawing"));
  made.setAttribute("aria-label", `${panel.alt}${opens ? " Open large" : ""}`);
  if (opens) {
    made.setAttribute("type", "button");
    made.onclick = () => tell("opened", panel.finding);
  } else made.setAttribute("role", "img");
  return made;
}

/** @param {HTMLElement} root */
function drawAll(root) {
  const held = HELD.get(root);
  if (!held) return;
  const cards = [...root.querySelectorAll(".panel")];
  const width = Math.floor(cards[0]?.getBoundingClientRect().width ?? 0);
  if (width < 40 || width === held.width) return;
  held.width = width;
  const drawn = held.data.panels.filter((panel) => !panel.missing);
  const letters = Math.max(...drawn.flatMap((panel) => panel.y.ticks.map(([, text]) => text.length)));
  cards.forEach((one, place) => {
    const panel = held.data.panels[place];
    if (!panel.missing) one.querySelector(".drawing")?.replaceChildren(draw(panel, held.data.runs, width, letters));
  });
}

/** @param {Component} component */
export default function smallCurves({ parentElement, data, setTriggerValue }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".curves"));
  HELD.get(root)?.watch.disconnect();
  const panels = element("div", "panels");
  panels.append(...data.panels.map((panel) => card(panel, data, setTriggerValue)));
  panels.onpointerover = (event) => {
    const run = /** @type {Element} */ (event.target).getAttribute("data-reach");
    light(root, run === null ? -1 : Number(run));
  };
  panels.onpointerleave = () => light(root, -1);
  root.replaceChildren(legend(root, data), panels, foot(root, data));
  const watch = new ResizeObserver(() => drawAll(root));
  HELD.set(root, { data, width: 0, watch });
  watch.observe(panels);
  drawAll(root);
  return () => watch.disconnect();
}
