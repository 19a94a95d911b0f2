"""A comparison as a paper prints it: the table in LaTeX, and the paragraph that says how it was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxrcore.charts.dot_rows import row_names
from cxrcore.data.splits import EXTERNAL, PART_WORDS
from cxrcore.measures.intervals.draws import N_DRAWS
from cxrcore.measures.intervals.holm import ALPHA, BETTER, LOWER_IS_BETTER, WORSE
from cxrcore.measures.intervals.intervals import LEVEL, MACRO
from cxrcore.measures.metrics import THRESHOLDED
from cxrcore.queries.comparison import Compared, Contrast
from cxrcore.report.latex import latex_text

_DAGGER = r"\textsuperscript{\dag}"


@dataclass(frozen=True)
class Setting:
    """Where a comparison was measured, in words.

    Attributes:
        data: the data set's name. split, labels: as a group says its split, and whose labels they are.
        part: of `splits.PART_WORDS`.
        title: of the measure, 'AUROC' and the like; measure: its key.
        n_tests: tests of findings and runs in the corrected family.
        repeats: what is said of trainings whose repeats stand there as their mean; '' where single runs do.
    """

    data: str
    split: str
    labels: str
    part: str
    title: str
    measure: str
    n_tests: int
    repeats: str = ""


# -- the table


def latex_table(compared: Sequence[Compared], found: Sequence[Contrast], reference: str, setting: Setting) -> str:
    """A booktabs table: value and half the width of its interval, the best in bold, a dagger where a run differs.

    Args:
        found: the other runs against the reference; none of a single run.
        reference: its run id.
    """
    findings, measure = compared[0].run.findings, setting.measure
    held = [one.found.interval(measure) for one in compared]
    shown = np.round([one.point for one in held], 3)
    sign = -1 if measure in LOWER_IS_BETTER else 1
    with np.errstate(invalid="ignore"):
        best = (sign * shown == np.fmax.reduce(sign * shown)) & (len(compared) > 1)
    differs = {one.one.run.run_id: np.isin(one.words, (BETTER, WORSE)) for one in found}
    nothing = np.zeros(len(findings) + 1, bool)
    rows = []
    for k, name in enumerate(row_names(findings)):
        cells = [_cell(own.point[k], own.low[k], own.high[k], best[run, k], differs.get(one.run.run_id, nothing)[k])
                 for run, (one, own) in enumerate(zip(compared, held, strict=True))]
        rows.append(" & ".join([latex_text(name), *cells]) + r" \\")
    heads = " & ".join(["Finding", *(latex_text(one.run.label) for one in compared)])
    return "\n".join([
        r"% \usepackage{booktabs}", r"\begin{table}", r"\centering",
        rf"\caption{{{_caption(compared, found, reference, setting)}}}",
        rf"\begin{{tabular}}{{l{'c' * len(compared)}}}", r"\toprule", heads + r" \\", r"\midrule", *rows[:MACRO],
        r"\midrule", rows[MACRO], r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])


def _cell(point: float, low: float, high: float, best: bool, differs: bool) -> str:
    if np.isnan(point):
        return "--"
    number = rf"\mathbf{{{point:.3f}}}" if best else f"{point:.3f}"
    spread = "" if np.isnan(low) else rf" \pm {(high - low) / 2:.3f}"
    return f"${number}{spread}${_DAGGER if differs else ''}"


def _caption(compared: Sequence[Compared], found: Sequence[Contrast], reference: str, setting: Setting) -> str:
    first = compared[0].found
    where = latex_text(f"{setting.title} on {first.n_films:,} {PART_WORDS[setting.part]} films of {setting.data}")
    spread = latex_text(f"half the width of the {LEVEL:.0%} interval ({N_DRAWS:,} draws of patients).")
    text = rf"{where}, $\pm$ {spread}"
    if len(compared) > 1:
        text += " Bold: the best of a row."
    if found:
        label = next(one.run.label for one in compared if one.run.run_id == reference)
        text += (rf" \dag: differs from {latex_text(label)}, $p \leq {ALPHA:g}$ after Holm's correction over "
                 f"{setting.n_tests} tests; of macro means over {len(found)}.")
    return f"{text} {latex_text(setting.repeats)}" if setting.repeats else text


# -- the paragraph


def methods_paragraph(compared: Sequence[Compared], found: Sequence[Contrast], reference: str, setting: Setting) -> str:
    """How the numbers came about, for the methods section of a paper: nothing but what is known of these runs."""
    first, findings = compared[0].found, compared[0].run.findings
    names = [one.run.label for one in compared]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    of_patients = f" of {first.n_patients:,} patients" if first.patients_known else ""
    where = (f"films of {setting.data}, another data set than that of training" if setting.part == EXTERNAL else
             f"the {PART_WORDS[setting.part]} part of {setting.data} ({setting.split})")
    shared = ", the same for all networks" if len(compared) > 1 else ""
    said = [f"{listed} {'was' if len(names) == 1 else 'were'} measured on {where}: {first.n_films:,} films"
            f"{of_patients}{shared}.", f"Reference labels: {setting.labels}."]
    said += [setting.repeats] if setting.repeats else []
    said.append(_averaged(compared, setting, len(findings)))
    if setting.measure in THRESHOLDED:
        said.append(_thresholds(compared))
    said.append(_draws(first.patients_known, len(compared), setting.measure))
    if found:
        label = next(one.run.label for one in compared if one.run.run_id == reference)
        said.append(f"Differences to {label} were taken draw by draw. Two-sided p-values rest on the standard error of "
                    f"these differences and a normal distribution; Holm's correction was applied over the "
                    f"{setting.n_tests} tests of findings and networks, and over {len(found)} "
                    f"{'test' if len(found) == 1 else 'tests'} of macro means. Differences with corrected p of at most "
                    f"{ALPHA:g} are called significant.")
    return " ".join(said)


def _averaged(compared: Sequence[Compared], setting: Setting, n: int) -> str:
    outs = [one.found.interval(setting.measure).n_excluded for one in compared]
    counts = sorted({n - out for out in outs})
    inside = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    rest = "" if counts == [n] else f" of {n}, those for which it is defined"
    return (f"{setting.title} was computed for each finding, and its unweighted (macro) mean over {inside} "
            f"findings{rest}.")


def _thresholds(compared: Sequence[Compared]) -> str:
    alike: dict[str, list[str]] = {}
    for one in compared:
        where = one.run.fitted_in_words(one.source.part) if one.source.part else ""
        alike.setdefault(f"{one.source.in_words}{f' ({where})' if where else ''}", []).append(one.run.label)
    if len(alike) == 1:
        return f"Thresholds, one for each finding and network: {next(iter(alike))}."
    return "Thresholds, one for each finding and network: " + "; ".join(
        f"{words} ({', '.join(names)})" for words, names in alike.items()) + "."


def _draws(patients_known: bool, n_runs: int, measure: str) -> str:
    edge = (1 - LEVEL) / 2
    units = ("patients with all their films" if patients_known else
             "single films, since the patients are not known, which makes intervals too narrow")
    drawn = f"{N_DRAWS:,} bootstrap draws of {units}{', the same for all networks' if n_runs > 1 else ''}"
    if measure == "ece":  # see `intervals`
        return (f"Chance can only add to ECE, so its {100 * LEVEL:.0f} % confidence interval reaches down by what "
                f"chance adds and up by the standard error, both from {drawn}.")
    return (f"{100 * LEVEL:.0f} % confidence intervals are the percentiles {100 * edge:.1f} and {100 * (1 - edge):.1f} "
            f"of {drawn}.")
