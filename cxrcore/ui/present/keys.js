// Arrow keys turn the slides, wherever the focus is, except where keys already mean something: in fields, lists, menus
// and on the board's handles. Windows of one browser turn together, so that notes can stand on the presenter's screen.

const TURNS = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1, Home: "first", End: "last", n: "notes", N: "notes" };
const BUSY = 'input, textarea, select, [contenteditable="true"], [role="slider"], [role="listbox"], [role="option"], '
  + '[role="menu"], [role="radio"], [role="tab"], [role="combobox"]';

const stages = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let stage = stages.get(parentElement);
  if (!stage) {
    stage = { channel: new BroadcastChannel("cxr-slides"), asked: new Set(), place: data.place };
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
    document.removeEventListener("keydown", stage.pressed);
    stage.channel.close();
    stages.delete(parentElement);
  };
}
