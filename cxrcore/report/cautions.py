"""What a report says of its films and thresholds, in the pages' words: where numbers stand, and what to beware of."""

from collections.abc import Sequence

from cxrcore.queries.comparison import Compared
from cxrcore.queries.curves import DrawnRun, sources_in_words
from cxrcore.report.contents import Contents
from cxrcore.store.audit_marks import told_once

SAME_FILMS = "Thresholds were fitted on the films that they are read on, which flatters."
OTHER_FILMS = ("These runs were measured on different films: small differences between their curves may come from "
               "the films.")


def of_leaderboard(contents: Contents) -> list[str]:
    """What to beware of in the macro means, a line each."""
    first, said = contents.compared[0].found, []
    short = [one.run.label for one in contents.compared if one.run.labels.is_shipped
             and one.run.parts[contents.part]["n"] > first.n_films]
    if short:
        said.append(f"Measured on more films, of which only the {first.n_films:,} shared ones count in leaderboard "
                    f"and tables: {', '.join(short)}. Curves, boards and subgroups stand on each run's own films.")
    if unfitted := _unfitted(contents.compared):
        said.append(f"No validation predictions to fit thresholds on, so they stand at 0.5: {unfitted}.")
    if any(one.source.part == contents.part for one in contents.compared):
        said.append(SAME_FILMS)
    return said + of_imports(contents)


def of_imports(contents: Contents) -> list[str]:
    """What the audit warned of, a line each run."""
    warned = {one.run.label: marks for one in contents.compared
              if (marks := contents.group.warned.get(one.run.run_id))}
    return [f"The import of {label} was warned of. {'; '.join(lines)}." for label, lines in told_once(warned).items()]


def of_curves(measured: Sequence[DrawnRun]) -> list[str]:
    """The films of each run's curves, flagged where they are not the same."""
    said = [sources_in_words(measured, None)]
    return said + [OTHER_FILMS] * (len({one.data.films for one in measured}) > 1)


def of_board(contents: Contents) -> str:
    """Which value to quote of what is read on the board."""
    if contents.part == "val":
        return ("Thresholds are fitted on validation films, and these are validation films: what is read here "
                "flatters the runs. The value to quote is one that is read on test films.")
    said = ("A threshold that is set while looking at test films flatters the run: the value to quote is the one "
            "fitted on validation.")
    unfitted = _unfitted(contents.compared)
    return f"{said} Nothing was there to fit on, so at first thresholds stand at 0.5: {unfitted}." if unfitted else said


def _unfitted(compared: Sequence[Compared]) -> str:
    return ", ".join(one.run.label for one in compared if one.source.part is None)
