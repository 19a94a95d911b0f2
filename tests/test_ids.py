"""Names from outside are held to the forms that the workbench makes."""

import pytest

from cxrcore import ids
from cxrcore.data.film_table import dataset_hash
from cxrcore.errors import DataError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.store.file import new_id

IDS = (ids.RUN, ids.PREDICTIONS, ids.THRESHOLDS, ids.CALIBRATOR)
NEVER = ("", " ", ".", "..", "/", "\\", "../x", "a/b", "a\\b", "/etc/passwd", "a\0", "a\n", "\n", "a\u202eb", "x" * 256,
         "é" * 128, None, 1, b"x", ["x"])


@pytest.mark.parametrize("kind", IDS)
def test_ids_that_are_made_have_the_form(kind):
    for made in {new_id() for _ in range(20)}:
        assert ids.checked(kind, made) == made
    assert not ids.is_one(kind, f"{new_id()} ") and not ids.is_one(kind, new_id().upper().replace("-", "_"))


def test_names_of_data_sets_films_and_checkpoints_have_the_form(data):
    assert ids.is_one(ids.DATASET, dataset_hash(data.images, data.labels, NIH_FINDINGS))
    for name in (*data.image_ids[:3], "chestmnist_test_7", "model_best.pth", "a film, ä (2).png", ".hidden", "x",
                 "a..b", "...", "é" * 127):
        assert ids.checked(ids.FILE, name) == name
    for part in ("train", "val", "test", "external"):
        assert ids.is_one(ids.SPLIT, part)


@pytest.mark.parametrize("kind", [*IDS, ids.DATASET, ids.FILE, ids.SPLIT, ids.EXPORT, ids.EXPORT_PARTIAL,
                                  ids.MAP_PARTIAL, ids.DOWNLOAD])
def test_what_leads_elsewhere_has_no_form(kind):
    for name in NEVER:
        assert not ids.is_one(kind, name), name
        with pytest.raises(DataError) as told:
            ids.checked(kind, name)
        assert str(told.value).isprintable() and len(str(told.value)) < 150
