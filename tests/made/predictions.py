"""Other people's predictions for the tests: a table of films, plausible scores, and files of them in all shapes."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cxrcore.evaluation import data_set_films
from cxrcore.evaluation.data_set_films import DataSetFilms
from cxrcore.findings import NIH_FINDINGS

N_FILMS, FILMS_A_PATIENT = 3000, 3
PREVALENCE = 0.1
# Standard deviations between the logits of films with and without each finding: AUROCs of .71 to .92, as networks have.
SEPARATION = np.array([1.3, 1.8, 1.7, 0.8, 1.35, 1.1, 1.0, 1.6, 1.2, 1.75, 2.0, 1.35, 1.15, 1.8])


def table(n: int = N_FILMS, seed: int = 0, findings: Sequence[str] = NIH_FINDINGS) -> DataSetFilms:
    """Films of patients with three each, every finding on a tenth of them."""
    rng = np.random.default_rng(seed)
    patients = [str(i // FILMS_A_PATIENT + 1) for i in range(n)]
    ids = [f"{int(patient):08d}_{i % FILMS_A_PATIENT:03d}.png" for i, patient in enumerate(patients)]
    images = pd.DataFrame({"image_id": ids, "patient_id": patients, "follow_up": 0, "age": 50.0, "sex": "F",
                           "view": "PA"})
    return DataSetFilms("imported", "films", "nih", "random", images,
                     (rng.random((n, len(findings))) < PREVALENCE).astype(np.float32), tuple(findings))


def written(films: DataSetFilms, folder: Path) -> Path:
    """The table as an NIH CSV; returns its path."""
    path = folder / "Data_Entry_2017.csv"
    texts = ["|".join(np.asarray(films.findings)[row > 0]) or "No Finding" for row in films.labels]
    pd.DataFrame({"Image Index": films.images["image_id"], "Finding Labels": texts, "Follow-up #": 0,
                  "Patient ID": films.images["patient_id"], "Patient Age": 50, "Patient Gender": "F",
                  "View Position": "PA"}).to_csv(path, index=False)
    assert data_set_films.of_csv(path).dataset_id
    return path


def frame(films: DataSetFilms, rows: slice = slice(None), seed: int = 1) -> pd.DataFrame:
    """image_id and a column a finding: scores that rank films with the finding above others, mostly."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-2.5, 1, films.labels.shape) + films.labels * np.resize(SEPARATION, len(films.findings))
    scores = (1 / (1 + np.exp(-logits)))[rows].astype(np.float32)
    return pd.DataFrame({"image_id": films.images["image_id"].to_numpy()[rows]}
                        | dict(zip(films.findings, scores.T, strict=True)))


def as_csv(rows: pd.DataFrame, **options) -> bytes:
    return rows.to_csv(index=False, **options).encode()


def as_parquet(rows: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    rows.to_parquet(file)
    return file.getvalue()


def as_npz(rows: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    names = [name for name in rows.columns if name != "image_id"]
    np.savez(file, image_ids=rows["image_id"].to_numpy(str), columns=np.array(names),
             scores=rows[names].to_numpy(np.float32))
    return file.getvalue()
