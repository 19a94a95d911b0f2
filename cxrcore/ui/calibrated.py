"""Calibrators of predictions, fitted once and kept in memory: predictions never change, so neither do these."""

import streamlit as st

from cxrcore import calibration
from cxrcore.calibration import Calibrator
from cxrcore.store import Store
from cxrcore.ui import cached


def calibrator(store: Store, prediction_id: str, method: str = "platt") -> Calibrator:
    """As `calibration.fit` on these predictions, which are the validation's where it is read on a test part.

    Args:
        method: of `calibration.METHODS`.

    Raises:
        StoreError: the predictions are gone. UsageError: an unknown method.
    """
    return _calibrator(str(store.path), prediction_id, method)


@st.cache_resource(max_entries=48, show_spinner=False)  # 14 pairs of numbers, or of lists of some hundred
def _calibrator(path: str, prediction_id: str, method: str) -> Calibrator:
    found = cached.predictions(Store(path), prediction_id)
    return calibration.fit(found.labels, found.scores, method)
