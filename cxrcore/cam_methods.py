"""The ways to a class activation map: pytorch-grad-cam's classes, as the workbench uses them.

Sources: Grad-CAM, Selvaraju et al., ICCV 2017; Grad-CAM++, Chattopadhay et al., WACV 2018; HiResCAM, Draelos and Carin,
2020; LayerCAM, Jiang et al., IEEE TIP 2021; EigenCAM, Muhammad and Yeasin, IJCNN 2020; Score-CAM, Wang et al., CVPR
Workshops 2020.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from pytorch_grad_cam import EigenCAM, GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, ScoreCAM
from pytorch_grad_cam.base_cam import BaseCAM
from torch.nn import functional

GRAD_CAM, HIRES_CAM = "gradcam", "hirescam"
CHANNELS_AT_ONCE = 16  # of Score-CAM; the library holds all of them in memory, 1 GB at 224 pixels


class _InSteps(ScoreCAM):
    """The library's Score-CAM, its channels scored a few at a time: bounded memory, and somebody is told.

    Attributes:
        told: told how many channels are done of how many; may raise to end it.
    """

    told: Callable[[int, int], None] = staticmethod(lambda done, total: None)

    def get_cam_weights(self, input_tensor, target_layer, targets, activations, grads) -> np.ndarray:
        """Softmax of the target's value with the film masked by each channel, (1, channels)."""
        self.activations_and_grads.release()  # its hooks would keep the activations of every masked film
        (target,), total = targets, activations.shape[1]
        values = []
        with torch.no_grad():
            for first in range(0, total, CHANNELS_AT_ONCE):
                channels = torch.from_numpy(activations[:, first:first + CHANNELS_AT_ONCE]).to(self.device)
                masks = functional.interpolate(channels, input_tensor.shape[-2:], mode="bilinear", align_corners=True)
                low, high = masks.amin((2, 3), keepdim=True), masks.amax((2, 3), keepdim=True)
                masks = (masks - low) / (high - low + 1e-8)
                values += [target(output).item() for output in self.model(input_tensor * masks[0, :, None])]
                self.told(len(values), total)
        return torch.softmax(torch.tensor(values), 0).numpy()[None]


def _keeping_raw_maps(method: type[BaseCAM]) -> type[BaseCAM]:
    """The library's class, which also keeps its maps as they are before rectifying and scaling."""

    class Keeping(method):
        raw: np.ndarray  # (k, h, w)

        def get_cam_image(self, *args, **options) -> np.ndarray:
            self.raw = super().get_cam_image(*args, **options)
            return self.raw

    return Keeping


@dataclass(frozen=True)
class Method:
    """One way to a map.

    Attributes:
        label: as people write it.
        cam: the library's class, keeping its raw maps.
        meaning: one sentence.
        per_finding: False where one map serves all findings.
        by_gradient: all findings come from one pass through the network.
        slow: runs the network once for every few channels, one finding at a time.
    """

    label: str
    cam: type[BaseCAM]
    meaning: str
    per_finding: bool = True
    by_gradient: bool = True
    slow: bool = False


METHODS = {
    GRAD_CAM: Method("Grad-CAM", _keeping_raw_maps(GradCAM),
                     "Channels weighted by the mean of the finding's gradient over the film."),
    "gradcam++": Method("Grad-CAM++", _keeping_raw_maps(GradCAMPlusPlus),
                        "Grad-CAM with weights that count each place that helps; better where a finding is in several "
                        "places."),
    HIRES_CAM: Method("HiResCAM", _keeping_raw_maps(HiResCAM),
                      "Channels times their gradient, place by place; with a pooled linear head equal to Grad-CAM."),
    "layercam": Method("LayerCAM", _keeping_raw_maps(LayerCAM),
                       "Channels times their positive gradient, place by place."),
    "eigencam": Method("EigenCAM", _keeping_raw_maps(EigenCAM),
                       "The first principal component of the features: does not depend on the finding.",
                       per_finding=False, by_gradient=False),
    "scorecam": Method("Score-CAM", _keeping_raw_maps(_InSteps),
                       "Channels weighted by the finding's value when only they show through; no gradients, slow.",
                       by_gradient=False, slow=True),
}
