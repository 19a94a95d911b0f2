"""The results store: runs, films, scores and measurements in DuckDB, and the files that lie beside it."""

from cxrcore.store.records import CSV, KINDS, OWN, STATUSES, EpochRecord, LabelSet, Predictions
from cxrcore.store.store import Store

__all__ = ["CSV", "KINDS", "OWN", "STATUSES", "EpochRecord", "LabelSet", "Predictions", "Store"]
