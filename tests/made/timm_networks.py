"""Networks of timm put through train, evaluate and explain on small films, and where their maps point."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from cxrcore.config import EvalConfig, TrainConfig
from cxrcore.errors import WorkbenchError
from cxrcore.evaluation.evaluate_run import evaluate
from cxrcore.explain.maps import Explainer
from cxrcore.findings import NIH_FINDINGS
from cxrcore.networks.batches import normalise
from cxrcore.networks.checkpoint import load_checkpoint
from cxrcore.networks.classifier import features_before, with_weights
from cxrcore.networks.initial_weights import start
from cxrcore.queries import explained_films
from cxrcore.store import Store
from cxrcore.store.run_folder import BEST
from cxrcore.training.train_run import train

SIZE = 64
SETTINGS = {"epochs": 1, "batch_size": 16, "lr": 1e-3, "img_size": SIZE, "init": "random", "precision": "fp32",
            "train_subset": 64, "val_subset": 24, "eval_subset": 24}
TINY = ("test_vit", "test_resnet", "test_mambaout", "deit_tiny_distilled_patch16_224")  # NCHW, NHWC, one and two tokens
TWENTY = (
    "resnet26", "resnetv2_50", "regnety_002", "densenet121", "efficientnet_lite0", "mobilenetv3_small_100",
    "convnextv2_atto", "vgg11_bn", "hrnet_w18_small", "inception_v3", "vit_tiny_patch16_224",
    "deit_tiny_distilled_patch16_224", "vit_small_patch14_reg4_dinov2", "cait_xxs24_224",
    "swin_tiny_patch4_window7_224", "pvt_v2_b0", "mixer_s32_224", "poolformer_s12", "mobilevit_xxs", "mambaout_femto")
SIXTY = (
    *TWENTY, "resnetblur18", "skresnet18", "resnest14d", "seresnext26d_32x4d", "res2net50_14w_8s", "xception41",
    "dla34", "dpn48b", "nf_regnet_b0", "ghostnetv2_100", "mixnet_s", "mnasnet_small", "lcnet_050", "tinynet_e",
    "hardcorenas_a", "rexnet_100", "tf_efficientnet_b0", "repvgg_a0", "cspresnet50", "ese_vovnet19b_dw", "selecsls42",
    "hgnetv2_b0", "starnet_s1", "fasternet_t0", "edgenext_xx_small", "inception_next_atto", "botnet26t_256",
    "convmixer_768_32", "levit_128s", "xcit_nano_12_p16_224", "twins_svt_small", "visformer_tiny", "crossvit_tiny_240",
    "convit_tiny", "pit_ti_224", "tiny_vit_5m_224", "maxvit_rmlp_pico_rw_256", "coatnet_pico_rw_224", "fastvit_t8",
    "efficientvit_b0")


@dataclass(frozen=True)
class Through:
    """What came of one network.

    Attributes:
        refused: the line that refused it, or ''.
        maps: 'checked' or 'off', and why.
        layer: where they are taken from.
        n_parameters: of the network.
        rightly: of four squares planted elsewhere, how many the maps find.
    """

    name: str
    refused: str = ""
    maps: str = ""
    why: str = ""
    layer: str = ""
    n_parameters: int = 0
    rightly: int = 0

    def row(self) -> str:
        """Of the table in docs/networks.md."""
        if self.refused:
            return f"| `timm:{self.name}` | | refused | {self.refused} |"
        why = self.why if self.maps == "off" else self.layer
        return f"| `timm:{self.name}` | {self.n_parameters / 1e6:.1f} | {self.maps} | {why} |"


def put_through(name: str, films: Path, store: Path) -> Through:
    """Train, evaluate once more, explain a film, and plant squares; a refusal has to be one line about the network."""
    common = {"store": str(store), "results": str(store.parent / "results")}
    try:
        run_id = train(TrainConfig(arch=f"timm:{name}", csv_path=str(films / "Data_Entry_2017.csv"),
                                     img_root=str(films), **common, **SETTINGS))
    except WorkbenchError as error:
        assert "\n" not in str(error)
        with pytest.raises(type(error), match=re.escape(str(error))):  # films and store have no part in it
            start(f"timm:{name}", SIZE, NIH_FINDINGS, "random", 0)
        return Through(name, refused=str(error))
    held = Store(store)
    assert held.run(run_id)["architecture"] == f"timm:{name}" and held.run(run_id)["status"] == "finished"
    table = evaluate(EvalConfig(run=run_id, subset=16, **common))
    assert len(table)
    loaded = explained_films.load_network(held, run_id)
    film = np.random.default_rng(1).integers(0, 255, (SIZE, SIZE), dtype=np.uint8)
    found = explained_films.explained(loaded, film, "gradcam")
    assert found.scores.shape == (14,) and np.isfinite(found.scores).all()
    assert bool(found.off) == (loaded.maps.state == "off") and found.off == loaded.maps.why_off
    assert found.off or found.small.cells.shape[0] == 14
    rightly = 0 if found.off else quarters(held.run_folder(run_id) / BEST)
    return Through(name, maps=loaded.maps.state, why=loaded.maps.why, layer=loaded.maps.layer,
                   n_parameters=int(held.run(run_id)["n_parameters"]), rightly=rightly)


def quarters(path: Path) -> int:
    """Of four dark squares on a noisy film, how many a map of what each adds to the features puts where they are."""
    held = load_checkpoint(path)
    model = held.model()
    films = np.tile(np.random.default_rng(2).integers(110, 190, (SIZE, SIZE), dtype=np.uint8), (5, 1, 1))
    corners = [(x, y) for y in (0, 1) for x in (0, 1)]
    for place, (x, y) in enumerate(corners, 1):
        films[place, 10 + 32 * y : 22 + 32 * y, 10 + 32 * x : 22 + 32 * x] = 20
    with torch.no_grad():
        features, _ = features_before(model, normalise(torch.from_numpy(films)[:, None], held.spec))
    weight = features[1:] - features[0]
    asked = Explainer(with_weights(model, weight / weight.norm(dim=1, keepdim=True), torch.zeros(4)),
                      held.architecture, held.spec, tuple("abcd"))
    hits = 0
    for place, (x, y) in enumerate(corners):
        name = ("abcd"[place],)
        added = asked.raw(films[place + 1], name)[0] - asked.raw(films[0], name)[0]
        cell = SIZE / added.shape[0]
        lies = (np.unravel_index(added.argmax(), added.shape) + np.float64(0.5)) * cell - 0.5 - asked.offset(SIZE)
        hits += int((np.abs(lies - (15.5 + 32 * y, 15.5 + 32 * x)) <= 0.75 * cell + 1).all())
    return hits
