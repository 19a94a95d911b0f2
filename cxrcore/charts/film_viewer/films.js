// Films side by side, each under the maps of one or several networks: at rest the outlines of all, each in its own
// colour, with its hottest place; who points at a network sees its map on every film.

/** @typedef {{ title: string, said: string, bytes: number }} Caption over a film, and how long it is
 * @typedef {{ version: string, all: string, films: Caption[] }} WallHeader
 *   all: what all networks together are called
 * @typedef {Pictures & { lines: HTMLElement[], figure: HTMLElement }} Shown one film of the wall
 * @typedef {{ root: HTMLElement, header: WallHeader, films: Shown[], kept: number, over: number, strength: number,
 *             contour: boolean, tools: HTMLElement, chips: HTMLElement[] }} Wall
 *   kept, over: networks, by their place, chosen and pointed at; ALL for the outlines of all
 */

const ALL = -1;
const HOT = 7; // pixels from a hottest place's mark to its ends

/** @type {WeakMap<ParentNode, Wall>} */
const walls = new WeakMap();

/** @param {{ data: Uint8Array<ArrayBuffer>, parentElement: ParentNode }} given */
export default function mount({ data, parentElement }) {
  let wall = /** @type {Wall} */ (walls.get(parentElement));
  if (!wall) {
    wall = /** @type {any} */ ({ root: parentElement.querySelector("#films"), films: [], kept: ALL, over: ALL, strength: NaN,
                                 contour: false });
    walls.set(parentElement, wall);
  }
  const made = wall;
  takeFilms(made, data);
  return () => {
    for (const film of made.films) URL.revokeObjectURL(film.source);
    walls.delete(parentElement);
  };
}

// Films that stay keep their picture, zoom and finding: their maps may come later than they do.
/** @param {Wall} wall @param {Uint8Array<ArrayBuffer>} data */
function takeFilms(wall, data) {
  const length = new DataView(data.buffer, data.byteOffset).getUint32(0, true);
  /** @type {WallHeader} */
  const header = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length)));
  if (wall.header?.version === header.version) return;
  const before = new Map(wall.films.map((film) => [film.header.film.id, film]));
  let at = 4 + length;
  wall.header = header;
  wall.films = header.films.map(({ bytes }) => {
    const { header: own, colours, film, layers } = unpack(data.subarray(at, at + bytes));
    at += bytes;
    const old = before.get(own.film.id);
    before.delete(own.film.id);
    return /** @type {Shown} */ ({
      header: own, colours, layers, images: old ? [old.panels[0].image] : [], panels: [], tool: "move", bare: false, boxed: true,
      source: old?.source ?? URL.createObjectURL(new Blob([film], { type: own.film.type })),
      shown: old?.shown ?? own.open, zoom: old?.zoom ?? { scale: 1, x: 0, y: 0 }, lens: [0.5, 0.5], held: new Map(),
      strokes: [], keep: () => {}, painted: () => {}, lines: [], figure: element("figure") });
  });
  for (const gone of before.values()) URL.revokeObjectURL(gone.source);
  const n = wall.films[0]?.header.networks.length ?? 0;
  if (n === 1) wall.kept = 0;
  else if (wall.kept >= n) wall.kept = ALL;
  wall.over = wall.kept;
  if (Number.isNaN(wall.strength)) wall.strength = wall.films[0]?.header.strength ?? 0;
  buildWall(wall);
}

/** @param {Wall} wall */
function buildWall(wall) {
  for (const [place, film] of wall.films.entries()) buildFilm(wall, film, wall.header.films[place]);
  const figures = element("div", { class: "wall", "data-n": wall.films.length }, ...wall.films.map((film) => film.figure));
  wall.root.replaceChildren(buildBar(wall), figures);
  drawWall(wall);
}

/** @param {Wall} wall @param {Shown} film @param {Caption} caption */
function buildFilm(wall, film, { title, said }) {
  const { findings, networks } = film.header;
  film.panels = [buildPanel(film, film.layers[0], null)];
  const [panel] = film.panels;
  panel.stage.dataset.film = film.header.film.id;
  film.lines = networks.map((network, place) => {
    const line = element("button", { type: "button", class: "line", title: network.name },
                         element("img", { src: network.mark, alt: network.name, width: 16, height: 16 }), element("span"),
                         element("small"));
    previews(wall, line, place);
    return line;
  });
  const choice = element("select", { "aria-label": "Finding whose map is shown" },
                         ...findings.map((one, k) => element("option", { value: k, selected: k === film.shown }, one.title)));
  choice.onchange = () => {
    film.shown = Number(choice.value);
    drawWall(wall);
  };
  film.figure = element("figure", {}, element("figcaption", {}, element("b", {}, title), " ", element("span", {}, said)),
                        panel.stage, findings.length > 1 ? element("label", { class: "choice" }, "Map of ", choice) : "",
                        ...film.lines);
  film.figure.style.setProperty("--shape", String(film.header.film.width / film.header.film.height));
  listenToPanels(film);
}

/** @param {Wall} wall @param {HTMLElement} node @param {number} place */
function previews(wall, node, place) {
  node.onpointerenter = (event) => { if (event.pointerType !== "touch") lookAt(wall, place); };
  node.onpointerleave = () => lookAt(wall, wall.kept);
  node.onfocus = () => { if (node.matches(":focus-visible")) lookAt(wall, place); };
  node.onblur = () => lookAt(wall, wall.kept);
  node.onclick = () => {
    wall.kept = place;
    lookAt(wall, place);
    showChosen(wall);
  };
}

/** @param {Wall} wall @param {number} place */
function lookAt(wall, place) {
  if (wall.over === place) return;
  wall.over = place;
  drawWall(wall);
}

// -- the bar over the films: whose map, and how it is drawn

/** @param {Wall} wall */
function buildBar(wall) {
  const networks = wall.films[0]?.header.networks ?? [];
  wall.chips = networks.length > 1 ? [
    element("button", { type: "button", class: "chip" }, wall.header.all),
    ...networks.map((one) => element("button", { type: "button", class: "chip" },
                                     element("img", { src: one.mark, alt: "", width: 16, height: 16 }), one.name))] : [];
  wall.chips.forEach((chip, at) => previews(wall, chip, at + ALL));
  /** @param {string} text @param {string} title @param {() => void} act @param {string} [name] */
  const tool = (text, title, act, name) => {
    const button = element("button", { type: "button", class: "tool", title, "aria-label": name ? null : title,
                                       "data-name": name });
    button.append(text);
    button.onclick = act;
    return button;
  };
  /** @param {(film: Shown) => void} act */
  const onAll = (act) => () => { wall.films.forEach(act); showChosen(wall); };
  const opacity = element("input", { type: "range", min: 0, max: 100, step: 5, value: 100 * wall.strength,
                                     "aria-label": "Opacity of the map, %", title: "Opacity of the map" });
  opacity.oninput = () => { wall.strength = opacity.value / 100; drawWall(wall); };
  const lens = onAll((film) => { film.tool = film.tool === "loupe" ? "move" : "loupe"; layOut(film); });
  wall.tools = element("div", { class: "tools" },
    tool("−", "Zoom out", onAll((film) => zoomAt(film, 1 / STEP, [0.5, 0.5]))),
    tool("+", "Zoom in (or the wheel over a film)", onAll((film) => zoomAt(film, STEP, [0.5, 0.5]))),
    tool("1:1", "Whole films (or a double click)", onAll((film) => move(film, 1, 0, 0))),
    tool("Outline", "A line around the hottest fifth in place of colour",
         () => { wall.contour = !wall.contour; drawWall(wall); showChosen(wall); }, "outline"),
    tool("Loupe", "The map only inside a lens that follows the pointer", lens, "loupe"));
  if (wall.films.some((film) => film.header.boxes.length)) wall.tools.append(tool("Boxes", "Boxes of the data set",
    onAll((film) => { film.boxed = !film.boxed; layOut(film); }), "boxes"));
  wall.tools.append(element("label", { class: "opacity" }, "Opacity ", opacity));
  showChosen(wall);
  return element("div", { class: "over" }, element("div", { class: "chips", role: "group", "aria-label": "Whose map" },
                                                   ...wall.chips), wall.tools);
}

// Which network and which tools are on.
/** @param {Wall} wall */
function showChosen(wall) {
  wall.chips.forEach((chip, at) => chip.setAttribute("aria-pressed", String(at + ALL === wall.kept)));
  const [film] = wall.films;
  /** @type {Record<string, boolean>} */
  const on = { outline: wall.contour, loupe: film?.tool === "loupe", boxes: film?.boxed };
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (wall.tools.querySelectorAll("[data-name]"))) {
    button.setAttribute("aria-pressed", String(on[button.dataset.name ?? ""]));
  }
}

// -- drawing

/** @param {Wall} wall */
function drawWall(wall) {
  wall.root.dataset.over = wall.over === ALL ? "all" : String(wall.over);
  for (const film of wall.films) drawFilm(wall, film);
}

/** @param {Wall} wall @param {Shown} film */
function drawFilm(wall, film) {
  const [panel] = film.panels;
  const { header, shown: k } = film;
  const network = header.networks[wall.over];
  film.header.contour = wall.contour;
  if (network) {
    panel.layer = film.layers.find((one) => one.network === wall.over) ?? panel.layer;
    drawHeat(film, panel, k, panel.layer.network === wall.over ? wall.strength * opacityOf(network, k) : 0);
  } else {
    panel.heat.hidden = true;
    panel.marks.replaceChildren();
  }
  for (const layer of film.layers) {
    if (!network || layer.network === wall.over) drawOutline(film, panel, layer, k, !network);
  }
  drawBoxes(film, panel, k);
  film.lines.forEach((line, place) => {
    const { texts, alarms, notes, scores } = header.networks[place];
    const [score, threshold] = texts[k];
    line.children[1].textContent = scores[k] === null ? "no score" : `${score} ${alarms[k] ? "≥" : "<"} ${threshold}`;
    line.children[1].className = alarms[k] ? "alarm" : "";
    line.children[2].textContent = notes[k];
    line.classList.toggle("shown", place === wall.over);
  });
  panel.stage.setAttribute("aria-label", `${header.film.said}, with ${network
    ? `the map of ${header.findings[k].title} by ${network.name}` : `outlines of the maps of ${header.findings[k].title}`}`);
  layOut(film);
}

// Where a network's map is hottest, and with `line` what lies around its hottest fifth: in the colour of its run.
/** @param {Shown} film @param {Panel} panel @param {Layer} layer @param {number} k @param {boolean} line */
function drawOutline(film, panel, layer, k, line) {
  const heat = heatOf(layer, k, OUTLINE, OUTLINE);
  if (!heat) return;
  const { width, height } = film.header.film;
  const { colour } = film.header.networks[layer.network];
  if (line) {
    const d = outlineOf(heat, OUTLINE, width, height);
    panel.marks.append(element("svg:path", { class: "outline dark", d }), element("svg:path", { class: "outline", d, stroke: colour }));
  }
  const hottest = heat.reduce((best, value, at) => (value > heat[best] ? at : best), 0);
  const x = (hottest % OUTLINE + 0.5) * width / OUTLINE;
  const y = (Math.floor(hottest / OUTLINE) + 0.5) * height / OUTLINE;
  const [across, down] = [HOT * width / 400, HOT * height / 400];
  const d = `M${x - across} ${y}H${x + across}M${x} ${y - down}V${y + down}`;
  panel.marks.append(element("svg:path", { class: "hottest dark", d }), element("svg:path", { class: "hottest", d, stroke: colour }));
}
