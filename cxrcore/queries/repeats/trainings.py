"""Which runs are repeats of one training: alike in all recorded settings but the seed.

Only runs that were trained here can be: of others it is not known how they came about.
"""

import functools
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from cxrcore.charts.look import RUN_COLOURS, architecture_label
from cxrcore.settings import deciding, differing_names, settings_key

_PARTS = " · "  # between the parts of a run's name, as trainings give it
_SEED_AT_END = re.compile(r"[\s·_\-#:,;(]*(?:(?:seed|run)[\s_\-#:=]*\d*)?$", re.IGNORECASE)
_SHORTEST = 3  # letters of a name
_MOST_SETTINGS, _LONGEST_VALUE = 3, 24  # that a name holds; letters


@dataclass(frozen=True)
class Training:
    """The runs of one training, or a single run.

    Attributes:
        name: unique among those that it was worked out with: what the runs' names share, of a single run its label.
            Where several share one, the settings in which they differ tell them apart.
        run_ids: one of each seed, in the order in which they were given. More of one seed show no spread: the first
            counts.
        seeds: of these runs; '' where it is not known how a run was trained.
    """

    name: str
    run_ids: tuple[str, ...]
    seeds: tuple[str, ...]

    @property
    def repeated(self) -> bool:
        """Whether there is more than one run."""
        return len(self.run_ids) > 1

    @property
    def in_words(self) -> str:
        """'DenseNet-121 (3 runs)'; of a single run its name."""
        return f"{self.name} ({len(self.run_ids)} runs)" if self.repeated else self.name


@functools.lru_cache(8192)  # a run's settings never change
def repeat_key(config: str | None, kind: str, dataset_id: str, fingerprint: str) -> tuple[str, str] | None:
    """What repeats of a training share, and the seed; None where it is not known how the run was trained.

    Args:
        config, kind, dataset_id, fingerprint: of a row of the runs, `config` as JSON.
    """
    settings = json.loads(config or "{}")
    if kind != "trained" or not settings.get("arch"):
        return None
    told = {**settings, "dataset_id": dataset_id, "split_fingerprint": fingerprint}
    return settings_key(told), str(settings.get("seed", 0))


def trainings(runs: pd.DataFrame, labels: Mapping[str, str]) -> list[Training]:
    """The trainings of some runs, in the order of their first ones.

    Args:
        runs: rows of `Store.runs`.
        labels: {run_id: unique label}.
    """
    told = (runs[name].tolist() for name in ("run_id", "config", "kind", "dataset_id", "split_fingerprint"))
    found: dict[object, dict[str, str]] = {}
    for run_id, config, *settings in zip(*told, strict=True):
        key = repeat_key(config if isinstance(config, str) else None, *settings)
        found.setdefault(run_id if key is None else key[0], {}).setdefault("" if key is None else key[1], run_id)
    rows = runs.set_index("run_id")
    made = [Training(_name(rows, tuple(seeds.values()), labels), tuple(seeds.values()), tuple(seeds))
            for seeds in found.values()]
    return [replace(one, name=name) for one, name in zip(made, _told_apart(made, rows), strict=True)]


def _name(rows: pd.DataFrame, run_ids: Sequence[str], labels: Mapping[str, str]) -> str:
    if len(run_ids) == 1:
        return labels[run_ids[0]]
    names, architecture = rows.loc[list(run_ids), "name"].tolist(), rows.at[run_ids[0], "architecture"]
    return shared_name([str(name or "").strip() for name in names]) or architecture_label(architecture)


def shared_name(names: Sequence[str]) -> str:
    """What the names of repeats share: 'DenseNet-121' of 'DenseNet-121 · seed 0' and 'DenseNet-121 · seed 1'.

    Empty where that is less than a word.
    """
    if len(set(names)) == 1:
        return names[0]
    parts = [name.split(_PARTS) for name in names]
    shared = _PARTS.join(part for part in parts[0] if all(part in others for others in parts))
    shared = shared or _SEED_AT_END.sub("", _beginning(names))
    return shared if len(shared) >= _SHORTEST else ""


def _beginning(names: Sequence[str]) -> str:
    """The letters that all names begin with."""
    alike = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return "".join(letters[0] for letters in alike)


def _told_apart(found: Sequence[Training], rows: pd.DataFrame) -> list[str]:
    """Unique names: where several share one, with what they differ in, or else with the end of the first run's id."""
    counts, names = Counter(one.name for one in found), []
    for one in found:
        alike = [other for other in found if other.name == one.name]
        names.append(one.name if counts[one.name] == 1 else _PARTS.join(
            [one.name, *settings_in_words([rows.at[other.run_ids[0], "config"] for other in alike])[alike.index(one)]]))
    counts = Counter(names)
    return [name if counts[name] == 1 else f"{one.name}{_PARTS}{one.run_ids[0][-6:]}"
            for one, name in zip(found, names, strict=True)]


def settings_in_words(configs: Sequence[str | None]) -> list[list[str]]:
    """'lr 0.001' and the like, for each of several trainings: the settings in which not all of them agree.

    Empty where these are too many, or no short values.

    Args:
        configs: of a run each, as JSON.
    """
    told = [deciding(json.loads(config or "{}")) for config in configs]
    names = [name for name in differing_names(told) if name != "seed"]
    values = [[one.get(name) for name in names] for one in told]
    if len(names) > _MOST_SETTINGS or any(len(str(value)) > _LONGEST_VALUE for own in values for value in own):
        return [[] for _ in told]
    return [[f"{name} {_in_words(value)}" for name, value in zip(names, own, strict=True)] for own in values]


def _in_words(value: object) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def places_of(found: Sequence[Training], places: Mapping[str, int]) -> dict[str, int]:
    """{run_id: the place that its training wears the colour and mark of}: its first run's.

    Where two trainings would share a colour, they are numbered in their order.

    Args:
        places: {run_id: place}, as the link gives them.
    """
    first = [min((places[run_id] for run_id in one.run_ids if run_id in places), default=place)
             for place, one in enumerate(found)]
    if len({place % len(RUN_COLOURS) for place in first}) < len(found):
        first = list(range(len(found)))
    return {run_id: place for place, one in zip(first, found, strict=True) for run_id in one.run_ids}


def any_repeated(found: Iterable[Training]) -> bool:
    """Whether there are repeats among them."""
    return any(one.repeated for one in found)
