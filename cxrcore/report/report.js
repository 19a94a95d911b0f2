// The report's own few lines: theme, charts that are drawn when they come into sight, and the board without a server.

const told = JSON.parse(document.getElementById("told").textContent);

// -- theme

const themeButton = document.getElementById("theme");
const dark = () => document.documentElement.dataset.theme === "dark";
document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
themeButton.onclick = () => {
  document.documentElement.dataset.theme = dark() ? "light" : "dark";
  for (const place of document.querySelectorAll(".chart.drawn")) Plotly.relayout(place, themed({}));
};

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

function draw(place) {
  const figure = told.figures[place.dataset.figure];
  place.classList.add("drawn");
  place.style.minHeight = "";
  Plotly.newPlot(place, figure.data, themed({ ...figure.layout, template: undefined, autosize: true }), CONFIG);
}

const watch = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) {
    if (!isIntersecting || target.classList.contains("drawn")) continue;
    watch.unobserve(target);
    draw(target);
  }
}, { rootMargin: "400px" });
for (const place of document.querySelectorAll(".chart")) watch.observe(place);
addEventListener("beforeprint", () => {
  for (const place of document.querySelectorAll(".chart:not(.drawn)")) draw(place);
});

// -- the board

const host = document.getElementById("board-host");
const shadow = host.attachShadow({ mode: "open" });
const moved = document.getElementById("moved");
const picker = document.getElementById("board-run");

function show(run) {
  const bytes = Uint8Array.from(atob(told.boards[run].payload), (sign) => sign.charCodeAt(0));
  shadow.innerHTML = `<style>${document.getElementById("board-style").textContent}</style><div id="board" role="group"
    aria-label="Threshold board"></div>`;
  boards.delete(shadow);
  moved.textContent = told.boards[run].source;
  mount({ data: bytes, parentElement: shadow, setStateValue: (name, value) => {
    if (name === "released") sayMoved(run, value.thresholds);
  }, setTriggerValue: (name, value) => { if (name === "typed") takeNearest(value); } });
}

function sayMoved(run, thresholds) {
  const { reference } = boards.get(shadow).header;
  const n = thresholds.filter((value, k) => value !== reference.thresholds[k]).length;
  moved.textContent = told.boards[run].source + (n ? ` · ${n} moved by hand here` : "");
}

// A typed threshold that is no position cannot be counted without the scores: the nearest one is taken, and said.
function takeNearest(wanted) {
  const board = boards.get(shadow);
  board.wanted = null;
  for (const [name, value] of Object.entries(wanted)) {
    const k = board.header.findings.findIndex((finding) => finding.name === name);
    const { thresholds } = board.ladders[k];
    const after = Math.min(firstAtLeast(thresholds, value), thresholds.length - 1);
    const place = after && value - thresholds[after - 1] < thresholds[after] - value ? after - 1 : after;
    moveTo(board, k, place);
    board.rows[k].typed.value = board.textAt(k, place);
    commit(board, k);
    say(board, `${value} is not counted in this file: the nearest threshold that is, ${board.textAt(k, place)}.`);
  }
}

if (picker) picker.onchange = () => show(Number(picker.value));
show(0);
document.documentElement.dataset.ready = "true";
