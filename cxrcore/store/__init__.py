"""The results store: runs, films, scores and measurements in DuckDB, and the files that lie beside it."""

from cxrcore.store.records import KINDS, STATUSES, EpochRecord, Predictions
from cxrcore.store.store import Store

__all__ = ["KINDS", "STATUSES", "EpochRecord", "Predictions", "Store"]
