"""The leaderboard in pages without a browser: what the browser is sent, and buttons that tell what it would tell."""

from typing import Any

import streamlit as st
from streamlit.testing.v1 import AppTest

from cxrcore.ui.runs import leaderboard


class Leaderboards:
    """Stands in for the component; `tables` are those of the last run of the page, by their key."""

    def __init__(self, monkeypatch):
        self.tables: dict[str, dict[str, Any]] = {}
        self.told: dict[str, dict[str, Any]] = {}
        monkeypatch.setattr(leaderboard, "_COMPONENT", self._component)

    def _component(self, data, key, on_chosen_change, **_):
        self.tables[key] = data
        st.session_state.setdefault(key, {})
        st.button("tick", key=f"{key}_tells", on_click=lambda: (
            st.session_state.update({key: self.told[key]}), on_chosen_change()))
        return type("Result", (), {"opened": None})

    def begin(self) -> None:
        """Before a run of a page."""
        self.tables.clear()

    @property
    def rows(self) -> list[list[dict[str, Any]]]:
        """Of each table."""
        return [table["rows"] for table in self.tables.values()]

    @property
    def names(self) -> list[list[str]]:
        """Of the runs of each table, in their order."""
        return [[row["name"] for row in rows] for rows in self.rows]

    def tick(self, app: AppTest, table: int, run_ids: list[str]) -> None:
        """The ticks of a table as they stand then."""
        key = list(self.tables)[table]
        self.told[key] = {"chosen": {"seq": self.tables[key]["seq"] + 1, "ids": run_ids}}
        self.begin()
        app.button(key=f"{key}_tells").click().run()
