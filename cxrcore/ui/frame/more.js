// On a narrow screen the bar is one line, the run and this button; it folds the other controls out and in. The mark is
// an attribute of the bar, which Streamlit does not know and so leaves alone.

/** @param {{ parentElement: HTMLElement | ShadowRoot }} component */
export default function more({ parentElement }) {
  const button = /** @type {HTMLButtonElement} */ (parentElement.querySelector("button"));
  const host = parentElement instanceof ShadowRoot ? parentElement.host : parentElement;
  button.onclick = () => {
    const bar = /** @type {HTMLElement | null} */ (host.closest(".st-key-page_bar"));
    const open = bar?.toggleAttribute("data-open") ?? false;
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? "Less" : "More";
  };
}
