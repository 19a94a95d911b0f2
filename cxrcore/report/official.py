"""scripts/report.py --table official: the architectures on NIH's official split, with both spreads.

Published rows are those of `published` on the same split: a paper's own table. They have neither interval nor seeds.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cxrcore.charts.dot_rows import row_names
from cxrcore.config import ReportConfig, default_store
from cxrcore.data.files.csv_file import csv_text
from cxrcore.data.files.replace_file import replacing
from cxrcore.errors import DataError, RunError, UsageError
from cxrcore.evaluation import published
from cxrcore.evaluation.published import PublishedResult
from cxrcore.measures.intervals.draws import N_DRAWS
from cxrcore.measures.intervals.intervals import MACRO
from cxrcore.queries.repeats.official import OfficialTable, read_official
from cxrcore.report.latex import latex_text
from cxrcore.store import Store

_LOG = logging.getLogger(__name__)  # scripts print what it says

MEASURE = "auroc"
_READ = (f"Over patients: the central 95 % of {N_DRAWS:,} draws of patients, of the mean of a network's runs: how far "
         "other patients would move it. Over seeds: the standard deviation of its runs: how far another seed moves "
         "one. Neither holds the other.")
_PUBLISHED = ("Published rows were measured on the same test list; labels, size of the films and training are their "
              "authors', and neither interval nor seeds were published. Results on other splits do not stand here: "
              "test films alone make 0.02 to 0.03.")


@dataclass(frozen=True)
class Row:
    """One network, or a published result: (k + 1,) each, the findings and, last, their mean; NaN where not known.

    Attributes:
        name: of the network. runs, seeds, source: of ours the runs' seeds, of others where they can be read.
        mean, low, high, sd: AUROC, its interval over patients and its standard deviation over seeds.
    """

    name: str
    runs: int
    seeds: str
    run_ids: str
    source: str
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sd: np.ndarray


def write_table(config: ReportConfig) -> None:
    """Print the tables of a store, and write them where --out names a file.

    Raises:
        RunError: no run may stand there; the text says why of each. DataError: the file cannot be written.
        UsageError: --out names neither a .csv nor a .tex. StoreError: the store cannot be read.
    """
    out, form = _out(config.out)
    store = Store(config.store or default_store())
    tables, left_out = read_official(store, config.run or ())
    reasons = [f"left out: {name}: {why}" for name, why in left_out.items()]
    if not tables:
        for line in reasons:
            _LOG.info(line)
        raise RunError(f"no run of {store.key} was trained on the official split, selected on validation and evaluated "
                       "on its test films: python scripts/train.py --arch all --split official --seeds 3 makes some")
    for table in tables:
        for line in in_words(table):
            _LOG.info(line)
    for line in reasons:
        _LOG.info(line)
    if out is not None and form is not None:
        _write(out, form(tables))


def _out(wanted: str) -> tuple[Path | None, Callable[[Sequence[OfficialTable]], str] | None]:
    """Where to write and how; nothing where --out was not given."""
    if wanted == ReportConfig.out:
        return None, None
    out = Path(wanted)
    forms = {".csv": as_csv, ".tex": as_latex}
    if out.suffix.lower() not in forms:
        raise UsageError(f"--out {wanted}: a table is written as .csv or .tex")
    if out.exists() and not out.is_file():
        raise DataError(f"{out} is no plain file")
    return out, forms[out.suffix.lower()]


def _write(out: Path, text: str) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with replacing(out) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror}") from None
    _LOG.info(f"written: {out}")


# -- rows


def rows_of(table: OfficialTable) -> list[Row]:
    """The networks, and below them what is published on the same split."""
    made = []
    for one in table.found:
        spread, interval = one.spread(MEASURE), one.mean.found.interval(MEASURE)
        made.append(Row(one.training.name, len(one.members), ", ".join(one.training.seeds),
                        ", ".join(one.training.run_ids), "this store", spread.mean, interval.low, interval.high,
                        spread.sd))
    findings = table.found[0].mean.run.findings
    return made + [_published(one, findings) for one in published.results() if one.split == published.OFFICIAL]


def _published(one: PublishedResult, findings: Sequence[str]) -> Row:
    nothing = np.full(len(findings) + 1, np.nan)
    return Row(f"{one.name} ({one.network})", 0, "", "", one.source, one.of(findings), nothing, nothing, nothing)


# -- as text


def in_words(table: OfficialTable) -> list[str]:
    """The lines that are printed: two tables, and how they are read."""
    rows, first = rows_of(table), table.found[0].mean
    n, patients = first.found.n_films, first.found.n_patients
    lines = [f"{table.title}, official split ({table.draw.lower()}), epochs selected on validation: AUROC on {n:,} "
             f"test films of {patients:,} patients; labels: {table.label_source}", ""]
    lines += _aligned([["network", "runs", "macro AUROC", "95 % over patients", "sd over seeds"], *(
        [one.name, str(one.runs or "–"), _number(one.mean[MACRO]), _span(one.low[MACRO], one.high[MACRO]),
         _number(one.sd[MACRO])] for one in rows)])
    names = row_names(first.run.findings)
    lines += ["", *_aligned([["finding", *(one.name for one in rows)], *(
        [name, *(_with_spread(one, k) for one in rows)] for k, name in enumerate(names))]), ""]
    lines += [_READ, _PUBLISHED, *(f"{one.name}: {one.source}" for one in rows if not one.runs)]
    if n != published.OFFICIAL_FILMS:
        lines.append(f"NIH's test list holds {published.OFFICIAL_FILMS:,} films, of which {n:,} were measured here: "
                     "published rows are of other films.")
    if not first.found.patients_known:
        lines.append("The table names no patients, so films were drawn one by one: intervals are too narrow.")
    if table.missing:
        lines.append(f"No such run of: {', '.join(table.missing)}.")
    return [*lines, ""]


def _aligned(cells: Sequence[Sequence[str]]) -> list[str]:
    """Columns of one width each, the first to the left."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(text.ljust(width) if place == 0 else text.rjust(width) for place, (text, width) in enumerate(
        zip(row, widths, strict=True))).rstrip() for row in cells]


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}"


def _span(low: float, high: float) -> str:
    return "–" if np.isnan(low) else f"{low:.3f} to {high:.3f}"


def _with_spread(one: Row, k: int) -> str:
    return _number(one.mean[k]) + ("" if np.isnan(one.sd[k]) else f" ± {one.sd[k]:.3f}")


# -- as files


def as_csv(tables: Sequence[OfficialTable]) -> str:
    """A row a network and finding, exact numbers."""
    frames = []
    for table in tables:
        first = table.found[0].mean
        for one in rows_of(table):
            ours: Mapping[str, object] = {"films": first.found.n_films, "patients": first.found.n_patients,
                                          "selected_on": "validation"} if one.runs else {
                "films": published.OFFICIAL_FILMS, "patients": None, "selected_on": None}
            frames.append(pd.DataFrame({
                "network": one.name, "source": one.source, "split": published.OFFICIAL, "draw": table.draw,
                "runs": one.runs or None, "seeds": one.seeds, "run_ids": one.run_ids,
                "finding": row_names(first.run.findings), "auroc": one.mean, "low_over_patients": one.low,
                "high_over_patients": one.high, "sd_over_seeds": one.sd, **ours}))
    return csv_text(pd.concat(frames, ignore_index=True))


def as_latex(tables: Sequence[OfficialTable]) -> str:
    """A booktabs table each: a row a network, then the findings a row each."""
    return "\n".join([r"% \usepackage{booktabs}", *(line for table in tables for line in _latex(table))])


def _latex(table: OfficialTable) -> list[str]:
    rows, first = rows_of(table), table.found[0].mean
    names = row_names(first.run.findings)
    caption = latex_text(f"AUROC on {first.found.n_films:,} test films of {table.title}, official split, epochs "
                         f"selected on validation. Intervals: 95 % over patients ({N_DRAWS:,} draws); ± standard "
                         "deviation over seeds. " + " ".join(
                             f"{one.name}: {one.source}." for one in rows if not one.runs))
    macro = [_line([latex_text(one.name), str(one.runs or "--"), _in_math(one, MACRO), _span(
        one.low[MACRO], one.high[MACRO]).replace("–", "--")]) for one in rows]
    each = [_line([latex_text(name), *(_in_math(one, k) for one in rows)]) for k, name in enumerate(names)]
    heads = _line(["Finding", *(latex_text(one.name) for one in rows)])
    return [r"\begin{table}", r"\centering", rf"\caption{{{caption}}}", r"\begin{tabular}{lccc}", r"\toprule",
            r"Network & Runs & Macro AUROC & 95 \% interval \\", r"\midrule", *macro, r"\bottomrule", r"\end{tabular}",
            "", r"\medskip", rf"\begin{{tabular}}{{l{'c' * len(rows)}}}", r"\toprule", heads, r"\midrule",
            *each[:MACRO], r"\midrule", each[MACRO], r"\bottomrule", r"\end{tabular}", r"\end{table}", ""]


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _in_math(one: Row, k: int) -> str:
    if np.isnan(one.mean[k]):
        return "--"
    return f"${one.mean[k]:.3f}" + ("$" if np.isnan(one.sd[k]) else rf" \pm {one.sd[k]:.3f}$")
