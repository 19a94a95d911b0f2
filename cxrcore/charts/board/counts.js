// Exact confusion counts of every position that a handle can take, and the measures that follow from them.
// Knows no DOM: everything here can be run by itself, with the cases of tests/measures/thresholds/decision_cases.json.

// What Python sent (payload.py): a length, a JSON header, then numbers without gaps.
function unpack(bytes) {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let offset = 4 + length;
  const take = (type, n) => {
    const numbers = new type(buffer, offset, n);
    offset += n * type.BYTES_PER_ELEMENT;
    return numbers;
  };
  const ladders = header.sizes.map((n) => ({ thresholds: take(Float64Array, n) }));
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
function placeOf(thresholds, value) {
  const place = firstAtLeast(thresholds, value);
  return thresholds[place] === value ? place : -1;
}

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
function shareOf(thresholds, value) {
  const last = thresholds.length - 1;
  const next = firstAtLeast(thresholds, value);
  if (next <= 0) return 0;
  if (next > last) return 1;
  const before = thresholds[next - 1];
  return (next - 1 + (value - before) / (thresholds[next] - before)) / last;
}

// Undefined is NaN, never 0: F1 and recall without positives, precision without alarms, specificity without negatives.
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

function measuresAt(ladder, place) {
  return measures(ladder.tp[place], ladder.fp[place], ladder.positives, ladder.negatives);
}

// Means over the findings that are defined, and measures of all counts together.
function overall(rows) {
  const mean = (name) => {
    const defined = rows.map((row) => row[name]).filter((value) => !Number.isNaN(value));
    return defined.length ? defined.reduce((sum, value) => sum + value, 0) / defined.length : NaN;
  };
  const sum = (name) => rows.reduce((total, row) => total + row[name], 0);
  const together = measures(sum("tp"), sum("fp"), sum("tp") + sum("fn"), sum("fp") + sum("tn"));
  return {
    macro_f1: mean("f1"), macro_recall: mean("recall"), micro_f1: together.f1, micro_recall: together.recall,
    defined: rows.filter((row) => !Number.isNaN(row.f1)).length,
  };
}

// Films between positions, as shares of the fullest bin: for films with and without the finding, each with as many
// bins as its number of films fills.
function histogram(ladder, most) {
  const shares = (counts, films) => {
    const last = counts.length - 1;
    const bins = Math.min(most, Math.max(12, Math.round(2 * films ** 0.45)));
    const edge = (bin) => Math.round(bin * last / bins);
    const heights = Array.from({ length: bins }, (_, bin) => (counts[edge(bin)] - counts[edge(bin + 1)])
      / (edge(bin + 1) - edge(bin) || 1));
    const highest = Math.max(...heights);
    return heights.map((height) => (highest ? height / highest : 0));
  };
  return { positives: shares(ladder.tp, ladder.positives), negatives: shares(ladder.fp, ladder.negatives) };
}

function rocPoints({ tp, fp, positives, negatives }) {
  if (!positives || !negatives) return [];
  return Array.from(tp, (n, i) => [fp[i] / negatives, n / positives]);
}

function prPoints({ tp, fp, positives }) {
  if (!positives) return [];
  return Array.from(tp, (n, i) => [n / positives, n / (n + fp[i])]).filter((point) => !Number.isNaN(point[1]));
}

// -- numbers as text

const DASH = "–";

const share = (value) => (Number.isNaN(value) ? DASH : value.toFixed(3));
const whole = (value) => value.toLocaleString("en-US");

function change(now, before) {
  if (Number.isNaN(now) || Number.isNaN(before)) return DASH;
  const text = Math.abs(now - before).toFixed(3);
  return text === "0.000" ? "±0" : (now > before ? "+" : "−") + text;
}
