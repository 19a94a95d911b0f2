"""Losses against their formulas."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from cxrcore.config import LOSSES
from cxrcore.settings import Constants
from cxrcore.training.losses import asymmetric, known_labels, make_loss, positive_weights

torch.manual_seed(0)
LOGITS = torch.randn(20, 14)
LABELS = (torch.rand(20, 14) < 0.3).float()


def test_bce_is_the_mean_over_known_labels():
    loss = make_loss("bce", LABELS.numpy())
    assert loss(LOGITS, LABELS).item() == pytest.approx(
        functional.binary_cross_entropy_with_logits(LOGITS, LABELS).item())
    unknown = LABELS.clone()
    unknown[:, 2:] = float("nan")
    assert loss(LOGITS, unknown).item() == pytest.approx(
        functional.binary_cross_entropy_with_logits(LOGITS[:, :2], LABELS[:, :2]).item())


def test_a_batch_of_unknown_labels_gives_zero_and_finite_gradients():
    logits = LOGITS.clone().requires_grad_()
    value = make_loss("focal", LABELS.numpy())(logits, torch.full_like(LABELS, float("nan")))
    value.backward()
    assert value.item() == 0
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("size", [1.0, 80.0, 1e4, 3e38])
def test_an_unknown_label_has_a_gradient_of_exactly_zero(kind, size):
    unknown = torch.rand(20, 14, generator=torch.Generator().manual_seed(1)) < 0.4
    labels = torch.where(unknown, float("nan"), LABELS)
    whole, known = LOGITS.clone(), LOGITS.clone()
    whole[unknown] = size * torch.sign(LOGITS[unknown])  # as far from any label as a number goes
    values = []
    for logits in (whole, known):
        loss = make_loss(kind, labels.numpy())(logits.requires_grad_(), labels)
        loss.backward()
        values.append(loss.item())
        assert (logits.grad[unknown] == 0).all() and (logits.grad[~unknown] != 0).all()
    assert values[0] == values[1]
    assert torch.equal(whole.grad, known.grad)


def test_focal_is_bce_damped_by_certainty():
    p = torch.sigmoid(LOGITS)
    p_t = torch.where(LABELS == 1, p, 1 - p)
    expected = (-((1 - p_t) ** 2) * torch.log(p_t)).mean()
    assert make_loss("focal", LABELS.numpy())(LOGITS, LABELS).item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize(("negative", "positive", "margin"), [(4, 0, 0.05), (4, 1, 0.05), (2, 2, 0), (0, 0, 0.2)])
def test_asymmetric_is_its_paper_s_formula(negative, positive, margin):
    p = torch.sigmoid(LOGITS.double())
    shifted = torch.maximum(p - margin, torch.zeros(()))
    expected = torch.where(LABELS == 1, (1 - p) ** positive * torch.log(p),
                           shifted**negative * torch.log(1 - shifted))
    got = asymmetric(LOGITS, LABELS, negative, positive, margin)
    torch.testing.assert_close(got.double(), -expected, rtol=1e-4, atol=1e-6)
    own = Constants(gamma_negative=negative, gamma_positive=positive, margin=margin)
    assert make_loss("asymmetric", LABELS.numpy(), constants=own)(LOGITS, LABELS).item() == pytest.approx(
        -expected.mean().item(), rel=1e-4)


def test_asymmetric_without_gammas_and_margin_is_bce():
    flat = Constants(gamma_negative=0, gamma_positive=0, margin=0)
    assert make_loss("asymmetric", LABELS.numpy(), constants=flat)(LOGITS, LABELS).item() == pytest.approx(
        functional.binary_cross_entropy_with_logits(LOGITS, LABELS).item())


@pytest.mark.parametrize("logit", [-500.0, -60.0, 60.0, 500.0])
def test_asymmetric_and_its_gradient_stay_finite(logit):
    for margin in (0.0, 0.05):
        logits = torch.full((2, 1), logit, requires_grad=True)
        asymmetric(logits, torch.tensor([[1.0], [0.0]]), 4, 1, margin).sum().backward()
        assert torch.isfinite(logits.grad).all()


def test_parts_of_a_step_add_up_to_their_whole():
    labels = LABELS.clone()
    labels[:5, 2:] = float("nan")
    for kind in LOSSES:
        loss, count = make_loss(kind, labels.numpy()), known_labels(labels)
        parts = sum(loss(LOGITS[some], labels[some], count) for some in (slice(0, 7), slice(7, 20)))
        assert parts.item() == pytest.approx(loss(LOGITS, labels).item(), rel=1e-6)


def test_gamma_and_bound_are_those_of_the_constants():
    labels = LABELS.numpy()
    flat = make_loss("focal", labels, constants=Constants(focal_gamma=0.0))(LOGITS, LABELS)
    assert flat.item() == make_loss("bce", labels)(LOGITS, LABELS).item() != make_loss("focal", labels)(LOGITS, LABELS)
    even = make_loss("pos_weight", labels, constants=Constants(max_pos_weight=1.0))(LOGITS, LABELS)
    assert even.item() == pytest.approx(make_loss("bce", labels)(LOGITS, LABELS).item())


def test_positive_weights_are_bounded_and_one_without_positives():
    labels = np.zeros((1000, 14), np.float32)
    labels[:100, 0] = 1  # 9 negatives a positive
    labels[:2, 1] = 1  # 499: bounded
    labels[:500, 2] = np.nan
    labels[500:600, 2] = 1  # 4, counting known films only
    weights, without = positive_weights(labels)
    assert weights[:4].tolist() == [9, 50, 4, 1]
    assert without.tolist() == [False] * 3 + [True] * 11


def test_pos_weight_is_torch_s():
    labels = LABELS.numpy()
    weight = torch.from_numpy(positive_weights(labels)[0])
    expected = functional.binary_cross_entropy_with_logits(LOGITS, LABELS, pos_weight=weight)
    assert make_loss("pos_weight", labels)(LOGITS, LABELS).item() == pytest.approx(expected.item())
