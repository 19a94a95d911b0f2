"""Maps of an older rule: kept for films that the new rule reads alike, and made anew for those it does not."""

import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dicom_films import described, written
from PIL import Image

from cxrcore.data.pixels import film_file, older_maps, prepare_worker, prepared
from cxrcore.data.pixels.prepared import prepare

SIZE = 32


@pytest.fixture
def root(tmp_path) -> Path:
    return tmp_path / "prepared"


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """Names of the films that are decoded."""
    names, ask = [], prepare_worker.LimitedProcess.ask

    def noted(self, task, data=b"", **options):
        names.extend(Path(path).name for _, path in options["films"])
        return ask(self, task, data, **options)

    monkeypatch.setattr(prepare_worker.LimitedProcess, "ask", noted)
    return names


def quietly(films, root):
    return prepare(films, SIZE, root, workers=1, progress=False)


def made_by_the_older_rule(films, root) -> Path:
    """A map of version 1, whose pixels are marked by a corner that no film has."""
    folder = quietly(films, root).folder
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"version": 1}))
    pixels = np.load(folder / "pixels.npy", mmap_mode="r+")
    pixels[:, 0, 0] = 1
    pixels.flush()
    old = folder.with_name("0123456789ab")
    folder.rename(old)
    return old


def deep_dicom(path: Path) -> None:
    """A film that the new rule reads otherwise, under a name that says PNG."""
    path.write_bytes(written(described(np.arange(4096, dtype=np.uint16).reshape(64, 64))))


def test_a_map_of_png_films_serves_as_it_is_and_they_are_looked_into_once(make_films, root, decoded, monkeypatch):
    films = make_films(7)
    old = made_by_the_older_rule(films, root)
    decoded.clear()
    assert quietly(films, root).folder == old
    monkeypatch.setattr(older_maps, "_alike", lambda path: pytest.fail("looked into again"))
    assert quietly(dict(list(films.items())[2:5]), root).folder == old and decoded == []


@pytest.mark.parametrize("kind", ["DICOM", "TIFF"])
def test_films_that_the_new_rule_reads_otherwise_are_decoded_anew_and_the_rest_is_copied(
        make_films, root, decoded, kind):
    films = make_films(6)
    odd = list(films.values())[3]
    deep_dicom(odd) if kind == "DICOM" else Image.new("L", (9, 9), 7).save(odd, "TIFF")
    old = made_by_the_older_rule(films, root)
    decoded.clear()
    made = quietly(films, root)
    assert made.folder != old and decoded == [odd.name]
    for image_id, path in films.items():
        new = np.array(film_file.load_film(path, SIZE))
        new[0, 0] = new[0, 0] if path == odd else 1  # copied
        assert (made.pixels[made.row_of[image_id]] == new).all()
    meta = json.loads((made.folder / "manifest.json").read_text())
    assert meta["version"] == prepared.VERSION == 2
    others = {image_id: path for image_id, path in films.items() if path != odd}
    decoded.clear()
    assert set(quietly(others, root).row_of) >= set(others) and decoded == []


def test_a_map_whose_memory_is_damaged_or_cannot_be_kept_is_looked_into_again(make_films, root, decoded, monkeypatch):
    films = make_films(3)
    old = made_by_the_older_rule(films, root)
    (old / "alike-2.npy").write_bytes(b"rubbish")
    decoded.clear()
    assert quietly(films, root).folder == old
    assert np.load(old / "alike-2.npy").tolist() == [True] * 3
    (old / "alike-2.npy").unlink()
    monkeypatch.setattr(older_maps.os, "replace", lambda *_: (_ for _ in ()).throw(PermissionError))
    assert quietly(films, root).folder == old and decoded == []


def test_a_map_of_an_unknown_rule_serves_for_nothing(make_films, root, decoded):
    films = make_films(3)
    old = made_by_the_older_rule(films, root)
    (old / "manifest.json").write_text((old / "manifest.json").read_text().replace('"version": 1', '"version": 3'))
    decoded.clear()
    assert quietly(films, root).folder != old and sorted(decoded) == sorted(films)


def test_what_was_taken_in_reading_dicom_films_is_told_and_kept(make_films, root, caplog):
    films = make_films(5)
    for path in list(films.values())[:2]:
        deep_dicom(path)
    with caplog.at_level(logging.INFO):
        made = quietly(dict(list(films.items())[1:]), root)
        assert "1 DICOM film read as: its grey values fill # % of the range of its # bits" in caplog.text
        again = quietly(films, root)  # one is copied, with its note
    assert "2 DICOM films read as: its grey values fill" in caplog.text and again.folder != made.folder
    kept = pd.read_parquet(again.folder / "films.parquet").set_index("image_id")["notes"]
    assert [bool(kept[image_id]) for image_id in films] == [True, True, False, False, False]
    assert sorted(path.name for path in again.folder.iterdir()) == ["films.parquet", "manifest.json", "pixels.npy"]
    [said] = again.assumed(films)
    assert said.startswith("2 DICOM films read as: its grey values fill")
    assert again.assumed(list(films)[1:])[0].startswith("1 DICOM film read as") and again.assumed(list(films)[2:]) == []
