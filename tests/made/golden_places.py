"""Where maps lie and how well they point, of planted blobs and boxes: the golden file's groups `boxes` and `maps`."""

from typing import Any

import numpy as np
import pandas as pd
import torch
from fixed_run import fixed_run
from torch import nn

from cxrcore.explain import measure_boxes, methods, overlay, registration, small_maps
from cxrcore.explain.measure_boxes import BoxedFilm, against
from cxrcore.explain.methods import GRAD_CAM
from cxrcore.measures import localization, localization_scores
from cxrcore.networks.cam_layer import TOKENS, CamLayer

SIZE = 96  # pixels a side of the network's input
HOTTER = 0.45  # of the greatest: no pixel of a stretched map has just that
FOUND = ("Effusion", "Mass", "Nodule")


def boxes() -> dict[str, Any]:
    """Maps with a blob near a corner of each box against the boxes, beside what needs no network."""
    boxed = _boxed()
    rows = [(GRAD_CAM, film.image_id, finding, *against(_heat(own, place), own))
            for place, film in enumerate(boxed) for finding, own in film.boxes.items()]
    table = pd.concat([measure_boxes.floors(boxed, SIZE, FOUND), pd.DataFrame(
        rows, columns=["method", "image_id", "finding", "hit", "iou", "iobb", "energy"])], ignore_index=True)
    images = fixed_run("test").images.set_index("image_id")
    table["patient_id"] = images.loc[table["image_id"], "patient_id"].to_numpy()
    made: dict[str, Any] = {}
    for measure, cut in (("hit", 0.0), ("iou", 0.1), ("iobb", 0.25), ("energy", 0.0)):
        score = localization_scores.score(table, GRAD_CAM, measure, FOUND, cut)
        made[measure] = {name: getattr(score, name) for name in ("point", "low", "high", "n", "n_patients")} | {
            f"floor {name}": values for name, values in score.floors.items()}
    own, film = fixed_run("test").boxes, np.zeros((512, 512), np.uint8)
    first = own.iloc[0]
    means = table.groupby("method")[["iou", "iobb", "energy"]].mean()
    made |= {f"mean {name}": column.to_dict() for name, column in means.items()}
    return made | {"drawn on": localization.drawn_on(own, film),
                   "on a smaller film": localization.boxes_on(own, first["image_id"], first["finding"], film)}


def _boxed() -> list[BoxedFilm]:
    found = fixed_run("test").boxes
    return [BoxedFilm(str(image_id), np.zeros((SIZE, SIZE), np.uint8), {
        finding: localization.to_scale(one[["x", "y", "width", "height"]].to_numpy(), (1024, 1024), (SIZE, SIZE))
        for finding, one in own.groupby("finding", sort=False)}) for image_id, own in found.groupby("image_id")]


def _heat(own: np.ndarray, place: int) -> np.ndarray:
    """A blob that lies farther from its box's middle the later the film stands: float32 (S, S)."""
    x, y, width, height = own[0]
    down, across = np.mgrid[0:SIZE, 0:SIZE] + 0.5
    off = (across - x - width / 2 - 2 * (place % 9)) ** 2 + (down - y - height / 2 - place % 5) ** 2
    return (1 / (1 + off / 60)).astype(np.float32)


def maps() -> dict[str, Any]:
    """A blob planted in one cell of a CAM layer, through method, moving and overlay, to the pixels of a film."""
    made: dict[str, Any] = {}
    for row, column in ((1, 4), (3, 2), (5, 5)):
        features, gradients = torch.zeros(1, 2, 6, 6), torch.zeros(2, 2, 6, 6)
        features[0, 0, row, column], features[0, 1, column, row] = 2.0, 1.0
        gradients[0, 0], gradients[1, 1] = 1.0, 1.0  # the first output comes from channel 0, the second from 1
        stretched, cells = methods.by_gradients(methods.METHODS[GRAD_CAM], features, gradients, SIZE)
        for offset in (0.0, 7.5):
            moved = small_maps.place(stretched, offset)
            few = small_maps.small_maps(np.maximum(cells, 0), SIZE, offset).placed()
            film = np.full((120, 200), 90, np.uint8)
            drawn = overlay.overlay(film, moved[0], 1.0).astype(float)
            made[f"cell {row}, {column} moved by {offset:g}"] = {
                "output 0": _centre(moved[0]), "output 1": _centre(moved[1]), "as few cells": _centre(few[0]),
                "on the film": _centre(drawn[..., 0] - drawn[..., 0].min()),
                "hottest box": localization.hottest_box(moved[0]),
                "sum": round(float(moved[0].sum(dtype=np.float64)), 3)}
    made["offset"] = _offsets()
    tokens = torch.arange(1 + 16, dtype=torch.float32)[None, :, None]
    made["tokens"] = CamLayer("", TOKENS, 1).to_maps(tokens)[0, 0].numpy()
    made["opacity"] = [overlay.opacity(score, 0.4) for score in (0.01, 0.2, 0.4, 0.9)]
    return made


def _centre(heat: np.ndarray) -> list[float]:
    """x and y of the hotter half, in pixels; maps are of single precision, so four decimals are all that stay."""
    hot = np.where(heat >= HOTTER * heat.max(), heat, 0).astype(np.float64)
    down, across = np.indices(heat.shape)
    return [round(float((hot * axis).sum() / hot.sum()), 4) for axis in (across, down)]


def _offsets() -> dict[str, float]:
    """How far the usual overlay lies off, of layers that are padded in other ways."""
    def steps(*layers: nn.Module) -> float:
        return registration.overlay_offset(nn.Sequential(*layers).eval(), layers[-1], SIZE)

    return {"five strided": steps(*(nn.Conv2d(3, 3, 3, stride=2, padding=1) for _ in range(5))),
            "pooled evenly": steps(nn.Conv2d(3, 3, 3, padding=1), nn.MaxPool2d(2), nn.MaxPool2d(2)),
            "patches": steps(nn.Conv2d(3, 3, 16, stride=16)),
            "a wide first": steps(nn.Conv2d(3, 3, 7, stride=2, padding=3), nn.MaxPool2d(3, 2, 1))}
