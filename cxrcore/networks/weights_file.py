"""A weights file's content: tensors and plain values, and nothing else, within bounds.

Two forms are read: what torch.save writes, always with `weights_only=True`, and safetensors. Whatever else a file is,
or holds, is named in the refusal.
"""

import pickle
import re
import struct
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open  # of timm's own requirements

from cxrcore.errors import CheckpointError
from cxrcore.networks.file_kinds import SAVE, is_safetensors, other_kind
from cxrcore.networks.plain_values import PLAIN

MAX_BYTES = 4_000_000_000  # VGG16 with its optimizer has 1.7 GB
MAX_TENSORS = 20_000  # DenseNet-121 has 727, and as many of each kind that its optimizer keeps
MAX_PICKLE = 50_000_000  # bytes of a file's names and plain values
_DAMAGE = (  # how readers take it
    RuntimeError, EOFError, OSError, LookupError, TypeError, ValueError, AttributeError, MemoryError, AssertionError,
    ArithmeticError, struct.error, zipfile.BadZipFile, tarfile.TarError, SafetensorError)
_MODELS = ("torch.nn.modules.", "timm.", "torchvision.models.", "transformers.", "torchxrayvision.")


def read_plain(path: Path) -> Any:
    """The file's content, if it consists of tensors and plain values only.

    Raises:
        CheckpointError: no such file, none of weights, pickled objects, damage, or more than is read.
    """
    try:
        _check_file(path)
        if is_safetensors(path):
            return _safetensors(path)
        with torch.serialization.safe_globals(PLAIN):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "global" not in str(error).lower():
            raise CheckpointError(f"{path} is not a weights file") from None
        raise CheckpointError(f"{path} {_pickled(path, str(error))}") from None
    except _DAMAGE as error:
        raise CheckpointError(f"{path} cannot be read as weights: {' '.join(str(error).split())[:160]}") from None
    n = _count(content)
    if n > MAX_TENSORS:
        raise CheckpointError(f"{path} holds more than {MAX_TENSORS:,} tensors, which is the most that is read")
    return content


def _check_file(path: Path) -> None:
    if not path.is_file() and not path.is_dir():  # a pipe or a device would never end
        raise CheckpointError(f"{path} is no file" if path.exists() else f"no such weights file: {path}")
    if kind := other_kind(path):
        raise CheckpointError(f"{path} {kind}")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise CheckpointError(f"{path} is {size / 1e6:,.0f} MB large; at most {MAX_BYTES / 1e6:,.0f} MB are read")
    if not zipfile.is_zipfile(path):
        return  # torch's older format, or safetensors
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    held = sum(one.file_size for one in members)
    if held > 2 * size:  # torch writes weights uncompressed
        raise CheckpointError(f"{path} would unpack to {held / 1e6:,.0f} MB, far more than its size: refused")
    if len(members) > 2 * MAX_TENSORS:
        raise CheckpointError(f"{path} holds {len(members):,} parts: more than {MAX_TENSORS:,} tensors, which is the "
                              "most that is read")
    if any(one.file_size > MAX_PICKLE for one in members if one.filename.endswith("data.pkl")):
        raise CheckpointError(f"{path} holds more than {MAX_PICKLE / 1e6:.0f} MB besides its tensors: refused")


def _safetensors(path: Path) -> dict[str, torch.Tensor]:
    with safe_open(path, framework="pt", device="cpu") as file:
        names = list(file.keys())
        if len(names) > MAX_TENSORS:
            raise CheckpointError(f"{path} holds {len(names):,} tensors; at most {MAX_TENSORS:,} are read")
        return {name: file.get_tensor(name) for name in names}


def _count(content: Any) -> int:
    """Tensors in nested dictionaries and lists; beyond `MAX_TENSORS` it stops counting."""
    n, waiting, seen = 0, [content], set()
    while waiting and n <= MAX_TENSORS:
        one = waiting.pop()
        if torch.is_tensor(one):
            n += 1
        elif isinstance(one, dict | list | tuple) and id(one) not in seen:  # a pickle may hold itself
            seen.add(id(one))
            waiting += one.values() if isinstance(one, dict) else one
    return n


def _pickled(path: Path, error: str) -> str:
    """What pickled objects stand in the way, and what to do."""
    names = _objects(path) or re.findall(r"GLOBAL ([\w.]+)", error)
    shown = f" ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})" if names else ""
    if _mentions(path, (b"pytorch-lightning_version",)):
        return (f"is a checkpoint of Lightning whose hyperparameters are pickled objects{shown}, which can run code "
                "when loaded: refused; save its 'state_dict' alone")
    if _mentions(path, (b"state_dict", b"optimizer", b"epoch")):
        return (f"holds pickled objects beside its weights{shown}, which can run code when loaded: refused; save its "
                "state dict alone, plain tensors")
    if any(name.startswith(_MODELS) for name in names):
        return (f"is a whole pickled model{shown}; pickled objects can run code when loaded: refused; save its state "
                f"dict, {SAVE}")
    return f"holds pickled objects{shown}, which can run code when loaded: refused; save plain tensors (a state dict)"


def _objects(path: Path) -> list[str]:
    """Names of the classes and functions that a file asks for and that are no tensors; read, not imported."""
    try:
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(str(path)))
    except (RuntimeError, ValueError, LookupError, TypeError, EOFError, OSError, pickle.UnpicklingError):
        return []  # the older form


def _mentions(path: Path, words: Iterable[bytes]) -> bool:
    """Whether one of these stands as a key of the outermost dictionary may: early among a file's plain values."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                name = next((name for name in archive.namelist() if name.endswith("data.pkl")), None)
                text = archive.read(name) if name else b""
        else:
            with open(path, "rb") as file:
                text = file.read(MAX_PICKLE)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError):  # damaged besides
        return False
    return any(b"X" + len(word).to_bytes(4, "little") + word in text for word in words)
