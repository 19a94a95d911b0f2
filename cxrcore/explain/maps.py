"""Class activation maps: where a network looked for a finding, with the scores that go with them.

The maps are those of the pytorch-grad-cam library, equal to running it finding by finding. The network runs once: at
its CAM layer the film's features become one batch with a copy a finding, so that only what lies behind that layer (for
most networks a pooling and the classifier) runs once a finding. The features and their gradients then serve every
method that needs no more than these. Knows nothing of files, stores or drawing.

Source: Selvaraju et al., Grad-CAM, ICCV 2017.
"""

import contextlib
import copy
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from cxrcore.errors import UsageError
from cxrcore.explain import methods, registration
from cxrcore.explain.freed_memory import keep_for_next
from cxrcore.explain.method_names import LABELS
from cxrcore.explain.methods import GRAD_CAM, METHODS, Method
from cxrcore.explain.small_maps import SmallMaps, place, small_maps
from cxrcore.networks.architectures import find_architecture, of_timm
from cxrcore.networks.batches import InputSpec, normalise
from cxrcore.networks.cam_layer import CamLayer, cam_layer
from cxrcore.networks.prediction import full_precision


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
        off: why there are no maps, which are then empty and their energy NaN; "" where there are.
    """

    method: str
    findings: tuple[str, ...]
    maps: np.ndarray
    offset: float
    cells: np.ndarray
    energy: np.ndarray
    logits: np.ndarray
    scores: np.ndarray
    off: str = ""

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

    def __init__(self, model: nn.Module, architecture: str, spec: InputSpec, findings: Sequence[str],
                 off: str = "", shift: float = 0.0) -> None:
        """Make a twin of the model that takes gradients.

        Args:
            model: of `architectures.build`; on any device, where it has to stay.
            architecture: its name.
            spec: its normalisation.
            findings: of its outputs, in their order.
            off: why its maps are off, as `map_check` found; `explain` then gives scores and empty maps.
            shift: what the planted-blob test measured beside `registration`, see `blob_test.Found`.
        """
        keep_for_next()
        self.off = off
        self._shift = shift
        self._model = _frozen_twin(model)
        self._device = next(model.parameters()).device
        self._architecture = find_architecture(architecture)
        self._layer: CamLayer | None = None  # found when the size of the films is known
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
        if self.off:
            return self._without_maps(film, tuple(findings) if way.per_finding else (), method)
        with self._plain_arithmetic():
            self.layer(len(film))
            offset = self.offset(len(film))
            if way.slow:
                maps, raw, logits = self._slowly(way, film, findings[0], told)
            else:
                maps, raw, logits = self._at_once(way, film, findings)
        cells = np.maximum(raw, 0)
        energy = cells.sum(axis=(1, 2), dtype=np.float32)
        return Explanation(method, tuple(findings) if way.per_finding else (), maps, offset, cells, energy,
                           logits.numpy(), torch.sigmoid(logits).numpy())

    def raw(self, film: np.ndarray, findings: Sequence[str]) -> np.ndarray:
        """Grad-CAM before it is rectified, float32 (k, h, w): also what speaks against a finding."""
        with self._plain_arithmetic():
            self.layer(len(film))
            return self._at_once(METHODS[GRAD_CAM], film, findings)[1]

    @contextlib.contextmanager
    def _plain_arithmetic(self) -> Generator[None]:
        """fp32 with gradients, whatever the caller's thread is set to."""
        with (torch.inference_mode(False), torch.enable_grad(),
              torch.autocast(self._device.type, enabled=False), full_precision()):
            yield

    def _without_maps(self, film: np.ndarray, findings: tuple[str, ...], method: str) -> Explanation:
        n = max(1, len(findings))
        with torch.inference_mode(), full_precision():
            logits = self._model(self._input(film))[0].float().cpu()
        empty, cells = np.zeros((n, *film.shape), np.float32), np.zeros((n, 1, 1), np.float32)
        return Explanation(method, findings, empty, 0.0, cells, np.full(n, np.nan, np.float32), logits.numpy(),
                           torch.sigmoid(logits).numpy(), self.off)

    def layer(self, size: int) -> CamLayer:
        """The CAM layer, for films of S = size pixels a side.

        Raises:
            RunError: the network has none.
        """
        with self._one_at_a_time:
            if self._layer is None:
                self._layer = cam_layer(self._model, self._architecture.name, size)
            return self._layer

    def offset(self, size: int) -> float:
        """As `Explanation.offset`, for films of this size."""
        with self._one_at_a_time:
            if size not in self._offsets:
                offset = registration.overlay_offset(self._model, self._layer_of(self._model), size)
                self._offsets[size] = offset + self._shift
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
        cam = way.cam(model, [self._layer_of(model)], self.layer(len(film)).to_maps)
        cam.told = told
        maps = methods.run_cam(cam, self._input(film), [self.findings.index(finding)])
        return maps, cam.raw, cam.outputs[0].cpu()

    def _look(self, film: np.ndarray, findings: tuple[str, ...]) -> _Look:
        """Runs the network once, and what lies behind the CAM layer once a finding."""
        places = [self.findings.index(finding) for finding in findings]
        run = self._in_copies if self._architecture.cam_layer else self._in_turns
        features, gradients, logits = run(self._input(film), places)
        as_map = (self._layer.to_maps if self._layer else None) or (lambda maps: maps)
        if findings:
            gradients = as_map(gradients).cpu()
            gradients = gradients.contiguous(memory_format=torch.channels_last)  # as the features: sums go 3 x faster
        return _Look(np.array(film), findings, as_map(features).cpu(), gradients, logits.detach().cpu())

    def _in_copies(self, film: torch.Tensor, places: list[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Features, their gradients for each output asked for, and logits: behind the layer a copy a finding.

        Of the six, which take it: behind a layer that others go around, copies may not meet what went around.
        """
        kept: dict[str, torch.Tensor] = {}

        def copies(module: nn.Module, inputs: tuple, output: torch.Tensor) -> torch.Tensor | None:
            kept["features"] = output
            if not places:
                return None
            kept["copies"] = output.expand(len(places), *output.shape[1:]).clone().requires_grad_()
            return kept["copies"]

        def class_token(module: nn.Module, inputs: tuple, output: torch.Tensor) -> torch.Tensor:
            return output[:, :1]

        with contextlib.ExitStack() as hooks:
            hooks.callback(self._layer_of(self._model).register_forward_hook(copies).remove)
            if self._architecture.has_tokens:
                # Behind a ViT's last attention each token goes its own way, and the head reads the class token alone.
                last = of_timm(self._model).blocks[-1].norm2
                hooks.callback(last.register_forward_hook(class_token).remove)
            logits = self._model(film)
        if not places:
            return kept["features"], torch.empty(0), logits[0]
        return kept["features"], torch.autograd.grad(logits[range(len(places)), places].sum(), kept["copies"])[
            0], logits[0]

    def _in_turns(self, film: torch.Tensor, places: list[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The same for any network: the outputs asked for go back to the layer one after another."""
        kept: dict[str, torch.Tensor] = {}

        def leaf(module: nn.Module, inputs: tuple, output: torch.Tensor) -> torch.Tensor:
            kept["features"] = output.detach().clone().requires_grad_()
            return kept["features"]

        handle = self._layer_of(self._model).register_forward_hook(leaf)
        try:
            logits = self._model(film)[0]
        finally:
            handle.remove()
        each = [torch.autograd.grad(logits[place], kept["features"], retain_graph=True)[0] for place in places]
        return kept["features"].detach(), torch.cat(each) if each else torch.empty(0), logits

    def _layer_of(self, model: nn.Module) -> nn.Module:
        return model.get_submodule(self._layer.path if self._layer else "")

    def _input(self, film: np.ndarray) -> torch.Tensor:
        """float32 (1, 3, S, S), normalised."""
        return normalise(torch.from_numpy(np.array(film)).to(self._device)[None, None], self._spec)


def _frozen_twin(model: nn.Module) -> nn.Module:
    """A second network over the same weights, in evaluation mode, none of whose weights takes gradients."""
    shared: dict[int, torch.Tensor] = {
        id(weight): nn.Parameter(weight.detach(), requires_grad=False) for weight in model.parameters()}
    shared |= {id(buffer): buffer for buffer in model.buffers()}
    return copy.deepcopy(model, shared).eval()
