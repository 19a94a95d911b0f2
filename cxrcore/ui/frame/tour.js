// The tour: a light on what a stop is about, and a card of words beside it. It lies in the browser's top layer and lets
// all clicks through but those on its card. Where it stands is kept in the browser, where that is allowed.

/** @typedef {{ page: string, find: string[], title: string, text: string }} Stop
 * @typedef {{ page: string, stops: Stop[], offered: boolean }} Data
 * @typedef {{ at: number, on: boolean, never: boolean }} Kept
 */

const KEY = "cxr-tour";
const LOOK_EVERY = 200; // milliseconds between looks at where the lit element is
const ROOM = 12; // pixels between the light and the card
/** @type {Kept} */
let remembered = { at: 0, on: false, never: false };
/** @type {WeakMap<ParentNode, { timer: number, drawn: string, focus: boolean }>} */
const tours = new WeakMap();

/** @returns {Kept} */
function kept() {
  try {
    const held = JSON.parse(localStorage.getItem(KEY) ?? "null");
    if (held && Number.isInteger(held.at)) remembered = { at: held.at, on: Boolean(held.on), never: Boolean(held.never) };
  } catch { /* what this page remembers has to do */ }
  return remembered;
}

/** @param {Partial<Kept>} change */
function keep(change) {
  remembered = { ...kept(), ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(remembered));
  } catch { /* as above */ }
}

/** @param {{ data: Data, parentElement: ParentNode }} given */
export default function tour({ data, parentElement }) {
  const state = tours.get(parentElement) ?? { timer: 0, drawn: "", focus: false };
  tours.set(parentElement, state);
  const [offer, layer] = /** @type {HTMLElement[]} */ ([parentElement.querySelector("#offer"), parentElement.querySelector("#tour")]);
  const again = () => draw(data, offer, layer, state, again);
  again();
  clearInterval(state.timer);
  state.timer = window.setInterval(again, LOOK_EVERY);
  return () => {
    clearInterval(state.timer);
    tours.delete(parentElement);
  };
}

/**
 * @param {Data} data @param {HTMLElement} offer @param {HTMLElement} layer
 * @param {{ timer: number, drawn: string, focus: boolean }} state @param {() => void} again
 */
function draw(data, offer, layer, state, again) {
  const { at, on, never } = kept();
  const stop = data.stops[Math.min(Math.max(at, 0), data.stops.length - 1)];
  const here = on && stop.page === data.page;
  const now = JSON.stringify([at, on, never, data.page]);
  if (now !== state.drawn) {
    state.drawn = now;
    if (data.offered) offerIt(data, offer, again);
    if (here) openStop(data, layer, state, again);
    else if (layer.matches(":popover-open")) layer.hidePopover();
  }
  if (here) place(layer, stop);
}

/** @param {string} text @param {string} kind @param {() => void} act */
function button(text, kind, act) {
  const made = document.createElement("button");
  Object.assign(made, { type: "button", className: kind, textContent: text, onclick: act });
  return made;
}

/** @param {Data} data @param {HTMLElement} offer @param {() => void} again */
function offerIt(data, offer, again) {
  const { at, on, never } = kept();
  if (never || on) return offer.replaceChildren();
  const begin = at > 0 ? `Go on with the tour, stop ${at + 1} of ${data.stops.length}` : "Take the tour";
  return offer.replaceChildren(
    at > 0 ? "" : "New here? ", button(begin, "begin", () => { keep({ on: true }); go(data, data.stops[at]?.page ?? "runs"); again(); }),
    at > 0 ? " " : ` ${data.stops.length} stops, ten minutes. `, button("Not for me", "never", () => { keep({ never: true }); again(); }));
}

/** @param {Data} data @param {HTMLElement} layer @param {{ drawn: string, focus: boolean }} state @param {() => void} again */
function openStop(data, layer, state, again) {
  const { at } = kept();
  const { title, text } = data.stops[at];
  const light = document.createElement("div");
  const card = document.createElement("div");
  light.className = "light";
  card.className = "card";
  card.setAttribute("role", "dialog");
  card.setAttribute("aria-label", `Tour, stop ${at + 1} of ${data.stops.length}: ${title}`);
  const [head, body, count, line] = ["b", "p", "span", "div"].map((tag) => document.createElement(tag));
  head.textContent = title;
  body.textContent = text;
  count.textContent = `${at + 1} of ${data.stops.length}`;
  const last = at === data.stops.length - 1;
  const step = (/** @type {number} */ to) => {
    keep({ at: to });
    state.focus = true;
    go(data, data.stops[to].page);
    again();
  };
  const onward = last ? button("Done", "next", () => { keep({ at: 0, on: false, never: true }); again(); })
    : button("Next", "next", () => step(at + 1));
  line.append(count, button("Stop", "stop", () => { keep({ on: false }); again(); }));
  if (at > 0) line.append(button("Back", "back", () => step(at - 1)));
  line.append(onward);
  card.append(head, body, line);
  card.onkeydown = (event) => { if (event.key === "Escape") { keep({ on: false }); again(); } };
  layer.replaceChildren(light, card);
  layer.dataset.shown = "";
  if (!layer.matches(":popover-open")) layer.showPopover();
  if (state.focus || at > 0) onward.focus({ preventScroll: true });
}

// By the menu, so that what is chosen goes along; where it is folded away, by the address.
/** @param {Data} data @param {string} page */
function go(data, page) {
  if (page === data.page) return;
  const link = /** @type {HTMLElement | null} */ (document.querySelector(`[data-testid=stSidebar] a[href$="/${page}"]`));
  if (link) link.click();
  else location.assign(page);
}

// The first element that fits and is to be seen, inside components too.
/** @param {string} selector @returns {Element | undefined} */
function found(selector) {
  const hosts = document.querySelectorAll("[data-testid=stBidiComponentIsolated]");
  for (const root of [document, ...Array.from(hosts, (one) => one.shadowRoot)]) {
    for (const one of root?.querySelectorAll(selector) ?? []) if (one.getBoundingClientRect().width > 0) return one;
  }
  return undefined;
}

/** @param {HTMLElement} layer @param {Stop} stop */
function place(layer, stop) {
  const [light, card] = /** @type {HTMLElement[]} */ ([...layer.children]);
  if (!card) return;
  const target = stop.find.map(found).find(Boolean);
  layer.classList.toggle("searching", !target);
  if (!target) return;
  if (layer.dataset.shown === "") {
    layer.dataset.shown = "yes";
    const { top, bottom } = target.getBoundingClientRect();
    if (top < 60 || bottom > innerHeight) target.scrollIntoView({ block: "center" });
  }
  const box = target.getBoundingClientRect();
  const top = Math.max(box.top, 4);
  const bottom = Math.min(box.bottom, innerHeight * 5 / 8);
  const left = Math.max(box.left, 4);
  const right = Math.min(box.right, innerWidth - 4);
  Object.assign(light.style, { left: `${left - 4}px`, top: `${top - 4}px`, width: `${right - left + 8}px`,
                               height: `${Math.max(bottom - top, 20) + 8}px` });
  const below = bottom + ROOM + card.offsetHeight < innerHeight;
  const across = Math.min(Math.max(left, 8), innerWidth - card.offsetWidth - 8);
  Object.assign(card.style, { left: `${across}px`, top: `${below ? bottom + ROOM : Math.max(8, top - ROOM - card.offsetHeight)}px` });
}
