"""From a checkpoint to the scores of films.

Knows the network; nothing of the store, of the command line (see `evaluate_run`) and of metrics (see
`measure_predictions`).
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from cxrcore.data.films import FilmSet
from cxrcore.data.pixels.prepared import PreparedPixels
from cxrcore.evaluation.split_parts import chosen_rows
from cxrcore.findings import align
from cxrcore.networks.checkpoint_source import Source
from cxrcore.networks.prediction import predict
from cxrcore.store.waiting import ScoredPart


def score_splits(
    source: Source,
    films: FilmSet,
    pixels: PreparedPixels,
    parts: Mapping[str, np.ndarray],
    at_most: int | None,
    on_batch: Callable[[int], None] = lambda n: None,
    batch_size: int = 64,
    views: int = 1,
) -> tuple[ScoredPart, ...]:
    """Predict each part.

    The scores stand in the order of the films' findings: those that the network does not know have none, and what the
    network knows besides is not kept, since nothing here could measure it.

    Args:
        parts: name -> table rows on disk.
        at_most: films of each part; fewer than there are marks the set as a subset.
        on_batch: told the number of films after each batch.
        views: of each film, whose scores are averaged; more than 1 is kept with the set's number format.
    """
    scored = []
    chosen = chosen_rows(films, parts, at_most)
    for name, rows in chosen.items():
        readable = _readable(films, rows, pixels)
        n_expected = len(readable) + len(parts[name]) - len(rows)
        scores = predict(source.model, source.checkpoint.spec, pixels.pixels, pixels.rows(readable), batch_size,
                         on_batch, views)
        pixels.confirm()
        scored.append(ScoredPart(
            name, np.asarray(readable), _in_order(scores, source.checkpoint.findings, films.table.findings),
            source.name, source.sha256, n_expected, "fp32" if views == 1 else f"fp32, mean of {views} views"))
    return tuple(scored)


def _in_order(scores: np.ndarray, given: Sequence[str], findings: Sequence[str]) -> np.ndarray:
    """Columns of one list in the order of another; NaN for what the first does not have."""
    if tuple(given) == tuple(findings):
        return scores
    known = [name for name in given if name in findings]
    return align(known, scores[:, [list(given).index(name) for name in known]], findings)


def _readable(films: FilmSet, rows: np.ndarray, pixels: PreparedPixels) -> list[str]:
    return [image_id for image_id in films.image_ids(rows) if image_id in pixels.row_of]
