"""Convolutions that cover their whole input, as VGG16's first classifier layer does: linear maps in all but name."""

import torch
from torch import nn


class WholeInputConv(nn.Conv2d):
    """The same numbers as `Conv2d`, up to rounding; no copy of the weight where the kernel is as large as the input.

    A convolution brings its weight into another order at each call: of VGG16's, 411 MB for every film.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Map float (B, I, H, W) to (B, O, H', W')."""
        if input.shape[-2:] != self.kernel_size:
            return super().forward(input)
        return nn.functional.linear(input.flatten(1), self.weight.flatten(1), self.bias)[:, :, None, None]


def laid_out(model: nn.Module) -> nn.Module:
    """The network itself, in channels-last memory but for convolutions that may cover their whole input."""
    for module in model.modules():
        if type(module) is nn.Conv2d and _may_cover(module):
            module.__class__ = WholeInputConv  # with the parameters and hooks that it has
            continue
        for one in module.parameters(recurse=False):
            if one.dim() == 4:
                one.data = one.data.contiguous(memory_format=torch.channels_last)
    return model


def _may_cover(module: nn.Conv2d) -> bool:
    return (module.kernel_size != (1, 1) and module.padding == (0, 0) and module.dilation == (1, 1)
            and module.groups == 1 and module.stride == (1, 1))
