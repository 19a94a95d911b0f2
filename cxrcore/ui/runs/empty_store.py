"""A store without runs: the ways out of it, each with its command to copy."""

import streamlit as st

from cxrcore import config
from cxrcore.store import Store
from cxrcore.ui import shell, widgets

_DEMO = "bash scripts/start.sh --demo"
_SHORT = "--arch resnet18 --epochs 2 --img_size 96 --init random --train_subset 500 --val_subset 200 --eval_subset 200"


def offer(store: Store) -> None:
    """The demo, others' predictions, the films, a first training."""
    if config.is_read_only():
        widgets.answer("No runs yet. This server only shows results; they appear here by themselves.")
        return
    widgets.answer("No runs yet. Four ways to get some; each appears here by itself.")
    st.caption(f"The results store {widgets.escape(store.key)} is empty.")
    with st.grid(2, min_column_width=380, gap="medium"):
        with _way("See it at work", "The demo draws synthetic films, trains five networks on them and opens on the "
                                    "first within two minutes. It needs no data and no network, and keeps its results "
                                    "in a store of its own."):
            offer_demo()
        with _way("Bring scores", "Predictions of any model, as a table with a row a film, are audited and put on the "
                                  "leaderboard. On the page *Import*, or:"):
            widgets.command("python scripts/import_predictions.py preds.csv --csv_path DATA/Data_Entry_2017.csv", store)
            shell.link_to("import", [])
        with _way("Get real films", "ChestMNIST holds the films of NIH ChestX-ray14 as small squares; the whole "
                                    "release takes 45 GB."):
            st.code("python scripts/download.py chestmnist", language=None, wrap_lines=True)
        with _way("Train", "DATA is the folder with the NIH ChestX-ray14 table and its films. For a first short run, "
                           "add the second line."):
            widgets.command(config.TRAIN_COMMAND, store)
            st.code(_SHORT, language=None, wrap_lines=True)


def offer_demo() -> None:
    """The command that fills a store without any data."""
    st.code(_DEMO, language=None, wrap_lines=True)


def _way(title: str, words: str) -> st.delta_generator.DeltaGenerator:
    """A card that says what a way is; its command goes into it."""
    card = st.container(border=True)
    with card:
        st.header(title, anchor=False)
        st.markdown(words)
    return card
