import pytest
import torch

from training.average import average


def test_weights_lie_between_those_of_both_runs() -> None:
    first, second = {"a": torch.tensor([0.0, 4.0])}, {"a": torch.tensor([2.0, 0.0])}
    assert average(first, second)["a"].tolist() == [1, 2]
    assert average(first, second, 0.25)["a"].tolist() == [0.5, 3]


def test_weights_of_different_networks_are_refused() -> None:
    with pytest.raises(ValueError, match="different networks"):
        average({"a": torch.zeros(1)}, {"a": torch.zeros(2)})
