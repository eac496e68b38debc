import pytest
import torch

from training import model as network
from training.grow import load_smaller
from training.model import FIRST_CONFIG
from training.refine import KEPT_BLOCKS, is_deep


def test_a_deeper_trunk_sees_at_first_what_the_smaller_one_saw() -> None:
    torch.manual_seed(0)
    small, large = network.build(FIRST_CONFIG), network.build()
    load_smaller(large, small.state_dict(), KEPT_BLOCKS)
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        before, after = network.encode(small, images), network.encode(large, images)
    torch.testing.assert_close(before.embedding, after.embedding)
    torch.testing.assert_close(before.stride8, after.stride8)


def test_what_is_new_learns_from_the_first_step_on() -> None:
    small, large = network.build(FIRST_CONFIG), network.build()
    load_smaller(large, small.state_dict(), KEPT_BLOCKS)
    torch.autograd.backward(
        network.encode(large, torch.randn(1, 3, 64, 64)).embedding.square().sum()
    )
    new = set(range(len(large.image_encoder.trunk.blocks))) - set(KEPT_BLOCKS)
    for index in new:
        gradient = large.image_encoder.trunk.blocks[index].attn.proj.weight.grad
        assert gradient is not None
        assert gradient.abs().max() > 0


def test_weights_of_another_network_are_refused() -> None:
    large = network.build()
    weights = network.build(FIRST_CONFIG).state_dict()
    weights["no_mem_embed"] = torch.zeros(1, 1, 64)
    with pytest.raises(ValueError, match="no_mem_embed"):
        load_smaller(large, weights, KEPT_BLOCKS)
    del weights["no_mem_embed"]
    with pytest.raises(ValueError, match="no_mem_embed"):
        load_smaller(large, weights, KEPT_BLOCKS)


def test_the_third_training_begins_with_the_whole_trunk() -> None:
    small, large = network.build(FIRST_CONFIG), network.build()
    assert not is_deep(small.state_dict())
    assert is_deep(large.state_dict())
    again = network.build()
    load_smaller(again, large.state_dict())
    for name, tensor in again.state_dict().items():
        torch.testing.assert_close(tensor, large.state_dict()[name])
