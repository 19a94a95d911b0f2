"""`--init PATH` with what people have: taken where it is one of the six, else a line that says what it is."""

import argparse
import gzip
import io
import sys
import tarfile
import warnings
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from foreign_weights import torchvision_model
from numpy._core import multiarray
from safetensors.torch import save_file

from cxrcore.errors import CheckpointError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.networks import weights_file
from cxrcore.networks.architectures import build
from cxrcore.networks.foreign.fitting import fit, recognised
from cxrcore.networks.foreign.heads import find_head, is_head
from cxrcore.networks.foreign.state_dicts import FoundState, find_state
from cxrcore.networks.initial_weights import start
from cxrcore.networks.weights_file import read_plain

CASE = "38-init-checkpoints"
TENSOR = torch.zeros(2)


def refusal(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        find_state(read_plain(path), str(path))
    assert "\n" not in str(caught.value) and str(caught.value).startswith(str(path))
    return str(caught.value).removeprefix(str(path))


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), data)
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.pth"))
    return file.getvalue()


@pytest.mark.parametrize(("name", "data", "said"), [
    ("w.h5", b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5, as Keras"),
    ("w.keras", zipped(config_dot_json=b"{}", model_dot_weights_dot_h5=b""), "a model of Keras"),
    ("w.pth", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
    ("w.pth", b"\n <!DOCTYPE html><html>Virus scan warning</html>", "web page"),
    ("w.pth", b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "the error of a download"),
    ("model.safetensors.index.json", b'{"metadata": {}, "weight_map": {"fc.bias": "a"}}', "put the parts into"),
    ("w.pth", b'{"message": "not found"}', "is JSON and no weights"),
    ("w.onnx", b"\x08\x07\x12\x07pytorch", "is ONNX"), ("w.bin", b"\x08\x07\x12\x07pytorch", "is ONNX"),
    ("frozen.pb", b"\n\x12", "TensorFlow"), ("model.ckpt.data-00000-of-00001", b"\0", "TensorFlow"),
    ("w.tflite", b"\x1c\0\0\0TFL3", "TensorFlow Lite"), ("w.npy", b"\x93NUMPY\x01\0", "NumPy"),
    ("ViT.npz", zipped(cls_dot_npy=b"", head_dot_npy=b""), "NumPy"), ("w.gguf", b"GGUF\3", "GGUF"),
    ("w.pth.tar", tarred(), "archive (tar): unpack"), ("w.pth.gz", gzip.compress(b"x"), "gzip: unpack"),
    ("w.zip", zipped(model_dot_pth=b"PK"), "ZIP archive ('model.pth'): unpack"),
    ("w.pt", zipped(m__constants_dot_pkl=b"", m__data_dot_pkl=b"", m__code__m_dot_py=b""), "TorchScript"),
    ("w.pth", zipped(m__data_dot_pkl=b"" * 9)[:40], "cut short"), ("w.pth", b"", "is empty"),
    ("w.safetensors", (90).to_bytes(8, "little") + b"{" + b" " * 99, "cannot be read as weights"),
], ids=lambda one: one if isinstance(one, str) else "data")  # bytes of archives hold the time
def test_what_is_no_weights_file_of_pytorch_is_named(tmp_path, name, data, said):
    (tmp_path / name).write_bytes(data)
    assert said in refusal(tmp_path / name)


def test_a_folder_says_which_file_in_it_is_meant(tmp_path):
    assert "is no file but a folder" in refusal(tmp_path)
    (tmp_path / "model.safetensors").touch()
    assert f"give {tmp_path / 'model.safetensors'}" in refusal(tmp_path)
    (tmp_path / "saved_model.pb").touch()
    assert "SavedModel" in refusal(tmp_path)


class Forged:
    """Pickled as a number of NumPy that describes its memory itself."""

    def __init__(self, *given: object) -> None:
        self.given = given

    def __reduce__(self):
        return multiarray.scalar, self.given


@pytest.mark.parametrize("old_form", [False, True])
def test_numbers_of_numpy_and_flags_of_argparse_beside_weights_are_plain_values(tmp_path, old_form):
    kinds = [np.float64(0.8), np.float32(2.5), np.float16(1), np.int64(-3), np.uint8(200), np.bool_(True)]
    flags = argparse.Namespace(lr=1, nested=argparse.Namespace(best=kinds[0]))
    torch.save({"state_dict": {"fc.bias": TENSOR}, "best": kinds, "args": flags}, tmp_path / "w.pth",
               _use_new_zipfile_serialization=not old_form)
    read = read_plain(tmp_path / "w.pth")
    assert read["best"] == kinds and {type(value) for value in read["best"]} == {float, int, bool}
    assert read["args"] == flags and read["state_dict"]["fc.bias"].equal(TENSOR)


@pytest.mark.parametrize("old_form", [False, True])
@pytest.mark.parametrize(("content", "said"), [
    (torch.nn.Linear(2, 2), "a whole pickled model (torch.nn.modules"),
    ({"state_dict": {"fc.bias": TENSOR}, "args": Fraction(1, 2)}, "beside its weights (fractions.Fraction)"),
    ({"state_dict": {"fc.bias": TENSOR}, "best": np.str_("a")}, "beside its weights (numpy"),
    ({"state_dict": {"a": TENSOR}, "best": Forged(np.dtype([("x", "O")]), b"8 bytes.")}, "beside its weights (numpy"),
    ({"pytorch-lightning_version": "2.1", "state_dict": {}, "hyper_parameters": Fraction(1, 2)},
     "Lightning whose hyperparameters are pickled objects (fractions.Fraction)"),
    ({"a": Fraction(1, 2)}, "holds pickled objects (fractions.Fraction)"),
])
def test_pickled_objects_are_named_and_never_loaded(tmp_path, content, said, old_form):
    torch.save(content, tmp_path / "w.pth", _use_new_zipfile_serialization=not old_form)
    text = refusal(tmp_path / "w.pth")
    assert "run code" in text and "refused; save" in text
    assert said.split(" (")[0] in text and (old_form or said in text)  # of the old form only the first is known


@pytest.mark.parametrize(("content", "said"), [
    ([TENSOR, TENSOR], "a list of 2 tensors without names"), (TENSOR, "one tensor"), ("text", "a str"),
    ({"epoch": 3, "loss": 0.1}, "its keys are 'epoch', 'loss'"), ({"state_dict": {}}, "its keys are 'state_dict'"),
    ({}, "its keys are none"), ({"a": {"x": TENSOR}, "b": {"x": TENSOR}}, "its keys are 'a', 'b'"),
])
def test_what_holds_no_state_dict_says_what_it_holds(tmp_path, content, said):
    torch.save(content, tmp_path / "w.pth")
    assert said in refusal(tmp_path / "w.pth")


def test_files_are_read_within_bounds(tmp_path, monkeypatch):
    torch.save({"a": TENSOR, "b": [{"c": TENSOR}, (TENSOR.clone(),)]}, tmp_path / "w.pth")
    save_file({name: TENSOR.clone() for name in "abc"}, tmp_path / "w.safetensors")
    monkeypatch.setattr(weights_file, "MAX_TENSORS", 2)
    assert "more than 2 tensors" in refusal(tmp_path / "w.pth")
    assert "3 tensors; at most 2" in refusal(tmp_path / "w.safetensors")
    monkeypatch.setattr(weights_file, "MAX_BYTES", 100)
    assert "at most 0 MB are read" in refusal(tmp_path / "w.pth")


def refused_as(state: dict, architecture: str) -> str:
    with torch.device("meta"):
        model = build(architecture, 32, 14)
    with pytest.raises(CheckpointError) as caught:
        fit(recognised(FoundState(state), "w.pth"), model, architecture, "w.pth")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("other", "architecture", "said"), [
    ("resnet50", "resnet18", "w.pth does not fit resnet18: layer1.0.conv1.weight is 64 x 64 x 1 x 1 in the weights and "
                             "64 x 64 x 3 x 3 in the network; it looks like torchvision's resnet50, which is not one"),
    ("resnet34", "vgg16", "w.pth does not fit vgg16; it looks like torchvision's resnet34, which is not one"),
    ("densenet169", "densenet121", "torchvision's densenet169"), ("vgg16_bn", "vgg16", "torchvision's vgg16_bn"),
    ("efficientnet_b3", "efficientnet_b0", "torchvision's efficientnet_b3"), ("vit_l_16", "vit_b_16", "vit_l_16"),
    ("vit_b_32", "vit_b_16", "768 x 3 x 32 x 32 in the weights and 768 x 3 x 16 x 16"),
    ("mobilenet_v2", "resnet18", "it looks like mobilenet_v2, in the layout of torchvision: give --arch mobilenet_v2"),
    ("alexnet", "vgg16", "looks like torchvision's alexnet: not one of the six"),
])
def test_another_network_is_named(other, architecture, said):
    with torch.device("meta"):
        state = torchvision.models.get_model(other, weights=None).state_dict()
    assert said in refused_as({f"module.{key}": value for key, value in state.items()}, architecture)


def test_an_unknown_layout_shows_how_it_begins():
    assert "begins with 'a.b' (2)" in refused_as({"a.b": TENSOR, "c": TENSOR}, "vgg16")
    assert "a ViT of Hugging Face's" in refused_as(
        {"vit.embeddings.patch_embeddings.projection.weight": TENSOR, "vit.x": TENSOR}, "vit_b_16")


@pytest.fixture(scope="module")
def mobilenet() -> dict:
    """Read-only by agreement."""
    return torchvision_model("mobilenet_v2").state_dict()


@pytest.mark.parametrize(("change", "said"), [
    ({"features.2.conv.0.0.weight": torch.full((96, 16, 1, 1), float("nan"))}, "conv_pw.weight holds NaN or infinite"),
    ({"features.18.1.bias": torch.full((1280,), float("-inf"))}, "bn2.bias holds NaN or infinite"),
    ({"features.18.1.bias": torch.zeros(1280, dtype=torch.int64)}, "bn2.bias holds int64 and no real numbers"),
    ({"features.18.1.bias": torch.zeros(1280).to_sparse()}, "no plain tensor but sparse"),
    ({"features.18.1.bias": torch.zeros(1280, device="meta")}, "without content"),
    ({"classifier.1.bias": torch.full((14,), float("inf"))}, "classifier.1.bias holds NaN or infinite"),
    ({"features.3.attention.weight": TENSOR}, "its weights have 'features.3.attention.weight' (2), which the network"),
    ({"features.2.conv.0.0.weight": torch.zeros(96, 16, 3, 3)}, "is 96 x 16 x 3 x 3 in the weights and 96 x 16 x 1"),
])
def test_numbers_and_shapes_that_make_no_network_are_refused(mobilenet, change, said):
    assert said in refused_as(mobilenet | change, "mobilenet_v2")


def test_what_trainers_leave_beside_a_network_is_left_out_and_said(mobilenet, tmp_path):
    state = {f"model.{key}": value.half() for key, value in mobilenet.items() if "num_batches" not in key}
    torch.save({"ema": {"module": state | {"criterion.pos_weight": TENSOR, "model.total_ops": TENSOR}},
                "epoch": 2, "optimizer": {"state": {}}}, tmp_path / "w.pth")
    begun = start("mobilenet_v2", 32, NIH_FINDINGS, str(tmp_path / "w.pth"), 0)
    for said in ("its own head, whose outputs are taken to be these findings in their order", "assumed",
                 "taken from 'ema'", "prefix 'model.' taken off",
                 "left out: criterion.pos_weight, model.total_ops", "the layout of torchvision"):
        assert said in begun.notice
    assert torch.equal(begun.model.state_dict()["conv_stem.weight"], mobilenet["features.0.0.weight"].half().float())


def test_any_number_of_outputs_starts_with_a_new_head(mobilenet, tmp_path):
    save_file(mobilenet, tmp_path / "w.safetensors")
    begun = start("mobilenet_v2", 32, NIH_FINDINGS[:5], str(tmp_path / "w.safetensors"), 0)
    assert "a new head for the 5 findings (the file's has 14 outputs)" in begun.notice
    torch.save({key: value for key, value in mobilenet.items() if not key.startswith("classifier")}, tmp_path / "w.pth")
    assert "(it has no head)" in start("mobilenet_v2", 32, NIH_FINDINGS, str(tmp_path / "w.pth"), 0).notice


@pytest.mark.parametrize("name", ["fc", "fc.1", "classifier.0", "head.fc", "heads.head", "last_linear", "cls_head.2",
                                  "fc_out"])
def test_heads_are_found_under_the_names_that_people_give_them(name):
    head, why = find_head({f"{name}.weight": torch.zeros(14, 8), f"{name}.bias": torch.zeros(14)}, 8)
    assert is_head(f"{name}.weight") and head is not None and head.name == name and not why


@pytest.mark.parametrize(("shapes", "why"), [
    ({"fc.0.weight": (6, 8), "fc.2.weight": (14, 6)}, "several layers (fc.0, fc.2)"), ({}, "it has no head"),
    ({"fc.weight": (14, 9)}, "takes 9 features, where the network gives 8"), ({"fc.weight": (14,)}, "no linear layer"),
    ({"fc.weight": (14, 8), "fc.bias": (13,)}, "no linear layer"),
])
def test_a_head_of_another_kind_says_why_it_is_none(shapes, why):
    assert why in find_head({key: torch.zeros(shape) for key, shape in shapes.items()}, 8)[1]


def test_mutated_files_are_refused_by_name(tmp_path):
    """Bytes changed, cut and doubled: an error of ours, or tensors."""
    draw = np.random.default_rng(0)
    torch.save({"state_dict": {"fc.weight": torch.rand(4, 4), "fc.bias": torch.rand(4)}}, tmp_path / "new.pth")
    torch.save({"fc.weight": torch.rand(4, 4)}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    save_file({"fc.weight": torch.rand(4, 4)}, tmp_path / "new.safetensors")
    for place in range(240):
        source = ("new.pth", "old.pth", "new.safetensors")[place % 3]
        data = bytearray((tmp_path / source).read_bytes())
        for _ in range(draw.integers(1, 8)):
            data[draw.integers(len(data))] = draw.integers(256)
        if place % 4 == 0:
            del data[draw.integers(len(data)):]
        (tmp_path / "w.pth").write_bytes(data)
        try:
            content = read_plain(tmp_path / "w.pth")
            recognised(find_state(content, "w.pth"), "w.pth")
        except CheckpointError as error:
            assert "\n" not in str(error)


TAKEN = {"01": "a new head", "02": "a new head", "03": "a new head", "04": "before 0.2.1", "05": "its own head",
         "06": "its own head", "07": "left out: criterion.pos_weight", "08": "its own head", "09": "its own head",
         "10": "its own head", "11": "'state_dict_ema' beside 'state_dict' left out", "12": "has 15 outputs",
         "14": "its own head", "15": "its own head", "16": "its own head", "17": "its own head", "19": "a new head",
         "20": "a new head", "21": "one channel spread",
         "22": "its own head", "23": "its own head", "29": "it has no head", "30": "'module.encoder_q.' taken off",
         "31": "resampled from 14 x 14 to 2 x 2", "32": "resampled from 14 x 14 to 2 x 2", "33": "a new head"}
REFUSED = {"13": "whole pickled model", "18": "TorchScript",
           "24": "conv1.weight holds NaN", "25": "list of 122 tensors", "26": "HDF5", "27": "git lfs pull",
           "28": "web page"}
ARCHITECTURE = {"03": "densenet121", "04": "densenet121", "05": "densenet121", "21": "densenet121",
                "19": "mobilenet_v2", "20": "efficientnet_b0", "31": "vit_b_16", "32": "vit_b_16", "33": "vgg16"}
LARGE = {"31", "32", "33"}
FEW = ("05", "07", "13", "14", "17", "18", "19", "20", "21", "25", "26", "27", "28", "30")  # one of a kind


def walk(shared: Path, folder: Path, numbers: set[str]) -> None:
    """Each file of the case as it is to be read."""
    maker = shared / "cases" / CASE / "make.py"
    if not maker.is_file():
        pytest.skip(f"no {CASE} in ../shared/cases")
    head, _, rest = maker.read_text().partition("\ndef save(n,o): torch.save(o,O+n)\n")
    chosen = f"\ndef save(n,o): n[:2] in {sorted(numbers)} and torch.save(o,O+n)\n"
    body = rest if numbers & LARGE else rest.partition("v=timm.create_model")[0]  # those cost a gigabyte
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng(), warnings.catch_warnings(action="ignore"):
        patch.setattr(sys, "argv", ["make.py", str(folder)])
        exec(compile(head + chosen + body, str(maker), "exec"), {})
    for path in folder.glob("[0-9]*"):
        if path.name[:2] not in numbers:
            path.unlink()  # what its script writes without `save`
    seen = set()
    for path in sorted(folder.glob("[0-9]*")):
        number = path.name[:2]
        seen.add(number)
        if number in TAKEN:
            begun = start(ARCHITECTURE.get(number, "resnet18"), 32, NIH_FINDINGS, str(path), 0)
            assert TAKEN[number] in begun.notice, path.name
            assert torch.isfinite(begun.model.eval()(torch.rand(1, 3, 32, 32))).all()
        else:
            with pytest.raises(CheckpointError, match=REFUSED[number]):
                start("resnet18", 32, NIH_FINDINGS, str(path), 0)
    assert seen == numbers


def test_files_of_the_case_are_read_as_they_should_be(shared, tmp_path):
    walk(shared, tmp_path, set(FEW))


@pytest.mark.long
def test_all_files_of_the_case_are_read_as_they_should_be(shared, tmp_path):
    walk(shared, tmp_path, TAKEN.keys() | REFUSED.keys())


def test_real_imagenet_weights_in_torchvision_s_layout_give_the_same_features(shared, tmp_path):
    given = torch.load(shared / "weights" / "mobilenetv2_100_imagenet.pth", weights_only=True)
    theirs = torchvision.models.mobilenet_v2(weights=None)
    theirs.load_state_dict(dict(zip(theirs.state_dict(), given.values(), strict=True)))  # both in the network's order
    torch.save(theirs.state_dict(), tmp_path / "w.pth")
    begun = start("mobilenet_v2", 96, NIH_FINDINGS, str(tmp_path / "w.pth"), 0)
    films = torch.rand(2, 3, 96, 96).double()  # in single precision they differ in the order of their sums
    with torch.inference_mode():
        expected = theirs.double().eval().features(films)
        found = begun.model.double().eval().forward_features(films)
    assert expected.std() > 0.1 and torch.allclose(found, expected, rtol=1e-5, atol=1e-5)
