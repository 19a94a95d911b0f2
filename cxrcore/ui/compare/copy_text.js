// Copies a text that the page shows beside the button, where the browser gives a page the clipboard; elsewhere the text
// can be selected there.

/** @param {{ parentElement: HTMLElement | ShadowRoot, data: { label: string, text: string } }} component */
export default function copyText({ parentElement, data }) {
  const button = /** @type {HTMLButtonElement} */ (parentElement.querySelector("button"));
  button.textContent = data.label;
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(data.text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select the text below";
    }
    setTimeout(() => { button.textContent = data.label; }, 2000);
  };
}
