"""`eval.py --weights` on a checkpoint of another program: the person says what its outputs are."""

import json
import shutil

import numpy as np
import pytest
import torch
from dicom_films import described, written
from foreign_weights import chexnet

from cxrcore.config import EvalConfig
from cxrcore.data import films as film_sets
from cxrcore.errors import CheckpointError, UsageError
from cxrcore.evaluation.evaluate_run import evaluate
from cxrcore.findings import NIH_FINDINGS
from cxrcore.networks import checkpoint as checkpoints
from cxrcore.networks.architectures import build
from cxrcore.networks.checkpoint import Checkpoint
from cxrcore.networks.foreign.declared import from_flags
from cxrcore.networks.foreign.foreign_checkpoint import load_any
from cxrcore.queries.run_settings import settings_table
from cxrcore.store import Store
from cxrcore.store.run_folder import BEST

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SAID = {"findings": ",".join(NIH_FINDINGS), "mean": "0.485,0.456,0.406", "std": "0.229,0.224,0.225", "img_size": 32}
SUBSET = 24


@pytest.fixture(scope="module")
def made(tiny_nih, tmp_path_factory):
    """A DenseNet-121 of ours, in our form and in CheXNet's, and the scores of ours. Read-only by agreement."""
    folder = tmp_path_factory.mktemp("made")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = build("densenet121", 32, 14).state_dict()
    split = film_sets.load_film_set(str(tiny_nih / "Data_Entry_2017.csv"), str(tiny_nih), "patient", 0).split
    checkpoints.save_checkpoint(folder / "ours.pth", Checkpoint(
        state=state, architecture="densenet121", image_size=32, mean=MEAN, std=STD, training_corpus="none",
        split={"scheme": "patient", "seed": 0, "fingerprint": split.fingerprint}, dataset_id="another", run_id="r",
        epoch=1, findings=NIH_FINDINGS))
    torch.save(chexnet(state), folder / "m-25012018-123527.pth.tar")
    store = run(tiny_nih, folder, "ours.pth")
    return folder, scores(store, store.runs().iloc[0]["run_id"])


def run(nih, folder, name: str, **flags) -> Store:
    store = Store(folder / "runs" / "store.duckdb")
    evaluate(EvalConfig(csv_path=str(nih / "Data_Entry_2017.csv"), img_root=str(nih), store=str(store.path),
                        weights=str(folder / name), results=str(folder / "results"), subset=SUBSET, **flags))
    return store


def scores(store: Store, run_id: str) -> dict[str, np.ndarray]:
    [prediction_id] = store.prediction_sets(run_id)["prediction_id"]
    held = store.predictions(prediction_id)
    return dict(zip(held.image_ids, held.scores, strict=True))


def newest(store: Store, run_id: str) -> tuple[np.ndarray, np.ndarray]:
    sets = store.prediction_sets(run_id).sort_values("created_at")
    held = store.predictions(sets["prediction_id"].iloc[-1])
    return held.image_ids, held.scores


@pytest.fixture
def here(made, tmp_path):
    """A folder of its own with CheXNet's file, and the scores of the original."""
    shutil.copy(made[0] / "m-25012018-123527.pth.tar", tmp_path / "chexnet.pth")
    return tmp_path, made[1]


def largest_difference(one: dict, other: dict) -> float:
    assert one.keys() == other.keys() and len(one) == SUBSET
    return max(float(np.nanmax(np.abs(one[name] - other[name]))) for name in one)


def test_a_file_of_chexnet_s_layout_gives_the_scores_of_the_original(here, tiny_nih, capsys):
    folder, original = here
    store = run(tiny_nih, folder, "chexnet.pth", **SAID)
    row = store.runs().iloc[0]
    assert largest_difference(scores(store, row["run_id"]), original) <= 1e-6
    assert np.std([value[0] for value in original.values()]) > 1e-4  # not one score for all
    assert row["kind"] == "imported" and "training films unknown" in row["note"]
    assert row["architecture"] == "densenet121"
    config = json.loads(row["config"])
    assert config["outputs"] == list(NIH_FINDINGS) and config["mean"] == list(MEAN) and config["std"] == list(STD)
    assert "prefix 'module.densenet121.' taken off" in config["layout"] and "norm.1" in config["layout"]
    assert "sigmoid of its last layer" in config["assumed"] and config["training_corpus"] == "unknown (chexnet.pth)"
    said = capsys.readouterr().out
    assert "is densenet121 of another program" in said and config["assumed"] in said and "said in flags" in said
    runs = store.runs().assign(dataset="tiny").to_dict("records")
    table = settings_table(runs, {row["run_id"]: "it"}).set_index("Setting")["it"]
    assert table["assumed"] == config["assumed"] and table["mean"] == "[0.485, 0.456, 0.406]"


def test_the_run_that_it_became_has_the_weights_and_can_be_asked_again(here, tiny_nih):
    folder, original = here
    store = run(tiny_nih, folder, "chexnet.pth", **SAID)
    run_id = store.runs().iloc[0]["run_id"]
    kept = store.run_file(run_id, BEST)
    (folder / "chexnet.pth").unlink()
    assert checkpoints.load_checkpoint(kept).run_id == run_id
    again = run(tiny_nih, folder, kept)
    assert len(again.runs()) == 1
    assert largest_difference(dict(zip(*newest(again, run_id), strict=True)), original) <= 1e-6


def test_what_was_taken_in_reading_its_films_is_stored_with_the_run(here, tiny_nih_copy):
    for path in tiny_nih_copy.rglob("*.png"):
        path.write_bytes(written(described(np.arange(4096, dtype=np.uint16).reshape(64, 64))))
    store = run(tiny_nih_copy, here[0], "chexnet.pth", **SAID)
    config = json.loads(store.runs().iloc[0]["config"])
    assert "sigmoid of its last layer" in config["assumed"]
    assert f"{SUBSET} DICOM films read as: its grey values fill" in config["assumed"]


def test_the_json_beside_it_says_the_same_in_another_order_and_with_outputs_that_are_none(here, made):
    folder = here[0]
    content = torch.load(folder / "chexnet.pth", weights_only=True)
    state, turned = content["state_dict"], list(reversed(range(14)))
    for part in ("weight", "bias"):
        rows = state[f"module.densenet121.classifier.0.{part}"]
        state[f"module.densenet121.classifier.0.{part}"] = torch.cat([torch.full_like(rows[:1], 9), rows[turned]])
    torch.save({"net": state}, folder / "turned.pth")
    (folder / "turned.json").write_text(json.dumps({
        "findings": ["No finding", *[NIH_FINDINGS[k].replace("_", " ") for k in turned]], "mean": MEAN, "std": STD,
        "image_size": 32, "arch": "densenet121", "output": "probabilities", "training_corpus": "NIH"}))
    read = load_any(folder / "turned.pth", {})
    films = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        found = read.checkpoint.model()(films)
        expected = checkpoints.load_checkpoint(made[0] / "ours.pth").model()(films)
    assert read.checkpoint.findings == tuple(NIH_FINDINGS[k] for k in turned) and expected.std() > 1e-4
    assert torch.allclose(found, expected[:, turned], atol=1e-6) and read.checkpoint.training_corpus == "NIH"
    assert read.record["outputs"][0] == "-" and "image size" not in read.record["assumed"]
    assert "said in turned.json" in read.notice


@pytest.mark.parametrize("text", [",".join(NIH_FINDINGS), "\n".join(NIH_FINDINGS), json.dumps(NIH_FINDINGS),
                                  json.dumps({"findings": NIH_FINDINGS})])
def test_findings_may_stand_in_a_file(tmp_path, text):
    (tmp_path / "order.txt").write_text(text)
    assert from_flags(str(tmp_path / "order.txt"), None, None, None, None) == {"findings": NIH_FINDINGS}


@pytest.mark.parametrize(("flags", "said"), [
    ({}, r"looks like densenet121 in the layout of torchvision before 0.2.1 .*, with 14 outputs.*say --findings, "
         r"--mean, --std .*same keys in chexnet.json.*--init PATH"),
    ({"findings": SAID["findings"]}, "say --mean, --std"),
    (SAID | {"findings": "Mass,Nodule"}, r"has 14 outputs, and 2 findings are named \('-' stands for"),
    (SAID | {"findings": "Mass,Mass"}, "the flags: findings names Mass twice"),
    (SAID | {"findings": "-,No Finding"}, "findings names no finding"),
    (SAID | {"findings": "Mass,image_id"}, "'image_id' is no name of a finding"),
    (SAID | {"mean": "0.5,0.5"}, "the flags: mean needs one number or three"),
    (SAID | {"mean": "grey"}, "the flags: mean needs one number or three, got 'grey'"),
    (SAID | {"std": "0"}, "std needs one number or three, above 0"),
    (SAID | {"arch": "resnet18"}, "does not fit resnet18; it looks like densenet121"),
    (SAID | {"arch": "resnet50"}, "unknown --arch 'resnet50': expected one of"),
    (SAID | {"img_size": 100}, "image_size is 100: expected a multiple of 32"),
])
def test_what_is_missing_or_wrong_is_said_before_anything_is_written(here, tiny_nih, flags, said):
    folder = here[0]
    with pytest.raises(CheckpointError, match=said) as caught:
        run(tiny_nih, folder, "chexnet.pth", **flags)
    assert "\n" not in str(caught.value) and sorted(path.name for path in folder.iterdir()) == ["chexnet.pth"]


@pytest.mark.parametrize(("change", "said"), [
    ({"attention.weight": torch.zeros(3)}, r"holds more than a densenet121: attention.weight; .*cannot be evaluated"),
    ({"module.densenet121.classifier.2.weight": torch.zeros(3, 14)}, "its head has several layers"),
    ({"module.densenet121.features.conv0.weight": torch.zeros(64, 1, 7, 7)}, "takes one channel: give one number"),
])
def test_a_network_that_is_not_known_whole_is_not_evaluated(here, tiny_nih, change, said):
    content = torch.load(here[0] / "chexnet.pth", weights_only=True)
    torch.save(content | {"state_dict": content["state_dict"] | change}, here[0] / "chexnet.pth")
    with pytest.raises(CheckpointError, match=said):
        run(tiny_nih, here[0], "chexnet.pth", **SAID)


@pytest.mark.parametrize("text", ["{broken", '{"findings": 5}', '{"findings": [1]}', '{"output": "softmax"}',
                                  '{"arch": "vgg16", "architecture": "resnet18"}', '{"img_size": "large"}'])
def test_a_broken_json_is_named(here, tiny_nih, text):
    (here[0] / "chexnet.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"chexnet\.json"):
        run(tiny_nih, here[0], "chexnet.pth", **SAID)


def test_a_checkpoint_of_the_workbench_takes_no_such_flags(made, tiny_nih):
    with pytest.raises(UsageError, match="is a checkpoint of the workbench, which names its findings"):
        run(tiny_nih, made[0], "ours.pth", **SAID)
