// The scores: a row a finding, with its bars, thresholds and decisions. Pointing at a row shows its map, a click keeps it.

/** @typedef {{ root: HTMLElement, bars: HTMLElement[] }} Row */

const DIGITS = "1234567890";
const FLOOR = 1e-4; // where bars begin

/** @param {Viewer} viewer */
function buildRows(viewer) {
  const { header } = viewer;
  const several = header.networks.length > 1;
  const labelled = header.findings.some((finding) => finding.label !== null);
  const list = element("div", { class: "list", role: "listbox", tabindex: "0", "aria-label": "Findings and their scores" });
  viewer.rows = header.findings.map((_, k) => buildRow(viewer, k, labelled));
  list.append(...viewer.rows.map((row) => row.root));
  list.style.setProperty("--columns", `16px minmax(112px, max-content) minmax(60px, 1fr) ${several
    ? `repeat(${header.networks.length}, 58px)` : "104px 72px"}${labelled ? " 56px" : ""}`);
  list.style.setProperty("--narrow", `minmax(0, 1fr) ${several ? `repeat(${header.networks.length}, 56px)` : "104px 76px"}`);
  const heads = header.networks.map((network) => element("span", { class: "number", title: network.name },
    several ? element("img", { src: network.mark, alt: network.name, width: 16, height: 16 }) : "Score, threshold"));
  const head = element("div", { class: "row heads", "aria-hidden": "true" }, element("span"), element("span", {}, "Finding"),
    element("span"), ...heads, ...(several ? [] : [element("span", {}, "Decision")]),
    ...(labelled ? [element("span", { class: "label" }, "Label")] : []));
  for (const name of ["--columns", "--narrow"]) head.style.setProperty(name, list.style.getPropertyValue(name));
  viewer.list = list;
  viewer.foot = element("div", { class: "foot" });
  const warned = header.warnings.map((text) => element("p", {}, text));
  return element("div", { class: "scores" }, ...(warned.length ? [element("div", { class: "warned", role: "note" }, ...warned)] : []),
                 head, list, viewer.foot);
}

/** @param {Viewer} viewer @param {number} k @param {boolean} labelled @returns {Row} */
function buildRow(viewer, k, labelled) {
  const { header } = viewer;
  const { title, label } = header.findings[k];
  const several = header.networks.length > 1;
  const bars = header.networks.map((network) => buildBar(viewer, network, k));
  const root = element("div", { class: "row", role: "option", id: `finding-${k}`, "data-finding": header.findings[k].name },
    element("span", { class: "digit", "aria-hidden": "true" }, DIGITS[k] ?? ""),
    element("span", { class: "name" }, title),
    element("span", { class: "track", "aria-hidden": "true" }, ...bars));
  for (const network of header.networks) {
    const [score, threshold] = network.texts[k];
    const alarm = network.alarms[k];
    root.append(element("span", { class: `number ${alarm ? "alarm" : ""}`, title: `threshold ${threshold}` },
      several ? `${score}` : `${score} ${network.scores[k] === null ? "·" : alarm ? "≥" : "<"} ${threshold}`));
    const wrong = network.scores[k] !== null && label !== null && label !== alarm && !network.asks[k];
    if (!several) root.append(element("span", { class: `decision ${alarm ? "alarm" : ""} ${wrong ? "wrong" : ""}` },
      network.scores[k] === null ? "–" : network.asks[k] ? "ask" : decisionOf(alarm, label)));
  }
  if (labelled) root.append(element("span", { class: "label" }, label === null ? "?" : label ? "yes" : "no"));
  if (several) root.append(element("span", { class: "unseen" }, header.networks.map((network) =>
    `${network.name}: ${network.scores[k] === null ? "no score" : network.asks[k] ? "ask" : network.alarms[k] ? "alarm" : "no alarm"}`).join(", ")));
  root.onpointerenter = (/** @type {PointerEvent} */ event) => { if (event.pointerType !== "touch") show(viewer, k); };
  root.onclick = () => keep(viewer, k);
  return { root, bars };
}

/** @param {boolean} alarm @param {boolean | null} label */
function decisionOf(alarm, label) {
  if (label === null) return alarm ? "alarm" : "no alarm";
  if (label === alarm) return alarm ? "found" : "no alarm";
  return alarm ? "false alarm" : "missed";
}

/** @param {Viewer} viewer @param {Network} network @param {number} k */
function buildBar(viewer, network, k) {
  const score = network.scores[k];
  const before = network.before?.[k] ?? null;
  const bar = element("span", { class: "bar" });
  bar.style.setProperty("--colour", network.colour);
  if (score !== null) {
    const fill = element("i", { class: network.alarms[k] ? "fill alarm" : "fill" });
    fill.style.width = `${shareOnAxis(viewer, score)}%`;
    const mark = element("i", { class: "mark" });
    mark.style.left = `${shareOnAxis(viewer, network.thresholds[k])}%`;
    bar.append(fill, mark);
  }
  if (before !== null) {
    const ghost = element("i", { class: "ghost" });
    ghost.style.width = `${shareOnAxis(viewer, before)}%`;
    bar.append(ghost);
  }
  return bar;
}

// The ends of all bars' common axis, on a logit scale.
/** @param {Header} header @returns {[number, number]} */
function axisOf(header) {
  const all = header.networks.flatMap((network) => [...network.scores, ...network.thresholds, ...(network.before ?? [])]);
  const ends = all.filter((value) => value !== null).map(logit);
  return [Math.min(...ends) - 0.4, Math.max(...ends) + 0.2];
}

/** @param {number} value */
function logit(value) {
  const inside = Math.min(1 - 1e-6, Math.max(FLOOR, value));
  return Math.log(inside / (1 - inside));
}

/** @param {Viewer} viewer @param {number} value */
function shareOnAxis({ axis: [low, high] }, value) {
  return 100 * (logit(value) - low) / (high - low);
}

// -- choosing

// The maps of a finding, for as long as the pointer rests on it.
/** @param {Viewer} viewer @param {number} k */
function show(viewer, k) {
  if (k === viewer.shown) return;
  viewer.shown = k;
  drawPanels(viewer);
  showRows(viewer);
}

// A finding that stays; Python hears of it a moment later, for the link.
/** @param {Viewer} viewer @param {number} k */
function keep(viewer, k) {
  if (k < 0 || k >= viewer.rows.length) return;
  viewer.kept = k;
  show(viewer, k);
  showRows(viewer);
  const { root } = viewer.rows[k];
  if (viewer.list.scrollHeight > viewer.list.clientHeight) root.scrollIntoView({ block: "nearest" });
  clearTimeout(viewer.telling);
  viewer.telling = setTimeout(() => {
    viewer.awaited.add(k);
    viewer.send.setStateValue("finding", viewer.header.findings[k].name);
  }, TELL);
}

/** @param {Viewer} viewer */
function showRows(viewer) {
  viewer.rows.forEach(({ root }, k) => {
    root.setAttribute("aria-selected", String(k === viewer.kept));
    root.classList.toggle("shown", k === viewer.shown);
  });
  viewer.list.setAttribute("aria-activedescendant", `finding-${viewer.kept}`);
  const { findings, networks } = viewer.header;
  viewer.foot.replaceChildren(element("b", {}, findings[viewer.shown].title), ...networks.map((network) =>
    element("p", {}, networks.length > 1 ? `${network.name}: ` : "", network.notes[viewer.shown])));
}

/** @param {Viewer} viewer @param {KeyboardEvent} event */
function stepByKey(viewer, event) {
  /** @type {Record<string, number>} */
  const to = { ArrowDown: viewer.kept + 1, ArrowUp: viewer.kept - 1, Home: 0, End: viewer.rows.length - 1 };
  if (!(event.key in to) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  keep(viewer, to[event.key]);
}

// Digits choose wherever the keyboard is, but where somebody types.
/** @param {Viewer} viewer @param {KeyboardEvent} event */
function chooseByDigit(viewer, event) {
  const at = /** @type {HTMLElement} */ (event.composedPath()[0]);
  if (event.ctrlKey || event.metaKey || event.altKey || !DIGITS.includes(event.key) || event.key.length !== 1) return;
  if (at instanceof HTMLElement && (at.isContentEditable || at.matches("input, textarea, select, [role=combobox]"))) return;
  keep(viewer, DIGITS.indexOf(event.key));
}
