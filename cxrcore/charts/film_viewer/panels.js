// One film many times: under one map or several side by side, which are zoomed, moved and looked through together.

/** @param {Pictures} viewer @returns {Panel[]} */
function buildPanels(viewer) {
  const { header, layers } = viewer;
  if (header.view !== "all") return layers.map((layer) => buildPanel(viewer, layer, null));
  const { scores, thresholds } = header.networks[0];
  const found = header.findings.map((_, k) => k).filter((k) => layers[0].places[k] >= 0);
  found.sort((a, b) => (scores[b] ?? 0) / thresholds[b] - (scores[a] ?? 0) / thresholds[a]);
  return found.map((k) => buildPanel(viewer, layers[0], k));
}

// All pictures, for the finding that is looked at now.
/** @param {Pictures} viewer */
function drawPanels(viewer) {
  for (const panel of viewer.panels) drawPanel(viewer, panel, panel.finding ?? viewer.shown);
  layOut(viewer);
}

/** @param {Pictures} viewer @param {Panel} panel @param {number} k */
function drawPanel(viewer, panel, k) {
  const { header } = viewer;
  const network = header.networks[panel.layer.network];
  const wanted = `${header.version} ${k}`;
  if (panel.drawn !== wanted) {
    panel.drawn = wanted;
    drawHeat(viewer, panel, k, header.strength * opacityOf(network, k));
    drawBoxes(viewer, panel, k);
    const { title } = header.findings[k];
    const [score, threshold] = network.texts[k];
    panel.stage.setAttribute("aria-label", panel.layer.off || panel.layer.awaited
      ? `${header.film.said}, without a map by ${network.name}${panel.layer.awaited ? " yet" : ""}`
      : `${header.film.said}, with the map of ${title} by ${network.name}`);
    panel.caption.replaceChildren(
      element("img", { src: network.mark, alt: "", width: 16, height: 16 }),
      element("b", {}, panel.finding === null ? panel.layer.title : title),
      element("span", { class: header.networks[panel.layer.network].alarms[k] ? "alarm" : "" },
              network.scores[k] === null ? (panel.layer.awaited ? "no score yet" : "has no output for it")
                : `${score} ${network.alarms[k] ? "≥" : "<"} ${threshold}${panel.layer.off ? " · maps are off" : ""}`));
    drawPaint(viewer, panel);
  }
  panel.root.classList.toggle("kept", panel.finding === viewer.shown);
}

/** @param {Element} node @param {string} text */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
