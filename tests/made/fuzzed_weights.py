"""A kind of mutated inputs: checkpoints of the workbench and of other programs, and the settings beside them."""

import io
import json
import pickle
import random
import zipfile
from dataclasses import asdict
from pathlib import Path

import torch
from fuzzed import Begun, Read, changed_bytes, changed_tree
from safetensors.torch import save as as_safetensors

from cxrcore.findings import NIH_FINDINGS
from cxrcore.networks.architectures import build
from cxrcore.networks.checkpoint import Checkpoint, is_own
from cxrcore.networks.foreign.foreign_checkpoint import load_any
from cxrcore.networks.weights_file import read_plain

SMALL = "timm:test_resnet"  # of half a million weights
SIZE = 32
BUILT = 0.1  # share of the checkpoints whose network is built


class _Odd:
    """What no plain value is, when it is pickled."""

    def __reduce__(self) -> tuple:
        return print, ("run",)


def checkpoints(folder: Path) -> Begun:
    """Files of weights, in torch's and in safetensors' form, with and without a JSON beside them."""
    model = build(SMALL, SIZE, len(NIH_FINDINGS)).eval()
    own = asdict(Checkpoint({}, SMALL, SIZE, (0.5,) * 3, (0.2,) * 3, "none", {"scheme": "patient", "seed": 0}, "a" * 12,
                            "20260101-000000-abcdef", 1, NIH_FINDINGS))
    own |= {"findings": list(NIH_FINDINGS), "mean": [0.5] * 3, "std": [0.2] * 3}
    beside = {"findings": list(NIH_FINDINGS), "architecture": SMALL, "mean": 0.5, "std": 0.2, "image_size": SIZE}

    def make(rng: random.Random) -> Read:
        path = folder / f"w{rng.choice(('.pth', '.pth', '.pth', '.pt', '.safetensors', '.bin', '.ckpt', '.zip'))}"
        settings = changed_tree(rng, json.loads(json.dumps(beside))) if rng.random() < 0.6 else beside
        path.with_suffix(".json").write_text(json.dumps(settings))
        path.write_bytes(_written(rng, path, own, model.state_dict()))
        built = rng.random() < BUILT

        def read() -> None:
            if path.suffix == ".safetensors" or not is_own(read_plain(path)):
                found = load_any(path, {}).checkpoint
            else:
                path.with_suffix(".json").unlink()
                found = load_any(path, {}).checkpoint
            if built:
                found.model()

        return read

    return make


def _written(rng: random.Random, path: Path, own: dict, state: dict) -> bytes:
    few = dict(rng.sample(list(state.items()), rng.randrange(1, len(state)))) if rng.random() < 0.3 else dict(state)
    _odd_tensors(rng, few)
    content: object = few if rng.random() < 0.4 else dict(own, state=few)
    if "format" in content and rng.random() < 0.7:
        plain = {name: value for name, value in own.items() if name not in ("state", "average")}
        content = changed_tree(rng, dict(plain, findings=list(own["findings"])), ODD_VALUES)
        content = content | {"state": few} if isinstance(content, dict) and rng.random() < 0.9 else content
    if path.suffix == ".safetensors" and rng.random() < 0.8:
        data = as_safetensors({name: value.contiguous() for name, value in few.items() if not value.is_sparse})
    else:
        file = io.BytesIO()
        torch.save(content, file, _use_new_zipfile_serialization=rng.random() < 0.8)
        data = file.getvalue()
    way = rng.random()
    if way < 0.35:
        return changed_bytes(rng, data, early=3_000)
    if way < 0.45:
        return _other_members(rng, data)
    return data[: rng.randrange(len(data))] if way < 0.5 else data


ODD_VALUES = (None, True, False, 0, -1, 5, 1.5, 2**63, 1e308, float("nan"), float("inf"), "", "x", "x" * 5_000, [], {},
              [None], {"a": 1}, {1: 2}, ("Mass",), "resnet18", "vit_b_16", "timm:", "timm:../x", "timm:test_vit",
              "timm:hf-hub:a/b", "probabilities", b"\xff", 32, 64, 100, 10**9, ["Mass", "Mass"], [["Mass"]],
              "Mass\nEffusion", "\ud800", "\u202e", torch.zeros(3), torch.tensor(float("nan")))


_ODD_TENSORS = (
    torch.Tensor.half, torch.Tensor.double, torch.Tensor.flatten, torch.Tensor.long, lambda one: one[None],
    lambda one: torch.zeros(0), lambda one: one.bool(), lambda one: one.float() * float("nan"),
    lambda one: torch.zeros(2, 1).expand(2, 3), lambda one: torch.empty(3, 0, 9), lambda one: torch.tensor(1 + 2j),
    lambda one: torch.zeros(1).expand(1 << 20), lambda one: one.flip(0) if one.ndim else one)


def _odd_tensors(rng: random.Random, state: dict) -> None:
    """Some of other shapes, kinds and values, or under other names."""
    for _ in range(rng.choice((0, 0, 1, 2))):
        name = rng.choice(list(state))
        state[name] = rng.choice(_ODD_TENSORS)(state[name])
        other = rng.choice((name, f"module.{name}", f"model.backbone.{name}", name[:-1], "fc.weight", "x" * 3_000, ""))
        state[other] = state.pop(name)


def _other_members(rng: random.Random, data: bytes) -> bytes:
    """A ZIP packed anew: members gone, renamed or twice, another pickle, or the whole file inside another one."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except zipfile.BadZipFile:
        return data
    way, place = rng.randrange(6), rng.randrange(len(members))
    name, _ = members[place]
    odd = pickle.dumps(rng.choice((_Odd(), {"state_dict": _Odd()}, [[]] * 9, 10**4000, "x" * 10_000, {"a": {1, 2}})))
    if way == 0:
        del members[place]
    elif way == 1:
        members[place] = rng.choice((f"../{name}", f"/{name}", name.upper(), "archive/data.pkl", "x")), members[0][1]
    elif way == 2:
        members.append(members[place])
    elif way == 3:
        members = [(one, odd if one.endswith("data.pkl") else content) for one, content in members]
    elif way == 4:
        members = [("w/w.pth", data)]
    else:
        members[place] = name, changed_bytes(rng, members[place][1])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for one, content in members:
            archive.writestr(one, content)
    return file.getvalue()
