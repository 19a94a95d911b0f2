"""Small maps of a few test films, kept beside a run: a page shows with them where it looked, without the network."""

import logging
from pathlib import Path

import numpy as np
from PIL import Image

from cxrcore.data.files.replace_file import replacing
from cxrcore.data.pixels.prepared import PreparedPixels
from cxrcore.errors import WorkbenchError
from cxrcore.explain import map_check
from cxrcore.explain.map_check import MapCheck
from cxrcore.explain.methods import GRAD_CAM
from cxrcore.networks.checkpoint_source import Source
from cxrcore.store import Predictions, Store
from cxrcore.store.run_folder import BEST, HOME_MAPS

N_FILMS = 3
SIDE = 28  # cells a side of a kept map: as fine as the networks' own

_LOG = logging.getLogger(__name__)


def keep(store: Store, source: Source, pixels: PreparedPixels, tested: Predictions | None) -> None:
    """Explain a few of the films that a run's best checkpoint was tested on, unless they are explained already.

    The file holds image_ids (n,), findings (k,) of the network, maps uint8 (n, k, SIDE, SIDE) over what it looked at,
    scores float32 (n, k) and the checkpoint's sha256.

    Args:
        pixels: that hold the films, at the network's size.
        tested: the test films and their scores; None where there are none.
    """
    if tested is None or source.name != BEST:
        return
    path = store.run_folder(source.run_id) / HOME_MAPS
    try:
        films = [one for one in telling_films(tested) if one in pixels.row_of]
        if not films or _is_current(path, source.sha256):
            return
        check = map_check.kept_check(path.parent, source.sha256, source.model, source.checkpoint)
        if check.why_off:
            path.unlink(missing_ok=True)  # of an older checkpoint
            return
        _make(path, source, pixels, films, check)
    except (WorkbenchError, OSError, RuntimeError) as error:  # a run is worth keeping without them
        _LOG.warning(f"no maps were kept for the page Home: {error}")


def telling_films(found: Predictions) -> list[str]:
    """The films, at most `N_FILMS`, that stand out most by the score of a finding that they have; each by another one.

    How far a score stands out is told in standard deviations from the mean of its finding, so that rare findings count.
    """
    apart = found.scores - np.nanmean(found.scores, axis=0)
    spread = np.nanstd(found.scores, axis=0)
    apart = np.where((found.labels == 1) & (spread > 0), apart / np.where(spread > 0, spread, 1), -np.inf)
    films: list[str] = []
    while len(films) < N_FILMS and np.nanmax(apart, initial=-np.inf) > -np.inf:
        row, k = np.unravel_index(np.nanargmax(apart), apart.shape)
        films.append(str(found.image_ids[row]))
        apart[row], apart[:, k] = -np.inf, -np.inf
    return films


def _is_current(path: Path, sha256: str) -> bool:
    try:
        with np.load(path, allow_pickle=False) as held:
            return str(held["checkpoint"]) == sha256
    except (OSError, ValueError, KeyError):
        return False


def _make(path: Path, source: Source, pixels: PreparedPixels, films: list[str], check: MapCheck) -> None:
    loaded = source.checkpoint
    explainer = map_check.explainer_of(source.model, loaded, check)
    maps, scores = [], []
    for film in pixels.pixels[pixels.rows(films)]:
        found = explainer.explain(np.asarray(film), loaded.findings, GRAD_CAM)
        maps.append([_small(one) for one in found.placed()])
        scores.append(found.scores)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial, open(partial, "wb") as file:
        np.savez_compressed(file, image_ids=np.array(films), findings=np.array(loaded.findings),
                            maps=np.array(maps, np.uint8), scores=np.array(scores, np.float32),
                            checkpoint=np.array(source.sha256))


def _small(heat: np.ndarray) -> np.ndarray:
    """uint8 (SIDE, SIDE) of a map in [0, 1]."""
    small = Image.fromarray(heat.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BOX)
    return (np.asarray(small).clip(0, 1) * 255 + 0.5).astype(np.uint8)
