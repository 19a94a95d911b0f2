"""Sections of a TOML file, asked for what they say: whatever is wrong is one line that names the file and the key."""

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from cxrcore.data.files import bounded_file
from cxrcore.errors import DataError

_SHOWN = 60  # characters of a foreign value in an error


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file of at most `bounded_file.MAX_JSON` bytes says.

    Raises:
        DataError: no such file, too large, or no TOML.
    """
    try:
        return tomllib.loads(bounded_file.content(path, bounded_file.MAX_JSON).decode("utf-8-sig"))
    except FileNotFoundError:
        raise DataError(f"no such description: {path}") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder; a description is one TOML file") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is no description: it is not text in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path} is no TOML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise DataError(f"{path} is no description: nested too deeply") from None


class Section:
    """One table of a TOML file.

    Args:
        file: its path, for errors.
        name: of the section with its dots; "" for the top.
        values: what stands in it.
    """

    def __init__(self, file: str, name: str, values: Any):
        self.file, self.name = file, name
        if not isinstance(values, Mapping):
            raise DataError(f"{file}: {name} is {_shown(values)}: it has to be a section, [{name}]")
        self.values: Mapping[str, Any] = values

    def only(self, known: Collection[str]) -> None:
        """DataError where a key is none of these."""
        for key in self.values:
            if key not in known:
                raise self.fault(key, f"is no key that a description has: expected {', '.join(known)}")

    def fault(self, key: str, what: str) -> DataError:
        """An error that names the file and the key."""
        return DataError(f"{self.file}: {self._full(key)} {what}")

    def section(self, key: str) -> "Section":
        """A section in this one; empty where it is not there."""
        return Section(self.file, self._full(key), self.values.get(key, {}))

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty.

        Raises:
            DataError: missing without a default, or no such text.
        """
        value = self._value(key, default)
        if not isinstance(value, str) or (not value.strip() and value != default) or not value.isprintable():
            raise self.fault(key, f"is {_shown(value)}: it has to be a text of one line")
        return value

    def texts(self, key: str, default: Collection[str] | None = None) -> tuple[str, ...]:
        """A list of texts; one text alone is a list of one."""
        value = self._value(key, default)
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list | tuple) or not all(isinstance(one, str) and one.isprintable() for one in found):
            raise self.fault(key, f"is {_shown(value)}: it has to be a text or a list of texts")
        return tuple(found)

    def number(self, key: str, default: int, least: int, most: int) -> int:
        """A whole number within bounds."""
        value = self._value(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.fault(key, f"is {_shown(value)}: it has to be a whole number from {least} to {most}")
        return value

    def true(self, key: str) -> bool:
        """Whether it is said to be so; no by default."""
        value = self._value(key, False)
        if not isinstance(value, bool):
            raise self.fault(key, f"is {_shown(value)}: it has to be true or false")
        return value

    def one_of(self, key: str, choices: Collection[str], default: str | None = None) -> str:
        """A text out of several."""
        value = self._value(key, default)
        if value not in choices:
            raise self.fault(key, f"is {_shown(value)}: expected one of {', '.join(choices)}")
        return value

    def _value(self, key: str, default: Any) -> Any:
        value = self.values.get(key, default)
        if value is None:
            raise self.fault(key, "is missing")
        return value

    def _full(self, key: str) -> str:
        key = key if len(key) <= _SHOWN else f"{key[:_SHOWN]}..."
        key = key if key.isprintable() else ascii(key)
        return f"{self.name}.{key}" if self.name else key


def _shown(value: Any) -> str:
    text = ascii(value) if not isinstance(value, str) or not value.isprintable() else f"'{value}'"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
