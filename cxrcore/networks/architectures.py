"""The six architectures: one entry each; adding one is adding an entry.

Networks come from timm with 3 input channels (the grey film three times, so that ImageNet weights fit) and a logit a
finding.
Importing this module does not import torch; building a network does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cxrcore.errors import RunError
from cxrcore.networks.model_options import check_options

if TYPE_CHECKING:
    from torch import nn

PATCH = 16  # pixels a side of a ViT token


@dataclass(frozen=True)
class Architecture:
    """What the product needs to know of one network.

    Attributes:
        name: as flags, store and checkpoints write it.
        label: as people write it.
        timm_name: key of timm's registry.
        tag: of timm's pretrained weights. All six were trained on ImageNet-1k alone, so that a comparison of
            architectures is not one of what their weights have seen. timm's own default of the day is taken where it
            keeps to that; ViT's does not (it began with the 14 million pictures of ImageNet-21k).
        cam_layer: path of the layer whose output class activation maps are taken from.
        has_tokens: the layer gives (B, 1 + tokens, C) with a class token, not (B, C, H, W).
        pooled_head: what follows the CAM layer is a mean over the places and one linear layer, so that HiResCAM equals
            Grad-CAM.
    """

    name: str
    label: str
    timm_name: str
    tag: str
    cam_layer: str
    has_tokens: bool = False
    pooled_head: bool = True

    @property
    def weights_name(self) -> str:
        """What timm and its hub call the pretrained weights: NAME.TAG."""
        return f"{self.timm_name}.{self.tag}"

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
    """The entry of this name.

    Raises:
        RunError: unknown; the text lists the six.
    """
    try:
        return ARCHITECTURES[name]
    except KeyError:
        raise RunError(f"unknown --arch '{name}': expected one of {', '.join(ARCHITECTURES)}, or all") from None


def build(
    name: str, image_size: int, n_findings: int, options: Mapping[str, Any] | None = None, pretrained: bool = False
) -> "nn.Module":
    """A network that maps float (B, 3, S, S) to logits (B, n_findings), in channels-last memory.

    Args:
        image_size: S, a multiple of 32.
        options: of `model_options.MODEL_OPTIONS`.
        pretrained: load the ImageNet weights of the architecture's tag (network or local cache).

    Raises:
        CheckpointError: an option that is not one of these.
    """
    further = check_options(options or {}, name)
    import timm  # imports torch, seconds long
    import torch

    entry = find_architecture(name)
    sized: dict[str, Any] = {"img_size": image_size} if entry.has_tokens else {}
    model = timm.create_model(entry.weights_name, pretrained=pretrained, num_classes=n_findings, **sized, **further)
    return model.to(memory_format=torch.channels_last)


def of_timm(model: Any) -> Any:
    """A network of `build` with what timm adds to torch's: pretrained_cfg, feature_info, a ViT's blocks."""
    return model
