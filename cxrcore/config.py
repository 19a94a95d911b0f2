"""What can be set: one frozen dataclass a script. Its fields are the script's flags and the config stored with a run.

Defaults, units and help texts stand here and nowhere else. Light on imports: `--help` answers at once.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PREPARE_COMMAND = "python scripts/prepare.py --csv_path DATA/Data_Entry_2017.csv --img_root DATA"

TRAIN_COMMAND = "python scripts/train.py --csv_path DATA/Data_Entry_2017.csv --img_root DATA"

PROJECT_ROOT = Path(__file__).resolve().parent.parent

LOSSES = ("bce", "pos_weight", "focal", "asymmetric")
PRECISIONS = ("auto", "fp32", "tf32", "bf16")
SCHEDULES = ("cosine", "plateau")
SWITCH = ("on", "off")
PLACES = ("local", "slurm")
MAX_SEED = 2**31 - 1
SPLIT_SCHEMES = ("patient", "official", "random", "given")
LABEL_POLICIES = ("unknown", "positive", "negative")  # what an uncertain label becomes
DATA_SETS = ("chestmnist", "nih")
CHESTMNIST_SIZES = (28, 64, 128, 224)


def default_store() -> str | Path:
    """CXR_STORE, the address of a team's store as it stands there, or runs/store.duckdb of this project."""
    named = os.environ.get("CXR_STORE") or ""
    return named if "://" in named else Path(named or PROJECT_ROOT / "runs" / "store.duckdb")


def is_read_only() -> bool:
    """Whether CXR_READ_ONLY is set: a server that shows results to others, where nobody changes a store."""
    return os.environ.get("CXR_READ_ONLY", "").strip().casefold() not in ("", "0", "no", "false", "off")


def flag(default: Any, help: str, **extra: Any) -> Any:
    """A dataclass field that becomes a command-line flag.

    Args:
        extra: bounds and choices of its values; `listed`: several of the choices may be given; `stored`: False for
            what is not kept with a run; `before`: what a version that did not have the flag did.
    """
    return field(default=default, metadata={"help": help, **extra})


@dataclass(frozen=True)
class _Films:
    csv_path: str | None = flag(None, "the table of the films: NIH's Data_Entry_2017.csv, or as --data describes it")
    img_root: str | None = flag(None, "folder of the films: images_001/images/... or one flat folder")
    data: str | None = flag(None, "what scripts/download.py brought, in place of both: chestmnist, chestmnist_64, nih; "
                                  "or how the table is to be read: chexpert, padchest or another name of "
                                  "docs/descriptions.md, or PATH.toml (default: as NIH's)")
    policy: str | None = flag(None, "what uncertain labels become: unknown, positive or negative (default: as the "
                                    "description says, else unknown)", choices=LABEL_POLICIES)
    store: str | None = flag(None, "the results store (default: CXR_STORE, or runs/store.duckdb)", stored=False)


@dataclass(frozen=True)
class PrepareConfig(_Films):
    """Flags of scripts/prepare.py."""

    img_size: int = flag(224, "pixels a side, a multiple of 32")
    workers: int | None = flag(None, "processes (default: one a core)", at_least=1)


@dataclass(frozen=True)
class TrainConfig(_Films):
    """Flags of scripts/train.py."""

    arch: str = flag("efficientnet_b0", "architecture, 'all' for the six, timm:NAME for any network of timm, or "
                                        "several of them, comma-separated")
    epochs: int | None = flag(None, "epochs (default: 8 for efficientnet_b0, 12 for the others)", at_least=1)
    batch_size: int | None = flag(None, "films at a time, of several processes together; batch normalisation needs "
                                        "two for each (default: 32 on a CPU, 32 to 256 by a GPU's memory)",
                                  at_least=2, before=32)
    accumulate: int = flag(1, "batches whose gradients make one step, for more films a step than fit", at_least=1)
    lr: float | None = flag(None, "highest learning rate of AdamW (default: as the recipe says for the network, its "
                                  "weights and the films a step)", above=0, before=1e-4)
    weight_decay: float | None = flag(None, "of matrices and kernels; none for biases and normalisation (default: as "
                                            "the recipe says)", at_least=0, at_most=1, before=0.01)
    layer_decay: float | None = flag(None, "learning rate of a block over that of the next deeper one, 1 for equal "
                                           "rates (default: as the recipe says)", above=0, at_most=1, before=1.0)
    drop_path: float | None = flag(None, "share of films for which a block of the network is left out in a step "
                                         "(default: as the recipe says)", at_least=0, at_most=0.9, before=0.0)
    dropout: float | None = flag(None, "share of features left out before the head (default: as the recipe says)",
                                 at_least=0, at_most=0.9, before=0.0)
    schedule: str = flag("cosine", "of the learning rate: cosine to 0; plateau: a tenth after each epoch without a "
                                   "better validation", choices=SCHEDULES)
    patience: int | None = flag(None, "stop after n epochs without a better validation (default: never with cosine, 3 "
                                      "with plateau)", at_least=1, before=3)
    ema: str = flag("on", "keep and validate a moving average of the weights", choices=SWITCH, before="off")
    crop: float = flag(0.7, "augmentation: least share of a film's area that is shown; 1 for the whole film",
                       above=0, at_most=1, before=1.0)
    tone: float = flag(0.2, "augmentation: contrast and gamma up to this share more or less, brightness half of it",
                       at_least=0, at_most=0.9, before=0.0)
    rotation: float = flag(6.0, "augmentation: rotation of up to so many degrees", at_least=0, at_most=180)
    shift: float = flag(0.05, "augmentation: shift up to this share of the side", at_least=0, at_most=0.5)
    flip: bool = flag(False, "augmentation: mirror every second film; the heart then lies on the right too")
    train_subset: int | None = flag(None, "train on at most n films, same imbalance, nested", at_least=2)
    val_subset: int | None = flag(None, "validate on at most n films after each epoch", at_least=1)
    loss: str = flag("bce", "bce; pos_weight = min(negatives / positives, 50); focal with gamma 2; asymmetric "
                             "with gamma 4 and margin 0.05 of negatives; or several, comma-separated", choices=LOSSES,
                     listed=True)
    split: str = flag("patient", "patient 70/10/20; official test list; random 80/20 by image (leaks patients); given: "
                                 "the table's own",
                      choices=SPLIT_SCHEMES)
    split_seed: int = flag(0, "seed of the split and of the subsets; runs are compared within one split", at_least=0,
                           at_most=MAX_SEED)
    img_size: int = flag(224, "pixels a side, a multiple of 32")
    init: str = flag("auto", "imagenet; random; PATH of a weights file; auto = imagenet where it can be had")
    freeze: bool = flag(False, "train the last layer alone, on features that are computed once (a linear probe)")
    precision: str = flag("auto", "number format: fp32; tf32 and bf16 round products (tf32 on GPUs alone); auto times "
                                  "them once and keeps the fastest", choices=PRECISIONS)
    compile: bool = flag(False, "let torch.compile make the step faster: minutes at the start, on a GPU worth it")
    device: str | None = flag(None, "cpu, cuda, cuda:1 or mps (default: a GPU where there is one)", stored=False)
    seed: int = flag(0, "seed of weights, order and augmentation", at_least=0, at_most=MAX_SEED)
    name: str | None = flag(None, "name of the run on the leaderboard (default: architecture and seed)")
    resume: str | None = flag(None, "RUN_ID of an interrupted run to go on with; --epochs may be raised", stored=False)
    eval_subset: int | None = flag(None, "evaluate at most n films of each split at the end; 0 = no evaluation",
                                   at_least=0)
    results: str | None = flag(None, "folder for tables (default: results/ of this project)", stored=False)
    seeds: int = flag(1, "train with so many seeds, from --seed on", at_least=1, at_most=1000, stored=False)
    devices: str | None = flag(None, "where several trainings run, one at a time on each: auto for all GPUs, or names "
                                     "such as cuda:0,cuda:1 or cpu,cpu (default: --device)", stored=False)
    on: str = flag("local", "local: several trainings run here; slurm: as one array job", choices=PLACES, stored=False)
    sbatch: str | None = flag(None, "with --on slurm: options of sbatch, such as '-G 1 -t 12:00:00'",
                              stored=False)
    once: bool = flag(False, "skip a training that a run has finished already, go on with one that was stopped, and "
                             "never train it beside another process", stored=False)


@dataclass(frozen=True)
class EvalConfig(_Films):
    """Flags of scripts/eval.py."""

    run: str | None = flag(None, "RUN_ID whose best checkpoint is evaluated")
    weights: str | None = flag(None, "checkpoint file; a bare model_best.pth that is not here means the newest "
                                     "finished run's")
    subset: int | None = flag(None, "at most n films of each split, as a prediction set of its own", at_least=1)
    findings: str | None = flag(None, "of a checkpoint from elsewhere: what its outputs are, in their order, "
                                      "comma-separated, '-' for one that is no finding; or a file that lists them")
    mean: str | None = flag(None, "of a checkpoint from elsewhere: of pixels from 0 to 1, one number or three")
    std: str | None = flag(None, "of a checkpoint from elsewhere: as --mean")
    arch: str | None = flag(None, "of a checkpoint from elsewhere: one of the six or timm:NAME (default: as its "
                                  "tensors show, of the six)")
    img_size: int | None = flag(None, "of a checkpoint from elsewhere: pixels a side, a multiple of 32 (default: as "
                                      "its position embeddings show, or 224)")
    thresholds: str | None = flag(None, "JSON file of a threshold set, read beside those that are fitted here")
    views: int = flag(1, "score each film as the mean of so many views (the film, then crops and turns of it), as a "
                         "prediction set of its own", at_least=1, at_most=10)
    batch_size: int = flag(64, "films at a time", at_least=1)
    device: str | None = flag(None, "cpu, cuda, cuda:1 or mps (default: a GPU where there is one)")
    results: str | None = flag(None, "folder for tables (default: results/ of this project)")


@dataclass(frozen=True)
class DescribeConfig:
    """Flags of scripts/describe.py, besides the table."""

    out: str | None = flag(None, "TOML file to write (default: print it)")
    name: str | None = flag(None, "of the data set (default: the table's file name)")


@dataclass(frozen=True)
class DownloadConfig:
    """Flags of scripts/download.py, besides the data set."""

    size: int = flag(64, "of ChestMNIST's films, in pixels: 28 (82 MB), 64, 128 or 224 (gigabytes)",
                     choices=CHESTMNIST_SIZES)
    check: bool = flag(False, "bring nothing: check what is there (counts, tables, missing or cut films)")
    out: str | None = flag(None, "another folder (default: runs/data/chestmnist_<size> or runs/data/nih)")


@dataclass(frozen=True)
class PhantomConfig:
    """Flags of scripts/make_phantoms.py."""

    out: str = flag("runs/phantoms", "folder to fill; one that holds anything but phantoms is left alone")
    films: int = flag(6000, "how many films; of 6,000, a val split holds 50 or more positives of every finding",
                      at_least=1)
    size: int = flag(256, "pixels a side", at_least=64, at_most=2048)
    findings: int = flag(14, "how many findings: NIH's 14 or the first of them, up to 20 with signs beside NIH's",
                         at_least=5, at_most=20)
    seed: int = flag(0, "seed of patients, labels and pixels", at_least=0, at_most=MAX_SEED)
    prevalence: str = flag("raised", "raised: every finding on 10 %% of the films or more; nih: as published",
                           choices=("raised", "nih"))
    label_noise: float = flag(0.05, "share of a finding's films whose label misses it; as many carry it wrongly",
                              at_least=0, at_most=0.4)
    shortcut: float = flag(0.0, "share of films with pneumothorax that show a chest drain: a planted shortcut",
                           at_least=0, at_most=1)
    difficulty: float = flag(0.5, "0: every sign is plain; 1: faint signs, and 30 %% of the findings leave none",
                             at_least=0, at_most=1)
    workers: int | None = flag(None, "processes (default: one a core)", at_least=1)
    sheet: str | None = flag(None, "PNG to write: a film of each finding and two without any, with their labels")


@dataclass(frozen=True)
class GradcamConfig(_Films):
    """Flags of scripts/gradcam.py."""

    run: str | None = flag(None, "RUN_ID whose best checkpoint is explained")
    weights: str | None = flag(None, "checkpoint file; a bare model_best.pth that is not here means the newest "
                                     "finished run's")
    boxes: bool = flag(False, "instead of figures: measure how well the maps point at the data set's boxes")
    methods: str = flag("all", "with --boxes: methods, comma-separated, such as gradcam,layercam; all leaves out "
                               "scorecam, which is slow")
    samples: int = flag(8, "films to draw", at_least=1, at_most=50)
    finding: str | None = flag(None, "explain this finding, on films that have it (default: each film's own findings)")
    split: str | None = flag(None, "take films of train, val or test (default: test, or val where there is no test)",
                             choices=("train", "val", "test"))
    seed: int = flag(0, "another seed takes other films", at_least=0, at_most=MAX_SEED)
    results: str | None = flag(None, "folder for figures (default: results/ of this project)")


IMPORTED_PARTS = ("test", "val", "train", "external")


@dataclass(frozen=True)
class ImportConfig:
    """Flags of scripts/import_predictions.py, besides the file."""

    csv_path: str | None = flag(None, "the table of these films, such as NIH's Data_Entry_2017.csv (default: the "
                                      "store's only data set)")
    data: str | None = flag(None, "how that table is read, as scripts/train.py takes it: a name of "
                                  "docs/descriptions.md, or PATH.toml, which names the table too")
    policy: str | None = flag(None, "what uncertain labels become: unknown, positive or negative (default: as the "
                                    "description says)", choices=LABEL_POLICIES)
    dataset: str | None = flag(None, "ID of the store's data set of these films, in place of a table")
    name: str | None = flag(None, "what the run is called (default: the file's name)")
    architecture: str = flag("", "what made the predictions, such as densenet121 (default: what the file's name names)")
    split: str = flag("test", "which part the films are; a column of parts in the file counts before it",
                      choices=IMPORTED_PARTS)
    map: tuple[str, ...] | None = flag(None, "COLUMN=FINDING where names do not tell, COLUMN=image_id for the films, "
                                             "COLUMN=split for parts; may be given more than once, or comma-separated",
                                       repeated=True)
    logits: bool = flag(False, "scores are logits: the sigmoid makes them probabilities")
    train_list: str | None = flag(None, "films (or patients) that the network was trained on, one a line")
    thresholds: str | None = flag(None, "JSON threshold set that belongs to the predictions")
    weights_name: str = flag("", "what the network started from, such as densenet121-res224-all")
    as_copy: bool = flag(False, "of a folder that export.py wrote: bring it in under new ids, beside the run that is "
                                "there")
    again: bool = flag(False, "save a file that is a run already once more")
    store: str | None = flag(None, "the results store (default: CXR_STORE, or runs/store.duckdb)")


LABEL_ACTIONS = ("add", "list", "remove")


@dataclass(frozen=True)
class LabelsConfig:
    """Flags of scripts/labels.py, besides what to do and the file."""

    dataset: str | None = flag(None, "ID of the data set whose films were read (default: the store's only one)")
    name: str | None = flag(None, "what the label set is called, such as experts")
    map: tuple[str, ...] | None = flag(None, "COLUMN=FINDING where names do not tell; may be given more than once, "
                                             "or comma-separated", repeated=True)
    description: str | None = flag(None, "what the file's columns mean: the name of a shipped description, such as "
                                         "nih_adjudicated, or PATH.toml")
    policy: str | None = flag(None, "what becomes of uncertain labels, in place of the description's",
                              choices=LABEL_POLICIES)
    by: str | None = flag(None, "reader: a label set for each reader in place of their majority", choices=("reader",))
    again: bool = flag(False, "take the place of the label set of this name")
    store: str | None = flag(None, "the results store (default: CXR_STORE, or runs/store.duckdb)")


STORE_COMMANDS = ("init", "copy", "check", "hand-in", "backup", "restore", "vacuum")


@dataclass(frozen=True)
class StoreConfig:
    """Flags of scripts/store.py, besides what to do and the backup."""

    out: str | None = flag(None, "with backup: its folder (default: one with the time in its name beside the store)")
    checkpoints: bool = flag(False, "with backup: the weights of the runs too")
    prepared: bool = flag(False, "with backup and copy: the prepared films too")
    replace: bool = flag(False, "with restore: take the place of the store that is there, which is kept beside it")
    store: str | None = flag(None, "the results store (default: CXR_STORE, or runs/store.duckdb)")


@dataclass(frozen=True)
class DoctorConfig:
    """Flags of scripts/doctor.py."""

    port: int = flag(8501, "that the dashboard is to have", at_least=1, at_most=65535)
    store: str | None = flag(None, "the results store (default: CXR_STORE, or runs/store.duckdb)")


@dataclass(frozen=True)
class PromiseConfig:
    """Flags of scripts/promise.py."""

    run: str | None = flag(None, "RUN_ID whose scores are used")
    aim: str = flag("recall", "what is promised: recall, specificity or precision",
                    choices=("recall", "specificity", "precision"))
    bound: float = flag(0.9, "the least value for new patients, above 0 and below 1")
    confidence: float = flag(0.95, "from 0.5 to below 1")
    rule: str = flag("drawn", "a patient counts by one of his films, drawn; or whole: as right where all of them are",
                     choices=("drawn", "whole"))
    part: str | None = flag(None, "fitted on val, or on half of the patients of test (default: val, or half "
                                  "where there is none)", choices=("val", "half"))
    seed: int = flag(0, "of the films that are drawn", at_least=0, at_most=MAX_SEED)
    first_alarms: int = flag(30, "of precision: patients with an alarm where the tests begin", at_least=1)
    choices: int = flag(1, "networks among which this one was chosen by its numbers on these films, besides the epochs "
                           "of its training", at_least=1)
    name: str | None = flag(None, "what the threshold set is called (default: what is promised)")
    out: str | None = flag(None, "JSON file to write the threshold set to")
    store: str | None = flag(None, "the results store (default: CXR_STORE, or runs/store.duckdb)")


@dataclass(frozen=True)
class ExportConfig:
    """Flags of scripts/export.py."""

    run: str | None = flag(None, "RUN_ID to export (default: all runs)")
    out: str = flag("exports", "folder, made if need be; each run gets one of its own in it")
    store: str | None = flag(None, "the results store (default: CXR_STORE, or runs/store.duckdb)")


@dataclass(frozen=True)
class ReportConfig:
    """Flags of scripts/report.py."""

    run: tuple[str, ...] | None = flag(None, "RUN_ID to report on; may be given more than once (default: the best of "
                                             "the newest data set and split)", repeated=True)
    split: str = flag("test", "measured on test or val", choices=("test", "val"))
    labels: str = flag(
        "Own",
        "label set that everything is measured on; Own: the labels that the films came with; 'Own "
        "on experts': these on the films that experts have read",
    )
    out: str = flag("results/report.html", "the HTML file; the ZIP lies beside it; of --table a .csv or .tex")
    table: str | None = flag(None, "print one table in place of the report; official: the architectures on NIH's "
                                   "official split, selected on validation", choices=("official",))
    zip: bool = flag(False, "also write tables (CSV, LaTeX) and figures (PNG, SVG) as a ZIP")
    cams: int = flag(3, "films with maps of where the network looked; 0 for none", at_least=0, at_most=12)
    store: str | None = flag(None, "the results store (default: CXR_STORE, or runs/store.duckdb)")


@dataclass(frozen=True)
class PicturesConfig:
    """Flags of scripts/make_pictures.py."""

    store: str | None = flag(None, "the demo's store (default: runs/demo.duckdb)")
    out: str = flag("docs", "folder of the pictures")


@dataclass(frozen=True)
class EnsembleConfig:
    """Flags of scripts/ensemble.py."""

    runs: str | None = flag(None, "RUN_IDs of the members, comma-separated, two or more")
    name: str | None = flag(None, "what the run is called (default: its members)")
    again: bool = flag(False, "save a mean that is a run already once more")
    store: str | None = flag(None, "the results store (default: CXR_STORE, or runs/store.duckdb)")


@dataclass(frozen=True)
class DemoConfig:
    """Flags of scripts/demo.py."""

    all: bool = flag(False, "train VGG16 and ViT-B/16 too, some quarter of an hour more")
    port: int = flag(8501, "of the dashboard", at_least=1, at_most=65535)
    no_dashboard: bool = flag(False, "only train")
    store: str | None = flag(None, "the demo's store (default: runs/demo.duckdb); films and checkpoints lie beside it")
