"""Class activation maps: equal to the library's own loop, nothing left behind, hot where the network has to look."""

import threading

import numpy as np
import pytest
import torch
from pytorch_grad_cam import EigenCAM, GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, ScoreCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch.nn import functional

from cxrcore.architectures import ARCHITECTURES, build
from cxrcore.batches import InputSpec, normalise
from cxrcore.cam_methods import HIRES_CAM, METHODS, Method
from cxrcore.errors import UsageError
from cxrcore.explain import Explainer, Explanation
from cxrcore.findings import FINDINGS
from cxrcore.localization import pointing_hit
from cxrcore.metrics import auroc
from cxrcore.registration import place

SIZE = 64
SPEC = InputSpec((0.5,) * 3, (0.25,) * 3)
ONE = FINDINGS.index("Effusion")


def film(seed: int = 0, size: int = SIZE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size), np.uint8)


def network(architecture: str, size: int = SIZE, seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return build(architecture, size).eval()


def inputs(pixels: np.ndarray) -> torch.Tensor:
    return normalise(torch.from_numpy(pixels)[None, None], SPEC)


@pytest.fixture(scope="module")
def resnet():
    return network("resnet18")


# -- the library's maps


SOME = (ONE, 13)  # findings that are compared; each costs the loop a pass through the whole network
LIBRARY = {"gradcam": GradCAM, "gradcam++": GradCAMPlusPlus, "hirescam": HiResCAM, "layercam": LayerCAM,
           "eigencam": EigenCAM, "scorecam": ScoreCAM}
BY_GRADIENT = [name for name, method in METHODS.items() if method.by_gradient]


def library_loop(model: torch.nn.Module, architecture: str, pixels: np.ndarray, method: str,
                 findings: tuple[int, ...] = SOME) -> np.ndarray:
    """Maps of some findings, one after another, as the library is used."""
    entry, side = ARCHITECTURES[architecture], len(pixels) // 16
    reshape = (lambda t: t[:, 1:].reshape(len(t), side, side, -1).permute(0, 3, 1, 2)) if entry.has_tokens else None
    maps = []
    for k in findings:
        cam = LIBRARY[method](model, [model.get_submodule(entry.cam_layer)], reshape)
        maps.append(cam(inputs(pixels), [ClassifierOutputTarget(k)])[0])
        cam.activations_and_grads.release()
    return np.array(maps)


def test_every_method_is_the_librarys():
    assert set(LIBRARY) == set(METHODS)
    assert all(issubclass(METHODS[name].cam, LIBRARY[name]) for name in METHODS)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_all_findings_at_once_equal_the_library_finding_by_finding(architecture):
    model, pixels = network(architecture), film()
    explainer = Explainer(model, architecture, SPEC)
    with torch.inference_mode():
        logits = model(inputs(pixels))[0].numpy()
    for method in BY_GRADIENT:
        explained, maps = explainer.explain(pixels, method=method), library_loop(model, architecture, pixels, method)
        assert explained.maps.shape == (14, SIZE, SIZE) and explained.maps.dtype == np.float32
        np.testing.assert_allclose(explained.maps[[*SOME]], maps, atol=1e-5)
        np.testing.assert_allclose(explained.logits, logits, atol=1e-5)
        np.testing.assert_allclose(explained.scores, 1 / (1 + np.exp(-logits.astype(np.float64))), atol=1e-6)
        if method == "gradcam":
            assert np.ptp(maps, axis=(1, 2)).max() > 0.9  # there is something to compare
        if method == HIRES_CAM:
            same = np.abs(explained.maps - explainer.explain(pixels).maps).max() < 1e-4
            assert same == ARCHITECTURES[architecture].pooled_head


@pytest.mark.parametrize("architecture", ["resnet18", "vit_b_16"])
def test_eigencam_is_one_map_for_all_findings(architecture):
    model, pixels = network(architecture), film()
    explained = Explainer(model, architecture, SPEC).explain(pixels, method="eigencam")
    assert explained.findings == () and explained.maps.shape == (1, SIZE, SIZE)
    np.testing.assert_allclose(explained.maps, library_loop(model, architecture, pixels, "eigencam", (ONE,)),
                               atol=1e-5)


def test_scorecam_equals_the_library_and_tells_how_far_it_is(resnet):
    told = []
    explained = Explainer(resnet, "resnet18", SPEC).explain(film(), ("Effusion",), "scorecam",
                                                            lambda *steps: told.append(steps))
    np.testing.assert_allclose(explained.maps, library_loop(resnet, "resnet18", film(), "scorecam", (ONE,)), atol=1e-5)
    assert told[0] == (16, 512) and told[-1] == (512, 512) and len(told) == 32


def test_scorecam_can_be_stopped_and_leaves_nothing_behind(resnet):
    class Stopped(Exception):
        pass

    def stop(done: int, total: int) -> None:
        raise Stopped

    explainer = Explainer(resnet, "resnet18", SPEC)
    before = explainer.explain(film()).maps
    with pytest.raises(Stopped):
        explainer.explain(film(), ("Effusion",), "scorecam", stop)
    assert not any(module._forward_hooks for module in explainer._model.modules())
    assert np.array_equal(explainer.explain(film()).maps, before)
    with pytest.raises(UsageError, match="one finding at a time"):
        explainer.explain(film(), method="scorecam")


@pytest.mark.parametrize(("architecture", "offset"), [("resnet18", 15.5), ("vit_b_16", 0.0)])
def test_placed_maps_undo_the_offset_of_the_cells(architecture, offset):
    explained = Explainer(network(architecture), architecture, SPEC).explain(film(), ("Mass", "Edema"))
    assert explained.offset == offset
    assert np.array_equal(explained.placed(), place(explained.maps, offset))


def test_any_choice_of_findings_gives_the_same_maps(resnet):
    explainer = Explainer(resnet, "resnet18", SPEC)
    every, some = explainer.explain(film()), explainer.explain(film(), ("Hernia", "Mass"))
    assert some.findings == ("Hernia", "Mass") and some.method == "gradcam"
    np.testing.assert_allclose(some.maps, every.maps[[FINDINGS.index(f) for f in some.findings]], atol=1e-6)
    assert some.scores.shape == (14,) and np.abs(some.scores - every.scores).max() < 1e-6


def test_an_unknown_method_names_those_there_are(resnet):
    with pytest.raises(UsageError, match=r"'shap'.*gradcam"):
        Explainer(resnet, "resnet18", SPEC).explain(film(), method="shap")


# -- what the numbers mean


def with_head(sign: float) -> torch.nn.Module:
    """A pooled network whose every feature speaks for (or against) every finding."""
    model = network("resnet18")
    with torch.no_grad():
        model.fc.weight.abs_().mul_(sign)
        model.fc.bias.fill_(0.25)
    return model


def test_energy_is_what_speaks_for_the_finding_in_units_of_its_logit():
    explained = Explainer(with_head(1.0), "resnet18", SPEC).explain(film())
    np.testing.assert_allclose(explained.energy, explained.logits - 0.25, rtol=1e-4)
    np.testing.assert_allclose(explained.maps.max(axis=(1, 2)), 1, atol=1e-5)


def test_a_map_without_anything_for_the_finding_is_zeros():
    explained = Explainer(with_head(-1.0), "resnet18", SPEC).explain(film())
    assert not explained.maps.any() and not explained.energy.any() and (explained.logits < 0.25).all()


# -- nothing is left behind, nothing is shared


@pytest.mark.parametrize("architecture", ["resnet18", "vit_b_16"])
def test_the_network_keeps_no_gradients_and_no_hooks(architecture):
    model = network(architecture)
    model.train()
    explainer = Explainer(model, architecture, SPEC)
    explainer.explain(film())
    assert model.training and all(weight.requires_grad and weight.grad is None for weight in model.parameters())
    for module in [*model.modules(), *explainer._model.modules()]:
        assert not module._forward_hooks and not module._backward_hooks and not module._forward_pre_hooks


def test_the_twin_shares_the_weights():
    model = network("resnet18")
    explainer = Explainer(model, "resnet18", SPEC)
    with torch.no_grad():
        model.fc.weight.zero_()
        model.fc.bias.fill_(3)
    np.testing.assert_allclose(explainer.explain(film(), ("Mass",)).logits, 3)


def test_a_failure_is_told_and_leaves_the_explainer_usable(resnet, monkeypatch):
    class Broken(GradCAM):
        def get_cam_weights(self, *args):
            raise IndexError("inside the library")  # which its own context manager would swallow

    explainer = Explainer(resnet, "resnet18", SPEC)
    before = explainer.explain(film())
    monkeypatch.setitem(METHODS, "broken", Method("Broken", Broken, ""))
    with pytest.raises(IndexError, match="inside the library"):
        explainer.explain(film(), method="broken")
    assert np.array_equal(explainer.explain(film()).maps, before.maps)


def test_threads_get_their_own_maps(resnet):
    explainer = Explainer(resnet, "resnet18", SPEC)
    alone = [explainer.explain(film(seed)) for seed in range(4)]
    got: dict[tuple[int, int], Explanation] = {}

    def ask(seed: int) -> None:
        for turn in range(5):
            got[seed, turn] = explainer.explain(film(seed))

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 20
    for (seed, _), explained in got.items():
        np.testing.assert_allclose(explained.maps, alone[seed].maps, atol=1e-6)
        np.testing.assert_allclose(explained.scores, alone[seed].scores, atol=1e-6)


# -- hot where the network has to look

BLOB_SIZE, BLOB, CELL = 128, 42, 32  # pixels: of the film, of the blob's box, of a cell of the map


def blob_films(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise; every second film has a bright blob anywhere. Films, labels, and the blobs' centres (x, y)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:BLOB_SIZE, :BLOB_SIZE] + 0.5
    labels, centres = np.arange(n) % 2, rng.uniform(0.2, 0.8, (n, 2)) * BLOB_SIZE
    films = rng.normal(110, 20, (n, BLOB_SIZE, BLOB_SIZE))
    for film, label, (cx, cy) in zip(films, labels, centres, strict=True):
        film += label * 110 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * (BLOB / 4) ** 2))
    return films.clip(0, 255).astype(np.uint8), labels, centres


def trained_on_blobs(architecture: str, learning_rate: float, n: int = 64, batch: int = 8) -> torch.nn.Module:
    """Trained for 6 to 20 epochs, until an epoch's mean loss is small."""
    torch.manual_seed(0)
    model = build(architecture, BLOB_SIZE)
    model.train()
    films, labels, _ = blob_films(n, seed=1)
    films, labels = torch.from_numpy(films)[:, None], torch.from_numpy(labels).float()
    optimizer = torch.optim.AdamW(model.parameters(), learning_rate)
    for epoch in range(20):
        losses = []
        for rows in torch.randperm(n).split(batch):
            logits = model(normalise(films[rows], SPEC))[:, ONE]
            loss = functional.binary_cross_entropy_with_logits(logits, labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if epoch >= 5 and np.mean(losses) < 0.05:  # the batch statistics need some 50 steps to settle
            break
    return model.eval()


@pytest.mark.parametrize(("architecture", "learning_rate", "least"), [
    ("resnet18", 1e-3, 0.8), ("mobilenet_v2", 2e-3, 0.8),
    *(pytest.param(*each, marks=pytest.mark.long) for each in (
        ("efficientnet_b0", 1e-3, 0.8), ("densenet121", 1e-3, 0.8), ("vgg16", 1e-4, 0.8),
        ("vit_b_16", 1e-4, 0.5))),  # some of its maps are empty: nothing speaks for the blob
])
def test_maps_peak_on_a_planted_blob(architecture, learning_rate, least):
    """On the blob to half a cell of the map, its resolution; chance is below 0.35."""
    explainer = Explainer(trained_on_blobs(architecture, learning_rate), architecture, SPEC)
    films, labels, centres = blob_films(40, seed=99)
    shares = {}
    for method in BY_GRADIENT:
        explained = [explainer.explain(pixels, ("Effusion",), method) for pixels in films]
        assert auroc(labels, np.array([each.scores[ONE] for each in explained])) > 0.9  # it has learnt to tell them
        side = BLOB + CELL
        shares[method] = np.mean([
            pointing_hit(each.placed()[0], (*(centre - side / 2), side, side))
            for each, label, centre in zip(explained, labels, centres, strict=True) if label])
    print(architecture, shares)
    assert min(shares.values()) >= least
