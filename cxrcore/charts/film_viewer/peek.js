// Over a wall of films: who rests on a film sees it large, with its boxes and, where a network can be asked, its map;
// J and K step through the films, and a click opens one. The wall is the page's own, found by its marks.

/** @typedef {{ films: string[], opened: string | null, asks: boolean, strength: number, colours: number[],
 *             maps: Record<string, Omit<Layer, "cells"> & { cells: number[], opacity: number }> }} Peeked
 *   films: those of the wall that have a picture; asks: whether a network can be asked for maps
 * @typedef {{ data: Peeked, tell: (name: string, value: any) => void, card: HTMLElement, over: HTMLElement | null,
 *             waiting: number, listeners: [string, (event: any) => void][] }} Peek
 */

const REST = 140; // ms on a film before it is shown large
const ASK = 500; // ms before a network is asked
const SIDE = 440; // pixels
const HEAT = 256; // pixels a side of a drawn map

/** @type {WeakMap<ParentNode, Peek>} */
const peeks = new WeakMap();

/** @param {{ data: Peeked, parentElement: ParentNode, setStateValue: (name: string, value: any) => void }} given */
export default function mount({ data, parentElement, setStateValue }) {
  let peek = /** @type {Peek} */ (peeks.get(parentElement));
  if (!peek) {
    peek = { data, tell: setStateValue, card: /** @type {HTMLElement} */ (parentElement.querySelector("#peek")), over: null,
             waiting: 0, listeners: [] };
    peeks.set(parentElement, peek);
    listen(peek);
  }
  const made = peek;
  peek.data = data;
  peek.tell = setStateValue;
  mark(peek);
  if (peek.over && !peek.card.hidden) fill(peek, peek.over);
  return () => {
    clearTimeout(made.waiting);
    for (const [name, act] of made.listeners) document.removeEventListener(name, act);
    peeks.delete(parentElement);
  };
}

/** @param {Peek} peek */
function listen(peek) {
  peek.listeners = [["pointerover", (event) => hover(peek, event)], ["click", (event) => click(peek, event)],
                    ["keydown", (event) => step(peek, event)], ["scroll", () => hide(peek)]];
  for (const [name, act] of peek.listeners) document.addEventListener(name, act, { passive: true, capture: name === "scroll" });
}

/** @param {Event} event @returns {HTMLElement | null} the film that the event is on */
function filmOf(event) {
  return event.target instanceof Element ? event.target.closest(".films [data-film]") : null;
}

/** @param {Peek} peek @param {PointerEvent} event */
function hover(peek, event) {
  const film = event.pointerType === "touch" ? null : filmOf(event);
  if (film === peek.over) return;
  hide(peek);
  peek.over = film;
  if (film) peek.waiting = setTimeout(() => appear(peek, film), REST);
}

/** @param {Peek} peek */
function hide(peek) {
  clearTimeout(peek.waiting);
  peek.over = null;
  peek.card.hidden = true;
}

/** @param {Peek} peek @param {HTMLElement} film */
function appear(peek, film) {
  const box = film.getBoundingClientRect();
  fill(peek, film);
  peek.card.hidden = false;
  const { width, height } = peek.card.getBoundingClientRect();
  const right = box.right + 12 + width < innerWidth;
  peek.card.style.left = `${Math.max(8, right ? box.right + 12 : box.left - 12 - width)}px`;
  peek.card.style.top = `${Math.max(8, Math.min(innerHeight - height - 8, box.top + box.height / 2 - height / 2))}px`;
  const id = film.dataset.film ?? "";
  if (peek.data.asks && !(id in peek.data.maps)) peek.waiting = setTimeout(() => peek.tell("wanted", id), ASK);
}

/** @param {Peek} peek @param {HTMLElement} film */
function fill(peek, film) {
  const picture = film.cloneNode(true);
  const figure = film.closest("figure");
  const said = document.createElement("p");
  said.textContent = figure?.querySelector("figcaption b")?.textContent ?? "";
  const map = peek.data.maps[film.dataset.film ?? ""];
  peek.card.replaceChildren(picture, said);
  if (picture instanceof HTMLElement) {
    picture.style.width = picture.style.height = `${SIDE}px`;
    if (map) picture.append(mapOf(peek, { ...map, cells: Uint8Array.from(map.cells) }, map.opacity));
  }
}

/** @param {Peek} peek @param {Layer} layer @param {number} opacity */
function mapOf(peek, layer, opacity) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = HEAT;
  const heat = heatOf(layer, 0, HEAT, HEAT);
  const context = canvas.getContext("2d");
  if (!heat || !context) return canvas;
  const picture = context.createImageData(HEAT, HEAT);
  colourIn(heat, Uint8Array.from(peek.data.colours), peek.data.strength * opacity, picture.data);
  context.putImageData(picture, 0, 0);
  return canvas;
}

// -- opening and stepping

/** @param {Peek} peek @param {string | null} id */
function open(peek, id) {
  hide(peek);
  peek.data = { ...peek.data, opened: id };
  mark(peek);
  peek.tell("opened", id ?? "");
}

/** @param {Peek} peek @param {MouseEvent} event */
function click(peek, event) {
  const film = filmOf(event);
  if (film) open(peek, film.dataset.film ?? null);
}

/** @param {Peek} peek @param {KeyboardEvent} event */
function step(peek, event) {
  const at = event.composedPath()[0];
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (at instanceof HTMLElement && (at.isContentEditable || at.matches("input, textarea, select, [role=combobox]"))) return;
  const { films, opened } = peek.data;
  const steps = { j: 1, k: -1 }[event.key.toLowerCase()];
  if (event.key === "Escape" && opened) open(peek, null);
  if (!steps || !films.length) return;
  const next = opened ? films.indexOf(opened) + steps : 0;
  if (next >= 0 && next < films.length) open(peek, films[next]);
}

// Which film is open shows in the wall.
/** @param {Peek} peek */
function mark(peek) {
  for (const film of document.querySelectorAll(".films [data-film]")) {
    film.toggleAttribute("data-open", film instanceof HTMLElement && film.dataset.film === peek.data.opened);
  }
}
