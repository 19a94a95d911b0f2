"""Real networks on real films of real patients: how sure their published AUROCs are, and which differ."""

import numpy as np
import pandas as pd
import pytest

from cxrcore.findings import NIH_FINDINGS, align
from cxrcore.measures.intervals.draws import patient_draws
from cxrcore.measures.intervals.holm import verdicts
from cxrcore.measures.intervals.intervals import MACRO, difference, resample
from cxrcore.measures.intervals.scored_films import shared_films
from cxrcore.store import Predictions

NETWORKS = ("DenseNet201", "MobileNet_V2", "ResNet50")


@pytest.fixture(scope="module")
def resampled(shared, real_table):
    """{network: resampled} in the same draws; the films themselves."""
    runs = []
    rows = pd.Index(real_table.images["image_id"])
    for network in NETWORKS:
        frame = pd.read_csv(shared / "predictions" / f"{network}_preds.csv").set_index("Image Index")
        place = rows.get_indexer(frame.index)
        runs.append(
            Predictions(
                frame.index.to_numpy(object),
                real_table.images["patient_id"].to_numpy(object)[place],
                real_table.labels[place],
                align([name.removeprefix("prob_") for name in frame.columns], frame.to_numpy(), NIH_FINDINGS),
                NIH_FINDINGS,
            )
        )
    films = shared_films(runs)
    draws = patient_draws(films[0].patient_ids, films[0].image_ids)
    return {name: resample(of, draws, ["auroc"]) for name, of in zip(NETWORKS, films, strict=True)}, films


@pytest.mark.parametrize("network", NETWORKS)
def test_points_are_the_published_ones(shared, resampled, network):
    expected = pd.read_csv(shared / "predictions" / f"{network}_aucs.csv").set_index("label")["auc"][list(NIH_FINDINGS)]
    interval = resampled[0][network].interval("auroc")
    assert np.abs(interval.point[:MACRO] - expected).max() < 1e-9
    assert (interval.n_dropped == 0).all() and interval.n_excluded == 0
    assert (interval.low < interval.point).all() and (interval.point < interval.high).all()


def test_patients_make_the_macro_interval_wider_than_films(resampled):
    """Of another network on these films: 0.0104 by film and 0.0122 by patient."""
    by_patient, films = resampled[0]["DenseNet201"].interval("auroc"), resampled[1][0]
    films.patient_ids[:] = None
    alone = resample(films, patient_draws(films.patient_ids, films.image_ids, 300), ["auroc"]).interval("auroc")
    ratio = (by_patient.high - by_patient.low) / (alone.high - alone.low)
    assert 1.05 < ratio[MACRO] < 1.5 and ratio.max() > 1.4


def test_densenet_is_better_in_the_mean_and_for_some_findings(resampled):
    found, _ = resampled
    for reference, at_least in (("MobileNet_V2", 3), ("ResNet50", 6)):
        change = difference(found["DenseNet201"], found[reference], "auroc")
        assert verdicts(change.point[MACRO], change.p[MACRO], "auroc").words == "better"
        words = verdicts(change.point[:MACRO], change.p[:MACRO], "auroc").words
        assert (words == "better").sum() >= at_least and (words == "tied").sum() >= 3 and "worse" not in words
