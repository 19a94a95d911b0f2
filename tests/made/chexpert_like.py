"""A small data set of somebody's own in CheXpert's layout: paths, a column a finding, -1 and blanks; drawn at random."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

COLUMNS = {  # heading: canonical name
    "Lung Opacity": "Lung_Opacity", "Cardiomegaly": "Cardiomegaly", "Edema": "Edema", "Consolidation": "Consolidation",
    "Pneumonia": "Pneumonia", "Atelectasis": "Atelectasis", "Pneumothorax": "Pneumothorax",
    "Pleural Effusion": "Effusion", "Fracture": "Fracture", "Support Devices": "Support_Devices"}
FINDINGS = tuple(COLUMNS.values())
SHARED = ("Cardiomegaly", "Edema", "Consolidation", "Pneumonia", "Atelectasis", "Pneumothorax", "Effusion")  # with NIH
ALONE = ("Lung_Opacity", "Fracture", "Support_Devices")
CELLS, SHARES = ("1", "0", "-1", ""), (0.3, 0.4, 0.12, 0.18)
N_PATIENTS, FILMS_A_PATIENT = 30, 2

DESCRIPTION = """name = "Our clinic"
citation = "nobody"
label_source = "mined from reports"
findings = [{findings}]

[films]
root = "films"
table = "labels.csv"
pattern = "{{film}}"
drop = 1

[columns]
film = "Path"
patient = {{ column = "Path", part = 3 }}
age = "Age"
sex = "Sex"
view = "AP/PA"

[labels]
form = "columns"
uncertain = "-1"
blank = "unknown"
"""


def make(folder: Path, n_patients: int = N_PATIENTS, size: int = 48, seed: int = 3) -> Path:
    """Films, table and description in a folder; returns the description's path. Every label is 0 somewhere, and 1."""
    rng = np.random.default_rng(seed)
    rows = []
    for patient in range(n_patients):
        for study in range(FILMS_A_PATIENT):
            film = f"train/patient{patient:05d}/study{study + 1}/view1_frontal.jpg"
            path = folder / "films" / film
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(60, 200, (size, size), np.uint8)).save(path, "JPEG", quality=80)
            cells = rng.choice(CELLS, len(COLUMNS), p=SHARES)
            rows.append([f"Ours-v1.0/{film}", rng.choice(["Female", "Male"]), rng.integers(20, 90), "Frontal",
                         rng.choice(["AP", "PA"]), *cells])
    pd.DataFrame(rows, columns=["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *COLUMNS]).to_csv(
        folder / "labels.csv", index=False)
    names = ", ".join(f'"{finding}"' for finding in FINDINGS)
    described = folder / "ours.toml"
    described.write_text(DESCRIPTION.format(findings=names))
    return described
