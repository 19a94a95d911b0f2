"""What a file that was given as weights is, where it is none that PyTorch or safetensors wrote, and what to do then."""

import zipfile
from pathlib import Path

_HEAD = 4096  # bytes that tell the kind
_STARTS = {  # of files that are no weights of PyTorch: what they are and what helps
    b"version https://git-lfs": "is a pointer of git LFS and not the file itself: fetch that with `git lfs pull`",
    b"\x89HDF\r\n\x1a\n": "is HDF5, as Keras and TensorFlow write (.h5): weights of PyTorch are needed",
    b"\x93NUMPY": "is an array of NumPy (.npy): a state dict of PyTorch is needed",
    b"GGUF": "is GGUF, weights of a language model",
    b"\x1f\x8b": "is packed with gzip: unpack it first",
    b"BZh": "is packed with bzip2: unpack it first",
    b"\xfd7zXZ": "is packed with xz: unpack it first",
    b"7z\xbc\xaf": "is an archive (7z): unpack it first",
    b"Rar!": "is an archive (RAR): unpack it first",
    b"%PDF": "is a PDF",
    b"\x89PNG": "is a picture (PNG)",
    b"\xff\xd8\xff": "is a picture (JPEG)",
}
_PAGE = ("is a web page saved under this name, as a download that asks for a confirmation gives: download the file "
         "itself")
SAVE = "torch.save(model.state_dict(), PATH)"  # what to do with a model


def is_safetensors(path: Path) -> bool:
    """Whether a file begins as safetensors do: the length of a header of JSON, and the header."""
    with open(path, "rb") as file:
        head = file.read(9)
    n = int.from_bytes(head[:8], "little")
    return len(head) == 9 and head[8:] == b"{" and 2 <= n <= path.stat().st_size - 8


def other_kind(path: Path) -> str | None:
    """What a file is that holds no weights of PyTorch, continuing its name: 'is a web page ...'; None for weights.

    Raises:
        OSError, zipfile.BadZipFile: it cannot be read.
    """
    if path.is_dir():
        return _folder(path)
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    if not head:
        return "is empty"
    named = _by_name(path)
    if named:
        return named
    for start, text in _STARTS.items():
        if head.startswith(start):
            return text
    if head[257:262] == b"ustar":
        return "is an archive (tar): unpack it first"
    if head[4:8] == b"TFL3":
        return "is a model of TensorFlow Lite: weights of PyTorch are needed"
    if head[:1] == b"\x08" and any(maker in head[:256] for maker in (b"pytorch", b"onnx", b"keras", b"tf2onnx")):
        return _ONNX
    if head.startswith(b"PK\x03\x04"):
        return _zip(path)
    return _text(head)


_ONNX = f"is ONNX, a network without PyTorch's names: give the state dict that it was made from, {SAVE}"
_TENSORFLOW = "is of TensorFlow: weights of PyTorch are needed"


def _by_name(path: Path) -> str | None:
    name = path.name.lower()
    if name.endswith(".onnx"):
        return _ONNX
    if name.endswith((".pb", ".ckpt.index", ".ckpt.meta")) or ".ckpt.data-" in name:
        return _TENSORFLOW
    return None


def _folder(path: Path) -> str:
    if (path / "saved_model.pb").exists():
        return "is a folder of TensorFlow (SavedModel): weights of PyTorch are needed"
    inside = [name for name in ("model.safetensors", "pytorch_model.bin") if (path / name).exists()]
    return "is no file but a folder" + (f": give {path / inside[0]}" if inside else "")


def _text(head: bytes) -> str | None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html")):
        return _PAGE
    if start.startswith(b"<"):
        return "is XML, such as the error of a download: download the file itself"
    if start.startswith((b"{", b"[")):
        if b'"weight_map"' in head:
            return ("is the list of the parts of a set of weights (safetensors.index.json): put the parts into one "
                    "file first")
        return "is JSON and no weights"
    return None


def _zip(path: Path) -> str | None:
    if not zipfile.is_zipfile(path):
        return "is cut short: its end is missing; download or copy it again"
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    inner = {name.split("/", 1)[-1] for name in names}
    if "constants.pkl" in inner or any(name.startswith("code/") for name in inner):
        return ("is TorchScript, code and weights together: save the state dict of the model that it was made from, "
                f"{SAVE}")
    if any(name.endswith("data.pkl") for name in names):
        return None
    if "model.weights.h5" in inner:
        return "is a model of Keras (.keras): weights of PyTorch are needed"
    if any(name.startswith("models/") and name.endswith(".json") for name in inner):
        return f"is a program of torch.export: save the state dict of the model that it was made from, {SAVE}"
    if names and all(name.endswith(".npy") for name in names):
        return "is an archive of NumPy (.npz): a state dict of PyTorch is needed"
    first = f" ({names[0][:80]!a} and others)" if len(names) > 1 else f" ({names[0][:80]!a})" if names else ""
    return f"is a ZIP archive{first}: unpack it first, and give the file in it"
