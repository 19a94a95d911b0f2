"""The golden file: every measure of the fixed run, and why it was last changed.

    python tests/made/golden_file.py                      what has moved, old and new
    python tests/made/golden_file.py --reason "..."       write the new numbers, with the reason

Numbers stand with twelve significant digits and are held to `TOLERANCE`. Beside each reason stands a checksum of the
numbers that it brought, so that a file edited by hand is noticed.
"""

import argparse
import hashlib
import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

import golden_numbers
import golden_places
import golden_stored
import numpy as np

FILE = Path(__file__).parents[1] / "golden" / "measures.json"
TOLERANCE = 1e-9  # of the number, or of 1 where it is smaller
DIGITS = 12
SHORTEST_REASON = 20  # characters
GROUPS: dict[str, Callable[[], dict[str, Any]]] = {
    "metrics": golden_numbers.measured, "label order": golden_numbers.labels_by_name,
    "calibration": golden_numbers.calibrated, "thresholds": golden_numbers.thresholds, "worth": golden_numbers.worth,
    "promises and bands": golden_numbers.promised, "intervals": golden_numbers.intervals,
    "over seeds": golden_numbers.over_seeds, "comparison": golden_numbers.compared,
    "subgroups": golden_numbers.groups,
    "second reading": golden_numbers.read_by_experts, "films": golden_numbers.looked_at, "curves": golden_numbers.drawn,
    "boxes": golden_places.boxes, "maps": golden_places.maps, "store": golden_stored.kept}
_LIST = re.compile(r"\[[^][{}]*\]")  # of numbers or words: on one line
Leaf = str | int | float | bool | None


def numbers(groups: Iterable[str] = GROUPS) -> dict[str, dict[str, Any]]:
    """The groups as they are measured now, as JSON holds them."""
    return {group: _plain(GROUPS[group]()) for group in groups}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return _rounded(value)
    return value


def _rounded(value: float) -> Leaf:
    if math.isnan(value):
        return None
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else str(value)


def leaves(tree: Any, name: str = "") -> dict[str, Leaf]:
    """{'group / measure / finding': value}, places of lists from 0."""
    pairs = tree.items() if isinstance(tree, Mapping) else enumerate(tree) if isinstance(tree, list) else None
    if pairs is None:
        return {name: tree}
    return {path: leaf for key, inner in pairs
            for path, leaf in leaves(inner, f"{name} / {key}" if name else str(key)).items()}


def moved(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """A line a measure that is not as it was: its name, old and new."""
    was, now = leaves(old), leaves(new)
    told = [f"{name}: {_said(was[name])} -> {_said(now[name])}" for name in was.keys() & now.keys()
            if not _same(was[name], now[name])]
    told += [f"{name}: {_said(was[name])} -> gone" for name in was.keys() - now.keys()]
    return sorted(told + [f"{name}: new, {_said(now[name])}" for name in now.keys() - was.keys()])


def _same(old: Leaf, new: Leaf) -> bool:
    number = (int, float)
    if isinstance(old, bool) or isinstance(new, bool) or not (isinstance(old, number) and isinstance(new, number)):
        return type(old) is type(new) and old == new
    return abs(old - new) <= TOLERANCE * max(1.0, abs(old))


def _said(leaf: Leaf) -> str:
    return "undefined" if leaf is None else str(leaf)


def kept() -> dict[str, Any]:
    """The file: 'reasons' and 'measures'."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def checksum(measures: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(measures, sort_keys=True).encode()).hexdigest()[:16]


def rewrite(reason: str, file: Path = FILE) -> str:
    """Write the numbers of now, with why they changed; says what was done.

    Raises:
        ValueError: no reason that says anything, or nothing to change.
    """
    if len(reason.strip()) < SHORTEST_REASON:
        raise ValueError(f"say why the numbers change, in {SHORTEST_REASON} characters or more")
    old = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"reasons": [], "measures": {}}
    new = numbers()
    changed = moved(old["measures"], new)
    if not changed:
        raise ValueError("no measure has moved: there is nothing to write")
    groups = sorted({line.split(" / ")[0].split(":")[0] for line in changed})
    own = {"reason": reason.strip(), "moved": len(changed), "groups": groups, "checksum": checksum(new)}
    content = {"reasons": [*old["reasons"], own], "measures": new}
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
    file.write_text(_LIST.sub(lambda found: " ".join(found[0].split()), text) + "\n", encoding="utf-8")
    return f"{len(changed)} measures written"


def main() -> int:
    """Say what has moved, or write it with a reason."""
    parser = argparse.ArgumentParser(description="The golden file of measures: what has moved, or write it.")
    parser.add_argument("--reason", help="why the numbers change; without it nothing is written")
    reason = parser.parse_args().reason
    if reason is not None:
        try:
            print(rewrite(reason))
        except ValueError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        return 0
    changed = moved(kept()["measures"], numbers())
    print("\n".join(changed) or "no measure has moved")
    return int(bool(changed))


if __name__ == "__main__":
    sys.exit(main())
