// Categories beside each other, values upwards: their texts stand on the columns, so that no axis of values is needed.

const SHARE = 0.74;  // of a category's width that its column takes

/** What is written on the columns: their texts, or shorter ones, where they find room.
 * @param {Chart} chart @param {number} step @param {Pen} pen @returns {string[]} */
function onColumns(chart, step, pen) {
  for (const name of /** @type {const} */ (["text", "short"])) {
    const texts = chart.categories.map((one) => one[name]);
    if (texts.every((text) => pen.wide(text) <= step - 3)) return texts;
  }
  return chart.categories.map(() => "");
}

/** @param {Chart} chart @param {number} width @param {number} height @param {Pen} pen @returns {Drawn} */
function drawColumns(chart, width, height, pen) {
  const line = pen.size + 6, bottom = height - 2 * line - 5, top = line, step = width / chart.categories.length;
  const svg = sheet(width, height), texts = onColumns(chart, step, pen);
  const y = (/** @type {number} */ value) => bottom - (value - chart.low) / (chart.high - chart.low) * (bottom - top);
  svg.append(element("svg:rect", { class: "band", rx: 4 }));
  let free = 0;  // where the next name may begin
  chart.categories.forEach((one, k) => {
    const middle = (k + 0.5) * step, half = pen.wide(one.name) / 2;
    for (const bar of one.bars) {
      const from = y(bar.end), wide = Math.min(step * SHARE, 72);
      svg.append(element("svg:rect", { x: (middle - wide / 2).toFixed(1), y: Math.min(from, bottom - 1).toFixed(1), rx: 2,
        width: wide.toFixed(1), height: (bar.end > bar.start ? Math.max(bottom - from, 1) : 0).toFixed(1), fill: bar.colour }));
      svg.append(written(middle, from - 5, texts[k], "middle"));
    }
    if (middle - half < free) return;
    svg.append(written(middle, bottom + pen.size + 4, one.name, "middle", "faint"));
    free = middle + half + 4;
  });
  svg.append(element("svg:path", { d: `M0 ${bottom + 0.5}H${width}`, stroke: BASE }),
    written(width / 2, bottom + pen.size + 4 + line, chart.axis, "middle", "faint"));
  const boxes = chart.categories.map((_, k) => ({ x: k * step, y: 0, width: step, height: bottom }));
  return { svg, boxes, at: (x) => Math.floor(x / step) };
}
