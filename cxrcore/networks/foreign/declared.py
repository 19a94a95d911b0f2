"""What a person says of weights from elsewhere, in flags or in a JSON file beside them; each value held to its form.

Keys: findings, mean, std, architecture (or arch), image_size (or img_size), model_options, training_corpus, output.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from cxrcore.data.files import bounded_file
from cxrcore.errors import CheckpointError, DataError, RunError
from cxrcore.findings import MOST_FINDINGS, NO_FINDING, canonical, key
from cxrcore.networks.architectures import require_known
from cxrcore.networks.checkpoint import MAX_SIZE, is_text, is_triple
from cxrcore.networks.model_options import check_options
from cxrcore.networks.weights_corpora import recorded_before_tags

LOOSE_OPTIONS = ("pad_type", "bn_eps", "global_pool")  # model options that a JSON may also name at its top level
NOT_KEPT = ("", "-", "none", "nan")  # in place of a name: an output that is no finding
OUTPUTS = ("logits", "probabilities")
_OTHER_KEYS = {"arch": "architecture", "img_size": "image_size"}
_BESIDES = ("findings", "architecture", "image_size", "output")  # that a file of other programs does not say itself


def beside(path: Path) -> tuple[dict[str, Any], str]:
    """What NAME.json or NAME.pth.json beside a file says, and a text of where that is from.

    Raises:
        CheckpointError: no JSON object, or a value of another form.
    """
    for candidate in (path.with_suffix(".json"), Path(f"{path}.json")):
        if candidate == path or not candidate.is_file():
            continue
        try:
            content = bounded_file.settings(candidate)
            if not isinstance(content, dict):
                raise ValueError("not an object")
        except (ValueError, OSError) as error:
            raise CheckpointError(f"{candidate} is no JSON object: {error}") from None
        loose = {name: content[name] for name in LOOSE_OPTIONS if name in content}
        options = content.get("model_options") or {}
        given = content | {"model_options": options | loose if isinstance(options, dict) else options}
        return settings(given, candidate), f"settings from {candidate.name}"
    return {}, "no JSON beside it, so assumed"


def from_flags(findings: str | None, mean: str | None, std: str | None, arch: str | None, img_size: int | None
               ) -> dict[str, Any]:
    """What flags say, under the same keys; empty where none is given.

    Args:
        findings: comma-separated, or the name of a file that lists them.
        mean, std: one number or three, comma-separated.

    Raises:
        CheckpointError: a value of another form, or a file that cannot be read.
    """
    given: dict[str, Any] = {"mean": _numbers(mean), "std": _numbers(std), "architecture": arch, "image_size": img_size}
    if findings is not None:
        given["findings"] = _listed(findings)
    return settings({name: value for name, value in given.items() if value is not None}, "the flags")


def settings(given: Mapping[str, Any], source: Path | str) -> dict[str, Any]:
    """Settings of weights, each held to its form; other keys are left out.

    Args:
        source: of the settings, for errors.

    Raises:
        CheckpointError: a value of another form.
    """
    given = _one_spelling(given, source)
    made: dict[str, Any] = {name: _three(given[name], name, source) for name in ("mean", "std")
                            if given.get(name) is not None}
    if given.get("model_options") is not None:
        made["model_options"] = check_options(given["model_options"], str(source))
    corpus = given.get("training_corpus")
    if corpus is not None and not is_text(corpus):
        raise CheckpointError(f"{source}: training_corpus is not one line of text")
    made |= {"training_corpus": corpus} if corpus else {}
    return made | {name: _CHECKS[name](given[name], source) for name in _BESIDES if given.get(name) is not None}


def of_content(content: Any, path: Path) -> dict[str, Any]:
    """What a file's own dictionary says beside its weights, as `settings`.

    Of what other programs write only those keys are read whose names alone say what they are.
    """
    if not isinstance(content, dict):
        return {}
    names = ("mean", "std", "model_options", "training_corpus")
    made = settings({name: content[name] for name in names if name in content and not torch.is_tensor(content[name])},
                    path)
    if "format" in content and "training_corpus" in made and not content.get("start_weights"):
        made["training_corpus"] = recorded_before_tags(content.get("architecture"), made["training_corpus"])
    return made


def _one_spelling(given: Mapping[str, Any], source: Path | str) -> dict[str, Any]:
    made = dict(given)
    for other, name in _OTHER_KEYS.items():
        if other in made:
            value = made.pop(other)
            if made.setdefault(name, value) != value:
                raise CheckpointError(f"{source}: {other} and {name} differ")
    return made


def _three(value: Any, name: str, source: Path | str) -> tuple[float, ...]:
    """One number for all channels, or one a channel."""
    values = [value] * 3 if type(value) in (int, float) else value
    if not is_triple(values, above=0.0 if name == "std" else -math.inf):
        shown = ascii(value)[:60] if type(value) in (int, float, str) else f"a {type(value).__name__}"
        bound = ", above 0" if name == "std" else ""
        raise CheckpointError(f"{source}: {name} needs one number or three{bound}, got {shown}")
    return tuple(map(float, values))


def _findings(value: Any, source: Path | str) -> tuple[str | None, ...]:
    """Canonical names in the order of the outputs; None for an output that is no finding."""
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise CheckpointError(f"{source}: findings is no list of names")
    if not 1 <= len(names) <= MOST_FINDINGS:
        raise CheckpointError(f"{source}: findings has {len(names)} names; 1 to {MOST_FINDINGS} are read")
    try:
        made = tuple(None if _is_none(name) else canonical(name) for name in names)
    except DataError as error:
        raise CheckpointError(f"{source}: findings: {error}") from None
    kept = [key(name) for name in made if name]
    twice = sorted({name for name in made if name and kept.count(key(name)) > 1})
    if twice or not kept:
        raise CheckpointError(f"{source}: findings names {f'{twice[0]} twice' if twice else 'no finding'}")
    return made


def _is_none(name: str) -> bool:
    return name.strip().casefold() in NOT_KEPT or key(name) == key(NO_FINDING)


def _architecture(value: Any, source: Path | str) -> str:
    if not isinstance(value, str):
        raise CheckpointError(f"{source}: unknown architecture a {type(value).__name__}: expected a name")
    try:
        require_known(value)
    except RunError as error:
        raise CheckpointError(f"{source}: {error}") from None
    return value


def _image_size(value: Any, source: Path | str) -> int:
    if type(value) is not int or not 32 <= value <= MAX_SIZE or value % 32:
        raise CheckpointError(f"{source}: image_size is {ascii(value)[:40]}: expected a multiple of 32 up to "
                              f"{MAX_SIZE}")
    return value


def _output(value: Any, source: Path | str) -> str:
    if value not in OUTPUTS:
        raise CheckpointError(f"{source}: output is {ascii(value)[:40]}: expected {' or '.join(OUTPUTS)}; networks "
                              "whose outputs share one softmax are not read")
    return value


_CHECKS = {"findings": _findings, "architecture": _architecture, "image_size": _image_size, "output": _output}


def _numbers(text: str | None) -> Any:
    """Numbers as a flag writes them; what is none stays text, for the error."""
    try:
        values = [float(part) for part in (text or "").split(",")]
    except ValueError:
        return text
    return values[0] if len(values) == 1 else values


def _listed(text: str) -> Any:
    """Names in a flag, or in the file that it names: JSON, or names on lines or between commas."""
    path = Path(text)
    if "," in text or len(text) > 255 or not path.is_file():
        return text
    try:
        content = bounded_file.content(path, bounded_file.MAX_JSON).decode("utf-8-sig")
        if content.lstrip().startswith(("[", "{")):
            read = json.loads(content)
            return read.get("findings") if isinstance(read, dict) else read
    except (OSError, ValueError, RecursionError, DataError) as error:
        raise CheckpointError(f"--findings {path}: {' '.join(str(error).split())[:120]}") from None
    return [name for line in content.splitlines() for name in line.split(",") if name.strip()]
