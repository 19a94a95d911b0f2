// Arrow keys turn the slides, wherever the focus is, except where keys already mean something: in fields, lists, menus
// and on the board's handles. Windows of one browser turn together, so that notes can stand on the presenter's screen.

/** @type {Record<string, number | string>} */
const TURNS = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1, Home: "first", End: "last", n: "notes", N: "notes" };
const BUSY = 'input, textarea, select, [contenteditable="true"], [role="slider"], [role="listbox"], [role="option"], '
  + '[role="menu"], [role="radio"], [role="tab"], [role="combobox"]';

/** What a slide's place among the slides is, and who hears of it.
 * @typedef {{ channel: BroadcastChannel, asked: Set<unknown>, place: unknown, turn: (value: unknown) => void,
 *             pressed?: (event: KeyboardEvent) => void }} Stage
 */

/** @type {WeakMap<Element, Stage>} */
const stages = new WeakMap();

/**
 * @param {{ data: { place: unknown }, parentElement: Element,
 *           setTriggerValue: (name: string, value: unknown) => void }} given
 */
export default function ({ data, parentElement, setTriggerValue }) {
  let stage = /** @type {Stage} */ (stages.get(parentElement));
  if (!stage) {
    stage = { channel: new BroadcastChannel("cxr-slides"), asked: new Set(), place: data.place, turn: () => {} };
    stages.set(parentElement, stage);
  }
  stage.turn = (value) => setTriggerValue("turn", value);
  if (stage.place !== data.place) {
    stage.place = data.place;
    if (!stage.asked.delete(data.place)) stage.channel.postMessage(data.place); // not by another window: tell them
  }
  stage.channel.onmessage = ({ data: place }) => {
    if (place === stage.place) return;
    stage.asked.add(place);
    stage.turn({ place });
  };
  /** @param {KeyboardEvent} event */
  const pressed = (event) => {
    const turn = TURNS[event.key];
    if (turn === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const [target] = event.composedPath(); // inside a shadow root too, where event.target is its host
    if (target instanceof Element && target.closest(BUSY)) return;
    event.preventDefault();
    stage.turn(turn);
  };
  if (stage.pressed) document.removeEventListener("keydown", stage.pressed);
  stage.pressed = pressed;
  document.addEventListener("keydown", pressed);
  document.documentElement.dataset.slideKeys = "on"; // a page shows its slide some time before it hears keys
  return () => {
    delete document.documentElement.dataset.slideKeys;
    if (stage.pressed) document.removeEventListener("keydown", stage.pressed);
    stage.channel.close();
    stages.delete(parentElement);
  };
}
