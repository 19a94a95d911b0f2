// Categories below each other, values across.

const NAMES_MOST = 0.42, GAP = 8;  // of the width at most; pixels between a text and what it belongs to

/** Where the greatest value lies, so that every text behind what is drawn finds room.
 * @param {Chart} chart @param {number} left @param {number} width @param {Pen} pen @returns {number} */
function rightEnd(chart, left, width, pen) {
  let right = width - 2 * GAP;
  for (const one of chart.categories) {
    const text = textWidth(one, pen) + offset(one, pen), share = (furthest(one) - chart.low) / (chart.high - chart.low);
    if (one.text && share > 0) right = Math.min(right, left + (width - left - text - 2) / share);
  }
  return Math.max(right, left + 40);
}

/** @param {Category} one @returns {number} */
function furthest(one) {
  return Math.max(0, ...one.bars.map((bar) => bar.end), ...one.marks.map((mark) => mark.at));
}

/** Pixels between a category's greatest value and its text.
 * @param {Category} one @param {Pen} pen @returns {number} */
function offset(one, pen) {
  return GAP + (one.marks.length ? RADIUS * pen.size / 14 : 0);
}

/** @param {Category} one @param {Pen} pen @returns {number} */
function textWidth(one, pen) {
  return (one.text ? pen.wide(one.text, STRONG) : 0) + (one.more ? pen.wide(one.more) + GAP : 0);
}

/** @param {Chart} chart @param {number} width @param {number} bottom @param {Pen} pen
 * @param {(value: number) => number} x @returns {SVGElement[]} */
function axis(chart, width, bottom, pen, x) {
  const nodes = [];
  let free = 0;  // where the next number may begin
  for (const [value, text] of chart.ticks) {
    const at = Math.round(x(value)) + 0.5, half = pen.wide(text) / 2;
    if (at > width - 2) break;
    nodes.push(element("svg:path", { d: `M${at} 0V${bottom}`, stroke: value === 0 ? BASE : FAINT }));
    if (at - half < free || at + half > width) continue;
    nodes.push(written(at, bottom + pen.size + 4, text, "middle", "faint"));
    free = at + half + GAP;
  }
  return nodes;
}

/** @param {Category} one @param {number} middle @param {number} step @param {Pen} pen @param {(value: number) => number} x
 * @returns {SVGElement[]} */
function row(one, middle, step, pen, x) {
  const nodes = [], thick = Math.round(step * (step < 22 ? 0.8 : 0.66)), factor = pen.size / 14;
  for (const bar of one.bars) {
    const [from, to] = [x(bar.start), x(bar.end)].toSorted((a, b) => a - b);
    nodes.push(element("svg:rect", { x: from.toFixed(1), y: Math.round(middle - thick / 2), height: thick, rx: 2,
      width: (bar.start === bar.end ? 0 : Math.max(to - from, 1)).toFixed(1), fill: bar.colour }));
  }
  if (one.line) nodes.push(element("svg:path", { d: `M${x(one.line[0]).toFixed(1)} ${middle}H${x(one.line[1]).toFixed(1)}`,
    stroke: BASE, "stroke-width": 2 * factor }));
  nodes.push(...one.marks.map((mark) => marked(mark, x(mark.at), middle, RADIUS * factor)));
  if (!one.text) return nodes;
  const line = written(x(furthest(one)) + offset(one, pen), middle + pen.size * 0.36, "", "start");
  line.append(element("svg:tspan", { "font-weight": STRONG }, one.text));
  if (one.more) line.append(element("svg:tspan", { dx: GAP, class: "faint" }, one.more));
  return [...nodes, line];
}

/** @param {Chart} chart @param {number} width @param {number} height @param {Pen} pen @returns {Drawn} */
function drawRows(chart, width, height, pen) {
  const names = chart.categories.map((one) => broken(one.name, width * NAMES_MOST, pen));
  const left = Math.max(0, ...names.flat().map((line) => pen.wide(line))) + GAP;
  const bottom = height - pen.size - 12, step = bottom / chart.categories.length;
  const right = rightEnd(chart, left, width, pen);
  const x = (/** @type {number} */ value) => left + (value - chart.low) / (chart.high - chart.low) * (right - left);
  const svg = sheet(width, height), boxes = chart.categories.map((_, k) => ({ x: 0, y: k * step, width, height: step }));
  svg.append(element("svg:rect", { class: "band", rx: 4 }), ...axis(chart, width, bottom, pen, x));
  chart.categories.forEach((one, k) => {
    const middle = Math.round((k + 0.5) * step), lines = names[k], leading = pen.size * 0.98;
    lines.forEach((line, place) => svg.append(written(left - GAP,
      middle + pen.size * 0.36 + (place - (lines.length - 1) / 2) * leading, line, "end")));
    svg.append(...row(one, middle, step, pen, x));
  });
  return { svg, boxes, at: (_, y) => Math.floor(y / step) };
}
