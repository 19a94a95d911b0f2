"""The six architectures, one entry each, and `timm:NAME` for any other network of timm.

Networks come from timm with 3 input channels (the grey film three times, so that ImageNet weights fit) and a logit a
finding.
Importing this module does not import torch; building a network does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cxrcore.errors import RunError
from cxrcore.networks import timm_names
from cxrcore.networks.model_options import check_options

if TYPE_CHECKING:
    from torch import nn

PATCH = 16  # pixels a side of a ViT token
MAX_NAME = 200  # characters of timm:NAME


@dataclass(frozen=True)
class Architecture:
    """What the product needs to know of one network.

    Attributes:
        name: as flags, store and checkpoints write it.
        label: as people write it.
        timm_name: key of timm's registry.
        tag: of timm's pretrained weights. All six were trained on ImageNet-1k alone, so that a comparison of
            architectures is not one of what their weights have seen. timm's own default of the day is taken where it
            keeps to that; ViT's does not (it began with the 14 million pictures of ImageNet-21k). Empty for a network
            that is not one of the six and whose name has none: timm's default.
        cam_layer: path of the layer whose output class activation maps are taken from; empty where it is to be found
            (`cam_layer`).
        has_tokens: the layer gives (B, 1 + tokens, C) with a class token, not (B, C, H, W).
        pooled_head: what follows the CAM layer is a mean over the places and one linear layer, so that HiResCAM equals
            Grad-CAM.
    """

    name: str
    label: str
    timm_name: str
    tag: str
    cam_layer: str = ""
    has_tokens: bool = False
    pooled_head: bool = True

    @property
    def weights_name(self) -> str:
        """What timm and its hub call the pretrained weights: NAME.TAG."""
        return f"{self.timm_name}.{self.tag}" if self.tag else self.timm_name

    def token_grid(self, image_size: int) -> tuple[int, int] | None:
        """Rows and columns of the tokens after the class token, or None for a convolutional network."""
        return (image_size // PATCH, image_size // PATCH) if self.has_tokens else None


ARCHITECTURES: dict[str, Architecture] = {
    entry.name: entry
    for entry in (
        Architecture("efficientnet_b0", "EfficientNet-B0", "efficientnet_b0", "ra_in1k", "bn2"),
        Architecture("densenet121", "DenseNet-121", "densenet121", "ra_in1k", "features.norm5"),
        Architecture("resnet18", "ResNet-18", "resnet18", "a1_in1k", "layer4.1"),
        Architecture("vgg16", "VGG16", "vgg16", "tv_in1k", "features.30", pooled_head=False),
        Architecture("mobilenet_v2", "MobileNetV2", "mobilenetv2_100", "ra_in1k", "bn2"),
        Architecture("vit_b_16", "ViT-B/16", "vit_base_patch16_224", "augreg_in1k", "blocks.11.norm1",
                     has_tokens=True, pooled_head=False),
    )
}


def find_architecture(name: str) -> Architecture:
    """The entry of this name; of `timm:NAME` one that is not held to timm's registry, which takes seconds to read.

    Raises:
        RunError: unknown; the text lists the six, and the nearest of timm's.
    """
    if name in ARCHITECTURES:
        return ARCHITECTURES[name]
    if timm_names.is_timm(name) and len(name) <= MAX_NAME and name.isprintable():
        timm_name, _, tag = name.removeprefix(timm_names.PREFIX).partition(".")
        return Architecture(name, label(name), timm_name, tag, pooled_head=False)
    raise RunError(f"unknown --arch '{name[:80]}': expected one of {', '.join(ARCHITECTURES)}, all, or timm:NAME"
                   f"{timm_names.offer(name)}")


def label(name: str | None) -> str:
    """The architecture as people write it; an unknown name as it is. Does not import timm."""
    if name in ARCHITECTURES:
        return ARCHITECTURES[name].label
    return f"{name.removeprefix(timm_names.PREFIX)} (timm)" if name and timm_names.is_timm(name) else name or "unknown"


def require_known(name: str) -> Architecture:
    """The entry of this name, held to timm's registry.

    Raises:
        RunError: unknown; the text offers the nearest.
    """
    entry = find_architecture(name)
    if timm_names.is_timm(name):
        timm_names.require(entry.weights_name)
    return entry


def build(
    name: str, image_size: int, n_findings: int, options: Mapping[str, Any] | None = None, pretrained: bool = False,
    config: Mapping[str, Any] | None = None,
) -> "nn.Module":
    """A network that maps float (B, 3, S, S) to logits (B, n_findings), in channels-last memory.

    Args:
        image_size: S, a multiple of 32.
        options: of `model_options.MODEL_OPTIONS`.
        pretrained: load the ImageNet weights of the architecture's tag (network or local cache).
        config: timm's, in place of its own; of `timm_hub.read`.

    Raises:
        CheckpointError: an option that is not one of these.
        RunError: timm has no such network.
    """
    further = check_options(options or {}, name)
    import timm  # imports torch, seconds long
    import torch

    entry = require_known(name)
    sized: dict[str, Any] = {"img_size": image_size} if entry.has_tokens or _is_sized(entry) else {}
    further |= {"pretrained_cfg": dict(config)} if config else {}
    model = timm.create_model(entry.weights_name, pretrained=pretrained, num_classes=n_findings, **sized, **further)
    return model.to(memory_format=torch.channels_last)


def _is_sized(entry: Architecture) -> bool:
    """Whether the network is built for one size, by position embeddings or windows, and so has to be told it."""
    from timm.models import get_pretrained_cfg

    config = get_pretrained_cfg(entry.weights_name)
    return timm_names.is_timm(entry.name) and bool(config and config.fixed_input_size)


def of_timm(model: Any) -> Any:
    """A network of `build` with what timm adds to torch's: pretrained_cfg, feature_info, a ViT's blocks."""
    return model
