// The open finding's scores: a histogram on the axis of its row, the line in it, ticks at round thresholds.

const PANEL_BINS = 96;
const TICKS = [1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99, 0.999];
const DIGIT = 8; // pixels, width of a digit in an axis' text
const TICK_GAP = 7; // pixels beside it
const SCORES_HEIGHT = 118;
const SCORES_ON_SLIDE = 96; // where rows and totals have to stand on the same slide

// Round thresholds that stand clear of each other; where all scores lie between two of those, three of their own.
/** @param {Float64Array} thresholds @param {number} wide @returns {{ x: number, value: number }[]} */
function ticksOf(thresholds, wide) {
  const round = apart(thresholds, wide, TICKS);
  if (round.length > 1) return round;
  const last = thresholds.length - 1;
  const own = [1 / 6, 1 / 2, 5 / 6].map((along) => thresholds[Math.round(along * last)]);
  const digits = [2, 3, 4].find((n) => new Set(own.map((value) => value.toPrecision(n))).size === own.length) ?? 4;
  return apart(thresholds, wide, own.map((value) => Number(value.toPrecision(digits))));
}

/** @param {Float64Array} thresholds @param {number} wide @param {number[]} values */
function apart(thresholds, wide, values) {
  const ticks = [];
  let free = 0; // where the text before ends
  for (const value of values) {
    const x = shareOf(thresholds, value) * wide;
    const half = String(value).length * DIGIT / 2 + TICK_GAP;
    if (x - half < free || x + half > wide) continue;
    ticks.push({ x, value });
    free = x + half;
  }
  return ticks;
}

/** @param {Board} board @param {number} wide */
function drawScores(board, wide) {
  const ladder = board.ladders[board.open];
  const { positives, negatives } = histogram(ladder, PANEL_BINS);
  const tall = board.header.rows ? SCORES_ON_SLIDE : SCORES_HEIGHT;
  const ticks = ticksOf(ladder.thresholds, wide);
  const texts = ticks.map(({ x, value }) => element("svg:text", { x, y: tall + 17, "text-anchor": "middle" },
                                                    String(value)));
  const marks = ticks.map(({ x }) => element("svg:path", { class: "tick", d: `M${x} ${tall}v4` }));
  const { view } = board;
  view.quiet = element("svg:rect", { class: "quiet", width: wide, height: tall });
  view.ghost = element("svg:path", { class: "ghost", d: `M0 0V${tall}` });
  view.line = element("svg:g", { class: "line" }, element("svg:path", { d: `M0 0V${tall}` }),
    element("svg:circle", { cy: tall / 2, r: POINT }));
  view.asked = element("svg:rect", { class: "asked", height: tall });
  view.upper = element("svg:g", { class: "line upper" }, element("svg:path", { d: `M0 0V${tall}` }),
    element("svg:path", { d: `M0 0L12 9L0 18Z` }));
  const asking = board.decide.on.has("ask");
  const legend = element("div", { class: "key" },
    element("span", {}, element("i", { class: "with" }), "with the finding"),
    element("span", {}, element("i", { class: "without" }), "without"),
    element("span", { class: "peaks" }, "heights not alike"));
  view.scores.replaceChildren(legend, element("svg:svg", { class: "plot", width: wide, height: tall + FLOOR,
      role: "img", "aria-label": "Histogram of scores on a logit scale; drag sideways to move the threshold" },
    element("svg:path", { class: "without", d: area(negatives, wide, tall) }),
    element("svg:path", { class: "with", d: area(positives, wide, tall) }), view.quiet,
    ...(asking ? [view.asked] : []),
    element("svg:path", { class: "axis", d: `M0 ${tall}H${wide}` }), ...marks, ...texts, view.ghost,
    view.line, ...(asking ? [view.upper] : [])));
}
