"""Which well-known weights have seen films of ChestX-ray14, by the names that people give them.

Sources: torchxrayvision's list of models (Cohen et al., MIDL 2022; the films of RSNA's challenge are NIH's); CheXNet,
Rajpurkar et al. 2017; RAD-DINO, Perez-Garcia et al. 2024; EVA-X, Yao et al. 2024; Ark+, Ma et al. 2025.
"""

import re

from cxrcore.audit import NOT_DECLARED, PASSED, WARNED, Line

_SEEN = re.compile(r"res\d+-(nih|all|rsna)|nih|chest-?x-?ray-?(8|14)|cxr-?(8|14)|chestmnist|chexnet|rsna|rad-?dino|"
                   r"eva-?x|\bark\b|ark\+|ark-?(6|plus)")
_UNSEEN = re.compile(r"imagenet|in-?(1k|21k|22k|12k)\b|random|scratch|lvd|dinov2|laion|openai|coco|chexpert|chex\b|"
                     r"mimic|padchest|res\d+-pc|vindr")


def seen_by(weights_name: str) -> Line:
    """Whether the weights that a network started from have seen films of ChestX-ray14, its test films among them."""
    name, key = weights_name.strip(), weights_name.lower().replace("_", "-").replace(" ", "-")
    if _SEEN.search(key):
        return Line("Weights", WARNED, f"the weights '{name}' were trained on films of ChestX-ray14, perhaps on "
                                       "these")
    if _UNSEEN.search(key):
        return Line("Weights", PASSED, f"the weights '{name}' have seen no film of ChestX-ray14")
    return Line("Weights", NOT_DECLARED, f"what the weights '{name}' were trained on is not known here")
