import pytest
import torch
from torch import Tensor

from training.losses import frame_loss, mask_iou, per_mask_loss


def masks(size: int = 32) -> Tensor:
    out = torch.zeros(2, size, size, dtype=torch.uint8)
    out[0, 8:24, 8:24] = 1
    out[1, :16] = 1
    return out


def logits_of(target: Tensor, strength: float) -> Tensor:
    small = target[:, None, 2::4, 2::4].float()
    return (strength * (2 * small - 1)).expand(-1, 4, -1, -1).clone()


def quality(value: float) -> Tensor:
    return torch.full((2, 4), value)


def test_right_is_better_than_unsure_and_unsure_than_wrong() -> None:
    present = torch.full((2, 1), 5.0)
    losses = [
        float(frame_loss(logits_of(masks(), strength), quality(1), present, masks()))
        for strength in (10.0, 0.0, -10.0)
    ]
    assert losses == sorted(losses)
    assert losses[0] < 0.8


def test_only_the_best_candidate_counts_much() -> None:
    present = torch.full((2, 1), 5.0)
    good, bad = logits_of(masks(), 10), logits_of(masks(), -10)
    one = torch.cat([good[:, :2], bad[:, 2:]], 1)
    all_good = frame_loss(good, quality(1), present, masks())
    one_good = frame_loss(one, quality(1), present, masks())
    none_good = frame_loss(torch.cat([good[:, :1], bad[:, 1:]], 1), quality(1), present, masks())
    assert one_good - all_good < 0.2 * (none_good - all_good)


def test_absent_objects_train_presence_only() -> None:
    empty = torch.zeros(2, 32, 32, dtype=torch.uint8)
    logits = torch.randn(2, 4, 8, 8, requires_grad=True)
    presence = torch.zeros(2, 1, requires_grad=True)
    torch.autograd.backward(frame_loss(logits, quality(0.5), presence, empty))
    assert logits.grad is not None
    assert presence.grad is not None
    assert logits.grad.abs().max() == 0
    assert (presence.grad > 0).all()


def test_loss_values() -> None:
    target = torch.tensor([[[0.0, 1.0]]])
    value = per_mask_loss(torch.zeros(1, 1, 1, 2), target)
    bce, dice = 0.6931, 1 - (2 * 0.5 + 1) / (1 + 1 + 1)
    assert float(value) == pytest.approx(3 * bce + dice, abs=1e-3)


def test_iou() -> None:
    target = torch.tensor([[[1.0, 1.0, 0.0, 0.0]]])
    logits = torch.tensor([[[[1.0, -1.0, 1.0, -1.0]]]])
    assert float(mask_iou(logits, target)) == pytest.approx(1 / 3)
    assert float(mask_iou(-torch.ones(1, 1, 1, 4), torch.zeros(1, 1, 4))) == 1
