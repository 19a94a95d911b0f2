"""The file of a threshold set: JSON that a person can read, send to a colleague and give to scripts/eval.py.

Findings stand by name and doubles come back exactly as they were. A bare mapping of findings to numbers, as
other tools write it, is read too. Knows no store and no screen.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from cxrcore import __version__
from cxrcore.data.files import bounded_file
from cxrcore.errors import FindingError, ThresholdFileError
from cxrcore.findings import one_of

FORMAT = "cxr-thresholds"
FORMAT_VERSION = 1
MAX_SIZE = bounded_file.MAX_JSON  # a set takes one or two thousand bytes
_SHOWN = 60  # characters of a foreign name or value in an error
Read = TypeVar("Read")


@dataclass(frozen=True)
class ThresholdFile:
    """A threshold set and where it comes from; all but the thresholds may be empty or None.

    Attributes:
        thresholds: float64 (k,), in [0, 1].
        findings: k names, in the thresholds' order.
        name: as shown.
        objective, parameters: as of `fitting.ThresholdSet`.
        run_id, run_name, architecture: of the run whose predictions it was fitted on.
        checkpoint, checkpoint_sha256: that made them: 'model_best.pth' or another file's name.
        dataset_id, split_scheme, split_fingerprint: of the films.
        fitted_on: the split: 'val', 'test', ...
        prediction_id: of the predictions it was fitted on, in the store that it comes from.
        created_at: ISO 8601 with a time zone.
    """

    thresholds: np.ndarray
    findings: tuple[str, ...]
    name: str = ""
    objective: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    run_id: str | None = None
    run_name: str | None = None
    architecture: str | None = None
    checkpoint: str | None = None
    checkpoint_sha256: str | None = None
    dataset_id: str | None = None
    split_scheme: str | None = None
    split_fingerprint: str | None = None
    fitted_on: str | None = None
    prediction_id: str | None = None
    author: str = ""
    note: str = ""
    created_at: str | None = None

    @property
    def title(self) -> str:
        """The name on one line, in characters that can be printed; 'unnamed' without one."""
        return " ".join("".join(c if c.isprintable() else " " for c in self.name).split()) or "unnamed"


_TEXTS = {f.name: f.default for f in dataclasses.fields(ThresholdFile) if f.name not in (
    "thresholds", "findings", "parameters")}
_FREE = ("name", "run_name", "author", "note")  # people's own words; the other texts are ids and terms


def threshold_file_text(file: ThresholdFile) -> str:
    """The file's text.

    Raises:
        ThresholdFileError: `parse_threshold_file` would refuse it, such as for a threshold that is NaN.
    """
    thresholds = np.asarray(file.thresholds, np.float64)
    if thresholds.shape != (len(file.findings),):
        raise ThresholdFileError(f"a threshold set has {len(file.findings)} thresholds, this one has shape "
                                 f"{thresholds.shape}")
    head = {"format": FORMAT, "format_version": FORMAT_VERSION, "workbench_version": __version__}
    own = {f.name: getattr(file, f.name) for f in dataclasses.fields(file)
           if f.name not in ("thresholds", "findings")}
    named = dict(zip(file.findings, thresholds.tolist(), strict=True))
    text = json.dumps(head | own | {"parameters": dict(file.parameters), "thresholds": named}, indent=2) + "\n"
    parse_threshold_file(text, file.findings)
    return text


def read_threshold_file(path: str | Path, findings: Sequence[str]) -> ThresholdFile:
    """The set of a file on disk; one without a name is called after the file.

    Args:
        findings: that it has to be of, and their order.

    Raises:
        ThresholdFileError: no such file, or one that `parse_threshold_file` refuses; the text begins with the path.
    """
    path = Path(path)
    file = _of_file(path, lambda content: parse_threshold_file(content, findings))
    return dataclasses.replace(file, name=file.name or path.stem)


def require_json(path: str | Path) -> None:
    """Refuse at once what can be no threshold file, before it is known which findings it has to be of.

    Raises:
        ThresholdFileError: no such file, or no JSON; the text begins with the path.
    """
    _of_file(Path(path), _parsed)


def _of_file(path: Path, read: Callable[[bytes], Read]) -> Read:
    try:
        with bounded_file.opened(path) as stream:
            return read(stream.read(MAX_SIZE + 1))
    except OSError as error:
        raise ThresholdFileError(f"no thresholds can be read from {path}: {error.strerror}") from None
    except ThresholdFileError as error:
        raise ThresholdFileError(f"{path}: {error}") from None


def parse_threshold_file(text: str | bytes, findings: Sequence[str]) -> ThresholdFile:
    """The set of a file's content.

    Args:
        text: as `threshold_file_text` writes it, or a bare JSON mapping of the findings, in any known spelling and
            order, to numbers; bytes are UTF-8, with or without a byte order mark.
        findings: that it has to be of, and their order.

    Raises:
        ThresholdFileError: anything else; one line that says what is wrong and where.
    """
    document = _parsed(text)
    if not isinstance(document, dict):
        raise ThresholdFileError(f"not a threshold file: expected an object {{...}}, got {_shown(document)}")
    if "format" not in document:
        if not any(_finding(name, findings) for name in document):
            raise ThresholdFileError(f'not a threshold file: it has no "format": "{FORMAT}", and no finding among its '
                                     f"names{_some(document)}")
        return ThresholdFile(_thresholds(document, findings), tuple(findings))
    _check_format(document)
    if "thresholds" not in document:
        raise ThresholdFileError("the thresholds are missing")
    return ThresholdFile(_thresholds(document["thresholds"], findings), tuple(findings),
                         parameters=_parameters(document), **_texts(document))


# -- from text to a document


def _parsed(text: str | bytes) -> Any:
    if len(text) > MAX_SIZE:
        raise ThresholdFileError(f"larger than {MAX_SIZE // 1000:,} kB: this is no threshold file")
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ThresholdFileError(f"not UTF-8 text (byte {error.start}): this is no threshold file") from None
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise ThresholdFileError("the file is empty")
    try:
        document = json.loads(text, object_pairs_hook=_without_repeats)
        json.dumps(document, ensure_ascii=False).encode("utf-8")  # half a surrogate pair can be neither shown nor kept
    except json.JSONDecodeError as error:
        raise ThresholdFileError(f"broken JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except UnicodeEncodeError:
        raise ThresholdFileError("it holds text that is no valid Unicode") from None
    except RecursionError:
        raise ThresholdFileError("nested too deeply: this is no threshold file") from None
    except ValueError:  # Python's bound on the digits of a whole number
        raise ThresholdFileError("it holds a number with thousands of digits") from None
    return document


def _without_repeats(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, value in pairs:
        if name in document:
            raise ThresholdFileError(f"{_shown(name)} stands there twice")
        document[name] = value
    return document


# -- its parts


def _check_format(document: Mapping[str, Any]) -> None:
    if document["format"] != FORMAT:
        raise ThresholdFileError(f'not a threshold file: expected "format": "{FORMAT}", got '
                                 f"{_shown(document['format'])}")
    version = document.get("format_version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ThresholdFileError(f"format_version must be a whole number from 1, got {_shown(version)}")
    if version > FORMAT_VERSION:
        raise ThresholdFileError(f"written by a newer version (format {_shown(version)}, this one knows up to "
                                 f"{FORMAT_VERSION}): update the workbench")


def _thresholds(named: Any, findings: Sequence[str]) -> np.ndarray:
    """Float64 (k,) of a mapping finding -> number, in the order of the findings."""
    if isinstance(named, list):
        raise ThresholdFileError(f"the thresholds are a list of {len(named)} without names: expected "
                                 f'{{"{findings[0]}": 0.5, ...}} with the {len(findings)} findings')
    if not isinstance(named, dict):
        raise ThresholdFileError(f'the thresholds must be {{"{findings[0]}": 0.5, ...}}, got {_shown(named)}')
    found: dict[str, float] = {}
    for name, value in named.items():
        finding = _finding(name, findings)
        if finding is None:
            raise ThresholdFileError(f"unknown finding {_shown(name)}: expected the run's {len(findings)}, "
                                     f"{findings[0]} to {findings[-1]}")
        if finding in found:
            raise ThresholdFileError(f"{finding} stands there twice, once as {_shown(name)}")
        found[finding] = _threshold(finding, value)
    missing = [finding for finding in findings if finding not in found]
    if missing:
        raise ThresholdFileError(f"{len(missing)} of {len(findings)} findings are missing: {', '.join(missing)}")
    return np.array([found[finding] for finding in findings])


def _finding(name: str, findings: Sequence[str]) -> str | None:
    try:
        return one_of(findings, name)
    except FindingError:
        return None


def _threshold(finding: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ThresholdFileError(f"the threshold of {finding} is not a number: {_shown(value)}")
    if not 0 <= value <= 1:
        raise ThresholdFileError(f"the threshold of {finding} is {_shown(value)}: expected a number from 0 to 1")
    return float(value)


def _parameters(document: Mapping[str, Any]) -> dict[str, Any]:
    parameters = document.get("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, dict):
        raise ThresholdFileError(f"parameters must be an object {{...}}, got {_shown(parameters)}")
    try:
        json.dumps(parameters, allow_nan=False)
    except ValueError:
        raise ThresholdFileError("parameters hold a number that is not finite") from None
    return parameters


def _texts(document: Mapping[str, Any]) -> dict[str, Any]:
    """A text or None for each field of texts."""
    texts: dict[str, Any] = {}
    for key, default in _TEXTS.items():
        value = document.get(key)
        if value is not None and not isinstance(value, str):
            raise ThresholdFileError(f"{key} must be a text, got {_shown(value)}")
        if value and key not in _FREE and not value.isprintable():
            raise ThresholdFileError(f"{key} must be a text on one line, got {_shown(value)}")
        texts[key] = default if value is None else value
    if texts["created_at"] and not _is_time(texts["created_at"]):
        raise ThresholdFileError(f"created_at must be a time as 2017-09-27T12:00:00+00:00, got "
                                 f"{_shown(texts['created_at'])}")
    return texts


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


# -- in errors


def _shown(value: Any) -> str:
    """A foreign value, short and on one line."""
    if isinstance(value, dict | list):
        return "an object {...}" if isinstance(value, dict) else "a list [...]"
    text = repr(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _some(names: Mapping[str, Any]) -> str:
    return f" ({', '.join(_shown(name) for name in list(names)[:3])})" if names else ""
