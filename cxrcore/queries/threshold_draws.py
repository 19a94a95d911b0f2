"""How sure a fitted threshold is: fitted anew in every draw of the patients whose films it was fitted on."""

from cxrcore.data.splits import PART_WORDS
from cxrcore.errors import ResamplingError
from cxrcore.measures.intervals.draws import N_DRAWS, Draws, patient_draws
from cxrcore.measures.intervals.intervals import PATIENTS_UNKNOWN, Resampled, resample
from cxrcore.measures.intervals.scored_films import of_findings
from cxrcore.queries import from_store
from cxrcore.queries.board_state import BoardState
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.from_store import Labelled
from cxrcore.queries.kept import kept
from cxrcore.queries.threshold_sets import SourcedSet, warnings_of
from cxrcore.store import Store

OBJECTIVE = "max_f1"  # what is fitted anew in the draws
MEASURE = "fitted_threshold"
SEED = 0


def fit_in_draws(run: Evaluated, state: BoardState, finding: str) -> SourcedSet | None:
    """The set that a finding's threshold was fitted with, where it can be fitted anew in draws."""
    derived = dict(run.labels.derived)
    made = state.own.get(finding, state.base)
    fitted = made.objective == OBJECTIVE and made.part in run.parts and finding not in derived
    return made if fitted and "not_fitted" not in warnings_of(made, finding) else None


def in_words(store: Store, run: Evaluated, made: SourcedSet, finding: str) -> tuple[str, str]:
    """'fitted threshold 0.31, 95 % of patient draws: 0.22 to 0.41.', and what that means.

    Args:
        run: that the set is of.
        made: of `fit_in_draws`.
    """
    said = f"fitted threshold {made.thresholds[run.findings.index(finding)]:.3g}"
    meaning = (f"The threshold of the greatest F1, fitted anew in {N_DRAWS:,} draws of the patients of "
               f"{PART_WORDS.get(made.part, made.part)}. A wide range: other patients of the same kind would have put "
               "it elsewhere.")
    try:
        found = _in_draws(store, run.read_own(str(made.part)), finding)
    except ResamplingError as error:
        return f"{said}. No range: {error}.", meaning
    interval = found.interval(MEASURE)
    said += f", 95 % of patient draws: {interval.low[0]:.3g} to {interval.high[0]:.3g}."
    if not found.patients_known:
        said += f" {PATIENTS_UNKNOWN.capitalize()}."
    elif found.rare[0]:
        said += f" Only {found.n_positive[0]} films with it: the range may be too narrow."
    return said, meaning


@kept(256)
def _in_draws(store: Store, of: Labelled, finding: str) -> Resampled:
    """One finding at a time: of 25,596 films some 50 ms, so that nobody waits for the others."""
    films = of_findings(from_store.predictions(store, of), (finding,))
    return resample(films, draws_of(store, of), (MEASURE,))


@kept(4)  # of 25,596 films 6 MB
def draws_of(store: Store, of: Labelled) -> Draws:
    """Draws of the patients of some predictions; shared by all readers.

    Raises:
        ResamplingError: fewer than two patients.
    """
    films = from_store.predictions(store, of)
    return patient_draws(films.patient_ids, films.image_ids, N_DRAWS, SEED)
