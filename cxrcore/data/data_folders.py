"""`--data NAME`: where scripts/download.py puts what it brings, and the flags that training and evaluation then get."""

import dataclasses
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar

from cxrcore.config import CHESTMNIST_SIZES, PROJECT_ROOT, DownloadConfig
from cxrcore.data import chestmnist, films
from cxrcore.data.description import is_file, read_description, shipped_names
from cxrcore.data.pixels.prepared import SIZE_STEP
from cxrcore.errors import DataError

NIH = "nih"
NIH_TABLE = "Data_Entry_2017.csv"
_CHESTMNIST = "chestmnist"
_Config = TypeVar("_Config")


def home() -> Path:
    """The folder of all that was downloaded."""
    return PROJECT_ROOT / "runs" / "data"


def chestmnist_folder(size: int) -> Path:
    """Of the films of this many pixels a side."""
    return home() / f"{_CHESTMNIST}_{size}"


def trained_side(size: int) -> int:
    """Pixels a side that films of this size are trained at: the next that networks take."""
    return -(-size // SIZE_STEP) * SIZE_STEP


def nih_folder() -> Path:
    """Of the films as NIH published them."""
    return home() / NIH


def with_data(config: _Config, given: Collection[str]) -> _Config:
    """The config with table, films and (for ChestMNIST) split and size in place of `data`; as it is without `data`.

    A `data` that says how a table is read stays, beside the table and the films that it names.

    Args:
        given: names of the flags that were given: those stay.

    Raises:
        DataError: an unknown name, or it was not downloaded.
    """
    name = getattr(config, "data", None)
    if name is None:
        return config
    if is_file(name) or (name in shipped_names() and ("csv_path" in given or not _is_download(name))):
        return _described(config, name, given)
    if name == NIH:
        folder, settings = nih_folder(), {"csv_path": str(nih_folder() / NIH_TABLE), "img_root": str(nih_folder())}
        _check_there(folder / NIH_TABLE, "nih")
    else:
        size = _size(name)
        folder = chestmnist_folder(size)
        _check_there(folder / chestmnist.TABLE, f"chestmnist --size {size}")
        settings = {"csv_path": str(folder / chestmnist.TABLE), "img_root": str(folder), "split": "given",
                    "img_size": trained_side(size)}
    return _filled(config, settings, given)


def _is_download(name: str) -> bool:
    return name in (NIH, _CHESTMNIST)


def _described(config: Any, name: str, given: Collection[str]) -> Any:
    """With the places and the split that a description names."""
    csv_path, img_root = films.places_of(name, config.csv_path, config.img_root)
    settings = {"csv_path": csv_path, "img_root": img_root}
    if scheme := read_description(name).scheme:
        settings["split"] = scheme
    return _filled(config, settings, given, str(Path(name).absolute()) if is_file(name) else name)


def _filled(config: Any, settings: dict[str, Any], given: Collection[str], data: str | None = None) -> Any:
    fields = {field.name for field in dataclasses.fields(config)}
    return dataclasses.replace(config, data=data, **{name: value for name, value in settings.items()
                                                     if name in fields and name not in given})


def _size(name: str) -> int:
    """Of 'chestmnist_64'; of plain 'chestmnist' the largest that is there."""
    sizes = {f"{_CHESTMNIST}_{size}": size for size in CHESTMNIST_SIZES}
    if name in sizes:
        return sizes[name]
    if name != _CHESTMNIST:
        others = [one for one in shipped_names() if not _is_download(one)]
        raise DataError(f"--data '{name}' is none of {NIH}, {_CHESTMNIST}, {', '.join(sizes)}, and no description: "
                        f"PATH.toml, or one of {', '.join(others)}")
    there = [size for size in CHESTMNIST_SIZES if (chestmnist_folder(size) / chestmnist.TABLE).exists()]
    return max(there, default=DownloadConfig.size)


def _check_there(table: Path, command: str) -> None:
    if not table.exists():
        raise DataError(f"there is no {table}: python scripts/download.py {command} brings it")
