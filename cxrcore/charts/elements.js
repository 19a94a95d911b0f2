// What all of our components make their pages of.

const SVG = "http://www.w3.org/2000/svg";

// An element with attributes, then texts or elements inside it; "svg:path" and the like are SVG's.
/**
 * @param {string} tag
 * @param {Record<string, string | number | boolean | null | undefined>} attributes
 * @param {...(Node | string)} inside
 * @returns {any} an element of that tag
 */
function element(tag, attributes = {}, ...inside) {
  const made = tag.startsWith("svg:") ? document.createElementNS(SVG, tag.slice(4)) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...inside);
  return made;
}
