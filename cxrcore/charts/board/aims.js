// The aims above the rows: hovering one shows where it would put every line, a click puts them there at once.

/** A way to set thresholds, with what it sets them to; elsewhere: why that cannot be shown
 * before the server has answered, as where it is read on other films; "" where it can.
 * @typedef {{ key: string, label: string, help: string, thresholds: number[], elsewhere: string }} Aim
 */

/** @param {Board} board @returns {HTMLElement[]} none where no aims were sent: in a report and on a slide */
function buildAims(board) {
  const { aims, aims_on: fittedOn, aims_whole: all } = board.header;
  board.aims = (aims ?? []).map((aim) => {
    const told = aim.key.startsWith("fixed") ? aim.help : `${aim.help} Fitted on ${fittedOn}.`;
    return { aim, places: aim.thresholds.map((value, k) => placeOf(board.ladders[k].thresholds, value)),
             chip: element("button", { type: "button", class: "aim", "aria-pressed": "false", title: told,
                                       "data-aim": aim.key }, aim.label) };
  });
  if (!aims?.length) return [];
  const more = element("button", { type: "button", class: "aim fewer", "aria-expanded": "false" }, "More aims");
  const root = element("div", { class: "aims", role: "group", "aria-label": "Aims" },
    element("span", { class: "label" }, all ? "Set all to" : "Set the open finding to"),
    ...board.aims.map((one) => one.chip), more);
  more.onclick = () => more.setAttribute("aria-expanded", String(root.classList.toggle("all")));
  return [root];
}

/** @param {Board} board */
function listenToAims(board) {
  for (const { aim, chip } of board.aims) {
    chip.onpointerenter = (event) => { if (event.pointerType === "mouse") preview(board, aim); };
    chip.onfocus = () => { if (chip.matches(":focus-visible")) preview(board, aim); };
    chip.onpointerleave = chip.onblur = () => preview(board, null);
    chip.onclick = () => takeAim(board, aim);
  }
}

/** @param {Board} board @param {Aim} aim @returns {number[]} */
function thresholdsWith(board, aim) {
  if (board.header.aims_whole) return aim.thresholds;
  return thresholdsNow(board).map((value, k) => (k === board.open ? aim.thresholds[k] : value));
}

// Ghosts of an aim on the rows, and what all findings together would come to; null takes them away.
/** @param {Board} board @param {Aim | null} aim */
function preview(board, aim) {
  board.rows.forEach((row, k) => {
    const shown = aim !== null && aim.thresholds.length > 0 && (board.header.aims_whole || k === board.open);
    row.preview.classList.toggle("on", shown);
    if (shown) row.preview.style.setProperty("--at", String(shareOf(board.ladders[k].thresholds, aim.thresholds[k])));
  });
  say(board, aim ? previewInWords(board, aim) : "");
}

/** @param {Board} board @param {Aim} aim */
function previewInWords(board, aim) {
  if (aim.elsewhere) return `${aim.label}: ${aim.elsewhere}`;
  const places = thresholdsWith(board, aim).map((value, k) => placeOf(board.ladders[k].thresholds, value));
  if (places.some((place) => place < 0)) return aim.label;
  const then = overall(places.map((place, k) => measuresAt(board.ladders[k], place))).macro_f1;
  return `${aim.label}: macro F1 ${share(then)}, ${change(then, overall(board.now).macro_f1)} to now`;
}

// Shown at once where these films count it, and told to Python, which makes the link say so.
/** @param {Board} board @param {Aim} aim */
function takeAim(board, aim) {
  if (board.resting) commit(board, board.open);
  const target = aim.elsewhere ? board.settled : [...thresholdsWith(board, aim), ...board.settled.slice(board.rows.length)];
  let shown = !aim.elsewhere;
  if (shown && target.some((value, k) => value !== board.settled[k])) {
    const before = board.settled;
    shown = !Object.keys(apply(board, target)).length;
    if (shown) {
      board.past.push(before);
      board.future = [];
      settle(board, target);
    }
  }
  preview(board, null);
  board.send.setTriggerValue("aim", { of: board.header.of, key: aim.key, shown,
    finding: board.header.aims_whole ? null : board.header.findings[board.open].name });
}

// Which aim stands on the board now.
/** @param {Board} board */
function showAims(board) {
  for (const { aim, places, chip } of board.aims) {
    const here = !aim.elsewhere && (board.header.aims_whole ? places.every((place, k) => place === board.at[k])
      : places[board.open] === board.at[board.open]);
    if (chip.getAttribute("aria-pressed") !== String(here)) chip.setAttribute("aria-pressed", String(here));
  }
}
