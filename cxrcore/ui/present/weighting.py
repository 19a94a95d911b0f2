"""The slide on weighting: what another loss does to recall and to probabilities."""

import json
from collections.abc import Sequence

import numpy as np
import streamlit as st

from cxrcore import config
from cxrcore.charts.look import architecture_label, run_styles
from cxrcore.charts.reliability import ShownReliability as Reliable
from cxrcore.charts.reliability import in_figures, reliability_chart
from cxrcore.findings import display_name
from cxrcore.measures.metrics import macro
from cxrcore.measures.thresholds.positions import counts_at
from cxrcore.networks.architectures import ARCHITECTURES
from cxrcore.queries import from_store, reliability, run_groups
from cxrcore.queries.class_lesson import Lesson, NothingToShow
from cxrcore.queries.evaluated_runs import evaluated
from cxrcore.queries.loss_pairs import FILMS, LOSS_WORDS, PLAIN, Trained, alike, differing, flags
from cxrcore.ui import widgets
from cxrcore.ui.present.stage import chart, headline


def weights(lesson: Lesson) -> None:
    """One architecture trained with the plain loss and with others: recall at 0.5 against calibration."""
    runs = _by_loss(lesson)
    rows, reliable = [], []
    read = reliability.reliability_reader(lesson.store, None)
    styles = run_styles((one.run.run_id for one in runs), lesson.places)
    fullest = int(np.argmax([len(one.positives) for one in lesson.scores]))  # bins, that is
    finding = lesson.wanted if lesson.wanted in lesson.findings else lesson.findings[fullest]
    for one in runs:
        run, name = one.run, LOSS_WORDS[one.loss]
        at = counts_at(from_store.sorted_scores(lesson.store, run.read(lesson.part)), lesson.half)
        measured = read(run, lesson.part)
        if measured is None:  # only where a calibrator would be needed, and has nothing to be fitted on
            continue
        ece = macro(np.array([one.ece for one in measured.findings.values()]))[0]
        rows.append((name, macro(at.recall)[0], macro(at.precision)[0], macro(at.f1)[0], ece))
        reliable.append(Reliable(name, styles[run.run_id], measured.findings[finding]))
    plain, other = rows[0], max(rows[1:], key=lambda row: row[1])
    headline(f"{other[0].capitalize()}: recall {plain[1]:.2f} → {other[1]:.2f}, calibration error "
             f"{plain[4]:.2f} → {other[4]:.2f}")
    left, right = st.columns([1, 1], gap="medium")
    with left:
        st.subheader(f"{widgets.escape(architecture_label(runs[0].architecture))}, at 0.5, macro means", anchor=False)
        st.markdown(_table(rows))
        st.markdown("ECE, expected calibration error: how far scores lie from the share of films that have the "
                    "finding; 0 is best. " + _reading(differing(runs)))
    with right:
        chart(reliability_chart(finding, reliable, True), "weights",
              f"Reliability of {display_name(finding)}: on the dotted line, scores are probabilities", 11.6,
              title=False)
        widgets.legend([(one.name, one.style) for one in reliable])


def weights_ahead(lesson: Lesson) -> None:
    """What `weights` reads, for those who come to it next."""
    read = reliability.reliability_reader(lesson.store, None)
    for one in _by_loss(lesson):
        read(one.run, lesson.part)


def _reading(others: Sequence[str]) -> str:
    """What the pair teaches, or why it does not tell what the loss did."""
    if others:
        return f"**Not the loss alone:** these runs also differ in {', '.join(others)}, which may be what is seen here."
    return ("A weighted loss shifts all scores up. **Moving the threshold raises recall too, and keeps the "
            "probabilities.**")


def _by_loss(lesson: Lesson) -> list[Trained]:
    """Runs of several losses that are as much alike as there are, the plain one first.

    Raises:
        NothingToShow: no architecture has several losses.
    """
    trained = _trained(lesson)
    if runs := alike(trained):
        return runs
    row = lesson.row(lesson.run)
    own = next((one for one in trained if one.run.run_id == lesson.run.run_id), None)
    wanted = [f"--arch {row['architecture']}"] if row["architecture"] in ARCHITECTURES else []
    wanted += [f"--loss {'pos_weight' if own is None or own.loss == PLAIN else PLAIN}"]
    wanted += [flags(own.settings)] if own else []
    data = "python scripts/train.py --data chestmnist" if lesson.kind == "chestmnist" else config.TRAIN_COMMAND
    raise NothingToShow("This takes two runs of one architecture on the same split, one with the plain loss (bce) and "
                        "one with another. A second run of this one:", " ".join([data, *filter(None, wanted)]))


def _trained(lesson: Lesson) -> list[Trained]:
    """The group's runs that were trained here, the focus first, then those of its architecture, each best first.

    All of them: the partner of a good run may be too poor to be among those that the other slides show.
    """
    focus, part = lesson.row(lesson.run), lesson.part
    runs = lesson.overview.runs.set_index("run_id", drop=False)
    rows = runs.loc[lesson.group.table.index if lesson.group is not None else []]
    rows = rows[(rows["kind"] == "trained") & rows["loss"].isin(LOSS_WORDS)]
    found = evaluated(rows, lesson.overview, run_groups.run_labels(lesson.overview.runs), part)
    trained = [Trained(run, row.architecture, row.loss,
                       json.loads(row.config or "{}") | {FILMS: int(run.parts[part]["n"])})
               for run, row in zip(found, rows.itertuples(), strict=True) if part in run.parts]
    return sorted(trained, key=lambda one: (one.run.run_id != focus["run_id"],
                                            one.architecture != focus["architecture"]))


def _table(rows: Sequence[tuple[str, float, float, float, float]]) -> str:
    lines = ["| Loss | Recall | Precision | F1 | ECE |", "|---|--:|--:|--:|--:|"]
    return "\n".join(lines + [f"| {name} | {recall:.2f} | {precision:.2f} | {f1:.2f} | {in_figures(ece)} |"
                              for name, recall, precision, f1, ece in rows])
