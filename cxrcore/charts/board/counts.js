// Exact confusion counts of every position that a handle can take, and the measures that follow from them.
// Knows no DOM: everything here can be run by itself, with the cases of tests/measures/thresholds/decision_cases.json.

/** Counts of one finding at each position, where alarms from there on are right (TP) or wrong; thresholds ascend.
 * @typedef {{ tp: Int32Array, fp: Int32Array, positives: number, negatives: number }} Curve
 * @typedef {Curve & { thresholds: Float64Array }} Ladder
 * @typedef {{ tp: number, fp: number, fn: number, tn: number, f1: number, recall: number, precision: number,
 *             specificity: number }} Measures
 * @typedef {{ macro_f1: number, macro_recall: number, micro_f1: number, micro_recall: number, defined: number }} Overall
 * @typedef {{ name: string, title: string, positives: number, negatives: number, note?: string | null }} Finding
 * @typedef {{ run_id: string, name: string, colour: string, dash: string }} RunLook
 * @typedef {{ positives: number, negatives: number, points: number,
 *             own: { tp: number, fp: number, text: string } }} OtherHeader a finding of another run, as it is sent
 * @typedef {OtherHeader & { same: { tp: Int32Array, fp: Int32Array }, curve: Curve }} OtherFinding
 * @typedef {RunLook & { findings: OtherFinding[] }} OtherRun
 */
/** What payload.py puts before the numbers.
 * @typedef {{ of: string, open: string, id: number | string, thresholds: number[],
 *             uppers?: (number | null)[], rows?: string[] | null, promised?: Promised,
 *             alone?: boolean, warned?: string, aims?: Aim[], aims_whole?: boolean, aims_on?: string, meanings: Record<string, string>, run: RunLook, sizes: number[],
 *             others: (RunLook & { findings: OtherHeader[] })[], reference: { name: string, thresholds: number[] },
 *             texts: Record<string, string>[], findings: Finding[], version: string }} Header
 * @typedef {{ header: Header, ladders: Ladder[], others: OtherRun[] }} Tables
 */

// What Python sent (payload.py): a length, a JSON header, then numbers without gaps.
/** @param {Uint8Array<ArrayBuffer>} bytes @returns {Tables} */
function unpack(bytes) {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const length = new DataView(buffer).getUint32(0, true);
  /** @type {Header} */
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let offset = 4 + length;
  /**
   * @template {Float64Array | Int32Array} Numbers
   * @param {{ new (held: ArrayBuffer, at: number, n: number): Numbers, BYTES_PER_ELEMENT: number }} type
   * @param {number} n
   */
  const take = (type, n) => {
    const numbers = new type(buffer, offset, n);
    offset += n * type.BYTES_PER_ELEMENT;
    return numbers;
  };
  const ladders = header.sizes.map((n) => /** @type {Ladder} */ ({ thresholds: take(Float64Array, n) }));
  for (const one of ladders) {
    one.tp = take(Int32Array, one.thresholds.length);
    one.fp = take(Int32Array, one.thresholds.length);
  }
  header.findings.forEach((finding, k) => {
    ladders[k].positives = finding.positives;
    ladders[k].negatives = finding.negatives;
  });
  const others = header.others.map((run) => ({ ...run, findings: run.findings.map((finding, k) => ({
    ...finding,
    same: { tp: take(Int32Array, header.sizes[k]), fp: take(Int32Array, header.sizes[k]) },
    curve: { tp: take(Int32Array, finding.points), fp: take(Int32Array, finding.points),
             positives: finding.positives, negatives: finding.negatives },
  })) }));
  return { header, ladders, others };
}

// The position of a threshold, or -1 where it is not one.
/** @param {Float64Array} thresholds @param {number} value */
function placeOf(thresholds, value) {
  const place = firstAtLeast(thresholds, value);
  return thresholds[place] === value ? place : -1;
}

/** @param {Float64Array} thresholds @param {number} value */
function firstAtLeast(thresholds, value) {
  let low = 0;
  let high = thresholds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (thresholds[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Where a threshold lies between the positions, as a share of the axis.
/** @param {Float64Array} thresholds @param {number} value */
function shareOf(thresholds, value) {
  const last = thresholds.length - 1;
  const next = firstAtLeast(thresholds, value);
  if (next <= 0) return 0;
  if (next > last) return 1;
  const before = thresholds[next - 1];
  return (next - 1 + (value - before) / (thresholds[next] - before)) / last;
}

// Undefined is NaN, never 0: F1 and recall without positives, precision without alarms, specificity without negatives.
/** @param {number} tp @param {number} fp @param {number} positives @param {number} negatives @returns {Measures} */
function measures(tp, fp, positives, negatives) {
  const fn = positives - tp;
  return {
    tp, fp, fn, tn: negatives - fp,
    f1: positives ? 2 * tp / (2 * tp + fp + fn) : NaN,
    recall: positives ? tp / positives : NaN,
    precision: tp + fp ? tp / (tp + fp) : NaN,
    specificity: negatives ? (negatives - fp) / negatives : NaN,
  };
}

/** @param {Ladder} ladder @param {number} place */
function measuresAt(ladder, place) {
  return measures(ladder.tp[place], ladder.fp[place], ladder.positives, ladder.negatives);
}

// Means over the findings that are defined, and measures of all counts together.
/** @param {Measures[]} rows @returns {Overall} */
function overall(rows) {
  /** @param {keyof Measures} name */
  const mean = (name) => {
    const defined = rows.map((row) => row[name]).filter((value) => !Number.isNaN(value));
    return defined.length ? defined.reduce((sum, value) => sum + value, 0) / defined.length : NaN;
  };
  /** @param {keyof Measures} name */
  const sum = (name) => rows.reduce((total, row) => total + row[name], 0);
  const together = measures(sum("tp"), sum("fp"), sum("tp") + sum("fn"), sum("fp") + sum("tn"));
  return {
    macro_f1: mean("f1"), macro_recall: mean("recall"), micro_f1: together.f1, micro_recall: together.recall,
    defined: rows.filter((row) => !Number.isNaN(row.f1)).length,
  };
}

// Films between positions, as shares of the fullest bin: for films with and without the finding, each with as many
// bins as its number of films fills.
/** @param {Ladder} ladder @param {number} most */
function histogram(ladder, most) {
  /** @param {Int32Array} counts @param {number} films */
  const shares = (counts, films) => {
    const last = counts.length - 1;
    const bins = Math.min(most, Math.max(12, Math.round(2 * films ** 0.45)));
    /** @param {number} bin */
    const edge = (bin) => Math.round(bin * last / bins);
    const heights = Array.from({ length: bins }, (_, bin) => (counts[edge(bin)] - counts[edge(bin + 1)])
      / (edge(bin + 1) - edge(bin) || 1));
    const highest = Math.max(...heights);
    return heights.map((height) => (highest ? height / highest : 0));
  };
  return { positives: shares(ladder.tp, ladder.positives), negatives: shares(ladder.fp, ladder.negatives) };
}

/** @param {Curve} curve @returns {[number, number][]} */
function rocPoints({ tp, fp, positives, negatives }) {
  if (!positives || !negatives) return [];
  return Array.from(tp, (n, i) => [fp[i] / negatives, n / positives]);
}

/** @param {Curve} curve @returns {[number, number][]} */
function prPoints({ tp, fp, positives }) {
  if (!positives) return [];
  /** @type {[number, number][]} */
  const points = Array.from(tp, (n, i) => [n / positives, n / (n + fp[i])]);
  return points.filter((point) => !Number.isNaN(point[1]));
}

// -- numbers as text

const DASH = "–";

/** @param {number} value */
const share = (value) => (Number.isNaN(value) ? DASH : value.toFixed(3));
/** @param {number} value */
const whole = (value) => value.toLocaleString("en-US");

// A threshold to three significant digits, so that below each other the digits stand in a grid.
/** @param {string} text */
function threeDigits(text) {
  const value = Number(text);
  if (!(value > 0)) return text;
  return value < 1e-4 ? value.toExponential(1) : value.toFixed(2 - Math.min(0, Math.floor(Math.log10(value))));
}

/** @param {number} now @param {number} before */
function change(now, before) {
  if (Number.isNaN(now) || Number.isNaN(before)) return DASH;
  const text = Math.abs(now - before).toFixed(3);
  return text === "0.000" ? "±0" : (now > before ? "+" : "−") + text;
}
