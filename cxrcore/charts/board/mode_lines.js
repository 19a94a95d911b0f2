// The line of each mode under the totals: its fields, presets and aims.

const LOWER_ALONE = "What stands beside a finding’s name, F1, recall, precision and counts, is of its lower line alone.";

/** @param {string} name @param {string} label @param {string} value @param {string} describe */
function field(name, label, value, describe) {
  return element("input", { type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", value,
                            "data-control": name, "aria-label": label, "aria-describedby": describe });
}

/** @param {Board} board @param {string} mode @param {...(Node | string)} inside */
function modeLine(board, mode, ...inside) {
  const problem = element("span", { class: "problem", role: "alert", id: `problem-${mode}` });
  const totals = element("span", { class: "mode-totals" });
  Object.assign(board.decide.nodes, { [`problem-${mode}`]: problem, [`totals-${mode}`]: totals });
  return element("div", { class: `mode-line of-${mode}`, "data-mode-line": mode }, ...inside, totals, problem);
}

/** @param {string} label @param {string} title @param {() => void} onclick @param {Record<string, string>} attributes */
function aimChip(label, title, onclick, attributes = {}) {
  const button = element("button", { type: "button", class: "aim", title, ...attributes }, label);
  button.onclick = onclick;
  return button;
}

/** @param {Board} board */
function buildPlace(board) {
  const { decide } = board;
  const every = field("prevalence", "Prevalence of every finding", decide.every.prevalence, "problem-place");
  every.placeholder = "0.02 or 2 %";
  every.onchange = () => takeEveryPrevalence(board, every);
  const presets = Object.entries(board.beside?.header.presets ?? {}).map(([key, preset]) =>
    aimChip(preset.label, preset.help, () => takePrevalences(board, preset.values), { "data-preset": key }));
  const own = aimChip("These films", "The prevalence of the films that the board is read on",
                   () => { decide.prevalence = {}; decide.every.prevalence = ""; refreshDecide(board); },
                   { "data-preset": "films" });
  return modeLine(board, "place", element("label", {}, "Every finding at prevalence ", every), ...presets, own,
    buildTable(board), element("span", { class: "assumed" }, ASSUMED));
}

const LONGEST_TABLE = 100_000; // characters; a list of forty findings takes one thousand
const TOO_LONG = "That is no table of prevalences: it is longer than 100,000 characters.";

/** @param {Board} board */
function buildTable(board) {
  const text = element("textarea", { rows: 4, cols: 28, "data-control": "prevalence-table", spellcheck: "false",
    "aria-label": "Table of finding and prevalence", placeholder: "Effusion 0.05\nMass 2 %" });
  const file = element("input", { type: "file", accept: ".csv,.txt,.tsv", "aria-label": "Load a table of prevalences" });
  file.onchange = async () => {
    const one = file.files[0];
    if (!one) return;
    text.value = one.size > LONGEST_TABLE ? "" : await one.text();
    if (text.value || !one.size) take();
    else sayInMode(board, "place", TOO_LONG);
  };
  const take = () => takeTable(board, text.value);
  return element("details", { class: "prevalences" }, element("summary", {}, "A table"),
    element("div", {}, text, aimChip("Take it", "Set these prevalences", take, { "data-take": "table" }), file));
}

/** @param {Board} board @param {string} text */
function takeTable(board, text) {
  if (text.length > LONGEST_TABLE) {
    sayInMode(board, "place", TOO_LONG);
    return;
  }
  const { found, unknown, wrong } = readPrevalences(text, board.header.findings);
  if (Object.keys(found).length) takePrevalences(board, found);
  const said = [...(unknown.length ? [`No finding of this board: ${someOf(unknown)}.`] : []),
                ...(wrong.length ? [`Not between 0 and 1: ${someOf(wrong)}.`] : []),
                ...(Object.keys(found).length ? [`${Object.keys(found).length} taken.`] : ["Nothing was taken."])];
  sayInMode(board, "place", unknown.length || wrong.length || !Object.keys(found).length ? said.join(" ") : "");
}

/** @param {string[]} names */
function someOf(names) {
  return names.slice(0, 5).join(", ") + (names.length > 5 ? ` and ${names.length - 5} more` : "");
}

/** @param {Board} board @param {Record<string, number>} values */
function takePrevalences(board, values) {
  const known = new Set(board.header.findings.map(({ name }) => name));
  for (const [name, value] of Object.entries(values)) {
    if (known.has(name) && value > 0 && value < 1) board.decide.prevalence[name] = value;
  }
  board.decide.every.prevalence = "";
  refreshDecide(board);
}

const BAD_PREVALENCE = "is no prevalence: type a share above 0 and below 1, as 0.02, or a percentage, as 2 %.";

/** @param {Board} board @param {HTMLInputElement} input */
function takeEveryPrevalence(board, input) {
  const value = readPrevalence(input.value);
  const bad = input.value.trim() !== "" && Number.isNaN(value);
  input.setAttribute("aria-invalid", String(bad));
  sayInMode(board, "place", bad ? `“${input.value}” ${BAD_PREVALENCE}` : "");
  if (bad) return;
  board.decide.every.prevalence = input.value;
  board.decide.prevalence = Number.isNaN(value) ? {}
    : Object.fromEntries(board.header.findings.map(({ name }) => [name, value]));
  refreshDecide(board);
}

/** @param {Board} board */
function buildWorth(board) {
  const every = field("harm-ratio", "False alarms that a miss is worth, every finding", board.decide.every.ratio,
                      "problem-worth");
  every.onchange = () => {
    const bad = Number.isNaN(readRatio(every.value));
    every.setAttribute("aria-invalid", String(bad));
    sayInMode(board, "worth", bad ? `“${every.value}” is no such number: type how many false alarms are as bad as one `
      + "missed film, a number above 0." : "");
    if (bad) return;
    board.decide.every.ratio = every.value;
    board.decide.ratio = {};
    refreshDecide(board);
  };
  const best = aimChip("Best line for this ratio", "The position of the greatest net benefit on these very films, which "
    + "flatters; of several the one with the fewest alarms. The aim “a miss = ... alarms” fits it on validation.",
    () => takeBest(board), { "data-aim": "harm-ratio" });
  return modeLine(board, "worth", element("label", {}, "One missed film is as bad as ", every, " false alarms"), best);
}

/** @param {Board} board */
function takeBest(board) {
  const without = takeBands(board, (k) => {
    const place = bestForRatio(board.ladders[k], ratioOf(board, k), isDialled(board, k) ? prevalenceOf(board, k) : undefined);
    return board.ladders[k].positives && place >= 0 ? [place, place] : null;
  });
  sayInMode(board, "worth", withoutInWords(without));
}

/** @param {string[]} without */
function withoutInWords(without) {
  return without.length ? `Unchanged, for want of films with it: ${someOf(without)}.` : "";
}

/** @param {Board} board */
function buildAsk(board) {
  const { every } = board.decide;
  const most = field("refer-at-most", "Share of the films that may be referred, in percent", every.share, "problem-ask");
  const missed = field("missed-at-most", "Films with the finding that may be missed", every.missed, "problem-ask");
  most.onchange = () => { every.share = most.value; };
  missed.onchange = () => { every.missed = missed.value; };
  const over = board.header.alone ? "positions of this board" : "scores";
  const refer = aimChip("Refer at most", `The two lines with the greatest F1 among the decided films, of all pairs of ${over} `
    + "that refer no more films than this; of several the pair that refers fewest.", () => takeShare(board, most.value),
    { "data-aim": "refer-at-most" });
  const miss = aimChip("Miss at most", `Of all ${over}, the lower line stands as high as it can with no more films with the finding below it; `
    + "above it the upper line with the greatest F1 among the decided films, of several the one that refers fewest.", () => takeMissed(board, missed.value), { "data-aim": "missed-at-most" });
  return modeLine(board, "ask", element("span", { class: "aimed" }, refer, most, " % of the films"),
                  element("span", { class: "aimed" }, miss, missed, " films with it"),
                  element("span", { class: "assumed lower-alone" }, LOWER_ALONE));
}

/** @param {Board} board @param {string} text */
function takeShare(board, text) {
  const value = Number(text.replace(",", ".").replace("%", "")) / 100;
  const bad = text.trim() === "" || !(value >= 0 && value <= 1);
  sayInMode(board, "ask", bad ? `“${text}” is no share of the films: type a percentage from 0 to 100.`
    : takeAskAim(board, `refer:${value}`, (k) => referAtMost(board.ladders[k], value)));
}

/** @param {Board} board @param {string} text */
function takeMissed(board, text) {
  const most = Number(text.replace(",", "."));
  const bad = text.trim() === "" || !(most >= 0 && Number.isFinite(most));
  sayInMode(board, "ask", bad ? `“${text}” is no number of films: type 0 or more.`
    : takeAskAim(board, `miss:${most}`, (k) => missAtMost(board.ladders[k], most)));
}

// Solved by the server over every score, whose lines come back as positions; where there is none, over the positions.
/** @param {Board} board @param {string} key @param {(k: number) => Range | null} solve
 * @returns {string} what to say at the field */
function takeAskAim(board, key, solve) {
  if (board.header.alone) {
    return withoutInWords(takeBands(board, (k) => (board.ladders[k].positives ? solve(k) : null)));
  }
  if (board.resting) commit(board, board.open);
  const { whole: all } = board.decide;
  board.send.setTriggerValue("aim", { of: board.header.of, key, shown: false,
                                      finding: all ? null : board.header.findings[board.open].name });
  return withoutInWords(chosenRows(board).filter((k) => !board.ladders[k].positives).map((k) => board.header.findings[k].title));
}
