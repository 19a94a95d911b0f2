// What a category holds, beside it: by hover, tap, or the arrow keys.

const STEPS = /** @type {Record<string, number>} */ ({ ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1,
  Home: -Infinity, End: Infinity });

/** A card that tells of one category, none where `told` is below 0.
 * @param {HTMLElement} drawing @param {HTMLElement} card @param {Chart} chart @param {() => Drawn | null} shown
 * @returns {() => void} stops listening outside of the chart */
function reader(drawing, card, chart, shown) {
  const last = chart.categories.length - 1;
  let told = -1;

  const tell = (/** @type {number} */ place, /** @type {number} */ x) => {
    const now = shown(), one = chart.categories[place], band = now?.svg.querySelector(".band");
    if (!now || !one || !band) {
      told = -1;
      card.hidden = true;
      for (const lit of drawing.querySelectorAll(".band")) lit.classList.remove("on");
      return;
    }
    const box = now.boxes[place];
    for (const name of /** @type {const} */ (["x", "y", "width", "height"])) band.setAttribute(name, String(box[name]));
    band.classList.add("on");
    if (place !== told || card.hidden) {
      card.replaceChildren(element("b", {}, chart.axis ? `${chart.axis}: ${one.name}` : one.name), ...one.said.map((text, k) => element(k ? "span" : "strong", {}, text)));
      card.hidden = false;
      told = place;
    }
    const { width, height } = now.svg.getBoundingClientRect(), { offsetWidth: wide, offsetHeight: high } = card;
    let top = box.y + box.height + 4, left = x - wide / 2;
    if (top + high > height) top = box.y - high - 4;
    if (top < 0) {  // neither below nor above: beside it
      left = box.x + box.width + wide + 6 > width ? box.x - wide - 6 : box.x + box.width + 6;
      top = 8;
    }
    card.style.translate = `${Math.max(0, Math.min(left, width - wide))}px ${drawing.offsetTop + top}px`;
  };

  const inside = (/** @type {PointerEvent} */ event) => {
    const edge = drawing.getBoundingClientRect(), x = event.clientX - edge.left, y = event.clientY - edge.top;
    tell(shown()?.at(x, y) ?? -1, x);
  };
  const leave = (/** @type {Event} */ event) => { if (!event.composedPath().includes(drawing)) tell(-1, 0); };
  drawing.onpointermove = drawing.onpointerdown = inside;
  drawing.onpointerleave = (event) => { if (event.pointerType === "mouse") tell(-1, 0); };  // a finger is lifted to read
  drawing.onblur = () => tell(-1, 0);
  drawing.onkeydown = (event) => {
    if (event.key === "Escape") tell(-1, 0);
    if (!(event.key in STEPS)) return;
    event.preventDefault();
    const place = Math.max(0, Math.min(last, told + STEPS[event.key])), box = shown()?.boxes[place];
    tell(place, box ? box.x + box.width / 2 : 0);
  };
  document.addEventListener("pointerdown", leave, true);
  return () => document.removeEventListener("pointerdown", leave, true);
}
