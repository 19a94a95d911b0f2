"""What the collection of garbage is spared: modules, and nothing that comes after them."""

import gc
import sys
from types import ModuleType

from cxrcore.ui.frame import garbage


def is_looked_at(thing: object) -> bool:
    return any(one is thing for one in gc.get_objects())


def test_what_further_modules_hold_is_left_out_and_nothing_later(monkeypatch):
    monkeypatch.setattr(garbage, "_left_out", 0)
    garbage.leave_out_modules()
    for number in range(garbage.FURTHER):
        monkeypatch.setitem(sys.modules, f"further_{number}", ModuleType(f"further_{number}"))
    held = sys.modules["further_0"].held = {"own": [1]}
    assert is_looked_at(held)
    garbage.leave_out_modules()
    assert not is_looked_at(held)
    later = {"own": [2]}
    garbage.leave_out_modules()  # no module has come
    assert is_looked_at(later)
