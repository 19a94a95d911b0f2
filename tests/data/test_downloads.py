"""Real films in one command: small archives and folders of the published form, from a server on this machine."""

import functools
import hashlib
import http.server
import io
import shutil
import threading
import zipfile

import numpy as np
import pandas as pd
import pytest
from opened_pages import answer_of, open_page
from PIL import Image

from cxrcore.config import DownloadConfig, TrainConfig
from cxrcore.data import chestmnist, data_folders, downloads, film_files, films
from cxrcore.errors import DataError, DiskFullError, NetworkError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.store import Store
from scripts import download, train

SIZES = {"train": 60, "val": 30, "test": 30}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """chestmnist_64.npz in small, compressed as the published one, with what it holds."""
    rng = np.random.default_rng(0)
    held = {}
    for part, n in SIZES.items():
        labels = (rng.random((n, len(NIH_FINDINGS))) < 0.3).astype(np.uint8)
        held[f"{part}_images"] = rng.integers(0, 256, (n, 64, 64), np.uint8)
        held[f"{part}_labels"] = labels
    path = tmp_path_factory.mktemp("published") / "chestmnist_64.npz"
    np.savez_compressed(path, **held)
    return path, held


@pytest.fixture
def published(archive, tmp_path, monkeypatch):
    """The archive on a server, as medmnist would say where it is; downloads go to a folder of the test."""
    path, _ = archive
    files = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(path.parent))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    said = {"url": f"http://127.0.0.1:{server.server_port}/{path.name}",
            "md5": hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest(), "n_samples": SIZES}
    monkeypatch.setattr(downloads, "published", lambda size: said)
    monkeypatch.setattr(data_folders, "home", lambda: tmp_path / "data")
    yield said
    server.shutdown()


@pytest.fixture
def folder(published):
    """The films as download.py leaves them."""
    assert download.main(["chestmnist", "--size", "64"]) == 0
    return data_folders.chestmnist_folder(64)


def test_medmnist_knows_each_size():
    for size in (28, 64, 128, 224):
        said = downloads.published(size)
        assert chestmnist.archive_name(size) in said["url"] and len(said["md5"]) == 32
        assert sum(said["n_samples"].values()) == 112_120


def test_films_and_labels_are_the_archives(folder, archive):
    _, held = archive
    table = films.read_table(folder / chestmnist.TABLE)
    paths = film_files.find_films(folder, table.images["image_id"])
    assert len(paths) == len(table.images) == sum(SIZES.values())
    assert (table.images["patient_id"] == "").all()
    for part, n in SIZES.items():
        own = np.flatnonzero(table.given == part)
        assert list(table.images["image_id"].iloc[own]) == [f"chestmnist_{part}_{row}" for row in range(n)]
        np.testing.assert_array_equal(table.labels[own], held[f"{part}_labels"])
        for row in (0, n - 1):
            film = np.asarray(Image.open(paths[f"chestmnist_{part}_{row}"]))
            np.testing.assert_array_equal(film, held[f"{part}_images"][row])


def test_films_are_read_piece_by_piece(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(chestmnist, "_AT_ONCE", 7)
    assert sum(chestmnist.unpack(archive[0], tmp_path)) == sum(SIZES.values())
    last = np.asarray(Image.open(tmp_path / "images" / "train" / f"chestmnist_train_{SIZES['train'] - 1}.png"))
    np.testing.assert_array_equal(last, archive[1]["train_images"][-1])


def test_what_is_there_is_not_brought_again(folder, published, capsys):
    published["url"] = "http://127.0.0.1:9/gone"
    assert download.main(["chestmnist"]) == 0
    assert "there already" in capsys.readouterr().out


def test_a_file_brought_by_hand_is_taken(published, archive):
    published["url"] = "http://127.0.0.1:9/gone"
    by_hand = data_folders.chestmnist_folder(64)
    by_hand.mkdir(parents=True)
    shutil.copy(archive[0], by_hand)
    downloads.fetch("chestmnist", DownloadConfig())
    assert (by_hand / chestmnist.TABLE).exists()


def test_a_cut_file_brought_by_hand_is_called_so(published, archive):
    published["url"] = "http://127.0.0.1:9/gone"
    by_hand = data_folders.chestmnist_folder(64) / archive[0].name
    by_hand.parent.mkdir(parents=True)
    by_hand.write_bytes(archive[0].read_bytes()[:-1000])
    with pytest.raises(NetworkError, match=r"64\.npz is there but is not the published file \(cut off\?\)"):
        downloads.fetch("chestmnist", DownloadConfig())


@pytest.mark.parametrize("size_known", [True, False])
def test_a_full_disk_is_one_line_and_nothing_half_is_left(published, small_disk, monkeypatch, size_known):
    if not size_known:
        monkeypatch.setattr(downloads, "_bytes_of", lambda url: 0)
    (small_disk / "filler").write_bytes(bytes(700_000))
    with pytest.raises(DiskFullError, match=r"no room in .* 1\.0 MB are needed" if size_known else "is full"):
        downloads.fetch("chestmnist", DownloadConfig(out=str(small_disk / "films")))
    assert not list((small_disk / "films").iterdir())


def test_too_little_room_for_nih_is_said_before_it_is_brought(kaggle, monkeypatch):
    monkeypatch.setattr(downloads, "NIH_ROOM", 1e18)
    with pytest.raises(DiskFullError, match="GB are needed"):
        downloads.fetch("nih", DownloadConfig())
    assert not kaggle


@pytest.mark.parametrize("what", ["chestmnist", "nih"])
@pytest.mark.parametrize("inside", ["", "deeper"])
def test_a_file_where_the_folder_should_be_is_one_line(published, tmp_path, what, inside):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be made"):
        downloads.fetch(what, DownloadConfig(out=str(tmp_path / "file" / inside)))


def test_another_folder_is_trained_on_in_the_size_it_holds(published, folder, capsys):
    assert download.main(["chestmnist", "--out", str(folder)]) == 0
    assert f"--csv_path {folder / chestmnist.TABLE} --split given --img_size 64" in capsys.readouterr().out
    assert downloads.training_flags("chestmnist", DownloadConfig(size=28, out="x")).endswith("--img_size 32")
    with pytest.raises(DataError, match="films of 64 pixels a side, not 128: give --size 64"):
        download.main(["chestmnist", "--size", "128", "--out", str(folder)])
    assert download.main(["chestmnist", "--check", "--size", "128", "--out", str(folder)]) == 1
    assert "films of 64 pixels a side, not 128" in capsys.readouterr().out


@pytest.mark.parametrize("what, url", [("chestmnist", "http://127.0.0.1:9/gone"), ("nih", None)])
def test_without_network_there_is_one_line_that_says_what_to_do(published, monkeypatch, what, url):
    published["url"] = url
    monkeypatch.setattr(downloads, "NIH_ROOM", 0)
    if what == "nih":  # what kagglehub does without a network, wherever this test runs
        monkeypatch.setenv("KAGGLE_API_ENDPOINT", "http://127.0.0.1:9")
        monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    with pytest.raises(NetworkError, match=r"cannot be reached .*by hand") as refused:
        downloads.fetch(what, DownloadConfig())
    assert len(str(refused.value)) < 400 and "\n" not in str(refused.value)


def test_another_file_than_the_published_is_refused(published):
    published["md5"] = "0" * 32
    with pytest.raises(DataError, match="checksum"):
        downloads.fetch("chestmnist", DownloadConfig())
    assert not (data_folders.chestmnist_folder(64) / chestmnist.TABLE).exists()


@pytest.mark.parametrize("harm", ["no archive", "no labels", "other labels", "colour", "fewer films"])
def test_an_archive_of_another_form_is_refused(archive, tmp_path, harm):
    held = dict(archive[1])
    if harm == "no labels":
        del held["val_labels"]
    if harm == "other labels":
        held["test_labels"] = held["test_labels"][:, :9]
    if harm == "colour":
        held["train_images"] = np.repeat(held["train_images"][..., None], 3, axis=3)
    if harm == "fewer films":
        held["test_images"] = held["test_images"][:-1]
    path = tmp_path / "chestmnist_64.npz"
    path.write_text("html") if harm == "no archive" else np.savez(path, **held)
    with pytest.raises(DataError, match="ChestMNIST"):
        list(chestmnist.unpack(path, tmp_path / "films"))
    assert not (tmp_path / "films" / chestmnist.TABLE).exists()


def test_check_finds_nothing_wrong_with_a_whole_folder(folder, capsys):
    assert download.main(["chestmnist", "--check"]) == 0
    assert "nothing is wrong" in capsys.readouterr().out


def test_check_names_what_is_missing_cut_or_changed(folder, capsys):
    (folder / "images" / "val" / "chestmnist_val_3.png").unlink()
    cut = folder / "images" / "test" / "chestmnist_test_5.png"
    cut.write_bytes(cut.read_bytes()[:-20])
    table = pd.read_csv(folder / chestmnist.TABLE).iloc[:-1]
    table.to_csv(folder / chestmnist.TABLE, index=False)
    archive = folder / "chestmnist_64.npz"
    archive.write_bytes(archive.read_bytes() + b"x")
    assert download.main(["chestmnist", "--check"]) == 1
    said = capsys.readouterr().out
    for expected in ("missing: chestmnist_val_3", "cut off or no PNG: chestmnist_test_5", "test 29; published",
                     "has MD5"):
        assert expected in said


def test_labels_that_were_changed_are_found(folder, capsys):
    table = pd.read_csv(folder / chestmnist.TABLE)
    table.loc[0, "Finding Labels"] = "Hernia" if table.loc[0, "Finding Labels"] != "Hernia" else "No Finding"
    table.to_csv(folder / chestmnist.TABLE, index=False)
    assert download.main(["chestmnist", "--check"]) == 1
    assert "labels are not the archive's" in capsys.readouterr().out


def test_check_of_an_nih_folder_in_small_says_what_differs(tiny_nih_copy, capsys):
    (tiny_nih_copy / "test_list.txt").unlink()
    film = next((tiny_nih_copy / "images_001" / "images").iterdir())
    film.unlink()
    assert download.main(["nih", "--check", "--out", str(tiny_nih_copy)]) == 1
    said = capsys.readouterr().out
    for expected in ("not the published one: 160 films", "test_list.txt is missing", "boxes in place of 984",
                     f"1 film is missing: {film.name}"):
        assert expected in said


def test_check_knows_the_published_table_and_lists(shared, capsys):
    assert download.main(["nih", "--check", "--out", str(shared / "nih")]) == 1  # most films are not there
    said = capsys.readouterr().out
    assert "the table is the published one, 112,120 films" in said and "test_list.txt is the published one" in said
    assert "has all 984 boxes" in said and "films are missing" in said


def test_a_folder_without_a_table_is_one_line(published):
    with pytest.raises(DataError, match="no such CSV"):
        download.main(["chestmnist", "--check"])


# -- NIH from Kaggle, by kagglehub's own code


class _Kaggle(http.server.BaseHTTPRequestHandler):
    """Kaggle's answers to kagglehub: the newest version, and an archive whose first sending breaks off half way."""

    archive, sent = b"", None

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("GetDataset"):
            self._answer(200, b'{"currentVersionNumber": 3}', kind="application/json")
        else:
            self.do_GET()

    def do_GET(self):
        start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-")) if "Range" in self.headers else 0
        whole, first = self.archive[start:], not self.sent
        self.sent.append(start)
        self._answer(206 if start else 200, whole[:len(whole) // 2] if first else whole, len(whole))

    def _answer(self, status, body, said=None, kind="application/zip"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(said or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def kaggle(tiny_nih, tmp_path, monkeypatch):
    """The bytes from which each sending began; downloads go to a folder of the test."""
    from kagglesdk import kaggle_env

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as pack:
        for path in tiny_nih.rglob("*.*"):
            pack.write(path, path.relative_to(tiny_nih))
        pack.writestr("filler", np.random.default_rng(0).bytes(3 << 20))  # kagglehub writes whole megabytes
    handler = type("Kaggle", (_Kaggle,), {"archive": packed.getvalue(), "sent": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.LOCAL,
                        f"http://127.0.0.1:{server.server_port}")
    for name in ("KAGGLEHUB_CACHE", "DISABLE_KAGGLE_CACHE", "DISABLE_COLAB_CACHE"):
        monkeypatch.setenv(name, "")  # so that what the download sets goes with the test
    monkeypatch.setattr(data_folders, "home", lambda: tmp_path / "data")
    monkeypatch.setattr(downloads, "NIH_ROOM", 0)  # of the release in small
    yield handler.sent
    server.shutdown()


def test_nih_goes_on_where_the_network_broke_off(kaggle, tiny_nih, capsys):
    with pytest.raises(NetworkError, match="goes on where it stopped"):
        downloads.fetch("nih", DownloadConfig())
    assert not data_folders.nih_folder().exists()
    assert download.main(["nih"]) == 0
    assert kaggle[0] == kaggle[1] == 0 and kaggle[-1] >= 1 << 20, "asked for what was there already"
    for path in tiny_nih.rglob("*.png"):
        assert (data_folders.nih_folder() / path.relative_to(tiny_nih)).read_bytes() == path.read_bytes()
    assert [path.name for path in data_folders.home().iterdir()] == ["nih"]
    n = len(kaggle)
    assert download.main(["nih"]) == 0 and len(kaggle) == n
    assert "there already" in capsys.readouterr().out
    config = data_folders.with_data(TrainConfig(data="nih"), {"data"})
    assert len(films.load_film_set(config.csv_path, config.img_root, "patient", 0).paths) == len(
        list(tiny_nih.rglob("*.png"))
    )


# -- what training makes of it


def test_the_tables_own_split_is_taken(folder):
    found = films.load_film_set(str(folder / chestmnist.TABLE), str(folder), "given", 5)
    assert {part: len(found.on_disk(part)) for part in SIZES} == SIZES
    assert "unknown patients" in found.describe()
    assert (
        films.load_film_set(str(folder / chestmnist.TABLE), str(folder), None, 0).split.fingerprint
        == found.split.fingerprint
    )


def test_a_split_by_patient_needs_patients(folder):
    with pytest.raises(DataError, match="--split given"):
        films.load_film_set(str(folder / chestmnist.TABLE), str(folder), "patient", 0)


def test_a_table_without_a_split_gives_none(tiny_nih):
    with pytest.raises(DataError, match="column Split"):
        films.load_film_set(str(tiny_nih / "Data_Entry_2017.csv"), str(tiny_nih), "given", 0)


def test_a_split_with_a_hole_is_refused(folder, tmp_path):
    table = pd.read_csv(folder / chestmnist.TABLE)
    table.loc[4, "Split"] = "later"
    table.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(DataError, match="row 6: split 'later'"):
        films.read_table(tmp_path / "t.csv")


def test_data_stands_for_table_films_split_and_size(folder):
    config = data_folders.with_data(TrainConfig(data="chestmnist", epochs=1), {"data", "epochs"})
    assert (config.csv_path, config.img_root) == (str(folder / chestmnist.TABLE), str(folder))
    assert (config.split, config.img_size, config.epochs) == ("given", 64, 1)
    kept = data_folders.with_data(TrainConfig(data="chestmnist_64", split="random", img_size=96),
                                  {"data", "split", "img_size"})
    assert (kept.split, kept.img_size) == ("random", 96)


@pytest.mark.parametrize("name, said", [("chestmnist_28", "download.py chestmnist --size 28"), ("mnist", "none of nih"),
                                        ("nih", "download.py nih")])
def test_data_that_is_not_there_says_what_brings_it(published, name, said):
    with pytest.raises(DataError, match=said):
        data_folders.with_data(TrainConfig(data=name), {"data"})


def test_a_training_on_it_is_shown_by_every_page(folder, tmp_path):
    train.main(["--data", "chestmnist", "--arch", "resnet18", "--epochs", "1", "--init", "random", "--img_size", "32",
                "--precision", "fp32", "--results", str(tmp_path / "results")])
    store = Store(tmp_path / "runs" / "store.duckdb")
    row = store.runs().iloc[0]
    data = store.datasets().iloc[0]
    assert (row["status"], row["split_scheme"]) == ("finished", "given")
    assert (data["kind"], data["n_images"], data["n_patients"]) == ("chestmnist", sum(SIZES.values()), 0)
    for page in ("data", "compare", "subgroups", "cases", "thresholds", "curves", "runs"):
        app = open_page(page)
        assert not app.error, page
        if page == "data":
            assert "of unknown patients" in answer_of(app)
            assert any("names no patients" in info.value for info in app.info)
