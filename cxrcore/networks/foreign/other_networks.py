"""The name of a network that is none of the six, for the line that refuses its weights."""

from collections.abc import Mapping

import torch
import torchvision

from cxrcore.networks.foreign.heads import is_counter, is_head
from cxrcore.networks.state_shapes import shape_in_words

_SHOWN = 3  # tensors of an unknown layout in an error
_FAMILIES = {  # parts of names that all of a family have -> how torchvision's names of its networks begin
    "layer1.0.conv1.": ("resn", "wide"),
    "denseblock1.denselayer1.": ("densenet",),
    "features.1.conv.0.": ("mobilenet_v2",),
    "features.1.0.block.": ("efficientnet",),
    "features.1.block.": ("mobilenet_v3",),
    "encoder.layers.encoder_layer_0.": ("vit",),
    "attn.relative_position_bias_table": ("swin",),
    "layer_scale": ("convnext",),
    "inception3a.": ("googlenet",),
    "Mixed_5b.": ("inception",),
    "stage2.0.branch1.": ("shufflenet",),
    "layers.8.0.layers.": ("mnasnet",),
    "features.3.squeeze.": ("squeezenet",),
    "blocks.0.layers.0.layers.": ("maxvit",),
    "features.0.weight": ("vgg", "alexnet"),
}
_MAKERS = {  # parts of names that one maker's networks have
    "_blocks.0._depthwise_conv.": "an EfficientNet of efficientnet_pytorch, which pads in another way",
    "embeddings.patch_embeddings.projection.": "a ViT of Hugging Face's transformers",
    "embedder.embedder.convolution.": "a ResNet of Hugging Face's transformers",
    "visual.conv1.weight": "a CLIP",
    "trunk_output.block1.": "a RegNet of torchvision",
    "attn.relative_position_bias_table": "a Swin transformer",
    "stages.0.blocks.0.conv_dw.": "a ConvNeXt of timm",
    "decoder.blocks.0.": "a network that segments",
    "block1.rep.0.": "an Xception",
}


def name_of(tensors: Mapping[str, torch.Tensor]) -> str:
    """What a state dict, without its prefix, looks like: 'torchvision's resnet50', or '' where nothing is known."""
    begins = next((names for mark, names in _FAMILIES.items() if any(mark in key for key in tensors)), ())
    shapes = _body({key: tuple(value.shape) for key, value in tensors.items()}) if begins else {}
    for name in torchvision.models.list_models(module=torchvision.models):
        if name.startswith(begins) and _shapes_of(name) == shapes:
            return f"torchvision's {name}"
    return next((text for mark, text in _MAKERS.items() if any(mark in key for key in tensors)), "")


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
    with torch.device("meta"):
        model = torchvision.models.get_model(name, weights=None, **further)
    return _body({key: tuple(value.shape) for key, value in model.state_dict().items()})


def _body(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    return {key: shape for key, shape in shapes.items() if not is_head(key) and not is_counter(key)}
