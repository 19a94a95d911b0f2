"""A network that several processes train: gradients added up over all, and batch normalisation over whole batches."""

import contextlib

import torch
from timm.layers import convert_sync_batchnorm
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from cxrcore.training.ranks.group import Group


def has_batch_norm(model: nn.Module) -> bool:
    """Whether a film's scores depend on the others of its batch while it trains."""
    return any(isinstance(module, _BatchNorm) for module in model.modules())


def normalised_together(model: nn.Module, device: torch.device, group: Group) -> nn.Module:
    """The network with batch normalisation over the films of all processes, on GPUs.

    PyTorch has none for CPUs: there each process goes by its own films. timm's conversion, unlike PyTorch's, keeps the
    activations that timm's layers hold.
    """
    return convert_sync_batchnorm(model) if group.world > 1 and device.type == "cuda" else model


def shared(model: nn.Module, image_size: tuple[int, ...], group: Group) -> nn.Module:
    """The network whose backward passes give every process the mean gradient of all; of one process the network itself.

    It begins with the first process's weights.

    Args:
        image_size: height and width of its films.
    """
    if group.world == 1:
        return model
    made = DistributedDataParallel(model, gradient_as_bucket_view=True,
                                   find_unused_parameters=_has_idle_weights(model, image_size))
    # Buffers stay each process's own: only running statistics change, which no training step reads. An attribute that
    # every version of torch has: as an argument it has been given another name.
    made.broadcast_buffers = False
    return made


def held_back(network: nn.Module, more: bool) -> contextlib.AbstractContextManager[None]:
    """For a part of a step: gradients stay here until the last part, in which all are sent."""
    return network.no_sync() if more and isinstance(network, DistributedDataParallel) else contextlib.nullcontext()


def _has_idle_weights(model: nn.Module, image_size: tuple[int, ...]) -> bool:
    """Whether some weights get no gradient, which would be waited for; in evaluation mode, where nothing is drawn."""
    training, weight = model.training, next(model.parameters())
    model.eval()
    model(torch.zeros(2, 3, *image_size, device=weight.device)).sum().backward()
    idle = any(one.requires_grad and one.grad is None for one in model.parameters())
    model.zero_grad(set_to_none=True)
    model.train(training)
    return idle
