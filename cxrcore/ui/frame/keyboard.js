// What the keyboard needs beyond Streamlit's own: an opened popover, which lies at the end of the document, takes the
// focus and gives it back; a page that is gone to by keys begins at its content; and what an answer of the server took
// away leaves the focus where it was, not nowhere.

const BODY = "[data-testid=stPopoverBody]", OPENER = "[data-testid=stPopoverButton]";
const STOPS = "button, input, select, textarea, a[href], summary, [tabindex='0']";

/** Where the focus was last: its element, the class of the nearest container with a key, and the button of the popover
 * that it was in.
 * @type {{ element: Element | null, place: string, opener: HTMLElement | null, page: string }} */
const last = { element: null, place: "", opener: null, page: "" };
let byKeys = false, page = "";

/** @param {Element | null | undefined} element */
function focus(element) {
  if (element instanceof HTMLElement) element.focus({ preventScroll: element.matches("[data-testid=stMain]") });
}

/** The popover that is open now, which takes the focus as a whole: what is in it may be still on its way.
 * @returns {boolean} */
function enter() {
  const body = document.querySelector(BODY);
  if (!(body instanceof HTMLElement)) return false;
  body.tabIndex = -1;
  focus(body);
  return true;
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  byKeys = true;
  const target = event.target instanceof Element ? event.target : null, opener = target?.closest(OPENER);
  if (opener instanceof HTMLElement) {
    last.opener = opener;
    if (event.key === "Tab" && !event.shiftKey && opener.ariaExpanded === "true" && enter()) event.preventDefault();
  } else if (target?.closest(BODY) && event.key === "Tab") {
    setTimeout(() => {  // once the browser has gone on
      if (!document.activeElement?.closest("[data-st-overlay-root]")) focus(last.opener);
    });
  }
}

function onPointer() {
  byKeys = false;
}

/** @param {FocusEvent} event */
function onFocus(event) {
  const element = event.target instanceof Element ? event.target : null;
  const keyed = element?.closest("[class*=st-key-]")?.classList ?? [];
  last.element = element;
  last.place = [...keyed].find((name) => name.startsWith("st-key-")) ?? "";
  last.page = location.pathname;
}

/** What the page's new state asks of the focus. */
function look() {
  const now = document.activeElement;
  if (byKeys && last.opener?.ariaExpanded === "true" && now === last.opener && !last.opener.dataset.entered) {
    if (enter()) last.opener.dataset.entered = "yes";
  } else if (last.opener && last.opener.ariaExpanded !== "true") delete last.opener.dataset.entered;
  if (now !== document.body || !byKeys || !last.element || last.element.isConnected || last.page !== location.pathname)
    return;
  const inPlace = last.place ? document.querySelector(`.${CSS.escape(last.place)}`) : null;
  const there = [...inPlace?.querySelectorAll(STOPS) ?? []].find((one) => one.getClientRects().length);
  if (there) focus(there);
  else if (last.opener?.isConnected) focus(last.opener);
}

/** The page that the menu led to begins at its content. */
function land() {
  const before = page, now = document.activeElement;
  page = location.pathname;
  if (before && before !== page && byKeys && (now === document.body || now?.closest("[data-testid=stSidebar]")))
    focus(document.querySelector("[data-testid=stMain]"));
}

/** @returns {() => void} */
export default function keyboard() {
  let waiting = 0;
  const watch = new MutationObserver(() => {
    waiting ||= requestAnimationFrame(() => {
      waiting = 0;
      look();
    });
  });
  watch.observe(document.body, { childList: true, subtree: true, attributeFilter: ["aria-expanded"] });
  document.addEventListener("keydown", onKey, true);
  document.addEventListener("focusin", onFocus, true);
  document.addEventListener("pointerdown", onPointer, true);
  land();
  return () => {
    watch.disconnect();
    document.removeEventListener("keydown", onKey, true);
    document.removeEventListener("focusin", onFocus, true);
    document.removeEventListener("pointerdown", onPointer, true);
  };
}
