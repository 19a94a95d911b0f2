// Copies the address, which holds all that the page shows. Browsers give the clipboard to https and to this machine
// alone; elsewhere the address is shown, selected, to be copied by hand.

/** @param {{ parentElement: HTMLElement | ShadowRoot }} component */
export default function copyLink({ parentElement }) {
  const button = /** @type {HTMLButtonElement} */ (parentElement.querySelector("button"));
  button.title = "The link holds the runs, the split, the finding and the thresholds that you see";
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy link"; }, 2000);
    } catch {
      prompt("Copy this link:", location.href);
    }
  };
}
