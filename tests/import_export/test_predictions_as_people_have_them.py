"""Predictions as people have them: films, parts and findings under any names, results that name no film, labels."""

import gzip
import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import predictions as made
import pytest

from cxrcore.config import ImportConfig
from cxrcore.data.files import bounded_file
from cxrcore.errors import DataError, UsageError
from cxrcore.evaluation import data_set_films
from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export import examination, file_names, import_run, prediction_file
from cxrcore.import_export.examination import ASSUMPTIONS, Candidate, Declared
from cxrcore.store import Store
from cxrcore.store.audit_marks import NOTED, REFUSED, WARNED

FILMS = made.table(300)
ROWS = made.frame(FILMS)
NAMES = ROWS["image_id"].tolist()
SCORES = ROWS[list(NIH_FINDINGS)].to_numpy(np.float64)
RESULT = "chestmnist_test_[AUC]0.800_[ACC]0.947@run1.csv"


def read(rows: pd.DataFrame | bytes, name: str = "x.csv", mapping=None, films=FILMS):
    content = rows if isinstance(rows, bytes) else made.as_csv(rows)
    return prediction_file.parse_prediction_file(content, name, films.findings, mapping,
                                                 films.images["image_id"].tolist())


def examined(rows: pd.DataFrame | bytes, name: str = "x.csv", films=FILMS, **declared) -> Candidate:
    return examination.examine(read(rows, name, films=films), films, Declared(**declared))


def line_of(candidate: Candidate, name: str):
    return next((line for line in candidate.lines if line.name == name), None)


def same_scores(found, scores=SCORES) -> bool:
    return bool(np.allclose(found.scores, scores, atol=1e-6, equal_nan=True))


# -- films


@pytest.mark.parametrize("rename", ["filename", "path_to_image", "", "Unnamed: 0", "who"])
def test_films_are_the_column_whose_values_are_films(rename):
    found = read(ROWS.rename(columns={"image_id": rename}))
    assert found.image_ids.tolist() == NAMES and same_scores(found)
    assert bool(found.assumed) == (rename != "filename")


@pytest.mark.parametrize("write", [made.as_csv, made.as_parquet])
def test_a_row_number_called_id_is_no_film(write):
    rows = ROWS.rename(columns={"image_id": "film"})
    rows.insert(0, "id", range(len(rows)))
    found = read(write(rows))
    assert found.image_column == "film" and "id" in found.ignored
    assert "'film'" in found.assumed[0] and "'id'" in found.assumed[0] and "--map" in found.assumed[0]
    declared = read(write(rows), mapping={"id": "image_id"})
    assert declared.image_column == "id"
    with pytest.raises(DataError, match=r"none of the 300 films .* in the column 'id'.*--map COLUMN=image_id"):
        examination.examine(declared, FILMS, Declared())


def test_of_two_columns_that_fit_equally_the_named_one_counts():
    rows = ROWS.assign(again=ROWS["image_id"])[["again", *ROWS.columns]]
    assert read(rows).image_column == "image_id" and not read(rows).assumed


def test_a_frames_index_in_parquet_is_read():
    assert read(made.as_parquet(ROWS.set_index("image_id").rename_axis(None))).image_ids.tolist() == NAMES


@pytest.mark.parametrize("column", ["id", "who"])
def test_where_no_column_fits_the_nearest_is_named(column):
    rows = ROWS.assign(image_id=range(300), other=["99999999_000.png"] * 300).rename(columns={"image_id": column})
    with pytest.raises(DataError, match=r"'other' comes nearest with '99999999_000.png': --map COLUMN=image_id"):
        read(rows)


def test_a_file_without_a_header_says_so():
    with pytest.raises(DataError, match="the header is missing"):
        read(ROWS.to_csv(index=False, header=False).encode())
    with pytest.raises(DataError, match=r"no finding among the columns.*--map"):  # a matrix' places are a header
        read(ROWS.rename(columns={finding: str(place) for place, finding in enumerate(NIH_FINDINGS)}))


# -- how it is written


def test_excels_european_csv_is_read_and_said():
    content = "\ufeff" + ROWS.to_csv(index=False, sep=";", decimal=",", lineterminator="\r\n")
    found = read(content.encode())
    assert same_scores(found) and "decimal commas" in found.assumed[0]
    assert same_scores(read(content[1:].encode("utf-16")))


@pytest.mark.parametrize("write", [made.as_csv, made.as_parquet, made.as_npz])
def test_packed_files_are_read(write):
    assert same_scores(read(gzip.compress(write(ROWS)), "x.gz"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("submission", write(ROWS))
    assert same_scores(read(packed.getvalue(), "x.zip"))


def test_a_bomb_is_refused(monkeypatch):
    monkeypatch.setattr(bounded_file.TABLES, "limits", replace(bounded_file.TABLE_LIMITS, memory=500_000_000))
    bomb = gzip.compress(b"image_id,Mass\n" + b"a.png,0.5\n" * 20_500_000, 1)
    with pytest.raises(DataError, match=r"^x\.csv\.gz: it unpacks to more than 200 MB"):
        read(bomb, "x.csv.gz")
    for damaged in (bomb[:100], b"\x1f\x8b" + b"x" * 50):
        with pytest.raises(DataError, match="cannot be unpacked"):
            read(damaged)


# -- parts


@pytest.mark.parametrize(("column", "words"), [
    ("fold", ("val", "test")), ("Subset", ("Validation", "TEST")), ("set", ("dev", "testing")),
    ("phase", ("valid", "eval")), ("split", ("validation", "test")), ("wherefrom", ("val", "test"))])
def test_a_column_of_parts_under_any_name(column, words):
    candidate = examined(ROWS.assign(**{column: np.where(np.arange(300) < 90, *words)}))
    assert {part: len(rows) for part, rows in candidate.parts.items()} == {"test": 210, "val": 90}
    line = line_of(candidate, ASSUMPTIONS)
    assert column == "split" or (line.state == NOTED and f"'{column}' tells test and val apart" in line.text)


def test_folds_of_a_cross_validation_are_no_parts():
    candidate = examined(ROWS.assign(fold=np.arange(300) % 5, dataset="NIH"))
    assert list(candidate.parts) == ["test"] and set(candidate.file.ignored) == {"fold", "dataset"}
    mixed = examined(ROWS.assign(fold=np.where(np.arange(300) < 9, "holdout", "test")))
    assert list(mixed.parts) == ["test"] and "left alone" in line_of(mixed, ASSUMPTIONS).text
    with pytest.raises(UsageError, match="unknown part of a split 'holdout'"):
        examined(ROWS.assign(split="holdout"))


def test_a_name_that_says_another_part_is_noted():
    assert "says val" in line_of(examined(ROWS, "ours_val.csv"), ASSUMPTIONS).text
    assert line_of(examined(ROWS, "ours_val.csv", split="val"), ASSUMPTIONS) is None


# -- findings


def test_only_columns_that_are_the_finding_are_taken():
    others = ["Nodule/Mass", "Subcutaneous Emphysema", "pseudonodule", "COVID-19 pneumonia", "Pleural Other",
              "Lung Lesion", "Enlarged Cardiomediastinum", "Other lesion", "Hiatal hernia", "Tuberculosis", "No Mass",
              "No Nodule", "mass_effect", "No Finding"]
    rows = ROWS[["image_id", "Edema", "Cardiomegaly", "Fibrosis"]].rename(columns={"Fibrosis": "Pulmonary fibrosis"})
    found = read(rows.assign(**dict.fromkeys(others, 0.5), **{"Pleural Effusion": ROWS["Effusion"]}))
    assert found.columns == {"Cardiomegaly": "Cardiomegaly", "Effusion": "Pleural Effusion", "Edema": "Edema",
                             "Fibrosis": "Pulmonary fibrosis"}
    assert set(found.ignored) == set(others)
    assert "'Nodule/Mass'" in found.assumed[-1] and "'Lung Lesion'" not in found.assumed[-1]
    assert found.assumed[0] == "read 'Pulmonary fibrosis' as Fibrosis"
    with pytest.raises(DataError, match="--map COLUMN=FINDING"):
        read(pd.DataFrame({"image_id": NAMES[:2], "Nodule/Mass": 0.5, "No Mass": 0.5}))


@pytest.mark.parametrize("gaps", [np.nan, -1])
def test_labels_with_gaps_beside_the_scores_are_seen_to_be_labels(gaps):
    labels = pd.DataFrame(FILMS.labels, columns=NIH_FINDINGS)
    labels[np.random.default_rng(0).random(labels.shape) < 0.1] = gaps
    scores = ROWS.drop(columns="Hernia").rename(columns={finding: f"{finding}_prob" for finding in NIH_FINDINGS})
    found = read(pd.concat([labels, scores], axis=1))
    assert same_scores(found, np.column_stack([SCORES[:, :-1], np.full(300, np.nan)])) and "Hernia" in found.ignored


def test_a_table_of_labels_is_refused_also_where_it_is_nearly_the_films_own():
    labels = pd.DataFrame(FILMS.labels, columns=NIH_FINDINGS).assign(image_id=NAMES)
    other = labels.copy()
    other.loc[:9, "Mass"] = 1 - other.loc[:9, "Mass"]
    for rows in (labels, other, other.replace({0.0: 0.05, 1.0: 0.95})):
        line = line_of(examined(rows), "Perfect AUROC")
        assert line.state == REFUSED and "a table of labels" in line.text
    decided = ROWS.assign(**{finding: (ROWS[finding] > 0.3).astype(int) for finding in NIH_FINDINGS})
    assert not examined(decided).refused


def test_the_table_of_the_films_itself_says_what_it_is():
    with pytest.raises(DataError, match="is this the table of the films"):
        read(pd.DataFrame({"Image Index": NAMES, "Finding Labels": "Mass"}))


# -- rows twice


def test_rows_twice_that_hardly_differ_are_one():
    again = ROWS.head(7).copy()
    again[list(NIH_FINDINGS)] += 1e-6
    candidate = examined(pd.concat([ROWS, again]))
    line = line_of(candidate, "Duplicate films")
    assert len(candidate.image_ids) == 300 and line.state == WARNED and "several GPUs" in line.text
    again[list(NIH_FINDINGS)] += 1e-3
    assert line_of(examined(pd.concat([ROWS, again])), "Duplicate films").state == REFUSED


# -- MedMNIST's own results


def result(labels: np.ndarray | None = None) -> bytes:
    """Both forms; the older one has a header, and labels beside the scores."""
    if labels is None:
        return pd.DataFrame(SCORES).to_csv(header=False).encode()
    columns = {"id": np.arange(300)} | {f"true_{k}": labels[:, k] for k in range(14)} | {
        f"score_{k}": SCORES[:, k] for k in range(14)}
    return pd.DataFrame(columns).to_csv(index=False).encode("utf-8-sig")


def of_chestmnist(part: str = "test"):
    """The films as ChestMNIST's table calls them, with 40 of another part among them."""
    names = [f"chestmnist_{part}_{k}.png" for k in range(300)]
    rest = [f"chestmnist_train_{k:05d}.png" for k in range(40)]
    images = pd.concat([FILMS.images.assign(image_id=names), FILMS.images.head(40).assign(image_id=rest)])
    order = np.argsort(images["image_id"].to_numpy(str))
    return replace(FILMS, images=images.iloc[order].reset_index(drop=True), kind="chestmnist",
                   labels=np.concatenate([FILMS.labels, FILMS.labels[:40]])[order])


@pytest.mark.parametrize("content", [result(), result(FILMS.labels)])
def test_a_result_of_chestmnist_is_laid_on_its_films_by_number(content):
    candidate = examined(content, RESULT, of_chestmnist())
    assert candidate.image_ids.tolist() == [f"chestmnist_test_{k}.png" for k in range(300)]
    assert list(candidate.parts) == ["test"] and np.allclose(candidate.scores, SCORES)
    assert line_of(candidate, ASSUMPTIONS).state == NOTED
    assert examined(content, RESULT.replace("test", "val"), of_chestmnist("val")).parts.keys() == {"val"}
    with pytest.raises(DataError, match=r"300 rows, which are not those of ChestMNIST's train .*train 40.*"):
        examined(content, RESULT.replace("test", "train"), of_chestmnist())


def test_on_another_table_its_rows_are_an_assumption_that_is_checked():
    candidate = examined(result(), RESULT)
    line = line_of(candidate, ASSUMPTIONS)
    assert candidate.image_ids.tolist() == NAMES and line.state == WARNED and line.text.startswith("ASSUMED")
    assert examination._config(candidate, "x", "")["assumed"] == line.text
    shuffled = pd.DataFrame(np.random.default_rng(0).permutation(SCORES)).to_csv(header=False).encode()
    assert line_of(examined(shuffled, RESULT), "Better than chance").state == WARNED
    with pytest.raises(DataError, match="its labels agree with those of the table's films in"):
        examined(result(FILMS.labels[::-1]), RESULT)
    with pytest.raises(DataError, match=r"the header is missing.*300 rows are not the table's 299"):
        read(result(), RESULT, films=replace(FILMS, images=FILMS.images[:299]))
    with pytest.raises(DataError, match="the header is missing"):
        read(result(), "ours.csv")


# -- names of files, several files


@pytest.mark.parametrize(("name", "architecture"), [
    ("DenseNet201_preds.csv", "DenseNet-201"), ("MobileNet_V2.csv", "MobileNetV2"), ("vit_b_16.npz", "ViT-B/16"),
    ("ResNet50_preds.csv.gz", "ResNet-50"), ("efficientnet-b0.csv", "EfficientNet-B0"), ("preds.csv", ""),
    ("my_effnet.csv", "EfficientNet"), ("convnext_tiny.csv", "ConvNeXt-T"), ("vgg16_bn.parquet", "VGG16"),
    ("invited_50.csv", "")])
def test_the_network_is_proposed_by_the_files_name(name, architecture):
    assert file_names.architecture_in(name) == architecture


def test_files_that_differ_by_the_part_alone_belong_together():
    names = ["a/x_val.csv", "a/x_test.csv", "y.csv", "b/x_test.csv", "z_test.csv"]
    assert file_names.groups(names) == [{0: "val", 1: "test"}, {2: ""}, {3: ""}, {4: ""}]
    assert file_names.run_name(names[:2]) == "x" and file_names.run_name(["x_val.csv.gz"]) == "x_val"


def test_several_files_become_runs_and_all_are_checked_first(tmp_path, capsys):
    films = made.table(90)
    table, store = made.written(films, tmp_path), Store(tmp_path / "runs" / "store.duckdb")
    rows, other = (made.frame(films, seed=seed)[["image_id", "Mass", "Edema"]] for seed in (1, 2))
    files = {"ResNet50_val.csv": rows[:30], "ResNet50_test.csv": rows[30:], "theirs.csv": other,
             "bad.csv": rows.assign(Mass=7.0)}
    for name, rows in files.items():
        (tmp_path / name).write_bytes(made.as_csv(rows))
    paths = [str(tmp_path / name) for name in files]
    config = ImportConfig(csv_path=str(table), store=str(store.path))
    for wrong, said in ((paths, r"refused these predictions of bad\.csv"), ([paths[2], paths[2]], "given twice")):
        with pytest.raises(UsageError, match=said):
            import_run.import_predictions(wrong, config)
    with pytest.raises(UsageError, match="--name is for one run"):
        import_run.import_predictions(paths[:3], replace(config, name="x"))
    assert not store.exists or store.runs().empty
    capsys.readouterr()
    assert len(import_run.import_predictions(paths[:3], config)) == 2
    said, runs = capsys.readouterr().out, store.runs().set_index("name")
    assert "architecture: ResNet-50, by the file's name" in said and "become one run" in said
    assert runs["architecture"].to_dict() == {"ResNet50": "ResNet-50", "theirs": "unknown"}
    assert set(store.prediction_sets(runs.loc["ResNet50", "run_id"])["split"]) == {"val", "test"}
    assert "that of the file's name" in json.loads(runs.loc["ResNet50", "config"])["assumed"]


def test_how_good_they_are_is_known_before_they_are_saved(tmp_path):
    candidate, store = examined(ROWS), Store(tmp_path / "runs" / "store.duckdb")
    run_id = examination.save_candidate(store, candidate, "x")
    rows = store.metrics(list(store.prediction_sets(run_id)["prediction_id"]))
    saved = rows[rows["metric"] == "auroc"].set_index("finding")["value"]
    assert candidate.aurocs["test"].tolist() == saved[list(NIH_FINDINGS)].tolist()


# -- the cases of the folder beside the project


def expected(case: Path) -> dict[str, float]:
    return json.loads(re.search(r"\{.*\}", (case / "README").read_text())[0])


CASES = {  # findings that stay undefined
    "14": ("Mass", "Nodule"), "16": ("Infiltration", "Mass", "Nodule", "Emphysema", "Fibrosis", "Pleural_Thickening",
                                     "Hernia"), "18": (), "19": (), "20": (), "21": (), "23": ()}


@pytest.fixture(scope="module")
def case_films(shared):
    """The table that the cases share."""
    found = sorted((shared / "cases").glob("14-*/table.csv"))
    if not found:
        pytest.skip("no cases beside the project")
    return data_set_films.of_csv(found[0])


@pytest.mark.parametrize("number", [*CASES, "25"])
def test_the_cases_have_their_expected_numbers(shared, case_films, number):
    (case,) = (shared / "cases").glob(f"{number}-*")
    (path,) = (path for path in case.glob("*.csv") if path.name != "table.csv")
    candidate = examined(path.read_bytes(), path.name, case_films)
    if number == "25":
        assert candidate.refused and "table of labels" in line_of(candidate, "Perfect AUROC").text
        return
    assert set(candidate.parts) == ({"test", "val"} if number == "18" else {"test"})
    found = replace(candidate, parts={"test": np.arange(len(candidate.image_ids))}).aurocs["test"]
    areas = {finding: area for finding, area in zip(NIH_FINDINGS, found, strict=True) if finding not in CASES[number]}
    assert areas == pytest.approx({finding: expected(case)[finding] for finding in areas}, abs=6e-5)
    assert np.isnan([area for finding, area in zip(NIH_FINDINGS, found, strict=True) if finding in CASES[number]]).all()
