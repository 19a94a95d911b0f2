"""The name of a network that is none of the six, for the line that refuses its weights."""

from collections.abc import Mapping

import torch
import torchvision

from cxrcore.networks.foreign.heads import is_counter, is_head
from cxrcore.networks.state_shapes import shape_in_words

_SHOWN = 3  # tensors of an unknown layout in an error
_MARKS = {  # parts of names that one maker's networks have
    "_blocks.0._depthwise_conv.": "an EfficientNet of efficientnet_pytorch, which pads in another way",
    "embeddings.patch_embeddings.projection.": "a ViT of Hugging Face's transformers",
    "embedder.embedder.convolution.": "a ResNet of Hugging Face's transformers",
    "visual.conv1.weight": "a CLIP",
    "attn.relative_position_bias_table": "a Swin transformer",
    "stages.0.blocks.0.conv_dw.": "a ConvNeXt of timm",
    "decoder.blocks.0.": "a network that segments",
    "block1.rep.0.": "an Xception",
    "fire2.squeeze.": "a SqueezeNet",
}


def name_of(tensors: Mapping[str, torch.Tensor]) -> str:
    """What a state dict, without its prefix, looks like: 'torchvision's resnet50', or '' where nothing is known."""
    shapes = _body({key: tuple(value.shape) for key, value in tensors.items()})
    for name in torchvision.models.list_models(module=torchvision.models):
        if _shapes_of(name) == shapes:
            return f"torchvision's {name}"
    return next((text for mark, text in _MARKS.items() if any(mark in key for key in tensors)), "")


def first_names(tensors: Mapping[str, torch.Tensor]) -> str:
    """The first tensors of an unknown layout, with their shapes."""
    shown = [f"{key[:60]!a} ({shape_in_words(value)})" for key, value in list(tensors.items())[:_SHOWN]]
    return ", ".join(shown)


def without_shared_prefix(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Names without the first parts that all of them share: wrappers' prefixes."""
    bare = dict(tensors)
    while bare and all("." in key for key in bare) and len({key.split(".", 1)[0] for key in bare}) == 1:
        bare = {key.split(".", 1)[1]: value for key, value in bare.items()}
    return bare


def _shapes_of(name: str) -> dict[str, tuple[int, ...]]:
    further = {"init_weights": False, "aux_logits": False} if name in ("googlenet", "inception_v3") else {}
    try:
        with torch.device("meta"):
            model = torchvision.models.get_model(name, weights=None, **further)
    except NotImplementedError:  # RegNets compute while they are built
        return {}
    return _body({key: tuple(value.shape) for key, value in model.state_dict().items()})


def _body(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    return {key: shape for key, shape in shapes.items() if not is_head(key) and not is_counter(key)}
