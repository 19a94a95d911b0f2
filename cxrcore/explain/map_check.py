"""Whether a network's maps may be shown: checked by the planted-blob test, or off, with the reason.

The six architectures' layers are known and their places tested. Of any other network of timm the layer is found by a
dry run, and its maps are shown if they pass the test with the very weights that are asked; the answer for a run's best
checkpoint is kept beside it.
"""

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from cxrcore.data.files import bounded_file
from cxrcore.data.files.replace_file import replacing
from cxrcore.errors import DataError, RunError, WorkbenchError
from cxrcore.explain import blob_test
from cxrcore.explain.maps import Explainer
from cxrcore.networks.architectures import find_architecture
from cxrcore.networks.batches import InputSpec
from cxrcore.networks.cam_layer import cam_layer
from cxrcore.networks.checkpoint import Checkpoint
from cxrcore.store.run_folder import MAP_CHECK

_LOG = logging.getLogger(__name__)  # scripts print what it says

KNOWN, CHECKED, OFF = "known", "checked", "off"
_FAULTS = (RuntimeError, TypeError, ValueError, AttributeError, IndexError, AssertionError, LookupError)
_MOST_TEXT = 400  # characters


@dataclass(frozen=True)
class MapCheck:
    """What is known of a network's maps.

    Attributes:
        state: of `KNOWN` (one of the six), `CHECKED` or `OFF`.
        why: the reason where they are off; what was found where they are checked.
        layer: where they are taken from, in words.
        shift: as `blob_test.Found.shift`.
        pooled: HiResCAM equals Grad-CAM.
    """

    state: str
    why: str = ""
    layer: str = ""
    shift: float = 0.0
    pooled: bool = False

    @property
    def why_off(self) -> str:
        """The reason, or '' where maps are shown."""
        return self.why if self.state == OFF else ""

    @property
    def is_checked(self) -> bool:
        """Whether the planted-blob test passed them."""
        return self.state == CHECKED

    def in_words(self) -> str:
        """'maps checked: ...' or 'maps off: ...'."""
        return f"maps {self.state}" + (f": {self.why}" if self.why else "")


def check_maps(model: nn.Module, architecture: str, spec: InputSpec, image_size: int) -> MapCheck:
    """Test a network's maps, which takes it seventeen films; of the six nothing is run.

    Args:
        model: in evaluation mode.
    """
    entry = find_architecture(architecture)
    if entry.cam_layer:
        return MapCheck(KNOWN, "", entry.cam_layer, pooled=entry.pooled_head)
    try:
        found = blob_test.run(model, architecture, spec, image_size)
    except (WorkbenchError, *_FAULTS) as error:  # a network of any kind
        return MapCheck(OFF, " ".join(str(error).split())[:_MOST_TEXT] or type(error).__name__)
    if found.why_off:
        return MapCheck(OFF, found.why_off, found.layer, pooled=found.pooled)
    moved = f", maps moved by {-found.shift:.1f} pixels" if found.shift else ""
    return MapCheck(CHECKED, f"a spot planted at 16 places was found at {found.hits}, in {found.layer}{moved}",
                    found.layer, found.shift, found.pooled)


def of_checkpoint(model: nn.Module, checkpoint: Checkpoint) -> MapCheck:
    """`check_maps` of a checkpoint's network, which is put into evaluation mode."""
    return check_maps(model.eval(), checkpoint.architecture, checkpoint.spec, checkpoint.image_size)


def at_start(model: nn.Module, architecture: str, spec: InputSpec, image_size: int, at_random: bool) -> str:
    """What can be said of maps before a training, in words; "" of the six.

    Random weights need not notice a spot, so of these the layer is found and nothing more: the test waits for the
    trained ones.
    """
    if find_architecture(architecture).cam_layer:
        return ""
    if not at_random:
        return check_maps(model.eval(), architecture, spec, image_size).in_words()
    try:
        found = cam_layer(model, architecture, image_size)
    except (WorkbenchError, *_FAULTS) as error:
        return MapCheck(OFF, " ".join(str(error).split())[:_MOST_TEXT]).in_words()
    return f"maps are checked after the training, at {found.path}"


def require_maps(model: nn.Module, checkpoint: Checkpoint) -> MapCheck:
    """The check of a network whose maps are wanted; says what was found.

    Raises:
        RunError: they are off; the text says why.
    """
    made = of_checkpoint(model, checkpoint)
    if made.why_off:
        raise RunError(f"the maps of {checkpoint.architecture} are off: {made.why_off}")
    if made.state == CHECKED:
        _LOG.info(made.in_words())
    return made


def kept_check(folder: Path, sha256: str, model: nn.Module, checkpoint: Checkpoint) -> MapCheck:
    """The check that is kept in a run's folder, if it is of this very checkpoint; else a new one, kept from now on.

    Args:
        sha256: of the checkpoint's file.
        model: as `check_maps`.
    """
    path = folder / MAP_CHECK
    if find_architecture(checkpoint.architecture).cam_layer:
        return of_checkpoint(model, checkpoint)
    if (kept := _read(path, sha256)) is not None:
        return kept
    made = of_checkpoint(model, checkpoint)
    _LOG.info(made.in_words())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            partial.write_text(json.dumps(asdict(made) | {"checkpoint": sha256}), encoding="utf-8")
    except OSError as error:  # it is made anew next time
        _LOG.warning(f"the check of the maps cannot be kept: {error.strerror}")
    return made


def _read(path: Path, sha256: str) -> MapCheck | None:
    try:
        held: Any = bounded_file.settings(path)
        made = MapCheck(held["state"], held["why"], held["layer"], float(held["shift"]), held["pooled"])
    except (OSError, ValueError, TypeError, LookupError, DataError):
        return None
    sound = (all(isinstance(text, str) and len(text) <= 2 * _MOST_TEXT and text.isprintable()
                 for text in (made.state, made.why, made.layer))
             and made.state in (KNOWN, CHECKED, OFF) and isinstance(made.pooled, bool) and abs(made.shift) < 1e4)
    return made if sound and held.get("checkpoint") == sha256 else None


def explainer_of(model: nn.Module, checkpoint: Checkpoint, check: MapCheck) -> Explainer:
    """What explains films with a checkpoint's network, or gives scores and empty maps where they are off."""
    return Explainer(model, checkpoint.architecture, checkpoint.spec, checkpoint.findings, check.why_off, check.shift)
