"""The ways to a class activation map: pytorch-grad-cam's classes, as the workbench uses them.

Sources: Grad-CAM, Selvaraju et al., ICCV 2017; Grad-CAM++, Chattopadhay et al., WACV 2018; HiResCAM, Draelos and Carin,
2020; LayerCAM, Jiang et al., IEEE TIP 2021; EigenCAM, Muhammad and Yeasin, IJCNN 2020; Score-CAM, Wang et al., CVPR
Workshops 2020.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from pytorch_grad_cam import EigenCAM, GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, ScoreCAM, score_cam
from pytorch_grad_cam.base_cam import BaseCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn

GRAD_CAM, HIRES_CAM = "gradcam", "hirescam"
CHANNELS_AT_ONCE = 16  # of Score-CAM, as many as the library runs; it holds all of them in memory, 1 GB at 224 pixels

# Else the library draws a bar on the server's terminal at every step; it uses nothing else of tqdm.
score_cam.tqdm = SimpleNamespace(tqdm=iter)  # ty: ignore[invalid-assignment]


class _InSteps(ScoreCAM):
    """The library's Score-CAM, given a few channels at a time: bounded memory, and somebody is told.

    Attributes:
        told: told how many channels are done of how many; what it raises ends the method.
    """

    told: Callable[[int, int], None]

    def get_cam_weights(self, input_tensor: torch.Tensor, target_layer: nn.Module | None,
                        targets: Sequence[nn.Module], activations: torch.Tensor, grads: torch.Tensor | None
                        ) -> np.ndarray:
        """The library's softmax over all channels of what it finds for some of them, (1, channels)."""
        self.activations_and_grads.release()  # its hooks would keep the activations of every masked film
        (target,), total = targets, activations.shape[1]
        values: list[torch.Tensor] = []

        def noted(output: torch.Tensor) -> torch.Tensor:
            values.append(target(output))
            return values[-1]

        for first in range(0, total, CHANNELS_AT_ONCE):
            some = activations[:, first : first + CHANNELS_AT_ONCE]
            super().get_cam_weights(input_tensor, target_layer, [noted], some, grads)
            self.told(len(values), total)
        return torch.softmax(torch.stack(values), 0).cpu().numpy()[None]


def _keeping_raw_maps(method: type[BaseCAM]) -> type[BaseCAM]:
    """The library's class, which also keeps its maps as they are before rectifying and scaling."""

    class Keeping(method):  # ty: ignore[unsupported-base]  (any of the library's)
        raw: np.ndarray  # (k, h, w)

        def get_cam_image(self, input_tensor: torch.Tensor, target_layer: nn.Module | None,
                          targets: Sequence[nn.Module], activations: np.ndarray, grads: np.ndarray | None,
                          eigen_smooth: bool = False) -> np.ndarray:
            """The library's, finding by finding: one fits the processor's cache, 14 at once do not."""
            one_at_once = super().get_cam_image
            each = [(targets, activations, grads)] if grads is None else [
                (targets[k : k + 1], activations[k : k + 1], grads[k : k + 1]) for k in range(len(grads))]
            self.raw = np.concatenate([one_at_once(input_tensor, target_layer, *one, eigen_smooth) for one in each])
            return self.raw

        def aggregate_multi_layers(self, cam_per_target_layer: list[np.ndarray]) -> np.ndarray:
            """The library's numbers without its three copies of all maps, which suit several layers: here is one."""
            (maps,) = cam_per_target_layer
            maps = maps[:, 0]
            for cam in maps:  # none is negative: the library rectified them before stretching
                cam -= cam.min()
                cam /= 1e-7 + cam.max()
            return maps

    return Keeping


@dataclass(frozen=True)
class Method:
    """One way to a map.

    Attributes:
        cam: makes one of the library's `BaseCAM`, which keeps its raw maps as `raw`; a slow one is told by `told`.
        meaning: one sentence.
        per_finding: False where one map serves all findings.
        by_gradient: all findings come from one pass through the network.
        slow: runs the network once for every few channels, one finding at a time.
    """

    cam: Callable[..., Any]
    meaning: str
    per_finding: bool = True
    by_gradient: bool = True
    slow: bool = False


METHODS = {
    GRAD_CAM: Method(_keeping_raw_maps(GradCAM),
                     "Channels weighted by the mean of the finding's gradient over the film."),
    "gradcam++": Method(_keeping_raw_maps(GradCAMPlusPlus),
                        "Grad-CAM with weights that count each place that helps; better where a finding is in several "
                        "places."),
    HIRES_CAM: Method(_keeping_raw_maps(HiResCAM),
                      "Channels times their gradient, place by place; with a pooled linear head equal to Grad-CAM."),
    "layercam": Method(_keeping_raw_maps(LayerCAM),
                       "Channels times their positive gradient, place by place."),
    "eigencam": Method(_keeping_raw_maps(EigenCAM),
                       "The first principal component of the features: does not depend on the finding.",
                       per_finding=False, by_gradient=False),
    "scorecam": Method(_keeping_raw_maps(_InSteps),
                       "Channels weighted by the finding's value when only they show through; no gradients, slow.",
                       by_gradient=False, slow=True),
}


class _Known(torch.autograd.Function):
    """k outputs of which only the gradients are known; their values are never asked for."""

    @staticmethod
    def forward(ctx: Any, features: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
        ctx.gradients = gradients
        return features.new_zeros(len(features), 1)

    @staticmethod
    def backward(ctx: Any, *of_outputs: torch.Tensor) -> tuple[torch.Tensor, None]:
        return ctx.gradients, None  # the library sums the outputs: each has gradient 1


class _Replay(nn.Module):
    """A network that is nothing but its CAM layer's features and, behind them, k outputs with known gradients.

    A method sees the very features and gradients of the network that they come from, while that one, shared by
    threads, runs once and never gets the library's hooks.
    """

    def __init__(self, features: torch.Tensor, gradients: torch.Tensor) -> None:
        super().__init__()
        self.layer = nn.Identity()
        self.features = nn.Parameter(features, requires_grad=False)
        self.gradients = gradients

    def forward(self, films: torch.Tensor) -> torch.Tensor:
        copies = self.features.expand(len(films), -1, -1, -1).requires_grad_()
        return _Known.apply(self.layer(copies), self.gradients)


def by_gradients(method: Method, features: torch.Tensor, gradients: torch.Tensor, size: int
                 ) -> tuple[np.ndarray, np.ndarray]:
    """A map for each of k gradients.

    Args:
        features: float32 (1, C, h, w), the CAM layer's output.
        gradients: float32 (k, C, h, w), of k logits.
        size: S, pixels a side.

    Returns:
        The library's maps, float32 (k, S, S), and the same before rectifying and scaling, (k, h, w).
    """
    network = _Replay(features, gradients)
    cam = method.cam(network, [network.layer])
    return run_cam(cam, torch.empty(len(gradients), 1, size, size), [0] * len(gradients)), cam.raw


def by_features(method: Method, features: torch.Tensor, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The one map of a method that looks at the features' principal component and nothing else; as `by_gradients`.

    The features' C channels, most of them idle, are first turned into as many as there are places: a rotation, which
    no principal component notices. The library decomposes all C of them, for longer than the network runs.
    """
    _, channels, height, width = features.shape
    if channels > height * width:
        places = features[0].flatten(1).numpy()
        rotated = np.linalg.qr(places - places.mean(axis=1, keepdims=True), mode="r")
        features = torch.from_numpy(rotated).reshape(1, -1, height, width)
    return by_gradients(method, features, torch.empty(1, 0), size)


def run_cam(cam: BaseCAM, films: torch.Tensor, outputs: Sequence[int]) -> np.ndarray:
    """Maps of one of the network's outputs for each film; the hooks are taken off whatever happens.

    The library's own `with` does not serve: it swallows an IndexError.
    """
    try:
        targets: list[Any] = [ClassifierOutputTarget(output) for output in outputs]
        return cam(films, targets)
    finally:
        cam.activations_and_grads.release()
