"""The audit's questions about the scores themselves: how fine, how repeated, how good, and whether probabilities."""

import numpy as np

from cxrcore.findings import display_name
from cxrcore.import_export.audit.questions import MOST_SHOWN, Audited, Column, Line, films
from cxrcore.measures import calibration
from cxrcore.measures.intervals.clustered_areas import independent_error
from cxrcore.store.audit_marks import NOTED, PASSED, REFUSED, WARNED

TWICE = (0.5, 1 / (1 + np.exp(-1)))  # where scores end up that went through the sigmoid twice
TIED = 0.5  # share of films whose score another film has, from which on ties decide
PERFECT, PERFECT_MACRO = 0.99, 0.95  # AUROC of one finding and of all
FAR_ABOVE, SURELY = 0.05, 4.0  # AUROC over the best published one; standard errors
SAME_LABELS = 0.8  # share of the findings of either that others' labels have in common; networks' decisions reach 0.4
LEAST_LABELS = 50  # fewer equal the labels by chance
LEAST_POSITIVE = 10  # films, fewer of which are ranked perfectly by chance
_FINE = (1e-4, 1e-5, 1e-6)  # digits of a common export: four move the AUROC of a rare finding by 0.001 at most
STAND_IN, LEAST_STAND_IN = 0.004, 8  # share of films, and films, with one score that others nearly never share
REPEATED, LEAST_REPEATED = 0.002, 6  # the same of films whose scores of all findings are another film's
LEAST_FINDINGS = 5  # fewer repeat each other by chance
MOST_NAMED = 3  # findings in one line


def sigmoid_twice(found: Audited) -> Line:
    """Whether all scores lie where a second sigmoid leaves them."""
    low, high = TWICE
    values = found.scores[:, found.columns]
    values = values[~np.isnan(values)]
    if len(values) and values.min() >= low and values.max() <= high + 1e-6:
        return Line("Sigmoid twice", WARNED, f"all scores lie in [{low}, {high:.3f}], as if the sigmoid had been "
                                             "applied twice: ranks are right, thresholds and calibration are not")
    return Line("Sigmoid twice", PASSED, f"scores are not squeezed into [{low}, {high:.3f}]")


def constant_columns(found: Audited) -> Line:
    """Findings with the same score on all films."""
    same = [column.place for column in found.values if column.constant]
    if same:
        return Line("Constant columns", WARNED, f"the same score on every film: {found.named(same)}")
    return Line("Constant columns", PASSED, "no finding has the same score on every film")


def ties(found: Audited) -> Line:
    """Findings where most films share their score with others, as after rounding; half precision is none."""
    tied = [(column, column.counts[column.counts > 1].sum() / column.n) for column in found.values
            if column.n > 1 and len(column.values) > 1 and column.coarse]
    fine = {step for column, share in tied if share > TIED and (step := _step_of(column.values)) in _FINE}
    tied = [(column, share) for column, share in tied if share > TIED and _step_of(column.values) not in _FINE]
    if not tied:
        return Line("Ties", PASSED, f"films share scores as is usual in steps of {max(fine):.6f}".rstrip("0") if fine
                    else "few films share a score")
    kinds = {half_precision(column.values) for column, _ in tied}
    if len(kinds) == 1 and "" not in kinds:
        return Line("Ties", PASSED, f"films share scores as is usual in half precision ({kinds.pop()})")
    rounded = [(column, share) for column, share in tied if not half_precision(column.values)]
    column, share = max(rounded, key=lambda one: one[1])
    shown = found.named([one.place for one, _ in rounded])
    return Line(
        "Ties",
        WARNED,
        f"rounded? Many equal scores{_steps(column)} in {shown} "
        f"({display_name(found.findings[column.place])}: {len(column.values):,} different ones, "
        f"{share:.0%} of the films share theirs): thresholds between them do not exist",
    )


def half_precision(values: np.ndarray) -> str:
    """'float16' or 'bfloat16' where all of these different scores, or their logits, are such numbers; else ''."""
    if len(values) < 30 or _step_of(values):
        return ""
    with np.errstate(divide="ignore"):
        for own in (values, np.log(values) - np.log1p(-values)):
            own = own[np.isfinite(own)]
            for name, bits in (("bfloat16", 8), ("float16", 11)):
                mantissa = np.frexp(own)[0] * 2.0**bits
                if (np.abs(mantissa - np.round(mantissa)) < 0.02).mean() > 0.95 and len(own):
                    return name
    # As decimals that tell one float16 from the next, such as 0.0309.
    halves = values.astype(np.float16)
    shortest = np.array([float(str(half)) for half in halves[:200]])
    return "float16" if np.allclose(shortest, values[:200], rtol=1e-6, atol=0) else ""


def _step_of(values: np.ndarray) -> float:
    """The step that all values are multiples of, as float32 can tell: 1, 0.5, ... 0.000001, or 1/255; 0 for none."""
    steps = (1.0, 0.5, 0.1, 0.05, 0.01, 0.005, 0.001, 1 / 255, 1 / 256, *_FINE)
    return next((step for step in steps if (np.abs(values / step - np.round(values / step))
                                            < 0.005 + 1.2e-7 * np.abs(values) / step).all()), 0.0)


def _steps(column: Column) -> str:
    step = _step_of(column.values)
    eight_bits = {1 / 255: "1/255 (8 bits)", 1 / 256: "1/256 (8 bits)"}
    return f", in steps of {eight_bits.get(step, f'{step:g}')}," if step else ""


# -- what is missing, or there again


def missing_scores(found: Audited) -> Line:
    """Empty cells and NaN in columns that are there, and single values that seem to stand for them."""
    name = "Missing scores"
    gaps = np.isnan(found.raw[:, found.present])
    absent = np.flatnonzero(~found.present)
    without = f"; no column for {found.named(absent)}, which stay undefined" if len(absent) else ""
    if gaps.all():
        return Line(name, REFUSED, "there is no score at all")
    said = [text for text in (_stand_ins(found), _empty(gaps)) if text]
    if said:
        return Line(name, WARNED, "; ".join(said) + without)
    return Line(name, PASSED, f"every film has a score{without}")


def _empty(gaps: np.ndarray) -> str:
    if not gaps.any():
        return ""
    return (f"{gaps.sum():,} scores of {films(int(gaps.any(axis=1).sum()))} are missing; these films leave those "
            "findings")


def _stand_ins(found: Audited) -> str:
    """Scores that many films have exactly, where the others hardly share any."""
    odd = [column for column in found.values if _stands_in(column)]
    if not odd:
        return ""
    most = max(odd, key=lambda column: column.main[1])
    value, n = most.main
    cut = 0 < value < 1 and value in (most.values[0], most.values[-1])
    where = found.named([column.place for column in odd]) if len(odd) <= MOST_NAMED else f"{len(odd)} findings"
    return (
        f"many films have exactly one score ({display_name(found.findings[most.place])} {value:.4g} on {films(n)}) in "
        f"{where}: does it stand for a missing one{', or were scores cut off there' if cut else ''}? Leave cells "
        "of missing scores empty"
    )


def _stands_in(column: Column) -> bool:
    value, n = column.main
    if len(column.values) <= 2 or column.coarse or n < max(LEAST_STAND_IN, STAND_IN * column.n):
        return False
    others = np.delete(column.counts, column.counts.argmax())
    saturated = value in (0.0, 1.0) and _runs_into(column, value)
    return n > 6 * others.max() and not saturated


def _runs_into(column: Column, end: float) -> bool:
    """Whether scores come so near to 0 or 1 that float32 or float16 could not tell them from it."""
    others = column.values[column.values != end]
    return bool(np.abs(others - end).min() < 1e-6)


def repeated_scores(found: Audited) -> Line:
    """Different films with the same scores of all findings, and findings with the same scores of all films."""
    name = "Repeated scores"
    varied = [column.place for column in found.values if not column.constant]
    scores = np.nan_to_num(found.scores[:, varied], nan=-9.0).clip(-1e6, 1e6)
    twins = _same_columns(found, scores, varied)
    if twins:
        return Line(name, WARNED, f"the same scores under two findings: {twins}")
    known = ~(scores == -9).all(axis=1)
    if len(varied) < LEAST_FINDINGS or not known.any():
        return Line(name, PASSED, "too few findings to tell films by their scores")
    keys = scores[known] @ np.random.default_rng(0).random(len(varied))
    _, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
    n = int(counts[counts > 1].sum())
    if n < max(LEAST_REPEATED, REPEATED * len(keys)) or _coarse_beside(scores[known], counts[place] > 1):
        return Line(name, PASSED, "films have scores of their own")
    many = f", {counts.max():,} of them one and the same" if counts.max() > 2 else ""
    return Line(name, WARNED, f"{films(n)} have scores that another film has too, equal in all findings{many}: are "
                              "these rows stale, filled in or copied?")


def _coarse_beside(scores: np.ndarray, repeated: np.ndarray) -> bool:
    """Whether the other films' scores are rounded, so that films share all of them by chance."""
    rest = scores[~repeated]
    if len(rest) < 30:
        return all(len(np.unique(column)) < 300 for column in scores.T)
    return np.median([len(np.unique(column)) / len(rest) for column in rest.T]) < 0.1


def _same_columns(found: Audited, scores: np.ndarray, places: list[int]) -> str:
    sums = scores.sum(axis=0)
    pairs = [(a, b) for a in range(len(places)) for b in range(a)
             if sums[a] == sums[b] and len(scores) > 5 and np.array_equal(scores[:, a], scores[:, b])]
    return ", ".join(f"{found.named([places[b]])} and {found.named([places[a]])}" for a, b in pairs)


# -- how good, and whether probabilities


def perfect_ranking(found: Audited) -> Line:
    """AUROC too good to be true: labels among the inputs, or as the scores, or films that were trained on."""
    name, columns, areas = "Perfect AUROC", found.columns, found.areas
    if not found.synthetic and (text := _are_labels(found.scores[:, columns], found.labels[:, columns])):
        return Line(name, REFUSED, text)
    enough = (areas.positives >= LEAST_POSITIVE) & ~np.isnan(areas.own)
    best = found.published[columns]
    perfect = [k for k in np.flatnonzero(enough & (areas.own >= PERFECT))
               if areas.own[k] == 1 or _above(found, k, np.fmin(best[k], PERFECT_MACRO)) > 2]
    if len(perfect) and not (found.synthetic and (areas.own[perfect] < 1).all()):
        return Line(name, WARNED, f"too good to be true, are labels among the inputs? {_with_areas(found, perfect, 4)}")
    if found.synthetic:
        return Line(name, PASSED, "no finding is ranked perfectly, which phantoms allow")
    usable, compared = areas.own[enough], not np.isnan(best).all()
    if len(usable) >= 3 and usable.mean() >= PERFECT_MACRO:
        above_all = "is far above anything published for ChestX-ray14" if compared else "is too good to be true"
        return Line(name, WARNED, f"macro AUROC {usable.mean():.3f} {above_all}: are labels among the inputs?")
    above = [k for k in np.flatnonzero(enough) if _above(found, k, best[k] + FAR_ABOVE) > SURELY]
    if above:
        return Line(name, WARNED, "far above the best published for ChestX-ray14, were these films trained on, or are "
                                  f"labels among the inputs? {_with_areas(found, above, 2)}")
    reached = f"no finding reaches {PERFECT}" + (", or is far above the best published" if compared else "")
    return Line(name, PASSED, reached if len(usable) else "too few films to tell")


def _are_labels(scores: np.ndarray, labels: np.ndarray) -> str:
    """Whether there are no more than two scores, and the films with the high one are those with the finding."""
    known = ~np.isnan(scores) & ~np.isnan(labels)
    values = np.unique(scores[known])
    few = known.sum() < LEAST_LABELS or len(values) == 1
    if not 1 <= len(values) <= 2 or (few and not set(values) <= {0, 1}):
        return ""
    high, positive = scores[known] > (values.mean() if len(values) > 1 else 0.5), labels[known] == 1
    if np.array_equal(high, positive):
        return "the scores are the labels themselves, not a network's: this is a table of labels"
    either = int((high | positive).sum())
    if either < LEAST_POSITIVE or (share := int((high & positive).sum()) / either) < SAME_LABELS:
        return ""
    return (f"there are only two scores, and of {either:,} findings that they or the labels name both name "
            f"{share:.0%}: this is a table of labels, not a network's scores")


def _above(found: Audited, k: int, area: float) -> float:
    """Standard errors by which a finding is ranked better than another network that reaches this area would rank it."""
    positives = int(found.areas.positives[k])
    negatives = int((found.areas.labels[:, k] == 0).sum())
    error = max(found.areas.error(k), independent_error(min(area, PERFECT), positives, negatives))
    return float((found.areas.own[k] - area) / error)


def _with_areas(found: Audited, places: np.ndarray | list[int], digits: int) -> str:
    return ", ".join(
        f"{display_name(found.findings[found.columns[k]])} {found.areas.own[k]:.{digits}f}" for k in places[:MOST_SHOWN]
    )


def probabilities(found: Audited) -> Line:
    """Whether scores are as high on average as findings are common: Reliability's question."""
    name = "Probabilities"
    if not found.unit:
        return Line(name, PASSED, "asked only of scores in [0, 1]")
    off = calibration.not_probabilities(found.labels, found.scores, found.findings)
    areas = found.areas
    enough = [i for i, k in enumerate(found.columns) if areas.positives[i] >= LEAST_POSITIVE]
    ratios = np.array([_ratio(areas.labels[:, i], areas.scores[:, i]) for i in enough
                       if found.findings[found.columns[i]] in off])
    if not enough or 2 * len(ratios) < len(enough) or len(ratios) < min(3, len(found.columns)):
        return Line(name, PASSED, "scores are about as high on average as findings are common" if enough
                    else "too few films to tell")
    factor = np.exp(np.abs(np.log(ratios.clip(1e-9))).mean())
    way = "as high" if (ratios > 1).mean() > 0.8 else "as low" if (ratios < 1).mean() > 0.8 else "as high or low"
    return Line(name, NOTED, f"not probabilities, as after weighted training or a change of scale: some {factor:.2g} "
                             f"times {way} as findings are common ({len(ratios)} of {len(enough)} findings); ranks and "
                             "fitted thresholds count, a threshold of 0.5, Brier score and ECE do not")


def _ratio(labels: np.ndarray, scores: np.ndarray) -> float:
    """Mean score over prevalence."""
    known = ~(np.isnan(labels) | np.isnan(scores))
    return float(scores[known].mean() / labels[known].mean())
