"""The settings of chosen runs side by side, and which of them differ. Pure: no store, no Streamlit."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import pandas as pd

from cxrcore.charts.look import architecture_label
from cxrcore.config import TrainConfig
from cxrcore.networks.weights_corpora import recorded_before_tags, start_corpus
from cxrcore.queries.run_groups import SPLIT_WORDS
from cxrcore.settings import Constants

NOT_RECORDED = "not recorded"
EMPTY = "–"
COLUMNS = ("Part", "Setting", "Meaning")

_ELSEWHERE = ("name", "arch", "split", "split_seed", "training_key")  # shown elsewhere, or of settings that are shown
_OF_FLAGS = {field.name: field.metadata.get("help", "") for field in (*fields(TrainConfig), *fields(Constants))}
_MEANINGS = _OF_FLAGS | {
    "architecture": "the network",
    "kind": "trained here, imported, or an ensemble of other runs",
    "parameters": "numbers that training adjusts",
    "maps": "whether they point at a spot that is planted on an empty film",
    "data set": "the films and their labels",
    "split": "who is in train, validation and test",
    "split seed": "of the split's draw",
    "split fingerprint": "equal fingerprints mean equal films in every part",
    "git commit": "the code's version",
    "training_corpus": "what the weights have seen",
    "start corpus": "what the weights had seen before training",
    "start weights": "timm's name and tag of the ImageNet weights",
    "start weights' hub id": "where they came from",
    "start weights by timm": "version that loaded them",
    "start weights' image size": "pixels a side that the network's configuration names",
    "start weights' interpolation": "by which their pictures were resized; films here are resized bilinearly",
    "start weights' SHA-256": "of the file that training began with",
    "pixels_version": "of the way from a film's file to grey pixels",
    "n_train": "films that were trained on",
    "n_val": "films that were validated on after each epoch",
    "device": "what it ran on",
    "processes": "that trained it together, each a share of every batch",
    "films_per_process": "of each batch",
    "processes_changed": "of a training that went on with more or fewer processes",
    "batch_statistics": "what batch normalisation went by, where not by whole batches",
    "sync_batch_norm": "batch normalisation went by the films of all processes",
    "lr_rule": "how the learning rate came about",
    "selection": "what chose the best epoch, as the validation films allow",
    "epochs_raised": "of a training that went on for longer than it was begun for",
    "training time": "of all epochs",
    "training speed": "images a second in the last epoch",
    "trial speed in fp32": "images a second in a few steps before training",
    "trial speed in tf32": "images a second in a few steps before training",
    "trial speed in bf16": "images a second in a few steps before training",
    "device memory": "at its peak",
    "checkpoint size": "of model_best.pth",
    "GMACs": "thousand million multiply-adds to score one film",
    "time of one film": "to score it by itself, in milliseconds, without reading the file",
    "file": "that the predictions came from",
    "file_sha256": "of that file's bytes",
    "scores_sha256": "of the scores themselves, by film",
    "columns": "whose names are not the findings' own",
    "logits": "declared as logits, made probabilities",
    "weights_name": "what the network started from, as declared",
    "weights": "file that was evaluated",
    "layout": "how other programs named what is in it",
    "outputs": "of the file's network, in their order, as declared",
    "audit": "answers of the import's audit",
    "assumed": "what files did not say themselves, and how it was taken",
    "train_list_sha256": "of the declared training films",
    "combined_by": "how an ensemble's scores came about",
    "members": "the runs of an ensemble",
}
_UNITS = {"parameters": (1e6, "M"), "checkpoint size": (1e6, "MB"), "device memory": (1e9, "GB"),
          "training time": (60, "min")}  # {setting: (how much of it is one, its unit)}
_START_NAMES = {"corpus": "start corpus", "tag": "start weights", "hub_id": "start weights' hub id",
                "timm": "start weights by timm", "size": "start weights' image size",
                "interpolation": "start weights' interpolation", "file_sha256": "start weights' SHA-256"}
_COST_NAMES = {"training_seconds": "training time", "images_per_second": "training speed",
               "peak_device_bytes": "device memory", "checkpoint_bytes": "checkpoint size", "gmacs": "GMACs",
               "milliseconds_per_film": "time of one film"}


def settings_table(runs: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> pd.DataFrame:
    """One row a setting, one column a run.

    Args:
        runs: rows of `Store.runs` (config, versions and cost as JSON texts), with the data set's name as `dataset`.
        labels: {run_id: unique label}, the column names.

    Returns:
        text columns `COLUMNS`, then one for each run; what a run does not have is 'not recorded'.
    """
    per_run = {labels[run["run_id"]]: _settings_of(run) for run in runs}
    keys = list(dict.fromkeys(key for settings in per_run.values() for key in settings))
    parts = list(dict.fromkeys(part for part, _ in keys))
    keys.sort(key=lambda key: parts.index(key[0]))
    rows = [
        {"Part": part, "Setting": name, "Meaning": _MEANINGS.get(name, "")}
        | {label: settings.get((part, name), NOT_RECORDED) for label, settings in per_run.items()}
        for part, name in keys
    ]
    return pd.DataFrame(rows, columns=[*COLUMNS, *per_run])


def only_differences(table: pd.DataFrame) -> pd.DataFrame:
    """The rows in which not all runs agree; with a single run, all rows."""
    runs = [column for column in table.columns if column not in COLUMNS]
    return table if len(runs) < 2 else table[table[runs].nunique(axis=1) > 1]


def for_reading(table: pd.DataFrame) -> pd.DataFrame:
    """The table as a page shows it: sizes in units that people read, hashes by their first digits, no trial runs.

    Args:
        table: as `settings_table`, which a download takes along whole.
    """
    shown = table[~table["Setting"].str.startswith("trial speed")].copy()
    runs = [column for column in table.columns if column not in COLUMNS]
    for run in runs:
        shown[run] = [_for_reading(setting, text) for setting, text in zip(shown["Setting"], shown[run], strict=True)]
    return shown


def _for_reading(setting: str, text: str) -> str:
    digits = text.replace(",", "")
    if setting in _UNITS and digits.isdigit():
        size, unit = _UNITS[setting]
        return f"{int(digits) / size:,.1f} {unit}"
    if len(text) == 64 and all(one in "0123456789abcdef" for one in text):
        return f"{text[:8]} ..."
    return text


def _settings_of(run: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    model = {"architecture": architecture_label(run["architecture"]), "kind": run["kind"],
             "parameters": run["n_parameters"]}
    measured, config = _flat(json.loads(run["cost"] or "{}")), json.loads(run["config"] or "{}")
    if maps := measured.pop("maps", None) or config.pop("maps", None):  # of the trained network, else of its start
        model["maps"] = maps
    scheme = run["split_scheme"]
    data = {"data set": run["dataset"], "split": SPLIT_WORDS.get(scheme, scheme), "split seed": run["split_seed"],
            "split fingerprint": run["split_fingerprint"]}
    config.pop("maps", None)
    config = _flat(_shortened(_named(config)))
    trials = {f"trial speed in {name}": config.pop(f"precision_speeds.{name}", None)
              for name in ("fp32", "tf32", "bf16")}
    training = {name: value for name, value in config.items()
                if name not in _ELSEWHERE and not name.startswith("precision_speeds.")}
    software = {"git commit": run["git_commit"]} | _flat(json.loads(run["versions"] or "{}"))
    cost = {_COST_NAMES.get(name, name): value for name, value in measured.items()}
    cost |= {name: value for name, value in trials.items() if value is not None}
    made = "Source" if {"file", "members", "layout"} & config.keys() else "Training"
    parts = {"Model": model, "Data": data, made: training, "Software": software, "Cost": cost}
    return {(part, name): as_text(value) for part, values in parts.items() for name, value in values.items()}


def _named(config: dict[str, Any]) -> dict[str, Any]:
    """Constants among the flags, and the start weights as this version reads what an older one recorded."""
    constants, recorded = (dict(found) if isinstance(found := config.get(name), Mapping) else {}
                           for name in ("constants", "start_weights"))
    start = {_START_NAMES[name]: value for name, value in recorded.items() if name in _START_NAMES}
    if seen := start_corpus(config):
        start[_START_NAMES["corpus"]] = seen
    if config.get("training_corpus") and config.get("init") == "imagenet" and not recorded:
        config["training_corpus"] = recorded_before_tags(config.get("arch"), str(config["training_corpus"]))
    return {name: value for name, value in config.items() if name not in ("constants", "start_weights")
            } | start | constants


def _shortened(config: dict[str, Any]) -> dict[str, Any]:
    """What imports and ensembles record at length, in a few words."""
    if lines := config.get("audit"):
        states = [line["state"] for line in lines]
        config["audit"] = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    if members := config.get("members"):
        config["members"] = ", ".join(member["name"] for member in members)
    if columns := config.get("columns"):
        config["columns"] = ", ".join(f"{column} for {finding}" for finding, column in columns.items()
                                      if finding not in column)
    return config


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as 'outer.inner': value."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat


def as_text(value: Any) -> str:
    """A setting as people read it."""
    if value is None or value == "" or (not isinstance(value, (list, str)) and pd.isna(value)):
        return EMPTY
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.6g}"
    if isinstance(value, (int, float)) and abs(value) < 2**53:
        return f"{int(value):,}" if abs(value) >= 10_000 else str(int(value))
    return value if isinstance(value, str) else json.dumps(value)
