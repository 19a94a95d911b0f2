// Arrow keys turn the slides, wherever the focus is, except where keys already mean something: in fields, lists, menus
// and on the board's handles. F is full screen. Windows of one browser turn together, so that notes can stand on the
// presenter's screen. A slide that is turned away from leaves the screen at once, not when the next one has come.

/** @type {Record<string, number | string>} */
const TURNS = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1, Home: "first", End: "last", n: "notes", N: "notes" };
const BUSY = 'input, textarea, select, [contenteditable="true"], [role="slider"], [role="listbox"], [role="option"], '
  + '[role="menu"], [role="radio"], [role="tab"], [role="combobox"]';
const BUTTONS = ".st-key-back button, .st-key-forward button";
const PATIENCE = 4000; // ms after which a slide that was turned away from shows again: the turn was lost

/** What a slide's place among the slides is, and who hears of it.
 * @typedef {{ channel: BroadcastChannel, asked: Set<unknown>, place: number, n: number, waiting: number,
 *             notes: boolean, turn: (value: unknown) => void, pressed?: (event: KeyboardEvent) => void,
 *             clicked?: (event: MouseEvent) => void }} Stage
 */

/** @type {WeakMap<Element | ShadowRoot, Stage>} */
const stages = new WeakMap();

/** @param {Stage} stage @param {number | string} turn */
function leave(stage, turn) {
  const target = turn === "first" ? 0 : turn === "last" ? stage.n - 1 : stage.place + Number(turn);
  if (turn === "notes" || target === stage.place || target < 0 || target >= stage.n) return;
  document.documentElement.dataset.slideTurning = "yes"; // stage.css hides the stage
  clearTimeout(stage.waiting);
  stage.waiting = setTimeout(arrive, PATIENCE);
}

function arrive() {
  delete document.documentElement.dataset.slideTurning;
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {}); // a browser may refuse
}

/** @param {Stage} stage @param {KeyboardEvent} event */
function press(stage, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const [target] = event.composedPath(); // inside a shadow root too, where event.target is its host
  if (target instanceof Element && target.closest(BUSY)) return;
  if (event.key === "f" || event.key === "F") {
    fullScreen();
    return;
  }
  const turn = TURNS[event.key];
  if (turn === undefined) return;
  event.preventDefault();
  leave(stage, turn);
  if (turn === "notes") {
    stage.notes = !stage.notes;
    stage.turn({ notes: stage.notes }); // what is wanted, not "the other": of two quick presses one may go under
  } else stage.turn(turn);
}

/** @param {Stage} stage @param {MouseEvent} event */
function click(stage, event) {
  const button = event.target instanceof Element && event.target.closest(BUTTONS);
  if (button) leave(stage, button.closest(".st-key-back") ? -1 : 1);
}

/** @param {Stage} stage @param {{ place: number, n: number, notes: boolean }} data */
function take(stage, data) {
  stage.n = data.n;
  stage.notes = data.notes;
  if (stage.place !== data.place) {
    stage.place = data.place;
    clearTimeout(stage.waiting);
    arrive();
    if (!stage.asked.delete(data.place)) stage.channel.postMessage(data.place); // not by another window: tell them
  }
  stage.channel.onmessage = ({ data: place }) => {
    if (place === stage.place) return;
    stage.asked.add(place);
    stage.turn({ place });
  };
}

/** @param {Stage} stage */
function listen(stage) {
  if (stage.pressed) document.removeEventListener("keydown", stage.pressed);
  if (stage.clicked) document.removeEventListener("click", stage.clicked);
  stage.pressed = (event) => press(stage, event);
  stage.clicked = (event) => click(stage, event);
  document.addEventListener("keydown", stage.pressed);
  document.addEventListener("click", stage.clicked);
}

/**
 * @param {{ data: { place: number, n: number, notes: boolean }, parentElement: Element | ShadowRoot,
 *           setTriggerValue: (name: string, value: unknown) => void }} given
 */
export default function ({ data, parentElement, setTriggerValue }) {
  let stage = /** @type {Stage} */ (stages.get(parentElement));
  if (!stage) {
    stage = { channel: new BroadcastChannel("cxr-slides"), asked: new Set(), place: data.place, n: data.n, waiting: 0,
              notes: data.notes, turn: () => {} };
    stages.set(parentElement, stage);
  }
  stage.turn = (value) => setTriggerValue("turn", value);
  const button = parentElement.querySelector("button");
  if (button) button.onclick = fullScreen;
  take(stage, data);
  listen(stage);
  document.documentElement.dataset.slideKeys = "on"; // a page shows its slide some time before it hears keys
  return () => {
    delete document.documentElement.dataset.slideKeys;
    arrive();
    if (stage.pressed) document.removeEventListener("keydown", stage.pressed);
    if (stage.clicked) document.removeEventListener("click", stage.clicked);
    stage.channel.close();
    stages.delete(parentElement);
  };
}
