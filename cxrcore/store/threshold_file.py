"""The file of a threshold set: JSON that a person can read, send to a colleague and give to scripts/eval.py.

Findings stand by name and doubles come back exactly as they were. What other tools write is read too, see
`threshold_forms`; what of it was left out or is missing is said. Knows no store and no screen.
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
from cxrcore.errors import DataError, FindingError, ThresholdFileError
from cxrcore.findings import one_of
from cxrcore.measures.decisions.promise_record import promise_of
from cxrcore.measures.thresholds.positions import UNREACHED
from cxrcore.store.threshold_forms import MAX_SIZE, document_of, number_of, pairs_of, shown

FORMAT = "cxr-thresholds"
FORMAT_VERSION = 1
MOST_SAID = 8  # names in a line
Read = TypeVar("Read")


@dataclass(frozen=True)
class ThresholdFile:
    """A threshold set and where it comes from; all but the thresholds may be empty or None.

    Attributes:
        thresholds: float64 (k,), in [0, 1], or `UNREACHED` for never.
        findings: k names, in the thresholds' order: those of the list that it is read for which the file has.
        name: as shown.
        objective, parameters: as of `fitting.ThresholdSet`.
        run_id, run_name, architecture: of the run whose predictions it was fitted on.
        checkpoint, checkpoint_sha256: that made them: 'model_best.pth' or another file's name.
        dataset_id, split_scheme, split_fingerprint: of the films.
        fitted_on: the split: 'val', 'test', ...
        prediction_id: of the predictions it was fitted on, in the store that it comes from.
        created_at: ISO 8601 with a time zone.
        left_out: names in the file that are none of the list that it was read for.
        missing: findings of that list without a threshold in the file.
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
    left_out: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def said(self) -> list[str]:
        """What of the file is not as a whole set has it, lines worth printing; no line where it is whole."""
        never = [finding for finding, value in zip(self.findings, self.thresholds, strict=True) if value > 1]
        lines = [(self.left_out, "left out, as they are none of its findings"), (self.missing, "without a threshold"),
                 (never, "never, as the threshold is above 1")]
        return [f"{words}: {', '.join(map(_printable, names[:MOST_SAID]))}" + ", ..." * (len(names) > MOST_SAID)
                for names, words in lines if names]

    @property
    def title(self) -> str:
        """The name on one line, in characters that can be printed; 'unnamed' without one."""
        return _printable(self.name) or "unnamed"


def _printable(text: str) -> str:
    """A foreign text on one line, in characters that can be printed."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


_READ = ("left_out", "missing")  # what is told of a file that was read, and stands in none
_TEXTS = {f.name: f.default for f in dataclasses.fields(ThresholdFile) if f.name not in (
    "thresholds", "findings", "parameters", *_READ)}
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
    if not ((thresholds >= 0) & (thresholds <= UNREACHED)).all():
        raise ThresholdFileError("a threshold is no number from 0 to 1")
    head = {"format": FORMAT, "format_version": FORMAT_VERSION, "workbench_version": __version__}
    own = {f.name: getattr(file, f.name) for f in dataclasses.fields(file)
           if f.name not in ("thresholds", "findings", *_READ)}
    named = dict(zip(file.findings, thresholds.tolist(), strict=True))
    text = json.dumps(head | own | {"parameters": dict(file.parameters), "thresholds": named}, indent=2) + "\n"
    require_whole(parse_threshold_file(text, file.findings))
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


def require_form(path: str | Path) -> None:
    """Refuse at once what can be no threshold file, before it is known which findings it has to be of.

    Raises:
        ThresholdFileError: no such file, or neither JSON nor CSV; the text begins with the path.
    """
    _of_file(Path(path), document_of)


def require_whole(file: ThresholdFile) -> None:
    """ThresholdFileError where a finding has no threshold: only a board has values that such findings keep."""
    if file.missing:
        n = len(file.missing) + len(file.findings)
        raise ThresholdFileError(f"'{file.title}': {len(file.missing)} of {n} findings are missing: "
                                 f"{', '.join(file.missing)}")


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
        text: as `threshold_file_text` writes it, or in one of the forms of `threshold_forms`; findings in any known
            spelling and order. A number above 1 means never; null and an empty cell mean that there is none.
        findings: that it may be of, and their order.

    Raises:
        ThresholdFileError: anything else, and a file without one finding of the list; one line that says what is wrong
            and where.
    """
    document = document_of(text)
    if not isinstance(document, dict) or "format" not in document:
        pairs = pairs_of(document, lambda name: _finding(name, findings) is not None)
        if pairs is None:
            raise _foreign(document)
        return ThresholdFile(**_values(pairs, findings))
    _check_format(document)
    if "thresholds" not in document:
        raise ThresholdFileError("the thresholds are missing")
    return ThresholdFile(**_values(_named(document["thresholds"], findings), findings),
                         parameters=_parameters(document), **_texts(document))


def _foreign(document: Any) -> ThresholdFileError:
    if isinstance(document, dict):
        return ThresholdFileError(f'not a threshold file: it has no "format": "{FORMAT}", and no finding among its '
                                  f"names{_some(document)}")
    return ThresholdFileError(f"not a threshold file: expected an object {{...}} or two columns, finding and "
                              f"threshold, got {shown(document)}")


# -- its parts


def _check_format(document: Mapping[str, Any]) -> None:
    if document["format"] != FORMAT:
        raise ThresholdFileError(f'not a threshold file: expected "format": "{FORMAT}", got '
                                 f"{shown(document['format'])}")
    version = document.get("format_version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ThresholdFileError(f"format_version must be a whole number from 1, got {shown(version)}")
    if version > FORMAT_VERSION:
        raise ThresholdFileError(f"written by a newer version (format {shown(version)}, this one knows up to "
                                 f"{FORMAT_VERSION}): update the workbench")


def _values(pairs: Sequence[tuple[str, Any]], findings: Sequence[str]) -> dict[str, Any]:
    """{field: value} of `ThresholdFile` that the pairs say.

    A name that is no finding of the list is left out; a finding without a value is missing.
    """
    found: dict[str, float] = {}
    left_out: list[str] = []
    for name, value in pairs:
        finding = _finding(name, findings)
        if finding is None:
            left_out.append(name)
        elif value is not None and value != "":
            if finding in found:
                raise ThresholdFileError(f"{finding} stands there twice, once as {shown(name)}")
            found[finding] = _threshold(finding, value)
    if not found:
        raise ThresholdFileError(f"no threshold of the run's {len(findings)} findings, {findings[0]} to {findings[-1]}"
                                 f"{_some(left_out)}")
    own = tuple(finding for finding in findings if finding in found)
    return {"thresholds": np.array([found[finding] for finding in own]), "findings": own,
            "left_out": tuple(left_out), "missing": tuple(finding for finding in findings if finding not in found)}


def _named(named: Any, findings: Sequence[str]) -> list[tuple[str, Any]]:
    """The pairs of the part of our own form that holds thresholds."""
    if isinstance(named, list):
        raise ThresholdFileError(f"the thresholds are a list of {len(named)} without names: expected "
                                 f'{{"{findings[0]}": 0.5, ...}} with the {len(findings)} findings')
    if not isinstance(named, dict):
        raise ThresholdFileError(f'the thresholds must be {{"{findings[0]}": 0.5, ...}}, got {shown(named)}')
    return list(named.items())


def _finding(name: str, findings: Sequence[str]) -> str | None:
    try:
        return one_of(findings, name)
    except FindingError:
        return None


def _threshold(finding: str, value: Any) -> float:
    number = number_of(value)
    if number is None:
        raise ThresholdFileError(f"the threshold of {finding} is not a number: {shown(value)}")
    if not number >= 0:
        raise ThresholdFileError(f"the threshold of {finding} is {shown(value)}: expected a number from 0 to 1, or "
                                 "above 1 for never")
    return number if number <= 1 else UNREACHED


def _parameters(document: Mapping[str, Any]) -> dict[str, Any]:
    parameters = document.get("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, dict):
        raise ThresholdFileError(f"parameters must be an object {{...}}, got {shown(parameters)}")
    try:
        json.dumps(parameters, allow_nan=False)
    except ValueError:
        raise ThresholdFileError("parameters hold a number that is not finite") from None
    try:
        promise_of(parameters)
    except DataError as error:
        raise ThresholdFileError(str(error)) from None
    return parameters


def _texts(document: Mapping[str, Any]) -> dict[str, Any]:
    """A text or None for each field of texts."""
    texts: dict[str, Any] = {}
    for key, default in _TEXTS.items():
        value = document.get(key)
        if value is not None and not isinstance(value, str):
            raise ThresholdFileError(f"{key} must be a text, got {shown(value)}")
        if value and key not in _FREE and not value.isprintable():
            raise ThresholdFileError(f"{key} must be a text on one line, got {shown(value)}")
        texts[key] = default if value is None else value
    if texts["created_at"] and not _is_time(texts["created_at"]):
        raise ThresholdFileError(f"created_at must be a time as 2017-09-27T12:00:00+00:00, got "
                                 f"{shown(texts['created_at'])}")
    return texts


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _some(names: Mapping[str, Any] | Sequence[str]) -> str:
    return f" ({', '.join(shown(name) for name in list(names)[:3])})" if names else ""
