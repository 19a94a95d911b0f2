"""The Thresholds page with a stand-in for the browser's board: buttons in its place, and what it would tell."""

import json
import threading
from typing import Any

import numpy as np
import streamlit as st
from opened_pages import answer_of, open_page

from cxrcore.store import threshold_file
from cxrcore.ui.thresholds import board_component


def read_payload(data: bytes) -> tuple[dict[str, Any], list[np.ndarray]]:
    """What the board was sent, as board.js reads it: its header, and the positions of each finding."""
    length = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + length])
    numbers = np.frombuffer(data, np.float64, sum(header["sizes"]), 4 + length)
    return header, np.split(numbers, np.cumsum(header["sizes"])[:-1])


class Browser:
    """The page with a board of buttons in place of the component, and what the board would tell."""

    def __init__(self, monkeypatch):
        self.app, self.sent, self.told, self.files = None, [], {}, {}
        monkeypatch.setattr(board_component, "board", self._board)
        for name in ("released", "opened"):
            monkeypatch.setattr(board_component, name, lambda name=name: self.told.get(name))
        monkeypatch.setattr(board_component, "typed", lambda: self.told.get("typed") or {})
        monkeypatch.setattr(board_component, "aimed", lambda: self.told.get("aim"))
        button = st.download_button
        monkeypatch.setattr(st, "download_button", lambda label, data, *more, key, **options: (
            self.files.update({key: data}), button(label, data, *more, key=key, **options))[1])

    def _board(self, data, on_release, on_open, on_typed, on_aim):
        header, self.ladders = read_payload(data)
        self.sent.append(header)
        for name, callback in (("released", on_release), ("opened", on_open), ("typed", on_typed),
                               ("aim", on_aim)):
            st.button(name, key=f"board_tells_{name}", on_click=callback)

    def open(self, store, **link) -> "Browser":
        """A new session at this link; the first run of the store unless it names another."""
        self.app = open_page("thresholds", **{"run": store.runs()["run_id"].iloc[-1]} | link)
        return self

    def checked(self, app) -> "Browser":
        assert not app.exception, app.exception[0].value
        return self

    @property
    def board(self) -> dict:
        return self.sent[-1]

    def tell(self, name, value) -> "Browser":
        self.told[name] = value
        return self.press(f"board_tells_{name}")

    def press(self, key) -> "Browser":
        return self.checked(self.app.button(key=key).click().run())

    def release(self, values, finding="Mass", of=None) -> "Browser":
        """All thresholds as they stand after a drag of a finding."""
        k, before = self.findings.index(finding), self.thresholds
        return self.tell("released", {"of": of or self.board["of"], "thresholds": list(values), "open": finding,
                                      "moved": {"finding": finding, "before": before[k], "after": values[k]}})

    def drag(self, finding, value) -> "Browser":
        values = self.thresholds
        values[self.findings.index(finding)] = value
        return self.release(values, finding)

    def aim(self, key, finding=None) -> "Browser":
        """A click on an aim, which the browser shows at once where these films count it."""
        [elsewhere] = [one["elsewhere"] for one in self.board["aims"] if one["key"] == key]
        return self.tell("aim", {"of": self.board["of"], "key": key, "finding": finding, "shown": not elsewhere})

    @property
    def findings(self) -> list[str]:
        return [one["name"] for one in self.board["findings"]]

    @property
    def thresholds(self) -> list[float]:
        return list(self.board["thresholds"])

    @property
    def words(self) -> str:
        """Where the thresholds come from, as the page says it."""
        return answer_of(self.app)

    def link(self, name) -> list[str]:
        found = self.app.query_params.get(name, [])
        return [found] if isinstance(found, str) else list(found)

    @property
    def pairs(self) -> list[str]:
        return self.link("t")

    def exported(self) -> threshold_file.ThresholdFile:
        """The export; asked for in a thread without a session, as the server does it."""
        texts = []
        asking = threading.Thread(target=lambda: texts.append(self.files["sets_export"]()))
        asking.start()
        asking.join()
        return threshold_file.parse_threshold_file(texts[0], self.findings)

    def import_file(self, content: str) -> "Browser":
        upload = ("set.json", content.encode(), "application/json")
        self.checked(self.app.file_uploader(key="sets_file").set_value(upload).run())
        self.told.clear()
        return self.press("sets_import_go")
