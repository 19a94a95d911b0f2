"""Where a CAM layer's cells lie: arithmetic against what the network's own gradients say."""

import numpy as np
import pytest
import torch

from cxrcore.explain import registration
from cxrcore.explain.small_maps import place
from cxrcore.networks.architectures import ARCHITECTURES, build

SIZE = 192  # its middle is the centre of a cell where the offset is half a cell
ODD_SIZE = 160  # and of one where there is none
EXPECTED = {"efficientnet_b0": 15.5, "mobilenet_v2": 15.5, "resnet18": 15.5, "densenet121": 1.5, "vgg16": 0.0,
            "vit_b_16": 0.0}


def looked_at(model, entry, size, films):
    """Centre of mass of the input's gradients for the cell of the film's middle, over random films; and that cell.

    The middle, since a network's view is cut at the film's edges, which pulls the centre inwards elsewhere.
    """
    kept = {}
    handle = model.get_submodule(entry.cam_layer).register_forward_hook(lambda *a: kept.update(out=a[2]))
    centres = []
    for seed in range(films):
        film = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(seed), requires_grad=True)
        model(film)
        out = kept["out"]
        if entry.has_tokens:
            rows, columns = entry.token_grid(size)
            out = out[:, 1:].unflatten(1, (rows, columns)).permute(0, 3, 1, 2)
        cell = out.shape[-1] // 2
        weights = torch.randn(out.shape[1], generator=torch.Generator().manual_seed(seed))
        gradient, = torch.autograd.grad((out[0, :, cell, cell] * weights).sum(), film)
        power = gradient.square().sum((0, 1)).numpy()
        at = np.arange(size)
        centres.append(((power.sum(1) @ at) / power.sum(), (power.sum(0) @ at) / power.sum()))
    handle.remove()
    return float(np.mean(centres)), (cell + 0.5) * size / out.shape[-1] - 0.5


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_cells_lie_where_their_gradients_come_from(name):
    torch.manual_seed(0)
    half_a_cell_off = EXPECTED[name] > 10
    entry, size = ARCHITECTURES[name], SIZE if half_a_cell_off else ODD_SIZE
    model = build(name, size, 14).eval()
    offset = registration.overlay_offset(model, model.get_submodule(entry.cam_layer), size)
    assert offset == EXPECTED[name]
    centre, usual = looked_at(model, entry, size, films=6 if half_a_cell_off else 1)
    assert abs(centre - (usual - offset)) < 4  # an untrained network looks a little unevenly
    if half_a_cell_off:
        assert abs(centre - usual) > 10


def test_tensorflows_padding_moves_the_cells():
    model = build("mobilenet_v2", SIZE, 14, {"pad_type": "same"}).eval()
    layer = model.get_submodule(ARCHITECTURES["mobilenet_v2"].cam_layer)
    assert registration.overlay_offset(model, layer, SIZE) == -15.5  # one pixel at each of five steps: 31 in all
    assert not any(module._forward_hooks for module in model.modules())


def test_a_map_is_moved_and_not_changed():
    maps = np.zeros((2, 40, 40), np.float32)
    maps[0, 20:24, 24:28] = 1
    maps[1, :, 39] = 1
    moved = place(maps, 8.0)
    assert moved.shape == maps.shape and moved.dtype == np.float32
    assert moved[0, 12:16, 16:20].min() == 1 and moved[0].sum() == 16
    assert (moved[1, :, 31:] == 1).all()  # the edge stays the edge
    assert place(maps, 0.0) is maps
    half = place(maps, 0.5)[0]
    assert half[19:23, 23:27].max() == 1 and half.sum() == pytest.approx(16)
