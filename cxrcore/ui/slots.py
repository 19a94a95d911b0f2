"""What is worked out once and kept, where a bar says how far the work is: Streamlit's own cache lets none be drawn."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass
class Slot(Generic[Value]):
    """A place in memory that whoever comes first fills; others wait for it. Make it in an `st.cache_resource`."""

    lock: Lock = field(default_factory=Lock)
    value: Value | None = None

    def get(self, make: Callable[[], Value]) -> Value:
        """The value, made now where there is none; what `make` raises leaves the place empty."""
        with self.lock:
            if self.value is None:
                self.value = make()
            return self.value
