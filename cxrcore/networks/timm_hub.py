"""Networks from Hugging Face's hub, `timm:hf-hub:ORG/NAME`: the network of timm that a repository's config.json names.

A configuration is a stranger's text. Of its model's arguments those of `model_options` are taken and any other is
refused; of what it says of its weights only what is needed to normalise films and to find the weights in the same
repository.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cxrcore.errors import CheckpointError, RunError, WeightsUnavailable
from cxrcore.networks import timm_names
from cxrcore.networks.model_options import check_options

_FORM = re.compile(r"[\w.-]+/[\w.-]+(@[\w.-]+)?", re.ASCII)
_KEPT = ("num_classes", "input_size", "mean", "std", "interpolation", "crop_pct", "crop_mode", "first_conv",
         "classifier", "pool_size", "fixed_input_size")  # of a configuration of weights


@dataclass(frozen=True)
class HubNetwork:
    """A network that the hub names.

    Attributes:
        hub_id: ORG/NAME.
        architecture: timm:NAME of the network that it is.
        options: of `model_options.MODEL_OPTIONS`.
        config: timm's configuration of its weights.
    """

    hub_id: str
    architecture: str
    options: dict[str, Any]
    config: dict[str, Any]


def is_hub(name: str) -> bool:
    """Whether an architecture's name means a repository of the hub."""
    return name.startswith(timm_names.PREFIX + timm_names.HUB)


def read(name: str) -> HubNetwork:
    """The network of `timm:hf-hub:ORG/NAME`, whose configuration is in the hub's cache or comes from the network.

    Raises:
        RunError: no name of a repository, or a network that timm does not know.
        WeightsUnavailable: the configuration cannot be had.
        CheckpointError: it names an argument of its network that is not taken.
    """
    hub_id = name.removeprefix(timm_names.PREFIX + timm_names.HUB)
    if not _FORM.fullmatch(hub_id):
        raise RunError(f"'{name[:80]}' names no repository: expected {timm_names.PREFIX}{timm_names.HUB}ORG/NAME")
    from timm.models import load_model_config_from_hf

    try:
        config, architecture, options = load_model_config_from_hf(hub_id)
    except Exception as error:  # the hub's client raises many kinds, by version
        raise WeightsUnavailable(
            f"{timm_names.HUB}{hub_id} can only be tried with a network: its configuration is neither in the local "
            f"cache nor to be had ({type(error).__name__}); a network of timm's own, timm:NAME, needs none with "
            "--init random or --init PATH") from None
    if not isinstance(architecture, str) or not isinstance(config, Mapping):
        raise CheckpointError(f"{hub_id}: its config.json names no network of timm")
    timm_names.require(architecture.partition(".")[0])
    kept = {key: config[key] for key in _KEPT if key in config}
    return HubNetwork(hub_id, timm_names.PREFIX + architecture.partition(".")[0], check_options(options or {}, hub_id),
                      kept | {"hf_hub_id": hub_id, "source": "hf-hub", "tag": ""})
