"""Only folders of the workbench's own are deleted, by one function, and exports replace only exports."""

import re

import pytest
from run_folders import store_with_run

from cxrcore import ids
from cxrcore.config import ExportConfig
from cxrcore.data.files import own_folders
from cxrcore.errors import DataError, UsageError, WorkbenchError
from cxrcore.import_export import export

RUN_ID = "20200101-000000-abcdef"


@pytest.mark.parametrize("name", ["..", ".", "", "../other", "/", "prepared", RUN_ID + "/..", RUN_ID.upper()])
def test_a_name_that_is_no_runs_is_refused(tmp_path, name):
    (tmp_path / "runs" / "prepared").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    for kind in (ids.RUN, ids.EXPORT, ids.EXPORT_PARTIAL, ids.MAP_PARTIAL, ids.DOWNLOAD):
        with pytest.raises(DataError):
            own_folders.remove(tmp_path / "runs", name, kind)
    assert (tmp_path / "other").exists() and (tmp_path / "runs" / "prepared").exists()


def test_a_link_is_removed_and_what_it_leads_to_stays(tmp_path):
    store, run_id, _ = store_with_run(tmp_path / "runs" / "store.duckdb")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "model_best.pth").write_bytes(b"weights")
    store.run_folder(run_id).symlink_to(elsewhere)
    store.delete_run(run_id)
    assert (elsewhere / "model_best.pth").exists() and not store.run_folder(run_id).is_symlink()


@pytest.mark.parametrize(("kind", "name", "own"), [
    (ids.EXPORT_PARTIAL, f"{RUN_ID}.partial", "run.json"), (ids.MAP_PARTIAL, "0123456789ab.partial", "pixels.npy"),
    (ids.DOWNLOAD, "nih.part", "datasets")])
def test_half_a_folder_goes_only_with_what_was_written_there(tmp_path, kind, name, own):
    folder = tmp_path / name
    folder.mkdir()
    (folder / own).touch()
    (folder / "notes.docx").touch()
    with pytest.raises(DataError, match=re.escape("notes.docx")):
        own_folders.remove(tmp_path, name, kind)
    assert (folder / own).exists()
    (folder / "notes.docx").unlink()
    own_folders.remove(tmp_path, name, kind)
    assert not folder.exists()


def test_an_export_replaces_its_own_and_nothing_else(tmp_path):
    store, run_id, _ = store_with_run(tmp_path / "store.duckdb")
    out = tmp_path / "out"
    folder = export.export(store, run_id, out)
    (folder / "thresholds" / "max_F1_20200101-000000-abcdef.json").touch()
    export.export(store, run_id, out)
    assert len(list((folder / "thresholds").iterdir())) == len(store.threshold_sets(run_id))
    for name in ("my_analysis.csv", "pooled.parquet", "thresholds/by_hand.json", "thesis.tex"):
        (folder / name).write_text("years")
        with pytest.raises(UsageError, match="no export of this run wrote"):
            export.export(store, run_id, out)
        (folder / name).rename(tmp_path / "thesis.tex")
    (folder / "thesis.tex").write_text("years")
    other = tmp_path / "elsewhere" / run_id
    other.mkdir(parents=True)
    (other / "run.json").write_text("{}")
    with pytest.raises(UsageError, match="no export of this run wrote"):
        export.export(store, run_id, other.parent)
    assert (folder / "thesis.tex").exists() and (other / "run.json").read_text() == "{}"


def test_an_export_of_a_run_whose_id_leads_elsewhere_writes_nothing(tmp_path):
    store, _, _ = store_with_run(tmp_path / "store.duckdb")
    with store._write() as con:
        con.execute("INSERT INTO runs SELECT * REPLACE ('../precious' AS run_id) FROM runs")
    (tmp_path / "precious").mkdir()
    with pytest.raises(WorkbenchError):
        export.export(store, "../precious", tmp_path / "out")
    assert not any((tmp_path / "precious").iterdir())


def test_all_runs_are_exported_but_those_whose_ids_lead_elsewhere(tmp_path, capsys):
    store, run_id, _ = store_with_run(tmp_path / "store.duckdb")
    with store._write() as con:
        con.execute("INSERT INTO runs SELECT * REPLACE ('../precious' AS run_id) FROM runs")
    written = export.export_all(ExportConfig(out=str(tmp_path / "out"), store=str(store.path)))
    assert written == [tmp_path / "out" / run_id] and "left out: run '../precious'" in capsys.readouterr().out
