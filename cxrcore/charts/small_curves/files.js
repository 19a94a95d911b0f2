// All panels as one picture to take along, dark on white for paper and slides: SVG, or PNG of twice the screen's size.

/** The panels as they stand on the page, with their heads and the legend as texts.
 * @param {HTMLElement} root @param {Panel[]} panels @param {Run[]} runs @returns {SVGSVGElement} */
function whole(root, panels, runs) {
  const edge = root.getBoundingClientRect(), top = 34;
  const grid = /** @type {HTMLElement} */ (root.querySelector(".panels")).getBoundingClientRect();
  const width = Math.ceil(edge.width), height = Math.ceil(grid.height + top + 8);
  const svg = /** @type {SVGSVGElement} */ (shape("svg", { xmlns: SVG, width, height, fill: "none", color: "#111",
    viewBox: `0 0 ${width} ${height}`, "font-family": "Source Sans, Arial, sans-serif", "font-size": TEXT }));
  svg.append(shape("style", {}, ".tick { fill: currentColor; opacity: .75 } text { fill: currentColor }"),
    shape("rect", { width, height, fill: "white" }));
  let x = 4;
  for (const run of runs) {
    svg.append(shape("path", { d: `M${x} 14h24`, stroke: run.colour, "stroke-width": 2.5, "stroke-dasharray": run.dash }),
      shape("text", { x: x + 30, y: 19 }, `${run.name} ${run.words}`));
    x += 56 + 7.2 * (run.name.length + run.words.length);
  }
  [...root.querySelectorAll(".panel")].forEach((node, place) => {
    const box = node.getBoundingClientRect(), panel = panels[place], own = node.querySelector("svg");
    const group = shape("g", { transform: `translate(${box.left - grid.left} ${box.top - grid.top + top})` });
    group.append(shape("text", { x: 0, y: 14, "font-weight": 700 }, panel.name));
    if (!own) group.append(shape("text", { x: 0, y: 34 }, panel.missing ?? ""));
    else {
      const at = own.getBoundingClientRect(), copy = /** @type {SVGElement} */ (own.cloneNode(true));
      for (const reach of copy.querySelectorAll("[data-reach]")) reach.remove();
      copy.setAttribute("y", String(at.top - box.top));
      const line = shape("text", { x: 0, y: 32 }, panel.texts.length ? `${panel.said} ` : panel.said);
      panel.texts.forEach((text, run) => line.append(shape("tspan",
        panel.texts.length > 1 ? { style: `fill:${runs[run].colour}` } : {}, `${text} `)));
      group.append(line, copy);
    }
    svg.append(group);
  });
  return svg;
}
