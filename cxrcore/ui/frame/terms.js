// The name of a measure, wherever it stands, opens its line of the glossary when it is tapped: a finger has no hover.
// With a mouse a click does the same where it does nothing else. Names are known by the titles that components give
// them, or by their own text.

const NAMES = "button, th, dt, label, [role=radio], [role=columnheader], [data-testid=stMetricLabel]";
const ACTS = "button, a, input, select, summary, [role=radio]", DEEPEST = 7;

/** @param {Event} event @param {Record<string, string>} terms
 * @returns {{ line: string, element: Element } | null} */
function told(event, terms) {
  const path = event.composedPath().filter((one) => one instanceof Element);
  const touched = event instanceof PointerEvent && event.pointerType === "touch";
  if (!touched && path.some((one) => one.matches(ACTS))) return null;
  for (const element of path.slice(0, DEEPEST)) {
    const title = element.getAttribute("title") ?? "", own = element.matches(NAMES) ? element.textContent?.trim() : "";
    if (title.includes(" Range: ")) return { line: title, element };
    if (own && own in terms) return { line: terms[own], element };
  }
  return null;
}

/** @param {{ data: { terms: Record<string, string> }, parentElement: ParentNode }} given @returns {() => void} */
export default function glossary({ data, parentElement }) {
  const card = /** @type {HTMLElement} */ (parentElement.querySelector("#term"));
  const close = () => card.matches(":popover-open") && card.hidePopover();
  const onClick = (/** @type {Event} */ event) => {
    close();
    const found = told(event, data.terms);
    if (!found) return;
    card.textContent = found.line;
    card.showPopover();
    const { left, bottom, top } = found.element.getBoundingClientRect(), below = bottom + 6;
    const fits = below + card.offsetHeight < innerHeight;
    card.style.left = `${Math.max(8, Math.min(left, innerWidth - card.offsetWidth - 8))}px`;
    card.style.top = `${fits ? below : Math.max(8, top - card.offsetHeight - 6)}px`;
  };
  const onKey = (/** @type {KeyboardEvent} */ event) => { if (event.key === "Escape") close(); };
  document.addEventListener("click", onClick, true);
  document.addEventListener("keydown", onKey, true);
  document.addEventListener("scroll", close, true);
  return () => {
    document.removeEventListener("click", onClick, true);
    document.removeEventListener("keydown", onKey, true);
    document.removeEventListener("scroll", close, true);
  };
}
