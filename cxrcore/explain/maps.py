"""Class activation maps: where a network looked for a finding, with the scores that go with them.

The maps are those of the pytorch-grad-cam library, equal to running it finding by finding. The network runs once: at
its CAM layer the film's features become one batch with a copy a finding, so that only what lies behind that layer (for
most networks a pooling and the classifier) runs once a finding. The features and their gradients then serve every
method that needs no more than these. Knows nothing of files, stores or drawing.

Source: Selvaraju et al., Grad-CAM, ICCV 2017.
"""

import contextlib
import copy
import ctypes
import functools
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from cxrcore.errors import UsageError
from cxrcore.explain import methods, registration
from cxrcore.explain.method_names import LABELS
from cxrcore.explain.methods import GRAD_CAM, METHODS, Method
from cxrcore.explain.small_maps import SmallMaps, place, small_maps
from cxrcore.networks.architectures import find_architecture, of_timm
from cxrcore.networks.batches import InputSpec, normalise
from cxrcore.networks.prediction import full_precision

KEPT = 128 << 20  # bytes that may stay with the process though nothing uses them
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # mallopt's parameters, in glibc's malloc.h
_GREATEST_MMAP_THRESHOLD = 32 << 20  # what glibc allows


@dataclass(frozen=True)
class Explanation:
    """Maps of one film.

    Attributes:
        method: a key of `METHODS`.
        findings: of the maps, canonical names; none where one map serves all findings.
        maps: float32 (k, S, S), the library's: stretched over the network's input, each scaled to [0, 1] by its own
            smallest and greatest value; all zeros where nothing speaks for the finding, or where the map is flat.
        offset: pixels that these maps lie too far right and down, see `registration`; `placed` mends it.
        cells: float32 (k, h, w), what these maps are stretched from: the CAM layer's own places, >= 0.
        energy: float32 (k,), the sum of the map's cells before scaling, >= 0. With Grad-CAM on a network whose head is
            pooling and one linear layer this is what speaks for the finding, in units of its logit.
        logits: float32 (k,).
        scores: float32 (k,), probabilities.
    """

    method: str
    findings: tuple[str, ...]
    maps: np.ndarray
    offset: float
    cells: np.ndarray
    energy: np.ndarray
    logits: np.ndarray
    scores: np.ndarray

    def placed(self) -> np.ndarray:
        """The maps over what the network looked at, float32 (k, S, S): what to draw, and to hold against boxes."""
        return place(self.maps, self.offset)

    def small(self) -> SmallMaps:
        """The same as few numbers, for a screen that stretches them itself."""
        return small_maps(self.cells, self.maps.shape[-1], self.offset)


@dataclass(frozen=True)
class _Look:
    """What one run of the network over a film gave.

    Attributes:
        film: uint8 (S, S).
        findings: of the gradients.
        features: float32 (1, C, h, w), the CAM layer's output.
        gradients: float32 (k, C, h, w), of each finding's logit.
        logits: float32 (k,).
    """

    film: np.ndarray
    findings: tuple[str, ...]
    features: torch.Tensor
    gradients: torch.Tensor
    logits: torch.Tensor

    def serves(self, film: np.ndarray, findings: Sequence[str]) -> bool:
        """Whether these findings of this film need no other run."""
        return set(findings) <= set(self.findings) and np.array_equal(film, self.film)

    def gradients_of(self, findings: tuple[str, ...]) -> torch.Tensor:
        if findings == self.findings:
            return self.gradients
        return self.gradients[[self.findings.index(finding) for finding in findings]]


class Explainer:
    """Explains films with one network, whose weights stay as they are; any number of threads may use it.

    Works on a twin that shares the network's weights and nothing else, so that the network itself keeps neither
    gradients nor hooks, and may predict in another thread meanwhile. The last film's features and gradients are kept
    (9 MB at most at 224 pixels), so that another method does not run the network again.
    """

    def __init__(self, model: nn.Module, architecture: str, spec: InputSpec, findings: Sequence[str]) -> None:
        """Make a twin of the model that takes gradients.

        Args:
            model: of `architectures.build`; on any device, where it has to stay.
            architecture: its name.
            spec: its normalisation.
            findings: of its outputs, in their order.
        """
        keep_freed_memory()
        self._model = _frozen_twin(model)
        self._device = next(model.parameters()).device
        self._architecture = find_architecture(architecture)
        self._spec = spec
        self.findings = tuple(findings)
        self._offsets: dict[int, float] = {}  # by the film's size
        self._last: _Look | None = None
        self._one_at_a_time = threading.Lock()

    def explain(
        self, film: np.ndarray, findings: Sequence[str], method: str = GRAD_CAM,
        told: Callable[[int, int], None] = lambda done, total: None,
    ) -> Explanation:
        """Maps of these findings and all scores, in fp32.

        Args:
            film: uint8 (S, S), as `film_file.load_film` gives it at the network's size.
            findings: canonical names, at least one; a single one where the method is slow.
            method: a key of `METHODS`.
            told: by a slow method, how many channels are done of how many; what it raises ends the method.

        Raises:
            UsageError: an unknown method (the text lists them), or several findings by a slow one.
        """
        if method not in METHODS:
            raise UsageError(f"unknown method '{method}': expected one of {', '.join(METHODS)}")
        way = METHODS[method]
        if way.slow and len(findings) != 1:
            raise UsageError(f"{LABELS[method]} explains one finding at a time, not {len(findings)}")
        with self._plain_arithmetic():
            offset = self._offset(len(film))
            if way.slow:
                maps, raw, logits = self._slowly(way, film, findings[0], told)
            else:
                maps, raw, logits = self._at_once(way, film, findings)
        cells = np.maximum(raw, 0)
        energy = cells.sum(axis=(1, 2), dtype=np.float32)
        return Explanation(method, tuple(findings) if way.per_finding else (), maps, offset, cells, energy,
                           logits.numpy(), torch.sigmoid(logits).numpy())

    @contextlib.contextmanager
    def _plain_arithmetic(self) -> Generator[None]:
        """fp32 with gradients, whatever the caller's thread is set to."""
        with (torch.inference_mode(False), torch.enable_grad(),
              torch.autocast(self._device.type, enabled=False), full_precision()):
            yield

    def _offset(self, size: int) -> float:
        with self._one_at_a_time:
            if size not in self._offsets:
                self._offsets[size] = registration.overlay_offset(self._model, self._layer_of(self._model), size)
            return self._offsets[size]

    def _at_once(self, way: Method, film: np.ndarray, findings: Sequence[str]
                 ) -> tuple[np.ndarray, np.ndarray, torch.Tensor]:
        """Maps, raw maps and logits by a method of features and gradients."""
        needed = tuple(findings) if way.by_gradient else ()
        with self._one_at_a_time:
            if self._last is None or not self._last.serves(film, needed):
                self._last = None  # both at once need not be held
                self._last = self._look(film, needed)
            look = self._last
        if way.by_gradient:
            maps = methods.by_gradients(way, look.features, look.gradients_of(needed), len(film))
        else:
            maps = methods.by_features(way, look.features, len(film))
        return *maps, look.logits

    def _slowly(self, way: Method, film: np.ndarray, finding: str, told: Callable[[int, int], None]
                ) -> tuple[np.ndarray, np.ndarray, torch.Tensor]:
        """The same by a method that runs the network again and again, on a twin of its own: others need not wait."""
        with self._one_at_a_time:  # between looks, which put hooks on the network
            model = _frozen_twin(self._model)
        cam = way.cam(model, [self._layer_of(model)], self._as_map(len(film)))
        cam.told = told
        maps = methods.run_cam(cam, self._input(film), [self.findings.index(finding)])
        return maps, cam.raw, cam.outputs[0].cpu()

    def _look(self, film: np.ndarray, findings: tuple[str, ...]) -> _Look:
        """Runs the network: once up to the CAM layer, from there on once a finding."""
        kept: dict[str, torch.Tensor] = {}

        def copies(module: nn.Module, inputs: tuple, output: torch.Tensor) -> torch.Tensor | None:
            kept["features"] = output
            if not findings:
                return None
            kept["copies"] = output.expand(len(findings), *output.shape[1:]).clone().requires_grad_()
            return kept["copies"]

        def class_token(module: nn.Module, inputs: tuple, output: torch.Tensor) -> torch.Tensor:
            return output[:, :1]

        handles = [self._layer_of(self._model).register_forward_hook(copies)]
        if self._architecture.has_tokens:
            # Behind a ViT's last attention each token goes its own way, and the head reads the class token alone.
            handles.append(of_timm(self._model).blocks[-1].norm2.register_forward_hook(class_token))
        try:
            logits = self._model(self._input(film))
        finally:
            for handle in handles:
                handle.remove()
        as_map = self._as_map(len(film)) or (lambda tokens: tokens)
        gradients = torch.empty(0)
        if findings:
            wanted = logits[range(len(findings)), [self.findings.index(finding) for finding in findings]]
            gradients = as_map(torch.autograd.grad(wanted.sum(), kept["copies"])[0]).cpu()
            gradients = gradients.contiguous(memory_format=torch.channels_last)  # as the features: sums go 3 x faster
        return _Look(np.array(film), findings, as_map(kept["features"]).cpu(), gradients, logits[0].detach().cpu())

    def _layer_of(self, model: nn.Module) -> nn.Module:
        return model.get_submodule(self._architecture.cam_layer)

    def _input(self, film: np.ndarray) -> torch.Tensor:
        """float32 (1, 3, S, S), normalised."""
        return normalise(torch.from_numpy(np.array(film)).to(self._device)[None, None], self._spec)

    def _as_map(self, size: int) -> Callable[[torch.Tensor], torch.Tensor] | None:
        """What makes a map of tokens; None where the CAM layer gives maps."""
        grid = self._architecture.token_grid(size)
        return _tokens_to_map(*grid) if grid else None


def _frozen_twin(model: nn.Module) -> nn.Module:
    """A second network over the same weights, in evaluation mode, none of whose weights takes gradients."""
    shared: dict[int, torch.Tensor] = {
        id(weight): nn.Parameter(weight.detach(), requires_grad=False) for weight in model.parameters()}
    shared |= {id(buffer): buffer for buffer in model.buffers()}
    return copy.deepcopy(model, shared).eval()


def _tokens_to_map(rows: int, columns: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """(B, 1 + rows x columns, C) with the class token first -> (B, C, rows, columns)."""

    def reshape(tokens: torch.Tensor) -> torch.Tensor:
        return tokens[:, 1:].unflatten(1, (rows, columns)).permute(0, 3, 1, 2)

    return reshape


@functools.cache
def keep_freed_memory() -> bool:
    """Let up to `KEPT` bytes of freed memory stay; False where the C library is not glibc, and nothing changes.

    glibc gives large freed blocks back to the system at once, and gets them anew, page by page, for the next film's
    feature maps: a third of what an explanation takes beside the network itself.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # another C library
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _GREATEST_MMAP_THRESHOLD)) and bool(mallopt(_TRIM_THRESHOLD, KEPT))
