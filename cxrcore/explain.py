"""Class activation maps: where a network looked for a finding, with the scores that go with them.

The maps are those of the pytorch-grad-cam library, equal to running it finding by finding. The network runs once: at
its CAM layer the film's features become one batch with a copy a finding, so that only what lies behind that layer (for
most networks a pooling and the classifier) runs once a finding. Knows nothing of files, stores or drawing.

Source: Selvaraju et al., Grad-CAM, ICCV 2017.
"""

import contextlib
import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn

from cxrcore import registration
from cxrcore.architectures import find
from cxrcore.batches import InputSpec, normalise
from cxrcore.cam_methods import GRAD_CAM, METHODS
from cxrcore.errors import UsageError
from cxrcore.findings import FINDINGS
from cxrcore.prediction import full_precision


@dataclass(frozen=True)
class Explanation:
    """Maps of one film.

    Attributes:
        method: a key of `METHODS`.
        findings: of the maps, canonical names; none where one map serves all findings.
        maps: float32 (k, S, S), the library's: stretched over the network's input, each scaled to [0, 1] by its own
            smallest and greatest value; all zeros where nothing speaks for the finding, or where the map is flat.
        offset: pixels that these maps lie too far right and down, see `registration`; `placed` mends it.
        energy: float32 (k,), the sum of the map's cells before scaling, >= 0. With Grad-CAM on a network whose head is
            pooling and one linear layer this is what speaks for the finding, in units of its logit.
        logits: float32 (14,).
        scores: float32 (14,), probabilities.
    """

    method: str
    findings: tuple[str, ...]
    maps: np.ndarray
    offset: float
    energy: np.ndarray
    logits: np.ndarray
    scores: np.ndarray

    def placed(self) -> np.ndarray:
        """The maps over what the network looked at, float32 (k, S, S): what to draw, and to hold against boxes."""
        return registration.place(self.maps, self.offset)


class Explainer:
    """Explains films with one network; several threads may use it, one after another.

    Works on a twin that shares the network's weights and nothing else, so that the network itself keeps neither
    gradients nor hooks, and may predict in another thread meanwhile.
    """

    def __init__(self, model: nn.Module, architecture: str, spec: InputSpec) -> None:
        """
        Args:
            model: of `architectures.build`; on any device, where it has to stay.
            architecture: its name.
            spec: its normalisation.
        """
        entry = find(architecture)
        self._model = _frozen_twin(model)
        self._device = next(model.parameters()).device
        self._layer = self._model.get_submodule(entry.cam_layer)
        self._has_tokens = entry.has_tokens
        # Behind a ViT's last attention each token goes its own way, and the head reads the class token alone.
        self._after_attention = self._model.blocks[-1].norm2 if entry.has_tokens else None
        self._grid = entry.token_grid
        self._spec = spec
        self._offsets: dict[int, float] = {}  # by the film's size
        self._one_at_a_time = threading.Lock()

    def explain(
        self, film: np.ndarray, findings: Sequence[str] = FINDINGS, method: str = GRAD_CAM,
        told: Callable[[int, int], None] = lambda done, total: None,
    ) -> Explanation:
        """Maps of these findings and all scores, in fp32.

        Args:
            film: uint8 (S, S), as `images.load` gives it at the network's size.
            findings: canonical names, at least one; a single one where the method is slow.
            method: a key of `METHODS`.
            told: by a slow method, how many channels are done of how many; what it raises ends the method.

        Raises:
            UsageError: an unknown method (the text lists them), or several findings by a slow one.
        """
        if method not in METHODS:
            raise UsageError(f"unknown method '{method}': expected one of {', '.join(METHODS)}")
        way, size = METHODS[method], len(film)
        if way.slow and len(findings) != 1:
            raise UsageError(f"{way.label} explains one finding at a time, not {len(findings)}")
        mapped = tuple(findings) if way.per_finding else ()
        films = torch.from_numpy(np.array(film)).to(self._device)[None, None]
        targets = [ClassifierOutputTarget(FINDINGS.index(finding)) for finding in mapped or findings[:1]]
        reshape = _tokens_to_map(*self._grid(size)) if self._has_tokens else None
        with self._one_at_a_time, full_precision():
            if size not in self._offsets:
                self._offsets[size] = registration.overlay_offset(self._model, self._layer, size)
            with self._hooks(len(targets)) if way.by_gradient else torch.no_grad():
                cam = way.cam(self._model, [self._layer], reshape)
                cam.told = told
                try:
                    maps = cam(normalise(films, self._spec), targets)
                finally:  # not `with cam`, which swallows an IndexError
                    cam.activations_and_grads.release()
            logits = cam.outputs[0].detach().float().cpu()
        energy = np.maximum(cam.raw, 0).sum(axis=(1, 2), dtype=np.float32)
        return Explanation(method, mapped, maps, self._offsets[size], energy, logits.numpy(),
                           torch.sigmoid(logits).numpy())

    @contextlib.contextmanager
    def _hooks(self, n: int) -> Iterator[None]:
        """From the CAM layer on, n copies of the film, each with a gradient of its own."""

        def copies(module: nn.Module, inputs: tuple, output: torch.Tensor) -> torch.Tensor:
            return output.detach().expand(n, *output.shape[1:]).clone().requires_grad_()

        def class_token(module: nn.Module, inputs: tuple, output: torch.Tensor) -> torch.Tensor:
            return output[:, :1]

        handles = [self._layer.register_forward_hook(copies)]  # before the library's own, which see what it returns
        if self._after_attention is not None:
            handles.append(self._after_attention.register_forward_hook(class_token))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def _frozen_twin(model: nn.Module) -> nn.Module:
    """A second network over the same weights, in evaluation mode, none of whose weights takes gradients."""
    shared = {id(weight): nn.Parameter(weight.detach(), requires_grad=False) for weight in model.parameters()}
    shared |= {id(buffer): buffer for buffer in model.buffers()}
    return copy.deepcopy(model, shared).eval()


def _tokens_to_map(rows: int, columns: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """(B, 1 + rows x columns, C) with the class token first -> (B, C, rows, columns)."""

    def reshape(tokens: torch.Tensor) -> torch.Tensor:
        return tokens[:, 1:].unflatten(1, (rows, columns)).permute(0, 3, 1, 2)

    return reshape

