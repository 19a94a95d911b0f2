// A film with the map of one finding over it, drawn in the browser: hovering a finding shows its map, a click keeps it.

/** A finding of a film: its score, its threshold, and where its map lies among the cells.
 * @typedef {{ title: string, score: number, threshold: number, at: number | null, labelled: boolean }} Said
 * @typedef {{ picture: string, alt: string, said: Said[], first: number }} Film
 * @typedef {{ films: Film[], side: number, cells: string, explain: string }} Data
 */

// Inferno, without its darkest part, which a film is too: cold to hot.
const HEAT = [[66, 10, 104], [120, 28, 109], [165, 44, 96], [207, 68, 70], [237, 105, 37], [251, 155, 6], [247, 209, 61]];
const AT = 0.6; // where a bar meets its threshold, of its room
const STRONGEST = 0.65; // opacity of the hottest place

/** @type {WeakMap<ParentNode, { film: number, kept: number, sent: string }>} */
const views = new WeakMap();

/** @param {{ data: Data, parentElement: ParentNode }} given */
export default function film({ data, parentElement }) {
  const view = views.get(parentElement) ?? { film: 0, kept: 0, sent: "" };
  views.set(parentElement, view);
  const sent = JSON.stringify(data);
  if (sent === view.sent) return;
  Object.assign(view, { film: 0, kept: data.films[0].first, sent });
  const root = /** @type {HTMLElement} */ (parentElement.querySelector("#film"));
  const cells = Uint8Array.from(atob(data.cells), (letter) => letter.charCodeAt(0));
  show(root, data, cells, view);
}

/** @param {HTMLElement} root @param {Data} data @param {Uint8Array} cells @param {{ film: number, kept: number }} view */
function show(root, data, cells, view) {
  const { picture, alt, said } = data.films[view.film];
  const [stage, image, canvas, list] = ["div", "img", "canvas", "div"].map((tag) => document.createElement(tag));
  stage.className = "stage";
  Object.assign(image, { src: picture, alt });
  stage.append(image, canvas);
  list.className = "said";
  const draw = (/** @type {number} */ place) => paint(/** @type {HTMLCanvasElement} */ (canvas), data, cells, said[place]);
  const rows = said.map((one, place) => {
    const row = document.createElement("button");
    row.type = "button";
    const alarm = one.score >= one.threshold;
    row.className = alarm ? "alarm" : "";
    row.title = `${one.title}: score ${one.score.toFixed(3)}, threshold ${one.threshold.toFixed(3)}${alarm ? ", alarm" : ""}`;
    row.innerHTML = '<span class="name"></span><span class="number"></span><span class="bar"><i></i><b></b></span>';
    /** @type {HTMLElement} */ (row.querySelector(".name")).textContent = one.title + (one.labelled ? " ●" : "");
    /** @type {HTMLElement} */ (row.querySelector(".number")).textContent = one.score.toFixed(3).replace(/^0/, "");
    const share = one.threshold ? one.score / one.threshold : 1; // thresholds stand below each other
    /** @type {HTMLElement} */ (row.querySelector("i")).style.width = `${Math.min(100, 100 * AT * share)}%`;
    /** @type {HTMLElement} */ (row.querySelector("b")).style.left = `${100 * AT}%`;
    row.onmouseenter = row.onfocus = () => draw(place);
    row.onmouseleave = row.onblur = () => draw(view.kept);
    row.onclick = () => {
      view.kept = place;
      rows.forEach((other, k) => other.setAttribute("aria-pressed", String(k === place)));
      draw(place);
    };
    row.setAttribute("aria-pressed", String(place === view.kept));
    return row;
  });
  list.append(...rows);
  if (data.films.length > 1) {
    const next = document.createElement("button");
    next.type = "button";
    next.className = "next";
    next.textContent = `Next film (${view.film + 1} of ${data.films.length})`;
    next.onclick = () => {
      view.film = (view.film + 1) % data.films.length;
      view.kept = data.films[view.film].first;
      show(root, data, cells, view);
      /** @type {HTMLElement | null} */ (root.querySelector(".next"))?.focus();
    };
    list.append(next);
  }
  root.replaceChildren(stage, list);
  draw(view.kept);
}

// A likely finding glows, an unlikely one does not: the map's opacity is its score over its threshold.
/** @param {HTMLCanvasElement} canvas @param {Data} data @param {Uint8Array} cells @param {Said} said */
function paint(canvas, { side }, cells, said) {
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  if (!context || said?.at === null || said?.at === undefined) return;
  const strength = STRONGEST * Math.min(1, said.score / (said.threshold || 1));
  const drawn = context.createImageData(side, side);
  for (let i = 0; i < side * side; i += 1) {
    const heat = cells[said.at * side * side + i] / 255;
    const place = heat * (HEAT.length - 1);
    const [cold, hot] = [HEAT[Math.floor(place)], HEAT[Math.ceil(place)]];
    for (let c = 0; c < 3; c += 1) drawn.data[4 * i + c] = cold[c] + (hot[c] - cold[c]) * (place % 1);
    drawn.data[4 * i + 3] = 255 * strength * heat;
  }
  context.putImageData(drawn, 0, 0);
}
