// Hands what the server sent besides to the board of the page, which lives in a component of its own, and again when asked.

const TOLD = "cxr-board-beside";
const ASKED = "cxr-board-beside-asked";

/** @type {WeakMap<ParentNode, () => void>} */
const tellers = new WeakMap();

/** @param {{ data: Uint8Array<ArrayBuffer>, parentElement: ParentNode }} given */
export default function tell({ data, parentElement }) {
  const told = () => document.dispatchEvent(new CustomEvent(TOLD, { detail: data }));
  const before = tellers.get(parentElement);
  if (before) document.removeEventListener(ASKED, before);
  tellers.set(parentElement, told);
  document.addEventListener(ASKED, told);
  told();
  return () => {
    document.removeEventListener(ASKED, told);
    tellers.delete(parentElement);
  };
}
