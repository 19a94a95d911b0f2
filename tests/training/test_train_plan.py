"""What a training keeps of what its files did not say."""

import numpy as np
import pytest
from dicom_films import described, written

from cxrcore.config import TrainConfig
from cxrcore.training.train_plan import plan_training


@pytest.mark.parametrize("deep", [True, False])
def test_what_was_taken_in_reading_its_films_is_stored_with_the_run(deep, tiny_nih_copy, tmp_path):
    if deep:
        for path in tiny_nih_copy.rglob("*.png"):
            path.write_bytes(written(described(np.arange(4096, dtype=np.uint16).reshape(64, 64))))
    plan = plan_training(TrainConfig(
        arch="resnet18", init="random", img_size=32, csv_path=str(tiny_nih_copy / "Data_Entry_2017.csv"),
        img_root=str(tiny_nih_copy), store=str(tmp_path / "store.duckdb"), results=str(tmp_path / "results"),
        precision="fp32", train_subset=24, val_subset=8, eval_subset=0))
    if deep:
        assert "32 DICOM films read as: its grey values fill" in plan.stored_config()["assumed"]
    else:
        assert "assumed" not in plan.stored_config()
