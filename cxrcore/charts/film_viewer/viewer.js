// The film viewer: one instance for each place that Streamlit gives, alive across reruns.

/** @typedef {{ setStateValue: (name: string, value: any) => void }} Sending
 * @typedef {Pictures & { root: HTMLElement, send: Sending, rows: Row[], list: HTMLElement, foot: HTMLElement,
 *             tools: HTMLElement, status: HTMLElement, axis: [number, number], kept: number, opened: number,
 *             awaited: Set<number>, telling: number, asked: string | null,
 *             onKey: (event: KeyboardEvent) => void }} Viewer
 *   kept: the finding, by its place; opened: which one Python asked for last; asked: the patch that it was told of
 */

const TELL = 400; // ms after which Python hears which finding was kept

/** @type {WeakMap<ParentNode, Viewer>} */
const viewers = new WeakMap();

/** @param {{ data: Uint8Array<ArrayBuffer>, parentElement: ParentNode } & Sending} given */
export default function mount({ data, parentElement, setStateValue }) {
  let viewer = /** @type {Viewer} */ (viewers.get(parentElement));
  if (!viewer) {
    viewer = /** @type {any} */ ({
      root: parentElement.querySelector("#viewer"), source: "", images: [], panels: [], awaited: new Set(), tool: "move",
      bare: false, boxed: true, zoom: { scale: 1, x: 0, y: 0 }, lens: [0.5, 0.5], held: new Map(), strokes: [],
      asked: null, telling: 0 });
    const made = viewer;
    viewer.keep = (finding) => keep(made, finding);
    viewer.painted = () => tellPaint(made);
    viewer.onKey = (event) => { if (made.header.keys) chooseByDigit(made, event); };
    document.addEventListener("keydown", viewer.onKey);
    viewers.set(parentElement, viewer);
  }
  viewer.send = { setStateValue };
  take(viewer, unpack(data));
  return () => {
    clearTimeout(viewer.telling);
    document.removeEventListener("keydown", viewer.onKey);
    URL.revokeObjectURL(viewer.source);
    viewers.delete(parentElement);
  };
}

// Streamlit calls again whenever the theme or anything on the page changes; a map is then not drawn anew.
/** @param {Viewer} viewer @param {Film} film */
function take(viewer, { header, colours, film, layers }) {
  const before = viewer.header;
  if (before?.version === header.version) return;
  const same = before?.film.id === header.film.id;
  if (!same) {
    URL.revokeObjectURL(viewer.source);
    viewer.source = URL.createObjectURL(new Blob([film], { type: header.film.type }));
    viewer.zoom = { scale: 1, x: 0, y: 0 };
    viewer.awaited.clear();
  }
  if (!same || header.painted !== before.painted) {
    if (viewer.asked !== header.painted || !same) viewer.strokes = header.strokes;
    viewer.asked = header.painted;
  }
  Object.assign(viewer, { header, colours, layers, axis: axisOf(header) });
  takeOpen(viewer, same);
  build(viewer);
}

// Which finding is open: what was just kept here counts more than Python's word of a moment ago.
/** @param {Viewer} viewer @param {boolean} same the film */
function takeOpen(viewer, same) {
  const { open } = viewer.header;
  const own = viewer.awaited.delete(open) || viewer.opened === open;
  if (!same || !own) viewer.kept = open;
  viewer.opened = open;
  viewer.kept = Math.min(viewer.kept, viewer.header.findings.length - 1);
  viewer.shown = viewer.kept;
}

/** @param {Viewer} viewer */
function build(viewer) {
  const focused = viewer.root.getRootNode();
  const had = focused instanceof ShadowRoot && focused.activeElement === viewer.list && Boolean(viewer.list);
  viewer.images = viewer.panels.map((panel) => panel.image).toReversed();
  viewer.panels = buildPanels(viewer);
  const n = viewer.panels.length;
  const films = element("div", { class: "films", "data-n": n === 1 ? "one" : n <= 4 ? "few" : n <= 6 ? "some" : "many" },
                        ...viewer.panels.map((panel) => panel.root));
  const scores = buildRows(viewer);
  viewer.root.style.setProperty("--shape", String(viewer.header.film.width / viewer.header.film.height));
  viewer.root.dataset.view = n === 1 ? "one" : "several";
  viewer.root.replaceChildren(element("div", { class: "pictures" }, films, buildTools(viewer)), scores);
  viewer.list.onkeydown = (event) => stepByKey(viewer, event);
  viewer.list.onpointerleave = () => show(viewer, viewer.kept);
  listenToPanels(viewer);
  drawPanels(viewer);
  showRows(viewer);
  showTools(viewer);
  if (had) viewer.list.focus({ preventScroll: true });
}

// -- the tools under the film

/** @param {Viewer} viewer */
function buildTools(viewer) {
  /** @param {string} text @param {string} title @param {() => void} act @param {string} [name] */
  const tool = (text, title, act, name) => {
    const button = element("button", { type: "button", class: "tool", title, "aria-label": name ? null : title,
                                       "data-name": name, "aria-pressed": name ? "false" : null }, text);
    button.onclick = act;
    return button;
  };
  const { header } = viewer;
  viewer.status = element("span", { class: "status", role: "status" });
  viewer.tools = element("div", { class: "tools" },
    tool("−", "Zoom out", () => zoomAt(viewer, 1 / STEP, [0.5, 0.5])),
    tool("+", "Zoom in (or the wheel over the film)", () => zoomAt(viewer, STEP, [0.5, 0.5])),
    tool("1:1", "Whole film (or a double click)", () => move(viewer, 1, 0, 0)));
  if (viewer.layers.some((layer) => !layer.off)) viewer.tools.append(
    tool("Map", "Show or hide the map", () => { viewer.bare = !viewer.bare; showTools(viewer); }, "map"),
    tool("Loupe", "The map only inside a lens that follows the pointer", () => choose(viewer, "loupe"), "loupe"));
  if (header.boxes.length) viewer.tools.append(tool("Boxes", "Boxes of the data set for this finding",
    () => { viewer.boxed = !viewer.boxed; showTools(viewer); }, "boxes"));
  if (header.occludable) viewer.tools.append(
    tool("Occlude", "Paint grey over a place: the network is asked again", () => choose(viewer, "paint"), "paint"),
    tool("Clear", "Take the grey away", () => { viewer.strokes = []; tellPaint(viewer); redraw(viewer); }, "clear"));
  viewer.tools.append(viewer.status);
  return viewer.tools;
}

/** @param {Viewer} viewer @param {Tool} tool */
function choose(viewer, tool) {
  viewer.tool = viewer.tool === tool ? "move" : tool;
  showTools(viewer);
}

/** @param {Viewer} viewer */
function redraw(viewer) {
  for (const panel of viewer.panels) drawPaint(viewer, panel);
}

/** @param {Viewer} viewer */
function showTools(viewer) {
  /** @type {Record<string, boolean>} */
  const on = { map: !viewer.bare, loupe: viewer.tool === "loupe", boxes: viewer.boxed, paint: viewer.tool === "paint" };
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (viewer.tools.querySelectorAll("[data-name]"))) {
    const name = button.dataset.name ?? "";
    if (name in on) button.setAttribute("aria-pressed", String(on[name]));
    if (name === "clear") {
      button.hidden = !viewer.strokes.length;
      button.removeAttribute("aria-pressed");
    }
  }
  const waiting = viewer.asked !== viewer.header.painted;
  viewer.root.toggleAttribute("data-waiting", waiting);
  const painting = viewer.tool === "paint" && !viewer.strokes.length;
  write(viewer.status, waiting ? "Asking again …" : painting ? "Paint over a place on the film." : "");
  layOut(viewer);
}

// The patch is done: the network is asked again, and says so by data of this name.
/** @param {Viewer} viewer */
function tellPaint(viewer) {
  const any = viewer.strokes.length > 0;
  viewer.asked = any ? `${viewer.header.film.id} ${Date.now()}` : null;
  viewer.send.setStateValue("painted", { name: viewer.asked ?? "", film: any ? viewer.header.film.id : "",
                                         strokes: viewer.strokes });
  showTools(viewer);
}
