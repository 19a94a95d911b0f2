// What a line is worth, from its exact counts: at another prevalence, for a harm ratio, with a band that a person reads.
// Knows no DOM. Undefined is NaN, as in counts.js.

/** What follows from recall and specificity at a prevalence; alarms and misses of 1,000 films.
 * @typedef {{ ppv: number, npv: number, alarms_per_1000: number, misses_per_1000: number }} AtPlace
 * @typedef {{ referred: number, referredWith: number, tp: number, fp: number, tn: number, missed: number,
 *             films: number, referred_share: number, recall: number, precision: number, f1: number }} Band
 * @typedef {[number, number]} Range from, to
 * @typedef {{ knots: Float64Array, values: Float32Array }} Spread of one finding: at each knot (a threshold) the
 *             rows of SPREAD, one after the other
 * @typedef {{ ppv: Range, npv: Range, alarms_per_1000: Range, misses_per_1000: Range }} Intervals
 */

const OF_FILMS = 1000;
// 2.5 and 97.5 % of patient draws: PPV and NPV at a prevalence of one half, recall, false-alarm rate; their correlation.
const SPREAD = ["ppvLow", "ppvHigh", "npvLow", "npvHigh", "recallLow", "recallHigh", "falseLow", "falseHigh", "together"];

/** @param {{ positives: number, negatives: number }} films */
function ownPrevalence({ positives, negatives }) {
  return positives ? positives / (positives + negatives) : NaN;
}

// Shares of all films: alarms that are right and wrong, films missed and rightly left alone, by Bayes' theorem.
/** @param {{ tp: number, fp: number, fn: number, tn: number }} now @param {number} prevalence */
function sharesAt({ tp, fp, fn, tn }, prevalence) {
  const [positives, negatives] = [tp + fn, fp + tn];
  if (!positives || !negatives) return { tp: NaN, fp: NaN, fn: NaN, tn: NaN };
  return { tp: prevalence * tp / positives, fn: prevalence * fn / positives,
           fp: (1 - prevalence) * fp / negatives, tn: (1 - prevalence) * tn / negatives };
}

/** @param {{ tp: number, fp: number, fn: number, tn: number }} now @param {number} prevalence @returns {AtPlace} */
function atPrevalence(now, prevalence) {
  const { tp, fp, fn, tn } = sharesAt(now, prevalence);
  return { ppv: tp / (tp + fp), npv: tn / (tn + fn), alarms_per_1000: OF_FILMS * (tp + fp),
           misses_per_1000: OF_FILMS * fn };
}

// Vickers and Elkin, Medical Decision Making 2006: TP/n − FP/n · t/(1−t), where t = 1/(1+ratio), so that t/(1−t) is
// 1/ratio; at the films' own prevalence where none is given.
/** @param {{ tp: number, fp: number, fn: number, tn: number }} now @param {number} ratio @param {number} [prevalence] */
function netBenefit(now, ratio, prevalence) {
  if (prevalence !== undefined) {
    const { tp, fp } = sharesAt(now, prevalence);
    return tp - fp / ratio;
  }
  const films = now.tp + now.fp + now.fn + now.tn;
  return now.tp / films - now.fp / films / ratio;
}

// The position of the greatest net benefit, of several the one with the fewest alarms; -1 where it is undefined.
/** @param {Ladder} ladder @param {number} ratio @param {number} [prevalence] */
function bestForRatio(ladder, ratio, prevalence) {
  let best = -1;
  let most = -Infinity;
  for (let i = 0; i < ladder.thresholds.length; i += 1) {
    const worth = netBenefit(measuresAt(ladder, i), ratio, prevalence);
    if (worth >= most) [most, best] = [worth, i];
  }
  return best;
}

// Ratios for which a line is worth more than an alarm for every film, and more than none: it beats none from FP/TP on,
// and all up to TN/FN.
/** @param {{ tp: number, fp: number, fn: number, tn: number }} now @param {number} prevalence @returns {Range} */
function worthRange(now, prevalence) {
  const { tp, fp, fn, tn } = sharesAt(now, prevalence);
  return [fp / tp, tn / fn]; // without an alarm NaN or Infinity, without a miss Infinity: no line, or no limit
}

// The same with the best line for each ratio. Net benefit is linear in 1/ratio and the best of all lines is convex, so
// the ratios are one stretch.
/** @param {Ladder} ladder @param {number} prevalence @returns {Range} */
function worthOfBest(ladder, prevalence) {
  let [from, to] = [Infinity, -Infinity];
  for (let i = 0; i < ladder.thresholds.length; i += 1) {
    const [low, high] = worthRange(measuresAt(ladder, i), prevalence);
    if (!(low < high)) continue;
    from = Math.min(from, low);
    to = Math.max(to, high);
  }
  return [from, to];
}

// The decision curve: an alarm from the cut-off t of calibrated scores on. Each position of the ladder is a cut-off, so
// every point is counted exactly. Another prevalence moves the odds of all calibrated scores alike.
/** @param {Ladder} ladder @param {{ scale: number, bias: number, prevalence: number }} platt
 * @param {number} prevalence @returns {{ ratio: number, worth: number }[]} */
function decisionCurve(ladder, platt, prevalence) {
  const shift = logOdds(prevalence) - logOdds(platt.prevalence);
  return Array.from(ladder.thresholds, (threshold, i) => {
    const ratio = Math.exp(-(platt.scale * logOdds(threshold) + platt.bias + shift)); // (1 − t) / t
    return { ratio, worth: netBenefit(measuresAt(ladder, i), ratio, prevalence) };
  }).filter(({ ratio, worth }) => ratio > 0 && Number.isFinite(ratio) && !Number.isNaN(worth));
}

const LEAST_SHARE = 1e-7; // as measures/curves.py has it: a score of 0 or 1 has no logit

/** @param {number} value */
function logOdds(value) {
  const inside = Math.min(1 - LEAST_SHARE, Math.max(LEAST_SHARE, value));
  return Math.log(inside / (1 - inside));
}

// -- a person is asked between two lines

// No below the lower line, yes from the upper one on, and a person in between. Recall, precision and F1 are those of
// the films that are decided; undefined where these have no positive, or no alarm.
/** @param {Ladder} ladder @param {number} lower @param {number} upper a position, not before the lower @returns {Band} */
function bandAt(ladder, lower, upper) {
  const [tp, fp] = [ladder.tp[upper], ladder.fp[upper]];
  const missed = ladder.positives - ladder.tp[lower];
  const referredWith = ladder.tp[lower] - tp;
  const referred = referredWith + ladder.fp[lower] - fp;
  const films = ladder.positives + ladder.negatives;
  const found = measures(tp, fp, tp + missed, ladder.negatives - ladder.fp[lower] + fp);
  return { referred, referredWith, tp, fp, missed, tn: ladder.negatives - ladder.fp[lower], films,
           referred_share: films ? referred / films : NaN, recall: found.recall, precision: found.precision,
           f1: found.f1 };
}

// Of all pairs of positions that refer at most this share, the one with the greatest F1 among the decided; of several
// the one that refers fewest, then the lowest lines. null where F1 is nowhere defined.
/** @param {Ladder} ladder @param {number} mostShare @returns {Range | null} */
function referAtMost(ladder, mostShare) {
  const { tp, fp, positives, negatives } = ladder;
  const most = mostShare * (positives + negatives);
  let [best, fewest] = [-1, Infinity];
  /** @type {Range | null} */
  let found = null;
  for (let lower = 0; lower < tp.length; lower += 1) {
    const alarms = tp[lower] + fp[lower];
    for (let upper = lower; upper < tp.length; upper += 1) {
      const referred = alarms - tp[upper] - fp[upper];
      if (referred > most) break;
      const decided = tp[upper] + positives - tp[lower];
      if (!decided) continue;
      const f1 = 2 * tp[upper] / (tp[upper] + fp[upper] + decided);
      if (f1 > best || (f1 === best && referred < fewest)) [best, fewest, found] = [f1, referred, [lower, upper]];
    }
  }
  return found;
}

// What is missed depends on the lower line alone: the highest position below which at most so many films with the
// finding lie, so that for any upper line the fewest films are referred. Above it the upper line with the greatest F1
// among the decided; of several the one that refers fewest. As measures/decisions/abstention.py has it.
/** @param {Ladder} ladder @param {number} most @returns {Range} */
function missAtMost(ladder, most) {
  const { tp, fp, positives } = ladder;
  let lower = tp.length - 1;
  while (lower > 0 && positives - tp[lower] > most) lower -= 1;
  let [best, upper] = [-1, lower];
  for (let i = lower; i < tp.length; i += 1) {
    const decided = tp[i] + positives - tp[lower];
    const f1 = decided ? 2 * tp[i] / (tp[i] + fp[i] + decided) : -1;
    if (f1 > best) [best, upper] = [f1, i];
  }
  return [lower, upper];
}

// -- intervals, from draws of patients that Python made (measures/intervals/rates_in_draws.py)

/** @param {Spread} spread @param {number} threshold @returns {Record<string, number>} between two knots on a logit scale */
function spreadAt({ knots, values }, threshold) {
  const n = knots.length;
  const next = Math.min(n - 1, Math.max(1, firstAtLeast(knots, threshold)));
  const [from, to] = [logOdds(knots[next - 1]), logOdds(knots[next])];
  const along = to > from ? Math.min(1, Math.max(0, (logOdds(threshold) - from) / (to - from))) : 1;
  return Object.fromEntries(SPREAD.map((name, row) => [name,
    values[row * n + next - 1] * (1 - along) + values[row * n + next] * along]));
}

// PPV at any prevalence rises with PPV at one half, so its interval follows from that one, exactly; NPV and misses
// alike. Alarms are a sum of two rates: Zou and Donner, Statistics in Medicine 2008 (MOVER).
/** @param {Spread} spread @param {number} threshold @param {Measures} now @param {number} prevalence @returns {Intervals} */
function intervalsAt(spread, threshold, now, prevalence) {
  const drawn = spreadAt(spread, threshold);
  const odds = prevalence / (1 - prevalence);
  const [right, wrong] = [OF_FILMS * prevalence, OF_FILMS * (1 - prevalence)];
  const falseRate = now.fp / (now.fp + now.tn);
  /** @param {number} recallEnd @param {number} falseEnd */
  const away = (recallEnd, falseEnd) => {
    const a = right * Math.abs(recallEnd - now.recall);
    const b = wrong * Math.abs(falseEnd - falseRate);
    return Math.sqrt(Math.max(0, a * a + b * b + 2 * drawn.together * a * b));
  };
  const alarms = right * now.recall + wrong * falseRate;
  return {
    ppv: [atOdds(drawn.ppvLow, odds), atOdds(drawn.ppvHigh, odds)],
    npv: [atOdds(drawn.npvLow, 1 / odds), atOdds(drawn.npvHigh, 1 / odds)],
    alarms_per_1000: [Math.max(0, alarms - away(drawn.recallLow, drawn.falseLow)),
                      Math.min(OF_FILMS, alarms + away(drawn.recallHigh, drawn.falseHigh))],
    misses_per_1000: [right * (1 - drawn.recallHigh), right * (1 - drawn.recallLow)],
  };
}

/** @param {number} half a predictive value at even odds @param {number} odds */
const atOdds = (half, odds) => half * odds / (half * odds + 1 - half);

// -- what people type

// A share between 0 and 1, "2.5 %" or "2,5 %"; NaN for anything else, 0 and 1 included: at these nothing is to be found.
/** @param {string} text */
function readPrevalence(text) {
  const [, number, percent] = /^\s*([\d.,]+(?:e-?\d+)?)\s*(%?)\s*$/i.exec(text) ?? [];
  if (number === undefined) return NaN;
  const value = Number(number.replace(",", ".")) / (percent ? 100 : 1);
  return value > 0 && value < 1 ? value : NaN;
}

// False alarms that a miss is worth: more than 0.
/** @param {string} text */
function readRatio(text) {
  const value = text.trim() === "" ? NaN : Number(text.replace(",", "."));
  return value > 0 && Number.isFinite(value) ? value : NaN;
}

/** @param {string} name */
const plain = (name) => name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");

// A table of lines "finding prevalence", parted by blanks, commas, semicolons, colons or tabs; a head line is left out.
/** @param {string} text @param {Finding[]} findings
 * @returns {{ found: Record<string, number>, unknown: string[], wrong: string[] }} */
function readPrevalences(text, findings) {
  const known = new Map(findings.flatMap(({ name, title }) => [[plain(name), name], [plain(title), name]]));
  /** @type {Record<string, number>} */
  const found = {};
  /** @type {string[]} */
  const unknown = [];
  /** @type {string[]} */
  const wrong = [];
  const lines = text.split(/\r?\n/).map((line) => line.replace(/["']/g, "").trim()).filter(Boolean);
  lines.forEach((line, place) => {
    const [, name, said] = /^(.*?)[\s,;:]+([-+\d.,]+(?:e-?\d+)?\s*%?)$/i.exec(line) ?? [null, line, ""];
    const finding = known.get(plain(name));
    if (finding === undefined) {
      if (place || said) unknown.push(name.trim());
    } else if (Number.isNaN(readPrevalence(said))) wrong.push(`${finding} ${said}`.trim());
    else found[finding] = readPrevalence(said);
  });
  return { found, unknown, wrong };
}
