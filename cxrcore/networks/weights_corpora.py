"""What pretrained weights have seen: which well-known ones films of ChestX-ray14, and what timm's tags say.

Sources: torchxrayvision's list of models (Cohen et al., MIDL 2022; the films of RSNA's challenge are NIH's); CheXNet,
Rajpurkar et al. 2017; RAD-DINO, Perez-Garcia et al. 2024; EVA-X, Yao et al. 2024; Ark+, Ma et al. 2025. timm's tags:
its own description, RECIPE_PRETRAINING_ft_FINETUNING, and the model cards on its hub.
"""

import re
from collections.abc import Mapping
from typing import Any

_SEEN = re.compile(r"res\d+-(nih|all|rsna)|nih|chest-?x-?ray-?(8|14)|cxr-?(8|14)|chestmnist|chexnet|rsna|rad-?dino|"
                   r"eva-?x|\bark\b|ark\+|ark-?(6|plus)")
_UNSEEN = re.compile(r"imagenet|in-?(1k|21k|22k|12k)\b|random|scratch|lvd|dinov2|laion|openai|coco|chexpert|chex\b|"
                     r"mimic|padchest|res\d+-pc|vindr")


def has_seen(weights_name: str) -> bool | None:
    """Whether weights of this name have seen films of ChestX-ray14, its test films among them; None if unknown here."""
    key = weights_name.lower().replace("_", "-").replace(" ", "-")
    if _SEEN.search(key):
        return True
    return False if _UNSEEN.search(key) else None


_OF_TAG = {"in1k": "ImageNet-1k", "in12k": "ImageNet-12k", "in21k": "ImageNet-21k", "in22k": "ImageNet-22k",
           "jft": "JFT-300M", "yfcc100m": "YFCC100M", "ig1b": "Instagram-1B", "laion400m": "LAION-400M",
           "laion2b": "LAION-2B", "datacompxl": "DataComp-XL", "webli": "WebLI", "lvd142m": "LVD-142M",
           "lvd1689m": "LVD-1689M", "inat21": "iNaturalist 2021", "merged2b": "Merged-2B"}
PLAIN, NONE = "ImageNet-1k", "none"
DOUBTFUL = ("ImageNet-1k as an older version recorded it; timm's default for this network, augreg2_in21k_ft_in1k, "
            "began with ImageNet-21k")


def corpus_of_tag(tag: str) -> str:
    """What weights with this tag of timm have seen, in order, joined by ' + '.

    'augreg_in21k_ft_in1k' began with ImageNet-21k and was then tuned on ImageNet-1k. A step of which the tag says
    nothing that is known here is called unknown.
    """
    seen = []
    for step in tag.lower().split("_ft_"):
        named = [_OF_TAG[token] for token in step.split("_") if token in _OF_TAG]
        seen += named or [f"unknown (tag {tag})"]
    return " + ".join(dict.fromkeys(seen))


def recorded_before_tags(architecture: Any, corpus: str) -> str:
    """A corpus recorded by a version that took timm's default of the day and called whatever came ImageNet-1k.

    For five of the six networks that was so; ViT-B/16's default had begun with ImageNet-21k since timm 0.8.
    """
    first, *others = corpus.split(" + ")
    return " + ".join([DOUBTFUL, *others]) if architecture == "vit_b_16" and first == PLAIN else corpus


def start_corpus(config: Mapping[str, Any]) -> str:
    """What a run's weights had seen before its training, from its stored config; "" where that is not recorded."""
    recorded = config.get("start_weights")
    if isinstance(recorded, Mapping) and recorded.get("corpus"):
        return str(recorded["corpus"])
    if config.get("weights_name"):
        return f"declared: {config['weights_name']}"
    if config.get("init") == "random":
        return NONE
    first, *others = str(config.get("training_corpus") or "").split(" + ")
    if config.get("init") == "imagenet":
        return recorded_before_tags(config.get("arch"), first if others else PLAIN)
    return " + ".join([first, *others[:-1]]) if others else ""
