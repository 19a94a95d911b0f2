"""The networks that the Explain page runs: loaded once, asked by all sessions in turns, one film at a time."""

import contextlib
import functools
import hashlib
import importlib
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from zipfile import BadZipFile

import numpy as np
from PIL import Image, ImageDraw

from cxrcore.charts.film_viewer import payload
from cxrcore.data.files import bounded_file
from cxrcore.errors import CheckpointError, DataError, WorkbenchError
from cxrcore.explain import overlay as overlays
from cxrcore.explain.freed_memory import given_back_once_freed
from cxrcore.explain.small_maps import SmallMaps
from cxrcore.explain.waiting_line import WaitingLine, nobody
from cxrcore.queries.kept import Kept
from cxrcore.store import Store
from cxrcore.store.lost_file import why_missing
from cxrcore.store.run_folder import BEST, INPUT_CHECK

LARGEST, SMALL = 1024, 384  # long side of a drawn film, pixels
STRONGEST = 65  # % of full colour, of the hottest place
COLOURS = tuple(overlays.COLOURS)


if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from cxrcore.explain.map_check import MapCheck
    from cxrcore.explain.maps import Explainer, Explanation
    from cxrcore.networks.batches import InputSpec
    from cxrcore.networks.input_check.familiarity import Checked, InputCheck

MODELS = 6  # networks kept in memory: as many as one page shows side by side
WEIGHTS = 650_000_000  # bytes of their files together: VGG16, or ViT-B/16, and all others of the six
MAPS = 32  # explanations kept, 1.4 MB each at 224 pixels: five methods of six networks on one film, and two more
LINE = WaitingLine()  # of all visitors whose films networks look at


_LOADING: Kept[threading.Thread] = Kept(MODELS)
_ONE_AT_A_TIME = threading.Lock()  # else several on their way would be in memory before the first makes room


def begin_loading(store: Store, run_ids: Sequence[str], after: float = 0.0) -> threading.Thread:
    """Start loading what runs networks, seconds long, and these networks, while the person still chooses a film.

    The thread has ended when they are there.

    Args:
        after: seconds that torch waits where it is still to be imported, for what is on its way to the browser: nothing
            else in this process goes on well meanwhile.
    """
    def load() -> None:
        if "torch" not in sys.modules:
            time.sleep(after)
        importlib.import_module("cxrcore.explain.maps")
        for run_id in run_ids:
            with contextlib.suppress(WorkbenchError):  # said when the network is asked
                load_network(store, run_id)

    def begin() -> threading.Thread:
        loading = threading.Thread(target=load, daemon=True)
        loading.start()
        return loading

    return _LOADING.get((store.key, *run_ids), begin)


@dataclass(frozen=True)
class Loaded:
    """A run's network as it was loaded; what it is stays known when its weights had to give way to another's.

    Attributes:
        file: of the checkpoint, with the time and size that it had.
        image_size: pixels a side that it takes.
        findings: k names, of its outputs.
        has_check: whether the run has an input check of this checkpoint.
        measured: the check's own rates of false alarms and misses, in words.
        maps: what is known of its maps, and why they are off if they are.
    """

    file: "CheckpointFile"
    architecture: str
    image_size: int
    findings: tuple[str, ...]
    has_check: bool
    measured: str
    maps: "MapCheck"

    @property
    def key(self) -> str:
        """Changes with the checkpoint."""
        return "|".join(map(str, self.file))

    @property
    def is_held(self) -> bool:
        """Whether its weights are in memory."""
        return _NETWORKS.holds(self.file)

    def network(self) -> "Network":
        """It with its weights, which are read again where they gave way.

        Raises:
            CheckpointError: the file is gone, or another one now.
        """
        return _network_of(self.file)


@dataclass(frozen=True)
class Network:
    """What is asked of films; holds the weights.

    Attributes:
        loaded: what it is.
        checked: says whether a film, uint8 (S, S), looks like those that the run was trained on; None without a check.
    """

    loaded: Loaded
    explainer: "Explainer"
    checked: "Callable[[np.ndarray], Checked] | None"


@dataclass(frozen=True)
class Explained:
    """One film explained by one network.

    Attributes:
        findings: of the maps; none where one map serves all.
        maps: float16 (k, S, S), over what the network looked at, each in [0, 1].
        small: the same maps as the few cells that they are stretched from.
        energy: float32 (k,).
        logits, scores: float32 (k,), of the network's findings.
        off: why there are no maps, which are then empty; "" where there are.
    """

    findings: tuple[str, ...]
    maps: np.ndarray
    small: SmallMaps
    energy: np.ndarray
    logits: np.ndarray
    scores: np.ndarray
    off: str = ""

    def of(self, finding: str) -> tuple[np.ndarray, float]:
        """A finding's map, float32 (S, S), and its energy."""
        place = self.findings.index(finding) if self.findings else 0
        return self.maps[place].astype(np.float32), float(self.energy[place])


def checkpoint_of(store: Store, run_id: str) -> Path:
    """The run's best checkpoint.

    Raises:
        CheckpointError: there is none.
    """
    path = store.run_file(run_id, BEST)
    if path is None:
        raise CheckpointError(f"this run has no checkpoint ({BEST}), so it cannot score a film: "
                              f"{why_missing(store, run_id)}")
    return path


def load_network(store: Store, run_id: str) -> Loaded:
    """The run's network, loaded once.

    Raises:
        CheckpointError: no checkpoint, or one that breaks the contract.
    """
    file = CheckpointFile.of(checkpoint_of(store, run_id))
    return _LOADED.get(file, lambda: _network_of(file).loaded)


def is_loaded(store: Store, run_id: str) -> bool:
    """Whether `load_network` would answer at once."""
    path = store.run_file(run_id, BEST)
    return path is not None and _LOADED.holds(CheckpointFile.of(path))


class CheckpointFile(NamedTuple):
    """A checkpoint's file, which is replaced and never changed."""

    path: str
    mtime_ns: int
    size: int

    @classmethod
    def of(cls, path: Path) -> "CheckpointFile":
        """As it is now."""
        stat = path.stat()
        return cls(str(path), stat.st_mtime_ns, stat.st_size)


_NETWORKS: Kept[Network] = Kept(MODELS, weigh=lambda file: file.size, share=WEIGHTS)
_LOADED: Kept[Loaded] = Kept(64)  # without weights, of the networks that were asked last


def _network_of(file: CheckpointFile) -> Network:
    with contextlib.nullcontext() if _NETWORKS.holds(file) else _ONE_AT_A_TIME:
        return _NETWORKS.get(file, lambda: _read_network(file))


def _read_network(file: CheckpointFile) -> Network:
    from cxrcore.explain import map_check
    from cxrcore.networks import checkpoint as checkpoints  # needs torch
    from cxrcore.networks.prediction import default_device

    path = Path(file.path)
    with given_back_once_freed():
        held = checkpoints.load_checkpoint(path)
        model = held.model_over_state().to(default_device())
    sha256 = _sha256(file)
    if not path.exists() or CheckpointFile.of(path) != file:
        raise CheckpointError("the run's checkpoint was replaced or removed just now: load the page again")
    check = _check_of(path.parent, sha256)
    maps = map_check.kept_check(path.parent, sha256, model, held)
    loaded = Loaded(file, held.architecture, held.image_size, held.findings, check is not None,
                    check.describe() if check else "", maps)
    return Network(loaded, map_check.explainer_of(model, held, maps), _asking(check, model, held.spec))


@functools.lru_cache(64)  # of half a GB it takes as long as reading it
def _sha256(file: CheckpointFile) -> str:
    from cxrcore.networks import checkpoint

    return checkpoint.sha256(Path(file.path))


def _check_of(folder: Path, sha256: str) -> "InputCheck | None":
    """The run's input check, if it is of this very checkpoint."""
    from cxrcore.networks.input_check import familiarity

    try:
        bounded_file.check_arrays(folder / INPUT_CHECK, INPUT_CHECK)
        found = familiarity.InputCheck.load(folder / INPUT_CHECK)
    except (DataError, OSError, ValueError, BadZipFile):
        return None
    return found if found.checkpoint_sha256 == sha256 else None


def _asking(check: "InputCheck | None", model: "nn.Module", spec: "InputSpec"
            ) -> "Callable[[np.ndarray], Checked] | None":
    from cxrcore.networks.input_check import features

    if check is None:
        return None
    one_at_a_time = threading.Lock()  # features come through hooks on the network

    def ask(film: np.ndarray) -> "Checked":
        with one_at_a_time:
            return check.check(features.extract(model, spec, film[None])[0])

    return ask


def film_key(pixels: np.ndarray) -> str:
    """The same for the same pixels."""
    return hashlib.sha256(repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()[:24]


@dataclass(frozen=True)
class Question:
    """What a network is asked of a film.

    Attributes:
        film: uint8 (S, S) at the network's size.
        methods: keys of `methods.METHODS` that are not slow.
        checks: whether the input check is wanted too, where the run has one.
    """

    loaded: Loaded
    film: np.ndarray
    methods: tuple[str, ...]
    checks: bool = False

    @property
    def is_at_hand(self) -> bool:
        """Whether all of it has been answered, and is kept."""
        film = film_key(self.film)
        return all(_MADE.holds((self.loaded.key, film, method)) for method in self.methods) and (
            not self.checks or not self.loaded.has_check or _CHECKS.holds((self.loaded.key, film)))


_MADE: Kept[Explained] = Kept(MAPS)
_CHECKS: Kept["Checked"] = Kept(MAPS)


def ask(questions: Iterable[Question], told: "Callable[[int], None]" = nobody) -> None:
    """Ask networks in one turn all that is not at hand: maps, scores and the input check, kept for who asks next.

    Args:
        told: as for `WaitingLine.turn`.
    """
    wanted = [one for one in questions if not one.is_at_hand]
    if not wanted:
        return  # no turn is needed
    with LINE.turn(film_key(wanted[0].film), told):
        for one in wanted:
            for method in one.methods:
                _made(one.loaded, one.film, method)
            if one.checks:
                _checked(one.loaded, one.film)


def explained(loaded: Loaded, film: np.ndarray, method: str, told: "Callable[[int], None]" = nobody) -> Explained:
    """All findings' maps of a film, kept for the next look.

    Args:
        film: uint8 (S, S) at the network's size.
        method: a key of `methods.METHODS` that is not slow.
        told: as for `WaitingLine.turn`, where the network has to be asked.
    """
    if _MADE.holds((loaded.key, film_key(film), method)):
        return _made(loaded, film, method)
    with LINE.turn(film_key(film), told):
        return _made(loaded, film, method)


def _made(loaded: Loaded, film: np.ndarray, method: str) -> Explained:
    return _MADE.get((loaded.key, film_key(film), method),
                     lambda: _packed(loaded.network().explainer.explain(film, loaded.findings, method)))


def checked(loaded: Loaded, film: np.ndarray) -> "Checked | None":
    """Whether a film, uint8 (S, S), looks like those that the run was trained on; None without a check."""
    if not loaded.has_check or _CHECKS.holds((loaded.key, film_key(film))):
        return _checked(loaded, film)
    with LINE.turn(film_key(film)):
        return _checked(loaded, film)


def _checked(loaded: Loaded, film: np.ndarray) -> "Checked | None":
    if not loaded.has_check:
        return None
    return _CHECKS.get((loaded.key, film_key(film)), lambda: _look_at(loaded, film))


def _look_at(loaded: Loaded, film: np.ndarray) -> "Checked":
    ask = loaded.network().checked
    if ask is None:
        raise CheckpointError("the run's input check is gone: load the page again")
    return ask(film)


def explained_slowly(loaded: Loaded, film: np.ndarray, method: str, finding: str,
                     told: "Callable[[int, int], None]", waits: "Callable[[int], None]" = nobody) -> Explained:
    """One finding's map by a slow method; not kept here. Whoever waits comes first after each of its steps.

    Args:
        told: how many channels are done of how many; what it raises ends the method.
        waits: as `told` of `WaitingLine.turn`.
    """
    with LINE.turn((film_key(film), method, finding), waits) as turn:
        def step(done: int, total: int) -> None:
            told(done, total)
            turn.let_others()

        return _packed(loaded.network().explainer.explain(film, (finding,), method, step))


def _packed(found: "Explanation") -> Explained:
    return Explained(found.findings, found.placed().astype(np.float16), found.small(), found.energy, found.logits,
                     found.scores, found.off)


def occluded(pixels: np.ndarray, strokes: Sequence[Sequence[Sequence[float]]]) -> np.ndarray:
    """A film, uint8 (H, W), with grey painted over it, as the viewer shows it.

    Args:
        strokes: lines of (x, y) in the film's pixels.
    """
    image = Image.fromarray(pixels)
    width, grey, draw = payload.brush_of(pixels.shape), payload.grey_of(pixels), ImageDraw.Draw(image)
    for stroke in strokes:
        at = [(float(x), float(y)) for x, y in stroke]
        draw.line(at, fill=grey, width=max(1, round(width)))
        for x, y in at:
            draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=grey)
    return np.asarray(image)


def reason(key: str) -> str:
    """What the input check found, as 'looks turned by 90° to the left'."""
    from cxrcore.networks.input_check import familiarity

    return familiarity.REASONS[key]


# -- how maps are drawn


@dataclass(frozen=True)
class Look:
    """How maps are drawn: the hottest place's opacity in [0, 1], a name of `overlays.COLOURS`, outline or colour."""

    strength: float
    colours: str
    contour: bool


def drawn(film: np.ndarray, explained: Explained, finding: str, opacity: float, look: Look,
          longest: int = LARGEST) -> np.ndarray:
    """The film with a finding's map over it, uint8 (h, w, 3).

    Args:
        film: uint8 (H, W).
        opacity: in [0, 1], by score and threshold.
    """
    heat, _ = explained.of(finding)
    return overlays.overlay(film, heat, opacity * look.strength, colours=look.colours, contour=look.contour,
                            size=overlays.drawn_size(film, SMALL, longest))
