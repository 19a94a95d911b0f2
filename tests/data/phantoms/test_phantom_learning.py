"""What a network learns from phantoms: every finding, and to look where it was drawn.

    pytest -m long -s tests/data/phantoms/test_phantom_learning.py
"""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from cxrcore.config import PROJECT_ROOT
from cxrcore.data import films as film_sets
from cxrcore.data.phantoms.occurrence import DRAWABLE
from cxrcore.data.pixels import film_file
from cxrcore.explain.maps import Explainer
from cxrcore.measures import localization
from cxrcore.networks import checkpoint
from cxrcore.store import Store
from cxrcore.store.run_folder import BEST

pytestmark = pytest.mark.long

SIZE = 192  # maps of 6 x 6 cells; at 128 pixels they are too coarse for the smaller signs
TRAINING = ["--arch", "resnet18", "--epochs", "10", "--patience", "10", "--lr", "1e-3", "--img_size", SIZE,
            "--init", "random"]


def script(name: str, *flags, store: Path) -> str:
    done = subprocess.run([sys.executable, str(PROJECT_ROOT / "scripts" / name), *map(str, flags)], text=True,
                          capture_output=True, env=os.environ | {"CXR_STORE": str(store)})
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Store, Path]:
    """A ResNet-18 trained from scratch on phantoms with every finding that can be drawn: the store and the films."""
    home = tmp_path_factory.mktemp("learning")
    films, store = home / "phantoms", home / "runs" / "store.duckdb"
    script("make_phantoms.py", "--out", films, "--findings", len(DRAWABLE), store=store)
    script("train.py", "--csv_path", films / "Data_Entry_2017.csv", "--img_root", films, *TRAINING,
           "--results", home / "results", store=store)
    return Store(store), films


def test_every_finding_is_learnt(trained):
    store, _ = trained
    test = store.leaderboard().query("split == 'test'").iloc[0]
    measured = store.metrics([test["prediction_id"]])
    auroc = measured[(measured["metric"] == "auroc") & measured["finding"].isin(DRAWABLE)].set_index("finding")["value"]
    print(auroc.round(3).to_string(), f"macro {auroc.mean():.3f}", sep="\n")
    assert len(auroc) == len(DRAWABLE) and auroc.min() > 0.75


def test_the_network_looks_into_the_boxes_more_often_than_the_median_box_does(trained):
    store, folder = trained
    shares = pointing(store, folder)
    print(shares.round(3).to_string())
    mean = shares[["Grad-CAM", "median box", "film centre", "chance"]].mean()
    assert mean["Grad-CAM"] > mean[["median box", "film centre", "chance"]].max()


def pointing(store: Store, folder: Path) -> pd.DataFrame:
    """Pointing game over the boxes of the test films: shares of hits by finding, of the network and of the floors."""
    run = store.runs().iloc[0]
    loaded = checkpoint.load_checkpoint(store.run_folder(run["run_id"]) / BEST)
    explainer = Explainer(loaded.model(), loaded.architecture, loaded.spec)
    films = film_sets.load_film_set(str(folder / "Data_Entry_2017.csv"), str(folder), loaded.split["scheme"],
                                    loaded.split["seed"])
    test = set(films.image_ids(films.on_disk("test")))
    boxes = films.boxes[films.boxes["image_id"].isin(test)].reset_index(drop=True)
    corners = boxes[["x", "y", "width", "height"]].to_numpy()
    scaled = localization.to_scale(corners, (256, 256), (SIZE, SIZE))
    boxes["Grad-CAM"] = 0.0
    for image_id, rows in boxes.groupby("image_id"):
        found = explainer.explain(film_file.load_film(films.paths[image_id], SIZE), tuple(rows["finding"]))
        for heat, row in zip(found.placed(), rows.index, strict=True):
            boxes.loc[row, "Grad-CAM"] = localization.pointing_hit(heat, scaled[row])
    boxes["chance"] = localization.random_hit(scaled, (SIZE, SIZE))
    boxes["film centre"] = localization.point_in_box(scaled, SIZE / 2, SIZE / 2).astype(float)
    boxes["median box"] = 0.0
    for _, rows in boxes.groupby("finding"):  # the median of the others points with its own centre
        for row, median in zip(rows.index, localization.median_boxes(scaled[rows.index]), strict=True):
            x, y = median[:2] + median[2:] / 2
            boxes.loc[row, "median box"] = float(localization.point_in_box(scaled[[row]], x, y)[0])
    table = boxes.groupby("finding")[["Grad-CAM", "median box", "film centre", "chance"]].mean()
    return table.assign(boxes=boxes.groupby("finding").size()).reindex(DRAWABLE).dropna(how="all")
