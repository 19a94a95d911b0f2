"""Real films from the network: ChestMNIST (by medmnist's list of files) and the NIH release (by kagglehub); checks.

What is there already is not brought again; a download that was cut off is made anew (ChestMNIST) or gone on with (NIH).
"""

import contextlib
import errno
import hashlib
import http.client
import io
import logging
import os
import shlex
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from cxrcore import ids
from cxrcore.config import CHESTMNIST_SIZES, DownloadConfig
from cxrcore.data import box_list, chestmnist, data_folders, film_files, film_table, films
from cxrcore.data.description import read_description
from cxrcore.data.files import disk_room, own_folders
from cxrcore.data.film_table import FilmTable
from cxrcore.data.splits import SPLITS
from cxrcore.errors import DataError, NetworkError

_LOG = logging.getLogger(__name__)  # scripts print what it says

KAGGLE = "nih-chest-xrays/data"  # NIH's own upload
NIH_ROOM = 90e9  # bytes: the archive, and what is unpacked from it before it goes
TABLE_HASH = "75e88064a3a8"  # `film_table.dataset_hash` of both published tables: their labels are the same
LIST_HASHES = {"test_list.txt": "38ca5ef7f756", "train_val_list.txt": "61fbe896321c"}  # as `_list_hash`
N_BOXES = 984
_BOX_LIST = "BBox_List_2017.csv"
_PNG_START, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_NAMED = 5  # films that a line names


def fetch(what: str, config: DownloadConfig) -> Path:
    """Bring a data set; returns its folder.

    Args:
        what: 'chestmnist' or 'nih'.

    Raises:
        NetworkError: it cannot be reached. DataError: what came, or lies there, is not what was asked for.
        DiskFullError: no room.
    """
    folder = folder_of(what, config)
    if what == data_folders.NIH:
        _fetch_nih(folder)
    else:
        _fetch_chestmnist(folder, config.size)
    return folder


def folder_of(what: str, config: DownloadConfig) -> Path:
    """Where it lies, or will."""
    own = data_folders.nih_folder() if what == data_folders.NIH else data_folders.chestmnist_folder(config.size)
    return Path(config.out) if config.out else own


def training_flags(what: str, config: DownloadConfig) -> str:
    """How scripts/train.py is told of it."""
    if not config.out:
        return f"--data {folder_of(what, config).name}"
    nih_wanted = what == data_folders.NIH
    table = Path(config.out) / (data_folders.NIH_TABLE if nih_wanted else chestmnist.TABLE)
    flags = f"--img_root {shlex.quote(config.out)} --csv_path {shlex.quote(str(table))}"
    return flags if nih_wanted else f"{flags} --split given --img_size {data_folders.trained_side(config.size)}"


def published(size: int) -> Mapping[str, Any]:
    """What medmnist says of the archive: url, md5 and n_samples {part: films}."""
    from medmnist.info import INFO  # brings torch and scikit-learn, which --help need not wait for

    info, ending = INFO["chestmnist"], "" if size == CHESTMNIST_SIZES[0] else f"_{size}"
    return {"url": info[f"url{ending}"], "md5": info[f"MD5{ending}"], "n_samples": info["n_samples"]}


def _fetch_chestmnist(folder: Path, size: int) -> None:
    source, archive = published(size), folder / chestmnist.archive_name(size)
    if (folder / chestmnist.TABLE).exists():
        if other := _other_size(folder, size):
            raise DataError(other)
        _LOG.info(f"{folder} is there already; --check goes through it")
        return
    disk_room.make_folder(folder)
    with disk_room.full_in_one_line(folder):
        _bring(source["url"], archive, source["md5"])
        total = sum(source["n_samples"].values())
        with tqdm(total=total, unit=" films", desc="Unpacking") as bar:
            for n in chestmnist.unpack(archive, folder):
                bar.update(n)


def _other_size(folder: Path, size: int) -> str | None:
    """What is wrong where the films are of another size; told by one of them."""
    film = next((folder / chestmnist.FILMS).rglob("*.png"), None)
    if film is None or not _is_whole(film):
        return None
    with Image.open(film, formats=("PNG",)) as opened:
        side = opened.width
    return None if side == size else (f"{folder} holds films of {side} pixels a side, not {size}: give --size {side}, "
                                      "or another folder with --out")


def _bring(url: str, archive: Path, md5: str) -> None:
    """The archive as it is published: the one that lies there, if it is that, else from the network."""
    from torchvision.datasets.utils import download_url

    found = _md5(archive) if archive.exists() else None
    if found == md5:
        return
    _LOG.info(f"Bringing {url}")
    disk_room.check_room(archive.parent, 2 * _bytes_of(url))  # unpacked, films take as much again
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # its words on trying http too; progress goes to stderr
            download_url(url, archive.parent, archive.name, md5)
    except OSError as error:  # URLError is one
        if error.errno in disk_room.FULL:
            archive.unlink(missing_ok=True)
        unreachable = _unreachable(url, error, f"or bring that file by hand to {archive} and start again")
        if found and isinstance(unreachable, NetworkError):
            unreachable = NetworkError(f"{archive} is there but is not the published file (cut off?): its MD5 is "
                                       f"{found} in place of {md5}, and {unreachable}")
        raise unreachable from None
    except RuntimeError:
        raise DataError(f"{url} came with another checksum than {md5}: try again, or bring it by hand to {archive}"
                        ) from None


def _bytes_of(url: str) -> int:
    """What the server says; 0 where it does not."""
    try:
        asked = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "cxr-workbench"})
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return int(answer.headers["Content-Length"] or 0)
    except (OSError, http.client.HTTPException, ValueError):
        return 0


def _fetch_nih(folder: Path) -> None:
    if (folder / data_folders.NIH_TABLE).exists():
        _LOG.info(f"{folder} is there already; --check goes through it")
        return
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} cannot be made: {os.strerror(errno.EEXIST)}")
    part = folder.with_name(f"{folder.name}.part")
    if others := own_folders.foreign_entries(part, ids.DOWNLOAD):
        raise DataError(f"{part} holds what no download left there ({', '.join(others[:3])}): choose another --out")
    disk_room.make_folder(part)
    disk_room.check_room(part, NIH_ROOM - sum(path.stat().st_size for path in part.rglob("*") if path.is_file()))
    _LOG.info(f"Bringing {KAGGLE} from Kaggle, 45 GB, to {folder}")
    with disk_room.full_in_one_line(part):
        came = _from_kaggle(part)
    disk_room.make_folder(folder)
    for entry in sorted(came.iterdir(), key=lambda one: one.name == data_folders.NIH_TABLE):  # the table comes last
        entry.replace(folder / entry.name)
    own_folders.remove(part.parent, part.name, ids.DOWNLOAD)


def _from_kaggle(part: Path) -> Path:
    """Where the unpacked release lies, inside `part`: what a download left there is gone on with.

    kagglehub goes on only in its own cache, not with an output folder; so `part` is that cache.
    """
    os.environ |= {"KAGGLEHUB_CACHE": str(part.resolve()), "DISABLE_KAGGLE_CACHE": "1", "DISABLE_COLAB_CACHE": "1"}
    import kagglehub
    from kagglehub.exceptions import DataCorruptionError, KaggleApiHTTPError

    try:
        return Path(kagglehub.dataset_download(KAGGLE))
    except DataCorruptionError:
        raise DataError(f"{KAGGLE} came with another checksum than Kaggle's: start again") from None
    except KaggleApiHTTPError as error:
        raise NetworkError(f"Kaggle refused {KAGGLE}: {' '.join(str(error).split())}") from None
    except OSError as error:  # requests' errors are
        raise _unreachable("kaggle.com", error, "and start again (it goes on where it stopped), or bring the NIH "
                           "release by hand, see --check") from None


def _unreachable(what: str, error: OSError, else_do: str) -> Exception:
    """The network's error as one line; the disk's as it is."""
    if error.errno is not None and not isinstance(error, (ConnectionError, TimeoutError)):
        return error
    cause: BaseException = error
    while cause.__context__ is not None:  # what requests says of it is long
        cause = cause.__context__
    return NetworkError(f"{what} cannot be reached ({' '.join(str(cause).split())}): connect to a network, {else_do}; "
                        "the demo (bash scripts/start.sh --demo) needs none")


# -- checks


def check_download(what: str, config: DownloadConfig) -> list[str]:
    """What is wrong with a folder that is there, one line each; says what is right.

    Raises:
        DataError: there is no table.
    """
    folder = folder_of(what, config)
    table_path = folder / (data_folders.NIH_TABLE if what == data_folders.NIH else chestmnist.TABLE)
    table = film_table.read_films(read_description(films.NIH), table_path)
    if what == data_folders.NIH:
        wrong = _nih_lists(folder, table)
    else:
        other = _other_size(folder, config.size)
        wrong = [other] if other else _chestmnist_table(folder, table, config.size)
    return wrong + _films(folder, table.images["image_id"])


def _nih_lists(folder: Path, table: FilmTable) -> list[str]:
    wrong = []
    if table.dataset_id == TABLE_HASH:
        _right(f"the table is the published one, {len(table.images):,} films ({TABLE_HASH})")
    else:
        wrong.append(f"the table is not the published one: {len(table.images):,} films, {table.dataset_id} in place of "
                     f"{TABLE_HASH}")
    for name, published_hash in LIST_HASHES.items():
        if not (folder / name).exists():
            wrong += [f"{name} is missing: --split official needs it"] if name == film_files.TEST_LIST else []
        elif _list_hash(film_files.read_list(folder / name)) != published_hash:
            wrong.append(f"{name} is not the published one")
        else:
            _right(f"{name} is the published one ({published_hash})")
    if not (folder / _BOX_LIST).exists():
        wrong.append(f"{_BOX_LIST} is missing: the Localization page needs it")
    elif (n := len(box_list.read_boxes(read_description(films.NIH), folder / _BOX_LIST))) != N_BOXES:
        wrong.append(f"{_BOX_LIST} has {n} boxes in place of {N_BOXES}")
    else:
        _right(f"{_BOX_LIST} has all {N_BOXES} boxes")
    return wrong


def _list_hash(names: set[str]) -> str:
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:12]


def _chestmnist_table(folder: Path, table: FilmTable, size: int) -> list[str]:
    source, archive, wrong = published(size), folder / chestmnist.archive_name(size), []
    given = pd.Series(table.given if table.given is not None else [], dtype=str).value_counts()
    counts = {part: int(given.get(part, 0)) for part in SPLITS}
    in_words = ", ".join(f"{part} {n:,}" for part, n in counts.items())
    if counts == dict(source["n_samples"]):
        _right(f"the table has all films: {in_words}")
    else:
        wrong.append(f"the table has {in_words}; published: "
                     + ", ".join(f"{part} {n:,}" for part, n in source["n_samples"].items()))
    if not archive.exists():
        return [*wrong, f"{archive.name} is gone, so the labels were not checked against it"]
    if (found := _md5(archive)) != source["md5"]:
        return [*wrong, f"{archive.name} has MD5 {found} in place of {source['md5']}: delete it and the table, and "
                        "download again"]
    _right(f"{archive.name} has the published MD5")
    same = np.array_equal(np.concatenate(list(chestmnist.labels(archive).values())), table.labels)
    return wrong if same else [*wrong, "the table's labels are not the archive's"]


def _md5(archive: Path) -> str:
    with archive.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _films(folder: Path, image_ids: pd.Series) -> list[str]:
    """Films that are missing or cut off."""
    with contextlib.suppress(DataError):
        found = film_files.find_films(folder, image_ids)
        missing = [name for name in image_ids if name not in found]
        cut = [name for name, path in tqdm(found.items(), unit=" films", desc="Films") if not _is_whole(path)]
        if not missing and not cut:
            _right(f"all {len(found):,} films are there and whole")
        return [f"{len(names):,} film{' is' if len(names) == 1 else 's are'} {how}: {', '.join(names[:_NAMED])}"
                + (", ..." if len(names) > _NAMED else "")
                for names, how in ((missing, "missing"), (cut, "cut off or no PNG")) if names]
    return [f"all {len(image_ids):,} films are missing"]


def _is_whole(path: Path) -> bool:
    """Whether a PNG begins and ends as one; its pixels are not read."""
    with path.open("rb") as stream:
        if stream.read(len(_PNG_START)) != _PNG_START:
            return False
        stream.seek(-min(64, path.stat().st_size), os.SEEK_END)
        return _PNG_END in stream.read()


def _right(text: str) -> None:
    _LOG.info(f"ok: {text}")
