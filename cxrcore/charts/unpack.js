// What a component's script becomes on its way: text of PACKED, unpacked and run in the browser; with its style.
const { script, style } = JSON.parse(await new Response(
  new Blob([Uint8Array.from(atob(PACKED), (letter) => letter.charCodeAt(0))]).stream()
    .pipeThrough(new DecompressionStream("gzip"))).text());
const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
const draw = (await import(address)).default;
URL.revokeObjectURL(address);

/** @param {{ parentElement: HTMLElement | ShadowRoot }} component */
export default function unpacked(component) {
  const root = component.parentElement;
  if (!root.querySelector("style[data-packed]")) {
    const own = document.createElement("style");
    own.dataset.packed = "";
    own.textContent = style;
    root.prepend(own);
  }
  return draw(component);
}
