"""Where on a film the cells of a CAM layer lie, so that a map is laid over what the network looked at.

Maps are usually stretched over the film as if cell i looked at the middle of the i-th of n equal strips. A convolution
of stride 2 with odd kernel and symmetric padding looks elsewhere: its cell i is centred on input pixel 2i, not between
2i and 2i + 1. Over five such steps the usual overlay of ResNet-18, EfficientNet-B0 and MobileNetV2 lies 15.5 pixels of
the network's input too far right and down: half a cell.

Source: Araujo, Norris and Sim, Computing receptive fields of convolutional neural networks, Distill 2019 (equations 3
and 4, the centres).
"""

from typing import Any

import torch
from timm.layers import BlurPool2d, Conv2dSame
from torch import nn

_STRIDED = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d, BlurPool2d)


def overlay_offset(model: nn.Module, layer: nn.Module, size: int) -> float:
    """How many input pixels the usual overlay of this layer's map lies too far right, and as many too far down.

    Runs the network once on an empty film.

    Args:
        model: in evaluation mode.
        layer: of the model, whose cells are asked for.
        size: of the input, pixels a side.
    """
    passed: list[tuple[Any, int, int]] = []
    reached = False

    def note(module: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        if not reached and inputs[0].shape[-1] > output.shape[-1]:
            passed.append((module, inputs[0].shape[-1], output.shape[-1]))

    def stop(*_: object) -> None:
        nonlocal reached
        reached = True

    handles = [module.register_forward_hook(note) for module in model.modules() if isinstance(module, _STRIDED)]
    handles.append(layer.register_forward_hook(stop))
    weight = next(model.parameters())
    try:
        with torch.no_grad():
            model(torch.zeros(1, 3, size, size, dtype=weight.dtype, device=weight.device))
    finally:
        for handle in handles:
            handle.remove()
    first, stride = _first_centre(passed, size)
    return (stride - 1) / 2 - first


def _first_centre(passed: list[tuple[Any, int, int]], size: int) -> tuple[float, int]:
    """Centre of the first cell and distance between cells, in input pixels (the first pixel's centre is 0).

    Of parallel ways (a block and its shortcut) the first is taken: both have to end at the same centres to be added.
    A step that is none of these modules, such as a transformer's merging of patches, is taken to be even: its cells'
    centres are the middles of what they are made of.
    """
    centre, stride, width = 0.0, 1, size
    for module, before, after in passed:
        if before < width:  # a step of another kind lies between
            centre, stride, width = centre + stride * (width // before - 1) / 2, stride * (width // before), before
        if before == width:
            centre += stride * ((_kernel(module) - 1) / 2 - _padding(module, before))
            stride *= _first(module.stride)
            width = after
    return centre, stride


def _kernel(module: Any) -> int:
    return module.filt_size if isinstance(module, BlurPool2d) else _first(module.kernel_size)


def _padding(module: Any, width: int) -> int:
    """Pixels that the module adds on the left."""
    if isinstance(module, Conv2dSame) or module.padding == "same":  # as much as is needed, the odd pixel on the right
        kernel, stride = _kernel(module), _first(module.stride)
        return max((-(-width // stride) - 1) * stride + kernel - width, 0) // 2
    return 0 if module.padding == "valid" else _first(module.padding)


def _first(value: Any) -> int:
    """Of a pair, or of a longer list; one number is all of them."""
    return int(value[0] if isinstance(value, tuple | list) else value)
