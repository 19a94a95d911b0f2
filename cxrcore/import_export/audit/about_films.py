"""The audit's questions about films: which there are, which are missing, and whether they have been seen before."""

from collections.abc import Collection
from dataclasses import dataclass

from cxrcore.import_export.audit.questions import GRAVITY, Line, films
from cxrcore.networks import weights_corpora
from cxrcore.store.audit_marks import NOT_DECLARED, PASSED, REFUSED, WARNED

OF_CHESTXRAY14 = ("nih", "chestmnist", "rsna", "phantom")  # kinds of data sets whose films are its, or stand for them


@dataclass(frozen=True)
class Whole:
    """A set of films that the file's are held against.

    Attributes:
        films: all of it; None where there is none.
        name: for people.
        proven: whether it is a split that was drawn or published, not merely what another import brought.
    """

    films: Collection[str] | None
    name: str = ""
    proven: bool = True


def seen_by(weights_name: str, kind: str) -> Line:
    """Whether the weights that a network started from have seen films of ChestX-ray14, its test films among them.

    Args:
        kind: of the data set; of films of others it is not known.
    """
    name = weights_name.strip()
    if kind not in OF_CHESTXRAY14:
        return Line("Weights", NOT_DECLARED, f"whether the weights '{name}' have seen these films is not known here")
    said = {True: (WARNED, f"the weights '{name}' were trained on films of ChestX-ray14, perhaps on these"),
            False: (PASSED, f"the weights '{name}' have seen no film of ChestX-ray14"),
            None: (NOT_DECLARED, f"what the weights '{name}' were trained on is not known here")}
    return Line("Weights", *said[weights_corpora.has_seen(name)])


def duplicate_films(n_repeated: int, n_contradicting: int, apart: float = 0.0) -> Line:
    """Whether films stand there twice.

    Args:
        n_repeated, n_contradicting: films that stand there more than once; those among them whose scores differ.
        apart: the greatest difference between scores that were taken for the same.
    """
    name = "Duplicate films"
    if n_contradicting:
        return Line(name, REFUSED, f"{_stand(n_contradicting)} more than once, with different scores")
    if n_repeated:
        same = f"scores that differ by {apart:.1g} at most, as where several GPUs share the films" if apart else \
            "the same scores"
        return Line(name, WARNED, f"{_stand(n_repeated)} more than once with {same}; the first row counts")
    return Line(name, PASSED, "each film stands there once")


def unknown_films(n: int, n_unknown: int, example: str) -> Line:
    """Args: films in the file; those that the table does not have, one of which is named."""
    name = "Unknown films"
    if not n_unknown:
        return Line(name, PASSED, f"the table knows all {n:,} films")
    text = f"{n_unknown:,} of {n:,} films are not in the table, such as {example}"
    if n_unknown > n / 2:
        return Line(name, REFUSED, text + ": is it the table of these films?")
    return Line(name, WARNED, text + "; they are left out")


def coverage(held: Collection[str], whole: Whole, n_missing_of_patients: int, n_patients: int) -> Line:
    """Whether films are missing, of a split where one is known, else of the patients that the file has.

    The films of another import prove nothing: they are named, and the patients decide.

    Args:
        held: films of the file.
        n_missing_of_patients: films in the table of the file's patients that the file lacks.
    """
    if whole.films is not None and whole.proven:
        gaps = _gaps(held, whole.films, whole.name)
        return Line("Coverage", WARNED if gaps else PASSED, gaps or f"all {len(whole.films):,} films of {whole.name}")
    state = WARNED if n_missing_of_patients else PASSED
    text = f"no known split has these films; all films of their {n_patients:,} patients are here"
    if n_missing_of_patients:
        text = (f"no known split has these films, and {n_missing_of_patients:,} more films of their {n_patients:,} "
                "patients are not here: a subset, or a split by film")
    if whole.films is not None:
        gaps = _gaps(held, whole.films, whole.name)
        text += f"; {gaps}" if gaps else f"; they are the same films as {whole.name}"
        state = WARNED if gaps else state
    return Line("Coverage", state, text)


def _gaps(held: Collection[str], films: Collection[str], name: str) -> str:
    """What the film sets do not share; empty where they are the same."""
    missing, strangers = len(set(films) - set(held)), len(set(held) - set(films))
    parts = [f"{missing:,} of {len(films):,} films of {name} are missing"] if missing else []
    parts += [f"{strangers:,} films are not of {name}"] if strangers else []
    return "; ".join(parts)


def patient_overlap(n_films: int | None, n_patients: int, between_parts: int = 0) -> Line:
    """Whether patients stand on both sides of a training.

    Args:
        n_films, n_patients: that the declared training list shares with the file, None without a list.
        between_parts: patients that stand in several parts of the file.
    """
    name, leaks = "Patient overlap", []
    if n_films or n_patients:
        leaks.append(f"LEAK: {n_patients:,} of these patients and {n_films:,} of these very films were trained on")
    if between_parts:
        leaks.append(f"{between_parts:,} patient{' has' if between_parts == 1 else 's have'} films in several parts")
    if leaks:
        return Line(name, WARNED, "; ".join(leaks))
    if n_films is None:
        return Line(name, NOT_DECLARED, "no list of training films: whether patients were seen cannot be known")
    return Line(name, PASSED, "no patient of the training list")


def seen_films(thresholds: Line | None, weights: Line | None) -> Line:
    """The declared thresholds and weights, the graver of both."""
    said = [line for line in (thresholds, weights) if line]
    if not said:
        return Line("Seen films", NOT_DECLARED, "neither thresholds nor weights were declared")
    return Line("Seen films", max((line.state for line in said), key=GRAVITY.index),
                "; ".join(line.text for line in said))


def _stand(n: int) -> str:
    return f"{films(n)} stand{'s' if n == 1 else ''}"
