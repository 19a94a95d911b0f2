"""What pages read from the store, kept until the store changes.

Every entry is keyed by the store's path and change token, so no time limit is needed and nothing is ever stale.
Frames are copies: callers may change them.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from cxrcore import progress
from cxrcore.store import Store

SHOWN_SETTINGS = ("loss", "init", "epochs")


@dataclass(frozen=True)
class Overview:
    """All that the list of runs needs.

    Attributes:
        runs: as `Store.runs`, with the settings `SHOWN_SETTINGS` as further columns; missing texts are "".
        board: as `Store.leaderboard`.
        datasets: as `Store.datasets`, indexed by dataset_id.
        signature: changes when any of the three does; a new epoch changes none of them.
    """

    runs: pd.DataFrame
    board: pd.DataFrame
    datasets: pd.DataFrame
    signature: str


def overview(store: Store) -> Overview:
    """Runs, leaderboard and data sets as they are now.

    Raises:
        StoreError: the store cannot be read. StoreBusy: it stayed locked.
    """
    return _overview(str(store.path), store.change_token())


@st.cache_data(max_entries=8, show_spinner=False)
def _overview(path: str, token: tuple[int, ...]) -> Overview:
    store = Store(path)
    runs, board, datasets = store.runs(), store.leaderboard(), store.datasets()
    runs = runs.fillna({"name": "", "note": "", "architecture": ""})
    settings = [json.loads(text or "{}") for text in runs["config"]]
    for name in SHOWN_SETTINGS:
        runs[name] = [one.get(name) for one in settings]
    digest = hashlib.sha256()
    for frame in (runs, board, datasets):
        digest.update(frame.to_json(date_format="iso", date_unit="us").encode())
    return Overview(runs, board, datasets.set_index("dataset_id"), digest.hexdigest())


def epochs(store: Store, run_ids: Sequence[str]) -> pd.DataFrame:
    """Epochs of these runs as they are now, as `Store.epochs`."""
    return _epochs(str(store.path), store.change_token(), tuple(run_ids))


@st.cache_data(max_entries=32, show_spinner=False)
def _epochs(path: str, token: tuple[int, ...], run_ids: tuple[str, ...]) -> pd.DataFrame:
    return Store(path).epochs(run_ids)


def statuses(store: Store, runs: pd.DataFrame) -> dict[str, str]:
    """{run_id: status as it is}; not cached, since a killed training changes no file."""
    return {
        run_id: status if status != "running" else progress.effective_status(
            status, progress.read(store.run_folder(run_id)))
        for run_id, status in zip(runs["run_id"], runs["status"], strict=True)
    }
