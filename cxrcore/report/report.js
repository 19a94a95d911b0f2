// The report's own few lines: theme, charts that are drawn when they come into sight, and the board without a server.

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @type {{ figures: Record<string, { data: object[], layout: Record<string, any> }>,
 *           boards: { payload: string, besides: string, source: string }[] }} */
const told = JSON.parse(String(byId("told").textContent));

// -- theme

const themeButton = byId("theme");
const dark = () => document.documentElement.dataset.theme === "dark";
document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
themeButton.onclick = () => {
  document.documentElement.dataset.theme = dark() ? "light" : "dark";
  for (const place of document.querySelectorAll(".chart.drawn")) Plotly.relayout(place, themed({}));
};

/** @param {Record<string, any>} layout */
function themed(layout) {
  const ink = dark() ? "#E9EEF3" : "#15202B";
  const grid = dark() ? "#2A3743" : "#E1E8EE";
  const axis = { gridcolor: grid, linecolor: grid, zerolinecolor: grid };
  const axes = Object.fromEntries(["xaxis", "yaxis"].map((name) => [name, { ...axis, ...layout[name] }]));
  return { ...layout, ...(layout.xaxis ? axes : {}), paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
           font: { family: "system-ui, sans-serif", ...layout.font, color: ink } };
}

// -- charts

const CONFIG = { displaylogo: false, responsive: true, toImageButtonOptions: { format: "svg" },
                 modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };

/** @param {HTMLElement} place */
function draw(place) {
  const figure = told.figures[String(place.dataset.figure)];
  place.classList.add("drawn");
  place.style.minHeight = "";
  Plotly.newPlot(place, figure.data, themed({ ...figure.layout, template: undefined, autosize: true }), CONFIG);
}

const watch = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) {
    if (!isIntersecting || target.classList.contains("drawn")) continue;
    watch.unobserve(target);
    draw(/** @type {HTMLElement} */ (target));
  }
}, { rootMargin: "400px" });
for (const place of document.querySelectorAll(".chart")) watch.observe(place);
addEventListener("beforeprint", () => {
  for (const place of document.querySelectorAll(".chart:not(.drawn)")) draw(/** @type {HTMLElement} */ (place));
});

// -- the board

const host = byId("board-host");
const shadow = host.attachShadow({ mode: "open" });
const moved = byId("moved");
const picker = /** @type {HTMLSelectElement | null} */ (document.getElementById("board-run"));

/** @param {string} text */
const bytesOf = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));

/** @param {number} run */
function show(run) {
  shadow.innerHTML = `<style>${byId("board-style").textContent}</style><div id="board" role="group"
    aria-label="Threshold board"></div>`;
  boards.delete(shadow);
  moved.textContent = told.boards[run].source;
  mount({ data: bytesOf(told.boards[run].payload), parentElement: shadow, setStateValue: (name, value) => {
    if (name === "released") sayMoved(run, value.thresholds);
  }, setTriggerValue: (name, value) => { if (name === "typed") takeNearest(value); } });
  takeBeside(/** @type {Board} */ (boards.get(shadow)), bytesOf(told.boards[run].besides));
}

/** @param {number} run @param {number[]} thresholds */
function sayMoved(run, thresholds) {
  const { reference } = /** @type {Board} */ (boards.get(shadow)).header;
  const n = thresholds.filter((value, k) => value !== reference.thresholds[k]).length;
  moved.textContent = told.boards[run].source + (n ? ` · ${n} moved by hand here` : "");
}

// A typed threshold that is no position cannot be counted without the scores: the nearest one is taken, and said.
/** @param {Record<string, number>} wanted */
function takeNearest(wanted) {
  const board = /** @type {Board} */ (boards.get(shadow));
  const upper = board.wanted?.upper;
  board.wanted = null;
  for (const [name, value] of Object.entries(wanted)) {
    const k = board.header.findings.findIndex((finding) => finding.name === name);
    const { thresholds } = board.ladders[k];
    const after = Math.min(firstAtLeast(thresholds, value), thresholds.length - 1);
    const place = after && value - thresholds[after - 1] < thresholds[after] - value ? after - 1 : after;
    if (upper) moveUpper(board, k, place);
    else moveTo(board, k, place);
    if (!upper) board.rows[k].typed.value = board.textAt(k, place);
    commit(board, k);
    say(board, `${value} is not counted in this file: the nearest threshold that is, ${board.textAt(k, place)}.`);
  }
}

if (picker) picker.onchange = () => show(Number(picker.value));
show(0);
document.documentElement.dataset.ready = "true";
