"""Calibrators of predictions: saved by the evaluation, else fitted once. Predictions never change, nor do these."""

import json

import streamlit as st

from cxrcore.measures import calibration
from cxrcore.measures.calibration import Calibrator
from cxrcore.queries import from_store
from cxrcore.store import Store


def calibrator(store: Store, prediction_id: str, method: str = "platt") -> Calibrator:
    """As `calibration.fit` gives on these predictions, which are the validation's where it is read on a test part.

    Args:
        method: of `calibration.METHODS`.

    Raises:
        StoreError: the predictions are gone. UsageError: an unknown method.
    """
    return _calibrator(str(store.path), prediction_id, method)


@st.cache_resource(max_entries=48, show_spinner=False)  # 14 pairs of numbers, or of lists of some hundred
def _calibrator(path: str, prediction_id: str, method: str) -> Calibrator:
    store = Store(path)
    saved = store.calibrators(prediction_id)
    saved = saved[saved["method"] == method]
    if len(saved):
        return Calibrator(method, json.loads(saved["parameters"].iloc[0]))
    found = from_store.predictions(store, prediction_id)
    return calibration.fit(found.labels, found.scores, method)
