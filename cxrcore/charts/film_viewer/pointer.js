// What the pointer does on the film: wheel and pinch zoom, dragging moves, and paints or looks through the lens where
// that tool was chosen. Listeners are properties, so that setting them again changes nothing.

/** @param {Pictures} viewer */
function listenToPanels(viewer) {
  for (const panel of viewer.panels) {
    const { stage } = panel;
    stage.onwheel = (event) => {
      const factor = Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016));
      if (factor < 1 && viewer.zoom.scale === 1) return; // the page scrolls on
      event.preventDefault();
      zoomAt(viewer, factor, shareOf(stage, event));
    };
    stage.ondblclick = () => { if (viewer.tool === "move") move(viewer, 1, 0, 0); };
    stage.onpointerdown = (event) => begin(viewer, stage, event);
    stage.onpointermove = (event) => go(viewer, stage, event);
    stage.onpointerup = stage.onpointercancel = (event) => end(viewer, event);
    if (panel.finding !== null) panel.caption.onclick = () => viewer.keep(/** @type {number} */ (panel.finding));
  }
}

/** @param {Pictures} viewer @param {HTMLElement} stage @param {PointerEvent} event */
function begin(viewer, stage, event) {
  if (event.button) return;
  viewer.held.set(event.pointerId, shareOf(stage, event));
  if (viewer.tool === "paint" || viewer.zoom.scale > 1 || viewer.held.size > 1) stage.setPointerCapture(event.pointerId);
  if (viewer.tool === "loupe") look(viewer, stage, event);
  if (viewer.tool !== "paint" || viewer.held.size > 1) return;
  event.preventDefault();
  viewer.strokes.push([]);
  paintTo(viewer, stage, event);
}

/** @param {Pictures} viewer @param {HTMLElement} stage @param {PointerEvent} event */
function go(viewer, stage, event) {
  if (viewer.tool === "loupe") look(viewer, stage, event);
  const before = viewer.held.get(event.pointerId);
  if (!before) return;
  const now = shareOf(stage, event);
  if (viewer.held.size === 2) {
    const [other] = [...viewer.held].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    const factor = Math.hypot(now[0] - other[0], now[1] - other[1]) / Math.hypot(before[0] - other[0], before[1] - other[1]);
    if (Number.isFinite(factor)) zoomAt(viewer, factor, [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]);
  } else if (viewer.tool === "paint") {
    paintTo(viewer, stage, event);
  } else if (viewer.tool === "move") {
    move(viewer, viewer.zoom.scale, viewer.zoom.x + now[0] - before[0], viewer.zoom.y + now[1] - before[1]);
  }
  viewer.held.set(event.pointerId, now);
}

/** @param {Pictures} viewer @param {PointerEvent} event */
function end(viewer, event) {
  if (!viewer.held.delete(event.pointerId) || viewer.tool !== "paint" || viewer.held.size) return;
  viewer.painted();
}

/** @param {Pictures} viewer @param {HTMLElement} stage @param {PointerEvent} event */
function look(viewer, stage, event) {
  viewer.lens = onFilm(viewer, shareOf(stage, event));
  layOut(viewer);
}

/** @param {Pictures} viewer @param {HTMLElement} stage @param {PointerEvent} event */
function paintTo(viewer, stage, event) {
  const { width, height } = viewer.header.film;
  const [x, y] = onFilm(viewer, shareOf(stage, event));
  const line = viewer.strokes[viewer.strokes.length - 1];
  /** @type {[number, number]} */
  const at = [Math.round(10 * x * width) / 10, Math.round(10 * y * height) / 10];
  const last = line[line.length - 1];
  if (last && Math.hypot(at[0] - last[0], at[1] - last[1]) < viewer.header.brush / 8) return;
  line.push(at);
  if (line.length === 1) line.push([at[0] + 0.1, at[1]]); // a dot is a line too
  for (const panel of viewer.panels) drawPaint(viewer, panel);
}
